"""Many requests at the same moment: all but the last byte of each is sent, then the last bytes together.

Plain non-blocking sockets in one thread: the send spread is some 10 µs a request, where greenlets or
threads that send whole bodies spread over milliseconds and miss the moment.
"""

from __future__ import annotations

import gc
import re
import selectors
import ssl
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from biztoken.arrival import await_arrival
from biztoken.errors import HarnessError
from biztoken.model import Reply
from biztoken.wire import CHUNK, Connection, Endpoint, ReplyParser, trust

OPENED_AT_ONCE = 32  # connections; a server's queue of those that knock is seldom shorter
ONE_BY_ONE = 16  # so few connections are open sooner than threads have started
SPIN = 0.001  # seconds before a moment from which on the clock is watched: a sleep may last that much longer

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)[ \t]*(?:\r\n|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Shot:
    """One request of a burst. Times are seconds of the monotonic clock; `failure` where no reply came.

    `opened`: when its first byte may have left, `released`: its last one.
    """

    sent: int
    opened: float
    released: float
    ended: float
    reply: Reply | None
    failure: str | None


@dataclass(frozen=True, slots=True)
class Volley:
    """The shots of one burst, in the order of its requests."""

    shots: tuple[Shot, ...]

    @property
    def began(self) -> float:
        """When the first was released."""
        return min(shot.released for shot in self.shots)

    @property
    def ended(self) -> float:
        """When the last reply came."""
        return max(shot.ended for shot in self.shots)

    @property
    def spread(self) -> float:
        """The seconds between the first and the last release."""
        return max(shot.released for shot in self.shots) - self.began


@dataclass(slots=True)
class _Flight:
    """A shot under way."""

    connection: Connection
    data: bytes
    opened: float
    position: int = 0
    is_cut: bool = False
    released: float = 0.0
    ended: float = 0.0
    came: list[bytes] = field(default_factory=list)

    def push(self, end: int) -> None:
        """Send what the socket takes, up to `end`."""
        try:
            self.position += self.connection.socket.send(self.data[self.position : min(end, self.position + CHUNK)])
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except OSError:
            self.is_cut = True  # the target closed its side; its reply may be there to read

    def take(self) -> bool:
        """Read what is there; true when the shot is over. Parsing comes later: others are waiting to be read."""
        try:
            data = self.connection.socket.recv(CHUNK)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        except OSError:
            data = b""
        self.came.append(data)
        if data and not _is_whole(b"".join(self.came)):
            return False
        self.ended = time.monotonic()
        return True

    def landed(self) -> Shot:
        """What came of it. The connection is closed unless it may carry another request."""
        reply, failure, parser = None, None, ReplyParser("POST")
        try:
            if not self.ended:
                raise HarnessError("timeout", "no reply")
            if any(parser.feed(data) for data in self.came):
                reply = parser.reply()
        except HarnessError as problem:
            failure = f"{problem.reason}: {problem}"
        if reply is None or self.is_cut or self.position < len(self.data) or not parser.keeps_alive:
            self.connection.close()
        ended = self.ended or time.monotonic()
        return Shot(len(self.data), self.opened, self.released, ended, reply, failure)


class Battery:
    """Connections that stay open from burst to burst, in racks: two can be loaded and fired one after the other.

    A rack is loaded, fired, and landed. Loading raises HarnessError where a connection cannot be opened or the target
    does not take requests; a reply that does not come is its shot's failure.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._context: ssl.SSLContext | None = None
        self._racks: dict[int, list[Connection]] = {}
        self._flights: dict[int, list[_Flight]] = {}

    def load(self, requests: Sequence[bytes], *, rack: int = 0, whole: bool = False) -> None:
        """Open a connection for each request, and send all but the last byte; with `whole` nothing before it is fired.

        A target that takes up a request before it is whole must not have those of the next burst.
        """
        connections = self._ready(rack, len(requests))
        now = time.monotonic()
        flights = [_Flight(connection, data, now) for connection, data in zip(connections, requests, strict=True)]
        self._flights[rack] = flights
        if not whole:
            _send_ahead(flights, now + self._endpoint.timeout)
            await_arrival([flight.connection.socket for flight in flights], sum(map(len, requests)))

    def fire(self, rack: int = 0, at: float | None = None) -> float:
        """Release the requests of a rack, `at` a moment of the monotonic clock if one is given; wait for all replies.

        Returns when the last came. They are not looked at yet: another rack may be fired at once.
        """
        flights = self._flights[rack]
        with selectors.DefaultSelector() as selector, _undisturbed():
            for flight in flights:
                selector.register(flight.connection.socket, selectors.EVENT_READ, flight)
            _wait_until(at)
            _release(flights)
            _collect(selector, time.monotonic() + self._endpoint.timeout)
        return max(flight.ended for flight in flights) or time.monotonic()

    def land(self, rack: int = 0) -> Volley:
        """What came of the burst of a rack."""
        shots = tuple(flight.landed() for flight in self._flights.pop(rack))
        self._racks[rack] = [connection for connection in self._racks[rack] if connection.is_open]
        return Volley(shots)

    def close(self) -> None:
        """Close every connection."""
        for connections in self._racks.values():
            for connection in connections:
                connection.close()
        self._racks.clear()
        self._flights.clear()

    def _ready(self, rack: int, count: int) -> list[Connection]:
        """So many connections that are open; those that the target closed meanwhile are replaced."""
        kept = self._racks.setdefault(rack, [])
        for connection in kept:
            if rack in self._flights or not connection.is_alive():
                connection.close()
        kept[:] = [connection for connection in kept if connection.is_open]
        self._open(kept, count - len(kept))
        return kept[:count]

    def _open(self, kept: list[Connection], missing: int) -> None:
        if missing > 0 and self._context is None and self._endpoint.parts.scheme == "https":
            self._context = trust(self._endpoint)
        if missing <= ONE_BY_ONE:
            for _ in range(missing):  # those that are open stay in the rack when one fails
                kept.append(Connection(self._endpoint, self._context))  # noqa: PERF401
            return
        with ThreadPoolExecutor(OPENED_AT_ONCE) as pool:
            futures = [pool.submit(Connection, self._endpoint, self._context) for _ in range(missing)]
        kept += [future.result() for future in futures if future.exception() is None]
        for future in futures:
            future.result()


def fire(endpoint: Endpoint, requests: Sequence[bytes]) -> Volley:
    """One burst over connections of its own."""
    battery = Battery(endpoint)
    try:
        battery.load(requests)
        battery.fire()
        return battery.land()
    finally:
        battery.close()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """No search for garbage while requests are in flight: it stops this process for milliseconds."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _send_ahead(flights: Sequence[_Flight], deadline: float) -> None:
    """Send everything but the last byte of each request."""
    with selectors.DefaultSelector() as selector:
        for waiting in flights:
            selector.register(waiting.connection.socket, selectors.EVENT_WRITE, waiting)
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if not ready:
                raise HarnessError("timeout", "the target does not take the requests of a burst")
            for key, _ in ready:
                flight: _Flight = key.data
                flight.push(len(flight.data) - 1)
                if flight.is_cut or flight.position == len(flight.data) - 1:
                    selector.unregister(flight.connection.socket)


def _wait_until(moment: float | None) -> None:
    if moment is None:
        return
    while (left := moment - time.monotonic()) > 0:
        if left > SPIN:
            time.sleep(left - SPIN)  # the moment is agreed upon with others, by the clock


def _release(flights: Sequence[_Flight]) -> None:
    """Send what was held back of each. Whatever can be made before the first is: the loop is the spread."""
    held = [(flight, flight.connection.socket.send, flight.data[flight.position :]) for flight in flights]
    clock = time.monotonic
    for flight, send, rest in held:
        try:
            sent = 0 if flight.is_cut else send(rest)
        except (OSError, ssl.SSLError):  # told apart below
            sent = 0
        flight.released = clock()
        flight.position += sent
    for flight in flights:
        while not flight.is_cut and flight.position < len(flight.data):
            flight.push(len(flight.data))
            flight.released = clock()


def _collect(selector: selectors.BaseSelector, deadline: float) -> None:
    while selector.get_map() and (left := deadline - time.monotonic()) > 0:
        for key, _ in selector.select(left):
            if key.data.take():
                selector.unregister(key.fileobj)


def _is_whole(data: bytes) -> bool:
    """Whether a reply is all there, or is none at all."""
    head, blank, body = data.partition(b"\r\n\r\n")
    length = _LENGTH.search(head) if blank else None
    if length is not None and head[9:10] != b"1":  # of a 1xx the reply is still to come
        return len(body) >= int(length[1])
    with suppress(HarnessError):
        return ReplyParser("POST").feed(data)
    return True
