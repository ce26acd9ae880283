"""The client reads whatever a server may send, also while it is still sending, and says why where nothing comes."""

import select
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from threading import Event

import pytest
from tiny_servers import LONGEST, answer, read_request, request, reset, saying, serving

from biztoken.model import Reply
from biztoken.wire import Connection, Endpoint

LARGE = 21_000_000
TOO_LARGE = answer(413, b"Request Entity Too Large", "Connection: close")


def exchange(handler, data: bytes | None = None) -> Reply:
    """The reply of a server that does what `handler` says."""
    with serving(handler) as server, closing(Connection(Endpoint(server.url, timeout=5.0))) as connection:
        return connection.exchange("POST", data or request())


REPLIES = {
    "with a length": (answer(200, b'{"a": 1}'), 200, b'{"a": 1}'),
    "with an empty body": (answer(200, b""), 200, b""),
    "after 100 Continue": (b"HTTP/1.1 100 Continue\r\n\r\n" + answer(200, b"ok"), 200, b"ok"),
    "after two informational replies": (
        b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" + answer(400, b"no"),
        400,
        b"no",
    ),
    "chunked": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n6;x=y\r\npedia \r\n0\r\n\r\n",
        200,
        b"wikipedia ",
    ),
    "chunked with trailers": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n",
        200,
        b"ok",
    ),
    "ended by closing": (b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\nall of it", 403, b"all of it"),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nold", 200, b"old"),
    "HTTP/1.0 with a length": (b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nold", 200, b"old"),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
    "without a reason": (b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", 200, b"ok"),
    "an odd status": (answer(599, b"?"), 599, b"?"),
}


@pytest.mark.parametrize(("sent", "status", "body"), REPLIES.values(), ids=REPLIES)
def test_reply_is_read_whole(sent, status, body):
    """Every way to frame a reply that HTTP/1 has is read to its end, and 1xx replies are none."""
    reply = exchange(saying(sent))

    assert (reply.status, reply.body) == (status, body)


@pytest.mark.parametrize("sent", [REPLIES["chunked"][0], REPLIES["with a length"][0], REPLIES["after 100 Continue"][0]])
def test_reply_may_come_byte_by_byte(sent):
    """A reply in many small pieces is the same reply."""

    def handle(connection, _number):
        read_request(connection)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for index in range(len(sent)):
            connection.sendall(sent[index : index + 1])

    assert exchange(handle).status == 200


def test_headers_are_kept_as_they_came():
    """All headers come in their order, a repeated one twice."""
    reply = exchange(saying(answer(200, b"", "X-A: 1", "Set-Cookie: a", "Set-Cookie: b")))

    assert [value for name, value in reply.headers if name.lower() == "set-cookie"] == ["a", "b"]
    assert ("x-a", "1") in [(name.lower(), value) for name, value in reply.headers]


def drain(connection, _done):
    """Answer at once, then read the rest, as a patient server does."""
    connection.recv(1024)
    connection.sendall(TOO_LARGE)
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(1_000_000):
        pass


def close_at_once(connection, _done):
    """Answer at once and close with most of the body unread: the kernel resets the connection."""
    connection.recv(1024)
    connection.sendall(TOO_LARGE)


def stop_reading(connection, done):
    """Answer and read nothing more."""
    connection.recv(1024)
    connection.sendall(TOO_LARGE)
    done.wait(LONGEST)


@contextmanager
def early(server) -> Iterator[Connection]:
    """A connection to a server that answers early, and stays until the block ends."""
    done = Event()
    with serving(lambda connection, _number: server(connection, done)) as tiny:
        try:
            with closing(Connection(Endpoint(tiny.url))) as connection:
                yield connection
        finally:
            done.set()


@pytest.mark.parametrize("server", [drain, close_at_once, stop_reading])
def test_early_413_is_read_while_sending(server):
    """A server that refuses 21 MB before they are all sent is heard, whether it reads the rest or closes."""
    with early(server) as connection:
        reply = connection.exchange("POST", request(LARGE))

    assert (reply.status, reply.body) == (413, b"Request Entity Too Large")


def test_early_reply_without_a_length_is_read():
    """So is one that only closing ends, though the close is a reset."""

    def handle(connection, _number):
        connection.recv(1024)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nConnection: close\r\n\r\nRequest Entity Too Large")

    assert exchange(handle, request(LARGE)).status == 413


def test_connection_is_not_used_again_after_an_early_reply():
    """The rest of a request that was not sent would be taken for the next one."""
    with early(stop_reading) as connection:
        connection.exchange("POST", request(LARGE))

        assert not connection.is_open


def test_connection_that_took_no_request_is_not_used_again():
    """A reply that was there before the server reset the connection is read, and the connection is over."""
    made = Event()

    def handle(connection, _number):
        assert made.wait(LONGEST)  # a reset that comes sooner is told by the call that connects
        connection.sendall(answer(413, b"no"))
        reset(connection)

    with serving(handle) as server, closing(Connection(Endpoint(server.url))) as connection:
        made.set()
        wait_for_reset(connection)
        reply = connection.exchange("POST", request())

        assert (reply.status, connection.is_open) == (413, False)


def wait_for_reset(connection: Connection):
    """Wait until the server has reset the connection."""
    poll = select.poll()
    poll.register(connection.socket, 0)  # errors are told whatever is asked for
    assert poll.poll(LONGEST * 1000)


def test_whole_upload_arrives():
    """A server that reads all of 21 MB before it answers gets every byte."""
    seen = []

    def handle(connection, _number):
        seen.append(len(read_request(connection)))
        connection.sendall(answer())

    exchange(handle, request(LARGE))

    assert seen == [len(request(LARGE))]
