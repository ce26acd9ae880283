"""The first requests of a run: what the key may use, and whether anything sound gets through at all."""

from __future__ import annotations

import time

from biztoken.cases import Branch, all_branches
from biztoken.controls import Control
from biztoken.doctor import busy, local_time, why
from biztoken.model import Exchange, Verdict
from biztoken.runner import REPEATS, Run
from biztoken.sender import NoisyReplyError
from biztoken.settings import Target


def find_branches(run: Run) -> None:
    """Send the control of every branch. UserError, naming whose side is at fault, where none gets through."""
    target, branches = run.client.target, all_branches(run.contract)
    refusals: list[Exchange] = []
    for branch in branches:
        control = _control(run, branch)
        if control.exchange.reply is None and branch == branches[0]:
            _stop(target, control.exchange)
        if control.exchange.reply is not None and control.verdict in (Verdict.NOT_APPLICABLE, Verdict.HARNESS):
            refusals.append(control.exchange)
    if len(refusals) == len(branches):
        _stop(target, refusals[0])


def first_control(run: Run) -> Exchange:
    """The exchange of the run's first control, which the run will not send again. UserError where it is busy."""
    return _control(run, all_branches(run.contract)[0]).exchange


def _control(run: Run, branch: Branch) -> Control:
    """The control of a branch, however busy the target is at first."""
    for pause in (0.0, *(0.25 * 4**number for number in range(REPEATS))):
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
