"""The journal as it happens: server-sent events, each with the number of its change, so that a page can go on."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from biztoken.mock import views
from biztoken.mock.choices import Choices
from biztoken.mock.chronicle import Chronicle
from biztoken.mock.replies import SAFE, TOO_MANY, DeniedError
from biztoken.mock.wire import Receive, Send

_MOST_WATCHING = 64
_STILL_THERE = 15.0  # seconds between two signs of life


class Stream:
    """Tells whoever watches what is new.

    `entry`: one that is new or has changed; `answers`: what is chosen has changed; `cleared`: all entries are gone.
    """

    def __init__(self, chronicle: Chronicle, choices: Choices) -> None:
        self._chronicle = chronicle
        self._choices = choices
        self._watching = 0

    async def tell(self, after: int, receive: Receive, send: Send) -> None:
        """Tell what changes after that change, until the client goes."""
        if self._watching >= _MOST_WATCHING:
            raise DeniedError(TOO_MANY)
        self._watching += 1
        gone = asyncio.ensure_future(_gone(receive))
        try:
            headers = [(b"content-type", b"text/event-stream; charset=utf-8"), *SAFE]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await self._follow(after, gone, send)
        finally:
            self._watching -= 1
            gone.cancel()

    async def _follow(self, after: int, gone: asyncio.Future[None], send: Send) -> None:
        # A number that has not been reached yet is of an earlier run of the mock.
        seen = _Seen(after if after <= self._chronicle.version else 0, self._chronicle.clearings)
        async with self._chronicle.watching() as changed:
            while not gone.done():
                changed.clear()
                body = "".join(self._news(seen)) or ": still there\n\n"
                await send({"type": "http.response.body", "body": body.encode(), "more_body": True})
                waiting: asyncio.Future[Any] = asyncio.ensure_future(changed.wait())
                await asyncio.wait([waiting, gone], timeout=_STILL_THERE, return_when=asyncio.FIRST_COMPLETED)
                waiting.cancel()

    def _news(self, seen: _Seen) -> list[str]:
        news = []
        if seen.clearings != self._chronicle.clearings:
            seen.clearings = self._chronicle.clearings
            news.append(_event("cleared", {}))
        for number, record in self._chronicle.records(seen.change):
            seen.change = self._chronicle.change_of(number)
            news.append(_event("entry", views.summary(number, record), seen.change))
        answers = views.answers(self._choices)
        if answers != seen.answers:
            seen.answers = answers
            news.append(_event("answers", answers))
        return news


class _Seen:
    """What a client has been told."""

    def __init__(self, change: int, clearings: int) -> None:
        self.change = change
        self.clearings = clearings
        self.answers: dict[str, Any] | None = None


def _event(name: str, data: Any, number: int | None = None) -> str:
    return f"event: {name}\n" + (f"id: {number}\n" if number is not None else "") + f"data: {json.dumps(data)}\n\n"


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] == "http.request":
        pass
