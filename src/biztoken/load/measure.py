"""Exact statistics: every request counted when it begins and when it ends, every latency in a histogram.

A generator keeps one `Meter` and hands out finished seconds as plain values, which `book` puts together. Times are
seconds from the start of the load, latencies whole microseconds.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from hdrh.histogram import HdrHistogram

from biztoken.load.conditions import OK
from biztoken.model import Json

LONGEST = 3_600_000_000  # microseconds that a histogram can hold
TENTHS = 10  # of a second
DIGITS = 3  # significant digits of a histogram: 0.1 %
_PERCENTILES = (50, 90, 95, 99)
Pairs = list[int]  # value, count, value, count, …


def coarse(us: int) -> int:
    """A latency with four digits, which is finer than a histogram tells apart, so that few values are sent around."""
    if us < 10_000:
        return us
    step = 10
    while us >= step * 10_000:
        step *= 10
    return us // step * step + step // 2


class Latencies:
    """A histogram of microseconds. Adding is exact: in whatever order or portions, the outcome is the same."""

    def __init__(self, pairs: Pairs | None = None) -> None:
        self._counts = HdrHistogram(1, LONGEST, DIGITS)
        self._longest = 0
        self.sum_us = 0
        self._empty = True
        self.add(pairs or [])

    def add(self, pairs: Pairs) -> None:
        for value, count in zip(pairs[::2], pairs[1::2], strict=True):
            self._counts.record_value(min(max(value, 1), LONGEST), count)
            self._longest = max(self._longest, value)
            self.sum_us += value * count
        self._empty = self._empty and not pairs

    @property
    def count(self) -> int:
        return int(self._counts.total_count)

    def ms(self) -> dict[str, float | None]:
        """p50, p90, p95, p99 and max in milliseconds; None where nothing was added."""
        if self._empty:
            return dict.fromkeys([*(f"p{number}" for number in _PERCENTILES), "max"])
        told = self._counts.get_percentile_to_value_dict(_PERCENTILES)
        # A histogram tells the upper end of what it cannot tell apart, which may be above the longest.
        shares = {f"p{number}": min(told[number], self._longest) / 1000 for number in _PERCENTILES}
        return {**shares, "max": self._longest / 1000}


def mean_ms(several: Collection[Latencies]) -> float | None:
    """The mean of them all in milliseconds; None where nothing was added to any."""
    count = sum(one.count for one in several)
    return round(sum(one.sum_us for one in several) / count / 1000, 3) if count else None


@dataclass(slots=True)
class Second:
    """What happened in one second of one worker. `area`: the sum of requests in flight over time, in seconds."""

    offered: int = 0
    sent: int = 0
    failed: int = 0
    area: float = 0.0
    outcomes: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    late: Counter[int] = field(default_factory=Counter)
    lag: Counter[int] = field(default_factory=Counter)
    cpu: float = 0.0
    held: float = 0.0  # seconds that requests waited for the target's max_rate, all of them together
    again: int = 0  # requests that were put on the wire once more
    bad: float | None = None  # when the last request ended that was not accepted
    tenths: dict[int, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))  # the accepted, by their end

    def as_json(self, number: int) -> Json:
        return {
            "t": number,
            "offered": self.offered,
            "sent": self.sent,
            "failed": self.failed,
            "area": round(self.area, 6),
            "outcomes": {name: flat(counter) for name, counter in self.outcomes.items()},
            "late": flat(self.late),
            "lag": flat(self.lag),
            "cpu": round(self.cpu, 4),
            "held": round(self.held, 4),
            "again": self.again,
            "bad": None if self.bad is None else round(self.bad, 4),
            "tenths": [[tenth, flat(counter)] for tenth, counter in self.tenths.items()],
        }


def flat(counter: Mapping[int, int]) -> Pairs:
    """Values and counts in turn."""
    return [number for pair in counter.items() for number in pair]


class Meter:
    """Counts for one generator; what it has handed out it forgets.

    Each request is in two seconds: sent where it began, and with its outcome where it ended. `by_tenths`: the accepted
    are told by tenths of a second, too.
    """

    def __init__(self, *, by_tenths: bool = False) -> None:
        self._by_tenths = by_tenths
        self.in_flight = 0
        self._seconds: dict[int, Second] = {}
        self._told = 0  # the first second of which more may come
        self._since, self._edge = 0.0, 1.0  # when that last changed, and the end of the second of that moment
        self._current = self._second(0.0)

    def _second(self, moment: float) -> Second:
        number = int(moment)
        second = self._seconds.get(number)
        if second is None:
            second = self._seconds[number] = Second()
        return second

    def _flow(self, moment: float) -> Second:
        """Book the time since the last change, split at whole seconds; returns the second of that moment."""
        while self._edge <= moment:
            self._current.area += self.in_flight * (self._edge - self._since)
            self._since = self._edge
            self._edge += 1.0
            self._current = self._second(self._since)
        self._current.area += self.in_flight * (moment - self._since)
        self._since = moment
        return self._current

    def due(self, moment: float) -> None:
        """An arrival was due at that moment, whether or not it could be sent."""
        self._second(max(moment, float(self._told))).offered += 1

    def begin(self, moment: float, late_us: int | None = None) -> None:
        """A request begins. `late_us`: how much later than it was due; a user's, without it, is due as it begins."""
        second = self._flow(moment)
        second.sent += 1
        self.in_flight += 1
        if late_us is None:
            second.offered += 1
        else:
            second.late[coarse(late_us)] += 1

    def end(self, moment: float) -> None:
        """A request ends; `count` tells what came of it."""
        self._flow(moment)
        self.in_flight -= 1

    def count(self, moment: float, outcome: str, us: int, *, answered: bool) -> None:
        """A request had ended at that moment, after so many microseconds: with a reply, or without one."""
        second = self._second(moment)
        if not answered:
            second.failed += 1
        if outcome != OK:
            second.bad = moment
        second.outcomes[outcome][coarse(us)] += 1
        if self._by_tenths and outcome == OK:
            second.tenths[int(moment * TENTHS)][coarse(us)] += 1

    def hold(self, moment: float, seconds: float) -> None:
        """A request waited so long for the target's `max_rate` until this moment."""
        self._second(max(moment, float(self._told))).held += seconds

    def resend(self, moment: float) -> None:
        """A request was put on the wire once more."""
        self._second(moment).again += 1

    def pulse(self, moment: float, lag_us: int) -> None:
        """How late the generator's own loop was."""
        self._second(moment).lag[coarse(lag_us)] += 1

    def load(self, moment: float, cpu: float) -> None:
        """How much of a core the generator used in the second of that moment."""
        self._second(max(moment, float(self._told))).cpu = cpu

    def take(self, moment: float, *, all_of_them: bool = False) -> list[Json]:
        """What came since this was last asked: each second that is over, and what there is of the one under way.

        So all that a report tells ended before the same moment, if what ended before was counted. `whole`: nothing
        more comes of that second.
        """
        self._flow(moment)
        now = int(moment)
        rows = [
            self._seconds.pop(number, Second()).as_json(number) | {"whole": number < now or all_of_them}
            for number in range(self._told, now + 1)
        ]
        self._told = now + all_of_them
        self._current = self._second(moment)
        return rows
