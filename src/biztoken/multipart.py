"""Read a multipart/form-data body as real clients send it: never refuse, never guess, always report.

Sources: RFC 2046 section 5.1 (delimiters), RFC 7578 (form-data), WHATWG HTML "multipart/form-data" (percent escapes),
RFC 5987 (filename*). Every oddity that is read but should be told to the client is a slug in PROBLEMS. What is inside
a part is bytes: no decoding, no nested multipart.

A delimiter is `--boundary` at the start of a line, then spaces or tabs and a line break, or `--`. Whatever else begins
with `--boundary` belongs to the part it stands in. Line breaks are CRLF; only if the first delimiter line ends in a
bare LF does the whole form go by LF.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

MAX_PARTS = 1000
MAX_HEADER_BYTES = 16_384  # of one part, without the blank line that ends the block
MAX_ALL_HEADER_BYTES = 524_288  # of all parts together
MAX_CACHED_BYTES = 512
MAX_REPEATED_BYTES = 128  # of a whole part that is remembered: shorter than one with a sign, which never repeats
MAX_PLAIN_BYTES = 1_048_576  # of a body that is split; in a larger one a copy costs more than looking twice

PROBLEMS = {
    "not-multipart": "The media type is not multipart/*; nothing was read.",
    "not-form-data": "The media type is multipart, but not multipart/form-data.",
    "boundary-missing": "The Content-Type names no usable boundary; nothing was read.",
    "boundary-over-70": "The boundary has more than 70 characters (RFC 2046 allows 70).",
    "boundary-not-found": "No line of the body is the boundary that the Content-Type names.",
    "no-parts": "The form has no part that can be read.",
    "too-many-parts": f"Only the first {MAX_PARTS} parts were read.",
    "multipart-unterminated": "The closing boundary is missing; the last part runs to the end of the body.",
    "lf-line-endings": "Lines end in a bare LF; multipart needs CRLF.",
    "header-too-large": f"A part was dropped: over {MAX_HEADER_BYTES} bytes of headers, {MAX_ALL_HEADER_BYTES} in all.",
    "header-unterminated": "No blank line ends the headers of a part; its body is empty.",
    "header-malformed": "A header line of a part has no name or no colon, an open quote, or a parameter twice.",
    "header-duplicate": "A part has two headers of one name; the first counts.",
    "header-not-utf-8": "The headers of a part are not UTF-8; the bad bytes were read as U+FFFD.",
    "part-not-form-data": "The Content-Disposition of a part is not form-data.",
    "part-without-name": "A part has no Content-Disposition with a name.",
    "part-filename-star": "A part uses filename*, which RFC 7578 section 4.2 forbids.",
    "part-transfer-encoding-base64": "A part says that it is base64; its body is left as sent.",
    "part-transfer-encoding-quoted-printable": "A part says that it is quoted-printable; its body is left as sent.",
}

# What follows the marker of a delimiter. One that the end of the body cuts short counts too.
_TAIL = re.compile(rb"(?P<close>--)|-?\Z|[ \t]*+(?P<eol>\r?\n|\r?\Z)")
_CRLF_TAIL = rb"--|-?\Z|[ \t]*+(?:\r\n|\r?\Z)"
_BLANK_LINE = re.compile(rb"\n\r?\n")
# A quoted value without its closing quote runs to the end. Possessive, so that no header can make it backtrack.
_PARAMETER = re.compile(r';([^=;"]*+)=[ \t]*+(?:(")((?:[^"\\]++|\\.)*+)("?)|([^;]*+))', re.DOTALL)
_QUOTED_PAIR = re.compile(r'\\(["\\])')


class Part(NamedTuple):
    """One part. None means that the header or parameter is absent, "" that it is empty."""

    name: str | None
    filename: str | None
    content_type: str | None
    headers: tuple[tuple[str, str], ...]  # in the order sent, unfolded, without outer blanks
    body: bytes


@dataclass(frozen=True, slots=True)
class Form:
    """The parts in the order sent, and the slugs of PROBLEMS met, each once."""

    parts: tuple[Part, ...]
    problems: tuple[str, ...]


_Head = tuple[str | None, str | None, str | None, tuple[tuple[str, str], ...]]  # a Part without its body
_Found = tuple[_Head, int, int]  # and where its body starts and ends


def parse(content_type: str, body: bytes) -> Form:
    """Read `body` by the request's Content-Type (decoded as Latin-1). Never raises; pure."""
    boundary, problems = (_boundary if len(content_type) <= MAX_CACHED_BYTES else _boundary.__wrapped__)(content_type)
    if not boundary:
        return Form((), problems)
    parts = _read_plain(body, b"--" + boundary)
    if parts is None:
        found, more = _find(body, b"--" + boundary)
        problems = tuple(dict.fromkeys((*problems, *more)))
        # The only copy of what a part holds: until here every part is a pair of offsets.
        parts = [Part(*head, body[start:end]) for head, start, end in found]
    return Form(tuple(parts), problems)


