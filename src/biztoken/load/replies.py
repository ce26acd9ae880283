"""Every reply of a load judged as `check` judges it, and the same kind of reply judged once.

What a reply earns depends on few things: its status, which members it has and of which types, its error text.
request_id, biz_token and time_used are new in every reply; of them matters, too, that no id is empty and that the time
is one that the caller waited. Where that is so, the reply has the shape of others, and `judge` is asked for the first
of a shape only. All other replies are judged one by one. tests/test_load_replies.py holds both ways to agree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from json import JSONDecoder
from typing import Any, NamedTuple

from biztoken.contract import Contract
from biztoken.envelope import CLOCK_GRANULARITY_MS
from biztoken.judge import Alternative, Expected, judge
from biztoken.load.template import Stamp, Template
from biztoken.load.tokens import REPEATED, Tokens
from biztoken.model import Exchange, Finding, Form, Reply
from biztoken.reading import Outcome, Reading, read

CONCURRENCY = "CONCURRENCY_LIMIT_EXCEEDED"
# Errors that say nothing against a sound request: of load, or to be met by sending it again.
TOLERATED = (CONCURRENCY, "INTERNAL_ERROR")
SOUND = "FORM-DATA"  # the clause that pays where a sound request is refused
SHAPES = 512  # kinds of replies that are remembered: a target whose errors all differ is judged each time
_ANY = "any text"  # where there is no id
_TRAITS = ("return_faces", "liveness_type")
Members = dict[str, Any]
_scan = JSONDecoder().scan_once  # type: ignore[attr-defined] # what raw_decode wraps


class Seen(NamedTuple):
    """What one exchange showed. `outcome`: `200`, `403 CONCURRENCY_LIMIT_EXCEEDED`, `500`, `timeout` and the like."""

    outcome: str
    findings: tuple[Finding, ...] = ()


@dataclass(slots=True)
class _Shape:
    """What all replies of a shape earn; `ids`: the members that must not come twice; `count`: how many there were."""

    seen: Seen
    kept: tuple[str, ...]
    ids: tuple[str, ...]
    count: int = 0


class Sent(NamedTuple):
    """A request and its reply, as Exchange; its form is made for whom it is about: of most replies nobody asks."""

    id: int
    template: Template
    stamp: Stamp
    started: float
    ended: float
    reply: Reply | None
    failure: str | None = None

    @property
    def elapsed_ms(self) -> float:
        """How long the caller waited, in milliseconds."""
        return (self.ended - self.started) * 1000


def whole(sent: Sent | Exchange) -> Exchange:
    """With its form."""
    if isinstance(sent, Exchange):
        return sent
    form = sent.template.form(sent.stamp)
    return Exchange(sent.id, form, sent.template.size, sent.started, sent.ended, sent.reply, sent.failure)


class Inspector:
    """Looks at exchanges. `tokens` and `request_ids` remember what must not come twice, over a whole run.

    `tolerated` names refusals, `NAME` or `NAME: detail`, that this key may earn beside those of load.
    """

    def __init__(
        self,
        contract: Contract,
        *,
        tokens: Tokens | None = None,
        request_ids: Tokens | None = None,
        tolerated: Collection[str] = (),
    ) -> None:
        self._contract = contract
        self._tolerated = frozenset((*TOLERATED, *tolerated))
        memories = (("request_id", "REQUEST-ID-UNIQUE", request_ids), ("biz_token", "BIZ-TOKEN-UNIQUE", tokens))
        self._memory = [(name, clause, memory) for name, clause, memory in memories if memory is not None]
        self._traits: dict[Template, tuple[object, ...]] = {}
        self._shapes: dict[tuple[Any, ...], _Shape] = {}
        self._kept: Counter[str] = Counter()
        self._new: Counter[str] = Counter()  # what was told of as new, by clause

    def look(self, several: Iterable[Sent | Exchange]) -> list[Seen]:
        """What exchanges show: the outcome of each, and what is wrong with its reply. Many at once cost less."""
        found = []
        told: dict[str, list[tuple[int, str]]] = {name: [] for name, *_ in self._memory}
        for place, sent in enumerate(several):
            reply = sent.reply
            if reply is None:
                found.append(Seen((sent.failure or "").partition(":")[0]))
                continue
            members = _read_members(reply.body)
            key = None if members is None else shape_of(reply.status, members, sent.elapsed_ms, self._traits_of(sent))
            data = members or {}
            shape = self._shapes.get(key) if key is not None else None
            if shape is None:
                shape, data = self._judge(whole(sent))
                if key is not None and len(self._shapes) < SHAPES:
                    self._shapes[key] = shape
                else:
                    self._kept.update(shape.kept)
            shape.count += 1
            found.append(shape.seen)
            for name in shape.ids:
                told[name].append((place, data[name]))
        self._compare(told, found)
        return found

    def _traits_of(self, sent: Sent | Exchange) -> tuple[object, ...]:
        if isinstance(sent, Exchange):
            return traits_of(sent.form)
        traits = self._traits.get(sent.template)
        if traits is None:
            traits = self._traits[sent.template] = traits_of(sent.template.form(sent.stamp))
        return traits

    def _judge(self, exchange: Exchange) -> tuple[_Shape, Members]:
        assert exchange.reply is not None  # noqa: S101 - looked at before
        reading = read(exchange.reply)
        checks = judge(exchange, self.expected(reading), self._contract)
        findings = tuple(check.finding for check in checks if check.finding)
        kept = tuple(check.clause for check in checks if not check.finding)
        seen = Seen(outcome_of(reading, self._contract), findings)
        data = reading.data or {}
        ids = tuple(
            name
            for name, *_ in self._memory
            if type(data.get(name)) is str
            and data[name]
            and (name != "biz_token" or reading.outcome is Outcome.ACCEPTED)
        )
        return _Shape(seen, kept, ids), data

    def expected(self, reading: Reading) -> Expected:
        """What a sound request is due under load: to be accepted, or an error that says nothing against it.

        A server error is charged to no clause of its own here: one alone may happen, and how many may the profile says.
        """
        told = {reading.name, f"{reading.name}: {reading.detail}"} & self._tolerated
        if not told or reading.outcome is not Outcome.REFUSED:
            return Expected("accepted", SOUND, witness=reading.status >= 500)
        if reading.name not in self._contract.errors:  # a reason told as a name of its own
            return Expected("accepted", SOUND, (Alternative(reading.name),))
        detail = None if reading.name in told else reading.detail
        clause = self._contract.clause_id(reading.name, "name")
        return Expected("refused", clause, (Alternative(reading.name, detail),))

    def _compare(self, told: dict[str, list[tuple[int, str]]], found: list[Seen]) -> None:
        """Add to what was found what came before and must not come twice; `told`: by member, places and texts."""
        for name, clause, memory in self._memory:
            repeated = Finding(clause, "repeated", f"a new {name}", f"a {name} told before")
            for index, answer in memory.add_all(text for _, text in told[name]).items():
                if answer == REPEATED:
                    place, _ = told[name][index]
                    outcome, findings = found[place]
                    found[place] = Seen(outcome, (*findings, repeated))

    def taken(self) -> Counter[str]:
        """How often each clause was kept since this was last asked."""
        kept, self._kept = self._kept, Counter()
        for shape in self._shapes.values():
            for clause in shape.kept:
                kept[clause] += shape.count
            shape.count = 0
        for _, clause, memory in self._memory:
            kept[clause] += memory.new - self._new[clause]
            self._new[clause] = memory.new
        return +kept


def _read_members(body: bytes) -> Members | None:
    """The members of a JSON object; None for anything else, and where that is not plain to see."""
    try:
        text = body.decode()
        data, end = _scan(text, 0)
    except (ValueError, StopIteration, RecursionError):
        return None
    return data if type(data) is dict and end == len(text) else None


def traits_of(form: Form) -> tuple[object, ...]:
    """What the judge's answer depends on in a form."""
    values = dict(form)
    return tuple(values.get(name) for name in _TRAITS)


