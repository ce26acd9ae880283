"""A request as a server received it, and the reading of one from the bytes on the wire."""

from __future__ import annotations

from dataclasses import dataclass, field

import httptools

from biztoken.errors import UserError

_FRAMING = (b"content-length", b"transfer-encoding")


@dataclass(frozen=True, slots=True)
class Received:
    """One request. `target` is the request line's, query and all; `body` is whole, its chunks joined.

    `at`: when its head had come, seconds since the Unix epoch, None where unknown. `connection`: a number that requests
    of one connection share. `whole`: whether the body came to its end. `is_cut`: whether the server read no further, so
    that what lacks is not the client's doing. `left`: bytes that came after what was told to be the body.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)
    at: float | None = None
    connection: int | None = None
    whole: bool = True
    is_cut: bool = False
    left: int = 0

    def header(self, name: str) -> str | None:
        """The first header of that name, whatever its case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


def read_received(data: bytes, name: str) -> Received:
    """The one request in `data`, the bytes as on the wire; `name` is what a user calls them.

    UserError where they are no request of HTTP/1.1.
    """
    taker = _Taker()
    parser = httptools.HttpRequestParser(taker)
    try:
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade as stop:
            taker.read_body(data[stop.args[0] :])
    except httptools.HttpParserError:
        if not taker.has_head:
            raise UserError(
                name,
                "it is no HTTP request; give the bytes of one request as they were on the wire",
                "不是 HTTP 请求；请给出一次请求在网络上的原始字节",
            ) from None
    if taker.has_more:
        raise UserError(
            name,
            "it holds more than one request; give each a file of its own",
            "其中不止一次请求；请每次请求单独存一个文件",
        )
    if not taker.has_head:
        raise UserError(
            name,
            "the head of the request is not whole; give all its bytes, up to the last of the body",
            "请求头不完整；请给出从请求行到请求体末尾的全部字节",
        )
    return Received(
        parser.get_method().decode("latin-1"),
        taker.target.decode("utf-8", "surrogateescape"),
        tuple((key.decode("latin-1"), value.decode("utf-8", "surrogateescape")) for key, value in taker.headers),
        b"".join(taker.chunks),
        whole=taker.is_whole,
        left=_left(data, taker),
    )


def _left(data: bytes, taker: _Taker) -> int:
    """Bytes after a body that is not chunked; line breaks at the end are none."""
    if not taker.is_whole or any(name.lower() == b"transfer-encoding" for name, _ in taker.headers):
        return 0
    _, _, body = data.lstrip(b"\r\n").partition(b"\r\n\r\n")
    return len(body[sum(map(len, taker.chunks)) :].strip(b"\r\n"))


class _Taker:
    """What the parser calls."""

    def __init__(self) -> None:
        self.target = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.chunks: list[bytes] = []
        self.has_head = False
        self.is_whole = False
        self.has_more = False  # another request comes after it

    def read_body(self, data: bytes) -> None:
        """Read a body that the parser left: it takes a head that asks for another protocol for the end of a request."""
        framing = [(name, value) for name, value in self.headers if name.lower() in _FRAMING]
        if framing:
            rest = _Taker()
            try:
                lines = [b"%s: %s\r\n" % header for header in framing]
                httptools.HttpRequestParser(rest).feed_data(b"".join([b"POST / HTTP/1.1\r\n", *lines, b"\r\n", data]))
            finally:
                self.chunks, self.is_whole = rest.chunks, rest.is_whole

    def on_url(self, url: bytes) -> None:
        self.has_more = self.has_more or self.is_whole
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        self.has_head = True

    def on_body(self, body: bytes) -> None:
        self.chunks.append(body)

    def on_message_complete(self) -> None:
        self.is_whole = True
