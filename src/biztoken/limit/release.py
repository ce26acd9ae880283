"""What it is that refuses, where L are admitted after a rest and not as soon as L have ended. Pure.

The gap between two bursts of L is halved down to where all of the second are admitted. A quota counts requests from
when they came, so that they come back a second after; a slot that is freed late counts from the reply. The two are the
same to a caller only where a slot is kept just so long that both times add up to a second: that is told as a quota.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from biztoken.limit import reasons
from biztoken.limit.observed import Ask, Burst, CannotTellError, Conclusion, Steps

GAPS = (0.3, 1.2, 3.0)  # seconds; the next only where all are not yet admitted after the one before
FINEST = 0.01  # seconds to which the gap is told, or a tenth of it
CHEAP = 100  # a greater limit is not swept finely: each gap costs 2L requests
SECOND = (0.8, 1.3)  # seconds from the first request of a burst until all come back, for a quota per second
OTHER_MOMENTS = (0.23, 0.47, 0.81)  # seconds more of rest, so that pairs begin at other moments of a second
TRIES = 3

Fire = Callable[[Ask], Steps[tuple[Burst, ...]]]


@dataclass(slots=True)
class Sweep:
    """Pairs of bursts of L with a gap between them, and how many of the second were admitted at each gap."""

    limit: int
    fire: Fire
    idle: float
    seen: dict[float, int] = field(default_factory=dict)
    lasted: float = 0.0

    def is_full(self, gap: float) -> Steps[bool]:
        """Whether all of the second burst are admitted at that gap. CannotTellError where not even the first is."""
        for time in range(1, TRIES + 1):
            purposes = ("back-to-back", "back-to-back")
            first, second = yield from self.fire(Ask(purposes, (self.limit, self.limit), gap, self.idle))
            # A sender that was held up fired the second burst at another gap than it was told to: that says nothing.
            held_up = abs(second.gap - gap) > max(FINEST / 4, gap / 20)
            if not first.refused and not (held_up and time < TRIES):
                self.seen[gap] = second.ok
                self.lasted = max(self.lasted, first.lasted)
                return second.ok == self.limit
            if first.refused:
                self.idle = GAPS[-1]
        raise CannotTellError("quota", reasons.never_back(self.limit, GAPS[-1]))


def tell(limit: int, fire: Fire, idle: float) -> Steps[Conclusion]:
    """The sweep and what it says: a quota, slots that come back late, or a limit on connections.

    Where what it found does not hold, all is done once more before it is called a quota: a single disturbance, of a
    processor that was busy elsewhere, would do that, too. It must then hold twice.
    """
    for times in (1, 2):
        sweep = Sweep(limit, fire, idle)
        bounds = yield from narrow(sweep)
        if bounds is None:
            return Conclusion("per-connection", reason=reasons.per_connection(limit))
        least, most = bounds
        steady = True
        for _ in range(times):
            steady = steady and (yield from is_steady(sweep, least, most))
        if steady:
            break
    return conclude(sweep, (least + most) / 2, is_steady=steady)


def narrow(sweep: Sweep) -> Steps[tuple[float, float] | None]:
    """A gap at which not all are admitted and a little greater one at which they are; None where there is none."""
    least = 0.0
    for gap in GAPS:
        if (yield from sweep.is_full(gap)):
            break
        least = gap
    else:
        return None
    most = gap
    while sweep.limit <= CHEAP and most - least > max(FINEST, most / 10):
        middle = (least + most) / 2
        if (yield from sweep.is_full(middle)):
            most = middle
        else:
            least = middle
    return least, most


def is_steady(sweep: Sweep, least: float, most: float) -> Steps[bool]:
    """Whether it depends on the gap alone: a quota that begins anew with each second of the clock does not."""
    rest = sweep.idle
    for more in OTHER_MOMENTS:
        sweep.idle = rest + more
        if not (yield from sweep.is_full(most * 1.1 + FINEST)):
            return False
        if least * 0.9 > FINEST and (yield from sweep.is_full(least * 0.9 - FINEST)):
            return False
    return True


def conclude(sweep: Sweep, gap: float, *, is_steady: bool) -> Conclusion:
    """A quota where all come back within about a second of the first request, or at no gap for certain."""
    limit = sweep.limit
    whole = gap + sweep.lasted
    if SECOND[0] <= whole <= SECOND[1] or not is_steady:
        return Conclusion("quota", release=gap, reason=reasons.quota(limit, whole, is_steady=is_steady))
    return Conclusion("late-release", limit, release=gap, reason=reasons.late(limit, gap))
