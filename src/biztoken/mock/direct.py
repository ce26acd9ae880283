"""Requests that come whole are answered where they are read, without a task of the event loop for each of them.

This is most of what a load test sends, and the way of ASGI is more than half of what it costs. That way go all others:
what comes in pieces, waits behind another request, asks first whether to send its body, or wants to close afterwards.

Clients repeat their heads as well. One that the parser took apart before is known by its bytes, and not parsed again:
then the request is all that was read, nothing is in the way, and a latency can be waited for, too.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from biztoken.mock.app import Later, Reply
from biztoken.mock.bounds import Guard

_LONGEST_HEAD = 1024
_MOST_HEADS = 256


class _Head(NamedTuple):
    """A head as the application wants it, and how many bytes of body follow it."""

    scope: dict[str, Any]
    length: int


class Direct(Guard):
    """Guard for an application that has `path` and `at_once`, as App."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._path: str = self.app.path
        self._target = self._path.encode()
        self._heads: dict[bytes, _Head] = vars(self.server_state).setdefault("heads", {})
        self._is_between = True  # the parser has seen nothing, or has just seen a request to its end
        self._data = b""  # what the parser is given
        self._pieces: list[bytes] | None = None  # the body of a request that is not handed on yet
        self._unsent: list[bytes] = []
        self._is_pending = False  # a latency is waited for
        self._early = b""  # what came meanwhile
        self._is_last = False  # the connection is to be closed after that answer

    def data_received(self, data: bytes) -> None:
        if self._is_pending:
            self._early += data
            self.flow.pause_reading()
        elif not self._is_known(data):
            self._data = data
            super().data_received(data)
            self._data = b""
            if self._pieces is not None:
                self._hand_on()

    def connection_lost(self, exc: Exception | None) -> None:
        self._pieces = None
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self._is_between = False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        if self._is_plain():
            self.check_head()
            self._pieces = []
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self._pieces is None:
            super().on_body(body)
        else:
            self._pieces.append(body)

    def on_message_complete(self) -> None:
        self._is_between = not self.has_body_to_come
        if self._pieces is not None:
            body = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
            scope = {"method": "POST", "path": self._path, "http_version": "1.1", "headers": self.headers}
            self._remember(scope, body)
            reply = self.app.at_once(scope, body, may_wait=False)
            if reply is not None:
                self._pieces = None
                self._bare = 0
                self._reply(*reply)
                return
            self._hand_on()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        self._flush()
        super().send_400_response(msg)

    def shutdown(self) -> None:
        if self._is_pending:
            self._is_last = True
        else:
            self._flush()
            super().shutdown()

    @property
    def is_waiting(self) -> bool:
        return not self._is_pending and super().is_waiting

    @property
    def is_sending(self) -> bool:
        return not self._is_pending and super().is_sending

    def _is_plain(self) -> bool:
        return (
            self.url == self._target
            and self._is_free()
            and not self.expect_100_continue
            and not self.parser.should_upgrade()
            and self.parser.should_keep_alive()
            and self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
        )

    def _is_free(self) -> bool:
        """Whether an answer may be sent at once: no other is due before it."""
        return self.is_waiting and not self.pipeline and not self.flow.write_paused

    def _hand_on(self) -> None:
        """Let ASGI have what came so far."""
        pieces, self._pieces = self._pieces or [], None
        super().on_headers_complete()
        for piece in pieces:
            super().on_body(piece)

    # --- known heads

    def _remember(self, scope: dict[str, Any], body: bytes) -> None:
        """Remember a head that came in one piece with its body; a body in chunks would not be what came."""
        head, _, rest = self._data.partition(b"\r\n\r\n")
        if rest == body and len(head) <= _LONGEST_HEAD:
            if len(self._heads) >= _MOST_HEADS:
                self._heads.clear()
            self._heads[head] = _Head(scope, len(body))

    def _is_known(self, data: bytes) -> bool:
        """Answer one whole request whose head is known; whether this was one."""
        if not (self._is_between and self._is_free()):
            return False
        text, blank, body = data.partition(b"\r\n\r\n")
        head = self._heads.get(text)
        if head is None or not blank or head.length != len(body):
            return False
        answer = self.app.at_once(head.scope, body, may_wait=True)
        if answer is None:
            return False
        self.heard = self.began = self.loop.time()
        self._unset_keepalive_if_required()
        if isinstance(answer, Later):
            self._is_pending = True
            self.loop.call_later(answer.seconds, self._answer, answer.reply)
        else:
            self._reply(*answer)
        return True

    def _answer(self, ask: Callable[[], Reply]) -> None:
        """The latency is over."""
        self._is_pending = False
        self.began = self.loop.time()
        self._reply(*ask())
        early, self._early = self._early, b""
        if self._is_last:
            self.shutdown()
        elif early and not self.transport.is_closing():
            self.flow.resume_reading()
            self.data_received(early)

    # --- replies

    def _reply(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self.server_state.total_requests += 1
        lines = map(_line, (*self.server_state.default_headers, *headers))
        # Written when all that has come at once is read: a client that waits is woken once, not for every reply.
        if not self._unsent:
            self.loop.call_soon(self._flush)
        self._unsent += (STATUS_LINE[status], *lines, b"\r\n", body)

    def _flush(self) -> None:
        if self._unsent and not self.transport.is_closing():
            self.transport.write(b"".join(self._unsent))
        self._unsent = []


# A date is that of many replies, and few bodies differ in length.
@lru_cache(maxsize=256)
def _line(header: tuple[bytes, bytes]) -> bytes:
    return b"%s: %s\r\n" % header
