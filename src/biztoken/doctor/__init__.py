"""Whose side is at fault, before any case: the target file, the key, the clock, the network or the endpoint.

`diagnose` looks; `tell` says, from what was seen; `why` is the part of it that a run's own first requests need.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from biztoken.doctor.answers import busy
from biztoken.doctor.diagnosis import Diagnosis, Side, Step, Trouble
from biztoken.doctor.line import follow
from biztoken.doctor.observation import Line, Seen
from biztoken.doctor.words import misread, tell, why
from biztoken.errors import UserError
from biztoken.model import Exchange
from biztoken.settings import Target

__all__ = [
    "Diagnosis",
    "Line",
    "Seen",
    "Side",
    "Step",
    "Trouble",
    "busy",
    "diagnose",
    "local_time",
    "misread",
    "tell",
    "why",
]


def diagnose(
    target: Target, *, now: Callable[[], float], sound: Callable[[], Exchange] | None, others: bool = True
) -> Diagnosis:
    """Try the line to a target, then have the sound request sent, and say what is wrong.

    `now` is the local clock, seconds since the epoch. `sound` sends the first control of a run, or gives the one
    that was sent; it is not called where there is no line, and None leaves it out. `others`: whether it leaves
    combinations of comparison and liveness type untried.
    """
    line = follow(target)
    if line.failure or sound is None:
        return tell(target, Seen(line, now(), asked=sound is not None))
    try:
        exchange = sound()
    except UserError as mistake:
        return tell(target, Seen(line, now(), mistake=mistake))
    return tell(target, Seen(line, local_time(exchange, now), exchange=exchange, others=others))


def local_time(exchange: Exchange, now: Callable[[], float]) -> float:
    """What the local clock said when an exchange ended, however long ago that was."""
    return now() - (time.monotonic() - exchange.ended)
