"""A budget is never overspent: by no case, repetition, burst or resumed run; and what it left out is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import Ahead, Cli, Outcome
from test_e2e_check import page_text

from biztoken.budget import Budget, OutOfBudgetError

PROBES = 8  # the preflight sends one request for each combination of comparison and liveness type
LIMIT = 5  # of the demo key


# --- the ledger


def test_budget_is_spent_to_the_last_request() -> None:
    """As many requests as there are may be spent, one by one or together."""
    budget = Budget(6)

    budget.take()
    budget.take(5)

    assert budget.spent == 6


@pytest.mark.parametrize("count", [1, 2])
def test_one_too_many_is_refused_and_spends_nothing(count: int) -> None:
    """Requests for which the budget does not suffice are refused together, and the rest stays."""
    budget = Budget(6, 6 - count + 1)

    with pytest.raises(OutOfBudgetError):
        budget.take(count)

    assert budget.spent == 6 - count + 1


def test_without_a_budget_all_is_counted_and_nothing_refused() -> None:
    """Where there is no budget, what was sent is still known."""
    budget = Budget()

    budget.take(10**6)

    assert budget.spent == 10**6


@pytest.mark.parametrize(("chosen", "words"), [(True, "The budget of 2"), (False, "never sends more than 2")])
def test_reason_says_whose_budget_it_was(chosen: bool, words: str) -> None:
    """Whether the user or the plan set the limit is told, in both languages, with its number and its word."""
    with pytest.raises(OutOfBudgetError) as caught:
        Budget(2, 2, chosen=chosen).take()

    assert words in caught.value.reason.en
    for text in (caught.value.reason.en, caught.value.reason.zh):
        assert "2" in text
        assert "(budget)" in text.replace("（", "(").replace("）", ")")


# --- runs

LONGER_UUID = {"id": "uuid", "change": {"contract": {"parameters": {"uuid": {"max_bytes": 129}}}}}
FAILING_ONCE = {"id": "once", "when": {"after": PROBES}, "change": {"error": "INTERNAL_ERROR"}, "times": 1}
# Neither a request nor its control is answered, however often they are sent; then all is well.
SILENT = {"id": "silent", "when": {"after": PROBES + 1}, "change": {"close": "before"}, "times": 5}
TROUBLED = ("--select", "UUID-LENGTH")
UUID, BISECTION = ("--select", "UUID-LENGTH or BIZ-NO-LENGTH"), ("--select", "quality-bisection")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run, on a mock with which fault, and the budgets of the run and of those that resume it.

    `sent`: requests after each. `codes`: the exit codes.
    """

    select: tuple[str, ...]
    budgets: tuple[int, ...]
    sent: tuple[int, ...]
    codes: tuple[int, ...]
    faults: tuple[Mapping[str, Any], ...] = ()


PLANS = {
    "in the preflight": Plan(UUID, (3, 200), (3, -1), (3, 0)),
    "in a case": Plan(BISECTION, (PROBES + 5, 200), (PROBES + 5, -1), (3, 0)),
    "in the burst": Plan(("--select", "concurrency"), (PROBES + 1 + 3 + LIMIT - 1,), (PROBES + 1 + 3,), (3,)),
    "resumed with the same": Plan(BISECTION, (PROBES + 5, PROBES + 5), (PROBES + 5, PROBES + 5), (3, 3)),
    "twice": Plan(BISECTION, (PROBES + 5, PROBES + 9, 200), (PROBES + 5, PROBES + 9, -1), (3, 3, 0)),
    "spent on a repetition": Plan(
        ("--select", "uuid-one-character"), (PROBES + 2,), (PROBES + 2,), (3,), (FAILING_ONCE,)
    ),
    "after a finding": Plan(UUID, (PROBES + 7, PROBES + 7), (PROBES + 7, PROBES + 7), (1, 1), (LONGER_UUID,)),
    "trouble before a finding": Plan(TROUBLED, (PROBES + 12,) * 2, (PROBES + 12,) * 2, (1, 1), (SILENT, LONGER_UUID)),
}


@pytest.fixture(scope="module")
def runs(ahead: Ahead, cli: Cli) -> Callable[[str], list[Outcome]]:
    """The runs of each plan: the first, and those that resumed it."""
    return ahead(lambda name: play(cli, PLANS[name]))


def play(cli: Cli, plan: Plan) -> list[Outcome]:
    """Run a plan with its first budget, and resume it with each of the others."""
    with cli.mock(plan.faults) as url:
        target = cli.target(url, concurrency_limit=LIMIT)
        out = cli.new_path("run")
        done = []
        for budget in plan.budgets:
            which = ("--resume", out) if done else ("--target", target, "--out", out, *plan.select)
            run = cli.run("check", *which, "--budget", budget, out=out)
            done.append(kept(run, cli.new_path("copy")))
    return done


def kept(run: Outcome, place: Path) -> Outcome:
    """The outcome with a copy of its records, which the next run goes on with."""
    place.mkdir()
    for path in run.directory.iterdir():
        (place / path.name).write_bytes(path.read_bytes())
    return Outcome(run.code, run.out, run.err, run.seconds, place)


@pytest.fixture
def run(request: pytest.FixtureRequest, runs: Callable[[str], list[Outcome]]) -> list[Outcome]:
    """The runs that the test names."""
    return runs(request.param)


