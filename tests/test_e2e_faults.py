"""Faults of a mock, each of which must break exactly the clauses that it is said to break."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from conftest import Ahead, Cli, Outcome
from test_e2e_check import page_text

# Pictures and the burst take most of the time of a run; what concerns neither is tested without them.
DOCUMENTS = ("--plan", "quick", "--select", "not images and not sequences and not concurrency")
# What every reply must be shows in any of them.
SOME = ("--plan", "quick", "--select", "signature or reply or protocol")
# What concerns a few parameters shows in these, and what it must leave alone beside it.
FEW = ("--plan", "quick", "--select", "signature or uuid or biz or liveness or missing or empty")
TOKEN = "1795460573,mock-00000000-0000-4000-8000-000000000000"
INTERNAL = {"error": "INTERNAL_ERROR"}
BUSY = {"error": "CONCURRENCY_LIMIT_EXCEEDED"}
ONE_CHARACTER = {"match": {"biz_no": "^.$"}}


@dataclass(frozen=True, slots=True)
class Fault:
    """What a mock does wrong, the clauses that this breaks, all of them MUST, and the exit code."""

    change: Mapping[str, Any]
    when: Mapping[str, Any]
    breaks: tuple[str, ...]
    code: int
    times: int | None
    options: tuple[str, ...]


def fault(
    *breaks: str,
    change: Mapping[str, Any],
    when: Mapping[str, Any] | None = None,
    code: int | None = None,
    times: int | None = None,
    options: tuple[str, ...] = DOCUMENTS,
) -> Fault:
    """A fault; the exit code is 1 where it breaks a clause and 0 where it breaks none, unless `code` says otherwise."""
    return Fault(change, when or {}, breaks, int(bool(breaks)) if code is None else code, times, options)


FAULTS = {
    "wrong status": fault(
        "MISSING-ARGUMENTS-STATUS", when={"error": "MISSING_ARGUMENTS"}, change={"status": 422}, options=FEW
    ),
    "detail missing": fault(
        "BAD-ARGUMENTS-DETAIL", when={"error": "BAD_ARGUMENTS"}, change={"detail": ""}, options=FEW
    ),
    "request_id missing on errors": fault(
        "REQUEST-ID-ON-ERROR", when={"outcome": "failure"}, change={"drop": ["request_id"]}, options=SOME
    ),
    # The vocabulary of faults allows one name in place of a list.
    "request_id missing on errors, as one name": fault(
        "REQUEST-ID-ON-ERROR", when={"outcome": "failure"}, change={"drop": "request_id"}, options=("--select", "129")
    ),
    "time_used a string": fault("TIME-USED-TYPE", change={"set": {"time_used": "12"}}, options=SOME),
    "biz_token repeated": fault(
        "BIZ-TOKEN-UNIQUE", when={"outcome": "success"}, change={"set": {"biz_token": TOKEN}}, options=SOME
    ),
    "expired sign accepted": fault("SIGN-EXPIRY", when={"cause": "expired"}, change={"accept": True}, options=SOME),
    "faces unasked": fault("FACES-ABSENT", when={"lacks": "return_faces"}, change={"set": {"faces": []}}, options=SOME),
    "uuid of 129 bytes accepted": fault(
        "UUID-LENGTH", change={"contract": {"parameters": {"uuid": {"max_bytes": 129}}}}, options=FEW
    ),
    "name wrong": fault(
        "NO-FACE-FOUND-NAME",
        when={"error": "NO_FACE_FOUND"},
        change={"error": "FACE_NOT_FOUND"},
        options=("--select", "no-face or turned or faces"),
    ),
    "closed for one field": fault(
        "LIVENESS-ACTION-COUNT-RANGE",
        when={"match": {"liveness_action_count": "^3$"}},
        change={"close": "before"},
        options=FEW,
    ),
    "413 as JSON": fault(
        "REQUEST-ENTITY-TOO-LARGE-BODY",
        when={"cause": "body-too-large"},
        change={"body": '{"error": "Request Entity Too Large"}', "content_type": "application/json"},
        options=("--select", "uploads"),
    ),
    "500 lasting": fault("INTERNAL-ERROR", when={"every": 10}, change=INTERNAL, options=SOME),
    "500 for one field": fault(
        "LIVENESS-ACTION-COUNT-RANGE",
        when={"match": {"liveness_action_count": "^3$"}},
        change=INTERNAL,
        options=FEW,
    ),
    "500 once": fault(when={"after": 40}, change=INTERNAL, times=1, options=SOME),
    "busy twice": fault(when=ONE_CHARACTER, change=BUSY, times=2),
    "busy twice in a selection": fault(when=ONE_CHARACTER, change=BUSY, times=2, options=("--select", "BIZ-NO-LENGTH")),
    "busy for ever": fault(when=ONE_CHARACTER, change=BUSY, code=3, options=("--select", "BIZ-NO-LENGTH")),
    "HTML in every twentieth": fault(
        "JSON-BODY", when={"every": 20}, change={"body": "<html>Bad Gateway</html>", "content_type": "text/html"}
    ),
    "errors with status 200": fault(
        "API-NOT-FOUND-STATUS",
        "AUTHENTICATION-ERROR-STATUS",
        "AUTHORIZATION-ERROR-STATUS",
        "BAD-ARGUMENTS-STATUS",
        "LOW-QUALITY-STATUS",
        "MISSING-ARGUMENTS-STATUS",
        "MULTIPLE-FACES-STATUS",
        "NO-FACE-FOUND-STATUS",
        when={"outcome": "failure"},
        change={"status": 200},
    ),
}


@pytest.fixture(scope="module")
def runs(ahead: Ahead, cli: Cli) -> Callable[[str], Outcome]:
    """One run for each fault, against a mock of its own."""
    return ahead(lambda name: play(cli, name))


def play(cli: Cli, name: str) -> Outcome:
    """Serve a fault from a file and check the mock that has it."""
    told = FAULTS[name]
    entry = {"id": "the-fault", "when": dict(told.when), "change": dict(told.change), "times": told.times}
    with cli.mock([entry]) as url:
        return cli.check("--target", cli.target(url), *told.options)


@pytest.fixture
def run(request: pytest.FixtureRequest, runs: Callable[[str], Outcome]) -> Outcome:
    """The run of the fault that the test names."""
    return runs(request.param)


@pytest.mark.parametrize(("run", "told"), FAULTS.items(), indirect=["run"], ids=list(FAULTS))
def test_fault_breaks_its_clauses(run: Outcome, told: Fault) -> None:
    """A fault breaks exactly the clauses that it is about, and the exit code follows."""
    assert run.earned("FAIL") == set(told.breaks), run.out
    assert not run.earned("WARN")
    assert not run.earned("HARNESS")
    assert run.code == run.result["exit_code"] == told.code
    assert "Traceback" not in run.out + run.err


@pytest.mark.parametrize("run", [name for name, told in FAULTS.items() if told.breaks], indirect=True)
def test_findings_read_alone(run: Outcome) -> None:
    """Every broken clause has a finding with expected and received, and stands on the page and in the summary."""
    known = {row["id"] for row in run.exchanges}
    page, summary = page_text(run.text("index.html")), run.text("summary.md")

    for name in run.earned("FAIL"):
        clause = run.clause(name)
        assert clause["findings"], name
        assert name in page
        assert name in summary
        for finding in clause["findings"]:
            assert finding["expected"], name
            assert finding["received"] != finding["expected"]
            assert set(finding["exchanges"]) <= known


@pytest.mark.parametrize("run", ["500 once"], indirect=True)
def test_one_server_error_is_noted(run: Outcome) -> None:
    """A single 500 is sent again and noted, and breaks nothing."""
    again = next(row for row in run.exchanges if row["attempt"] == 2)
    first = run.exchanges[again["id"] - 2]

    assert first["reply"]["status"] == 500
    assert (first["case"], first["request"]["fields"]) == (again["case"], again["request"]["fields"])
    assert again["reply"]["status"] != 500
    assert "INTERNAL_ERROR" in run.result["notes"][0]["en"]
    assert "INTERNAL_ERROR" in run.out
    assert run.verdicts["INTERNAL-ERROR"] == "PASS"


@pytest.mark.parametrize("run", ["busy twice", "busy twice in a selection"], indirect=True)
def test_noise_is_repeated_later(run: Outcome) -> None:
    """A case that met the concurrency limit is repeated after the others, and judged by the quiet answer."""
    sent = [row for row in run.exchanges if row["case"] == "biz-no-one-character" and row["role"] == "defect"]

    assert [row["reply"]["status"] for row in sent] == [403, 403, 200]
    assert sent[1]["id"] > max(row["id"] for row in run.exchanges if row not in sent)
    assert run.case("biz-no-one-character")["verdict"] == "PASS"


@pytest.mark.parametrize("run", ["busy for ever"], indirect=True)
def test_lasting_noise_is_no_verdict(run: Outcome) -> None:
    """After three repetitions the case is untestable and the run incomplete, not failed."""
    sent = [row for row in run.exchanges if row["case"] == "biz-no-one-character" and row["role"] == "defect"]

    assert len(sent) == 4
    assert run.case("biz-no-one-character")["verdict"] == "UNTESTABLE"
    assert run.verdicts["BIZ-NO-LENGTH"] == "UNTESTABLE"
    assert run.result["complete"] is False
    assert run.result["verdict"] == "incomplete"


@pytest.mark.parametrize("run", ["errors with status 200"], indirect=True)
def test_shared_cause_is_said_once_and_first(run: Outcome) -> None:
    """Clauses that one mistake breaks stand under one cause, which comes before any of them."""
    (cause,) = run.result["causes"]
    page = page_text(run.text("index.html"))

    assert set(cause["clauses"]) == run.earned("FAIL")
    assert {finding["cause"] for name in run.earned("FAIL") for finding in run.clause(name)["findings"]} == {
        cause["id"]
    }
    for text in (run.out, run.text("summary.md")):
        assert text.count(cause["en"].rstrip(".")) == 1
    body = page[page.index(cause["en"].rstrip(".")) :]
    for name in run.earned("FAIL"):
        assert name in body


@pytest.mark.parametrize("run", ["HTML in every twentieth"], indirect=True)
def test_unreadable_reply_judges_nothing_else(run: Outcome) -> None:
    """A case that got no JSON is untestable for its own clause; nobody is blamed for what was not said."""
    unread = {row["case"] for row in run.exchanges if "<html>" in row["reply"]["body"] and row["role"] == "defect"}

    assert len(unread) > 5
    assert {run.case(name)["verdict"] for name in unread} <= {"UNTESTABLE", "OBSERVED"}
    assert sum(finding["count"] for finding in run.clause("JSON-BODY")["findings"]) >= len(unread)


QUOTA = {"error": "AUTHORIZATION_ERROR", "detail": "LIMIT_REACHED"}


@pytest.mark.parametrize(("when", "earned"), [(QUOTA, "FAIL"), ({"outcome": "failure"}, "UNTESTABLE")])
def test_quota_told_as_busy_is_a_finding_where_nothing_else_is_busy(
    cli: Cli, when: Mapping[str, object], earned: str
) -> None:
    """Where the key that all other cases use is refused as one too many, too, others may be at work."""
    entry = {"id": "the-fault", "when": dict(when), "change": BUSY | {"detail": ""}}
    with cli.mock([entry]) as url:
        target = cli.target(url, keys=("active", "denied", "quota_reached"))
        selected = "LIMIT-REACHED or DENIED or biz-no-129-bytes-ascii"
        run = cli.check("--target", target, "--select", selected, "--budget", "60")

    assert run.case("key-quota-reached")["verdict"] == earned
    assert run.code == {"FAIL": 1, "UNTESTABLE": 3}[earned]
