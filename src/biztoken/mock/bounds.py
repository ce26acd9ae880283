"""Keep the mock standing whatever is sent: bounds on heads, bodies, connections and on how long a client may take.

A client that is merely slow is served: a head may take a minute, a body may pause as long and come over five minutes.
A bound is met by closing the connection, with a plain 400 where a head is too large.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, cast

from biztoken.mock.upgrades import Unupgraded

try:
    import resource
except ImportError:  # Windows, where there is no such limit
    resource = None  # type: ignore[assignment]

HEAD_BYTES = 65_536  # of a request line with its headers, of trailers, or of what else brings no byte of a body
MOST_QUEUED = 32  # requests of one connection that wait for the answer to an earlier one
MOST_CONNECTIONS = 16_000
# Files that the process needs beside its connections.
_OTHER_FILES = 128
MOST_HELD = 512 * 1024 * 1024  # bytes of bodies that are not answered yet, all connections together
# Longer than connections are kept alive, which is not for this module to end.
HEAD_SECONDS = 75.0
SILENT_SECONDS = 75.0  # in the middle of a body, or with an answer that nobody takes
BODY_SECONDS = 300.0
_SWEEP_SECONDS = 5.0


class TooMuchError(Exception):
    """A head or a queue of requests is over its bound. Raised into the parser, which makes a 400 of it."""


class Guard(Unupgraded):
    """uvicorn's protocol within bounds. One `Watch` looks after all connections of a server."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.watch = _watch(self)
        self.heard = self.began = self.loop.time()  # the last byte; what the client does now: a head, a body, nothing
        self.held = 0  # bytes of bodies
        self._bare = 0  # bytes since the last that belonged to a body
        self.watch.admit(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.release()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        now = self.loop.time()
        if not self._bare and self.is_waiting:
            self.began = now
        self.heard = now
        self._bare += len(data)
        super().data_received(data)
        if self._bare > HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("Too large.")

    def on_headers_complete(self) -> None:
        self.check_head()
        super().on_headers_complete()

    def check_head(self) -> None:
        """A head is complete: hold it to its bounds."""
        if self._bare > HEAD_BYTES and sum(len(name) + len(value) for name, value in self.headers) > HEAD_BYTES:
            raise TooMuchError
        if len(self.pipeline) >= MOST_QUEUED:
            raise TooMuchError
        self._bare = 0

    def on_body(self, body: bytes) -> None:
        self._bare = 0
        super().on_body(body)
        if self.cycle.response_started:  # it is discarded
            self.release()
        else:
            self.held += len(body)
            self.watch.hold(len(body))

    def on_message_complete(self) -> None:
        self._bare = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self.began = self.loop.time()
        self.release()
        super().on_response_complete()

    def release(self) -> None:
        """Nothing is held for this connection any more."""
        if self.held:
            self.watch.hold(-self.held)
            self.held = 0

    # --- what the watch asks

    @property
    def is_waiting(self) -> bool:
        """Whether no request is under way but for, perhaps, a part of its head."""
        return self.cycle is None or bool(self.cycle.response_complete)

    @property
    def is_sending(self) -> bool:
        """Whether a body is coming in that is still of use."""
        return not self.is_waiting and self.cycle.more_body and not self.cycle.response_started

    def is_overdue(self, now: float) -> bool:
        """Whether the client took longer than it may."""
        if self.transport.is_closing() or self.flow.write_paused:
            return now - max(self.heard, self.began) > SILENT_SECONDS
        if self.is_waiting:
            return now - self.began > HEAD_SECONDS
        is_silent = now - self.heard > SILENT_SECONDS and not self.flow.read_paused
        return self.is_sending and (is_silent or now - self.began > BODY_SECONDS)


class Watch:
    """Ends connections of a server that take too long, hold too much or are too many. `connections`: the live set."""

    def __init__(self, loop: asyncio.AbstractEventLoop, connections: set[Any]) -> None:
        self._loop = loop
        self._connections = cast("set[Guard]", connections)
        self._most = most_connections()
        self._held = 0
        self._timer: asyncio.TimerHandle | None = None

    def admit(self, new: Guard) -> None:
        """A connection has come; where there are too many, those that have waited longest go, many at once."""
        if self._timer is None:
            self._timer = self._loop.call_later(_SWEEP_SECONDS, self._sweep)
        if len(self._connections) > self._most:
            waiting = sorted((one for one in self._connections if one.is_waiting), key=lambda one: one.began)
            self._end(waiting[: 1 + self._most // 20] or [new])

    def hold(self, size: int) -> None:
        """So many bytes more are held; where they are too many, the largest unfinished bodies go."""
        self._held += size
        if size > 0 and self._held > MOST_HELD:
            largest = sorted((one for one in self._connections if one.is_sending), key=lambda one: -one.held)
            for one in largest:
                self._end([one])
                if self._held <= MOST_HELD * 3 // 4:
                    return

    def _sweep(self) -> None:
        now = self._loop.time()
        self._end([one for one in self._connections if one.is_overdue(now)])
        self._timer = self._loop.call_later(_SWEEP_SECONDS, self._sweep) if self._connections else None

    def _end(self, ended: Iterable[Guard]) -> None:
        for one in ended:
            # Off the set at once, so that nobody ends it twice; the transport tells the connection itself later.
            self._connections.discard(one)
            one.release()
            one.transport.abort()


def most_connections() -> int:
    """As many as the process may have files open, up to a bound."""
    if resource is None:
        return MOST_CONNECTIONS
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return (
        MOST_CONNECTIONS
        if allowed == resource.RLIM_INFINITY
        else max(16, min(MOST_CONNECTIONS, allowed - _OTHER_FILES))
    )


def allow_connections() -> None:
    """Let this process have as many files open as all connections need, or as many as it may."""
    if resource is None:
        return
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + _OTHER_FILES
    if resource.RLIM_INFINITY != allowed < wanted:
        wanted = wanted if most == resource.RLIM_INFINITY else min(most, wanted)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def _watch(guard: Guard) -> Watch:
    """The one watch of a server: it lives with the state that uvicorn gives to all connections."""
    state = vars(guard.server_state)
    watch = state.get("watch")
    if watch is None:
        watch = state["watch"] = Watch(guard.loop, guard.connections)
    return cast(Watch, watch)
