"""The mock in a thread: what it answers when told, and what its journal says of each request."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from mock_service import BOUNDARY, FACE, KYC, RAW, body, read_reply, sign
from tls_material import make_certificate

from biztoken.errors import UserError
from biztoken.mock.journal import ANSWERED, CUT, GONE, Journal
from biztoken.mock.keys import Key
from biztoken.mock.local import LocalMock

HEADERS = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
PATIENCE = 20


@pytest.fixture
def mock() -> Iterator[LocalMock]:
    """A mock of its own for each test: that costs milliseconds."""
    with LocalMock() as running:
        yield running


def post(mock: LocalMock, fields: dict[str, Any] = KYC, **options: Any) -> requests.Response:
    """Send a form over a connection of its own."""
    return requests.post(mock.url, data=body(fields), headers=HEADERS, timeout=PATIENCE, **options)


def request(mock: LocalMock, content: bytes | None = None, extra: str = "") -> bytes:
    """A request as it goes over the wire."""
    content = body(KYC) if content is None else content
    size = "" if "ransfer-" in extra else f"Content-Length: {len(content)}\r\n"
    kind = f"Content-TYPE: multipart/form-data; boundary={BOUNDARY}\r\n"
    head = f"POST {urlsplit(mock.url).path} HTTP/1.1\r\nHost: mock\r\n{size}{kind}{extra}\r\n"
    return head.encode() + content


def connect(mock: LocalMock) -> socket.socket:
    """A connection for bytes as they are."""
    parts = urlsplit(mock.url)
    return socket.create_connection((str(parts.hostname), parts.port or 0), timeout=PATIENCE)


# --- answers


def test_chosen_answers_come_in_order_then_the_usual(mock: LocalMock) -> None:
    """Each request uses up one answer, the same whatever it says; after the last the contract decides again."""
    mock.answer_next("CONCURRENCY_LIMIT_EXCEEDED", "INTERNAL_ERROR", "NO_FACE_FOUND: image", "success", "usual")

    told = [post(mock, {"sign": "junk"}) for _ in range(6)]

    assert [reply.status_code for reply in told] == [403, 500, 400, 200, 400, 400]
    assert [reply.json().get("error") for reply in told] == [
        "CONCURRENCY_LIMIT_EXCEEDED",
        "INTERNAL_ERROR",
        "NO_FACE_FOUND:image",
        None,
        "BAD_ARGUMENTS: sign",
        "BAD_ARGUMENTS: sign",
    ]
    assert [entry.chosen for entry in mock.entries][2:] == ["NO_FACE_FOUND: image", "success", "usual", None]


def test_an_answer_for_all_lasts_until_it_is_cleared(mock: LocalMock) -> None:
    """What is chosen for all stays behind what is chosen for the next."""
    mock.answer_always("INTERNAL_ERROR")
    mock.answer_next("success")

    assert [post(mock).status_code for _ in range(3)] == [200, 500, 500]
    mock.clear()
    assert (post(mock).status_code, len(mock.entries)) == (200, 1)


def test_an_error_is_told_with_what_the_contract_tells_it_with(mock: LocalMock) -> None:
    """Who names an error alone gets a detail, since no endpoint leaves it out; 413 is plain text."""
    mock.answer_next("MISSING_ARGUMENTS", "AUTHORIZATION_ERROR: LIMIT_REACHED", "Request Entity Too Large")

    assert post(mock).json()["error"] == "MISSING_ARGUMENTS: sign"
    assert post(mock).json()["error"] == "AUTHORIZATION_ERROR: LIMIT_REACHED"
    assert post(mock).text == "Request Entity Too Large"


def test_changes_of_a_fault_are_an_answer(mock: LocalMock) -> None:
    """Any status, body and header can be chosen, and unknown names and fields."""
    page = {"status": 502, "body": "<html>", "content_type": "text/html"}
    mock.answer_next(page, {"error": "NEW_ERROR", "status": 403}, {"change": {"set": {"new": 1}}, "when": {}})

    first, second, third = (post(mock) for _ in range(3))

    assert (first.status_code, first.text, first.headers["Content-Type"]) == (502, "<html>", "text/html")
    assert (second.status_code, second.json()["error"]) == (403, "NEW_ERROR")
    assert (third.status_code, third.json()["new"]) == (200, 1)


def test_a_catalogued_fault_is_an_answer_for_one_request(mock: LocalMock) -> None:
    """The rule that it alters is altered for that request alone."""
    expired = KYC | {"sign": sign(expires=1)}
    mock.answer_next("sign-expired-accepted")

    assert [post(mock, expired).status_code for _ in range(2)] == [200, 403]


@pytest.mark.parametrize(
    "answer", ["INTERNAL_EROR", "sign-expired-acepted", {"statu": 500}, {"status": 99}, {}, None, 5, ["success"]]
)
def test_no_answer_is_told_and_nothing_is_chosen(mock: LocalMock, answer: Any) -> None:
    """A slip is the caller's mistake, with a hint, and leaves the answers as they were."""
    with pytest.raises(UserError):
        mock.answer_next("success", answer)

    assert mock.choices.next == []