every_plan = pytest.mark.parametrize(("run", "plan"), PLANS.items(), indirect=["run"], ids=list(PLANS))
MENTIONED = [name for name, plan in PLANS.items() if plan.codes[0] == 3]


@every_plan
def test_budget_is_kept(run: list[Outcome], plan: Plan) -> None:
    """No run sends more than its budget, whatever was sent before, and what was sent is what is on record."""
    for each, budget, sent, code in zip(run, plan.budgets, plan.sent, plan.codes, strict=True):
        assert each.code == each.result["exit_code"] == code, each.out + each.err
        assert each.result["requests"] == len(each.exchanges) <= budget
        assert sent in (-1, each.result["requests"])
        assert each.result["budget"] == {"most": budget, "spent": len(each.exchanges), "chosen": True}
        assert "Traceback" not in each.out + each.err


@pytest.mark.parametrize("run", MENTIONED, indirect=True)
def test_what_the_budget_left_out_is_told(run: list[Outcome]) -> None:
    """Cases that the budget did not reach are NOT_RUN for that reason, the run is incomplete, each report says so."""
    first = run[0]
    left = [case for case in first.result["cases"] if case["verdict"] == "NOT_RUN"]

    assert left
    assert all("(budget)" in case["reason"]["en"] for case in left)
    assert "NOT_RUN" in {first.verdicts[case["clause"]] for case in left}
    assert (first.result["verdict"], first.result["complete"]) == ("incomplete", False)
    for text in (page_text(first.text("index.html")), first.text("summary.md"), first.out, first.text("junit.xml")):
        assert "(budget)" in text


@pytest.mark.parametrize("run", ["in a case"], indirect=True)
def test_case_that_the_budget_ended_has_no_verdict(run: list[Outcome]) -> None:
    """A case that is stopped half way is not judged by the half, and none of its requests is lost from the record."""
    sent = [row for row in run[0].exchanges if row["case"] == "quality-bisection"]

    assert len(sent) == 4
    assert run[0].case("quality-bisection")["verdict"] == "NOT_RUN"
    assert run[0].text("cases.ndjson") == ""


@pytest.mark.parametrize("run", ["in the burst"], indirect=True)
def test_burst_is_sent_whole_or_not_at_all(run: list[Outcome]) -> None:
    """A burst that is larger than what is left is not begun."""
    assert not [row for row in run[0].exchanges if row["role"] == "burst"]


@pytest.mark.parametrize("run", ["in the preflight", "in a case", "twice"], indirect=True)
def test_larger_budget_lets_the_run_end(run: list[Outcome]) -> None:
    """Resumed with a budget that suffices, a run ends as it would have, having repeated the unfinished case alone."""
    last = run[-1]
    dropped = {id_ for row in rows_of(last, "resumes.ndjson") for id_ in row["dropped"]}
    price = rows_of(last, "plan.json")[0]["requests"]

    assert (last.result["verdict"], last.result["complete"]) == ("conformant", True)
    assert last.result["requests"] == price + len(dropped)
    assert {row["case"] for row in last.exchanges if row["id"] in dropped} <= {"quality-bisection"}


@pytest.mark.parametrize("run", ["resumed with the same", "after a finding"], indirect=True)
def test_same_budget_sends_nothing(run: list[Outcome]) -> None:
    """Resumed with the budget that is spent, a run sends nothing and says what it said."""
    assert run[1].text("evidence.ndjson") == run[0].text("evidence.ndjson")
    assert verdicts_of(run[1]) == verdicts_of(run[0])
    assert run[1].result["reason"] == run[0].result["reason"]


@pytest.mark.parametrize("run", ["spent on a repetition"], indirect=True)
def test_repetitions_are_paid_for(run: list[Outcome]) -> None:
    """A request that is sent again is a second one: the case for which it was meant has to wait."""
    assert [row["attempt"] for row in run[0].exchanges[PROBES:]] == [1, 2]
    assert run[0].case("uuid-one-character")["verdict"] == "NOT_RUN"


@pytest.mark.parametrize("run", ["after a finding"], indirect=True)
def test_finding_before_the_end_fails(run: list[Outcome]) -> None:
    """A MUST that was broken before the budget was spent keeps exit 1, also when the run is resumed in vain."""
    for each in run:
        assert (each.result["verdict"], each.result["complete"]) == ("not-conformant", False)
        assert each.earned("FAIL") == {"UUID-LENGTH"}
        assert "NOT_RUN" in {case["verdict"] for case in each.result["cases"]}


@pytest.mark.parametrize("run", ["trouble before a finding"], indirect=True)
def test_finding_on_record_still_fails(run: list[Outcome]) -> None:
    """A case that met trouble and cannot be paid for again keeps no later one, which is on record, from its verdict."""
    first, second = map(verdicts_of, run)
    troubled = {name for name, verdict in first.items() if verdict == "HARNESS"}

    assert len(troubled) == 1
    assert second == first | dict.fromkeys(troubled, "NOT_RUN")
    assert "FAIL" in second.values()


def verdicts_of(run: Outcome) -> dict[str, str]:
    """The verdict of each case."""
    return {case["id"]: case["verdict"] for case in run.result["cases"]}


def rows_of(run: Outcome, name: str) -> list[dict[str, Any]]:
    """The records of a file."""
    text = run.text(name)
    return [json.loads(text)] if name.endswith(".json") else [json.loads(line) for line in text.split("\n") if line]
