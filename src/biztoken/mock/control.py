"""The control path of a mock with a journal: the page, and the JSON API of openapi/control.yaml behind it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs

from biztoken import __version__
from biztoken.contract import Contract, bundled
from biztoken.errors import UserError
from biztoken.mock import replies, views
from biztoken.mock.choices import Choices
from biztoken.mock.chronicle import Chronicle, Record
from biztoken.mock.doorman import Denial, denial
from biztoken.mock.replies import DeniedError, Reply
from biztoken.mock.stream import Stream
from biztoken.mock.tap import CONTROL
from biztoken.mock.wire import Receive, Send

_ENTRIES = f"{CONTROL}/api/entries"
_MOST_WAIT = 60.0
_MOST_LISTED = 500
_LONGEST_NUMBER = 15  # digits
_PAGES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/texts.json": ("texts.json", "application/json"),
}
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]
Scope = Mapping[str, Any]


class Control:
    """An ASGI application that answers below `/_biztoken` itself and hands the rest on.

    `is_public`: others than this machine may ask, too.
    """

    def __init__(
        self,
        served: Application,
        contract: Contract,
        choices: Choices,
        chronicle: Chronicle,
        *,
        is_public: bool = False,
    ) -> None:
        self._served = served
        self._contract = contract
        self._choices = choices
        self._chronicle = chronicle
        self._is_public = is_public
        self._stream = Stream(chronicle, choices)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        path: str = scope.get("path", "")
        if path != CONTROL and not path.startswith(f"{CONTROL}/"):
            await self._served(scope, receive, send)
            return
        try:
            why = denial(scope, is_public=self._is_public)
            if why is not None:
                raise DeniedError(why)
            if path == f"{CONTROL}/api/events" and scope["method"] == "GET":
                await self._stream.tell(_cursor(scope), receive, send)
                return
            reply = await self._reply(scope, path.removeprefix(CONTROL), receive)
        except DeniedError as problem:
            reply = problem.reply
        await replies.send_reply(send, reply, has_body=scope["method"] != "HEAD")

    async def _reply(self, scope: Scope, path: str, receive: Receive) -> Reply:
        if scope["method"] in ("GET", "HEAD"):
            return await self._look(scope, path)
        if scope["method"] != "POST":
            raise DeniedError(replies.NO_METHOD)
        return self._act(path, await replies.read_json(receive))

    # --- looking

    async def _look(self, scope: Scope, path: str) -> Reply:
        if path == "":
            return Reply(308, {}, headers=[(b"location", f"{CONTROL}/".encode())])
        if path in _PAGES:
            name, media_type = _PAGES[path]
            return Reply(body=files(__package__).joinpath("page", name).read_bytes(), media_type=media_type)
        if path == "/openapi.yaml":
            document = (bundled("openapi") / "control.yaml").read_bytes()
            return Reply(body=document, media_type="application/yaml")
        if not path.startswith("/api/"):
            raise DeniedError(replies.NOWHERE)
        match path.removeprefix("/api/").split("/"):
            case ["status"]:
                return Reply(payload=self._status(scope))
            case ["answers"]:
                return Reply(payload=views.answers(self._choices) | {"choosable": views.choosable(self._choices)})
            case ["entries"]:
                return Reply(payload=await self._entries(scope))
            case ["entries", number]:
                return Reply(payload=self._detail(scope, self._record(number)))
            case ["entries", number, "findings"]:
                return Reply(payload={"findings": self._record(number).get("findings")})
            case ["entries", number, ("raw" | "body") as what]:
                return self._bytes(self._record(number)["request"]["id"], what)
        raise DeniedError(replies.NOWHERE)

    def _status(self, scope: Scope) -> dict[str, Any]:
        archive = self._chronicle.archive
        return {
            "version": __version__,
            "contract": self._contract.version,
            "url": views.origin_of(scope) + self._contract.path,
            "entries": len(self._chronicle.records()),
            "cursor": self._chronicle.version,
            "judges": self._chronicle.judges,
            "journal": str(archive.directory) if archive else None,
        } | views.answers(self._choices)

    async def _entries(self, scope: Scope) -> dict[str, Any]:
        """What changed after a cursor; waits for it, where the query says so."""
        query = parse_qs(scope["query_string"].decode("latin-1"))
        after = int(_number(query, "after", 0))
        limit = max(1, min(int(_number(query, "limit", _MOST_LISTED)), _MOST_LISTED))
        wait = min(_number(query, "wait", 0), _MOST_WAIT)
        async with self._chronicle.watching() as changed:
            if wait and not self._chronicle.records(after):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await changed.wait()
        found = self._chronicle.records(after)
        # Without a cursor the newest count; with one, none may be passed over.
        listed = found[:limit] if after else found[-limit:]
        cursor = self._chronicle.change_of(listed[-1][0]) if listed else self._chronicle.version
        return {"cursor": cursor, "entries": [views.summary(number, record) for number, record in listed]}

    def _record(self, number: str) -> Record:
        is_number = number.isascii() and number.isdecimal() and len(number) <= _LONGEST_NUMBER
        record = self._chronicle.record(int(number)) if is_number else None
        if record is None:
            raise DeniedError(replies.NO_ENTRY)
        return record

    def _detail(self, scope: Scope, record: Record) -> dict[str, Any]:
        entry = self._chronicle.journal.entry(record["request"]["id"])
        origin = views.origin_of(scope)
        has_bytes = entry is not None and entry.kept
        return views.detail(record, has_bytes=has_bytes, origin=origin, entries=origin + _ENTRIES)

    def _bytes(self, number: int, what: str) -> Reply:
        entry = self._chronicle.journal.entry(number)
        if entry is None or not entry.kept:
            raise DeniedError(replies.NO_BYTES)
        body = entry.raw if what == "raw" else entry.received.body
        name = f'attachment; filename="{number}.{"http" if what == "raw" else "bin"}"'
        headers = [(b"content-disposition", name.encode())]
        return Reply(body=body, media_type="application/octet-stream", headers=headers)

    # --- acting

    def _act(self, path: str, told: Mapping[str, Any]) -> Reply:
        try:
            match path:
                case "/api/answers/next":
                    self._choices.answer_next(*_answers_in(told))
                case "/api/answers/always":
                    self._always(told.get("answer"))
                case "/api/clear":
                    self._clear(told.get("what", ["entries", "answers"]))
                case _:
                    raise DeniedError(replies.NOWHERE)
        except UserError as problem:
            raise DeniedError(Denial(400, "no-answer", problem.told("en"), problem.told("zh"))) from None
        self._chronicle.wake()
        return Reply(payload=views.answers(self._choices))

    def _always(self, answer: Any) -> None:
        if answer is None:
            self._choices.clear_always()
        elif isinstance(answer, str | dict):
            self._choices.answer_always(answer)
        else:
            raise DeniedError(replies.NO_ANSWER)

    def _clear(self, what: Any) -> None:
        if not isinstance(what, list) or not all(name in ("entries", "answers") for name in what):
            raise DeniedError(replies.NO_PART)
        if "answers" in what:
            self._choices.clear()
        if "entries" in what:
            self._chronicle.clear()


def _answers_in(told: Mapping[str, Any]) -> list[Any]:
    answers = told.get("answers")
    if not isinstance(answers, list) or not all(isinstance(answer, str | dict) for answer in answers):
        raise DeniedError(replies.NO_ANSWER)
    return answers


def _number(query: Mapping[str, list[str]], name: str, default: float) -> float:
    text = query.get(name, [""])[0]
    if not text:
        return default
    if not text.isascii() or not text.replace(".", "", 1).isdigit() or len(text) > _LONGEST_NUMBER:
        raise DeniedError(Denial(400, "no-number", f"{name}: write a number", f"{name}：请写数字"))
    return float(text)


def _cursor(scope: Scope) -> int:
    """Where a stream goes on: as a browser says that comes again, or as the query says."""
    last = next((value for name, value in scope["headers"] if name == b"last-event-id"), b"")
    if last.isdigit() and len(last) <= _LONGEST_NUMBER:
        return int(last)
    return int(_number(parse_qs(scope["query_string"].decode("latin-1")), "after", 0))
