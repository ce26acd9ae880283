"""A line to the endpoint that looks at how each connection opens: with a TLS handshake, or with something in the clear.

The endpoint itself sees only what came through a handshake. A client that refuses a certificate never gets so far.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self

from biztoken.drill.seen import Connection

_HANDSHAKE = 0x16  # the first byte of TLS
_PIECE = 65_536  # bytes
_MOST = 200  # connections; nobody needs more in one drill


class Line:
    """Hands on what comes to `port`, byte for byte, to another port of this machine, between `with` and its end."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._seen: list[Connection] = []
        self._sockets: list[socket.socket] = [self._listener]

    @property
    def port(self) -> int:
        """Where to connect to."""
        return int(self._listener.getsockname()[1])

    @property
    def connections(self) -> tuple[Connection, ...]:
        """What each connection so far began with."""
        with self._lock:
            return tuple(self._seen)

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, name="line", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            for end in self._sockets:
                _close(end)

    def _accept(self) -> None:
        # Closing the listener ends the wait for the next.
        with contextlib.suppress(OSError):
            for number in range(_MOST):
                client, _ = self._listener.accept()
                with self._lock:
                    self._sockets.append(client)
                    self._seen.append(Connection())
                threading.Thread(target=self._serve, args=(client, number), name="line", daemon=True).start()

    def _serve(self, client: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError):
            first = client.recv(_PIECE)
            self._note(number, Connection(_opening(first), len(first)))
            endpoint = socket.create_connection(("127.0.0.1", self._to))
            with self._lock:
                self._sockets.append(endpoint)
            endpoint.sendall(first)
            threading.Thread(target=_hand_on, args=(endpoint, client), name="line", daemon=True).start()
            _hand_on(client, endpoint)

    def _note(self, number: int, connection: Connection) -> None:
        with self._lock:
            self._seen[number] = connection


def _opening(first: bytes) -> str:
    if not first:
        return ""
    return "tls" if first[0] == _HANDSHAKE else "clear"


def _hand_on(source: socket.socket, target: socket.socket) -> None:
    """Hand on until the source ends; then the target learns that it did."""
    with contextlib.suppress(OSError):
        while piece := source.recv(_PIECE):
            target.sendall(piece)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _close(end: socket.socket) -> None:
    # A shutdown wakes whoever waits on it in another thread; closing alone would not.
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
