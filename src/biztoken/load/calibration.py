"""How many requests a second this generator makes, found on loopback before it is sent anywhere.

The sink is a process of its own: it reads each request and answers at once with the same sound reply.
"""

from __future__ import annotations

import json
import selectors
import socket
import subprocess
import sys

SECONDS = 0.6  # that a calibration lasts
AT_ONCE = 20  # connections: enough to keep a generator busy
_BODY = json.dumps({"request_id": "sink", "time_used": 0, "biz_token": "sink"}).encode()
_REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(_BODY), _BODY)


def serve() -> None:
    """Be the sink: print the port, answer requests of the size that standard input names, end when it closes."""
    size = int(sys.stdin.readline())
    listener = socket.create_server(("127.0.0.1", 0), backlog=AT_ONCE * 2)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    unanswered: dict[socket.socket, int] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        selector.register(sys.stdin, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is sys.stdin:
                    return
                if key.fileobj is listener:
                    connection, _ = listener.accept()
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    selector.register(connection, selectors.EVENT_READ)
                    unanswered[connection] = 0
                elif isinstance(key.fileobj, socket.socket) and not _answer(key.fileobj, unanswered, size):
                    selector.unregister(key.fileobj)
                    key.fileobj.close()


def _answer(connection: socket.socket, unanswered: dict[socket.socket, int], size: int) -> bool:
    """Read what is there and answer each request that is whole; false at the end of the connection."""
    try:
        data = connection.recv(1 << 20)
        whole, unanswered[connection] = divmod(unanswered[connection] + len(data), size)
        if whole:
            connection.sendall(_REPLY * whole)
    except OSError:
        return False
    return bool(data)


class Sink:
    """The sink as a process, until `close` or the end of this one."""

    def __init__(self, size: int) -> None:
        command = [sys.executable, "-m", "biztoken.load.calibration"]
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdin is not None  # noqa: S101 - they are pipes
        assert self._process.stdout is not None  # noqa: S101
        self._process.stdin.write(b"%d\n" % size)
        self._process.stdin.flush()
        self.port = int(self._process.stdout.readline())

    def close(self) -> None:
        """End it and wait for it."""
        self._process.communicate(timeout=10)


if __name__ == "__main__":
    serve()
