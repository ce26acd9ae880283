"""The number of requests that may be in flight at once. Last of all: what a target does badly here may last."""

from __future__ import annotations

from dataclasses import replace
from statistics import median_low
from typing import TYPE_CHECKING

from biztoken.client import Request
from biztoken.errors import HarnessError
from biztoken.finding import broken
from biztoken.judge import Alternative, Expected
from biztoken.model import Check, Verdict
from biztoken.pytest_plugin import sequence
from biztoken.reading import Outcome, read
from biztoken.requests import fill
from biztoken.sender import NoisyReplyError, harness_text, no_reply
from biztoken.verdicts import Text

if TYPE_CHECKING:
    from biztoken.cases import Branch, Case
    from biztoken.model import Exchange
    from biztoken.runner import Run
    from biztoken.settings import Target
    from biztoken.verdicts import CaseResult

ROUNDS = 3
WEIGHTS = (0, 1, 2, 2, 2)  # of the requests in the tries of one burst
GRACE = 0.05  # seconds that a slot may take to come back: a reply may be on its way before its slot is free
TRIES = 3  # a burst that was spread too far is fired again
WHERE = {"comparison_type": ("0", "1")}
LIMIT, RELEASE = "CONCURRENCY-LIMIT-EXCEEDED-LIMIT", "CONCURRENCY-LIMIT-EXCEEDED-RELEASE"
STATUS = "CONCURRENCY-LIMIT-EXCEEDED-STATUS"


def cost(target: Target) -> int:
    """Requests to a sound target: three alone, three rounds of L, L+1 and one, one after them; none if too many.

    And of the other comparison type, if the key has it, a control and two alone.
    """
    limit = target.concurrency_limit
    if not limit or too_many(target, limit + 1):
        return 0
    types = target.permits.get("comparison_type", WHERE["comparison_type"])
    return ROUNDS * (2 * limit + 2) + 4 + (3 if len(types) > 1 else 0)


def too_many(target: Target, count: int) -> Text | None:
    """Why so many requests may not be sent at once, None where they may."""
    if target.max_in_flight is not None and target.max_in_flight < count:
        return Text(
            f"--max-in-flight {target.max_in_flight} forbids {count} requests at once; raise it or leave it out.",
            f"--max-in-flight {target.max_in_flight} 不允许同时发送 {count} 个请求；请提高或去掉它。",
        )
    if target.max_rate is not None and target.max_rate <= count - 1:
        return Text(
            f"At most {target.max_rate:g} requests per second (max_rate or --rate) forbids {count} at once; "
            f"allow {count} or leave it out.",
            f"每秒最多 {target.max_rate:g} 个请求（max_rate 或 --rate）不允许同时发送 {count} 个；"
            f"请提高到 {count} 或去掉它。",
        )
    return None


@sequence("concurrency", LIMIT, family="concurrency", where=WHERE, needs=("concurrency_limit",), requests=cost)
def test_concurrency(run: Run, case: Case, branch: Branch) -> CaseResult:
    """L at once are admitted, of L+1 one is refused, and the slots come back: in three rounds, one of another type."""
    limit = run.client.target.concurrency_limit
    assert limit is not None
    reason = too_many(run.client.target, limit + 1)
    if reason:
        return run.result(case, Verdict.UNTESTABLE, reason)
    alone = serial_latency(run, case, branch)
    if isinstance(alone, Text):
        return run.result(case, Verdict.UNTESTABLE, alone)
    late: list[Exchange] = []
    for number in range(ROUNDS):
        if number == ROUNDS - 1:
            branch, alone = of_the_other_type(run, case, branch, alone)
        probe = heavy(run, branch)
        for count in (limit, limit + 1):
            exchanges = confirmed(run, case, branch, count, alone / 2)
            if isinstance(exchanges, Text):
                return run.result(case, Verdict.UNTESTABLE, exchanges)
            if not weigh(run, case, exchanges, limit, first=number == 0 and count == limit):
                return run.result(case, Verdict.FAIL, None, tuple(exchange.id for exchange in exchanges))
        late += refused_after(run, case, probe)
    if len(late) == ROUNDS:
        told = f"one request alone refused {GRACE * 1000:.0f} ms after the last reply, {ROUNDS} of {ROUNDS} times"
        ids = tuple(exchange.id for exchange in late)
        run.ledger.take([broken(RELEASE, "release", "a slot free again with its reply", told)], case, ids)
        return run.result(case, Verdict.FAIL, None, ids)
    return released(run, case, branch)


