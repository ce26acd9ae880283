"""The tap: takes down each request as it comes in on a connection, and what the mock answers.

Only a mock with a journal has one. What goes into the journal is there before the last byte of an answer is sent, so
whoever has read an answer finds its entry.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from biztoken.mock.bounds import HEAD_BYTES, Guard
from biztoken.mock.journal import ANSWERED, CUT, GONE, Entry, Journal
from biztoken.mock.wire import DRAFT, Message, Receive, Send
from biztoken.received import Received

CONTROL = "/_biztoken"
_CHUNKS_KEPT = 10_000  # sizes; what follows counts as one
_END = re.compile(rb"\r?\n\r?\n")


class Draft:
    """An entry in the making."""

    def __init__(self, tap: Tap) -> None:
        self._tap = tap
        self._journal = tap.journal
        self._id = 0
        self._at, self._began = time.time(), time.perf_counter()
        self.method, self.target = "", b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.head = bytearray()
        self.is_exact = True  # whether `head` is what came, byte for byte
        self.has_head = False
        self._body: list[bytes] = []
        self._kept = 0
        self.size = 0
        self.chunks: list[int] | None = None
        self.is_whole = False
        self._status: int | None = None
        self._answer_headers: tuple[tuple[str, str], ...] = ()
        self._answer = bytearray()
        self.end: str | None = None
        self.chosen: str | None = None
        self._received: Received | None = None

    def headed(self, method: str) -> None:
        """The head has come."""
        self.method, self.has_head = method, True
        self._at = time.time()
        self._put()

    def take(self, data: bytes) -> None:
        """A piece of the body has come."""
        self.size += len(data)
        if self._kept == self.size - len(data) and self._journal.reserve(len(data), self.size):
            self._body.append(data)
            self._kept = self.size
            self._received = None

    def told(self, message: Message, *, is_gone: bool) -> None:
        """A piece of the answer is about to be sent; or cannot be, because the client has gone."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._answer_headers = tuple((_text(name), _text(value)) for name, value in message["headers"])
        else:
            self._answer += message.get("body", b"")
        if is_gone:
            self.close(GONE)
        elif message["type"] == "http.response.body" and not message.get("more_body", False):
            self.close(ANSWERED)
        else:
            self._put()

    def close(self, end: str) -> None:
        """Nothing more will come; only the first end counts."""
        if self.end is None:
            self.end = end
            self._put()
            self._journal.release(self._kept)

    def read(self) -> None:
        """The request has come to its end."""
        self.is_whole = True
        self._received = None
        self._put()

    def _put(self) -> None:
        is_over = self.end is not None
        # Only now: what asks for the control path gets no number.
        self._id = self._id or self._journal.new_id()
        self._journal.put(
            Entry(
                self._id,
                self._as_received(),
                head=bytes(self.head),
                size=len(self.head) + self.size,
                chunks=tuple(self.chunks) if self.chunks is not None else None,
                ended=time.time() if is_over else None,
                ms=round((time.perf_counter() - self._began) * 1000, 3) if is_over else None,
                status=self._status,
                answer_headers=self._answer_headers,
                answer=bytes(self._answer),
                end=self.end,
                chosen=self.chosen,
            )
        )

    def _as_received(self) -> Received:
        if self._received is None:
            if len(self._body) > 1:
                self._body = [b"".join(self._body)]
            self._received = Received(
                self.method,
                self.target.decode("utf-8", "surrogateescape"),
                tuple((_text(name), value.decode("utf-8", "surrogateescape")) for name, value in self.headers),
                self._body[0] if self._body else b"",
                at=self._at,
                connection=self._tap.number,
                whole=self.is_whole and self._kept == self.size,
            )
        return self._received


