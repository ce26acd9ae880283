"""From what was seen to what is said: every step, and the first trouble. Pure."""

from __future__ import annotations

from biztoken.doctor.answers import OF_A_COMBINATION, refusal
from biztoken.doctor.diagnosis import Diagnosis, Side, Step, Trouble
from biztoken.doctor.failures import no_reply
from biztoken.doctor.observation import Seen
from biztoken.doctor.skew import OFF, Skew, measure
from biztoken.doctor.steps import failed_step, file_step, line_steps, secrets_step, skipped_step
from biztoken.errors import UserError
from biztoken.model import Exchange
from biztoken.reading import read
from biztoken.settings import Target

_STEPS = ("file", "secrets", "dns", "tcp", "tls", "clock", "request")


def why(target: Target, exchange: Exchange, now: float) -> Trouble | None:
    """Why a sound request was not accepted, None where it was. `now`: the local clock when the exchange ended."""
    if exchange.reply is None:
        return no_reply(target, exchange.failure or "", now)
    return refusal(target, exchange, exchange.reply, measure(exchange, now))


def misread(problem: UserError) -> Diagnosis:
    """The diagnosis where there is no target: its file has a mistake, or lacks a secret."""
    trouble = _mistaken(problem)
    good = [Step("file", "ok", "it is well-formed", "格式正确")] if trouble.side == "key" else []
    failed = Step(_STEPS[len(good)], "fail", problem.told("en"), problem.told("zh"))
    return Diagnosis((*good, failed, *(skipped_step(name) for name in _STEPS[len(good) + 1 :])), trouble)


def tell(target: Target, seen: Seen) -> Diagnosis:
    """Every step in its order, with the first trouble. All words of the doctor follow from these values."""
    broken = no_reply(target, seen.line.failure, seen.now) if seen.line.failure else None
    failed = broken
    if seen.mistake is not None:
        failed = _mistaken(seen.mistake)
    elif seen.exchange is not None:
        failed = why(target, seen.exchange, seen.now)
    steps = (
        file_step(target),
        secrets_step(target),
        *line_steps(target, seen, broken),
        _clock(seen, None if broken else failed),
        _request(seen, None if broken else failed),
    )
    answered = seen.exchange is not None and seen.exchange.reply is not None
    is_fatal = any(step.state == "fail" for step in steps)
    return Diagnosis(steps, failed if is_fatal else None, answered)


def _mistaken(problem: UserError) -> Trouble:
    side: Side = "key" if problem.what.startswith("keys.") else "file"
    return Trouble(side, problem.what, problem.hint, problem.zh)


def _clock(seen: Seen, failed: Trouble | None) -> Step:
    if failed is not None and failed.side == "clock":
        return Step("clock", "fail", failed.en, failed.zh)
    if seen.exchange is None or seen.exchange.reply is None:
        return skipped_step("clock")
    skew = measure(seen.exchange, seen.now)
    if skew is None:
        return Step(
            "clock", "skipped", "the reply has no Date header to compare with", "应答没有可供比较的 Date 应答头"
        )
    return _compared(skew)


def _compared(skew: Skew) -> Step:
    told = skew.told()
    if skew.least > OFF:
        en = f"{told.en}; set it right, before signatures are refused for it"
        return Step("clock", "warn", en, f"{told.zh}；请校准，以免签名被拒绝")
    return Step(
        "clock",
        "ok",
        f"agrees with the endpoint's to within {skew.most} s",
        f"与接口的时钟相差不超过 {skew.most} 秒",
    )


def _request(seen: Seen, failed: Trouble | None) -> Step:
    took = (seen.exchange.ended - seen.exchange.started) if seen.exchange else 0.0
    if failed is None and seen.exchange is not None:
        return Step("request", "ok", "the sound request is accepted", "正确的请求被接受", took)
    if failed is None:
        if seen.asked:
            return skipped_step("request")
        return Step("request", "skipped", "not asked for", "未要求发送")
    reply = seen.exchange.reply if seen.exchange else None
    if seen.others and reply is not None and read(reply).detail in OF_A_COMBINATION:
        return Step(
            "request",
            "warn",
            f"{failed.en}, or leave it: check tries the other combinations",
            f"{failed.zh}；也可不处理：check 会改用其他组合",
            took,
        )
    if failed.side == "clock":
        return Step(
            "request",
            "fail",
            "the sound request is refused, because of the clock",
            "因时钟问题，正确的请求被拒绝",
            took,
        )
    return failed_step("request", failed, took)