def of_the_other_type(run: Run, case: Case, branch: Branch, alone: float) -> tuple[Branch, float]:
    """The comparison type that was not sent yet and the seconds that its request takes alone: the limit is the key's.

    The same as before where the key may not use it, or its requests are not served for as long as those that told: one
    might be over before the last of a burst has begun.
    """
    others = tuple(value for value in WHERE["comparison_type"] if value != branch.comparison_type)
    other, _ = run.controls.choose(replace(case, where={"comparison_type": others}))
    if other is None:
        return branch, alone
    takes = serial_latency(run, case, other, 2)
    return (branch, alone) if isinstance(takes, Text) or takes < alone / 2 else (other, takes)


def refused_after(run: Run, case: Case, probe: Request) -> list[Exchange]:
    """One request, shortly after a burst has ended: it alone where it was refused as one too many.

    Others who use the key may have the slot; so one such refusal proves nothing, and one after each burst does.
    """
    run.client.wait(GRACE)
    exchange = run.client.send(probe, case=case.id, role="probe")
    if exchange.reply is None:
        return []
    if read(exchange.reply).name == "CONCURRENCY_LIMIT_EXCEEDED":
        return [exchange]
    run.ledger.look(exchange, case.id)
    return []


def released(run: Run, case: Case, branch: Branch) -> CaseResult:
    """One request after the bursts. Only one that is still too many after every pause shows a slot that did not return.

    A target that is busy with others, too, may refuse one at any moment.
    """
    try:
        after = run.sender.persist(heavy(run, branch), case.id, "probe")
    except NoisyReplyError as noise:
        after = noise.exchange
    if after.reply is None:
        return run.result(case, Verdict.HARNESS, harness_text(after), (after.id,))
    reading = read(after.reply)
    kept = reading.outcome is Outcome.ACCEPTED
    check = Check(RELEASE) if kept else broken(RELEASE, "release", "accepted", reading.told())
    run.ledger.take([check], case, (after.id,))
    return run.result(case, Verdict.PASS)


def heavy(run: Run, branch: Branch, weight: int = 0) -> Request:
    """A sound request with pictures that no cache has seen, so that it takes its time; more with `weight`."""
    control = run.controls.get(branch, {}, "concurrency")
    fresh = {"picture": "fresh-1200" if weight > 1 else "face-fresh"}
    pictures = {"image_ref1": fresh, "image_ref2": fresh} if weight else {"image_ref1": fresh}
    return Request(fill(control.form | pictures, run.samples))


def serial_latency(run: Run, case: Case, branch: Branch, times: int = 3) -> float | Text:
    """Seconds that one request takes alone: the median of three. Or why a burst of them would tell nothing."""
    exchanges = [run.sender.persist(heavy(run, branch), case.id, "probe") for _ in range(times)]
    if refused := refused_of(exchanges):
        told = read(refused[0].reply).told() if refused[0].reply else str(refused[0].failure)
        return Text(f"One request alone was not accepted: {told}.", f"单独一个请求也未被接受：{told}。")
    return median_low(exchange.elapsed_ms for exchange in exchanges) / 1000


def confirmed(run: Run, case: Case, branch: Branch, count: int, longest: float) -> list[Exchange] | Text:
    """A burst that was answered as the limit says, or the last of several that were not.

    A busy target may finish one request before it takes up the last, and so admit one more: with each
    try the pictures are heavier, and a request holds its slot for longer.
    """
    limit = run.client.target.concurrency_limit or 0
    for weight in WEIGHTS:
        exchanges = burst(run, case, branch, count, longest, weight)
        if isinstance(exchanges, Text) or len(exchanges) - len(refused_of(exchanges)) == min(limit, count):
            return exchanges
    return exchanges


