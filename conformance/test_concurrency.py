"""The number of requests that may be in flight at once. Last of all: what a target does badly here may last."""

from __future__ import annotations

from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING

from biztoken.burst import fire
from biztoken.client import Request
from biztoken.errors import HarnessError
from biztoken.judge import Alternative, Expected, Outcome, broken, read
from biztoken.model import Check, Verdict
from biztoken.pytest_plugin import sequence
from biztoken.verdicts import Text

if TYPE_CHECKING:
    from biztoken.cases import Branch, Case
    from biztoken.model import Exchange
    from biztoken.runner import Run
    from biztoken.verdicts import CaseResult

ROUNDS = 3
TRIES = 3  # a burst that was spread too far is fired again
WHERE = {"comparison_type": ("0", "1")}
LIMIT, RELEASE = "CONCURRENCY-LIMIT-EXCEEDED-LIMIT", "CONCURRENCY-LIMIT-EXCEEDED-RELEASE"


@sequence("concurrency", LIMIT, family="concurrency", where=WHERE, needs=("concurrency_limit",))
def test_concurrency(run: Run, case: Case, branch: Branch) -> CaseResult:
    """L at once are admitted, of L+1 one is refused, and the slots come back: three rounds."""
    limit = run.client.target.concurrency_limit
    assert limit is not None
    longest = serial_latency(run, case, branch) / 2
    for number in range(ROUNDS):
        for count in (limit, limit + 1):
            exchanges = burst(run, case, branch, count, longest)
            if isinstance(exchanges, Text):
                return run.result(case, Verdict.UNTESTABLE, exchanges)
            if not weigh(run, case, exchanges, limit, first=number == 0):
                return run.result(case, Verdict.FAIL, None, tuple(exchange.id for exchange in exchanges))
    after = run.client.send(heavy(run, branch), case=case.id, role="probe")
    run.look(after, case.id)
    kept = after.reply is not None and read(after.reply).outcome is Outcome.ACCEPTED
    told = read(after.reply).told() if after.reply else "no reply"
    run.take([Check(RELEASE) if kept else broken(RELEASE, "release", "accepted", told)], case, (after.id,))
    return run.result(case, Verdict.PASS)


def heavy(run: Run, branch: Branch) -> Request:
    """A sound request with a picture that no cache has seen, so that it takes its time."""
    control = run.control(branch, {}, "concurrency")
    return Request(tuple(run.fill({**control.form, "image_ref1": {"picture": "face-fresh"}})))


def serial_latency(run: Run, case: Case, branch: Branch) -> float:
    """Seconds that one request takes alone: the median of three."""
    exchanges = [run.attempt(heavy(run, branch), case.id, "probe") for _ in range(3)]
    return median(exchange.elapsed_ms for exchange in exchanges) / 1000


def burst(run: Run, case: Case, branch: Branch, count: int, longest: float) -> list[Exchange] | Text:
    """The exchanges of one burst, or why it cannot be judged."""
    for _ in range(TRIES):
        requests = [heavy(run, branch) for _ in range(count)]
        forms = [run.client.signed(request) for request in requests]
        encoded = [run.client.encode(request, form) for request, form in zip(requests, forms, strict=True)]
        try:
            volley = fire(run.client.endpoint, encoded)
        except HarnessError as problem:
            return Text(f"A burst of {count} could not be sent: {problem}.", f"无法同时发送 {count} 个请求:{problem}。")
        run.client.sent += count
        exchanges = []
        for request, form, shot in zip(requests, forms, volley.shots, strict=True):
            times = (shot.released, shot.ended or shot.released)
            exchange = run.client.record(
                request, form, len(shot.data), times, shot.reply, shot.failure, case.id, "burst"
            )
            # The request began before its last byte was released: its time_used may be longer than this shows.
            run.look(replace(exchange, started=shot.opened), case.id)
            exchanges.append(exchange)
        if volley.spread <= longest and all(exchange.reply for exchange in exchanges):
            return exchanges
    if not all(exchange.reply for exchange in exchanges):
        return Text("Some requests of a burst got no reply.", "同时发送的请求中有的没有得到应答。")
    return Text(
        f"The target is too fast to be measured from here: the requests went out within {volley.spread * 1000:.1f} ms, "
        f"and one alone takes {longest * 2000:.1f} ms.",
        f"目标太快,无法从这里测出并发:请求在 {volley.spread * 1000:.1f} 毫秒内发完,而单个请求只需 {longest * 2000:.1f} 毫秒。",
    )


def weigh(run: Run, case: Case, exchanges: list[Exchange], limit: int, *, first: bool) -> bool:
    """Whether a burst was answered as the limit says; what was not is charged."""
    refused = [exchange for exchange in exchanges if read(exchange.reply).outcome is not Outcome.ACCEPTED]  # type: ignore[arg-type]
    due = len(exchanges) - limit
    ids = tuple(exchange.id for exchange in refused)
    for exchange in refused:
        if exchange.reply is not None:
            expected = Expected("refused", LIMIT, (Alternative("CONCURRENCY_LIMIT_EXCEEDED"),))
            run.judged(replace(case, expected=expected), exchange)
    if len(refused) == due:
        run.take([Check(LIMIT), Check(RELEASE)], case, ids)
        return True
    told = f"{len(exchanges) - len(refused)} of {len(exchanges)} admitted at once, the limit is {limit}"
    # Right at first and fewer later: slots that were taken did not come back.
    clause = RELEASE if len(refused) > due and not first else LIMIT
    run.take([broken(clause, "limit", f"{min(limit, len(exchanges))} of {len(exchanges)} admitted", told)], case, ids)
    return False
