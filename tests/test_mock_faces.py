"""What the mock sees in pictures."""

from __future__ import annotations

import asyncio
import io
import struct
import zlib
from itertools import pairwise
from unittest.mock import patch

import numpy as np
import pytest
from mock_service import FACE, NO_FACE, NO_PICTURE, TWO_FACES, encoded, portrait
from PIL import Image

from biztoken.mock import faces
from biztoken.mock.decoding import decode
from biztoken.mock.faces import Look, look
from biztoken.mock.gallery import Gallery

LONGEST = 4096


def png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of which only the header and these chunks are there."""
    head = (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    written = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in (head, *chunks, (b"IEND", b""))
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(written)


@pytest.mark.parametrize("side", [100, 120, 150, 160, 200, 250, 300, 450, 640, 1000, 2000])
def test_one_face_is_seen_at_every_size(side: int) -> None:
    """The portrait shows exactly one face from 100 to 2000 pixels, small ones because they are enlarged."""
    seen = look(encoded(portrait(side=side)), LONGEST, False)

    assert (seen.problem, len(seen.faces), seen.turned) == ("", 1, 0)
    face = seen.faces[0]
    assert abs(face.left / side - 0.33) < 0.05
    assert abs(face.width / side - 0.28) < 0.06


@pytest.mark.parametrize(("width", "height", "side"), [(1280, 720, 300), (3000, 4000, 1000), (4096, 3000, 900)])
def test_small_face_of_a_large_photo_is_seen(width: int, height: int, side: int) -> None:
    """A person who stands back: the face takes a fourteenth of the longest side, and less."""
    photo = Image.new("RGB", (width, height), "gray")
    photo.paste(portrait(side=side), (width // 3, (height - side) // 2))

    (face,) = look(encoded(photo), LONGEST, False).faces

    assert abs((face.left - width // 3) / side - 0.33) < 0.05
    assert abs(face.width / side - 0.28) < 0.06


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF"])
def test_formats_that_pillow_reads_itself_are_read(kind: str) -> None:
    """Common formats are accepted beside JPEG and PNG."""
    seen = look(encoded(portrait(), kind), LONGEST, False)

    assert (seen.problem, seen.format, len(seen.faces)) == ("", kind, 1)


@pytest.mark.parametrize("mode", ["L", "RGBA", "LA", "P", "CMYK", "I;16"])
def test_modes_of_a_picture_do_not_matter(mode: str) -> None:
    """Gray, palette, transparent, 16-bit and print pictures show the same face."""
    if mode == "I;16":
        gray = np.asarray(portrait().convert("L"), dtype=np.uint16) * 257
        picture = Image.fromarray(gray)
    else:
        picture = portrait().convert(mode)
    data = encoded(picture, "TIFF" if mode == "CMYK" else "PNG")

    assert len(look(data, LONGEST, False).faces) == 1


def test_several_faces_come_the_largest_first() -> None:
    """Of two faces of different size the larger leads."""
    canvas = Image.new("RGB", (450, 300), "gray")
    canvas.paste(portrait(side=150), (0, 150))
    canvas.paste(portrait(), (150, 0))

    found = look(encoded(canvas), LONGEST, False).faces

    assert len(found) == 2
    assert found[0].width > 1.5 * found[1].width
    assert found[0].left > 150


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_turned_face_is_found_only_by_turning(degrees: int) -> None:
    """The detector sees upright faces only, which makes multi_oriented_detection a real choice."""
    data = encoded(portrait(turn=degrees))

    assert look(data, LONGEST, False).problem == "no-face"
    seen = look(data, LONGEST, True)
    assert (seen.problem, len(seen.faces)) == ("", 1)
    assert (seen.turned + degrees) % 360 == 0


def test_exif_orientation_is_honoured() -> None:
    """A picture that is stored turned and says so is seen as every viewer shows it."""
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(portrait().crop((0, 0, 300, 260)).rotate(90, expand=True), exif=exif)

    seen = look(data, LONGEST, False)

    assert (seen.problem, seen.turned) == ("", 0)
    assert abs(seen.faces[0].left - 100) < 15


@pytest.mark.parametrize(
    "data",
    [
        NO_PICTURE,
        b"",
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        FACE[: len(FACE) // 2],
        encoded(portrait(), "PNG")[:5000],
        png(10, 10),
        png(0, 10),
    ],
    ids=["text", "empty", "jpeg", "png", "eps", "half-jpeg", "half-png", "png-without-data", "png-without-width"],
)
def test_damaged_bytes_are_undecodable(data: bytes) -> None:
    """What cannot be decoded to the end is no picture; nothing raises."""
    assert look(data, LONGEST, True) == Look("undecodable")


def test_huge_header_is_told_by_its_size_without_decoding() -> None:
    """A header of 60000 x 60000 is too large, and its pixels are never asked for."""
    assert look(png(60000, 60000), LONGEST, True).problem == "too-large"


def test_decompression_bomb_is_refused() -> None:
    """A few kilobytes that unpack to many megabytes are undecodable."""
    bomb = b"x\0\0" + zlib.compress(bytes(300_000_000), 9)

    assert look(png(10, 10, (b"zTXt", bomb), (b"iTXt", b"")), LONGEST, True) == Look("undecodable")


@pytest.mark.parametrize(
    ("size", "problem"),
    [((4097, 8), "too-large"), ((8, 4097), "too-large"), ((4096, 8), "no-face"), ((8, 4096), "no-face")],
)
def test_side_of_4096_is_legal_and_one_more_is_not(size: tuple[int, int], problem: str) -> None:
    """The longest legal side is legal on both axes."""
    assert look(encoded(Image.new("L", size), "PNG"), LONGEST, False).problem == problem


def test_face_in_the_largest_legal_picture_is_found() -> None:
    """A JPEG of 4096 x 4096 is searched on a reduced copy, and the face is told in its own pixels."""
    seen = look(encoded(portrait(side=4096)), LONGEST, False)

    assert len(seen.faces) == 1
    assert 1000 < seen.faces[0].width < 1400


def test_quality_falls_smoothly_with_blur() -> None:
    """From sharp to a blur of 3 pixels the score walks from about 80 to below 10 and passes 30."""
    scores = [look(encoded(portrait(blur=step / 8), "PNG"), LONGEST, False).faces[0].quality for step in range(25)]

    assert 70 < scores[0] < 90
    assert scores[-1] < 10
    # The detector may see the same face in a box of another size, which moves the score by a point or two.
    assert all(after < before + 2 for before, after in pairwise(scores))
    assert all(before - after < 12 for before, after in pairwise(scores))
    assert any(score < 30 for score in scores)


def test_quality_never_reaches_100() -> None:
    """Even noise scores below 100, so that the threshold 100 refuses every picture."""
    noise = np.random.default_rng(1).integers(0, 2, (112, 112), dtype=np.uint8) * 255

    assert 95 < faces.quality(Image.fromarray(noise)) < 100
    assert faces.quality(Image.new("L", (112, 112))) == 0


@pytest.mark.parametrize("data", [NO_FACE, encoded(Image.new("RGB", (300, 300), "white"))])
def test_picture_without_a_face_has_none(data: bytes) -> None:
    """No face is seen where there is none, turned or not."""
    assert look(data, LONGEST, True).problem == "no-face"


def test_two_copies_are_two_faces() -> None:
    """Two portraits side by side are two faces that are good enough by default."""
    found = look(TWO_FACES, LONGEST, False).faces

    assert len(found) == 2
    assert min(face.quality for face in found) > 50


def test_each_distinct_picture_is_looked_at_once() -> None:
    """Those who ask while a look is under way share it; so do those who ask later."""

    async def ask() -> tuple[list[Look], int]:
        gallery = Gallery()
        looks = list(await asyncio.gather(*(gallery.look(FACE, LONGEST, False) for _ in range(5))))
        looks.append(await gallery.look(bytes(FACE), LONGEST, False))
        await gallery.look(NO_PICTURE, LONGEST, False)
        gallery.close()
        return looks, gallery.looked

    looks, looked = asyncio.run(ask())

    assert looked == 2
    assert len(looks) == 6
    assert len(set(looks)) == 1


def test_gallery_forgets_the_oldest_and_what_failed() -> None:
    """The memory is bounded, and a look that raised is tried again."""

    async def ask() -> int:
        gallery = Gallery(remembered=2)
        with patch("biztoken.mock.faces.decode", side_effect=MemoryError), pytest.raises(MemoryError):
            await gallery.look(b"1", LONGEST, False)
        for data in (b"1", b"2", b"3", b"1"):
            await gallery.look(data, LONGEST, False)
        gallery.close()
        return gallery.looked

    assert asyncio.run(ask()) == 5


def test_hostile_bytes_do_not_raise() -> None:
    """Pictures with a random byte changed are looked at or refused."""
    rng = np.random.default_rng(7)
    data = encoded(portrait(side=60), "PNG")
    for position in rng.integers(0, len(data), 200):
        spoiled = bytearray(data)
        spoiled[position] ^= 0x55
        decode(bytes(spoiled), LONGEST)
    assert io.BytesIO(data).read(4) == b"\x89PNG"
