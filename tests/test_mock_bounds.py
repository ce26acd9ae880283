"""Bounds of the mock: whatever a client sends or holds back, others are served; who is merely slow is served, too."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from mock_service import BOUNDARY, COMPARE, FACE, KYC, body

from biztoken.mock import bounds
from biztoken.mock.local import LocalMock

LONGEST = 30  # seconds that a test waits for what must come


@pytest.fixture
def mock() -> Iterator[LocalMock]:
    """A mock of its own: the bounds are changed before its first connection."""
    with LocalMock() as mock:
        yield mock


def connect(mock: LocalMock) -> socket.socket:
    """A connection for bytes as they are."""
    parts = urlsplit(mock.url)
    return socket.create_connection((str(parts.hostname), parts.port or 0), timeout=LONGEST)


def head(mock: LocalMock, *lines: str) -> bytes:
    """The head of a form, with these lines."""
    kind = f"Content-Type: multipart/form-data; boundary={BOUNDARY}"
    return "\r\n".join([f"POST {urlsplit(mock.url).path} HTTP/1.1", "Host: mock", kind, *lines, "", ""]).encode()


def sound(mock: LocalMock, *lines: str) -> bytes:
    """A sound request."""
    content = body(KYC)
    return head(mock, f"Content-Length: {len(content)}", *lines) + content


def chunked(content: bytes) -> bytes:
    """A body in one chunk."""
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(content), content)


def read(connection: socket.socket) -> bytes:
    """Everything until the other side closes or breaks the connection off."""
    data = b""
    with suppress(ConnectionError):
        while more := connection.recv(65536):
            data += more
    return data


def is_served(mock: LocalMock) -> bool:
    """Whether a sound request gets its token."""
    with connect(mock) as connection:
        connection.sendall(sound(mock, "Connection: close"))
        return b"biz_token" in read(connection)


def send_for_ever(connection: socket.socket, piece: bytes) -> int:
    """Send until the other side will have no more; how many bytes went."""
    sent = 0
    with suppress(ConnectionError, TimeoutError):
        while sent < 50_000_000:
            connection.sendall(piece)
            sent += len(piece)
    return sent


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        ("POST / HTTP/1.1\r\n", b"a: b\r\n"),
        ("POST / HTTP/1.1\r\na: ", b"b"),
        ("GET /", b"a"),
        ("", b"\r\n"),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"a: b\r\n"),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;", b"e"),
    ],
    ids=["headers", "one-header", "target", "blank-lines", "trailers", "chunk-extension"],
)
def test_what_brings_no_body_has_an_end(mock: LocalMock, start: str, piece: bytes) -> None:
    """A head, trailers or the like without end are refused; nothing of them is kept beyond the bound."""
    with connect(mock) as connection:
        connection.sendall(start.encode())
        sent = send_for_ever(connection, piece * 1000)
        refusal = read(connection)

    assert sent < 20_000_000
    assert refusal[:12] in (b"HTTP/1.1 400", b"")  # the answer may be lost to the reset of what was not read
    assert is_served(mock)


def test_large_head_within_the_bound_is_read(mock: LocalMock) -> None:
    """Cookies and tracing headers of 60 kB are no reason to refuse."""
    with connect(mock) as connection:
        connection.sendall(sound(mock, "Connection: close", "Cookie: " + "c" * 60_000))

        assert b"biz_token" in read(connection)


def test_head_over_the_bound_is_refused_also_at_once(mock: LocalMock) -> None:
    """It makes no difference whether the bytes come in one piece."""
    with connect(mock) as connection:
        connection.sendall(sound(mock, "Cookie: " + "c" * (bounds.HEAD_BYTES + 1)))

        assert read(connection).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(("count", "status"), [(30, b"404"), (5000, b"400")])
def test_requests_wait_in_line_up_to_a_bound(mock: LocalMock, count: int, status: bytes) -> None:
    """Thirty requests sent without waiting are all answered; thousands are not kept."""
    with connect(mock) as connection:
        connection.sendall(b"GET /a HTTP/1.1\r\n\r\n" * (count - 1) + b"GET /a HTTP/1.1\r\nConnection: close\r\n\r\n")
        data = read(connection)

    assert data.split(b"HTTP/1.1 ")[-1][:3] == status
    assert data.count(b"HTTP/1.1 404") == (count if status == b"404" else data.count(b"HTTP/1.1 404"))
    assert is_served(mock)


@pytest.mark.parametrize("part", [0, 1, 100, -100], ids=["nothing", "first-byte", "in-the-head", "in-the-body"])
def test_who_stops_sending_is_let_go(mock: LocalMock, monkeypatch: pytest.MonkeyPatch, part: int) -> None:
    """An unfinished request is ended in time, so that connections cannot pile up for ever."""
    monkeypatch.setattr(bounds, "_SWEEP_SECONDS", 0.05)
    monkeypatch.setattr(bounds, "HEAD_SECONDS", 0.2)
    monkeypatch.setattr(bounds, "SILENT_SECONDS", 0.2)
    with connect(mock) as connection:
        connection.sendall(sound(mock)[:part] if part else b"")

        assert read(connection) == b""


def test_body_in_drops_has_an_end(mock: LocalMock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that never pauses, but never ends either, is ended in time."""
    monkeypatch.setattr(bounds, "_SWEEP_SECONDS", 0.05)
    monkeypatch.setattr(bounds, "BODY_SECONDS", 0.3)
    with connect(mock) as connection:
        connection.sendall(head(mock, "Content-Length: 10000000"))
        connection.settimeout(0.01)
        for _ in range(LONGEST * 100):
            try:
                connection.sendall(b"x")
                if not connection.recv(1):
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        else:
            pytest.fail("the body went on")


