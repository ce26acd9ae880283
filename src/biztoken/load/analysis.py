"""What the series of a run says beyond its totals: steps, recovery from a spike, drift. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from biztoken.load.book import Book
from biztoken.load.conditions import OK, REFUSED
from biztoken.load.fit import Point, model_of
from biztoken.load.health import alarms, health_of, held_back
from biztoken.load.measure import TENTHS, Latencies, Pairs, mean_ms
from biztoken.load.profile import Stage
from biztoken.load.schedule import Timeline
from biztoken.model import Json

SLOW = 1.5  # times the p95 of the calm before a spike: a second slower than this is not yet recovered
MANY = 0.05  # of the requests of a second: more than these slow, and its p95 is
SLACK_MS = 5.0  # added to it, so that a fast target's noise is no slowness
LEAST_DRIFT = 60  # seconds that a drift must be watched for; the first tenth is left out as warm-up
HOUR = 3600.0


def steps_of(book: Book, stages: Sequence[Stage], max_rate: float | None = None) -> list[Json]:
    """One row for each stage: what came of its concurrency. The first second of each is left out."""
    timeline = Timeline(stages)
    steps = []
    for number, stage in enumerate(stages):
        rows = [row for row in book.rows if timeline.settled(row["t"]) == number]
        seconds = len(rows)
        seen = book.stages[number]
        ok = seen.get(OK) or Latencies()
        refused = [latencies for name, latencies in seen.items() if REFUSED in name]
        told = ok.ms() | {"mean": mean_ms([ok]), "refused_mean": mean_ms(refused)}
        held = held_back(rows, stage.level * seconds, max_rate)
        told_of = [*alarms(health_of(rows)), *([held] if held else [])]
        steps.append(
            {
                "concurrency": stage.level,
                "seconds": seconds,
                "rate_ok": round(ok.count / seconds, 3) if seconds else 0.0,
                "rate_refused": round(sum(one.count for one in refused) / seconds, 3) if seconds else 0.0,
                **{name: told[name] for name in ("mean", "p50", "p95", "p99", "refused_mean")},
                "in_flight_seen": round(sum(row["in_flight"] for row in rows) / seconds, 2) if seconds else 0.0,
                "alarms": [alarm.as_json() for alarm in told_of],
            }
        )
    return steps


def model_of_steps(steps: Sequence[Json]) -> Json | None:
    """The model of those steps in which the generator was not the limit."""
    sound = [step for step in steps if not step["alarms"] and step["seconds"]]
    names = ("seconds", "concurrency", "in_flight_seen", "rate_ok", "rate_refused", "mean", "refused_mean")
    return model_of([Point(*(step[name] for name in names)) for step in sound])


def recovery_ms(book: Book, stages: Sequence[Stage]) -> float | None:
    """Milliseconds from the end of the highest stage until replies are as before it; None where that cannot be told.

    That is when the last request ended that was not accepted, or, to the tenth of a second, the last slow one of the
    last second, wherever it begins, whose p95 is slow.
    """
    peak = max(range(len(stages)), key=lambda number: stages[number].level)
    ends = [sum(stage.seconds for stage in stages[: number + 1]) for number in range(len(stages))]
    start, end, last = ends[peak] - stages[peak].seconds, ends[peak], ends[-1]
    calm = [p95 for row in book.rows if 0 < row["t"] < start and (p95 := _p95(row)) is not None]
    if not calm or last <= end:
        return None
    bound = sorted(calm)[len(calm) // 2] * SLOW + SLACK_MS
    after = [_slow_of(book.tenths.get(tenth, []), bound) for tenth in range(end * TENTHS, last * TENTHS)]
    recovered = max(end + _slow_until(after) / TENTHS, book.last_bad or 0.0)
    # The second that the last calm stage ends with must be calm itself, and there must be something in it.
    is_calm = recovered <= last - 1 and any(count for count, _ in after[-TENTHS:])
    return round((recovered - end) * 1000, 1) if is_calm else None


def _slow_of(pairs: Pairs, bound_ms: float) -> tuple[int, int]:
    """How many latencies there are, and how many of them above a bound."""
    rows = list(zip(pairs[::2], pairs[1::2], strict=True))
    return sum(count for _, count in rows), sum(count for us, count in rows if us > bound_ms * 1000)


def _slow_until(tenths: Sequence[tuple[int, int]]) -> int:
    """The number of tenths until the last slow one of the last second of which more than a twentieth is slow."""
    for first in range(len(tenths) - TENTHS, -1, -1):
        second = tenths[first : first + TENTHS]
        if sum(slow for _, slow in second) > MANY * sum(count for count, _ in second):
            return first + max(number for number, (_, slow) in enumerate(second) if slow) + 1
    return 0


def _p95(row: Json) -> float | None:
    told = row["by_outcome"].get(OK)
    return told["p95"] if told else None


def drift_of(rows: Sequence[Json], memory: Sequence[tuple[float, float]]) -> Json | None:
    """By how much latency and the generator's memory change in an hour, and how far that may be off; None if too short.

    `memory`: (second, megabytes).
    """
    seconds = rows[-1]["t"] + 1 if rows else 0
    warm = seconds / 10
    p50 = [(row["t"], row["by_outcome"][OK]["p50"]) for row in rows if row["t"] >= warm and OK in row["by_outcome"]]
    p99 = [(row["t"], row["by_outcome"][OK]["p99"]) for row in rows if row["t"] >= warm and OK in row["by_outcome"]]
    if seconds < LEAST_DRIFT or len(p50) < 3:
        return None
    found: Json = {}
    held = [(second, megabytes) for second, megabytes in memory if second >= warm]
    for name, points in (("latency_ms", p50), ("latency_p99_ms", p99), ("generator_mb", held)):
        slope, error = _slope(points)
        found |= {f"{name}_per_h": slope, f"{name}_per_h_error": error}
    return found


def _slope(points: Sequence[tuple[float, float]]) -> tuple[float | None, float | None]:
    """The slope per hour by least squares, and twice its standard error; None for too few points."""
    if len(points) < 3:
        return None, None
    t, y = (np.array(column, dtype=float) for column in zip(*points, strict=True))
    t = t / HOUR
    spread = t - t.mean()
    slope = float((spread * (y - y.mean())).sum() / (spread**2).sum())
    left = y - y.mean() - slope * spread
    error = float(np.sqrt((left**2).sum() / (len(t) - 2) / (spread**2).sum()))
    return round(slope, 4), round(2 * error, 4)
