"""`biztoken limit` against the mock: what it prints, leaves and returns, whatever the target makes of a burst."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from conftest import Cli, Outcome

LIMIT = 5  # of the mock's active demo key
SLOW = {"id": "slow", "change": {"delay": "60ms"}}  # a request holds its slot for so long
RELEASE, LIMIT_CLAUSE = "CONCURRENCY-LIMIT-EXCEEDED-RELEASE", "CONCURRENCY-LIMIT-EXCEEDED-LIMIT"


def limited(cli: Cli, url: str, *options: object, **fields: object) -> Outcome:
    """One run against a mock; `fields` go into the target file."""
    out = cli.new_path("limit")
    return cli.run("limit", "--target", cli.target(url, **fields), "--out", out, *options, out=out)


@dataclass(frozen=True)
class Expected:
    """What one kind of target must bring about."""

    kind: str
    value: int | None
    code: int
    faults: tuple[Mapping[str, Any], ...] = ()
    options: tuple[object, ...] = ()
    contracted: int | None = None
    broken: tuple[str, ...] = ()


def also(id_: str, change: Mapping[str, Any], **when: Any) -> tuple[Mapping[str, Any], ...]:
    """The slow mock with one more fault."""
    return (SLOW, {"id": id_, "change": change, "when": when})


KINDS = {
    "limit": Expected("in-flight", LIMIT, 0, (SLOW,)),
    "picture": Expected("in-flight", LIMIT, 0, (SLOW,), ("--picture",)),
    "two workers": Expected("in-flight", LIMIT, 0, (SLOW,), ("--processes", 2)),
    "contracted": Expected("in-flight", LIMIT, 0, (SLOW,), contracted=LIMIT),
    "contracted too low": Expected("in-flight", LIMIT, 1, (SLOW,), contracted=3, broken=(LIMIT_CLAUSE,)),
    "contracted too high": Expected("in-flight", LIMIT, 1, (SLOW,), contracted=9, broken=(LIMIT_CLAUSE,)),
    "quota": Expected("quota", None, 2, also("quota", {"per_second": 10, "concurrency": None})),
    "late": Expected("late-release", LIMIT, 1, also("late", {"hold_slot": "90ms"}), broken=(RELEASE,)),
    "none": Expected("none-up-to", None, 2, also("none", {"concurrency": None}), ("--max", 12)),
    "none, contracted": Expected(
        "none-up-to", None, 1, also("none", {"concurrency": None}), ("--max", 12), LIMIT, (LIMIT_CLAUSE,)
    ),
    "429": Expected(
        "other-refusals",
        None,
        1,
        also("429", {"status": 429}, error="CONCURRENCY_LIMIT_EXCEEDED"),
        broken=("CONCURRENCY-LIMIT-EXCEEDED-STATUS",),
    ),
    "another name": Expected(
        "other-refusals",
        None,
        1,
        also("name", {"error": "TOO_MANY_REQUESTS"}, error="CONCURRENCY_LIMIT_EXCEEDED"),
        broken=("CONCURRENCY-LIMIT-EXCEEDED-NAME",),
    ),
    "a quota by its own name": Expected(
        "other-refusals",
        None,
        2,
        also("name", {"error": "AUTHORIZATION_ERROR", "detail": "LIMIT_REACHED"}, error="CONCURRENCY_LIMIT_EXCEEDED"),
    ),
    "too fast": Expected("generator-bound", None, 2, ({"id": "none", "change": {"concurrency": None}},)),
    "one token for all": Expected(
        "in-flight",
        LIMIT,
        1,
        also("token", {"set": {"biz_token": "the-same"}}, above_in_flight=2, outcome="success"),
        broken=("BIZ-TOKEN-UNIQUE",),
    ),
}


@pytest.fixture(scope="module", params=list(KINDS))
def run(request: pytest.FixtureRequest, cli: Cli) -> tuple[Expected, Outcome]:
    """A run against each kind of target, and what it must come to."""
    due = KINDS[request.param]
    fields = {"concurrency_limit": due.contracted} if due.contracted else {}
    with cli.mock(due.faults) as url:
        return due, limited(cli, url, *due.options, **fields)


def test_kind_and_value_are_right(run: tuple[Expected, Outcome]) -> None:
    """The limit is told where it is one; else what it is in its place, and no number."""
    due, done = run

    found = done.result["limit"]

    assert (found["kind"], found["value"]) == (due.kind, due.value), done.err
    assert done.code == done.result["exit_code"] == due.code


def test_what_is_broken_is_charged_to_its_clause(run: tuple[Expected, Outcome]) -> None:
    """Each reply is judged as in a check: what a target does badly in a burst is a finding, and nothing else is."""
    due, done = run

    failed = {row["id"] for row in done.result["clauses"] if row["verdict"] == "FAIL"}

    assert failed == set(due.broken)


def test_findings_have_their_exchanges(run: tuple[Expected, Outcome]) -> None:
    """An exchange that a finding names is in the records."""
    _, done = run
    recorded = {row["id"] for row in done.exchanges}

    named = {id_ for row in done.result["clauses"] for finding in row["findings"] for id_ in finding["exchanges"]}

    assert named <= recorded


def test_sentence_is_printed_and_why_it_is_none(run: tuple[Expected, Outcome]) -> None:
    """Standard output begins with the answer or its reason, and the record has it in both languages."""
    due, done = run

    assert done.out.splitlines()[0] == done.result["sentence"]["en"]
    if due.kind == "in-flight":
        assert done.out.startswith(
            f"limit {LIMIT} ({LIMIT} of {LIMIT} admitted 3 times, the 6th refused 3 times), recovery "
        )
        assert " ms, false refusals below the limit 0 of " in done.out
    else:
        assert done.result["reason"]["en"] in done.out


def test_every_request_is_accounted_for(run: tuple[Expected, Outcome]) -> None:
    """What was spent is what the bursts hold, and a handful before them."""
    _, done = run
    bursts = done.result["bursts"]

    assert all(burst["n"] == burst["ok"] + burst["refused"] + sum(burst["other"].values()) for burst in bursts)
    alone = done.result["requests"] - sum(burst["n"] for burst in bursts)
    assert 6 <= alone <= 7
    assert done.result["budget"]["spent"] == done.result["requests"]


def test_contracted_limit_is_verified_with_6l_plus_3(cli: Cli) -> None:
    """Three bursts of L and three of one more are all, each pair back to back."""
    with cli.mock([SLOW]) as url:
        done = limited(cli, url, concurrency_limit=LIMIT)

    bursts = done.result["bursts"]
    assert done.result["contracted"] == {"limit": LIMIT, "kept": True}
    assert [burst["purpose"] for burst in bursts] == ["confirm-L", "confirm-L+1"] * 3
    assert sum(burst["n"] for burst in bursts) == 6 * LIMIT + 3


def test_planner_is_answered(cli: Cli) -> None:
    """Arrivals times service time is held against what was found."""
    with cli.mock([SLOW]) as url:
        done = limited(cli, url, "--arrivals", 40, concurrency_limit=LIMIT)

    planner = done.result["planner"]
    assert (done.code, planner["enough"]) == (0, True)
    assert planner["found"] == LIMIT
    assert planner["needed"] == pytest.approx(40 * planner["service_s"])
    assert planner["margin"] == pytest.approx(LIMIT - planner["needed"])
    assert "found" in done.out.splitlines()[1]


def test_limit_that_is_not_enough_is_not_passed(cli: Cli) -> None:
    """Who asks whether it is enough and is told no gets exit code 1, with the reason in every record."""
    with cli.mock([SLOW]) as url:
        done = limited(cli, url, "--arrivals", 400, concurrency_limit=LIMIT)

    assert done.code == done.result["exit_code"] == 1
    assert done.result["verdict"] == "not-passed"
    assert "not enough at the peak" in done.result["reason"]["en"]
    assert "不够用" in done.result["reason"]["zh"]
    assert done.result["contracted"]["kept"] is True
    assert "not enough at the peak" in done.out.splitlines()[-3]
    junit = (done.directory / "junit.xml").read_text("utf-8")
    assert junit.count("<failure") == 2  # the verdict and the need


@pytest.mark.parametrize("arrivals", ["nan", "inf", "1e9"])
def test_arrivals_that_no_peak_has_are_refused(cli: Cli, plain_mock: str, arrivals: str) -> None:
    """One sentence that names the option, and nothing is sent."""
    done = limited(cli, plain_mock, "--arrivals", arrivals)

    assert done.code == 2
    assert done.err.startswith(f"biztoken: --arrivals {float(arrivals):g}: ")
    assert len(done.err.splitlines()) == 1


def test_output_in_chinese(cli: Cli) -> None:
    """What people read is in their language."""
    with cli.mock([SLOW]) as url:
        done = limited(cli, url, "--lang", "zh", concurrency_limit=LIMIT)

    assert done.out.startswith(f"并发上限 {LIMIT}（{LIMIT} 个全部被接受 3 次，第 6 个被拒绝 3 次），恢复 ")
    assert "同时 5 个" in done.err


@pytest.mark.parametrize("budget", [1, 6, 20])
def test_budget_is_never_exceeded(cli: Cli, budget: int) -> None:
    """A burst for which the budget does not suffice is not begun, and the run says so."""
    with cli.mock([SLOW]) as url:
        done = limited(cli, url, "--budget", budget)

    assert done.code == 3
    assert done.result["verdict"] == "incomplete"
    assert done.result["requests"] <= budget
    assert len(done.exchanges) <= budget
    assert "budget" in done.out


def test_only_what_was_sent_is_spent(cli: Cli) -> None:
    """Of two bursts that follow at once none is spent where the budget does not suffice for both."""
    with cli.mock([SLOW]) as url:
        done = limited(cli, url, "--budget", 35)

    alone = done.result["requests"] - sum(burst["n"] for burst in done.result["bursts"])
    assert done.code == 3
    assert 6 <= alone <= 7


def test_target_elsewhere_needs_the_leave_of_its_owner(cli: Cli) -> None:
    """Nothing is sent to a target that is not on this machine unless its file allows load."""
    done = limited(cli, "http://192.0.2.1/faceid/v3/sdk/get_biz_token")

    assert done.code == 2
    assert "allow_load: true" in done.err
    assert not (done.directory / "result.json").exists()


def test_ceilings_of_the_file_hold(cli: Cli) -> None:
    """max_requests ends the run before one too many; max_rate bounds the greatest burst."""
    with cli.mock([SLOW]) as url:
        spent = limited(cli, url, max_requests=15)
        narrow = limited(cli, url, max_rate=4)
        impossible = limited(cli, url, max_rate=4, concurrency_limit=LIMIT)

    assert (spent.code, spent.result["requests"] <= 15) == (3, True)
    assert max(burst["n"] for burst in narrow.result["bursts"]) <= 4
    assert narrow.result["limit"]["value"] is None
    assert "needs a greater max_rate" in narrow.result["reason"]["en"]
    assert (impossible.code, "max_rate" in impossible.err) == (2, True)


def test_key_that_does_not_work_is_told_before_any_burst(cli: Cli, plain_mock: str) -> None:
    """The doctor looks first: a wrong key is one sentence, and no burst; the record says the same."""
    done = limited(cli, plain_mock, active="discontinued")

    assert done.code == done.result["exit_code"] == 2
    assert done.err.startswith("biztoken: ")
    assert "Traceback" not in done.err
    assert (done.result["verdict"], done.result["complete"], done.result["bursts"]) == ("no-verdict", False, [])
    assert done.err == f"biztoken: {done.result['reason']['en']}\n"
    assert (done.directory / "index.html").is_file()


def test_interrupted_run_leaves_what_it_saw(cli: Cli) -> None:
    """Ctrl-C ends the run with its records and reports, as incomplete."""
    out = cli.new_path("limit")
    with cli.mock([{"id": "slow", "change": {"delay": "300ms"}}]) as url:
        running = cli.start(("limit", "--target", cli.target(url), "--out", out), out)
        evidence = out / "evidence.ndjson"
        # The first burst is kept once the second is recorded.
        second = re.compile(r'"burst": ?{"number": ?2\b')
        running.wait_until(lambda: evidence.exists() and second.search(evidence.read_text("utf-8")) is not None)
        os.kill(running.process.pid, signal.SIGINT)
        done = running.end()

    assert done.code == 3
    assert done.result["verdict"] == "incomplete"
    assert done.result["complete"] is False
    assert done.result["bursts"]
    assert (out / "index.html").exists()
    assert "Traceback" not in done.err


def test_embedded_mock_is_tested_without_a_target(cli: Cli) -> None:
    """The command alone shows what it does."""
    out = cli.new_path("limit")

    done = cli.run("limit", "--out", out, out=out)

    assert (done.code, done.result["limit"]["value"]) == (0, LIMIT)


def test_nothing_private_is_left(cli: Cli) -> None:
    """No record or report holds a secret, a name or an ID number."""
    with cli.mock([SLOW]) as url:
        done = limited(cli, url, person={"idcard_name": "张三丰某某", "idcard_number": "990101199001011234"})

    texts = [path.read_text("utf-8") for path in done.directory.iterdir()] + [done.out, done.err]
    assert done.code == 0
    for private in ("张三丰某某", "990101199001011234", "demo-secret"):
        assert not any(private in text for text in texts)
