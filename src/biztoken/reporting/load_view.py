"""A load arranged for a reader: outcomes by what they are, seconds put together, the numbers of the head. Pure."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from biztoken.model import Json
from biztoken.reporting.figures import percent

Record = Mapping[str, Any]

OK = "200"
_BUSY = "CONCURRENCY_LIMIT_EXCEEDED"
# Options that are named otherwise on the command line, and what one is called that was switched off.
_FLAGS = {"most": "max"}
_OFF = {"picture": "--no-picture"}
# What an option is unless it is given: the same run needs no word of it.
_UNSAID: Mapping[str, object] = {"seed": 0, "lang": "en", "processes": 1, "expect_workers": 1, "bind": "*"}
KINDS = ("ok", "refused", "other", "failed")
MOST_POINTS = 360  # of a line: more could not be told apart on a screen


@dataclass(frozen=True, slots=True)
class Outcome:
    """One way in which requests ended. `kind`: ok, refused for concurrency, other reply, or failed without one."""

    name: str
    kind: str
    count: int
    share: str


def kind_of(outcome: str) -> str:
    """ok, refused for concurrency, other where some other reply came, failed where none did."""
    if outcome == OK:
        return "ok"
    status = outcome.partition(" ")[0]
    if not status.isdigit():
        return "failed"
    return "refused" if status == "403" and _BUSY in outcome else "other"


def outcomes(record: Record) -> list[Outcome]:
    """How all requests ended, by kind, the most frequent first; those under way at the end left out."""
    counts = record["load"]["by_outcome"]
    whole = sum(counts.values())
    rows = [Outcome(name, kind_of(name), count, percent(count, whole)) for name, count in counts.items()]
    return sorted(rows, key=lambda row: (KINDS.index(row.kind), -row.count, row.name))


def count_of(record: Record, kind: str) -> int:
    """How many requests ended that way."""
    return sum(row.count for row in outcomes(record) if row.kind == kind)


def per_second(row: Json, kind: str) -> int:
    """How many requests ended that way in one second."""
    return sum(one["count"] for name, one in row["by_outcome"].items() if kind_of(name) == kind)


def percentile(row: Json, kind: str, name: str) -> float | None:
    """That percentile of one second; of several outcomes of the kind the highest; None where none ended so."""
    found = [one[name] for outcome, one in row["by_outcome"].items() if kind_of(outcome) == kind]
    return max((value for value in found if value is not None), default=None)


def length(record: Record) -> float:
    """Seconds of all stages: what comes after is the drain."""
    return float(sum(stage["seconds"] for stage in record["profile"]["stages"]))


def shown(record: Record) -> list[Json]:
    """The seconds that a picture shows.

    The last is left out where it is a piece of one, in the drain or where the run was stopped, and all went well in it:
    drawn as a whole second it would look like a fall.
    """
    series = list(record["series"])
    last = series[-1] if len(series) > 1 else None
    if last is None or (last["t"] < length(record) and not record["stopped"]):
        return series
    return series if any(kind_of(name) in ("other", "failed") for name in last["by_outcome"]) else series[:-1]


def spans(series: Sequence[Json]) -> tuple[int, list[list[Json]]]:
    """The seconds in groups of that many seconds each, so few that each can be a point of a line."""
    width = max(1, math.ceil(len(series) / MOST_POINTS))
    return width, [list(series[at : at + width]) for at in range(0, len(series), width)]


def mean(values: Sequence[float | None]) -> float | None:
    """The mean of what is there."""
    real = [value for value in values if value is not None]
    return sum(real) / len(real) if real else None


def most(values: Sequence[float | None]) -> float | None:
    """The highest of what is there."""
    return max((value for value in values if value is not None), default=None)


def boundaries(record: Record) -> list[float]:
    """Where one stage ends and the next begins, in seconds from the start."""
    ends, at = [], 0.0
    for stage in record["profile"]["stages"][:-1]:
        at += stage["seconds"]
        ends.append(at)
    return ends


def broken(record: Record) -> list[Json]:
    """The conditions that did not hold."""
    return [row for row in record["checks"] if row["kept"] is False]


def kept(record: Record) -> list[Json]:
    """The conditions that held."""
    return [row for row in record["checks"] if row["kept"]]


def again(record: Record) -> list[str]:
    """The command that makes the same run again: each option with its value, one that is on or off without."""
    pieces = [f"biztoken {record['kind']}"]
    for name, value in record["options"].items():
        if name == "out" or value in (None, "", []) or value == _UNSAID.get(name):
            continue
        if value is False:
            pieces += [_OFF[name]] if name in _OFF else []
            continue
        flag = f"--{_FLAGS.get(name, name.replace('_', '-'))}"
        pieces.append(flag if value is True else f"{flag} {shlex.quote(str(value))}")
    return pieces


def plain(value: object) -> str:
    """What a condition asks or saw, as a person reads it."""
    if value is None:
        return "–"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return milliseconds(value)


def milliseconds(value: float | None) -> str:
    """A number for people, with as many digits as tell something."""
    if value is None:
        return "–"
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