@lru_cache(maxsize=256)
def _boundary(content_type: str) -> tuple[bytes, tuple[str, ...]]:
    """The boundary (empty if the body cannot be read) and the problems of the Content-Type."""
    media = _before_semicolon(content_type)
    if not media.startswith("multipart/"):
        return b"", ("not-multipart",)
    problems = () if media == "multipart/form-data" else ("not-form-data",)
    boundary = _parameters(content_type)[0].get("boundary", "").encode("latin-1", "replace")
    if not boundary or b"\n" in boundary or b"\r" in boundary:
        return b"", (*problems, "boundary-missing")
    return boundary, (*problems, "boundary-over-70") if len(boundary) > 70 else problems


def _read_plain(body: bytes, marker: bytes) -> list[Part] | None:
    """The parts of a plain CRLF form that has no problem at all; None for any other."""
    if not body.startswith(marker) or len(body) > MAX_PLAIN_BYTES:
        return None
    pieces = body.split(b"\r\n" + marker, MAX_PARTS + 1)
    if len(pieces) > MAX_PARTS + 1 or not pieces.pop().startswith(b"--") or not pieces:
        return None
    pieces[0] = pieces[0][len(marker) :]
    parts = [(_plain_part if len(piece) <= MAX_REPEATED_BYTES else _plain_part.__wrapped__)(piece) for piece in pieces]
    return None if None in parts else parts  # type: ignore[return-value]


# Most fields of a client are the same in one request as in the next.
@lru_cache(maxsize=1024)
def _plain_part(piece: bytes) -> Part | None:
    """Read what follows a marker: its line break, the headers, a blank line, the value; None where it is not plain."""
    block, blank, value = piece.partition(b"\r\n\r\n")
    head = _plain_head(block) if blank and len(block) <= MAX_CACHED_BYTES else None
    return None if head is None else Part(*head, value)


def _find(body: bytes, marker: bytes) -> tuple[list[_Found], list[str]]:
    """The parts of any form, and its problems."""
    cuts, problems = _cut(body, marker)
    found: list[_Found] = []
    all_heads = 0
    for start, end in cuts:
        # From the LF of the delimiter line, since a part may have no headers; up to the line break of the next
        # delimiter, since it may have no body (RFC 2046: `MIME-part-headers [CRLF *OCTET]`).
        blank = _BLANK_LINE.search(body, start - 1, min(end + 2, start + MAX_HEADER_BYTES + 4))
        head_end, value = blank.span() if blank else (end, end)
        block = body[start : min(head_end, start + MAX_HEADER_BYTES + 2)].removesuffix(b"\r")
        all_heads += len(block)
        if len(block) > MAX_HEADER_BYTES or all_heads > MAX_ALL_HEADER_BYTES:
            problems.append("header-too-large")
            continue
        head, more = (_head if len(block) <= MAX_CACHED_BYTES else _head.__wrapped__)(block)
        if blank is None and block:
            problems.append("header-unterminated")
        if blank is not None and body[value - 4 : value] != b"\r\n\r\n":
            problems.append("lf-line-endings")
        problems += more
        found.append((head, value, end))
    if not found and "boundary-not-found" not in problems:
        problems.append("no-parts")
    return found, problems


def _cut(body: bytes, marker: bytes) -> tuple[list[tuple[int, int]], list[str]]:
    """(start, end) of every part with its headers, and the problems of the delimiters."""
    cuts: list[tuple[int, int]] = []
    problems: list[str] = []
    start = -1  # of the open part; -1 before the first delimiter
    for at, tail in _delimiters(body, marker):
        if start >= 0:
            cuts.append((start, at - 2 if body[at - 2 : at] == b"\r\n" else at - 1))
        elif tail["eol"] == b"\n":
            problems.append("lf-line-endings")
        if tail["close"]:
            return cuts, problems
        start = tail.end()
        if len(cuts) == MAX_PARTS and start < len(body):
            return cuts, [*problems, "too-many-parts"]
    if start < 0:
        return [], ["boundary-not-found"] if body else []
    if start < len(body):
        # The line break before the delimiter that did not come is no part of the value.
        cuts.append((start, len(body) - 2 if body.endswith(b"\r\n", start) else len(body)))
    return cuts, [*problems, "multipart-unterminated"]


def _delimiters(body: bytes, marker: bytes) -> Iterator[tuple[int, re.Match[bytes]]]:
    """Where delimiters are, and what follows the marker of each."""
    # With its LF the needle cannot overlap itself, so that dashes as boundary in a body of dashes cost no more.
    needle = b"\n" + marker
    at = 0 if body.startswith(marker) else body.find(needle) + 1
    is_crlf: bool | None = None  # whether the form goes by CRLF, once that is known
    while at or body.startswith(marker):
        tail = _TAIL.match(body, at + len(marker))
        if tail is not None and not (is_crlf and (body[at - 2 : at] != b"\r\n" or tail["eol"] == b"\n")):
            is_crlf = tail["eol"] != b"\n" if is_crlf is None else is_crlf
            yield at, tail
            at = body.find(needle, at) + 1
        else:
            at = _next_delimiter(body, marker, at, is_crlf=bool(is_crlf))
        if not at:
            return


