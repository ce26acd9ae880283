"""What the generators of a load told, put together: totals, histograms, and one row for each second. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from biztoken.load.conditions import OK
from biztoken.load.measure import Latencies, Pairs
from biztoken.load.schedule import Timeline
from biztoken.model import Json


@dataclass(slots=True)
class Share:
    """What one worker has told so far."""

    offered: int = 0
    sent: int = 0
    answered: int = 0
    failed: int = 0
    told: int = 0  # whole seconds
    state: str = "running"

    @property
    def in_flight(self) -> int:
        """Requests that began and of whose end it did not tell."""
        return self.sent - self.answered - self.failed


@dataclass(slots=True)
class _Open:
    """A second that not all workers have told of."""

    offered: int = 0
    sent: int = 0
    failed: int = 0
    answered: int = 0
    in_flight: float = 0.0
    outcomes: dict[str, Pairs] = field(default_factory=lambda: defaultdict(list))
    late: Pairs = field(default_factory=list)
    lag: Pairs = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    held: float = 0.0
    again: int = 0

    def row(self, number: int) -> Json:
        """What came of it so far, as records show it."""
        return {
            "t": number,
            "in_flight": round(self.in_flight, 3),
            "offered": self.offered,
            "sent": self.sent,
            "answered": self.answered,
            "failed": self.failed,
            "by_outcome": {name: _told(self.outcomes[name]) for name in sorted(self.outcomes)},
            "cpu": round(max(self.cpu, default=0.0), 3),
            "hub_lag_ms": Latencies(self.lag).ms()["p50"],
            "late_ms": Latencies(self.late).ms()["max"],
            "held_s": round(self.held, 3),
            "again": self.again,
        }


class Book:
    """The seconds of all workers put together: totals, histograms, and one row for each second."""

    def __init__(self, workers: Iterable[str], timeline: Timeline) -> None:
        self.shares = {worker: Share() for worker in workers}
        self._timeline = timeline
        self.by_outcome: Counter[str] = Counter()
        self.rows: list[Json] = []
        self.latencies: dict[str, Latencies] = defaultdict(Latencies)
        self.stages: dict[int, dict[str, Latencies]] = defaultdict(lambda: defaultdict(Latencies))
        self.late, self.lag = Latencies(), Latencies()
        self.violations = 0
        self.again = 0  # requests that were put on the wire once more
        self.last_bad: float | None = None  # when the last request ended that was not accepted
        self.tenths: dict[int, Pairs] = defaultdict(list)  # latencies of the accepted by the tenth of a second, if told
        self.asked_s = 0  # seconds that are told of and in which the profile asks for requests
        self._open: dict[int, _Open] = defaultdict(_Open)

    # --- what comes in

    def take(self, worker: str, rows: Iterable[Json]) -> None:
        """Add the seconds that a worker tells of; one that was given up is not heard any more."""
        share = self.shares[worker]
        if share.state != "running":
            return
        for row in rows:
            second = self._open[row["t"]]
            ended = {name: sum(pairs[1::2]) for name, pairs in row["outcomes"].items()}
            answered = sum(ended.values()) - row["failed"]
            share.offered += row["offered"]
            share.sent += row["sent"]
            share.failed += row["failed"]
            share.answered += answered
            share.told = row["t"] + row["whole"]
            second.offered += row["offered"]
            second.sent += row["sent"]
            second.failed += row["failed"]
            second.answered += answered
            second.in_flight += row["area"]
            second.cpu.append(row["cpu"])
            second.held += row["held"]
            second.again += row["again"]
            self.again += row["again"]
            if row["bad"] is not None:
                self.last_bad = max(self.last_bad or 0.0, row["bad"])
            for tenth, pairs in row["tenths"]:
                self.tenths[tenth] += pairs
            second.late += row["late"]
            second.lag += row["lag"]
            for name, pairs in row["outcomes"].items():
                second.outcomes[name] += pairs
                self.by_outcome[name] += ended[name]
        self._close_told()

    def lose(self, worker: str) -> None:
        """A worker is gone: nothing more comes from it."""
        self.shares[worker].state = "lost"
        self._close_told()

    def finish(self, worker: str) -> None:
        """A worker has told everything."""
        self.shares[worker].state = "finished"
        self._close_told()

    def close(self) -> None:
        """Make rows of all that came, told of by everybody or not."""
        for number in sorted(self._open):
            self._close(number)

    def _close_told(self) -> None:
        running = [share.told for share in self.shares.values() if share.state == "running"]
        first = min(running, default=None)
        for number in sorted(self._open):
            if first is not None and number >= first:
                break
            self._close(number)

    def _close(self, number: int) -> None:
        second = self._open.pop(number)
        self.asked_s += self._timeline.level(number) > 0
        for name, pairs in second.outcomes.items():
            self.latencies[name].add(pairs)
            if (stage := self._timeline.settled(number)) is not None:
                self.stages[stage][name].add(pairs)
        self.lag.add(second.lag)
        self.late.add(second.late)
        self.rows.append(second.row(number))

    # --- what it tells

    @property
    def series(self) -> list[Json]:
        """Every second that was told of, those included of which more may come: they add up to the totals."""
        return [*self.rows, *(self._open[number].row(number) for number in sorted(self._open))]

    @property
    def sent(self) -> int:
        return sum(share.sent for share in self.shares.values())

    @property
    def answered(self) -> int:
        return sum(share.answered for share in self.shares.values())

    @property
    def failed(self) -> int:
        return sum(share.failed for share in self.shares.values())

    @property
    def ended(self) -> int:
        return self.answered + self.failed

    @property
    def in_flight(self) -> int:
        """Requests that began and of whose end nobody told."""
        return self.sent - self.ended

    @property
    def unanswered(self) -> int:
        """Requests that had no reply when the workers had waited for them; a lost worker tells nothing of its own."""
        return sum(share.in_flight for share in self._finished)

    @property
    def unsent(self) -> int:
        """Arrivals that were due and never sent, because as many requests as are allowed were still in flight."""
        return sum(max(0, share.offered - share.sent) for share in self._finished)

    @property
    def _finished(self) -> list[Share]:
        return [share for share in self.shares.values() if share.state == "finished"]

    @property
    def rate(self) -> float:
        """Accepted requests per second, over the seconds for which the profile asks for requests, sent or not."""
        return self.by_outcome[OK] / self.asked_s if self.asked_s else 0.0

    def percentile(self, name: str) -> float | None:
        """A percentile of the accepted requests, in milliseconds."""
        return self.latencies[OK].ms()[name] if OK in self.latencies else None


def _told(pairs: Pairs) -> Json:
    """How many there are of an outcome, and how long they took in milliseconds."""
    latencies = Latencies(pairs)
    told = latencies.ms()
    return {"count": latencies.count, **{name: told[name] for name in ("p50", "p95", "p99", "max")}}
