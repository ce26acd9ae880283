"""Many requests at the same moment: all but the last byte of each is sent, then the last bytes together.

Plain non-blocking sockets in one thread: the send spread is some 10 µs a request, where greenlets or
threads that send whole bodies spread over milliseconds and miss the moment.
"""

from __future__ import annotations

import selectors
import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass

from biztoken.errors import HarnessError
from biztoken.model import Reply
from biztoken.wire import CHUNK, Connection, Endpoint, ReplyParser

ARRIVAL = 0.02  # seconds for the held bytes to arrive: no event on this side tells when the target has read them


@dataclass(slots=True)
class Shot:
    """One request of a burst. Times are seconds of the monotonic clock; `failure` where no reply came."""

    connection: Connection
    data: bytes
    parser: ReplyParser
    position: int = 0
    is_cut: bool = False
    opened: float = 0.0
    released: float = 0.0
    ended: float = 0.0
    reply: Reply | None = None
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Volley:
    """The shots of one burst and the seconds between the first and the last release."""

    shots: tuple[Shot, ...]
    spread: float


def fire(endpoint: Endpoint, requests: Sequence[bytes]) -> Volley:
    """Open a connection for each request, hold every last byte back, release them, read all replies.

    HarnessError where a connection cannot be opened; a reply that does not come is its shot's failure.
    """
    shots: list[Shot] = []
    try:
        for data in requests:  # one by one, so that those already open are closed when one fails
            shots.append(Shot(Connection(endpoint), data, ReplyParser("POST"), opened=time.monotonic()))  # noqa: PERF401
        deadline = time.monotonic() + endpoint.timeout
        _prepare(shots, deadline)
        time.sleep(ARRIVAL)  # no event here tells when the target has read the held bytes
        _release(shots)
        _collect(shots, time.monotonic() + endpoint.timeout)
    finally:
        for shot in shots:
            shot.connection.close()
    times = [shot.released for shot in shots]
    return Volley(tuple(shots), max(times) - min(times))


def _prepare(shots: Sequence[Shot], deadline: float) -> None:
    """Send everything but the last byte of each request."""
    with selectors.DefaultSelector() as selector:
        for shot in shots:
            selector.register(shot.connection.socket, selectors.EVENT_WRITE, shot)
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if not ready:
                raise HarnessError("timeout", "the target does not take the requests of a burst")
            for key, _ in ready:
                ready_shot: Shot = key.data
                _push(ready_shot, len(ready_shot.data) - 1)
                if ready_shot.is_cut or ready_shot.position == len(ready_shot.data) - 1:
                    selector.unregister(ready_shot.connection.socket)


def _push(shot: Shot, end: int) -> None:
    try:
        shot.position += shot.connection.socket.send(shot.data[shot.position : min(end, shot.position + CHUNK)])
    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        pass
    except OSError:
        shot.is_cut = True  # the target closed its side; its reply may be there to read


def _release(shots: Sequence[Shot]) -> None:
    for shot in shots:
        while not shot.is_cut and shot.position < len(shot.data):
            _push(shot, len(shot.data))
        shot.released = time.monotonic()


def _collect(shots: Sequence[Shot], deadline: float) -> None:
    with selectors.DefaultSelector() as selector:
        for shot in shots:
            selector.register(shot.connection.socket, selectors.EVENT_READ, shot)
        while selector.get_map() and (left := deadline - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                if _take(key.data):
                    selector.unregister(key.data.connection.socket)
    for shot in shots:
        if shot.reply is None and shot.failure is None:
            shot.failure, shot.ended = "timeout: no reply", time.monotonic()


def _take(shot: Shot) -> bool:
    """Read what is there; true when the shot is over."""
    try:
        data = _receive(shot.connection.socket)
        if data is None:
            return False
        if shot.parser.feed(data):
            shot.reply = shot.parser.reply()
    except HarnessError as problem:
        shot.failure = f"{problem.reason}: {problem}"
    if shot.reply is None and shot.failure is None:
        return False
    shot.ended = time.monotonic()
    return True


def _receive(sock: socket.socket) -> bytes | None:
    try:
        return sock.recv(CHUNK)
    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return None
    except OSError:
        return b""