def test_a_request_to_another_api_uses_no_answer_up(mock: LocalMock) -> None:
    """A browser that asks for its icon does not take the answer from the client."""
    mock.answer_next("INTERNAL_ERROR")

    assert requests.get(mock.url.replace("/faceid", "/favicon"), timeout=PATIENCE).status_code == 404
    assert post(mock).status_code == 500


def test_faults_and_keys_of_its_own() -> None:
    """It takes faults by name and as data, and other keys than the demo ones."""
    keys = {"mine": Key("mine", "my-secret")}
    with LocalMock(keys=keys, faults=["INTERNAL_ERROR"]) as mock:
        assert (mock.api_key, mock.api_secret) == ("mine", "my-secret")
        assert post(mock).json()["error"] == "INTERNAL_ERROR"


# --- connections


def test_a_connection_can_end_before_the_request_is_read(mock: LocalMock) -> None:
    """The body is not waited for: the client is cut off in the middle of sending it."""
    mock.answer_next({"hang_up": True})
    with connect(mock) as connection:
        connection.sendall(request(mock)[:300])

        assert read_reply(connection) == b""

    (entry,) = mock.wait_for(1, PATIENCE)
    assert (entry.end, entry.status, entry.received.whole) == (CUT, None, False)


@pytest.mark.parametrize(("closing", "half"), [("before", False), ("mid-body", True)])
def test_a_connection_can_end_before_or_within_the_answer(mock: LocalMock, closing: str, half: bool) -> None:
    """The request was read whole; the answer is in the journal as far as it was sent."""
    mock.answer_next({"close": closing})
    with connect(mock) as connection:
        connection.sendall(request(mock))
        told = read_reply(connection)

    (entry,) = mock.wait_for(1, PATIENCE)
    assert (entry.end, entry.received.whole, bool(told)) == (CUT, True, half)
    assert told.endswith(entry.answer)


def test_an_answer_that_never_comes_ends_with_the_client(mock: LocalMock) -> None:
    """The mock holds its breath, however large the request, until the client gives up."""
    mock.answer_next({"close": "never"})
    with connect(mock) as connection:
        connection.sendall(request(mock, body(RAW | {"image": FACE * 20})))
        connection.settimeout(0.2)  # how long this client is patient
        with pytest.raises(TimeoutError):
            connection.recv(1)
        assert mock.entries[0].end is None

    (entry,) = mock.wait_for(1, PATIENCE)
    assert (entry.end, entry.status, entry.gone) == (GONE, None, True)


def test_a_client_that_goes_during_a_delay_is_gone(mock: LocalMock) -> None:
    """A delay is over at once when nobody waits for its end."""
    mock.answer_next({"delay": "600s"})
    connection = connect(mock)
    connection.sendall(request(mock))
    connection.close()

    (entry,) = mock.wait_for(1, PATIENCE)
    assert entry.gone


