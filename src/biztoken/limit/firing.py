"""Sends the bursts that a search asks for, has every reply judged, and keeps what is told of each. Decides nothing."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol, TypeVar

from biztoken.burst import Volley
from biztoken.client import Request
from biztoken.errors import HarnessError
from biztoken.judge import Alternative, Expected, answer
from biztoken.limit import reasons
from biztoken.limit.observed import Ask, Burst, Trouble
from biztoken.model import Exchange, Form, Json
from biztoken.reading import Outcome, read
from biztoken.runner import Run

T = TypeVar("T")
NAME, LIMIT = "CONCURRENCY_LIMIT_EXCEEDED", "CONCURRENCY-LIMIT-EXCEEDED-LIMIT"
REFUSED = f"403 {NAME}"
OK = "200"
CASE = "limit"  # what the exchanges are recorded for
NARROW = 0.5  # of what one request takes alone: over more a burst may not be spread
RECORDED = 40  # exchanges of a burst that are recorded whatever they tell: as many in a row as a report can show
ENDS = 200  # replies of a burst whose times are told
LABEL = 80  # characters of what a target told


class Guns(Protocol):
    """A battery, or a fleet of them."""

    def load(self, requests: Sequence[bytes], *, rack: int = 0, whole: bool = False) -> None: ...
    def fire(self, rack: int = 0, at: float | None = None) -> float: ...
    def land(self, rack: int = 0) -> Volley: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Row:
    """A burst with what a report shows of it."""

    purpose: str
    burst: Burst
    spread_ms: float | None
    ended_ms: tuple[tuple[int | str, float], ...]


class Throttle:
    """Keeps requests below so many in any second; None for no end. `note` what was sent, `wait` before more is."""

    def __init__(self, per_second: float | None) -> None:
        self._per_second = per_second
        self._sent: deque[tuple[float, int]] = deque()

    def wait(self, count: int) -> None:
        """Return when `count` more may be sent at once."""
        if self._per_second is None:
            return
        while self._sent and sum(sent for _, sent in self._sent) + count > self._per_second:
            time.sleep(max(0.0, self._sent[0][0] + 1.0 - time.monotonic()))  # a rate is a matter of time
            self._sent.popleft()

    def note(self, count: int) -> None:
        """So many were sent until now."""
        self._sent.append((time.monotonic(), count))


class Firing:
    """Fires at the target of a run what it is asked to. `baseline`: seconds that one request takes alone.

    `on_row` is told of each burst as soon as it has ended.
    """

    def __init__(self, run: Run, request: Request, guns: Guns, throttle: Throttle, baseline: float) -> None:
        self.rows: list[Row] = []
        self.strange: list[Exchange] = []  # neither admitted nor refused for concurrency, in the last Ask
        self.on_row: Callable[[Row], None] = lambda _row: None
        self.baseline = baseline
        self._run = run
        self._request = request
        self._guns = guns
        self._throttle = throttle
        self._ended = time.monotonic()

    def fire(self, ask: Ask) -> tuple[Burst, ...]:
        """The bursts of an Ask. OutOfBudgetError where there are not enough requests left for all of them."""
        time.sleep(max(0.0, self._ended + ask.idle - time.monotonic()))  # a quota comes back with time, without a sign
        self._throttle.wait(ask.requests)
        # All at once: where the budget does not suffice for the second burst, the first is not spent, either.
        signed, encoded = self._run.client.ready([self._request] * ask.requests)
        dealt = _dealt(signed, ask.counts)
        self.strange = []
        try:
            volleys = self._volleys(ask, _dealt(encoded, ask.counts))
        except HarnessError as problem:
            return tuple(self._failed(*each, problem) for each in zip(ask.purposes, ask.counts, strict=True))
        finally:
            self._ended = time.monotonic()
            self._throttle.note(ask.requests)
        before: float | None = None
        bursts = []
        for purpose, forms, volley in zip(ask.purposes, dealt, volleys, strict=True):
            gap = 0.0 if before is None else volley.began - before
            bursts.append(self._seen(purpose, forms, volley, gap))
            before = volley.ended
        return tuple(bursts)

    def _volleys(self, ask: Ask, encoded: Sequence[Sequence[bytes]]) -> list[Volley]:
        """Everything is loaded before the first is released, so that nothing but the gap lies between two bursts."""
        for rack, requests in enumerate(encoded):
            self._guns.load(requests, rack=rack, whole=rack > 0 and ask.whole)
        ended: float | None = None
        for rack in range(len(encoded)):
            ended = self._guns.fire(rack, None if ended is None else ended + ask.gap)
        return [self._guns.land(rack) for rack in range(len(encoded))]

    def _seen(self, purpose: str, forms: Sequence[Form], volley: Volley, gap: float) -> Burst:
        """What a volley comes to; each of its replies judged."""
        run, outcomes = self._run, []
        told = run.client.told_of(volley)
        for form, shot in zip(forms, volley.shots, strict=True):
            exchange = run.client.exchange_of(self._request, form, shot)
            outcomes.append(outcome_of(exchange))
            if outcomes[-1] not in (OK, REFUSED):
                self.strange.append(exchange)
            charged = self._judge(exchange)
            if charged or len(outcomes) <= RECORDED or outcomes[-1] not in (OK, REFUSED):
                run.client.record(exchange, self._request, case=CASE, role="burst", burst=told)
        counts = Counter(outcomes)
        other = {name: count for name, count in counts.items() if name not in (OK, REFUSED)}
        lasted = volley.ended - volley.began
        trouble = self._trouble(len(outcomes), other, volley.spread)
        burst = Burst(len(outcomes), counts[OK], counts[REFUSED], other, lasted, gap, trouble)
        ends = zip((_short(outcome) for outcome in outcomes), volley.shots, strict=True)
        rows = sorted((round((shot.ended - volley.began) * 1000, 2), status) for status, shot in ends)
        step = -(-len(rows) // ENDS)
        ended = tuple((status, end) for end, status in rows[::step])
        if purpose == "search" and burst.refused:
            purpose = "over"
        return self._kept(Row(purpose, burst, round(volley.spread * 1000, 3), ended))

    def _judge(self, exchange: Exchange) -> bool:
        """Charge what is wrong with a reply; whether something new was."""
        if exchange.reply is None:
            return False
        run = self._run
        before = len(run.ledger.tally.charges)
        run.ledger.look(exchange, CASE)
        reading = read(exchange.reply)
        if reading.name == NAME:
            due = Expected("refused", LIMIT, (Alternative(NAME),))
            checks = list(answer(exchange.reply, reading, due, run.contract))
            run.ledger.take(checks, None, (exchange.id,), CASE)
        return len(run.ledger.tally.charges) > before

    def charge_strange(self) -> None:
        """What came in place of the refusal is the target's doing, unless it speaks of the key's permissions."""
        run = self._run
        for exchange in self.strange:
            if exchange.reply is None:
                continue
            reading = read(exchange.reply)
            if reading.name != NAME and not reading.name.startswith("AUTH"):
                due = Expected("refused", LIMIT, (Alternative(NAME),))
                checks = list(answer(exchange.reply, reading, due, run.contract))
                run.ledger.take(checks, None, (exchange.id,), CASE)

    def _trouble(self, count: int, other: Json, spread: float) -> Trouble | None:
        unanswered = sum(number for name, number in other.items() if not name[:1].isdigit())
        if unanswered:
            told = ", ".join(sorted(name for name in other if not name[:1].isdigit()))
            return Trouble("unanswered", reasons.no_reply(unanswered, count, told))
        if other:
            return Trouble("other-refusals", reasons.not_for_concurrency(other, count, REFUSED))
        if spread >= NARROW * self.baseline:
            return Trouble("generator-bound", reasons.too_fast(count, spread, self.baseline))
        return None

    def _failed(self, purpose: str, count: int, problem: HarnessError) -> Burst:
        """A burst that could not be sent."""
        trouble = Trouble("unanswered", reasons.not_sent(count, problem))
        return self._kept(Row(purpose, Burst(count, 0, 0, {problem.reason: count}, trouble=trouble), None, ()))

    def _kept(self, row: Row) -> Burst:
        self.rows.append(row)
        self.on_row(row)
        return row.burst


def _dealt(values: Sequence[T], counts: Sequence[int]) -> list[Sequence[T]]:
    """The values in a row, so many for each."""
    ends = list(accumulate(counts))
    return [values[end - count : end] for end, count in zip(ends, counts, strict=True)]


def outcome_of(exchange: Exchange) -> str:
    """What a request came to, by a name that begins with its status, or with the reason why there is no reply."""
    if exchange.reply is None:
        return (exchange.failure or "").partition(":")[0]
    reading = read(exchange.reply)
    if reading.outcome is Outcome.ACCEPTED and reading.status == 200:
        return OK
    if reading.name == NAME:
        return f"{reading.status} {NAME}"
    return f"{reading.status} {reading.error or ''}".strip()[:LABEL]


def _short(outcome: str) -> int | str:
    status = outcome.partition(" ")[0]
    return int(status) if status.isdigit() else status
