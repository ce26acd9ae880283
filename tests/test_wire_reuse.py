"""The client keeps its connection where the target does, and a stale one says nothing about a request."""

import json
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest
from tiny_servers import LONGEST, TinyServer, answer, read_request, reset, serving

from biztoken.client import SIGN, Client, Request
from biztoken.evidence import Evidence
from biztoken.settings import Target
from biztoken.signing import Key, Secret

REQUEST = Request((("sign", SIGN), ("uuid", "user-1")))
SOUND = b'{"request_id": "1", "time_used": 1, "biz_token": "t"}'


@contextmanager
def client_of(server: TinyServer, directory: Path, **fields):
    """A client of a server, whose evidence goes into a directory."""
    evidence = Evidence(directory, [])
    keys = {"active": Key("key", Secret("secret"))}
    client = Client(Target("tiny", server.url, keys, **{"timeout": 5.0, **fields}), evidence)
    try:
        yield client
    finally:
        client.close()
        evidence.close()


def keeping(replies: list[bytes]):
    """A handler that answers each request of a connection with the next reply, and closes after the last."""

    def handle(connection, _number):
        for reply in replies:
            if not read_request(connection):
                return
            connection.sendall(reply)

    return handle


def send(client: Client, count: int) -> list[int | None]:
    """The statuses of some requests, None where no reply came."""
    exchanges = [client.send(REQUEST, case="case", role="probe") for _ in range(count)]
    return [exchange.reply.status if exchange.reply else None for exchange in exchanges]


def test_connection_is_kept(tmp_path):
    """One after another, requests go over one connection."""
    with serving(keeping([answer(200, SOUND)] * 3)) as server, client_of(server, tmp_path) as client:
        assert send(client, 3) == [200, 200, 200]
        assert server.connections == 1


@pytest.mark.parametrize(
    "reply",
    [answer(200, SOUND, "Connection: close"), b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}"],
    ids=["close", "HTTP/1.0"],
)
def test_connection_is_not_kept_where_the_target_closes_it(tmp_path, reply):
    """`Connection: close` and HTTP/1.0 end a connection, so the next request opens another one."""
    with serving(keeping([reply])) as server, client_of(server, tmp_path) as client:
        assert send(client, 3) == [200, 200, 200]
        assert server.connections == 3


def test_stale_connection_is_retried(tmp_path):
    """A target that closes idle connections without saying so costs no request and leaves no failure."""
    with serving(keeping([answer(200, SOUND)])) as server, client_of(server, tmp_path) as client:
        assert send(client, 3) == [200, 200, 200]
        assert server.connections == 3
        assert client.sent == 3


def test_connection_that_was_reset_while_idle_is_retried(tmp_path):
    """So is one that was reset."""

    def handle(connection, _number):
        read_request(connection)
        connection.sendall(answer(200, SOUND))
        read_request(connection)
        reset(connection)

    with serving(handle) as server, client_of(server, tmp_path) as client:
        assert send(client, 2) == [200, 200]
        assert server.connections == 2


def test_fresh_connection_is_not_retried(tmp_path):
    """A target that closes a fresh connection without a reply failed: that is told, and sent once."""
    with serving(lambda connection, _number: read_request(connection)) as server:
        with client_of(server, tmp_path) as client:
            exchange = client.send(REQUEST, case="case", role="probe")

        assert exchange.reply is None
        assert exchange.failure.startswith("closed: ")
        assert server.connections == 1


def test_silence_on_a_kept_connection_is_not_retried(tmp_path):
    """A request that was taken and not answered is a timeout, not a stale connection."""
    done = Event()

    def handle(connection, _number):
        read_request(connection)
        connection.sendall(answer(200, SOUND))
        done.wait(LONGEST)

    with serving(handle) as server:
        with client_of(server, tmp_path, timeout=0.2) as client:
            statuses = send(client, 2)
        done.set()

        assert statuses == [200, None]
        assert server.connections == 1


def test_connection_after_a_failure_is_a_new_one(tmp_path):
    """What remains of a failed exchange is not taken for the next reply."""

    def handle(connection, number):
        read_request(connection)
        connection.sendall(b"HTTP/1.1 nonsense\r\n\r\n" if number == 1 else answer(200, SOUND))
        read_request(connection)

    with serving(handle) as server, client_of(server, tmp_path) as client:
        assert send(client, 2) == [None, 200]
        assert server.connections == 2


def test_reply_that_nobody_asked_for_is_not_taken_for_the_next_one(tmp_path):
    """A gateway that ends an idle connection with 408 has not answered the next request."""
    seen, ended = Event(), Event()

    def handle(connection, number):
        read_request(connection)
        connection.sendall(answer(200, SOUND))
        if number == 1:
            seen.wait(LONGEST)
            connection.sendall(answer(408, b"idle", "Connection: close"))
            connection.close()
            ended.set()

    with serving(handle) as server, client_of(server, tmp_path) as client:
        first = send(client, 1)
        seen.set()
        ended.wait(LONGEST)
        second = send(client, 1)

    assert (first, second) == ([200], [200])


def test_every_exchange_is_recorded(tmp_path):
    """Each request has its line, numbered, with what came or why nothing came, and shows no sign."""
    replies = [answer(200, SOUND), b"garbage\r\n\r\n"]

    with serving(keeping(replies)) as server, client_of(server, tmp_path) as client:
        send(client, 2)

    records = [json.loads(line) for line in (tmp_path / "evidence.ndjson").read_text("utf-8").splitlines()]
    assert [record["id"] for record in records] == [1, 2]
    assert records[0]["reply"]["status"] == 200
    assert records[0]["request"]["fields"][0] == {"name": "sign", "value": "<sign>"}
    assert (records[1]["reply"], records[1]["failure"].partition(":")[0]) == (None, "protocol")


def test_each_request_has_a_sign_of_its_own(tmp_path):
    """A sign is made when its request is sent: no two are the same."""
    seen = []

    def handle(connection, _number):
        while data := read_request(connection):
            seen.append(data.partition(b'name="sign"\r\n\r\n')[2].partition(b"\r\n")[0])
            connection.sendall(answer(200, SOUND))

    with serving(handle) as server, client_of(server, tmp_path) as client:
        send(client, 4)

    assert len(set(seen)) == 4
    assert SIGN.encode() not in seen


def test_target_that_drops_requests_on_kept_connections_is_told(tmp_path):
    """Once or twice is chance; a target that never closes an idle connection and does it again and again drops them."""

    def handle(connection, _number):
        for _ in range(2):
            read_request(connection)
            connection.sendall(answer(200, SOUND))
        read_request(connection)

    with serving(handle) as server, client_of(server, tmp_path) as client:
        statuses = send(client, 14)

        assert statuses[:8] == [200] * 8
        assert statuses.count(None) == 2
