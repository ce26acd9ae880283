"""Before the first burst: the sound request that all of them repeat, and how long one alone takes."""

from __future__ import annotations

import time
from collections.abc import Iterable
from statistics import median

from biztoken.cases import Branch, all_branches
from biztoken.client import Request
from biztoken.controls import Control
from biztoken.doctor import busy, diagnose
from biztoken.errors import UserError
from biztoken.limit import reasons
from biztoken.limit.firing import CASE, OK, outcome_of
from biztoken.limit.observed import CannotTellError
from biztoken.requests import fill
from biztoken.runner import Run
from biztoken.sender import NoisyReplyError

ALONE = 5  # requests one after the other
PAUSES = (0.0, 0.25, 1.0)  # seconds before a sound request that met load or quota is sent again


def sound_request(run: Run, *, picture: bool | None) -> Request:
    """The request of the first kind that the key may use; with or without a picture, where that is chosen.

    The doctor looks first. UserError, naming whose side is at fault, where none is accepted.
    """
    kinds = branches(all_branches(run.contract), picture=picture)
    diagnosis = diagnose(run.client.target, now=time.time, sound=lambda: _control(run, kinds[0]).exchange)
    if diagnosis.problem and not diagnosis.answered:
        raise diagnosis.problem
    for branch in kinds:
        control = _control(run, branch)  # the first was sent for the doctor, and is not sent again
        if control.failed is None:
            return Request(fill(control.form, run.samples))
    raise diagnosis.problem or UserError(
        "--picture" if picture else "--no-picture",
        "no sound request of that kind is accepted; run `biztoken doctor`",
        "没有一种这样的正确请求被接受；请运行 biztoken doctor",
    )


def branches(known: Iterable[Branch], *, picture: bool | None) -> list[Branch]:
    """Those of which a request has a picture, or has none; unless one is chosen the light ones come first."""
    heavy = [branch for branch in known if branch.comparison_type == "0"]
    light = [branch for branch in known if branch.comparison_type == "1" and branch.liveness_type != "raw_image"]
    return heavy if picture else light if picture is False else [*light, *heavy]


def _control(run: Run, branch: Branch) -> Control:
    """The sound request of a kind, however busy the target is at first."""
    for pause in PAUSES:
        run.client.wait(pause)
        try:
            return run.controls.get(branch, {}, CASE)
        except NoisyReplyError as noise:
            told = str(noise)
    raise busy(run.client.target, told).error()


def serial_latency(run: Run, request: Request) -> float:
    """Seconds that one request takes while no other is in flight: the median of five.

    CannotTellError where one of them is not accepted.
    """
    times = []
    for _ in range(ALONE):
        exchange = run.client.send(request, case=CASE, role="alone")
        run.ledger.look(exchange, CASE)
        told = outcome_of(exchange)
        if told != OK:
            raise CannotTellError("unsteady", reasons.not_accepted(told))
        times.append(exchange.elapsed_ms / 1000)
    return median(times)
