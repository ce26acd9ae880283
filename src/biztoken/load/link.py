"""One open socket of a greenlet: sends and reads at once, and waits without stopping the other greenlets."""

from __future__ import annotations

import select
import ssl
from contextlib import suppress
from typing import Any

from gevent import get_hub, getcurrent
from gevent.monkey import get_original

from biztoken.errors import HarnessError
from biztoken.wire import CHUNK, Connection, Endpoint

READ, WRITE = 1, 2  # events of a watcher, as libev numbers them
SMALL = 16_384  # bytes that one reading takes: room for any reply but an absurd one
_LATER = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
# Without gevent's layer: the waiting is done here, once for each reply, and the rest goes straight to the system.
_Socket, _poll = get_original("socket", "socket"), get_original("select", "poll")


class Link:
    """An open connection. HarnessError where there is none: dns, connect, proxy, tls.

    After `close`, or an exception of any other method, only `close` is legal.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        opened = Connection(endpoint).socket
        self._is_secure = isinstance(opened, ssl.SSLSocket)
        self._socket: Any = opened if self._is_secure else _Socket(fileno=opened.detach())
        self._socket.setblocking(False)
        self._timeout = endpoint.timeout
        self._hub, self._greenlet = get_hub(), getcurrent()
        loop, number = self._hub.loop, self._socket.fileno()
        self._readable, self._both = loop.io(number, READ), loop.io(number, READ | WRITE)
        # It repeats, so that `again` sets it to the whole time; one stopped and started goes on where it was.
        self._timer = loop.timer(endpoint.timeout, endpoint.timeout)
        self._poll = _poll()
        self._poll.register(number, select.POLLIN)
        self._unsent = memoryview(b"")
        self.was_cut = False  # the other side took no more of the request

    @property
    def has_unsent(self) -> bool:
        """Whether a part of the request was not sent."""
        return bool(self._unsent) or self.was_cut

    def is_idle(self) -> bool:
        """Whether nothing came since the last reply; what came would be the end, or no answer to us."""
        return not self._poll.poll(0)

    def begin(self) -> None:
        """Start the time that an exchange may take: `more` raises HarnessError, timeout, when it is over."""
        self._greenlet = getcurrent()
        self._timer.again(self._expire)

    def end(self) -> None:
        """Stop that time."""
        self._timer.stop()

    def _expire(self) -> None:
        self._greenlet.throw(HarnessError("timeout", f"no reply within {self._timeout:g} s"))

    def send(self, data: bytes | list[bytes]) -> None:
        """Send as much of a request as the socket takes now; `more` sends the rest."""
        if self._is_secure:
            # Always by `_push`: what TLS did not take must be offered again in a piece of the same length.
            self._unsent = memoryview(data if isinstance(data, bytes) else b"".join(data))
            self._push()
            return
        try:
            sent = self._socket.send(data) if isinstance(data, bytes) else self._socket.sendmsg(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.was_cut = True
            return
        if sent < (len(data) if isinstance(data, bytes) else sum(map(len, data))):
            self._unsent = memoryview(data if isinstance(data, bytes) else b"".join(data))[sent:]

    def more(self) -> bytes:
        """What comes next, empty where the connection ended; meanwhile the rest of the request is sent."""
        while True:
            if not (self._is_secure and self._socket.pending()):
                self._wait(self._both if self._unsent else self._readable)
            if self._unsent:
                self._push()
            try:
                return bytes(self._socket.recv(SMALL))
            except _LATER:
                continue
            except OSError:
                return b""

    def _wait(self, watcher: Any) -> None:
        """Let the others run until a watcher calls. Cheaper than `hub.wait`; may end early, which `more` expects."""
        watcher.start(self._greenlet.switch)
        try:
            self._hub.switch()
        finally:
            watcher.stop()

    def _push(self) -> None:
        try:
            self._unsent = self._unsent[self._socket.send(self._unsent[: CHUNK * 4]) :]
        except _LATER:
            return
        except OSError:
            self.was_cut = True  # the target closed its side; its reply may be there to read
            self._unsent = memoryview(b"")

    def close(self) -> None:
        for watcher in (self._readable, self._both, self._timer):
            watcher.stop()
            watcher.close()
        with suppress(OSError):
            self._socket.close()
