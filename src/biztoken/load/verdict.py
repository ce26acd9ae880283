"""What a load run earned: each passing condition, whether it may be believed, and the exit code. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from biztoken.load.conditions import OK, PERCENTILES, Condition, Limit, Numbers, is_outcome, outcomes, share_of
from biztoken.load.profile import OTHERS, Profile
from biztoken.model import Json
from biztoken.verdicts import Text

_SHARES = {"p50": "50", "p90": "90", "p95": "95", "p99": "99"}


@dataclass(frozen=True, slots=True)
class Facts:
    """What else decides. `failed_clauses`: whether a clause is FAIL; texts: why it ended early or was another load."""

    failed_clauses: bool = False
    interrupted: Text | None = None
    stopped: Text | None = None
    problem: Text | None = None
    alarms: Sequence[Text] = ()
    held: Text | None = None


def checks(profile: Profile, numbers: Numbers) -> list[Json]:
    """Every passing condition, in order: due, seen, kept or not; null where that cannot be told."""
    enough = numbers.ended >= profile.requests_min
    rows = [
        _row(
            "requests_min",
            Text(f"at least {profile.requests_min} requests ended", f"至少完成 {profile.requests_min} 个请求"),
            f">= {profile.requests_min}",
            str(numbers.ended),
            enough,
        )
    ]
    rows += [_checked(condition, numbers) for condition in profile.passing]
    for name, condition in profile.failures.items():
        rows.append(_failures(name, condition, profile, numbers))
    return rows


def _row(name: str, told: Text, due: str, seen: str, kept: bool | None) -> Json:
    return {"id": name, "en": told.en, "zh": told.zh, "due": due, "seen": seen, "kept": kept}


def _checked(condition: Condition, numbers: Numbers) -> Json:
    seen = condition.seen(numbers)
    shown = "-" if seen is None else str(Limit(round(seen, 3), condition.limit.unit))
    return _row(
        condition.metric, _told(condition), f"{condition.sign} {condition.limit}", shown, condition.holds(numbers)
    )


def _told(condition: Condition) -> Text:
    limit = condition.limit
    if condition.metric == "max":
        return Text(f"every accepted request within {limit}", f"所有成功请求在 {limit} 以内")
    if condition.metric in PERCENTILES:
        share = _SHARES[condition.metric]
        return Text(f"{share} % of the accepted requests within {limit}", f"{share} % 的成功请求在 {limit} 以内")
    if condition.metric == "rate":
        return Text(f"at least {limit} accepted requests a second", f"每秒至少 {limit} 个成功请求")
    if condition.metric == "violations":
        return Text(f"at most {limit} replies that break the contract", f"违反契约的应答不超过 {limit} 个")
    return Text(f"at most {limit} of {condition.metric}", f"{condition.metric} 不超过 {limit}")


def _failures(name: str, condition: Condition, profile: Profile, numbers: Numbers) -> Json:
    if name != OTHERS:
        return _checked(condition, numbers) | {"id": f"failures.{name}"}
    named = [metric for metric in profile.failures if metric != OTHERS]
    count = sum(
        number
        for outcome, number in outcomes(numbers).items()
        if outcome != OK and not any(is_outcome(metric, outcome) for metric in named)
    )
    seen = share_of(count, numbers) if condition.limit.unit == "%" else float(count)
    return _row(
        f"failures.{OTHERS}",
        Text(f"at most {condition.limit} of any other failure", f"其他失败不超过 {condition.limit}"),
        f"<= {condition.limit}",
        "-" if seen is None else str(Limit(round(seen, 3), condition.limit.unit)),
        None if seen is None else seen <= condition.limit.value,
    )


def verdict(rows: Sequence[Json], numbers: Numbers, profile: Profile, facts: Facts) -> tuple[int, Text | None]:
    """The exit code and, where it is not 0, why.

    A broken clause is broken whatever else was wrong. Then: a run that did not run to its end is incomplete; what a
    generator at its limit measured, or a handful of requests, says nothing of the target.
    """
    if facts.failed_clauses:
        return 1, facts.stopped or Text("Replies under load break the contract.", "压测中的应答违反了契约。")
    if facts.problem:
        return 2, facts.problem
    if facts.interrupted:
        return 3, facts.interrupted
    if facts.alarms:
        first = facts.alarms[0]
        return 2, Text(
            f"The generator was the bottleneck, so this says nothing of the target. {first.en}",
            f"瓶颈在压测端，结果不能说明被测目标。{first.zh}",
        )
    if facts.held:
        return 2, facts.held
    if facts.stopped:
        return 1, facts.stopped
    if numbers.ended < profile.requests_min:
        return 2, Text(
            f"Too few requests ended: {numbers.ended} of the {profile.requests_min} that the profile asks for.",
            f"完成的请求太少：{numbers.ended} 个，方案要求 {profile.requests_min} 个。",
        )
    broken = [row for row in rows if row["kept"] is False]
    if broken:
        return 1, Text(
            "Not kept: " + "; ".join(f"{row['en']} (seen {row['seen']})" for row in broken) + ".",
            "未满足：" + "；".join(f"{row['zh']}（实际 {row['seen']}）" for row in broken) + "。",
        )
    if not numbers.by_outcome.get(OK):
        return 2, Text("No request was accepted, so there is nothing to judge.", "没有成功的请求，无从判断。")
    if any(row["kept"] is None for row in rows):
        return 2, Text("A condition could not be told.", "有条件无法判断。")
    return 0, None


def word(code: int) -> str:
    """The word for an exit code."""
    return {0: "passed", 1: "not-passed", 2: "no-verdict"}.get(code, "incomplete")
