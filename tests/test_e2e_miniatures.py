"""Endpoints that are plainly wrong: never conformant, never a traceback, always a report."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from conftest import Ahead, Cli, Outcome
from jsonschema import Draft202012Validator
from miniatures import MINIATURES, serving
from test_e2e_check import ROLES, SCHEMA, page_text

LONGEST = 30  # seconds that a run against any of them may take
WORDS = {1: "not-conformant", 2: "no-verdict"}
SENTENCES = {1: "not conformant", 2: "no verdict"}


@pytest.fixture(scope="module")
def runs(ahead: Ahead, cli: Cli) -> Callable[[str], Outcome]:
    """One run for each miniature, with all that a target file can hold."""
    return ahead(lambda name: play(cli, name))


def play(cli: Cli, name: str) -> Outcome:
    """Serve a miniature and check it."""
    told = MINIATURES[name]
    with serving(told.make()) as url:
        fields = {"concurrency_limit": 2, "single_use_sign": True, **told.target}
        return cli.check("--target", cli.target(url, keys=ROLES, **fields), *told.options)


@pytest.fixture
def run(request: pytest.FixtureRequest, runs: Callable[[str], Outcome]) -> Outcome:
    """The run of the miniature that the test names."""
    return runs(request.param)


every_miniature = pytest.mark.parametrize("run", MINIATURES, indirect=True)


@pytest.mark.parametrize(
    ("run", "code"), [(name, told.code) for name, told in MINIATURES.items()], indirect=["run"], ids=list(MINIATURES)
)
def test_never_green(run: Outcome, code: int) -> None:
    """An endpoint that does not read its requests is not conformant, or cannot be judged."""
    assert run.code == run.result["exit_code"] == code, run.out + run.err
    assert run.result["verdict"] == WORDS[code]


@every_miniature
def test_ends_soon_without_a_traceback(run: Outcome) -> None:
    """A run ends within half a minute, whatever the endpoint does, and tells no traceback."""
    assert run.seconds < LONGEST
    assert "Traceback" not in run.out + run.err
    assert all(len(line) < 4_000 for line in run.err.splitlines())


@every_miniature
def test_report_is_readable(run: Outcome) -> None:
    """The record keeps the schema, and page and summary say the verdict in words."""
    sentence = SENTENCES[run.code]

    assert not list(Draft202012Validator(json.loads(SCHEMA.read_text("utf-8"))).iter_errors(run.result))
    for text in (page_text(run.text("index.html")), run.text("summary.md"), run.text("junit.xml")):
        assert sentence in text.lower()
        assert "Traceback" not in text


@pytest.mark.parametrize("run", [name for name, told in MINIATURES.items() if told.code == 2], indirect=True)
def test_no_verdict_says_why(run: Outcome) -> None:
    """Where nothing can be judged one line says what is wrong and the way out, and no clause passes or fails."""
    assert len(run.err.strip().splitlines()) == 1
    assert run.err.startswith("biztoken: ")
    assert "; " in run.err
    assert run.result["reason"]["en"]
    assert not run.earned("FAIL")


@pytest.mark.parametrize("run", ["always 200", "500 now and then"], indirect=True)
def test_acceptance_of_all_is_seen_through(run: Outcome) -> None:
    """An endpoint that accepts everything fails the clauses of every refusal."""
    due = {
        "SIGN-SIGNATURE",
        "SIGN-EXPIRY",
        "SIGN-REQUIRED",
        "UUID-REQUIRED",
        "UUID-LENGTH",
        "DENIED",
    }

    assert due <= run.earned("FAIL")


@pytest.mark.parametrize("run", ["always 400", "sound once", "sound to the probes", "always 401"], indirect=True)
def test_refusal_of_all_proves_nothing(run: Outcome) -> None:
    """An endpoint that refuses everything keeps no clause that says what must be refused."""
    refusals = {
        "SIGN-VERSION-REQUIRED",
        "SIGN-VERSION-EMPTY",
        "SIGN-SIGNATURE",
        "SIGN-EXPIRY",
        "UUID-REQUIRED",
        "UUID-LENGTH",
    }

    assert not refusals & run.earned("PASS")
    assert {case["verdict"] for case in run.result["cases"] if case["family"] == "signature"} <= {
        "FAIL",
        "UNTESTABLE",
        "OBSERVED",
        "NOT_RUN",
    }


@pytest.mark.parametrize("run", ["hangs", "closes mid-body", "closes at once"], indirect=True)
def test_silence_keeps_no_clause(run: Outcome) -> None:
    """A clause passes because of a reply that shows it: where none came, none does."""
    assert not any(row["reply"] for row in run.exchanges)
    assert not run.earned("PASS")


@pytest.mark.parametrize("run", ["random", "always 403 AUTHENTICATION_ERROR", "always 401"], indirect=True)
def test_an_answer_is_not_called_silence(run: Outcome) -> None:
    """An endpoint that answered every request is not said to have stopped answering."""
    assert all(row["reply"] for row in run.exchanges)
    assert "stopped answering" not in page_text(run.text("index.html"))
    assert "stopped answering" not in run.text("result.json")
