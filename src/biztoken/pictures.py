"""Test pictures by name, made at run time from one public-domain portrait (see conformance/portrait.md).

Names: face, face.png, face-fresh and fresh-SIDE (differ each time), two-faces, three-faces,
two-faces-large-sharp-R, two-faces-large-blurred-R (so is the larger one, and the other is not) and
two-faces-large-both-R (both blurred),
no-face, turned-90|180|270, blurred-R (Gaussian radius R at 300 px), side-4096, wide-4097, tall-4097
(the number is any side), not-a-picture, text, zeros, empty, truncated.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from random import Random

from PIL import Image, ImageFilter

from biztoken.contract import bundled
from biztoken.errors import UserError
from biztoken.model import Upload


class Pictures:
    """Makes each picture once. `own` maps face, two_faces, no_face, low_quality, turned to the user's files.

    `series`: what fresh pictures are made from beside the seed; another one makes others.
    """

    def __init__(self, own: Mapping[str, Path] | None = None, seed: int = 0, series: str = "") -> None:
        self._own = dict(own or {})
        self._made: dict[str, Upload] = {}
        self._seed = seed
        self._series = series
        self._taken: Counter[str] = Counter()
        for path in self._own.values():
            self._open(path)  # what nothing can read is the user's mistake, not the target's
        self._portrait = self._open(self._own.get("face") or bundled("conformance") / "portrait.jpg")

    def _open(self, path: Path) -> Image.Image:
        try:
            with Image.open(path) as picture:
                return picture.convert("RGB")
        except (OSError, ValueError):
            raise UserError(
                f"pictures: {path}",
                "this is no readable picture; give a JPEG or PNG",
                "不是可读的图片；请给出 JPEG 或 PNG",
            ) from None

    def has_own(self, name: str) -> bool:
        return name in self._own

    def get(self, name: str) -> Upload:
        """The picture of that name; KeyError for a name that does not exist."""
        if name == "face-fresh" or name.startswith("fresh-"):
            return self._fresh(name)
        if name not in self._made:
            try:
                self._made[name] = self._make(name)
            except ValueError:  # not a number where one is due
                raise KeyError(name) from None
        return self._made[name]

    def _make(self, name: str) -> Upload:
        own = {"face": "face", "two-faces": "two_faces", "no-face": "no_face", "turned-90": "turned"}.get(name, "")
        if own in self._own:
            return self._from_file(name, self._own[own])
        kind, _, value = name.partition("-")
        if name in BROKEN:
            return Upload(name, BROKEN[name])
        if name == "truncated":
            return Upload(name, self.get("face").data[:-200])
        if name == "face-as-blob":  # as browsers send what has no name of its own
            return replace(self.get("face"), label=name, filename="blob")
        if name == "face.png":
            return self._png(name, self._portrait)
        if name == "own-low-quality":
            return self._from_file(name, self._own["low_quality"])
        makers: Mapping[str, Callable[[], Image.Image]] = {
            "face": lambda: self._portrait,
            "no-face": self._gradient,
            "two-faces": lambda: self._side_by_side((1.0, 0.0), (1.0, 0.0)),
            "three-faces": lambda: self._side_by_side((1.0, 0.0), (1.0, 0.0), (1.0, 0.0)),
        }
        if name in makers:
            return self._jpeg(name, makers[name]())
        if name.startswith("two-faces-large-"):
            largest, _, radius = name.removeprefix("two-faces-large-").partition("-")
            large = 0.0 if largest == "sharp" else float(radius)
            small = 0.0 if largest == "blurred" else float(radius)
            return self._jpeg(name, self._side_by_side((1.0, large), (0.7, small)))
        if kind in ("turned", "blurred", "side", "wide", "tall"):
            return self._jpeg(name, self._changed(kind, float(value)))
        raise KeyError(name)

    def _changed(self, kind: str, value: float) -> Image.Image:
        if kind == "turned":
            return self._portrait.rotate(value, expand=True)
        if kind == "blurred":
            return self._blurred(value)
        side = int(value)
        # Scaled as a whole, never pasted on a large canvas: detectors look at a reduced copy.
        large = self._portrait.resize((side, side), Image.Resampling.BILINEAR)
        short = side * 15 // 16
        box = {"side": (0, 0, side, side), "wide": (0, 0, side, short), "tall": (0, 0, short, side)}[kind]
        return large.crop(box)

    def _blurred(self, radius: float) -> Image.Image:
        scale = self._portrait.width / 300
        return self._portrait.filter(ImageFilter.GaussianBlur(radius * scale)) if radius else self._portrait

    def _side_by_side(self, *faces: tuple[float, float]) -> Image.Image:
        """Copies of the portrait in a row: (scale, blur radius) each, the first the largest."""
        width, height = self._portrait.size
        canvas = Image.new("RGB", (width * len(faces), height), (128, 128, 128))
        for column, (scale, radius) in enumerate(faces):
            face = self._blurred(radius).resize((int(width * scale), int(height * scale)))
            canvas.paste(face, (column * width, height - face.height))
        return canvas

    def _gradient(self) -> Image.Image:
        return Image.linear_gradient("L").resize((300, 300)).convert("RGB")

    def rewind(self) -> None:
        """Begin the series of fresh pictures again: for a run against another target."""
        self._taken.clear()

    def _fresh(self, name: str) -> Upload:
        """A face that no cache has seen: pixels in two corners differ."""
        self._taken[name] += 1
        label = f"{name}/{self._taken[name]}"
        if label not in self._made:
            side = 0 if name == "face-fresh" else self._number(name)
            picture = self._portrait.resize((side, side)) if side else self._portrait.copy()
            rng = Random(f"{self._seed}/{self._series}/{label}")
            for corner in (0, picture.width - 1):
                picture.putpixel((corner, 0), (rng.randrange(256), rng.randrange(256), rng.randrange(256)))
            self._made[label] = self._jpeg(name, picture)
        return self._made[label]

    @staticmethod
    def _number(name: str) -> int:
        digits = name.rpartition("-")[2]
        if not digits.isdigit():
            raise KeyError(name)
        return int(digits)

    def _jpeg(self, name: str, picture: Image.Image) -> Upload:
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=90 if picture.width < 2000 else 75)
        return Upload(name, out.getvalue())

    def _png(self, name: str, picture: Image.Image) -> Upload:
        out = io.BytesIO()
        picture.save(out, "PNG", compress_level=1)
        return Upload(name, out.getvalue(), "picture.png", "image/png")

    def _from_file(self, name: str, path: Path) -> Upload:
        try:
            data = path.read_bytes()
        except OSError as problem:
            reason = problem.strerror
            raise UserError(
                f"pictures: {path}",
                f"cannot be read ({reason}); give another path",
                f"无法读取（{reason}）；请换一个路径",
            ) from None
        png = data.startswith(b"\x89PNG")
        return Upload(name, data, "picture.png" if png else "picture.jpg", "image/png" if png else "image/jpeg")


# Bytes with no valid header of any picture format.
BROKEN: Mapping[str, bytes] = {
    "not-a-picture": bytes(Random(28).randbytes(4096)),
    "text": b"This is text, not a picture. " * 20,
    "zeros": bytes(2048),
    "empty": b"",
}
