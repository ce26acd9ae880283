"""What a field that should be a picture holds: one, a damaged one, or a text about one."""

from __future__ import annotations

import base64
import binascii
import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote_to_bytes

from PIL import Image

from biztoken.lint.advice import Remark
from biztoken.lint.request import Field

# The vendor's page of the later call, verify, refuses a photo over 2 MB; this page gives no limit for one picture.
ADVISED_BYTES = 2 * 1024 * 1024
_MAGIC = re.compile(rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|BM.{12}|RIFF....WEBP|II\*\0|MM\0\*", re.DOTALL)
_PHONE = re.compile(rb"....ftyp(?:heic|heix|mif1|msf1|avif|hevc)", re.DOTALL)
_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP")
_PATH = re.compile(
    r"@.+|~?/.+|\.{1,2}[/\\].+|[A-Za-z]:[/\\].+|\\\\.+|(?:file|https?|content|ftp|blob|classpath):\S+"
    r"|[^\r\n]+\.(?:jpe?g|png|bmp|gif|webp|heic|tiff?)",
    re.IGNORECASE,
)
# What languages print where an object was meant to be a file.
_OBJECT = re.compile(
    r"\[object \w+\]|\{\}|\[\]|null|undefined|none|nil|true|false|array|object|resource id #\d+|<[^<>]*>|#<.*>"
    r"|(?:[\w$]+\.)+[\w$]+(?:\[\])?|(?:\[B|[\w$.]+)@[0-9a-f]{1,16}|&?\{.*\}|\w+\{.*\}"
    r"|(?:Optional|Promise|File|Blob|CURLFile|Instance of)\b.*",
    re.IGNORECASE | re.DOTALL,
)
# Numbers from -128 to 255 with commas, or hexadecimal digits.
_WRITTEN_OUT = re.compile(r"\[?\s*(?:-?\d{1,3}\s*,\s*){8}[-\d\s,]*\]?|(?i:ffd8ff|89504e47)[0-9a-fA-F]*")
_HEAD = 4_096  # characters that tell what a text is: of more, patterns take gigabytes
_LONGEST_NAME = 1_000  # characters of a path, or of what is printed for an object
_LONG_BASE64 = 200  # characters; no path and no name is that long and made of the alphabet alone
_EVERY_BYTE = 4_000  # a picture of so many bytes lacks a given one once in six million times
_MANGLED_LINES = 8  # line feeds of which none lacks its CR: by chance once in 10^19 pictures


def judge_picture(field: Field, longest_side: int) -> list[Remark]:
    """What is wrong with a picture; an empty list for a sound one."""
    name, value = field.name, field.value
    is_wrapped = field.transfer_encoding == "base64"
    if is_wrapped:
        value = _decoded(value) or value
    if not value.strip():
        return [Remark("file-part-empty", name)]
    if not _MAGIC.match(value):
        return [] if is_wrapped else [_no_picture(name, value)]
    remarks = _whole(name, value, longest_side)
    if len(value) > ADVISED_BYTES:
        remarks.append(Remark("picture-too-large", name, "bytes", {"size": f"{len(value):,}"}))
    if field.origin == "part" and not field.filename and not is_wrapped:
        remarks.append(Remark("file-part-without-filename", name))
    return remarks


def _whole(name: str, value: bytes, longest_side: int) -> list[Remark]:
    """What is wrong with bytes that begin as a picture does."""
    if _has_lost_lines(value):
        return [Remark("image-bytes-corrupted", name, "newlines")]
    if value.startswith(b"\x89PNG") and b"IEND" not in value:
        return [Remark("image-bytes-corrupted", name, "cut")]
    try:
        with _quiet(), Image.open(io.BytesIO(value), formats=_FORMATS) as image:
            side = max(image.size)
            if side > longest_side:
                values = {"width": image.size[0], "height": image.size[1], "longest": longest_side}
                return [Remark("picture-too-large", name, "side", values, "breaks", _size_clause(name))]
            image.draft("L", (640, 640))
            image.load()
    # Damaged bytes make Pillow raise nearly anything: OSError, ValueError, struct.error, zlib.error, MemoryError, …
    except Exception:
        return [Remark("image-bytes-corrupted", name, "cut")]
    return []


@contextmanager
def _quiet() -> Iterator[None]:
    """Pillow without its warnings, of EXIF data for one, and without its guard: the side is looked at before any pixel.

    Both belong to the whole process, which may be an integrator's: they are as before when it is over. In several
    threads at once one may leave them to another, and lax.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        most, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = most


def _has_lost_lines(value: bytes) -> bool:
    """Whether something changed the line breaks, although a decoder may take no offence.

    Either no LF is without its CR, or of all 256 bytes just CR or LF never occurs.
    """
    lines = value.count(b"\n")
    if lines >= _MANGLED_LINES and lines == value.count(b"\r\n"):
        return True
    return len(value) >= _EVERY_BYTE and set(range(256)) - set(value) in ({0x0D}, {0x0A})


def _size_clause(name: str) -> str:
    return f"{name}-size".upper().replace("_", "-")


def _no_picture(name: str, value: bytes) -> Remark:
    """What bytes are that do not begin as a picture does."""
    text = _text(value)
    if text is not None:
        return _from_text(name, text)
    return (
        Remark("image-bytes-corrupted", name, _damage(value))
        if not _PHONE.match(value)
        else Remark("picture-format", name)
    )


def _text(value: bytes) -> str | None:
    """The value as text without control characters but blanks; None for anything else."""
    try:
        text = value.decode("utf-8").strip()
    except UnicodeDecodeError:
        return None
    return None if re.search(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ufffd]", text) else text


def _from_text(name: str, text: str) -> Remark:
    if re.match(r"data:[^,]{0,200}base64,", text, re.IGNORECASE):
        return Remark("image-base64", name, "data-url")
    if re.match(r"[bB]u?(['\"])\\x[fF89]", text):
        return Remark("image-bytes-corrupted", name, "written-out")
    head = re.sub(r"%[0-9A-Fa-f]?\Z", "", text[:_HEAD])
    if _WRITTEN_OUT.fullmatch(head):
        return Remark("image-bytes-corrupted", name, "written-out")
    if _is_base64_picture(head):
        return Remark("image-base64", name)
    if len(text) > _LONGEST_NAME:
        return Remark("image-bytes-corrupted", name, "text")
    if _PATH.fullmatch(text):
        return Remark("image-path-as-text", name)
    return (
        Remark("lost-file-part", name, "object")
        if _OBJECT.fullmatch(text)
        else Remark("image-bytes-corrupted", name, "text")
    )


def _is_base64_picture(text: str) -> bool:
    """Whether the beginning of a text is base64, of any spelling, of a picture or at least of something long."""
    plain = unquote_to_bytes(text) if "%" in text else text.encode()
    compact = re.sub(rb"[\r\n\t\\]", b"", plain).replace(b" ", b"+").translate(bytes.maketrans(b"-_", b"+/"))
    if not re.fullmatch(rb"[A-Za-z0-9+/]{12,}={0,2}", compact):
        return False
    return len(compact) >= _LONG_BASE64 or bool(_MAGIC.match(_decoded(compact[:64]) or b""))


def _decoded(value: bytes) -> bytes | None:
    try:
        return base64.b64decode(re.sub(rb"\s", b"", value).rstrip(b"=") + b"==")
    except (binascii.Error, ValueError):
        return None


def _damage(value: bytes) -> str:
    """How bytes that are no text and no picture came about."""
    head = value[:64]
    if b"\xef\xbf\xbd" in head:
        return "utf-8"
    if head.startswith((b"\xc3\xbf\xc3\x98", b"\xc2\x89PNG")):
        return "latin-1"
    if re.search(rb"\xff\xd8\xff|\x89PNG\r\n", head):
        return "leading"
    if b"JFIF" in head or b"Exif" in head or b"PNG" in head[:8] or head.startswith((b"\xff\x00\xd8", b"\xff\xd8")):
        return "mangled"
    return "no-picture"
