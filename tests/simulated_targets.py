"""Targets that a search of the limit may meet, played without a network and on a clock of their own."""

from __future__ import annotations

from collections.abc import Callable, Generator
from random import Random
from typing import Any

from biztoken.limit.observed import Ask, Burst, Conclusion, Trouble
from biztoken.verdicts import Text

SERVICE = 0.05  # seconds that every request takes
LOAD = 0.03  # seconds between an Ask and its first burst

Steps = Generator[Ask, tuple[Burst, ...], Conclusion]


class Simulated:
    """Plays bursts: `admit(count, now, rack)` says how many of a burst are admitted at that moment."""

    def __init__(self, admit: Callable[[int, float, int], int]) -> None:
        self.admit = admit
        self.now = 100.0
        self.asks: list[Ask] = []
        self.bursts: list[Burst] = []

    def fire(self, ask: Ask) -> tuple[Burst, ...]:
        """The bursts of an Ask."""
        self.asks.append(ask)
        self.now += ask.idle + LOAD
        made = []
        for rack, count in enumerate(ask.counts):
            self.now += ask.gap if rack else 0.0
            ok = self.admit(count, self.now, rack)
            self.now += SERVICE
            made.append(Burst(count, ok, count - ok, lasted=SERVICE, gap=ask.gap if rack else 0.0))
        self.bursts += made
        return tuple(made)

    def play(self, steps: Steps) -> Conclusion:
        """The conclusion of a search against this target."""
        ask = next(steps)
        while True:
            assert len(self.asks) < 400, "the search has no end"
            try:
                ask = steps.send(self.fire(ask))
            except StopIteration as end:
                return end.value

    @property
    def requests(self) -> int:
        """How many were sent in all."""
        return sum(ask.requests for ask in self.asks)


def in_flight(limit: int) -> Simulated:
    """A limiter that does what its name says."""
    return Simulated(lambda count, _now, _rack: min(count, limit))


def late(limit: int, seconds: float) -> Simulated:
    """Slots that come back so long after their reply."""
    taken: list[float] = []

    def admit(count: int, now: float, _rack: int) -> int:
        taken[:] = [free for free in taken if free > now]
        ok = min(count, limit - len(taken))
        taken.extend([now + SERVICE + seconds] * ok)
        return ok

    return Simulated(admit)


def bucket(per_second: int) -> Simulated:
    """A quota whose requests come back evenly."""
    state = {"left": float(per_second), "then": 0.0}

    def admit(count: int, now: float, _rack: int) -> int:
        left = min(per_second, state["left"] + (now - state["then"]) * per_second)
        ok = min(count, int(left))
        state.update(left=left - ok, then=now)
        return ok

    return Simulated(admit)


def window(per_second: int) -> Simulated:
    """A quota that begins anew with each second of the clock."""
    state = {"second": 0, "spent": 0}

    def admit(count: int, now: float, _rack: int) -> int:
        if int(now) != state["second"]:
            state.update(second=int(now), spent=0)
        ok = min(count, per_second - state["spent"])
        state["spent"] += ok
        return ok

    return Simulated(admit)


def sliding(requests: int, seconds: float) -> Simulated:
    """A quota over the time just past."""
    sent: list[float] = []

    def admit(count: int, now: float, _rack: int) -> int:
        sent[:] = [then for then in sent if then > now - seconds]
        ok = min(count, requests - len(sent))
        sent.extend([now] * ok)
        return ok

    return Simulated(admit)


def connections(limit: int) -> Simulated:
    """A limiter that counts connections, idle ones too: those of the first rack come first."""
    most = {"seen": 0}

    def admit(count: int, _now: float, rack: int) -> int:
        if rack == 0:
            most["seen"] = max(most["seen"], count)
            return min(count, limit)
        return max(0, min(count, limit - most["seen"]))

    return Simulated(admit)


def noisy(limit: int, seed: int, share: float) -> Simulated:
    """A limiter on a busy machine: of that share of bursts one or two too many are admitted, or too few."""
    rng = Random(seed)

    def admit(count: int, _now: float, _rack: int) -> int:
        ok = min(count, limit)
        if rng.random() < share:
            ok += rng.choice([-2, -1, 1, 2])
        return max(0, min(count, ok))

    return Simulated(admit)


def slow_to_take_up(limit: int, per_request: float) -> Simulated:
    """A limiter behind a queue: when a request is taken up others of its burst may have ended."""

    def admit(count: int, _now: float, _rack: int) -> int:
        ends: list[float] = []
        ok = 0
        for number in range(count):
            moment = number * per_request
            ends = [end for end in ends if end > moment]
            if len(ends) < limit:
                ends.append(moment + SERVICE)
                ok += 1
        return ok

    return Simulated(admit)


class Troubled(Simulated):
    """A target of which the bursts of some numbers say nothing, so many times."""

    def __init__(self, inner: Simulated, kind: str, is_troubled: Callable[[int, int], bool]) -> None:
        super().__init__(inner.admit)
        self._kind, self._is_troubled = kind, is_troubled
        self._fired: dict[int, int] = {}

    def fire(self, ask: Ask) -> tuple[Burst, ...]:
        """As of any other, but for the trouble."""
        made: list[Any] = []
        for burst in super().fire(ask):
            times = self._fired[burst.n] = self._fired.get(burst.n, 0) + 1
            trouble = Trouble(self._kind, Text(self._kind, self._kind)) if self._is_troubled(burst.n, times) else None
            made.append(Burst(burst.n, burst.ok, burst.refused, lasted=burst.lasted, gap=burst.gap, trouble=trouble))
        return tuple(made)


class ByHead(Simulated):
    """A limiter that counts a request from its head: what waits for its release has been refused by then."""

    def __init__(self, limit: int) -> None:
        super().__init__(lambda count, _now, _rack: min(count, limit))
        self._limit = limit

    def fire(self, ask: Ask) -> tuple[Burst, ...]:
        """As of any other, unless the second burst is there before the first has ended."""
        bursts = super().fire(ask)
        if len(bursts) == 1 or ask.whole:
            return bursts
        left = max(0, self._limit - bursts[0].n)
        ok = min(bursts[1].n, left)
        return (bursts[0], Burst(bursts[1].n, ok, bursts[1].n - ok, lasted=SERVICE))
