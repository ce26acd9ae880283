"""The first requests of a run: what the key may use, and whether anything sound gets through at all."""

from __future__ import annotations

import time

from biztoken.cases import Branch, all_branches
from biztoken.controls import Control
from biztoken.doctor import busy, local_time, why
from biztoken.errors import UserError
from biztoken.model import Exchange, Verdict
from biztoken.reading import read
from biztoken.runner import Run
from biztoken.sender import PAUSES, NoisyReplyError
from biztoken.settings import Target


def find_branches(run: Run) -> None:
    """Send the control of every branch that the target file leaves. UserError where none is accepted.

    It names whose side is at fault, as the doctor does. Whatever else such a target answers, it says nothing of the
    contract: a wrong path, a proxy's page and an endpoint that is down refuse every sound request, too.
    """
    target, branches = run.client.target, _branches(run)
    controls: list[Control] = []
    for branch in branches:
        controls.append(_control(run, branch))
        if controls[0].exchange.reply is None:
            break
    if not run.controls.sound and not _is_spoilt_success(target, controls[0].exchange):
        _stop(target, controls[0].exchange)


def _is_spoilt_success(target: Target, exchange: Exchange) -> bool:
    """Whether the endpoint itself says 200, in a body that nobody can read and that is no web page."""
    reply = exchange.reply
    if reply is None or reply.status != 200 or target.proxy:
        return False
    is_page = reply.body.lstrip()[:1] == b"<"
    return bool(reply.body.strip()) and not is_page and read(reply).data is None


def first_control(run: Run) -> Exchange:
    """The exchange of the first control that is more than a refusal of its branch, else of the first one.

    The run will not send them again. UserError where the target is busy.
    """
    exchanges: list[Exchange] = []
    for branch in _branches(run):
        control = _control(run, branch)
        if control.verdict is not Verdict.NOT_APPLICABLE:
            return control.exchange
        exchanges.append(control.exchange)
    return exchanges[0]


def _branches(run: Run) -> list[Branch]:
    """The branches that the target file permits. UserError where it permits none."""
    target = run.client.target
    branches = [branch for branch in all_branches(run.contract) if branch.is_within(target.permits)]
    if not branches:
        raise UserError(
            "permits",
            "it leaves no combination of comparison_type and liveness_type; add a value that the key may use",
            "没有留下任何 comparison_type 与 liveness_type 的组合；请补上该 key 可用的取值",
        )
    return branches


def _control(run: Run, branch: Branch) -> Control:
    """The control of a branch, however busy the target is at first."""
    for pause in (0.0, *PAUSES):
        run.client.wait(pause)
        try:
            return run.controls.get(branch, {}, "probe")
        except NoisyReplyError as noise:
            told = str(noise)
    raise busy(run.client.target, told).error()


def _stop(target: Target, exchange: Exchange) -> None:
    """Say of a sound request that was not accepted what the doctor says of it."""
    trouble = why(target, exchange, local_time(exchange, time.time))
    if trouble is not None:
        raise trouble.error()
