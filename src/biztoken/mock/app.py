"""The mock as an ASGI application: reads a request, has it judged, and answers."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import Awaitable, Callable, Generator, Iterator, Mapping, MutableMapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from biztoken.contract import Contract
from biztoken.mock import answers, rules, wire
from biztoken.mock.answers import Answer, Headers
from biztoken.mock.call import Call, Refusal
from biztoken.mock.choices import Choices
from biztoken.mock.conditions import Stage
from biztoken.mock.faces import Look
from biztoken.mock.fields import Fields
from biztoken.mock.gallery import Gallery
from biztoken.mock.keys import Key
from biztoken.mock.latency import Latency, duration
from biztoken.mock.plan import Plan
from biztoken.mock.rulebook import Rulebook
from biztoken.mock.rules import SingleUse, Wanted
from biztoken.mock.state import State
from biztoken.mock.wire import GoneError, HangUpError, Receive, Send, TooLargeError
from biztoken.multipart import Part, parse

_TOO_LARGE = Refusal("Request Entity Too Large", cause="body-too-large")
_NOT_FOUND = Refusal("API_NOT_FOUND", cause="no-such-api")
_BUSY = Refusal("CONCURRENCY_LIMIT_EXCEEDED", cause="in-flight")
_BROKEN = Refusal("INTERNAL_ERROR", cause="bug")
_NONE: Mapping[str, Any] = {}
Reply = tuple[int, Headers, bytes]  # status, headers, body


class Later(NamedTuple):
    """An answer that is to be asked for after so many seconds, whatever becomes of the client: a slot is held."""

    seconds: float
    reply: Callable[[], Reply]


class App:
    """One endpoint. All state is in `state`; one event loop and one thread, but for the looks at pictures."""

    def __init__(
        self,
        contract: Contract,
        keys: Mapping[str, Key],
        *,
        latency: Latency | None = None,
        plan: Plan | None = None,
        rng: random.Random | None = None,
        single_use: bool = True,
        gallery: Gallery | None = None,
        choices: Choices | None = None,
    ) -> None:
        self._book = Rulebook(contract)
        self._keys = keys
        self._latency = latency
        self._plan = plan
        self._choices = choices
        self._rng = rng or random.Random()
        self._single_use = SingleUse.MARKED if single_use else SingleUse.NONE
        self.state = State()
        self.gallery = gallery or Gallery()

    @property
    def path(self) -> str:
        """Of the endpoint."""
        return self._book.contract.path

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        call = Call(scope, self._book, time.perf_counter(), after_error=self.state.failed_before)
        call.plan = self._plan if self._choices is None else self._chosen(call, self._choices, scope)
        try:
            rest = await self._decide(call, receive)
            await self._answer(call, send, receive, rest)
        except HangUpError:
            await wire.hang_up(send, receive)
        except GoneError:
            return
        finally:
            self._leave(call)

    def _chosen(self, call: Call, choices: Choices, scope: MutableMapping[str, Any]) -> Plan | None:
        """The faults of the answer that was chosen for this call; a request to another API uses none up."""
        taken = choices.take() if call.path == call.contract.path and call.method == "POST" else None
        if taken is None:
            return self._plan
        chosen, plan = taken
        if wire.DRAFT in scope:
            scope[wire.DRAFT].chosen = chosen.name
        return plan

    async def _decide(self, call: Call, receive: Receive) -> float:
        """Set `call.refusal`, whatever happens; how many seconds to wait for what the client still sends."""
        try:
            await self._judge(call, receive)
        except (GoneError, HangUpError):
            raise
        except TooLargeError as problem:
            call.refusal = _TOO_LARGE
            asked = call.header(b"expect") is not None
            return 0.0 if problem.is_read else wire.DRAIN_SECONDS_ASKED if asked else wire.DRAIN_SECONDS
        except Exception as problem:  # a bug of ours is told as the contract says
            _report(problem)
            call.refusal = _BROKEN
        return 0.0

    async def _judge(self, call: Call, receive: Receive) -> None:
        """Set `call.refusal`; takes a slot where the request gets that far."""
        altered = call.plan.alter(call, Stage.ARRIVAL) if call.plan else {}
        if "hang_up" in altered:
            raise HangUpError
        length = call.header(b"content-length")
        body = await wire.read_body(receive, length, call.contract.limits["body"])
        # The contract has one API: a POST to one path. What other methods answer is not stated (no 405 is in its
        # table), so they are no API of it either.
        if (call.path != call.contract.path or call.method != "POST") and self._first(call, iter((_NOT_FOUND,))):
            return
        call.fields = _fields(call, body, altered)
        del body
        if call.plan:
            altered |= call.plan.alter(call, Stage.BODY)
        for wait in self._steps(call, altered):
            await (asyncio.sleep(wait) if isinstance(wait, float) else wait)

    def at_once(self, scope: Mapping[str, Any], body: bytes, *, may_wait: bool) -> Reply | Later | None:
        """The answer to a POST to the endpoint that has come whole, if nothing but a latency has to be waited for.

        None, and nothing has been counted, where the application itself must be asked: for a fault, for a body that is
        too large, for a picture that was not seen before, and for a latency unless `may_wait`.
        """
        has_more_to_do = self._plan or self._choices or (self._latency and not may_wait)
        if has_more_to_do or len(body) > self._book.contract.limits["body"]:
            return None
        call = Call(scope, self._book, time.perf_counter())
        try:
            call.fields = _fields(call, body, _NONE)
            wanted = rules.pictures_to_look_at(call)
            if wanted and not self._seen(call, wanted):
                return None
            if self._latency:
                steps = self._steps(call, _NONE)
                if isinstance(seconds := next(steps, None), float):
                    return Later(seconds, partial(self._late, call, steps))
            else:
                call.refusal = next(chain.from_iterable(self._step(step, call, _NONE) for step in rules.STEPS), None)
        except Exception as problem:  # as in _decide
            _report(problem)
            call.refusal = _BROKEN
        return self._left(call)

    def _late(self, call: Call, steps: Iterator[object]) -> Reply:
        """The answer once the latency is over."""
        try:
            for _ in steps:
                raise AssertionError("there was more to wait for")
        except Exception as problem:  # as in _decide
            _report(problem)
            call.refusal = _BROKEN
        return self._left(call)

    def _left(self, call: Call) -> Reply:
        """The answer, with the slot given back."""
        self._leave(call)
        if call.refusal is None and not call.looks:
            return answers.plain_success(time.time(), _time_used(call))
        return self._written(call, self._decided(call))

    def _steps(self, call: Call, altered: Mapping[str, Any]) -> Iterator[float | Awaitable[object]]:
        """Set `call.refusal` step by step; what it yields, or so many seconds, must be awaited before it goes on."""
        order = altered.get("order", rules.STEPS)
        for step in order:
            if step == "slot":
                over = self._first(call, self._step(step, call, altered))
                if not over and self._latency:
                    yield float(self._latency.draw(self._rng))
            elif step in ("pictures", "faces"):
                over = yield from self._look(call, altered, step if "faces" in order else "")
            else:
                over = self._first(call, self._step(step, call, altered))
            if over:
                return

    def _step(self, step: str, call: Call, altered: Mapping[str, Any]) -> Iterator[Refusal]:
        """What a step refuses; pictures must have been looked at."""
        if step == "slot":
            return self._enter(call, altered)
        if step == "pictures":
            return rules.pictures(call)
        if step in ("sign", "expired"):
            now = time.time() - (duration(altered["skew"]) if "skew" in altered else 0.0)
            single_use = SingleUse(altered["single_use"]) if "single_use" in altered else self._single_use
            sign = rules.sign(call, self._keys, self.state, single_use)
            if "expired" not in altered.get("order", ()):
                return chain(sign, rules.expired(call, now, single_use))
            if step == "sign":
                return sign
            rules.look_up(call, self._keys)  # it may come before the sign
            return rules.expired(call, now, single_use)
        if step == "permission":
            if call.key is None:  # it may come before the sign
                rules.look_up(call, self._keys)
            return rules.permission(call, self.state)
        check = rules.missing if step == "missing" else rules.values
        return check(call.fields, call.section)

    def _first(self, call: Call, refusals: Iterator[Refusal]) -> bool:
        """Set `call.refusal` to the first refusal that no fault forgives; whether there is one."""
        for call.refusal in refusals:
            if call.plan is None or not call.plan.forgives(call):
                return True
        call.refusal = None
        return False

    def _enter(self, call: Call, altered: Mapping[str, Any]) -> Iterator[Refusal]:
        """Take a slot and count the call; a refused one takes and counts nothing."""
        key = call.key
        api_key = key.api_key if key else ""
        limit = _altered(key.concurrency if key else None, altered)
        quota = altered.get("per_second")
        if quota is not None and not self.state.spend(api_key, quota, time.monotonic()):
            yield _BUSY
        if not self.state.take(api_key, limit):
            call.in_flight = self.state.in_flight
            yield _BUSY
            self.state.take(api_key, None)
        call.slot = api_key
        call.in_flight = self.state.in_flight
        self.state.calls[api_key] += 1

    def _leave(self, call: Call, held: float = 0.0) -> None:
        """Give the slot back, once; `held` seconds from now if a fault says so."""
        slot, call.slot = call.slot, None
        if slot is None:
            return
        if held:
            asyncio.get_running_loop().call_later(held, self.state.give_back, slot)
        else:
            self.state.give_back(slot)

    def _look(self, call: Call, altered: Mapping[str, Any], part: str) -> Generator[Awaitable[list[Look]], None, bool]:
        """Have the pictures looked at, all at once, and judge them; whether they are refused.

        `part`: only `pictures`, what can be read at all, or only the `faces` in them; empty for both.
        """
        if not call.looks:
            wanted = rules.pictures_to_look_at(call, altered.get("turn", ()))
            if not wanted:
                return False
            if not self._seen(call, wanted):
                longest = call.contract.limits["picture_side"]
                looks = asyncio.gather(*(self.gallery.look(data, longest, turn) for _, data, turn in wanted))
                yield looks
                call.looks = {name: look for (name, _, _), look in zip(wanted, looks.result(), strict=True)}
        refusals = rules.pictures(call)
        if part:
            refusals = (each for each in refusals if (each.cause in rules.SPOILT) == (part == "pictures"))
        return self._first(call, refusals)

    def _seen(self, call: Call, wanted: Sequence[Wanted]) -> bool:
        """Set `call.looks` where all these pictures were looked at before; whether they were."""
        longest = call.contract.limits["picture_side"]
        for name, data, turn in wanted:
            look = self.gallery.known(data, longest, turn)
            if look is None:
                call.looks = {}
                return False
            call.looks[name] = look
        return True

    async def _answer(self, call: Call, send: Send, receive: Receive, rest: float) -> None:
        """Send the answer, with the faults that apply to it; `rest`: seconds to wait for what is still being sent."""
        changes: dict[str, Any] = {}
        answer = self._decided(call)
        if call.plan:
            answer, changes = await self._spoil(call, call.plan, answer, receive)
            self.state.remember(answer.payload, failed=call.refusal is not None)
        self._leave(call)
        status, headers, body = self._written(call, answer, changes)
        closing = changes.get("close")
        if closing == "never":
            await wire.pause(receive, None)
        elif closing in ("before", "mid-body"):
            await wire.cut(send, receive, status, headers, b"" if closing == "before" else body)
        elif rest:
            await wire.send_early(send, receive, status, headers, body, seconds=rest)
        else:
            if closing == "after" or call.refusal is _TOO_LARGE:
                headers.append((b"connection", b"close"))
            await wire.send_answer(send, status, headers, body)

    def _written(self, call: Call, answer: Answer, changes: Mapping[str, Any] = _NONE) -> Reply:
        """Status, headers and body of an answer that is about to be sent."""
        if answer.text is None and "time_used" in answer.payload and "time_used" not in changes.get("set", _NONE):
            answer.payload["time_used"] = _time_used(call)
        return answer.status, *answer.encode(changes.get("layout", ()), chunked=changes.get("chunked", False))

    def _decided(self, call: Call) -> Answer:
        faces = rules.faces_to_tell(call) if call.looks else None
        if call.refusal is None:
            return answers.success(time.time(), faces)
        return answers.refusal(call.contract, call.refusal, time.time(), faces)

    async def _spoil(self, call: Call, plan: Plan, answer: Answer, receive: Receive) -> tuple[Answer, dict[str, Any]]:
        """Delay and change the answer as the faults say."""
        merged: dict[str, Any] = {}
        for changes in plan.changes(call):
            answer = answers.change(answer, changes, call, self.state.told, time.time())
            merged |= changes | {"set": merged.get("set", {}) | changes.get("set", {})}
            if "delay" in changes:
                await wire.pause(receive, duration(changes["delay"]))
        self._leave(call, duration(merged.get("hold_slot", 0)))
        return answer, merged


def _fields(call: Call, body: bytes, altered: Mapping[str, Any]) -> Fields:
    """The fields of a body: multipart, and urlencoded where that is altered."""
    content_type = (call.header(b"content-type") or b"").decode("latin-1")
    if altered.get("urlencoded") and content_type.startswith("application/x-www-form-urlencoded"):
        pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="utf-8")
        parts = tuple(Part(name, None, None, (), value.encode()) for name, value in pairs)
    else:
        parts = parse(content_type, body).parts
    return Fields(parts[::-1] if altered.get("duplicates") == "last" else parts, call.book.pictures)


def _time_used(call: Call) -> int:
    """Milliseconds since a request came, rounded down: never more than the caller measures."""
    return int((time.perf_counter() - call.started) * 1000)


def _altered(limit: int | None, altered: Mapping[str, Any]) -> int | None:
    """The limit of a key as a fault has it: another, or so many more or fewer."""
    other = altered.get("concurrency", limit)
    return (limit or 0) + int(other) if isinstance(other, str) else other


def _report(problem: Exception) -> None:
    """One line about a bug: where, not what was sent. The text of an exception may hold a secret or a name."""
    trace = problem.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
    sys.stderr.write(f"biztoken mock: internal error {problem.__class__.__name__}{where}\n")
