"""Open a picture that a stranger sent: its size from the header, then a small gray copy of it."""

from __future__ import annotations

import io
from dataclasses import dataclass, field

from PIL import Image, ImageOps, TiffImagePlugin, WebPImagePlugin

# Longest side of the copy that is searched for faces. A smaller picture is enlarged up to four
# times: the detector sees no face under 80 pixels, and so would miss the one in a picture of 160.
COPY_SIDE = 640
# Of the copy that is searched where the first shows no face: faces from a twentieth of the longest side are seen in it.
FINE_SIDE = 1600
_ENLARGED = 4
# What Pillow decodes by itself. Not, for one, EPS, which it hands to Ghostscript.
_FORMATS = ("JPEG", "PNG", "GIF", "BMP", TiffImagePlugin.TiffImageFile.format, WebPImagePlugin.WebPImageFile.format)
# The side is looked at before any pixel is decoded, and it is a better guard than Pillow's: it is told by its
# own error. Pillow's would also print a warning.
Image.MAX_IMAGE_PIXELS = None


@dataclass(frozen=True, slots=True)
class Picture:
    """`width`, `height`: pixels of the whole picture; `copy`: gray, `scale` times as large as the picture."""

    width: int
    height: int
    format: str
    copy: Image.Image | None = field(repr=False)
    scale: float


def decode(data: bytes, longest: int, side: int = COPY_SIDE) -> Picture | None:
    """Decode a picture, or None if that is not possible; `copy` is None if a side is over `longest`.

    A picture that its EXIF orientation turns is read as every viewer shows it.
    """
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            kind, (width, height) = str(image.format), image.size
            if max(width, height) > longest:
                return Picture(width, height, kind, None, 1.0)
            image.draft("L", (side, side))
            image.load()
            copy = ImageOps.exif_transpose(_shrunk(image, max(width, height), side))
    # Hostile bytes make Pillow raise nearly anything: OSError, ValueError, struct.error, zlib.error, MemoryError, …
    except Exception:
        return None
    if _turns(copy, width, height):
        width, height = height, width
    return Picture(width, height, kind, copy, max(copy.size) / max(width, height))


def measure(data: bytes) -> tuple[str, int, int] | None:
    """Format, width and height as the header of a picture tells them; None where there is none. Decodes no pixel."""
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            return str(image.format), image.width, image.height
    except Exception:  # as above
        return None


def _shrunk(image: Image.Image, whole: int, side: int) -> Image.Image:
    """A gray copy whose longest side is `side` where the picture is large enough; `whole`: that of the picture."""
    gray = _gray(image)
    factor = min(side, whole * _ENLARGED) / max(gray.size)
    size = (max(1, round(gray.width * factor)), max(1, round(gray.height * factor)))
    copy = gray.resize(size, Image.Resampling.BOX if factor < 1 else Image.Resampling.BICUBIC)
    copy.info = image.info
    exif = image.getexif()
    if exif:
        copy.info = {**image.info, "exif": exif.tobytes()}
    return copy


def _gray(image: Image.Image) -> Image.Image:
    """The picture in 8-bit gray, transparent parts on white."""
    if image.mode.startswith(("I", "F")):
        # 16-bit gray; converted as it is, all but the darkest would be white.
        return image.convert("F").point(lambda value: value * (1 / 257)).convert("L")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(white, layer).convert("L")
    return image.convert("L")


def _turns(copy: Image.Image, width: int, height: int) -> bool:
    return (copy.width > copy.height) != (width > height) and width != height
