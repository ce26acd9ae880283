"""Conditions on a run, as a profile writes them: `p95 <= 500 ms`, `5xx > 5 %`, `violations > 0`. Pure."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from biztoken.errors import UserError

PERCENTILES = ("p50", "p90", "p95", "p99", "max")
OK, REFUSED = "200", "CONCURRENCY_LIMIT_EXCEEDED"  # outcomes, the second beside its status
# A share means something only once so many requests have ended.
ENOUGH = 50

_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_CONDITION = re.compile(r"\s*(.+?)\s*(<=|>=|<|>)\s*(\d+(?:\.\d+)?)\s*(%|ms|s)?\s*")
_LIMIT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(%|ms|s)?\s*")
_CLASS = re.compile(r"[1-5]xx")
_OUTCOME = re.compile(r"[1-5]\d\d( [A-Z][A-Z_]+(: .+)?)?|[A-Z][A-Z_]{3,}|[a-z][a-z-]+")


class Numbers(Protocol):
    """What a condition may look at."""

    @property
    def violations(self) -> int: ...
    @property
    def ended(self) -> int: ...
    @property
    def failed(self) -> int: ...
    @property
    def by_outcome(self) -> Mapping[str, int]: ...
    @property
    def rate(self) -> float: ...
    def percentile(self, name: str) -> float | None: ...


@dataclass(frozen=True, slots=True)
class Limit:
    """A number and its unit: "%" of the requests that ended, "ms", or "" for a plain number."""

    value: float
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.value:g} {self.unit}".strip()


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison. `metric`: violations, failed, rate, a percentile, or outcomes: 5xx, 403, an error, timeout."""

    metric: str
    sign: str
    limit: Limit

    def __str__(self) -> str:
        return f"{self.metric} {self.sign} {self.limit}"

    def seen(self, numbers: Numbers) -> float | None:
        """What the condition looks at, in the unit of its limit; None where there is nothing to look at."""
        if self.metric in PERCENTILES:
            return numbers.percentile(self.metric)
        if self.metric == "rate":
            return numbers.rate
        count = numbers.violations if self.metric == "violations" else matching(self.metric, numbers)
        if self.limit.unit != "%":
            return float(count)
        return 100.0 * count / numbers.ended if numbers.ended else None

    def holds(self, numbers: Numbers) -> bool | None:
        """Whether it is so; None where that cannot be told."""
        seen = self.seen(numbers)
        return None if seen is None else _OPERATORS[self.sign](seen, self.limit.value)

    def stops(self, numbers: Numbers) -> bool:
        """Whether a run must end for it: a share of a handful of requests says nothing yet."""
        if self.limit.unit == "%" and numbers.ended < ENOUGH:
            return False
        return self.holds(numbers) is True


def matching(metric: str, numbers: Numbers) -> int:
    """How many requests ended as a metric says: `5xx`, `403`, `LOW_QUALITY`, a whole outcome, `failed`."""
    if metric == "failed":
        return numbers.failed
    return sum(count for name, count in numbers.by_outcome.items() if is_outcome(metric, name))


def is_outcome(metric: str, name: str) -> bool:
    """Whether an outcome such as "403 CONCURRENCY_LIMIT_EXCEEDED" or "timeout" is one that a metric names."""
    status, _, error = name.partition(" ")
    if _CLASS.fullmatch(metric):
        return status.isdigit() and status[0] == metric[0]
    return metric in (name, status, error, error.partition(":")[0])


def parse(text: str, where: str) -> Condition:
    """A condition as written. UserError names it and says what a condition looks like."""
    match = _CONDITION.fullmatch(text)
    if match is None or not is_metric(match[1]):
        raise UserError(
            f"{where}: {text}",
            "this is no condition; write one such as violations > 0, 5xx > 5 % or p95 > 2 s",
            "不是合法的条件；请写成如 violations > 0、5xx > 5 % 或 p95 > 2 s",
        )
    return Condition(match[1], match[2], _limit(match[3], match[4] or "", match[1], f"{where}: {text}"))


def parse_limit(text: str | float, metric: str, where: str) -> Limit:
    """A limit as written beside a metric's name: `500 ms`, `1 %`, 20. UserError for another."""
    match = _LIMIT.fullmatch(str(text))
    if match is None:
        raise _misfit(where, metric)
    return _limit(match[1], match[2] or "", metric, where)


def _limit(number: str, unit: str, metric: str, where: str) -> Limit:
    if metric in PERCENTILES:
        if unit not in ("ms", "s"):
            raise _misfit(where, metric)
        return Limit(float(number) * (1000 if unit == "s" else 1), "ms")
    if unit in ("ms", "s") or (unit == "%" and metric in ("rate", "violations")):
        raise _misfit(where, metric)
    return Limit(float(number), unit)


def _misfit(where: str, metric: str) -> UserError:
    if metric in PERCENTILES:
        hint, zh = (
            "this limit does not fit; write a time such as 500 ms or 2 s",
            "取值不合要求；请写时长，如 500 ms 或 2 s",
        )
    elif metric in ("rate", "violations"):
        hint, zh = "this limit does not fit; write a plain number", "取值不合要求；请写数字"
    else:
        hint, zh = (
            "this limit does not fit; write a number or a share such as 1 %",
            "取值不合要求；请写数字或比例，如 1 %",
        )
    return UserError(where, hint, zh)


def is_metric(name: str) -> bool:
    """Whether a condition may look at it."""
    known = name in (*PERCENTILES, "rate", "violations", "failed")
    return known or _CLASS.fullmatch(name) is not None or _OUTCOME.fullmatch(name) is not None