def shape_of(status: int, data: Members, elapsed_ms: float, traits: tuple[object, ...]) -> tuple[Any, ...] | None:
    """All that the judge's answer depends on; None where only the judge can tell."""
    if not data.get("request_id", _ANY) or not data.get("biz_token", _ANY):  # of what is there the type tells the rest
        return None
    used = data.get("time_used", 0)
    if type(used) is not int or not 0 <= used <= elapsed_ms + CLOCK_GRANULARITY_MS:
        return None
    error = data.get("error")
    if type(error) is not str and "error" in data:
        return None
    return status, traits, error, *data, *map(type, data.values())


def outcome_of(reading: Reading, contract: Contract) -> str:
    """A reply in a word for statistics: few in number, whatever a target answers."""
    status, row = reading.status, contract.errors.get(reading.name)
    if reading.outcome is Outcome.ACCEPTED:
        return str(status)
    if reading.outcome is Outcome.UNREADABLE:
        return f"{status} unreadable" if status < 300 else str(status)
    if row is not None:
        return f"{status} {row.name}: {reading.detail}" if reading.detail in row.reasons else f"{status} {row.name}"
    reasons = {reason for known in contract.errors.values() for reason in known.reasons}
    return f"{status} {reading.name}" if reading.name in reasons else f"{status} unknown error"
