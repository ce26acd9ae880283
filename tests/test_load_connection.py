"""The connection of a load: every way in which a reply, or none, can come has its name, and costs no other request."""

import socket
from contextlib import closing
from threading import Event

import gevent
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_servers import (
    LONGEST,
    PATH,
    Authority,
    answer,
    content_length,
    make_authority,
    read_request,
    request,
    reset,
    saying,
    serving,
)

from biztoken.errors import HarnessError
from biztoken.load import connection as module
from biztoken.load.connection import FORGIVEN, Connection
from biztoken.load.heads import END, read_head
from biztoken.model import Reply
from biztoken.wire import Endpoint, ReplyParser

BODY = b'{"request_id": "1", "time_used": 1, "biz_token": "t"}'
LARGE = 20_000_000  # bytes: more than any socket takes at once


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Vouches for 127.0.0.1."""
    return make_authority(tmp_path_factory.mktemp("authority"))


def connection_to(url: str, **options):
    """A connection that is closed with the block."""
    return closing(Connection(Endpoint(url, **{"timeout": 5.0, **options})))


def replies(handler, count: int = 1, data: bytes | list[bytes] | None = None) -> list[Reply]:
    """The replies to some requests, sent over one connection one after another."""
    with serving(handler) as server, connection_to(server.url) as connection:
        return [connection.exchange(data or request(3)) for _ in range(count)]


def reason(handler, data: bytes | list[bytes] | None = None, **options) -> str:
    """Why a request got no reply."""
    with serving(handler) as server, connection_to(server.url, **options) as connection:
        with pytest.raises(HarnessError) as caught:
            connection.exchange(data or request(3))
        return caught.value.reason


def keeping(*said: bytes):
    """A handler that answers each request of a connection with the next of some texts, and closes after the last."""

    def handle(sock, _number):
        for data in said:
            if not read_request(sock):
                return
            sock.sendall(data)

    return handle


# --- replies


def test_reply_is_read():
    """Status, headers and body are those that came; names are in small letters."""
    said = answer(200, BODY, "Content-Type: application/json", "X-Empty:", "X-Two: a  b ")

    assert replies(saying(said)) == [
        Reply(
            200,
            (
                ("content-length", str(len(BODY))),
                ("content-type", "application/json"),
                ("x-empty", ""),
                ("x-two", "a  b"),
            ),
            BODY,
        )
    ]


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
UNUSUAL = {
    "chunked": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
        200,
        b"abcde",
    ),
    "after 100 Continue": (b"HTTP/1.1 100 Continue\r\n\r\n" + answer(403, b"no"), 403, b"no"),
    "after 103 Early Hints": (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + answer(200, b"ok"), 200, b"ok"),
    "until the end": (b"HTTP/1.1 200 OK\r\n\r\nto the end", 200, b"to the end"),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, b"ok"),
    "no reason": (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", 200, b"ok"),
    "bare newlines": (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", 200, b"ok"),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
    "folded header": (b"HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 2\r\n\r\nok", 200, b"ok"),
    "length told twice": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", 200, b"ok"),
    "long body": (answer(200, b"x" * 300_000), 200, b"x" * 300_000),
    "empty body": (answer(500, b""), 500, b""),
    "odd letters": (b"HTTP/1.1 200 OK\r\nX-A: \xe4\r\nContent-Length: 2\r\n\r\nok", 200, b"ok"),
}


@pytest.mark.parametrize(("said", "status", "body"), UNUSUAL.values(), ids=UNUSUAL)
def test_unusual_reply_is_read(said, status, body):
    """Whatever HTTP allows is read, and the connection serves again."""
    with serving(saying(said)) as server, connection_to(server.url) as connection:
        found = [connection.exchange(request(3)) for _ in range(2)]

    assert [(reply.status, reply.body) for reply in found] == [(status, body)] * 2


@pytest.mark.parametrize("said", [answer(200, BODY), UNUSUAL["chunked"][0], UNUSUAL["after 100 Continue"][0]])
def test_reply_in_single_bytes_is_read(said):
    """A reply is the same however it is cut into packets."""

    def handle(sock, _number):
        while read_request(sock):
            for byte in said:
                sock.send(bytes([byte]))

    first, second = replies(handle, 2)

    assert first == second
    assert first.body in said or first.body == b"abcde"


def test_reply_whose_body_comes_later_is_read():
    """Head and body may come apart, as many servers send them."""
    goes_on = Event()

    def handle(sock, _number):
        read_request(sock)
        head, _, body = answer(200, BODY).partition(END)
        sock.sendall(head + END)
        goes_on.wait(LONGEST)
        sock.sendall(body)

    with serving(handle) as server, connection_to(server.url) as connection:
        gevent.spawn(goes_on.set)

        assert connection.exchange(request(3)).body == BODY


# --- connections


def test_connection_is_kept():
    """One after another, requests go over one connection."""
    with serving(keeping(*[answer(200, b"ok")] * 3)) as server, connection_to(server.url) as connection:
        found = [connection.exchange(request(3)).status for _ in range(3)]

        assert (found, server.connections) == ([200] * 3, 1)
        assert (connection.opened, connection.reopened) == (1, 0)


@pytest.mark.parametrize(
    "said",
    [
        answer(200, b"ok", "Connection: close"),
        answer(200, b"ok", "Connection: Close"),
        UNUSUAL["HTTP/1.0"][0],
        UNUSUAL["until the end"][0],
        answer(200, b"ok") + b"and more than was announced",
    ],
    ids=["close", "Close", "HTTP/1.0", "until the end", "too much"],
)
def test_connection_is_not_kept_where_it_ends(said):
    """A reply that ends its connection, or that was followed by what nobody asked for, is the last one on it."""
    with serving(saying(said)) as server, connection_to(server.url) as connection:
        found = [connection.exchange(request(3)).status for _ in range(3)]

        assert (found, server.connections) == ([200] * 3, 3)
        assert (connection.opened, connection.reopened) == (3, 0)


def test_kept_connection_that_was_closed_is_opened_again():
    """A target that closes idle connections costs no request and no error; it is counted."""
    with serving(keeping(answer(200, b"ok"))) as server, connection_to(server.url) as connection:
        found = [connection.exchange(request(3)).status for _ in range(3)]

        assert (found, server.connections) == ([200] * 3, 3)
        assert (connection.opened, connection.reopened) == (3, 2)


def test_kept_connection_that_is_reset_under_the_next_request_is_opened_again():
    """So is one that ends when the next request is already on its way, as long as nothing of a reply came."""

    def handle(sock, _number):
        read_request(sock)
        sock.sendall(answer(200, b"ok"))
        read_request(sock)
        reset(sock)

    with serving(handle) as server, connection_to(server.url) as connection:
        assert [connection.exchange(request(3)).status for _ in range(2)] == [200, 200]
        assert (server.connections, connection.reopened) == (2, 1)


def dropping(after: float = 0.0):
    """A handler that answers the first request of each connection, and drops the second once it has read it."""

    def handle(sock, _number):
        read_request(sock)
        sock.sendall(answer(200, b"ok"))
        if read_request(sock):
            Event().wait(after)  # the service time

    return handle


def told(connection: Connection) -> int | str:
    """The status of a reply, or why none came."""
    try:
        return connection.exchange(request(3)).status
    except HarnessError as problem:
        return problem.reason


def test_target_that_drops_requests_cannot_hide(monkeypatch):
    """A close that crosses a request is excused a few times; one that comes after it was read for a while, never."""
    with serving(dropping(0.2)) as server, connection_to(server.url) as connection:
        assert [told(connection) for _ in range(3)] == [200, "closed", 200]
        assert connection.reopened == 0
    monkeypatch.setattr(module, "AT_ONCE", LONGEST)
    with serving(dropping()) as server, connection_to(server.url) as connection:
        found = [told(connection) for _ in range(FORGIVEN + 5)]

    assert found == [200] * (1 + FORGIVEN) + ["closed", 200] * 2
    assert connection.reopened == FORGIVEN


def test_sending_again_needs_leave(monkeypatch):
    """It is one request more on the wire: whoever counts them may refuse it."""
    monkeypatch.setattr(module, "AT_ONCE", LONGEST)
    asked = []
    with serving(dropping()) as server:
        connection = Connection(Endpoint(server.url, 5.0), again=lambda: bool(asked.append(1)))
        with closing(connection):
            assert [told(connection) for _ in range(2)] == [200, "closed"]

    assert asked == [1]


def test_kept_connection_that_ends_in_the_middle_of_a_reply_is_an_error():
    """Where something of a reply came, the request was not lost on the way: that is told, and not sent again."""
    with (
        serving(keeping(answer(200, b"ok"), answer(200, BODY)[:-5])) as server,
        connection_to(server.url) as connection,
    ):
        connection.exchange(request(3))
        with pytest.raises(HarnessError) as caught:
            connection.exchange(request(3))

        assert (caught.value.reason, server.connections, connection.reopened) == ("truncated", 1, 0)


def test_reply_that_nobody_asked_for_is_not_taken_for_the_next_one():
    """A gateway that ends an idle connection with 408 has not answered the next request."""
    seen, ended = Event(), Event()

    def handle(sock, number):
        read_request(sock)
        sock.sendall(answer(200, b"ok"))
        if number == 1:
            seen.wait(LONGEST)
            sock.sendall(answer(408, b"idle", "Connection: close"))
            sock.close()
            ended.set()

    with serving(handle) as server, connection_to(server.url) as connection:
        first = connection.exchange(request(3)).status
        seen.set()
        ended.wait(LONGEST)

        assert (first, connection.exchange(request(3)).status, connection.reopened) == (200, 200, 1)


def test_connection_after_an_error_is_a_new_one():
    """What remains of a failed exchange is not taken for the next reply."""

    def handle(sock, number):
        read_request(sock)
        sock.sendall(b"HTTP/1.1 nonsense\r\n\r\n" if number == 1 else answer(200, b"ok"))
        read_request(sock)

    with serving(handle) as server, connection_to(server.url) as connection:
        with pytest.raises(HarnessError):
            connection.exchange(request(3))

        assert connection.exchange(request(3)).status == 200
        assert (connection.opened, connection.reopened) == (2, 0)


def test_closed_connection_opens_again():
    """`close` ends a connection and nothing else."""
    with serving(keeping(answer(200, b"ok"))) as server, connection_to(server.url) as connection:
        connection.close()
        connection.exchange(request(3))
        connection.close()
        connection.close()

        assert connection.exchange(request(3)).status == 200
        assert connection.reopened == 0


# --- errors


def test_nobody_listens():
    """A refused connection is told as one."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with connection_to(f"http://127.0.0.1:{port}{PATH}") as connection, pytest.raises(HarnessError) as caught:
        connection.exchange(request(3))

    assert (caught.value.reason, connection.opened) == ("connect", 0)


