"""Whether a client waits before it sends again: the pauses between an answer and the next request. Pure.

One pause proves little, since a client that draws its wait at random may draw a short one. So pauses are judged
together: those of a client that waits longer and longer grow, whatever chance does to single ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from biztoken.drill.seen import Sent

AT_ONCE = 0.03  # seconds: nothing but the time that a program takes to send again
SHORT = 0.15  # seconds: the longest of several waits must reach this, unless they grow
GROWTH = 1.4  # the least factor between two waits that grow
STEADY, LONG = 1.3, 5.0  # waits that differ less than by this factor are equal; from so many seconds on they may be


def pauses(sent: Sequence[Sent]) -> tuple[float, ...]:
    """Seconds from the end of each answer to the next request, 0 where the request came first."""
    ordered = sorted(sent, key=lambda request: request.at)
    return tuple(max(0.0, after.at - (before.ended or before.at)) for before, after in pairwise(ordered))


def is_hasty(waits: Sequence[float]) -> bool:
    """Whether a client with these pauses does not back off: it sends again at once, or at short and equal intervals."""
    if len(waits) < 2:
        return any(wait < AT_ONCE for wait in waits)
    longest, shortest = max(waits), min(waits)
    if longest >= 2 * AT_ONCE and all(after >= GROWTH * before for before, after in pairwise(waits)):
        return False
    is_steady = len(waits) > 2 and longest < STEADY * shortest
    return longest < SHORT or (is_steady and longest < LONG)
