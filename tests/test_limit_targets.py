"""`biztoken limit` against limiters that the mock does not have: by the head, by the connection."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from itertools import count

import pytest
from conftest import Cli
from tiny_servers import LONGEST, answer, content_length, serving

LIMIT = 3
SERVICE = 0.08  # seconds that a request takes


class Limiter:
    """A server with so many slots, taken by `take` when the head of a request is there, or the whole of it."""

    def __init__(self, *, by_head: bool = False, by_connection: bool = False) -> None:
        self._lock = threading.Lock()
        self._numbers = count(1)
        self._taken = 0
        self._by_head, self._by_connection = by_head, by_connection
        self._over = threading.Event()  # never set: a wait that nothing cuts short

    def handle(self, connection: socket.socket, number: int) -> None:
        """Answer requests until the client closes."""
        connection.settimeout(LONGEST * 4)
        while self.answer(connection, number):
            pass

    def answer(self, connection: socket.socket, number: int) -> bool:
        """Answer one request; false where none comes."""
        left = self._head(connection)
        if left is None:
            return False
        admitted = self._take(number) if self._by_head else None
        while left > 0:
            left -= len(connection.recv(left)) or left
        if admitted is None:
            admitted = self._take(number)
        if admitted:
            self._serve()
        self._reply(connection, admitted=admitted)
        return True

    def _head(self, connection: socket.socket) -> int | None:
        """How much of the body is still to come; None at the end."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = connection.recv(65_536)
            if not piece:
                return None
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        return content_length(head) - len(body)

    def _take(self, number: int) -> bool:
        if self._by_connection:
            return number <= LIMIT + 1  # the first is the one that the doctor opened
        with self._lock:
            if self._taken >= LIMIT:
                return False
            self._taken += 1
            return True

    def _serve(self) -> None:
        self._over.wait(SERVICE)
        with self._lock:
            self._taken -= 1

    def _reply(self, connection: socket.socket, *, admitted: bool) -> None:
        number = next(self._numbers)
        body = {"request_id": f"request-{number}", "time_used": 0}
        body |= {"biz_token": f"token-{number}"} if admitted else {"error": "CONCURRENCY_LIMIT_EXCEEDED"}
        connection.sendall(answer(200 if admitted else 403, json.dumps(body).encode()))


def limited(cli: Cli, handle: Callable[[socket.socket, int], None], *options: object):
    """One run against a server of a few lines."""
    with serving(handle) as server:
        out = cli.new_path("limit")
        command = ("limit", "--target", cli.target(server.url), "--out", out, "--max", 16, *options)
        return cli.run(*command, out=out)


@pytest.mark.parametrize("options", [(), ("--picture",), ("--processes", 2)])
@pytest.mark.parametrize("by_head", [False, True])
def test_limit_is_found_wherever_it_is_counted(cli, by_head, options):
    """Whether a request counts from its head or from its end, the number that is admitted is the limit."""
    done = limited(cli, Limiter(by_head=by_head).handle, *options)

    assert (done.code, done.result["limit"]["value"]) == (0, LIMIT), done.err


def test_limit_on_connections_is_no_limit_in_flight(cli):
    """A server that serves some connections and refuses others says nothing of requests in flight."""
    done = limited(cli, Limiter(by_connection=True).handle)

    assert (done.code, done.result["limit"]["kind"], done.result["limit"]["value"]) == (2, "per-connection", None)


def test_server_that_closes_each_connection_is_measured_all_the_same(cli):
    """Connections that are not kept are opened before each burst."""
    limiter = Limiter()

    def handle(connection, number):
        limiter.answer(connection, number)

    done = limited(cli, handle)

    assert (done.code, done.result["limit"]["value"]) == (0, LIMIT), done.err
