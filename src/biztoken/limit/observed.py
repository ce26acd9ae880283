"""What a search asks for, and what it gets to see. Values only."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from biztoken.verdicts import Text

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ask:
    """Bursts to fire: one of `counts[0]` requests, or a second one when the first has ended and `gap` seconds passed.

    `idle`: seconds without any request before the first. `whole`: nothing of the second is sent before it is released;
    else all but the last byte of each is there before. `purposes`: what each is for.
    """

    purposes: tuple[str, ...]
    counts: tuple[int, ...]
    gap: float = 0.0
    idle: float = 0.0
    whole: bool = False

    @property
    def requests(self) -> int:
        return sum(self.counts)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a burst says nothing of the limit. `kind`: generator-bound, other-refusals or unanswered."""

    kind: str
    reason: Text


@dataclass(frozen=True, slots=True)
class Burst:
    """What came of a burst: `ok` were admitted, `refused` for concurrency, `other` by what they were told instead.

    `lasted`: seconds from the first release to the last reply. `gap`: seconds from the end of the burst before it, of
    the same Ask, to its first release.
    """

    n: int
    ok: int
    refused: int
    other: Mapping[str, int] = field(default_factory=dict)
    lasted: float = 0.0
    gap: float = 0.0
    trouble: Trouble | None = None


Steps = Generator[Ask, tuple[Burst, ...], T]


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What a search came to.

    `kind`: in-flight, late-release, quota, per-connection, none-up-to, generator-bound, other-refusals, unanswered,
    unsteady or ceiling. `value`: the limit, only where it was confirmed. `confirmed`: bursts of L that were admitted
    whole, `refused`: bursts of L+1 of which exactly one was refused. `release`: seconds after a full burst from which
    on L are admitted again. `reason`: why there is no value, or what there is to say beside it.
    """

    kind: str
    value: int | None = None
    confirmed: int = 0
    refused: int = 0
    release: float | None = None
    reason: Text | None = None


class CannotTellError(Exception):
    """The search is at its end without a limit."""

    def __init__(self, kind: str, reason: Text) -> None:
        super().__init__(reason.en)
        self.conclusion = Conclusion(kind, reason=reason)