def test_slow_client_is_served(mock: LocalMock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who goes on sending is waited for, and a connection that is kept alive is not ended by these bounds."""
    monkeypatch.setattr(bounds, "_SWEEP_SECONDS", 0.01)
    monkeypatch.setattr(bounds, "SILENT_SECONDS", 1.0)
    data = sound(mock)
    with connect(mock) as connection:
        for start in range(0, len(data), 40):
            connection.sendall(data[start : start + 40])
            time.sleep(0.02)  # the client is slow; in all it takes longer than the sweep, but not than the bounds

        assert b"200 OK" in connection.recv(1000)


def test_unfinished_bodies_are_bounded_together(mock: LocalMock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The largest of them go; a request that is whole gets its answer."""
    monkeypatch.setattr(bounds, "MOST_HELD", 3_000_000)
    held = [connect(mock) for _ in range(10)]
    try:
        for connection in held:
            connection.sendall(head(mock, "Content-Length: 10000000"))
            send_some(connection, 900_000)

        assert is_served(mock)
        ended = 0
        for connection in held:
            connection.settimeout(0.2)
            try:
                ended += connection.recv(1) == b""
            except ConnectionError:
                ended += 1
            except TimeoutError:
                pass
        assert 6 <= ended < 10
    finally:
        for connection in held:
            connection.close()


def send_some(connection: socket.socket, size: int) -> None:
    """Send so much, unless the other side ends it before."""
    with suppress(ConnectionError):
        connection.sendall(bytes(size))


def test_idle_connections_make_room(mock: LocalMock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are too many, those that have waited longest go, and who comes new is served."""
    monkeypatch.setattr(bounds, "MOST_CONNECTIONS", 40)
    held = [connect(mock) for _ in range(100)]
    try:
        assert is_served(mock)
        assert read(held[0]) == b""
        held[-1].sendall(sound(mock, "Connection: close"))
        assert b"biz_token" in read(held[-1])
    finally:
        for connection in held:
            connection.close()


H2C = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAA")


@pytest.mark.parametrize("step", [1, 37, 10**6])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_request_that_asks_for_another_protocol_is_served_in_this_one(mock: LocalMock, framing: str, step: int) -> None:
    """Its body is read however it comes, the journal has it whole, and the connection goes on."""
    content = body(COMPARE | {"image_ref1": FACE})
    told = "Transfer-Encoding: chunked" if framing == "chunked" else f"Content-Length: {len(content)}"
    data = head(mock, told, *H2C) + (chunked(content) if framing == "chunked" else content)
    first = data[: len(data) if step > 1 else 3000]
    with connect(mock) as connection:
        for start in range(0, len(first), step):
            connection.sendall(first[start : start + step])
        connection.sendall(data[len(first) :])
        answer = b""
        while b"biz_token" not in answer and (piece := connection.recv(65536)):
            answer += piece
        assert b"biz_token" in answer
        connection.sendall(sound(mock, "Connection: close"))
        assert b"biz_token" in read(connection)

    entries = mock.wait_for(2)

    assert [entry.received.body == content for entry in entries] == [True, False]
    assert all(entry.received.whole for entry in entries)


def test_other_protocol_without_a_body_is_answered_too(mock: LocalMock) -> None:
    """A WebSocket handshake is a request like any other, and no API of the contract."""
    with connect(mock) as connection:
        connection.sendall(
            b"GET /chat HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
            + sound(mock, "Connection: close")
        )
        data = read(connection)

    assert json.loads(data.split(b"\r\n\r\n")[1].split(b"HTTP/1.1")[0])["error"] == "API_NOT_FOUND"
    assert b"biz_token" in data
