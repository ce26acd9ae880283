"""Find faces in a picture, and say how sharp they are. dlib's frontal detector sees upright faces only."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from biztoken.mock.decoding import COPY_SIDE, FINE_SIDE, Picture, decode

_CROP = 112
# The variance of the Laplacian that scores 50. Measured: the portrait of conformance/ has 264 and scores 80; blurred
# by a Gaussian of radius 0.5, 1, 2 and 3 pixels (of 300) it has 131, 28, 6.3 and 3.7, and scores 67, 30, 9 and 5.
_HALF = 66.0
_TURNS = {
    90: Image.Transpose.ROTATE_90,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_270,
}
_own = threading.local()


@dataclass(frozen=True, slots=True)
class Face:
    """A face, in pixels of the whole picture. `quality`: 0 to 99.9, the sharper the higher."""

    left: int
    top: int
    width: int
    height: int
    quality: float


@dataclass(frozen=True, slots=True)
class Look:
    """What is seen in a picture. `problem`: undecodable, too-large, no-face or none.

    `faces`: the largest first. `turned`: degrees by which it had to be turned until a face was found.
    """

    problem: str
    format: str | None = None
    faces: tuple[Face, ...] = ()
    turned: int = 0


def look(data: bytes, longest: int, turn: bool) -> Look:
    """Look at a picture with sides of at most `longest`; `turn` it if no face is found."""
    picture = decode(data, longest)
    if picture is None:
        return Look("undecodable")
    if picture.copy is None:
        return Look("too-large", picture.format)
    faces = _find(picture.copy, picture) or _find_small(data, longest, picture)
    if faces:
        return Look("", picture.format, faces)
    for degrees, how in _TURNS.items() if turn else ():
        faces = _find(picture.copy.transpose(how), picture)
        if faces:
            return Look("", picture.format, faces, degrees)
    return Look("no-face", picture.format)


def warm_up() -> None:
    """Load the detector of this thread, which takes a quarter of a second."""
    _detector()


def quality(crop: Image.Image) -> float:
    """Score the sharpness of a face from 0 to 99.9."""
    pixels = np.asarray(crop.resize((_CROP, _CROP), Image.Resampling.LANCZOS), dtype=np.float64)
    laplacian = 4 * pixels[1:-1, 1:-1] - pixels[:-2, 1:-1] - pixels[2:, 1:-1] - pixels[1:-1, :-2] - pixels[1:-1, 2:]
    variance = float(laplacian.var())
    return int(1000 * variance / (variance + _HALF)) / 10


def _find_small(data: bytes, longest: int, picture: Picture) -> tuple[Face, ...]:
    """Faces that are too small to be seen in the copy, as in a photo of a whole person."""
    if max(picture.width, picture.height) <= COPY_SIDE:
        return ()
    finer = decode(data, longest, FINE_SIDE)
    return _find(finer.copy, finer) if finer and finer.copy else ()


def _find(copy: Image.Image, picture: Picture) -> tuple[Face, ...]:
    pixels: NDArray[np.uint8] = np.asarray(copy)
    faces = [_face(box, copy, picture.scale) for box in _detector()(pixels, 0)]
    return tuple(sorted(faces, key=lambda face: -face.width * face.height))


def _face(box: Any, copy: Image.Image, scale: float) -> Face:
    left, top = max(0, box.left()), max(0, box.top())
    right, bottom = min(copy.width, box.right() + 1), min(copy.height, box.bottom() + 1)
    score = quality(copy.crop((left, top, right, bottom)))
    x, y, width, height = (round(side / scale) for side in (left, top, right - left, bottom - top))
    return Face(x, y, width, height, score)


@cache
def _dlib() -> Any:
    # Not at the top of the module: loading it is a third of the time in which the mock starts.
    import dlib  # noqa: PLC0415

    return dlib


def _detector() -> Any:
    """The detector of this thread: one object may not search two pictures at once."""
    if not hasattr(_own, "detector"):
        _own.detector = _dlib().get_frontal_face_detector()
    return _own.detector
