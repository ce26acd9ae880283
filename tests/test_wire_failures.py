"""The reason why no reply came is told by a slug of its own, and nothing else is ever taken for a reply."""

import socket
from contextlib import closing
from threading import Event

import pytest
from tiny_servers import LONGEST, answer, read_request, request, reset, saying, serving

from biztoken import wire
from biztoken.errors import HarnessError
from biztoken.wire import Connection, Endpoint

LARGE = 21_000_000
SHORT = 0.2  # seconds: what a test waits for a server that does not answer


def failing(handler, *, data: bytes | None = None, timeout: float = 5.0) -> str:
    """The reason why no reply comes from a server that does what `handler` says."""
    with serving(handler) as server, closing(Connection(Endpoint(server.url, timeout=timeout))) as connection:
        with pytest.raises(HarnessError) as caught:
            connection.exchange("POST", data or request())
        assert not connection.is_open
        return caught.value.reason


FAILURES = {
    "closed before a reply": (b"", "closed"),
    "closed in the head": (b"HTTP/1.1 200 OK\r\nConte", "truncated"),
    "closed after the head": (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", "truncated"),
    "closed in the body": (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{", "truncated"),
    "closed in a chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc", "truncated"),
    "closed between chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "truncated"),
    "another protocol": (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "protocol"),
    "a page without a head": (b"<html>\r\n<body>\r\n\r\n", "protocol"),
    "a TLS alert": (b"\x15\x03\x01\x00\x02\x02\x16\r\n\r\n", "protocol"),
    "a status that is none": (b"HTTP/1.1 abc OK\r\n\r\n", "protocol"),
    "a length that is none": (b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", "protocol"),
    "a head without an end": (b"HTTP/1.1 200 OK\r\n" + b"X-A: 1\r\n" * 20_000, "protocol"),
}


@pytest.mark.parametrize(("sent", "reason"), FAILURES.values(), ids=FAILURES)
def test_reply_that_does_not_come_has_a_reason(sent, reason):
    """Closed, cut off, or no HTTP: each is told by a slug of its own, and none is taken for a reply."""
    assert failing(saying(sent)) == reason


def test_reset_before_a_reply_is_a_close():
    """A reset says no more than a close."""

    def handle(connection, _number):
        read_request(connection)
        reset(connection)

    assert failing(handle) == "closed"


def test_endless_reply_is_given_up(monkeypatch):
    """A reply that has no end is no reply of this endpoint."""
    monkeypatch.setattr(wire, "LARGEST_REPLY", 100_000)

    assert failing(saying(answer(200, b"x" * 200_000))) == "protocol"


SILENT = {"before the head": b"", "in the head": b"HTTP/1.1 200", "in the body": answer(200, b"{}")[:-1]}


@pytest.mark.parametrize("sent", SILENT.values(), ids=SILENT)
def test_server_that_falls_silent_is_given_up(sent):
    """A reply that does not come whole in time is a timeout, however far it came."""

    def handle(connection, _number):
        read_request(connection)
        connection.sendall(sent)
        connection.recv(1)

    assert failing(handle, timeout=SHORT) == "timeout"


def test_server_that_does_not_read_is_given_up():
    """So is one that lets the client wait with its request."""
    done = Event()

    def handle(_connection, _number):
        done.wait(LONGEST)

    with serving(handle) as server, closing(Connection(Endpoint(server.url, timeout=SHORT))) as connection:
        with pytest.raises(HarnessError) as caught:
            connection.exchange("POST", request(LARGE))
        done.set()

    assert caught.value.reason == "timeout"


def test_timeout_is_for_the_whole_exchange():
    """A server that always sends a little does not keep the client forever."""

    def handle(connection, _number):
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"1\r\nx\r\n")

    assert failing(handle, timeout=SHORT) in ("timeout", "protocol")


def test_port_where_nobody_listens():
    """A refused connection is told as such."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(HarnessError) as caught:
        Connection(Endpoint(f"http://127.0.0.1:{port}/"))

    assert caught.value.reason == "connect"
    assert f"127.0.0.1:{port}" in str(caught.value)


def test_host_that_is_unknown(monkeypatch):
    """A name that no server knows is told as such."""

    def unknown(*_arguments):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with pytest.raises(HarnessError) as caught:
        Connection(Endpoint("http://no-such-host.example/"))

    assert caught.value.reason == "dns"
    assert "no-such-host.example" in str(caught.value)
