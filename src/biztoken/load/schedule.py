"""When what is sent: stages over time, arrivals from a seed, and each worker's share of both. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import accumulate, islice
from random import Random

from biztoken.load.profile import Stage


def share(total: int, index: int, count: int) -> int:
    """What one of `count` workers does of a total; the shares of all add up to it."""
    return total // count + (index < total % count)


class Timeline:
    """The stages of a profile laid end to end, in seconds from its start."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        self.stages = tuple(stages)
        self._ends = tuple(accumulate(stage.seconds for stage in stages))

    @property
    def seconds(self) -> int:
        return self._ends[-1]

    def place(self, moment: float) -> int | None:
        """The number of the stage at a moment, counted from 0; None after the last."""
        return next((number for number, end in enumerate(self._ends) if moment < end), None)

    def level(self, moment: float) -> float:
        """What the profile asks for at a moment: requests in flight, or arrivals per second; 0 after the last stage."""
        number = self.place(moment)
        return 0.0 if number is None else self.stages[number].level

    def settled(self, second: int) -> int | None:
        """The number of the stage that a second tells of; None for the first second of a stage that lasts longer.

        In that one replies still end that began in the stage before.
        """
        number = self.place(second)
        if number is None:
            return None
        start = self._ends[number] - self.stages[number].seconds
        return number if second > start or self.stages[number].seconds == 1 else None

    def in_flight(self, moment: float, index: int = 0, count: int = 1) -> int:
        """How many requests one of `count` workers has in flight at a moment; 0 after the last stage."""
        number = self.place(moment)
        return 0 if number is None else share(int(self.stages[number].level), index, count)

    def next_change(self, moment: float) -> float:
        """When the stage at a moment ends."""
        return next((float(end) for end in self._ends if moment < end), float(self.seconds))


def arrivals(stages: Sequence[Stage], kind: str, seed: int) -> Iterator[float]:
    """Every moment at which a request is due, in seconds from the start: the same for the same seed.

    `fixed`: evenly spaced; `poisson`: at random, as independent customers come.
    """
    rng, start = Random(f"arrivals/{seed}"), 0.0
    for stage in stages:
        yield from _within(stage, kind, rng, start)
        start += stage.seconds


def _within(stage: Stage, kind: str, rng: Random, start: float) -> Iterator[float]:
    if not stage.level:
        return
    if kind == "fixed":
        # Multiplied, never added up: a million additions of 1/3 drift.
        yield from (start + number / stage.level for number in range(round(stage.level * stage.seconds)))
        return
    moment = rng.expovariate(stage.level)
    while moment < stage.seconds:
        yield start + moment
        moment += rng.expovariate(stage.level)


def own_arrivals(stages: Sequence[Stage], kind: str, seed: int, index: int, count: int) -> Iterator[float]:
    """What one of `count` workers sends of it. All together send exactly the whole, however many they are."""
    return islice(arrivals(stages, kind, seed), index, None, count)


class Gate:
    """Lets through at most so many requests in any second (or longer, for a rate below one), and so many in all.

    Limits are None where there is no end. The clock is an argument.
    """

    def __init__(self, rate: float | None, requests: int | None) -> None:
        self.left = requests
        self._window = max(1.0, 1 / rate) if rate else 1.0
        self._most = int(rate * self._window + 1e-9) if rate else 0
        self._passed: deque[float] = deque(maxlen=self._most or 1)

    def wait(self, now: float) -> float:
        """How long to wait before the next request may go; 0 takes it."""
        if self._most and len(self._passed) == self._most:
            pause = self._passed[0] + self._window - now
            if pause > 0:
                return pause
        if self._most:
            self._passed.append(now)
        return 0.0

    def take(self) -> bool:
        """Spend one request of those that are left in all."""
        if self.left is None:
            return True
        if self.left <= 0:
            return False
        self.left -= 1
        return True