def test_a_delay_is_waited_for(mock: LocalMock) -> None:
    """The answer comes after it, unchanged."""
    mock.answer_next({"delay": "50ms"})

    assert post(mock).status_code == 200
    assert (mock.entries[0].ms or 0) >= 50


def test_tls_with_a_certificate_of_ones_own(tmp_path: Any) -> None:
    """A client that trusts its authority gets through, one that does not refuses, and sends nothing."""
    make_certificate(tmp_path)
    with LocalMock(tls=tmp_path / "server.pem") as mock:
        assert post(mock, verify=str(tmp_path / "ca.pem")).status_code == 200
        with pytest.raises(requests.exceptions.SSLError):
            post(mock)
        assert len(mock.entries) == 1


def test_a_certificate_that_cannot_be_used_is_told(tmp_path: Any) -> None:
    """It is a mistake of whoever started the mock, told by the names of the files."""
    (tmp_path / "no.pem").write_text("no certificate", "utf-8")

    with pytest.raises(UserError, match=r"no\.pem"):
        LocalMock(tls=tmp_path / "no.pem").start()


def test_a_stopped_mock_leaves_nothing_behind() -> None:
    """Threads and port are gone, even with a request under way."""
    before = threading.active_count()
    mock = LocalMock()
    mock.start()
    mock.answer_next({"close": "never"})
    with connect(mock) as connection:
        connection.sendall(request(mock))
        wait_for_one(mock)
        mock.stop()

        assert connection.recv(1) == b""
    assert threading.active_count() == before
    with pytest.raises(ConnectionRefusedError):
        connect(mock)


def wait_for_one(mock: LocalMock) -> None:
    """Wait until a request is under way."""
    came = threading.Event()
    mock.journal.listen.append(lambda _: came.set())
    if not mock.entries:
        assert came.wait(PATIENCE)


# --- the journal


def test_an_entry_is_there_when_its_answer_is(mock: LocalMock) -> None:
    """Whoever has read an answer finds the request, its answer and how it ended, without waiting."""
    for number in range(50):
        reply = post(mock)

        entry = mock.entries[number]
        assert (entry.status, entry.answer, entry.end) == (200, reply.content, ANSWERED)
    assert mock.entries[0].fields["idcard_name"] == KYC["idcard_name"]


def test_a_request_is_kept_as_it_came(mock: LocalMock) -> None:
    """Spelling of headers, order and bytes are those of the client."""
    sent = request(mock)
    with connect(mock) as connection:
        connection.sendall(sent)
        connection.recv(1)

    (entry,) = mock.entries
    assert entry.raw == sent
    assert entry.received.headers[2][0] == "Content-TYPE"
    assert entry.received.target == urlsplit(mock.url).path
    assert (entry.size, entry.received.whole) == (len(sent), True)


def test_a_chunked_request_is_kept_as_it_came(mock: LocalMock) -> None:
    """Its body is joined for reading, and in its chunks where the bytes are asked for."""
    content = body(KYC)
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (content[:100], content[100:]))
    sent = request(mock, chunks + b"0\r\n\r\n", "Transfer-Encoding: chunked\r\n")
    with connect(mock) as connection:
        connection.sendall(sent)
        assert b"200 OK" in connection.recv(1000)

    (entry,) = mock.entries
    assert (entry.received.body, entry.raw) == (content, sent)


def test_a_request_for_another_protocol_is_kept_with_its_body(mock: LocalMock) -> None:
    """Java asks for h2c with every request; its body belongs to it all the same."""
    sent = request(mock, extra="Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEA\r\n")
    with connect(mock) as connection:
        connection.sendall(sent)
        assert b"200 OK" in connection.recv(1000)

    (entry,) = mock.wait_for(1, PATIENCE)
    assert (entry.raw, entry.received.whole, entry.end) == (sent, True, ANSWERED)


