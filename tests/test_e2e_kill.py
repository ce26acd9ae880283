"""A run that is killed or interrupted: a record that says so, a report that can be read, nothing left running."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import pytest
from conftest import LONGEST, Ahead, Cli, Outcome, Running, wait_until
from jsonschema import Draft202012Validator
from test_e2e_check import SCHEMA, page_text

PLAN = ("--plan", "quick")
# After so many recorded exchanges a run is killed: anywhere between its first request and its last family.
MOMENTS = [str(moment) for moment in sorted(Random(20).sample(range(1, 330), 10))]
LONGER_UUID = {"id": "uuid", "change": {"contract": {"parameters": {"uuid": {"max_bytes": 129}}}}}


def lines_of(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a file of records; none where there is no file yet."""
    lines = path.read_text("utf-8").splitlines(True) if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def count_lines(path: Path) -> int:
    """How many whole lines a file has."""
    return path.read_bytes().count(b"\n") if path.exists() else 0


def is_free(url: str) -> bool:
    """Whether nobody listens there any more."""
    parts = urlsplit(url)
    with socket.socket() as attempt:
        attempt.settimeout(5)
        return attempt.connect_ex((parts.hostname, parts.port)) != 0


@dataclass(frozen=True, slots=True)
class Killed:
    """What a killed run left: its record, its finished cases, its page, and what `biztoken report` made of them."""

    record: dict[str, Any]
    finished: list[dict[str, Any]]
    page: str
    report: Outcome


@pytest.fixture(scope="module")
def runs(ahead: Ahead, cli: Cli) -> Callable[[str], Any]:
    """One run for each moment at which it is killed, and one for each way to interrupt it."""
    return ahead(lambda name: interrupted(cli, *STOPS[name]) if name in STOPS else killed(cli, int(name)))


def killed(cli: Cli, moment: int) -> Killed:
    """Kill a run on the embedded mock once so many exchanges are recorded; the mock must end by itself."""
    with cli.started(*PLAN) as running:
        directory = running.directory
        running.wait_until(lambda: count_lines(directory / "evidence.ndjson") >= moment)
        running.process.kill()
        running.end()
    record = json.loads((directory / "result.json").read_text("utf-8"))
    wait_until(lambda: is_free(record["target"]["url"]))
    page = (directory / "index.html").read_text("utf-8") if (directory / "index.html").exists() else ""
    return Killed(record, lines_of(directory / "cases.ndjson"), page, cli.run("report", directory, out=directory))


def by_terminal(running: Running) -> None:
    """As Ctrl-C does: every process of the group gets it, the embedded mock as well."""
    os.killpg(running.process.pid, signal.SIGINT)


def by_supervisor(running: Running) -> None:
    """As a CI does that ends a job: the command gets it."""
    running.process.terminate()


STOPS = {
    "SIGINT": (by_terminal, False),
    "SIGTERM": (by_supervisor, False),
    "SIGINT, broken": (by_terminal, True),
    "SIGTERM, broken": (by_supervisor, True),
}


def interrupted(cli: Cli, stop: Callable[[Running], None], is_broken: bool) -> Outcome:
    """Interrupt a run once some arguments were tested, and wait for its end."""
    with ExitStack() as stack:
        target = ("--target", cli.target(stack.enter_context(cli.mock([LONGER_UUID])))) if is_broken else ()
        # The full plan: a signal that is late on a busy machine still comes long before its end.
        running = stack.enter_context(cli.started(*target))
        cases = running.directory / "cases.ndjson"
        running.wait_until(lambda: cases.exists() and '"uuid-very-long"' in cases.read_text("utf-8"))
        stop(running)
        return running.end()


@pytest.fixture
def run(request: pytest.FixtureRequest, runs: Callable[[str], Any]) -> Any:
    """The run that the test names."""
    return runs(request.param)


every_moment = pytest.mark.parametrize("run", MOMENTS, indirect=True)


@every_moment
def test_killed_run_is_recorded_as_incomplete(run: Killed) -> None:
    """After kill -9 result.json is whole, keeps the schema and says incomplete and exit 3; the mock is gone."""
    assert (run.record["verdict"], run.record["exit_code"], run.record["complete"]) == ("incomplete", 3, False)
    assert run.record["planned"] > 300
    assert not list(Draft202012Validator(json.loads(SCHEMA.read_text("utf-8"))).iter_errors(run.record))


@every_moment
def test_killed_run_left_a_page(run: Killed) -> None:
    """Even if nobody renders it again, a killed run has a page, and that says in words that it is incomplete."""
    assert "incomplete" in page_text(run.page).lower()


@every_moment
def test_killed_run_can_be_reported(run: Killed) -> None:
    """`biztoken report` renders what was recorded and says in words that the run is incomplete, and how far it came."""
    report = run.report
    told = f"{len(run.finished)} of {run.record['planned']} cases"

    assert report.code == 0, report.err
    assert "Traceback" not in report.out + report.err
    for text in (page_text(report.text("index.html")), report.text("summary.md"), report.out):
        assert "incomplete" in text.lower()
        assert told in text or not run.finished


@every_moment
def test_killed_run_claims_only_what_it_saw(run: Killed) -> None:
    """A killed run on a sound endpoint breaks no clause, and its verdict is never conformant."""
    for text in (page_text(run.report.text("index.html")), run.report.out):
        assert "onformant in" not in text
        assert "ot conformant" not in text
    assert {row["verdict"] for row in run.finished} <= {"PASS", "OBSERVED"}


# --- interruption: the run ends by itself, and says how far it came


@pytest.mark.parametrize("run", ["SIGINT", "SIGTERM"], indirect=True)
def test_interrupted_run_is_incomplete(run: Outcome) -> None:
    """SIGINT and SIGTERM end a run with exit 3, an incomplete record and the reports; the mock ends with it."""
    assert run.code == run.result["exit_code"] == 3, run.out + run.err
    assert (run.result["verdict"], run.result["complete"]) == ("incomplete", False)
    assert 0 < run.result["executed"] < run.result["planned"]
    assert run.verdicts["UUID-REQUIRED"] == "PASS"
    assert run.verdicts["IMAGE-REF1-FACE"] == "NOT_RUN"
    for text in (page_text(run.text("index.html")), run.text("summary.md"), run.out):
        assert "incomplete" in text.lower()
    assert "Traceback" not in run.out + run.err
    wait_until(lambda: is_free(run.result["target"]["url"]))


@pytest.mark.parametrize("run", ["SIGINT, broken", "SIGTERM, broken"], indirect=True)
def test_interrupted_run_that_found_something_fails(run: Outcome) -> None:
    """A MUST that was broken before the interruption makes it exit 1."""
    assert run.code == run.result["exit_code"] == 1, run.out + run.err
    assert (run.result["verdict"], run.result["complete"]) == ("not-conformant", False)
    assert run.earned("FAIL") == {"UUID-LENGTH"}
    assert "UUID-LENGTH" in run.out
    assert "Traceback" not in run.out + run.err


def test_interruption_before_the_first_request(cli: Cli) -> None:
    """A run that is interrupted while it waits for the first reply ends at once, incomplete and without a traceback."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/get_biz_token"
        silent.settimeout(LONGEST)
        with cli.started(*PLAN, "--target", cli.target(url)) as running, silent.accept()[0]:
            by_terminal(running)
            run = running.end()

    assert run.code == run.result["exit_code"] == 3, run.out + run.err
    assert run.result["verdict"] == "incomplete"
    assert "incomplete" in run.text("summary.md").lower()
    assert "Traceback" not in run.out + run.err