ENDINGS = {
    "before a reply": (b"", "closed"),
    "in the head": (b"HTTP/1.1 200 OK\r\nContent-", "truncated"),
    "in the body": (answer(200, BODY)[:-1], "truncated"),
    "in a chunk": (UNUSUAL["chunked"][0][:-9], "truncated"),
    "after 100 Continue": (b"HTTP/1.1 100 Continue\r\n\r\n", "truncated"),
    "no HTTP": (b"SSH-2.0-OpenSSH\r\n\r\n", "protocol"),
    "a bad length": (b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nok", "protocol"),
    "two lengths": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", "protocol"),
    "a space before the colon": (b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok", "protocol"),
    "an endless reply": (answer(200, b"x" * 9_000_000), "protocol"),
}


@pytest.mark.parametrize(("said", "due"), ENDINGS.values(), ids=ENDINGS)
def test_reply_that_does_not_come_whole_is_told(said, due):
    """What ended the exchange has its name."""
    assert reason(saying(said)) == due


def test_reset_is_told():
    """A connection that is reset instead of answered was closed."""

    def handle(sock, _number):
        read_request(sock)
        reset(sock)

    assert reason(handle) == "closed"


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"]
)
def test_silence_is_a_timeout(said):
    """A target that says nothing, or not all, is given up after the endpoint's time, also on a kept connection."""
    done = Event()

    def handle(sock, _number):
        read_request(sock)
        sock.sendall(answer(200, b"ok"))
        read_request(sock)
        sock.sendall(said)
        done.wait(LONGEST)

    with serving(handle) as server:
        with connection_to(server.url, timeout=0.2) as connection:
            connection.exchange(request(3))
            with pytest.raises(HarnessError) as caught:
                connection.exchange(request(3))
        done.set()

    assert (caught.value.reason, server.connections) == ("timeout", 1)
    assert str(caught.value) == "no reply within 0.2 s"


def test_trickle_is_a_timeout():
    """The time is that of the whole exchange: a reply that comes byte by byte does not prolong it."""
    done = Event()

    def handle(sock, _number):
        read_request(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\n")
        while not done.wait(0.02):  # the pace of the trickle
            sock.sendall(b"X-More: 1\r\n")

    with serving(handle) as server:
        with connection_to(server.url, timeout=0.3) as connection, pytest.raises(HarnessError) as caught:
            connection.exchange(request(3))
        done.set()

    assert caught.value.reason == "timeout"


def test_target_that_takes_no_more_is_a_timeout():
    """A body that nobody reads does not hold a user for ever."""
    done = Event()

    def handle(_sock, _number):
        done.wait(LONGEST)

    with serving(handle) as server:
        with connection_to(server.url, timeout=0.3) as connection, pytest.raises(HarnessError) as caught:
            connection.exchange(request(LARGE))
        done.set()

    assert caught.value.reason == "timeout"


def test_timeout_of_one_exchange_does_not_meet_the_next():
    """The time of an exchange ends with it."""
    handler = keeping(answer(200, b"ok"), answer(200, b"ok"))
    with serving(handler) as server, connection_to(server.url, timeout=0.1) as connection:
        connection.exchange(request(3))
        gevent.sleep(0.2)  # longer than the time that the exchange had

        assert connection.exchange(request(3)).status == 200


def test_each_exchange_has_the_whole_time():
    """What earlier exchanges of a connection took is no part of a later one's time."""

    def slow(connection, _number):
        for _ in range(8):
            read_request(connection)
            Event().wait(0.1)  # the service time: eight of them are more than one exchange may take
            connection.sendall(answer(200, BODY))

    with serving(slow) as server, connection_to(server.url, timeout=0.5) as connection:
        found = [connection.exchange(request(3)).status for _ in range(8)]

    assert found == [200] * 8


def test_killed_user_leaves_no_half_exchange():
    """A user that is stopped in the middle of an exchange closes its connection; the next one opens another."""
    reached, done = Event(), Event()

    def handle(sock, number):
        read_request(sock)
        if number == 1:
            reached.set()
            done.wait(LONGEST)
        sock.sendall(answer(200, b"ok"))

    with serving(handle) as server, connection_to(server.url) as connection:
        user = gevent.spawn(connection.exchange, request(3))
        while not reached.is_set():
            gevent.sleep(0.001)  # the server is a thread: gevent cannot wait for it
        user.kill()
        done.set()

        assert connection.exchange(request(3)).status == 200
        assert (connection.opened, connection.reopened) == (2, 0)


# --- large bodies


@pytest.mark.parametrize("pieces", [1, 2], ids=["whole", "in pieces"])
def test_large_body_arrives_whole(pieces):
    """A body that the socket does not take at once is sent to its last byte, in order."""
    got = []

    def handle(sock, _number):
        got.append(read_request(sock))
        sock.sendall(answer(200, b"ok"))

    data = request(LARGE)[:-LARGE] + bytes(range(256)) * (LARGE // 256)
    assert replies(handle, data=data if pieces == 1 else [data[:1000], data[1000:]])[0].status == 200
    assert got == [data]


@pytest.mark.parametrize("status", [403, 413])
def test_early_reply_is_read(status):
    """A refusal that comes while the body is being sent is the reply, and the connection is not used again."""

    def handle(sock, _number):
        sock.recv(1024)
        sock.sendall(answer(status, b"early"))
        while sock.recv(1_000_000):
            pass

    with serving(handle) as server, connection_to(server.url) as connection:
        found = [connection.exchange(request(LARGE)).status for _ in range(2)]

        assert (found, server.connections) == ([status] * 2, 2)
        assert connection.reopened == 0


def test_early_reply_before_a_close_is_read():
    """So is one after which the target reads no more and closes its side."""

    def handle(sock, _number):
        sock.recv(1024)
        sock.sendall(answer(413, b"early", "Connection: close"))
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(1_000_000):
            pass

    assert replies(handle, data=request(LARGE))[0].status == 413


def test_reset_while_sending_is_told():
    """A target that cuts a request off says nothing of the request: the sending failed."""

    def handle(sock, _number):
        sock.recv(1024)
        reset(sock)

    assert reason(handle, request(LARGE)) == "send"


# --- many at once


def test_greenlets_do_not_wait_for_each_other():
    """While one connection waits for its reply, another one is served."""
    first_is_there, done = Event(), Event()

    def handle(sock, number):
        data = read_request(sock)
        if content_length(data) == 1:
            first_is_there.set()
            done.wait(LONGEST)
        sock.sendall(answer(200, b"ok"))

    with serving(handle) as server, connection_to(server.url) as slow, connection_to(server.url) as fast:
        waiting = gevent.spawn(slow.exchange, request(1))
        while not first_is_there.is_set():
            gevent.sleep(0.001)  # the server is a thread: gevent cannot wait for it
        assert fast.exchange(request(2)).status == 200
        assert not waiting.ready()
        done.set()
        assert waiting.get().status == 200


# --- TLS and proxies


def test_tls_is_verified(authority):
    """A certificate is trusted where its authority is named, and only there."""
    handler = keeping(answer(200, b"ok"), answer(200, b"x" * 300_000))
    with serving(handler, authority.context) as server:
        with connection_to(server.url, cacert=authority.ca) as connection:
            found = [len(connection.exchange(request(3)).body) for _ in range(3)]
            assert (found, connection.opened, connection.reopened) == ([2, 300_000, 2], 2, 1)
        with connection_to(server.url) as connection, pytest.raises(HarnessError) as caught:
            connection.exchange(request(3))

    assert caught.value.reason == "tls"


def test_large_body_and_early_reply_over_tls(authority):
    """Through TLS, too, sending and reading go on at once."""

    def handle(sock, number):
        if number == 1:
            sock.recv(1024)
            sock.sendall(answer(413, b"early", "Connection: close"))
            while sock.recv(1_000_000):
                pass
        else:
            sock.sendall(answer(200, str(len(read_request(sock))).encode()))

    data = [request(LARGE)[:1000], request(LARGE)[1000:]]
    with serving(handle, authority.context) as server, connection_to(server.url, cacert=authority.ca) as connection:
        assert connection.exchange(data).status == 413
        assert connection.exchange(data).body == str(len(b"".join(data))).encode()


def test_timeout_over_tls(authority):
    """A silent target is given up over TLS as well."""
    done = Event()

    def handle(sock, _number):
        read_request(sock)
        done.wait(LONGEST)

    with serving(handle, authority.context) as server:
        silent = connection_to(server.url, cacert=authority.ca, timeout=0.3)
        with silent as connection, pytest.raises(HarnessError) as caught:
            connection.exchange(request(3))
        done.set()

    assert caught.value.reason == "timeout"


def test_tunnel_through_a_proxy(authority):
    """An https target is reached through its proxy, and a proxy that refuses is told as one."""
    heads = []

    def handle(sock, number):
        heads.append(read_request(sock))
        sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n" if number == 1 else b"HTTP/1.1 407 Login\r\n\r\n")
        if number == 1:
            with authority.context.wrap_socket(sock, server_side=True) as secured:
                saying(answer(200, b"behind"))(secured, 1)

    behind = f"https://127.0.0.1:1{PATH}"  # nothing listens there
    with serving(handle) as server:
        proxy = f"http://127.0.0.1:{server.port}"
        with connection_to(behind, cacert=authority.ca, proxy=proxy) as connection:
            assert connection.exchange(request(3)).body == b"behind"
            with pytest.raises(HarnessError) as caught:
                connection.exchange(request(3))

    assert caught.value.reason == "proxy"
    assert heads[0].startswith(b"CONNECT 127.0.0.1:1 ")


# --- heads


def parsed(data: bytes) -> tuple[Reply, bool] | None:
    """What the general parser makes of a reply; None where that is no HTTP or not whole."""
    parser = ReplyParser("POST")
    try:
        return (parser.reply(), parser.keeps_alive) if parser.feed(data) else None
    except HarnessError:
        return None


FIELDS = [
    *("Content-Length", "content-length", "Connection", "Transfer-Encoding"),
    *("Date", "X-A", "X A", "", "Keep-Alive"),
]
VALUES = ["2", "02", "+2", "2, 2", "close", "keep-alive", "Close, x", "chunked", "identity", ""]
LINES = [
    *("HTTP/1.1 200 OK", "HTTP/1.1 200", "HTTP/1.1 403 ", "HTTP/1.0 200 OK"),
    *("HTTP/1.1 204 N", "HTTP/1.1 600 X", "HTTP/1.1 99 X"),
]
letters = st.text(st.characters(max_codepoint=255), max_size=12)
names, contents = st.sampled_from(FIELDS), st.sampled_from(VALUES) | letters
lines = st.builds("{}{}{}".format, names, st.sampled_from([":", ": ", " : ", ":\t", ""]), contents)
statuses = st.sampled_from(LINES) | letters.map("HTTP/1.1 200 {}".format)
heads = st.builds(
    lambda status, fields, length: "\r\n".join([status, *fields, *length]).encode("latin-1"),
    statuses,
    st.lists(lines, max_size=3),
    st.sampled_from([[], ["Content-Length: 2"]]),
)


@settings(deadline=None, max_examples=500)
@given(heads)
def test_heads_are_read_as_by_the_general_parser(data):
    """A head that is read by hand says what h11 says of it: status, headers, length, whether the connection stays."""
    head = read_head(data)
    if head is None:
        return
    body = b"k" * head.length

    assert parsed(data + END + body) == (Reply(head.status, head.headers, body), head.keeps_alive)


def test_common_heads_are_read_by_hand():
    """The heads of common servers need no general parser."""
    common = [
        b"HTTP/1.1 200 OK\r\ndate: Mon\r\nserver: uvicorn\r\ncontent-type: application/json\r\ncontent-length: 161",
        b"HTTP/1.1 403 Forbidden\r\nServer: nginx\r\nConnection: keep-alive\r\nContent-Length: 2\r\nX-Id: a b",
        b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close",
    ]

    assert [head and head.keeps_alive for head in map(read_head, common)] == [True, True, False]
