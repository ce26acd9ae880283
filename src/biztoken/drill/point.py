"""One look at a clause in a drill, told in both languages; and all that one drill showed."""

from __future__ import annotations

from dataclasses import dataclass

from biztoken.model import Check, Finding
from biztoken.verdicts import Text


@dataclass(frozen=True, slots=True)
class Point:
    """A clause that was kept, or `received` in place of `expected`. `aspect`: short and stable, as in a Finding."""

    clause: str
    aspect: str = ""
    expected: Text | None = None
    received: Text | None = None

    @property
    def is_kept(self) -> bool:
        return self.received is None

    @property
    def check(self) -> Check:
        """The same for the tally, in English."""
        if self.expected is None or self.received is None:
            return Check(self.clause)
        return Check(self.clause, Finding(self.clause, self.aspect, self.expected.en, self.received.en))


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one drill showed. `notes`: (clause, what was seen where nothing is asked for).

    `why_not`: why the clause of the drill could not be looked at, where it was not. `is_beside`: because nothing in the
    client's way of doing it calls for it.
    """

    points: tuple[Point, ...]
    notes: tuple[tuple[str, Text], ...] = ()
    why_not: Text | None = None
    is_beside: bool = False
