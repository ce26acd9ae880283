"""The head of a reply read by hand, where it is of the common kind; all others are for `wire.ReplyParser`. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

END = b"\r\n\r\n"
LONGEST = 8_192  # bytes of a head that is read here
LARGEST = 65_536  # bytes of a body that is read here

_STATUS = re.compile(rb"HTTP/1\.1 ([2-5]\d\d)(?: [\t\x20-\x7e]*)?")
_FIELD = re.compile(rb"([-!#$%&'*+.^_`|~0-9A-Za-z]+):[ \t]*([\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?[ \t]*")
_LENGTH = re.compile(rb"\d{1,5}")
_WITHOUT_BODY = (204, 304)


@dataclass(frozen=True, slots=True)
class Head:
    """A head of the common kind: HTTP/1.1, one Content-Length. `keeps_alive`: the connection stays open."""

    status: int
    headers: tuple[tuple[str, str], ...]
    length: int
    keeps_alive: bool


# Heads of one target differ in little but the second of their date: most replies need no reading at all.
@lru_cache(maxsize=256)
def read_head(data: bytes) -> Head | None:
    """The head in these bytes, which end before the empty line; None for one that is not of the common kind."""
    lines = data.split(b"\r\n")
    status = _STATUS.fullmatch(lines[0])
    fields = [_FIELD.fullmatch(line) for line in lines[1:]]
    if status is None or len(data) > LONGEST or int(status[1]) in _WITHOUT_BODY:
        return None
    headers = [(field[1].lower(), field[2] or b"") for field in fields if field is not None]
    named = dict(headers)
    lengths = [value for name, value in headers if name == b"content-length"]
    connection = named.get(b"connection", b"keep-alive").lower()
    is_common = (
        len(headers) == len(fields)
        and len(lengths) == 1
        and _LENGTH.fullmatch(lengths[0]) is not None
        and int(lengths[0]) <= LARGEST
        and b"transfer-encoding" not in named
        and connection in {b"keep-alive", b"close"}
        and [name for name, _ in headers].count(b"connection") < 2
    )
    if not is_common:
        return None
    told = tuple((name.decode("ascii"), value.decode("ascii")) for name, value in headers)
    return Head(int(status[1]), told, int(lengths[0]), connection == b"keep-alive")
