"""Schemathesis draws requests from flat views of the contract; each is signed, sent and judged as any other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from biztoken.cases import Branch, Case
from biztoken.client import Request
from biztoken.fuzz import Drawn, Picture, View, clause_against, draw, expectation, views
from biztoken.judge import Expected, answer
from biztoken.model import Verdict
from biztoken.pytest_plugin import report
from biztoken.reading import Outcome, read
from biztoken.sender import NoisyReplyError, harness_text, no_reply
from biztoken.verdicts import Text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from biztoken.model import Exchange, Value
    from biztoken.runner import Run
    from biztoken.settings import Target
    from biztoken.suite import Suite
    from biztoken.verdicts import CaseResult

CLAUSE = "FORM-DATA"


def test_fuzz(case: Case, suite: Suite) -> None:
    """No drawn request finds a reply that breaks the contract."""
    report(suite, case)


def planned(suite: Suite) -> list[Case]:
    """One case for each view; none where there is to be no fuzzing."""
    if not suite.fuzz_examples:
        return []
    return [_case(view, suite.fuzz_examples, suite.options.seed) for view in views(suite.contract)]


test_fuzz.cases = planned  # type: ignore[attr-defined]


def _case(view: View, examples: int, seed: int) -> Case:
    def play(run: Run, case: Case, branch: Branch) -> CaseResult:
        return explore(run, case, branch, draw(view, examples=examples, seed=seed))

    where = {name: (value,) for name, value in view.fixed.items()}

    def requests(_target: Target) -> int:
        return sum(1 for _ in draw(view, examples=examples, seed=seed))

    return Case(view.id, CLAUSE, "fuzz", Expected("fuzz", CLAUSE), where, play=play, requests=requests)


def explore(run: Run, case: Case, branch: Branch, drawings: Iterable[Drawn]) -> CaseResult:
    """Send everything that is drawn. No finding ends it; a view without one 200 has tested nothing."""
    sent = accepted = noisy = 0
    before = set(run.ledger.tally.charges)
    for drawn in drawings:
        request = Request(tuple((name, _value(run, value)) for name, value in drawn.form))
        expected = expectation(drawn, run.contract)
        try:
            exchange = run.sender.attempt(request, case.id, "fuzz", tolerated=expected)
        except NoisyReplyError:
            noisy += 1
            continue
        sent += 1
        if exchange.reply is None:
            again = run.controls.repeat(run.controls.get(branch, {}, "fuzz"), case)
            if again is None:
                return run.result(case, Verdict.HARNESS, harness_text(exchange), (exchange.id,))
            if expected.kind != "observe":
                run.ledger.take([no_reply(expected.clause, exchange)], _told(case, drawn), (again.id, exchange.id))
            continue
        accepted += read(exchange.reply).outcome is Outcome.ACCEPTED
        _judge(run, case, drawn, expected, exchange)
    told = f"{case.id}: {sent} requests, {accepted} accepted"
    run.ledger.notes.append(Text(told, f"{case.id}：{sent} 个请求，{accepted} 个被接受"))
    found = {charge[0] for charge in set(run.ledger.tally.charges) - before}
    if any(run.contract.clauses[clause].level == "MUST" for clause in found):
        return run.result(case, Verdict.FAIL, Text(f"{told}.", f"{told}。"))
    if not accepted or noisy > sent:
        reason = Text(f"{told}: too few to tell.", f"{told}：不足以判断。")
        return run.result(case, Verdict.UNTESTABLE, reason)
    return run.result(case, Verdict.PASS)


def _value(run: Run, value: str | Picture) -> Value:
    return run.samples.pictures.get(value.label) if isinstance(value, Picture) else value


def _judge(run: Run, case: Case, drawn: Drawn, expected: Expected, exchange: Exchange) -> None:
    assert exchange.reply is not None
    reading = read(exchange.reply)
    if expected.kind == "accepted" and reading.outcome is Outcome.REFUSED:
        expected = replace(expected, clause=clause_against(drawn, reading.detail, run.contract))
    checks = list(answer(exchange.reply, reading, expected, run.contract))
    run.ledger.take(checks, _told(case, drawn), (exchange.id,))


def _told(case: Case, drawn: Drawn) -> Case:
    """The case as this request differs from a sound one."""
    form = dict(drawn.form)
    names = [broken.parameter for broken in drawn.broken]
    changed = {name: _shown(form[name]) for name in names if name in form}
    return replace(case, set=changed, drop=tuple(name for name in names if name not in form))


def _shown(value: str | Picture) -> object:
    return {"picture": value.label} if isinstance(value, Picture) else value