def test_bytes_that_come_one_by_one_are_the_same_request(mock: LocalMock) -> None:
    """How the network cut it up shows nowhere."""
    sent = request(mock)
    with connect(mock) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(sent), 7):
            connection.sendall(sent[at : at + 7])
        connection.recv(1)

    assert mock.entries[0].raw == sent


def test_requests_of_one_connection_share_its_number(mock: LocalMock) -> None:
    """Sent after one another or all at once, they are entries of their own."""
    with connect(mock) as connection:
        connection.sendall(request(mock) + request(mock) + request(mock, extra="Connection: close\r\n"))
        told = read_reply(connection)
    post(mock)

    assert told.count(b"HTTP/1.1 200") == 3
    assert [entry.connection for entry in mock.entries] == [1, 1, 1, 2]
    assert [entry.id for entry in mock.entries] == [1, 2, 3, 4]
    assert len({entry.received.body for entry in mock.entries}) == 4
    assert all(entry.raw == entry.head + entry.received.body for entry in mock.entries)


@pytest.mark.parametrize("cut", [1, 40, 200, 500], ids=["first-byte", "in-the-head", "before-the-body", "in-the-body"])
def test_a_request_that_breaks_off_is_an_entry(mock: LocalMock, cut: int) -> None:
    """As far as it came, it is there."""
    sent = request(mock)
    with connect(mock) as connection:
        connection.sendall(sent[:cut])

    (entry,) = mock.wait_for(1, PATIENCE)
    assert (entry.end, entry.raw, entry.received.whole) == (GONE, sent[:cut], False)


def test_what_is_no_request_is_an_entry(mock: LocalMock) -> None:
    """Bytes that no parser takes for HTTP are kept, with the 400 that they got."""
    with connect(mock) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00 TLS on a plain port\r\n\r\n")
        read_reply(connection)

    (entry,) = mock.wait_for(1, PATIENCE)
    assert (entry.status, entry.received.method, entry.end) == (400, "", ANSWERED)
    assert entry.raw.startswith(b"\x16\x03\x01")


def test_a_connection_without_a_byte_is_no_entry(mock: LocalMock) -> None:
    """Browsers open connections ahead of need."""
    connect(mock).close()
    post(mock)

    assert [entry.status for entry in mock.entries] == [200]


def test_a_body_over_the_limit_is_an_entry_too(mock: LocalMock) -> None:
    """The early 413 and what was sent all the same."""
    reply = post(mock, KYC | {"filler": "x" * 21_100_000})

    (entry,) = mock.wait_for(1, PATIENCE)
    assert (reply.status_code, entry.status) == (413, 413)


def test_waiting_for_what_does_not_come_ends(mock: LocalMock) -> None:
    """After its time it says how many came."""
    post(mock)

    with pytest.raises(TimeoutError, match="1 of 2"):
        mock.wait_for(2, 0.05)


def test_waiting_ends_with_the_request(mock: LocalMock) -> None:
    """Who waits is woken by the request itself."""
    thread = threading.Thread(target=post, args=(mock,))
    thread.start()

    assert len(mock.wait_for(1, PATIENCE)) == 1
    thread.join()


def test_the_journal_is_bounded_in_number_and_bytes() -> None:
    """The oldest go; a body goes before its entry, and what is too large for the journal is not kept."""
    with LocalMock(journal=Journal(most_entries=3, most_bytes=20_000)) as mock:
        for _ in range(5):
            post(mock, KYC | {"filler": "x" * 8_000})
        post(mock, KYC | {"filler": "x" * 30_000})

        assert [entry.id for entry in mock.entries] == [4, 5, 6]
        assert [entry.kept for entry in mock.entries] == [True, True, True]
        assert [entry.received.whole for entry in mock.entries] == [True, True, False]
        post(mock, KYC | {"filler": "x" * 15_000})
        assert [entry.kept for entry in mock.entries] == [False, True, True]
        assert sum(len(entry.raw) for entry in mock.entries) <= 20_000
