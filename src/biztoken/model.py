"""Values that every layer shares, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple


class Level(StrEnum):
    """How binding a clause is."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    OBSERVE = "OBSERVE"


class Verdict(StrEnum):
    """What a case or a clause earned, worst first."""

    FAIL = "FAIL"
    WARN = "WARN"
    WAIVED = "WAIVED"
    HARNESS = "HARNESS"
    NOT_RUN = "NOT_RUN"
    UNTESTABLE = "UNTESTABLE"
    PASS = "PASS"  # noqa: S105 - a verdict
    OBSERVED = "OBSERVED"
    NOT_APPLICABLE = "NOT_APPLICABLE"


_ORDER = {verdict: rank for rank, verdict in enumerate(Verdict)}


def worst(verdicts: Iterable[Verdict]) -> Verdict | None:
    """The worst of some verdicts, None of none."""
    return min(verdicts, key=_ORDER.__getitem__, default=None)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file part. `label` names the picture for people and records; `data` is what goes on the wire."""

    label: str
    data: bytes = field(repr=False)
    filename: str = "picture.jpg"
    media_type: str | None = "image/jpeg"


Value = str | Upload
Form = tuple[tuple[str, Value], ...]


class Reply(NamedTuple):  # a load makes thousands a second, and a frozen dataclass takes three times as long
    """One reply as it came. `body` is whole; `status` 100 to 599."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its reply. Times are seconds of a monotonic clock; `reply` is None where none came."""

    id: int
    form: tuple[tuple[str, Value], ...]
    sent_bytes: int
    started: float
    ended: float
    reply: Reply | None
    failure: str | None = None
    method: str = "POST"
    note: str = ""

    @property
    def elapsed_ms(self) -> float:
        """How long the caller waited, in milliseconds."""
        return (self.ended - self.started) * 1000


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference between what the contract says and what came, charged to one clause.

    `aspect` says which side of the reply differs (accepted, refused, status, name, detail, …);
    `received` is short and the same for the same mistake, so that findings group into causes.
    `folds_to` names the clause to charge instead, should the same mistake show for a whole error.
    """

    clause: str
    aspect: str
    expected: str
    received: str
    folds_to: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One clause looked at in one reply: kept where `finding` is None."""

    clause: str
    finding: Finding | None = None


Json = dict[str, Any]
