"""Pictures that are small on the wire and large when opened, or that lie about themselves."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random

from PIL import Image

PORTRAIT = (Path(__file__).resolve().parents[1] / "conformance" / "portrait.jpg").read_bytes()
MEGABYTE = 1_000_000


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(width: int, height: int, depth: int, color: int, rows: Iterable[bytes], *extra: bytes) -> bytes:
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(row) for row in rows) + packer.flush()
    start = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0))
    return start + b"".join(extra) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _mark(rng: Random) -> bytes:
    """A comment that makes the picture a new one, so that it is looked at."""
    return _chunk(b"tEXt", b"a\0%d" % rng.randrange(10**9))


def _large_png(rng: Random, size: float) -> bytes:
    depth, color, width = rng.choice(((8, 6, 4), (16, 6, 8), (16, 0, 2), (8, 2, 3), (1, 0, 0.125)))
    return _png(4096, 4096, depth, color, (bytes(1 + int(4096 * width)) for _ in range(4096)), _mark(rng))


def _declared_png(rng: Random, size: float) -> bytes:
    side = rng.choice((4096, 65_535, 2**31 - 1, 2**32 - 1, 0))
    return _png(side, rng.choice((1, side)), 8, 6, [bytes(1000)], _mark(rng))


def _text_png(rng: Random, size: float) -> bytes:
    bomb = zlib.compress(bytes(int(size * 100 * MEGABYTE)), 9)
    texts = [_chunk(b"zTXt", b"k%d\0\0" % number + bomb) for number in range(20)]
    return _png(8, 8, 8, 0, [bytes(9)] * 8, _mark(rng), *texts, _chunk(b"iCCP", b"p\0\0" + bomb))


def _endless_png(rng: Random, size: float) -> bytes:
    return _png(100, 100, 8, 0, (bytes(MEGABYTE) for _ in range(int(size * 300))), _mark(rng))


def _declared_jpeg(rng: Random, size: float) -> bytes:
    at = PORTRAIT.index(b"\xff\xc0") if b"\xff\xc0" in PORTRAIT else PORTRAIT.index(b"\xff\xc2")
    height, width = rng.choice(((65_500, 65_500), (4096, 4096), (1, 65_535), (0, 0), (4096, 1)))
    return PORTRAIT[: at + 5] + struct.pack(">HH", height, width) + PORTRAIT[at + 9 :] + rng.randbytes(8)


def _spoilt_jpeg(rng: Random, size: float) -> bytes:
    data = bytearray(PORTRAIT)
    for _ in range(rng.choice((1, 10, 100))):
        data[rng.randrange(2, len(data))] = rng.randrange(256)
    return bytes(data)


def _scans_jpeg(rng: Random, size: float) -> bytes:
    """A progressive picture whose last scan comes again and again: work for little."""
    stream = io.BytesIO()
    Image.new("L", (2048, 2048), rng.randrange(256)).save(stream, "JPEG", progressive=True)
    data = stream.getvalue()
    scan = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + scan * 500 + b"\xff\xd9"


def _gif(rng: Random, size: float) -> bytes:
    side = rng.choice((65_535, 4096))
    frame = b",\0\0\0\0" + struct.pack("<HH", side, side) + b"\0\x02\x02\x4c\x01\0"
    start = b"GIF89a" + struct.pack("<HH", rng.choice((8, side)), side) + b"\x80\0\0\0\0\0\xff\xff\xff"
    return start + frame * rng.choice((1, 5000)) + b";" + rng.randbytes(4)


def _tiff(rng: Random, size: float) -> bytes:
    """Directories that follow each other in a circle, with counts that cannot be."""
    entries = (
        (256, 4, 1, 4096),
        (257, 4, 1, 4096),
        (258, 3, rng.choice((1, 2**31)), 8),
        (259, 3, 1, rng.choice((1, 5, 7, 8))),
        (262, 3, 1, 1),
        (273, 4, 1, 8),
        (277, 3, 1, rng.choice((1, 5000))),
        (279, 4, 1, 2**31 - 1),
    )
    rows = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return (
        b"II*\0"
        + struct.pack("<I", 8)
        + struct.pack("<H", len(entries))
        + rows
        + struct.pack("<I", 8)
        + rng.randbytes(100)
    )


def _bmp(rng: Random, size: float) -> bytes:
    side = rng.choice((4096, 2**31 - 1, -(2**31)))
    info = struct.pack(
        "<IiiHHIIiiII",
        40,
        side,
        rng.choice((1, side)),
        1,
        rng.choice((1, 8, 24, 32)),
        rng.choice((0, 1, 2, 3)),
        0,
        0,
        0,
        0,
        0,
    )
    return b"BM" + struct.pack("<IHHI", 100, 0, 0, 54) + info + rng.randbytes(200)


def _webp(rng: Random, size: float) -> bytes:
    body = (
        b"VP8X"
        + struct.pack("<I", 10)
        + bytes([rng.choice((0, 2, 16)), 0, 0, 0])
        + b"\xff\x0f\x00" * 2
        + rng.randbytes(200)
    )
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


# Each of chance and size: 1, or less for a short trial.
BOMBS: tuple[Callable[[Random, float], bytes], ...] = (
    _large_png,
    _large_png,
    _declared_png,
    _text_png,
    _endless_png,
    _declared_jpeg,
    _spoilt_jpeg,
    _scans_jpeg,
    _gif,
    _tiff,
    _bmp,
    _webp,
)
