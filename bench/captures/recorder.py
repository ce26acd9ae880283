"""A raw socket that keeps the bytes of each request and answers as a sound endpoint would."""

from __future__ import annotations

import json
import socket
import threading
from types import TracebackType
from typing import Self
from uuid import UUID

from biztoken.errors import UserError
from biztoken.received import read_received

_ANSWER = json.dumps({"request_id": f"1,{UUID(int=1)}", "time_used": 1, "biz_token": f"1,{UUID(int=2)}"}).encode()
_LONGEST = 20.0  # seconds that a client may be silent


class Recorder:
    """`requests`: the bytes of each request, without what stands between two."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(_LONGEST)
                try:
                    self._take(connection)
                except (OSError, UserError):
                    continue

    def _take(self, connection: socket.socket) -> None:
        """One request of a connection: its answer closes it."""
        data, is_asked = b"", False
        while not (b"\r\n\r\n" in data and read_received(data, "request").whole):
            more = connection.recv(65536)
            if not more:
                break
            data += more
            if not is_asked and b"\r\n\r\n" in data and read_received(data, "request").header("expect"):
                connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                is_asked = True
        if not data:
            return
        self.requests.append(data)
        answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
        connection.sendall(answer + b"Content-Length: %d\r\n\r\n" % len(_ANSWER) + _ANSWER)