def _next_delimiter(body: bytes, marker: bytes, start: int, *, is_crlf: bool) -> int:
    """Where the next delimiter is after a line that only looks like one; 0 where there is none.

    A body may be full of such lines: a step of Python for each of them would hold up everybody for seconds.
    """
    before, tail = (rb"\r\n", _CRLF_TAIL) if is_crlf else (rb"\n", _TAIL.pattern)
    match = re.compile(before + re.escape(marker) + rb"(?:" + tail + rb")").search(body, start)
    return match.start() + len(match[0].partition(b"\n")[0]) + 1 if match else 0


@lru_cache(maxsize=1024)
def _plain_head(block: bytes) -> _Head | None:
    """Read the line break that ends a delimiter and the header block after it; None where there is any problem."""
    if not block.startswith(b"\r\n"):
        return None
    head, problems = _head.__wrapped__(block[2:])
    return None if problems else head


# Clients repeat their header blocks from request to request, and reading one costs 30 times a look into the cache.
@lru_cache(maxsize=1024)
def _head(block: bytes) -> tuple[_Head, tuple[str, ...]]:
    """Read the header block of a part, without the blank line after it, and its problems."""
    headers, problems = _headers(block)
    first = {name.lower(): value for name, value in reversed(headers)}
    if len(first) < len(headers):
        problems.append("header-duplicate")
    disposition = first.get("content-disposition", "")
    parameters, sound = _parameters(disposition)
    if not sound:
        problems.append("header-malformed")
    if disposition and _before_semicolon(disposition) != "form-data":
        problems.append("part-not-form-data")
    if "name" not in parameters:
        problems.append("part-without-name")
    filename = parameters.get("filename")
    if "filename*" in parameters:
        problems.append("part-filename-star")
        filename = _extended(parameters["filename*"]) if filename is None else filename
    encoding = first.get("content-transfer-encoding", "").lower()
    if encoding in ("base64", "quoted-printable"):
        problems.append(f"part-transfer-encoding-{encoding}")
    return (parameters.get("name"), filename, first.get("content-type"), tuple(headers)), tuple(problems)


def _headers(block: bytes) -> tuple[list[tuple[str, str]], list[str]]:
    """The (name, value) pairs of a header block, unfolded, and its problems."""
    headers: list[tuple[str, str]] = []
    text = block.decode("utf-8", "replace")
    problems = ["header-not-utf-8"] if text.encode() != block else []
    if block.count(b"\n") != block.count(b"\r\n"):
        problems.append("lf-line-endings")
    for line in text.replace("\r\n", "\n").split("\n") if text else ():
        name, colon, value = line.partition(":")
        if line[0:1] in (" ", "\t") and headers:
            headers[-1] = (headers[-1][0], (headers[-1][1] + " " + line.strip(" \t")).strip(" \t"))
        elif colon and name.strip(" \t"):
            headers.append((name.strip(" \t"), value.strip(" \t")))
        else:
            problems.append("header-malformed")
    return headers, problems


def _before_semicolon(value: str) -> str:
    """The media type or disposition type of a header value, in lower case."""
    return value.partition(";")[0].strip(" \t").lower()


def _parameters(value: str) -> tuple[dict[str, str], bool]:
    """Parameters of a header value by lower-case name (the first counts); False if one comes twice or is unclosed."""
    parameters: dict[str, str] = {}
    found = _PARAMETER.findall(value)
    for key, opening, quoted, closing, plain in found:
        text = _unquote(quoted, closed=bool(closing)) if opening else plain.strip(" \t")
        parameters.setdefault(key.strip(" \t").lower(), text)
    closed = all(opening == closing for _, opening, _, closing, _ in found)
    return parameters, closed and len(parameters) == len(found)


def _unquote(quoted: str, *, closed: bool) -> str:
    r"""The value between quotes. Percent escapes stay as they are.

    A backslash escapes only a quote or a backslash. Clients that escape (RFC 2045; libcurl before 7.81) escape just
    these two, and those that do not (Internet Explorer sent C:\path\x.jpg) rarely put one before either: so both are
    read right.
    An unclosed value that ends in an escaped quote is a browser's value that ends in a backslash.
    """
    return _QUOTED_PAIR.sub(r"\1", quoted) if closed else quoted.removesuffix('"')


def _extended(value: str) -> str:
    """Decode an RFC 5987 value such as UTF-8''%e5%a5%bd.jpg; any other is returned as sent."""
    charset, _, rest = value.partition("'")
    _, tick, text = rest.partition("'")
    if not tick or charset.lower() not in ("utf-8", "iso-8859-1"):
        return value
    return unquote_to_bytes(text).decode(charset, "replace")
