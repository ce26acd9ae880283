"""Requests that ask for another protocol are served in this one, body and all, as RFC 9110 section 7.8 has it.

The HTTP client of Java's standard library asks for h2c with every request over plain http. The parser takes such a head
for the end of the request, so that the body has to be read by another one.
"""

from __future__ import annotations

from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_FRAMING = (b"content-length", b"transfer-encoding")


class Unupgraded(HttpToolsProtocol):
    """uvicorn's protocol, which would lose the body."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._rest: _Rest | None = None  # reads the body of a request that asked for another protocol

    @property
    def has_body_to_come(self) -> bool:
        """Whether the parser takes the request for over, though its body is still to come."""
        return (
            self._rest is None
            and bool(self.parser.should_upgrade())
            and any(name in _FRAMING for name, _ in self.headers)
        )

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        try:
            self._parse(data)
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")

    def on_message_complete(self) -> None:
        if not self.has_body_to_come:
            super().on_message_complete()

    def _parse(self, data: bytes) -> None:
        while data:
            parser = self.parser if self._rest is None else self._rest.parser
            try:
                parser.feed_data(data)
            except httptools.HttpParserUpgrade as stop:
                if self.has_body_to_come:
                    self._rest = _Rest(self, self.headers)
                data = data[stop.args[0] :]
            else:
                return

    def rest_has_come(self) -> None:
        """The body is over, and so is the request."""
        self.on_message_complete()
        self._rest = None


class _Rest:
    """What the parser of a body calls: it hands on what belongs to the body."""

    def __init__(self, whole: Unupgraded, headers: list[tuple[bytes, bytes]]) -> None:
        self._whole = whole
        self._is_over = False
        self.parser = httptools.HttpRequestParser(self)
        lines = [b"%s: %s\r\n" % (name, value) for name, value in headers if name in _FRAMING]
        self.parser.feed_data(b"".join([b"POST / HTTP/1.1\r\n", *lines, b"\r\n"]))

    def on_message_begin(self) -> None:
        # A request behind it in the same bytes cannot be told from here; its client finds the connection closed.
        if self._is_over:
            self._whole.cycle.keep_alive = False

    def on_chunk_header(self) -> None:
        tell = getattr(self._whole, "on_chunk_header", None)
        if tell is not None:
            tell()

    def on_body(self, body: bytes) -> None:
        if not self._is_over:
            self._whole.on_body(body)

    def on_message_complete(self) -> None:
        if not self._is_over:
            self._is_over = True
            self._whole.rest_has_come()
