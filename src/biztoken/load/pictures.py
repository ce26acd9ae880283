"""A place in a picture whose bytes may differ from request to request, and the picture stays the same. Pure."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, replace
from random import Random

from biztoken.errors import UserError
from biztoken.model import Form, Upload

DIGITS = 10  # bytes that differ
NUMBERS: int = 10**DIGITS
_TEXT = b"tEXtComment\0"  # a chunk of a PNG that no viewer shows
_SOI, _COMMENT = b"\xff\xd8", b"\xff\xfe"
_PNG, _END = b"\x89PNG\r\n\x1a\n", b"IEND"


def first_of(run: str, place: int, places: int) -> int:
    """The digits with which one of the makers of a run begins, as a number: they go on far from those of the others.

    `run`: whatever tells it from another, whose digits are others, too.
    """
    return (Random(run).randrange(NUMBERS) + place * (NUMBERS // places)) % NUMBERS


def marked(form: Form, number: int) -> Form:
    """A form with a mark in each of its pictures."""
    digits = b"%010d" % number
    return tuple(
        (name, replace(value, data=make_mark(value.data, value.label).around(digits)))
        if isinstance(value, Upload)
        else (name, value)
        for name, value in form
    )


@dataclass(frozen=True, slots=True)
class Mark:
    """A picture around a mark of ten digits. `has_sum`: a checksum of the mark follows it (PNG)."""

    before: bytes
    after: bytes
    has_sum: bool

    def around(self, digits: bytes) -> bytes:
        """The picture with these digits: always the same length."""
        return self.before + (with_sum(digits) if self.has_sum else digits) + self.after


def with_sum(digits: bytes) -> bytes:
    """Digits as a PNG has them in its comment: with a checksum."""
    return digits + struct.pack(">I", zlib.crc32(_TEXT + digits))


def make_mark(data: bytes, label: str) -> Mark:
    """A JPEG with a comment after its APP segments, a PNG with one before its end. UserError for another picture."""
    if data.startswith(_SOI):
        place = _after_applications(data)
        segment = _COMMENT + struct.pack(">H", 2 + DIGITS)
        return Mark(data[:place] + segment, data[place:], has_sum=False)
    place = data.rfind(_END) - 4
    if data.startswith(_PNG) and place > 0:
        length = struct.pack(">I", len(_TEXT) - 4 + DIGITS)
        return Mark(data[:place] + length + _TEXT, data[place:], has_sum=True)
    raise UserError(
        f"pictures: differ: {label}",
        "this picture cannot be made to differ; give a JPEG or PNG",
        "无法让这张图片每次不同；请给出 JPEG 或 PNG",
    )


def _after_applications(data: bytes) -> int:
    """Where the APP segments at the beginning of a JPEG end: what names its kind must come first."""
    place = len(_SOI)
    while data[place : place + 1] == b"\xff" and 0xE0 <= (data[place + 1 : place + 2] or b"\0")[0] <= 0xEF:
        place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return min(place, len(data))