class Tap(Guard):
    """The mock's protocol, but it hands on what it hears. `tapped` makes one for a journal."""

    journal: Journal

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._number = 0
        self._draft: Draft | None = None  # the request whose bytes are coming in
        self._drafts: deque[Draft] = deque()  # those that may not be over
        self._tapped = b""
        self._taps_first = True  # of the requests in the present feed
        self._has_ended = False  # the client will send no more

    @property
    def number(self) -> int:
        """The number of the connection."""
        self._number = self._number or self.journal.new_connection()
        return self._number

    def data_received(self, data: bytes) -> None:
        self._tapped, self._taps_first = data, self._draft is None
        if self._draft is not None and self._draft.is_exact and not self._draft.has_head:
            self._draft.head += data[: HEAD_BYTES - len(self._draft.head)]
        super().data_received(data)
        self._tapped = b""

    def eof_received(self) -> None:
        self._has_ended = True
        super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        end = GONE if self._has_ended or exc is not None else CUT
        for draft in self._drafts:
            draft.close(end)
        self._drafts.clear()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        if self._draft is None:  # not even the first byte was one of a request
            self._draft = self._begin()
        self._draft.told({"type": "http.response.start", "status": 400, "headers": []}, is_gone=False)
        self._draft.told({"type": "http.response.body", "body": msg.encode()}, is_gone=False)
        super().send_400_response(msg)

    # --- what the parser calls

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._draft = self._begin()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if self._draft:
            self._draft.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        draft = self._draft
        if draft is None or draft.has_head:  # a header after the head is a trailer
            return
        draft.headers.append((name, value))
        if name.lower() == b"transfer-encoding" and value.lower().endswith(b"chunked"):
            draft.chunks = []

    def on_headers_complete(self) -> None:
        draft = self._draft
        if draft is not None and _is_control(draft.target):
            self._drafts.remove(draft)
            self._draft = None
        elif draft is not None:
            end = _END.search(draft.head) if draft.is_exact else None
            if end:
                del draft.head[end.end() :]
            else:
                draft.head = self._rebuilt(draft)
            draft.headed(self.parser.get_method().decode("latin-1"))
            self.scope[DRAFT] = draft  # type: ignore[literal-required]
        super().on_headers_complete()

    def on_chunk_header(self) -> None:
        if self._draft and self._draft.chunks is not None and len(self._draft.chunks) < _CHUNKS_KEPT:
            self._draft.chunks.append(0)

    def on_body(self, body: bytes) -> None:
        if self._draft:
            self._draft.take(body)
            if self._draft.chunks:
                self._draft.chunks[-1] += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self.has_body_to_come:
            return
        draft, self._draft = self._draft, None
        if draft:
            if draft.chunks and not draft.chunks[-1]:
                draft.chunks.pop()  # the one that ends the body
            draft.read()
            while self._drafts and self._drafts[0].end is not None:
                self._drafts.popleft()
        super().on_message_complete()

    def _begin(self) -> Draft:
        draft = Draft(self)
        self._drafts.append(draft)
        draft.is_exact, self._taps_first = self._taps_first, False
        if draft.is_exact:
            draft.head += self._tapped.lstrip(b"\r\n")[:HEAD_BYTES]
        return draft

    def _rebuilt(self, draft: Draft) -> bytearray:
        """The head of a request that began in the middle of what was read at once, or that is too long to keep."""
        version = self.parser.get_http_version().encode()
        lines = [b"%s %s HTTP/%s" % (self.parser.get_method(), draft.target, version)]
        return bytearray(b"\r\n".join([*lines, *(b"%s: %s" % header for header in draft.headers), b"", b""]))


class Taped:
    """An ASGI application whose answers are taken down."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self._app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        draft: Draft | None = scope.get(DRAFT)
        await self._app(scope, receive, send if draft is None else _Teller(draft, send).send)


class _Teller:
    """Tells a draft what is sent. `transport`: of the connection, for who would cut it."""

    def __init__(self, draft: Draft, send: Send) -> None:
        self._draft = draft
        self._send = send
        self._cycle: Any = send.__self__  # type: ignore[attr-defined]
        self.transport = self._cycle.transport

    async def send(self, message: Message) -> None:
        self._draft.told(message, is_gone=self._cycle.disconnected)
        await self._send(message)


def tapped(journal: Journal) -> type[Tap]:
    """The protocol class for a server with this journal."""
    return type("Tapped", (Tap,), {"journal": journal})


def _is_control(target: bytes) -> bool:
    return target == CONTROL.encode() or target.startswith((CONTROL.encode() + b"/", CONTROL.encode() + b"?"))


def _text(data: bytes) -> str:
    return data.decode("latin-1")
