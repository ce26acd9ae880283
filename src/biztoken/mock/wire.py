"""Bytes in and out: bodies read up to a limit, what is left of them drained, connections cut."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from biztoken.mock.answers import Headers

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

DRAFT = "biztoken.draft"  # where the ASGI scope has the entry in the making, if there is a journal

# A client that writes all before it reads gets the 413 only if somebody takes the rest off its hands:
# closing at once would make the kernel send a reset, and with it discard the answer.
DRAIN_BYTES = 64 * 1024 * 1024
DRAIN_SECONDS = 30.0
# Who asked first whether to send the body will not send it now; a short wait lets it close the connection.
DRAIN_SECONDS_ASKED = 1.0


class TooLargeError(Exception):
    """The body is over the limit. `is_read`: whether all of it has come already."""

    def __init__(self, is_read: bool) -> None:
        super().__init__("body too large")
        self.is_read = is_read


class GoneError(Exception):
    """The client went away before it had sent its request."""


class HangUpError(Exception):
    """A fault ends the connection before the body is read."""


async def read_body(receive: Receive, length: bytes | None, limit: int) -> bytes:
    """The whole body; raises TooLargeError as soon as it is known to be over `limit`, without reading on."""
    if length is not None and int(length) > limit:
        raise TooLargeError(False)
    message = await receive()
    if message["type"] == "http.request" and not message["more_body"]:
        body: bytes = message["body"]
        if len(body) > limit:
            raise TooLargeError(True)
        return body
    return await _read_on(receive, message, limit)


async def _read_on(receive: Receive, message: Message, limit: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        if message["type"] != "http.request":
            raise GoneError
        chunks.append(message["body"])
        size += len(chunks[-1])
        if size > limit:
            raise TooLargeError(not message["more_body"])
        if not message["more_body"]:
            return b"".join(chunks)
        message = await receive()


async def send_answer(send: Send, status: int, headers: Headers, body: bytes) -> None:
    """Send an answer in one go, and in one piece."""
    # uvicorn's `send` belongs to the object that holds the connection; it would write, and so call the kernel, twice.
    owner: Any = getattr(send, "__self__", None)
    transport = getattr(owner, "transport", None)
    if transport is None:
        await _send(send, status, headers, body)
        return
    owner.transport = _Joined(transport)
    try:
        await _send(send, status, headers, body)
    finally:
        owner.transport.flush()
        owner.transport = transport


async def _send(send: Send, status: int, headers: Headers, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class _Joined:
    """A transport that holds what is written first for what is written next."""

    __slots__ = ("_held", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._held: bytes | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if self._held is None:
            self._held = data
        else:
            self._transport.write(self._held + data)
            self._held = b""

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def flush(self) -> None:
        """Write what is held."""
        if self._held:
            self._transport.write(self._held)
            self._held = b""


async def send_early(
    send: Send, receive: Receive, status: int, headers: Headers, body: bytes, *, seconds: float
) -> None:
    """Send an answer at once, take and discard what the client still sends, then close the connection."""
    headers = [*headers, (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": True})
    try:
        async with asyncio.timeout(seconds):
            await _drain(receive)
    except TimeoutError:
        pass
    # Only the end of the answer makes the server close, so it is told last.
    await send({"type": "http.response.body", "body": b""})


async def _drain(receive: Receive) -> None:
    left = DRAIN_BYTES
    while left > 0:
        message = await receive()
        if message["type"] != "http.request" or not message["more_body"]:
            return
        left -= len(message["body"])


async def pause(receive: Receive, seconds: float | None) -> None:
    """Wait, for ever where None; GoneError as soon as the client has gone. What it still sends is discarded."""
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] == "http.request":
                pass
    except TimeoutError:
        return
    raise GoneError


async def hang_up(send: Send, receive: Receive) -> None:
    """Close the connection without an answer."""
    await cut(send, receive, 0, [], b"")


async def cut(send: Send, receive: Receive, status: int, headers: Headers, body: bytes) -> None:
    """Close the connection after half of `body`; before the first byte of the answer where that is empty."""
    if body:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
    # ASGI has no word for this, and no other server is used here: uvicorn's `send` belongs to the object that holds
    # the connection.
    transport: asyncio.Transport = send.__self__.transport  # type: ignore[attr-defined]
    transport.close()
    while (await receive())["type"] == "http.request":
        pass
