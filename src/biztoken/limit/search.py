"""The search for the limit: from bursts seen to the next burst. Pure; `firing` does what it asks for.

Doubling until a burst is refused in part; the limit is then the number of those that were admitted. It stands if it
passes three times: L at once are all admitted, and as soon as they have ended L+1, of which one is refused. That they
follow at once tells a limit in flight from a quota, and from slots that come back late.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import Enum
from statistics import median

from biztoken.limit import reasons, release
from biztoken.limit.observed import Ask, Burst, CannotTellError, Conclusion, Steps
from biztoken.verdicts import Text

ROUNDS = 3  # confirmations
TRIES = 3  # of a burst that was disturbed
REVISIONS = 3  # estimates that are tried in all
SETTLE = 1.2  # seconds after which a quota per second has come back
ACCIDENTS = 2  # bursts of which more than L may have been admitted: some had ended before the last was taken up
ODD = 0.2  # share of bursts that may not fit L
PAUSE = 0.1  # seconds after a disturbance
TOLERATED = 0.02  # seconds in which a slot may come back; an in-flight limit needs no more behind any gateway
SHORT_GAPS = (0.002, 0.005, 0.01)  # seconds, for telling the recovery of such a one


class Doubt(Enum):
    """How a confirmation failed."""

    FEWER = "L at once were not all admitted"
    MORE = "L+1 at once were all admitted"
    SHORT = "fewer than L were admitted as soon as L had ended"


class Search:
    """One search. `most`: the greatest burst; `per_second`: requests that may be sent in a second, None without end.

    `contracted`: the limit that should be there; it is verified with 6L+3 requests where it is. `bound`: what keeps
    a burst from being greater than `most`.
    """

    def __init__(
        self,
        most: int,
        contracted: int | None = None,
        per_second: float | None = None,
        bound: Text = reasons.BY_MAX,
    ) -> None:
        self.most, self.bound = most, bound
        self.contracted = contracted
        self.per_second = per_second
        self._seen: list[Burst] = [Burst(1, 1, 0)]  # one alone was admitted before
        self._gaps: list[float] = []  # of the confirmations that passed
        self._retries = 0  # of those that did not
        self._whole = False  # whether the second of two bursts is kept back whole

    @property
    def admitted(self) -> int:
        """The greatest number seen to be admitted at once."""
        return max(burst.ok for burst in self._seen)

    def run(self) -> Steps[Conclusion]:
        """Every Ask until the Conclusion."""
        try:
            return (yield from self._run())
        except CannotTellError as problem:
            return problem.conclusion

    def _run(self) -> Steps[Conclusion]:
        estimate, is_settled = self.contracted, False
        if estimate is None:
            estimate, is_settled = (yield from self._discover(2)), True
        for _ in range(REVISIONS):
            if estimate is None:
                return Conclusion("none-up-to", reason=reasons.none_up_to(self.most, self.bound))
            doubt = yield from self._confirm(estimate)
            if doubt is None and (is_settled or not self._retries):
                return self._told(estimate, median(self._gaps))
            # Bursts before it may have left a quota spent or slots taken: this one finds all of them free.
            again = yield from self._discover(min(self.most, 2 * estimate), idle=SETTLE)
            if again == estimate:
                return (yield from self._settled(estimate, doubt))
            estimate, is_settled = again, True
        raise CannotTellError("unsteady", reasons.fewer(estimate or self.admitted))

    def _settled(self, limit: int, doubt: Doubt | None) -> Steps[Conclusion]:
        """L are admitted of more after a rest, whatever the confirmation says."""
        if doubt is None:
            return self._told(limit, median(self._gaps))
        if doubt is Doubt.SHORT:
            return (yield from self._late(limit))
        raise CannotTellError("unsteady", (reasons.more if doubt is Doubt.MORE else reasons.fewer)(limit))

    def _discover(self, first: int, idle: float = 0.0) -> Steps[int | None]:
        """How many of an over-limit burst were admitted after a rest; None where even the greatest burst was none."""
        count = first
        while True:
            count = min(count, self.most)
            (burst,) = yield from self.fired(Ask(("search",), (count,), idle=idle))
            if burst.refused and not idle:
                idle = SETTLE  # once more: a quota that was spent before refuses just so
            elif burst.refused and not burst.ok:
                raise CannotTellError("unsteady", reasons.none_of(count))
            elif burst.refused:
                return burst.ok
            elif count == self.most:
                return None
            else:
                count *= 2

    def _confirm(self, limit: int, gap: float = 0.0) -> Steps[Doubt | None]:
        """The three rounds; None where each passed, perhaps not at its first try."""
        if self.per_second is not None and 2 * limit + 1 > self.per_second:
            raise CannotTellError("ceiling", reasons.ceiling(limit, self.per_second))
        shorts = self._retries = 0
        self._gaps.clear()
        for _ in range(ROUNDS):
            for attempt in range(TRIES):
                idle = SETTLE if attempt else 0.0
                ask = Ask(("confirm-L", "confirm-L+1"), (limit, limit + 1), gap, idle)
                first, second = yield from self.fired(ask)
                doubt = doubt_of(first, second, limit)
                if doubt is None:
                    self._gaps.append(second.gap)
                    break
                self._retries += 1
                if not second.ok and not self._whole:
                    self._whole = (
                        True  # a target that counts a request by its head refuses just so what waits for release
                    )
                    continue
                shorts += doubt is Doubt.SHORT
                # Twice is no accident, even where it went well in between: a quota whose second has just begun admits.
                if shorts > 1:
                    return Doubt.SHORT
                if self._retries > ROUNDS:
                    return doubt
            else:
                return doubt
        return None

    def _late(self, limit: int) -> Steps[Conclusion]:
        """L are admitted after a rest, and not at once: a slot that takes its few milliseconds, or none at all."""
        self._seen = self._seen[:1]  # what followed too soon speaks of the slots, not of their number
        doubt = yield from self._confirm(limit, TOLERATED)
        if doubt is not None:
            return (yield from release.tell(limit, self.fired, SETTLE))
        told = self._told(limit, TOLERATED)
        for gap in SHORT_GAPS:
            ask = Ask(("back-to-back", "back-to-back"), (limit, limit), gap, SETTLE)
            _, second = yield from self.fired(ask)
            if second.ok == limit:
                return replace(told, release=second.gap)
        return told

    def _told(self, limit: int, gap: float) -> Conclusion:
        """The limit, unless too much of what was seen speaks against it."""
        if not is_borne_out(limit, self._seen):
            raise CannotTellError("unsteady", reasons.more(limit))
        return Conclusion("in-flight", limit, ROUNDS, ROUNDS, gap)

    def fired(self, ask: Ask) -> Steps[tuple[Burst, ...]]:
        """Bursts that say something: fired again, up to three times, where they were disturbed."""
        for _ in range(TRIES):
            bursts = yield replace(ask, whole=self._whole)
            troubles = [burst.trouble for burst in bursts if burst.trouble]
            if not troubles:
                self._seen += bursts
                return bursts
            ask = replace(ask, idle=max(ask.idle, PAUSE))
        raise CannotTellError(troubles[0].kind, troubles[0].reason)


def doubt_of(first: Burst, second: Burst, limit: int) -> Doubt | None:
    """What speaks against L in a burst of L and one of L+1 after it; None where nothing does."""
    if first.refused:
        return Doubt.FEWER
    if not second.refused:
        return Doubt.MORE
    return None if second.ok == limit else Doubt.SHORT


def is_borne_out(limit: int, bursts: Sequence[Burst]) -> bool:
    """Whether what was seen in all speaks for L: few bursts that do not fit, and fewer of which more were admitted."""
    odd = sum(burst.ok != min(burst.n, limit) for burst in bursts)
    return odd <= ODD * len(bursts) and sum(burst.ok > limit for burst in bursts) <= ACCIDENTS


def false_refusals(bursts: Sequence[Burst], limit: int) -> tuple[int, int]:
    """Refusals in bursts that say something and are within the limit, and the requests of those bursts."""
    within = [burst for burst in bursts if burst.n <= limit and burst.trouble is None]
    return sum(burst.refused for burst in within), sum(burst.n for burst in within)