def burst(run: Run, case: Case, branch: Branch, count: int, longest: float, weight: int) -> list[Exchange] | Text:
    """The exchanges of one burst, or why it cannot be judged."""
    over = count - (run.client.target.concurrency_limit or count)
    dropped = 0
    for _ in range(TRIES):
        requests = [heavy(run, branch, weight) for _ in range(count)]
        try:
            exchanges, seconds = run.client.burst(requests, case=case.id, role="burst")
        except HarnessError as problem:
            return Text(
                f"A burst of {count} could not be sent: {problem}.", f"无法同时发送 {count} 个请求：{problem}。"
            )
        for exchange in exchanges:
            run.ledger.look(exchange, case.id)
        answered = all(was_answered(exchange) for exchange in exchanges)
        if seconds <= longest and answered:
            return exchanges
        dropped += are_dropped(exchanges, over)
        if not run.client.target.is_loopback and not all(exchange.reply for exchange in exchanges):
            break  # what got no reply may have been served, and is not fired again
    if dropped == TRIES:  # just those beyond the limit, each time: they are not refused but dropped
        return exchanges
    if not all(exchange.reply for exchange in exchanges):
        return Text("Some requests of a burst got no reply.", "同时发送的请求中有的没有得到应答。")
    if not answered:  # each time: then it is no accident, and judged as an answer
        return exchanges
    spread, alone = f"{seconds * 1000:.1f}", f"{longest * 2000:.1f}"
    return Text(
        f"The target is too fast to tell: the requests went out within {spread} ms, and one alone takes {alone} ms.",
        f"目标太快，无法判断：请求在 {spread} 毫秒内发完，而单个请求只需 {alone} 毫秒。",
    )


def are_dropped(exchanges: list[Exchange], over: int) -> bool:
    """Whether so many of a burst got no reply, and all others were accepted."""
    silent = sum(exchange.reply is None for exchange in exchanges)
    return silent == over > 0 and len(refused_of(exchanges)) == over


def was_answered(exchange: Exchange) -> bool:
    """Whether a request of a burst was admitted or refused. A server error is neither."""
    if exchange.reply is None:
        return False
    return exchange.reply.status < 500 or read(exchange.reply).name == "CONCURRENCY_LIMIT_EXCEEDED"


def refused_of(exchanges: list[Exchange]) -> list[Exchange]:
    """Those that were not accepted."""
    return [e for e in exchanges if e.reply is None or read(e.reply).outcome is not Outcome.ACCEPTED]


def weigh(run: Run, case: Case, exchanges: list[Exchange], limit: int, *, first: bool) -> bool:
    """Whether a burst was answered as the limit says; what was not is charged."""
    refused = refused_of(exchanges)
    due = len(exchanges) - limit
    ids = tuple(exchange.id for exchange in refused)
    for exchange in refused:
        if exchange.reply is None:
            run.ledger.take([no_reply(STATUS, exchange)], case, (exchange.id,))
            continue
        expected = Expected("refused", LIMIT, (Alternative("CONCURRENCY_LIMIT_EXCEEDED"),))
        run.judged(replace(case, expected=expected), exchange)
    if len(refused) == due:
        run.ledger.take([Check(LIMIT), Check(RELEASE)], case, ids)
        return True
    told = f"{len(exchanges) - len(refused)} of {len(exchanges)} admitted at once, the limit is {limit}"
    # Right at first and fewer later: slots that were taken did not come back.
    clause = RELEASE if len(refused) > due and not first else LIMIT
    run.ledger.take(
        [broken(clause, "limit", f"{min(limit, len(exchanges))} of {len(exchanges)} admitted", told)], case, ids
    )
    return False
