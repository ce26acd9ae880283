"""What a mock remembers from one request to the next: calls, slots and single-use signs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

# 20-byte digests: about 15 MB when full. A single-use sign older than this many others could be used again.
REMEMBERED_SIGNS = 131_072


class State:
    """Counts per api_key. Used from one event loop only, so it needs no lock.

    `told`: the last value of each field of a reply; `failed_before`: whether the last reply told of an error. Both
    are kept for faults only.
    """

    __slots__ = ("_purses", "_remembered", "_signs", "calls", "failed_before", "in_flight", "taken", "told")

    def __init__(self, remembered: int = REMEMBERED_SIGNS) -> None:
        self.calls: Counter[str] = Counter()
        self.taken: Counter[str] = Counter()
        self.in_flight = 0
        self.told: dict[str, Any] = {}
        self.failed_before = False
        self._signs: dict[bytes, None] = {}
        self._purses: dict[str, tuple[float, float]] = {}
        self._remembered = remembered

    def is_first_use(self, digest: bytes) -> bool:
        """Whether this sign was not seen before; it is from now on."""
        if digest in self._signs:
            return False
        if len(self._signs) >= self._remembered:
            del self._signs[next(iter(self._signs))]
        self._signs[digest] = None
        return True

    def remember(self, payload: Mapping[str, Any], *, failed: bool) -> None:
        """Keep what a reply told."""
        self.told |= payload
        self.failed_before = failed

    def take(self, api_key: str, limit: int | None) -> bool:
        """Take a slot of the key, unless as many as the limit are taken."""
        if limit is not None and self.taken[api_key] >= limit:
            return False
        self.taken[api_key] += 1
        self.in_flight += 1
        return True

    def spend(self, api_key: str, per_second: int, now: float) -> bool:
        """Take one of the calls that the key has per second: they come back evenly, up to that number."""
        left, then = self._purses.get(api_key, (float(per_second), now))
        left = min(float(per_second), left + (now - then) * per_second)
        self._purses[api_key] = (left - 1 if left >= 1 else left, now)
        return left >= 1

    def give_back(self, api_key: str) -> None:
        """Give a slot back."""
        self.taken[api_key] -= 1
        self.in_flight -= 1
