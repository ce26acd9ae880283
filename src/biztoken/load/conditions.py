"""Conditions on a run, as a profile writes them: `p95 <= 500 ms`, `5xx > 5 %`, `violations > 0`. Pure."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Protocol

from biztoken.contract import Contract
from biztoken.errors import UserError

PERCENTILES = ("p50", "p90", "p95", "p99", "max")
NUMBERS = (*PERCENTILES, "rate", "violations")  # metrics that count no outcome
OK, REFUSED = "200", "CONCURRENCY_LIMIT_EXCEEDED"  # outcomes, the second beside its status
# What a request without a reply is told as: why, or that nobody waited longer for it, or that it was never sent.
UNANSWERED, UNSENT = "unanswered", "unsent"
WITHOUT_REPLY = (
    *("dns", "connect", "proxy", "tls", "timeout", "send", "closed", "truncated", "protocol"),
    *(UNANSWERED, UNSENT),
)
UNREADABLE, UNKNOWN = "unreadable", "unknown error"  # beside a status
ENOUGH = 50  # requests that must have ended before a share or a percentile ends a run
STEADY = 5  # seconds before a rate does

_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_CONDITION = re.compile(r"\s*(.+?)\s*(<=|>=|<|>)\s*(\d+(?:\.\d+)?)\s*(%|ms|s)?\s*")
_LIMIT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(%|ms|s)?\s*")
_CLASS = re.compile(r"[1-5]xx")
_STATUS = re.compile(r"[1-5]\d\d")


class Numbers(Protocol):
    """What a condition may look at."""

    @property
    def violations(self) -> int: ...
    @property
    def ended(self) -> int: ...
    @property
    def by_outcome(self) -> Mapping[str, int]: ...
    @property
    def unanswered(self) -> int: ...
    @property
    def unsent(self) -> int: ...
    @property
    def asked_s(self) -> int: ...
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
        return share_of(count, numbers)

    def holds(self, numbers: Numbers) -> bool | None:
        """Whether it is so; None where that cannot be told."""
        seen = self.seen(numbers)
        return None if seen is None else _OPERATORS[self.sign](seen, self.limit.value)

    def stops(self, numbers: Numbers) -> bool:
        """Whether a run must end for it: a handful of requests say nothing yet, unless there are too many already."""
        if self.metric == "rate":
            says = numbers.asked_s >= STEADY
        else:
            is_count = self.metric not in PERCENTILES and self.limit.unit != "%" and self.sign in (">", ">=")
            says = is_count or numbers.ended >= ENOUGH
        return says and self.holds(numbers) is True


def matching(metric: str, numbers: Numbers) -> int:
    """How many requests ended as a metric says: `5xx`, `403`, `LOW_QUALITY`, a whole outcome, `failed`."""
    return sum(count for name, count in outcomes(numbers).items() if is_outcome(metric, name))


def outcomes(numbers: Numbers) -> dict[str, int]:
    """What came of every request that was due: also of those that never ended, and of those that were never sent."""
    never = {UNANSWERED: numbers.unanswered, UNSENT: numbers.unsent}
    return {**numbers.by_outcome, **{name: count for name, count in never.items() if count}}


def share_of(count: int, numbers: Numbers) -> float | None:
    """A count as a share of the requests that were due, in per cent; None where none was."""
    due = sum(outcomes(numbers).values())
    return 100.0 * count / due if due else None


def is_outcome(metric: str, name: str) -> bool:
    """Whether an outcome such as "403 CONCURRENCY_LIMIT_EXCEEDED" or "timeout" is one that a metric names."""
    status, _, error = name.partition(" ")
    if metric == "failed":
        return name in WITHOUT_REPLY
    if _CLASS.fullmatch(metric):
        return status.isdigit() and status[0] == metric[0]
    return metric in (name, status, error, error.partition(":")[0])


def parse(text: str, where: str, names: Collection[str]) -> Condition:
    """A condition as written; `names`: what a target may tell. UserError says what a condition looks like."""
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise UserError(
            f"{where}: {text}",
            "this is no condition; write one such as violations > 0, 5xx > 5 % or p95 > 2 s",
            "不是合法的条件；请写成如 violations > 0、5xx > 5 % 或 p95 > 2 s",
        )
    hold_metric(match[1], f"{where}: {text}", (*NUMBERS, *names))
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


def hold_metric(name: str, where: str, names: Collection[str]) -> None:
    """UserError, with the nearest of the `names` as a hint, for what no request can ever end as."""
    status, _, error = name.partition(" ")
    is_status = _STATUS.fullmatch(status) is not None
    if (
        name in names
        or _CLASS.fullmatch(name)
        or (is_status and (not error or (error in names and error not in (*WITHOUT_REPLY, *NUMBERS))))
    ):
        return
    near = get_close_matches(error if is_status else name, names, n=1, cutoff=0.6)
    hint, zh = (
        (f"did you mean {near[0]}?", f"是否应为 {near[0]}？")
        if near
        else (
            "write one such as 5xx, 403, CONCURRENCY_LIMIT_EXCEEDED or timeout",
            "请写如 5xx、403、CONCURRENCY_LIMIT_EXCEEDED 或 timeout",
        )
    )
    raise UserError(where, f"no request can end as {name}; {hint}", f"没有请求会以 {name} 结束；{zh}")


def names_of(contract: Contract) -> tuple[str, ...]:
    """Every name of an outcome beside its status: errors, reasons, and why no reply came."""
    errors = contract.errors.values()
    reasons = [reason for row in errors for reason in row.reasons]
    whole = [f"{row.name}: {reason}" for row in errors for reason in row.reasons]
    return (*contract.errors, *reasons, *whole, *WITHOUT_REPLY, "failed", UNREADABLE, UNKNOWN)
