"""What the catalogue is made of: faults that break one clause, and variations that break none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from biztoken.mock.faults import Fault


@dataclass(frozen=True, slots=True)
class NamedFault:
    """A deliberate defect. `fault.clause` is the one it breaks.

    `fuzz`: only fuzzing finds it. `concurrency_limit`: what the key grants where the defect needs many at once.
    `equivalent`: by language, why no client can see it.
    """

    fault: Fault
    en: str
    zh: str
    fuzz: bool = False
    concurrency_limit: int | None = None
    equivalent: Mapping[str, str] | None = None

    @property
    def id(self) -> str:
        return self.fault.id

    @property
    def clause(self) -> str:
        return self.fault.clause or ""


@dataclass(frozen=True, slots=True)
class Variation:
    """One legal freedom, used in one way.

    `freedom`: the clause or section that leaves it open. `warns`: SHOULD clauses that it may break. `alone`: it
    settles what others do as well, and is not combined.
    """

    id: str
    freedom: str
    en: str
    zh: str
    faults: tuple[Fault, ...]
    warns: tuple[str, ...] = ()
    alone: bool = False
