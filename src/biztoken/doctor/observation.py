"""What the doctor has seen: values, and nothing that decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from biztoken.errors import UserError
from biztoken.model import Exchange


@dataclass(frozen=True, slots=True)
class Line:
    """What became of the connection. `failure`: why there is none, as wire tells it ("reason: text").

    `failed` names the step where it ended. `tls`: the version spoken, empty for plain http.
    `expires`: when the certificate ends, seconds since the epoch. `seconds`: how long each step took.
    """

    addresses: tuple[str, ...] = ()
    tls: str = ""
    expires: float | None = None
    failed: str = ""
    failure: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seen:
    """All that a diagnosis rests on. `now`: the local clock when `exchange` ended, or at the end without one.

    `mistake`: why no sound request could be made. `asked`: whether one was wanted. `others`: whether combinations of
    comparison and liveness type are left that were not tried.
    """

    line: Line
    now: float
    asked: bool = True
    exchange: Exchange | None = None
    mistake: UserError | None = None
    others: bool = True
