"""Requests that come whole are answered on the spot, and as any other would be."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

import pytest
import uvicorn
from mock_service import BOUNDARY, COMPARE, KYC, body, encoded, portrait, sign
from uvicorn.server import ServerState

from biztoken.contract import load
from biztoken.mock import answers, keys, latency
from biztoken.mock.app import App
from biztoken.mock.direct import Direct

CONTRACT = load()
KIND = f"multipart/form-data; boundary={BOUNDARY}"
FORMS: dict[str, dict[str, str | bytes | None]] = {
    "sound": KYC,
    "no sign": KYC | {"sign": None},
    "no key": KYC | {"sign": sign("nobody")},
    "other secret": KYC | {"sign": sign(secret="x")},
    "expired": KYC | {"sign": sign(expires=1)},
    "denied": KYC | {"sign": sign("denied")},
    "no name": KYC | {"idcard_name": None},
    "empty number": KYC | {"idcard_number": ""},
    "unlisted": KYC | {"liveness_type": "none"},
    "too long": KYC | {"biz_no": "x" * 129},
    "not UTF-8": KYC | {"biz_no": b"\xff"},
    "no picture": COMPARE,
}


class Pipe(asyncio.Transport):
    """What is written, and whether it was closed."""

    def __init__(self) -> None:
        super().__init__({"socket": None})
        self.written = b""
        self.closed = False

    def write(self, data: Any) -> None:
        assert not self.closed
        self.written += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Client:
    """A connection without a network to a mock of its own."""

    def __init__(self, pace: str = "") -> None:
        self.app = App(CONTRACT, keys.demo(), latency=latency.parse(pace) if pace else None)
        self.config = uvicorn.Config(self.app, lifespan="off", interface="asgi3", proxy_headers=False, log_config=None)
        self.config.load()
        self.state = ServerState()
        self.reconnect()

    def reconnect(self) -> None:
        self.pipe = Pipe()
        self.protocol = Direct(self.config, self.state, {})
        self.protocol.connection_made(self.pipe)

    async def send(self, *pieces: bytes) -> list[tuple[int, str | None]]:
        """(status, error) of each reply to what these pieces bring, each of which is read on its own."""
        before = len(self.pipe.written)
        for piece in pieces:
            self.protocol.data_received(piece)
        while self.state.tasks or self.protocol._unsent or self.protocol._is_pending:
            await asyncio.sleep(0)
        return replies(self.pipe.written[before:])

    @property
    def was_direct(self) -> bool:
        """Whether no request of this connection went the way of ASGI."""
        return self.protocol.cycle is None


def replies(data: bytes) -> list[tuple[int, str | None]]:
    """(status, error or text) of all replies."""
    found = []
    data = data.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        assert length
        size = int(length[1])
        is_json = b"application/json" in head
        found.append((int(head.split()[1]), json.loads(rest[:size]).get("error") if is_json else rest[:size].decode()))
        data = rest[size:]
    return found


def request(fields: dict[str, str | bytes | None], *, method: str = "POST", path: str = CONTRACT.path) -> bytes:
    """A form in one piece, with a length."""
    content = body(fields)
    head = f"{method} {path} HTTP/1.1\r\nHost: mock\r\nContent-Type: {KIND}\r\nContent-Length: {len(content)}\r\n\r\n"
    return head.encode() + content


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """A test on an event loop of its own."""

    def function() -> None:
        asyncio.run(asyncio.wait_for(test(), 30))

    function.__name__, function.__doc__ = test.__name__, test.__doc__
    return function


@pytest.mark.parametrize("name", FORMS)
def test_answer_is_the_same_whichever_way_it_takes(name: str) -> None:
    """Whole, with a known head, and in two pieces."""

    async def test() -> None:
        whole, client, pieces = request(FORMS[name]), Client(), Client()
        head, _, content = whole.partition(b"\r\n\r\n")

        first, again = await client.send(whole), await client.send(whole)
        slow = await pieces.send(head + b"\r\n\r\n", content)

        assert first == again == slow
        assert (slow[0][1] is None) is (name == "sound")
        assert client.was_direct
        assert not pieces.was_direct

    asyncio.run(test())


def test_success_that_is_made_in_one_go_is_like_the_other() -> None:
    """Byte for byte, but for what is new in each answer: same members, same order, same headers, ids of their own."""
    status, headers, content = answers.plain_success(1_800_000_000.9, 7)
    other = answers.success(1_800_000_000.9, None)
    other.payload["time_used"] = 7

    names, text = other.encode()
    bits = re.compile(rb"[0-9a-f]{32}")
    assert (status, headers) == (other.status, names)
    assert bits.sub(b"", content) == bits.sub(b"", text)
    made = [UUID(found.decode()) for found in bits.findall(content)]
    assert len(set(made)) == 2
    assert {found.version for found in made} == {4}


@run
async def test_known_head_is_not_parsed_again() -> None:
    """The parser is not asked, and the body counts, not what it was before."""
    client = Client()
    await client.send(request(KYC))
    client.reconnect()
    client.protocol.parser = None

    assert await client.send(request(KYC | {"liveness_type": "meglivX"})) == [(400, "BAD_ARGUMENTS: liveness_type")]


@run
async def test_known_head_without_its_end_is_not_over() -> None:
    """A request without a body whose head has come but for its last line break: more of that head may follow."""
    client = Client()
    head = f"POST {CONTRACT.path} HTTP/1.1\r\nContent-Type: {KIND}\r\nHost: mock".encode()
    missing = [(400, "MISSING_ARGUMENTS: sign")]
    assert await client.send(head + b"\r\n\r\n") == missing

    assert await client.send(head) == []
    assert await client.send(b"ed\r\n\r\n") == missing


@run
async def test_what_looks_like_a_known_request_may_be_part_of_a_head() -> None:
    """Only between two requests is a known head one."""
    client, whole = Client(), request(KYC)
    await client.send(whole)

    assert await client.send(b"POST /elsewhere HTTP/1.1\r\nNote: ", whole) == [(404, "API_NOT_FOUND")]


@run
async def test_value_is_judged_again_where_it_changes() -> None:
    """That the one before was sound says nothing of it."""
    client = Client()

    for biz_no, told in (("a", None), ("x" * 129, "BAD_ARGUMENTS: biz_no"), ("a", None)):
        ((_, error),) = await client.send(request(KYC | {"biz_no": biz_no}))
        assert error == told


@run
async def test_known_head_waits_for_its_body() -> None:
    """A body that comes later, or that another request follows, is taken as long as the head says."""
    client, whole = Client(), request(KYC)
    await client.send(whole)

    assert await client.send(whole[:-100], whole[-100:]) == [(200, None)]
    assert await client.send(whole + whole) == [(200, None), (200, None)]
    assert await client.send(whole + whole[:50], whole[50:]) == [(200, None), (200, None)]
    assert await client.send(whole[:50], whole[50:] + whole) == [(200, None), (200, None)]


@run
async def test_replies_keep_the_order_of_requests() -> None:
    """What is answered at once stands neither before nor behind what is not."""
    client, whole = Client(), request(KYC)
    other = request(KYC, path="/elsewhere")

    assert await client.send(whole + other + whole) == [(200, None), (404, "API_NOT_FOUND"), (200, None)]
    assert await client.send(other + whole + other) == [(404, "API_NOT_FOUND"), (200, None), (404, "API_NOT_FOUND")]
    assert await client.send(whole + b"nonsense\r\n\r\n") == [(200, None), (400, "Invalid HTTP request received.")]
    assert client.pipe.closed


@pytest.mark.parametrize(
    "change",
    [
        (b"POST", b"PUT"),
        (b"HTTP/1.1", b"HTTP/1.0"),
        (b"Host: mock", b"Host: mock\r\nConnection: close"),
        (b"Host: mock", b"Host: mock\r\nExpect: 100-continue"),
        (b"get_biz_token ", b"get_biz_token?a=b "),
        (b"Host: mock", b"Host: mock\r\nConnection: upgrade\r\nUpgrade: h2c"),
    ],
)
def test_what_is_not_plain_goes_the_way_of_asgi(change: tuple[bytes, bytes]) -> None:
    """A method, version or header that asks for more."""

    async def test() -> None:
        client = Client()
        whole = request(KYC).replace(*change, 1)
        for _ in range(2):
            await client.send(whole)
            assert not client.was_direct
            client.reconnect()

    asyncio.run(test())


@run
async def test_body_in_chunks_is_no_known_head() -> None:
    """The same head may be followed by chunks of any length."""
    client = Client()
    head, _, content = request(KYC).partition(b"\r\n\r\n")
    head = re.sub(rb"Content-Length: \d+", b"Transfer-Encoding: chunked", head) + b"\r\n\r\n"

    for size in (len(content), 100, 7):
        chunks = [content[at : at + size] for at in range(0, len(content), size)]
        data = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
        assert await client.send(head + data + b"0\r\n\r\n") == [(200, None)]
    assert client.was_direct
    assert not vars(client.state)["heads"]


@run
async def test_picture_is_looked_at_once_and_known_then() -> None:
    """Until it was looked at there is something to wait for."""
    client = Client()
    whole = request(COMPARE | {"image_ref1": encoded(portrait())})

    assert await client.send(whole) == [(200, None)]
    assert not client.was_direct
    client.reconnect()
    assert await client.send(whole) == [(200, None)]
    assert client.was_direct


async def acquainted(pace: str) -> tuple[Client, bytes]:
    """A client with a new connection to a mock with a latency, and a sound request whose head is known there."""
    client, whole = Client(pace), request(KYC)
    assert await client.send(whole) == [(200, None)]
    assert not client.was_direct
    client.reconnect()
    return client, whole


@run
async def test_latency_is_waited_for() -> None:
    """By ASGI where the head is new; after that on the spot, with a slot held meanwhile."""
    client, whole = await acquainted("30ms")
    began = time.monotonic()
    client.protocol.data_received(whole)
    assert client.app.state.in_flight == 1
    assert not client.protocol.is_waiting
    assert not client.protocol.is_sending
    assert await client.send() == [(200, None)]
    assert time.monotonic() - began >= 0.028
    assert client.app.state.in_flight == 0
    assert client.was_direct


@run
async def test_refusal_needs_no_latency() -> None:
    """Nor does it hold a slot."""
    client, refused = Client("1000s"), request(KYC | {"sign": sign(secret="x")})

    for _ in range(2):
        assert await client.send(refused) == [(403, "AUTHENTICATION_ERROR")]
        client.reconnect()
    assert client.app.state.in_flight == 0


@run
async def test_what_comes_during_a_latency_is_answered_after_it() -> None:
    """Whole, in pieces, or of another kind: in the order in which it came."""
    client, whole = await acquainted("5ms")

    other = request(KYC, path="/elsewhere")
    assert await client.send(whole, whole[:50], whole[50:], other) == [
        (200, None),
        (200, None),
        (404, "API_NOT_FOUND"),
    ]


@run
async def test_client_that_goes_during_a_latency_leaves_no_slot_taken() -> None:
    """Its slot is held as long as that of any other, and given back."""
    client, whole = await acquainted("5ms")
    client.protocol.data_received(whole)
    client.pipe.close()
    client.protocol.connection_lost(None)

    assert client.app.state.in_flight == 1
    assert await client.send() == []
    assert client.app.state.in_flight == 0


@run
async def test_latency_ends_before_the_connection_does() -> None:
    """A server that is told to stop answers what it has begun."""
    client, whole = await acquainted("5ms")
    client.protocol.data_received(whole)
    client.protocol.shutdown()

    assert not client.pipe.closed
    assert await client.send() == [(200, None)]
    assert client.pipe.closed


@run
async def test_reply_is_sent_before_the_end() -> None:
    """One that is not written yet when the server is told to stop."""
    client = Client()
    client.protocol.data_received(request(KYC))
    client.protocol.shutdown()

    assert replies(client.pipe.written) == [(200, None)]
    assert client.pipe.closed


def test_slots_and_calls_are_counted() -> None:
    """As many calls as requests, and no slot is left taken."""

    async def test() -> None:
        client = Client()
        for form in (KYC, KYC | {"liveness_type": "none"}, KYC | {"sign": None}):
            await client.send(request(form))

        assert client.was_direct
        assert sum(client.app.state.calls.values()) == 2
        assert client.app.state.in_flight == 0

    asyncio.run(test())
