"""What throughput over concurrency says: a hard limit first, scalability only where nothing was refused. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor

import numpy as np

from biztoken.model import Json

CLOSE = 0.1  # a fit further off than this, in the mean, tells nothing
# Refusals of more than this share are a limit at work and no accident.
REFUSING = 0.01
NOISE = 0.01  # of what is measured in flight
SCATTER = 0.05  # of a service time that varies, as the mean of a step shows it
LASTING = 10  # service times that a step must last for its rate to be more than chance
FEW = 10  # requests accepted at a step, below which its rate is a matter of chance
POINTS = 3  # that a curve of three parameters needs


@dataclass(frozen=True, slots=True)
class Point:
    """One step: requests in flight, wanted and seen in the mean; rates per second; mean latencies in milliseconds.

    A latency is None where nothing ended so.
    """

    seconds: float
    concurrency: float
    in_flight: float
    rate_ok: float
    rate_refused: float
    mean_ms: float | None
    refused_ms: float | None = None

    @property
    def refuses(self) -> bool:
        return self.rate_refused > REFUSING * (self.rate_ok + self.rate_refused)

    @property
    def says_something(self) -> bool:
        return self.rate_ok * self.seconds >= FEW and self.in_flight > 0

    @property
    def admitted(self) -> float:
        """Requests in flight, in the mean, that were not to be refused."""
        return self.in_flight - self.rate_refused * (self.refused_ms or 0.0) / 1000


def model_of(points: Sequence[Point]) -> Json | None:
    """X = min(N, L) / R where it holds; the Universal Scalability Law where nothing was refused. None for no points.

    A hard limit comes first because the law puts the knee of one at about twice its limit.
    """
    sound = sorted((point for point in points if point.says_something), key=lambda point: point.concurrency)
    if len(sound) < 2:
        return None
    refuses = any(point.refuses for point in sound)
    is_short = not refuses and min(point.seconds for point in sound) < LASTING * _mean(sound[0])
    bounds = _by_refusals(sound) if refuses else None if is_short else _by_plateau(sound)
    limit = bounds[0] if bounds and bounds[0] == bounds[1] else None
    is_open = refuses or is_short  # so that no other law may be fitted
    return {
        "says": ("limit" if limit else "range") if bounds else "unknown" if is_open else "none",
        "limit": limit,
        "limit_range": list(bounds) if bounds else None,
        "service_ms": round(_mean(sound[0]) * 1000, 3),
        "knee": limit if bounds or is_open else _knee(sound),
        "usl": None if is_open or len(sound) < POINTS else _usl(sound),
    }


def _by_refusals(points: Sequence[Point]) -> tuple[int, int] | None:
    """The least and the greatest L that a target can have that refuses; None where what was seen contradicts itself.

    A request in flight holds one of the L slots except on its way, which takes what a refusal takes. And users step
    back only while all slots are held: from the first refusal on L of them are, at every moment, in flight or between
    two requests. Both hold for whatever service time, and however it varies.
    """
    refusing = [point for point in points if point.refuses]
    free = [point for point in points if not point.refuses]
    way = max(point.refused_ms or 0.0 for point in refusing) / 1000
    users = free[-1].concurrency / free[-1].in_flight if free else 1.0  # to each request in flight
    least = max(point.admitted - point.rate_ok * way for point in points) * (1 - NOISE)
    greatest = min(point.admitted * users for point in refusing) * (1 + NOISE)
    return _whole(least, min(greatest, refusing[0].concurrency - 1))


def _by_plateau(points: Sequence[Point]) -> tuple[int, int] | None:
    """The least and the greatest L of a target that lets requests wait; None where throughput rises to the end."""
    top = points[-1].in_flight
    best = min(range(1, int(top) + 1), key=lambda limit: _error(points, limit))
    beyond = [point.rate_ok for point in points if point.in_flight > best]
    if not beyond or _error(points, best) > CLOSE or max(beyond) * _service(points, best) > top * (1 - CLOSE):
        return None
    # Up to L nobody waits, so all of these are the service time.
    service = [_mean(point) for point in _up_to(points, best)]
    least, greatest = min(beyond) * min(service), max(beyond) * max(service)
    return _whole(least * (1 - SCATTER), greatest * (1 + SCATTER))


def _whole(least: float, greatest: float) -> tuple[int, int] | None:
    """The whole numbers between two, or those next to them where none is; None where there is no between."""
    if greatest < max(least, 1):
        return None
    inner = ceil(least), floor(greatest)
    return inner if inner[0] <= inner[1] else (max(1, inner[1]), inner[0])


def _mean(point: Point) -> float:
    return (point.mean_ms or 0.0) / 1000


def _up_to(points: Sequence[Point], limit: int) -> Sequence[Point]:
    """The steps at which nobody waits; the first where there is none."""
    return [point for point in points if point.in_flight <= limit] or points[:1]


def _service(points: Sequence[Point], limit: int) -> float:
    """R in seconds: the mean over all requests of the steps up to the limit."""
    below = _up_to(points, limit)
    return sum(point.rate_ok * _mean(point) for point in below) / sum(point.rate_ok for point in below)


def _error(points: Sequence[Point], limit: int) -> float:
    """How far off X = min(N, L) / R is, in the mean of relative differences."""
    service = _service(points, limit)
    off = [abs(min(point.in_flight, limit) / service - point.rate_ok) / point.rate_ok for point in points]
    return sum(off) / len(off)


def _knee(points: Sequence[Point]) -> float | None:
    """The first concurrency from which more brings less than a tenth of what it would in proportion."""
    for before, after in pairwise(points):
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
