"""What a run says of the limit: its sentence, its word, its exit code. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from biztoken.limit.observed import Burst, Conclusion
from biztoken.limit.planner import Plan
from biztoken.limit.search import false_refusals
from biztoken.verdicts import Text

WORDS = {0: "passed", 1: "not-passed", 2: "no-verdict", 3: "incomplete"}
UNFINISHED = Text("The run has not come to its end.", "运行尚未结束。")
TOLD = ("in-flight", "late-release")  # kinds that come with a value


def exit_code(
    conclusion: Conclusion | None, contracted: int | None, *, has_failed: bool, is_enough: bool | None = None
) -> int:
    """0 the limit is told, is the contracted one, and is enough where that was asked; 2 untold; 3 interrupted.

    1 it is not, or a clause is broken.
    """
    if has_failed or is_enough is False or (conclusion and keeps(conclusion, contracted) is False):
        return 1
    if conclusion is None:
        return 3
    return 0 if conclusion.kind == "in-flight" else 2


def keeps(conclusion: Conclusion | None, contracted: int | None) -> bool | None:
    """Whether the target keeps the contracted limit; None where there is none, or that cannot be told."""
    if contracted is None or conclusion is None:
        return None
    if conclusion.kind == "none-up-to":
        return False
    return conclusion.value == contracted if conclusion.value is not None else None


def sentence(conclusion: Conclusion | None, bursts: Sequence[Burst], contracted: int | None) -> Text:
    """The limit in one sentence, or why it cannot be told."""
    if conclusion is None:
        return UNFINISHED
    limit = conclusion.value
    if conclusion.kind != "in-flight" or limit is None:
        return conclusion.reason or UNFINISHED
    bad, total = false_refusals(bursts, limit)
    recovery = milliseconds(conclusion.release or 0.0)
    times, again = conclusion.confirmed, conclusion.refused
    en = (
        f"limit {limit} ({limit} of {limit} admitted {times} times, the {ordinal(limit + 1)} refused {again} times), "
        f"recovery {recovery} ms, false refusals below the limit {bad} of {total}"
    )
    zh = (
        f"并发上限 {limit}（{limit} 个全部被接受 {times} 次，第 {limit + 1} 个被拒绝 {again} 次），"
        f"恢复 {recovery} 毫秒，上限以内误拒 {bad}/{total}"
    )
    if keeps(conclusion, contracted) is False:
        return Text(f"{en}; the contracted limit is {contracted}", f"{zh}；约定的上限为 {contracted}")
    return Text(en, zh)


def planned(plan: Plan) -> Text:
    """The answer to the planner's question."""
    need = f"{plan.arrivals_per_s:g} × {plan.service_s * 1000:.0f} ms = {plan.needed:.1f}"
    need_zh = f"{plan.arrivals_per_s:g} × {plan.service_s * 1000:.0f} 毫秒 = {plan.needed:.1f}"
    if plan.found is None or plan.margin is None:
        return Text(f"{need} in flight at the peak; the limit is not known", f"峰值时并发 {need_zh}；上限未知")
    share = f"{(plan.refused_share or 0.0) * 100:.2g}"
    enough, zh = ("", "") if plan.enough else ("not ", "不")
    return Text(
        f"{need} in flight at the peak, {plan.found} found: {enough}enough, margin {plan.margin:.1f}; "
        f"of arrivals at random {share} % would be refused",
        f"峰值时并发 {need_zh}，实际上限 {plan.found}：{zh}够用，余量 {plan.margin:.1f}；"
        f"若随机到达，约 {share}% 会被拒绝",
    )


def milliseconds(seconds: float) -> str:
    """A time for people: whole milliseconds, or that it was less than one. Told of the value that is recorded."""
    rounded = recorded_ms(seconds)
    return "<1" if rounded < 1 else f"{rounded:.0f}"


def recorded_ms(seconds: float) -> float:
    """A time as records have it, in milliseconds."""
    return round(seconds * 1000, 1)


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th, 21st."""
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"
