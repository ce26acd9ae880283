"""Targets for the tests of load: they answer soundly, count what they read, and misbehave as a test says."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

from tiny_servers import serving

REFUSAL = {"error": "CONCURRENCY_LIMIT_EXCEEDED"}
Answer = Callable[[int, bytes], tuple[int, dict[str, object]] | str | None]


@dataclass
class Counted:
    """What a target saw. `requests`: those that it read whole; `busiest`: most at once."""

    url: str = ""
    requests: int = 0
    at_once: int = 0
    busiest: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


def sound(number: int, _request: bytes) -> tuple[int, dict[str, object]]:
    """The reply to a sound request."""
    return 200, {"biz_token": f"token-{number}"}


@contextmanager
def counting(answer: Answer = sound, hold: float = 0.02) -> Iterator[Counted]:
    """A target that takes `hold` seconds for each request and replies as `answer` says.

    None: it never does; a text: it closes the connection instead.
    """
    seen, numbers = Counted(), count(1)

    def handle(connection: socket.socket, _number: int) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        unread = b""
        while True:
            request, unread = read_request(connection, unread)
            if not request:
                return
            with seen.lock:
                number = next(numbers)
                seen.requests += 1
                seen.at_once += 1
                seen.busiest = max(seen.busiest, seen.at_once)
            time.sleep(hold)  # the service time
            told = answer(number, request)
            with seen.lock:
                seen.at_once -= 1
            if isinstance(told, str):
                return
            if told is None:
                connection.recv(1)  # the caller gives up
                return
            connection.sendall(reply(number, *told))

    with serving(handle) as server:
        seen.url = server.url
        yield seen


def read_request(connection: socket.socket, data: bytes) -> tuple[bytes, bytes]:
    """The next whole request and what came after it; empty at the end of the connection."""
    while (end := data.find(b"\r\n\r\n")) < 0 or len(data) < (whole := end + 4 + length(data[:end])):
        more = connection.recv(65_536)
        if not more:
            return b"", b""
        data += more
    return data[:whole], data[whole:]


def length(head: bytes) -> int:
    """The Content-Length of a head."""
    match = re.search(rb"(?i)content-length: *(\d+)", head)
    return int(match[1]) if match else 0


def reply(number: int, status: int, more: dict[str, object]) -> bytes:
    """A reply with what every reply must have."""
    body = json.dumps({"request_id": f"request-{number}", "time_used": 0, **more}).encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def series(request: bytes) -> str:
    """The biz_no of a request without its digits: it names the generator that made it."""
    match = re.search(rb'name="biz_no"\r\n\r\n([^\r]+)-\d+\r\n', request)
    return match[1].decode() if match else ""
