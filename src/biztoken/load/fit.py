"""What throughput over concurrency says: a hard limit first, scalability only where nothing was refused. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from biztoken.model import Json

CLOSE = 0.1  # a fit further off than this, in the mean, tells nothing
# Refusals of more than this share are a limit at work and no accident.
REFUSING = 0.01
POINTS = 3  # that a curve of three parameters needs


@dataclass(frozen=True, slots=True)
class Point:
    """One step: requests in flight, accepted per second, refused per second, the p50 of the accepted in ms."""

    concurrency: float
    rate_ok: float
    rate_refused: float
    p50_ms: float | None

    @property
    def refuses(self) -> bool:
        return self.rate_refused > REFUSING * (self.rate_ok + self.rate_refused)


def model_of(points: Sequence[Point]) -> Json | None:
    """X = min(N, L) / R where it fits; the Universal Scalability Law where nothing was refused. None for no points.

    A hard limit comes first because the law puts the knee of one at about twice its limit.
    """
    sound = [point for point in points if point.rate_ok > 0 and point.p50_ms]
    if len(sound) < 2:
        return None
    refuses = any(point.refuses for point in sound)
    limit, service = _hard_limit(sound)
    return {
        "limit": limit,
        "service_ms": round(service * 1000, 3),
        "knee": limit if limit is not None else _knee(sound),
        "usl": None if refuses or len(sound) < POINTS else _usl(sound),
    }


def _hard_limit(points: Sequence[Point]) -> tuple[int | None, float]:
    """The L that fits best and the service time R in seconds; no limit where throughput rises to the end."""
    # Before anything is refused or queued, R is what a lone request takes.
    service = next(float(point.p50_ms or 0) for point in points) / 1000
    most = max(point.rate_ok for point in points)
    top = max(point.concurrency for point in points)
    candidates = range(1, int(top) + 1)
    best = min(candidates, key=lambda limit: _error(points, limit, service))
    is_close = _error(points, best, service) <= CLOSE
    holds_back = best < top and most * service < top * (1 - CLOSE)
    return (best if is_close and holds_back else None), service


def _error(points: Sequence[Point], limit: int, service: float) -> float:
    """How far off X = min(N, L) / R is, in the mean of relative differences."""
    off = [abs(min(p.concurrency, limit) / service - p.rate_ok) / p.rate_ok for p in points]
    return sum(off) / len(off)


def _knee(points: Sequence[Point]) -> float | None:
    """The first concurrency from which more brings less than a tenth of what it would in proportion."""
    ordered = sorted(points, key=lambda point: point.concurrency)
    for before, after in pairwise(ordered):
        gain = after.rate_ok / before.rate_ok - 1
        if gain < 0.1 * (after.concurrency / before.concurrency - 1):
            return before.concurrency
    return None


def _usl(points: Sequence[Point]) -> Json | None:
    """X = a N / (1 + s (N - 1) + k N (N - 1)), by least squares of its linear form N / X."""
    n = np.array([point.concurrency for point in points])
    x = np.array([point.rate_ok for point in points])
    # N/X = (1/a) (1 + s (N-1) + k N (N-1)); each equation is weighed so that relative errors count.
    terms = np.stack([np.ones_like(n), n - 1, n * (n - 1)], axis=1)
    weight = (x / n)[:, None]
    solved, *_ = np.linalg.lstsq(terms * weight, np.ones_like(n), rcond=None)
    if solved[0] <= 0:
        return None
    rate, contention, coherence = 1 / solved[0], solved[1] / solved[0], solved[2] / solved[0]
    fitted = rate * n / (1 + contention * (n - 1) + coherence * n * (n - 1))
    off = float(np.mean(np.abs(fitted - x) / x))
    if off > CLOSE or contention < -CLOSE:
        return None
    peak = float(np.sqrt((1 - contention) / coherence)) if coherence > 0 and contention < 1 else None
    return {
        "rate_per_s": round(float(rate), 3),
        "contention": round(float(contention), 5),
        "coherence": round(float(coherence), 7),
        "peak": round(peak, 1) if peak else None,
        "off": round(off, 4),
    }
