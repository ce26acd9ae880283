"""The line between the command and a locust process that it started: one JSON value a line, both ways.

It is a socket that the process inherits, so nothing of it stands in its arguments or environment but a number; and it
ends when the command ends, however that ends, and the process with it.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator

from biztoken.model import Json

VARIABLE = "BIZTOKEN_LOAD_CONTROL"  # the number of the inherited socket
STOP, ASK, CONFIRM, END = "stop", "ask", "confirm", "end"  # what the command says
ORPHANED = 3  # exit code of a process whose command, or master, is gone
CHUNK = 65_536


class Line:
    """One end. Reading and writing block as the socket does, or as what replaced the socket does."""

    def __init__(self, end: socket.socket) -> None:
        self.socket = end
        self._unread = b""

    @classmethod
    def inherited(cls) -> Line | None:
        """The line to the command that started this process; None where nobody did."""
        number = os.environ.get(VARIABLE, "")
        return cls(socket.socket(fileno=int(number))) if number.isdigit() else None

    def tell(self, value: Json) -> None:
        """Send a value; nothing happens where nobody listens any more."""
        try:
            self.socket.sendall(json.dumps(value, ensure_ascii=False).encode() + b"\n")
        except OSError:
            return

    def heard(self) -> Iterator[Json]:
        """Every value until the other end closes."""
        while chunk := self.receive():
            yield from self.feed(chunk)

    def feed(self, chunk: bytes) -> list[Json]:
        """The values that are whole once this chunk came."""
        *lines, self._unread = (self._unread + chunk).split(b"\n")
        return [json.loads(line) for line in lines if line]

    def receive(self) -> bytes:
        """What comes next; empty once the other end is closed, however that came about."""
        try:
            return self.socket.recv(CHUNK)
        except OSError:
            return b""
