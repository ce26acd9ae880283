"""A recorded run is judged again without a call: the same judge says the same, another one says what differs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from conftest import Ahead, Cli, Outcome
from test_e2e_kill import count_lines
from test_e2e_price import served, under
from test_e2e_resume import cases_of, rows_of
from tiny_servers import answer, read_request, serving

from biztoken.contract import bundled
from biztoken.evidence import BODY_KEPT
from biztoken.settings import ROLES

# A judge in whose process no connection can be made: the attempt ends it.
WITHOUT_NETWORK = """
import os, socket, sys
socket.socket.connect = socket.create_connection = socket.getaddrinfo = lambda *_, **__: os._exit(99)
sys.argv = ["biztoken", "judge", *sys.argv[1:]]
from biztoken.cli import main
main()
"""
SAME = (
    "verdict",
    "exit_code",
    "complete",
    "planned",
    "executed",
    "requests",
    "counts",
    "causes",
    "notes",
    "precedence",
)
SOME = ("--plan", "quick", "--select", "signature or reply or BIZ-NO-LENGTH")
ONE = ("--select", "uuid-one-character")
BUSY = {"when": {"match": {"biz_no": "^.$"}}, "change": {"error": "CONCURRENCY_LIMIT_EXCEEDED"}, "times": 2}
PADDED = {"when": {"match": {"uuid": "^.$"}}, "change": {"set": {"padding": "a b " * BODY_KEPT}}}
SILENT = {"when": {"match": {"uuid": "^.$"}}, "change": {"close": "before"}}


@dataclass(frozen=True, slots=True)
class Play:
    """What is run, with which keys and facts of the target, on a mock of which fault, if not of that name."""

    options: tuple[str, ...] = SOME
    keys: tuple[str, ...] = ("active",)
    fields: Mapping[str, Any] | None = None
    fault: Mapping[str, Any] | None = None


WIDE = (
    *("--fuzz", "1", "--select"),
    "fuzz-compare-still or sign-replay or quality-default or protocol or PRECEDENCE or concurrency",
)
PLAYS = {
    "conformant": Play(WIDE, ROLES, {"concurrency_limit": 5, "single_use_sign": True}),
    "sign-expired-accepted": Play(),
    "biz-token-repeated": Play(),
    "time-used-in-microseconds": Play(),
    "reply-html-intermittent": Play(),
    "reply-cut-now-and-then": Play(),
    "busy twice": Play(("--select", "BIZ-NO-LENGTH"), fault=BUSY),
    "silent for one case": Play(("--select", "UUID-LENGTH"), fault=SILENT),
}


FOUND = [name for name in PLAYS if name not in ("conformant", "busy twice", "reply-cut-now-and-then")]


@dataclass(frozen=True, slots=True)
class Judged:
    """A run, and what a judge made of its record when the target was gone."""

    run: Outcome
    again: Outcome


@pytest.fixture(scope="module")
def runs(ahead: Ahead, cli: Cli) -> Iterator[Callable[[str], Judged]]:
    """Each run, judged again."""
    with served(cli, "--rack") as url:
        yield ahead(lambda name: play(cli, url, name))


def play(cli: Cli, url: str, name: str) -> Judged:
    """Run against the mock that is meant, take the target file away, and judge what was recorded."""
    told = PLAYS[name]
    if told.fault:
        with cli.mock([{"id": "fault", **told.fault}]) as own:
            run = check(cli, own, told)
    else:
        run = check(cli, under(url, name) if "-" in name else url, told)
    return Judged(run, judge(cli, run.directory))


def check(cli: Cli, url: str, told: Play) -> Outcome:
    """Run against a mock, and take the target file away."""
    target = cli.target(url, keys=told.keys, **(told.fields or {}))
    run = cli.check("--target", target, *told.options)
    target.unlink()
    return run


def judge(cli: Cli, directory: Path, *options: object) -> Outcome:
    """Judge a run into its own directory."""
    return cli.run("judge", directory, *options, out=directory / "judged")


@pytest.fixture
def run(request: pytest.FixtureRequest, runs: Callable[[str], Judged]) -> Judged:
    """The run that the test names, judged again."""
    return runs(request.param)


def told_of(run: Outcome) -> dict[str, Any]:
    """What a judge says, without what depends on when and where he said it."""
    clauses = [
        {key: value for key, value in row.items() if key not in ("last_passed", "failing_since")}
        for row in run.result["clauses"]
    ]
    return {"clauses": clauses, "cases": cases_of(run), **{key: run.result[key] for key in SAME}}


@pytest.mark.parametrize("run", PLAYS, indirect=True)
def test_same_judge_says_the_same(run: Judged) -> None:
    """Every verdict, finding, cause and note of a recorded run is the same when it is judged again, so is its exit."""
    assert told_of(run.again) == told_of(run.run)
    assert run.again.code == run.run.code
    assert "Every verdict is as it was." in run.again.out
    assert "Traceback" not in run.again.out + run.again.err


@pytest.mark.parametrize("run", FOUND, indirect=True)
def test_what_was_judged_again_had_something_to_find(run: Judged) -> None:
    """The faults that are judged again are found, so that the same verdict is no empty one."""
    assert run.again.code == 1
    assert run.again.earned("FAIL")


@pytest.mark.parametrize("run", ["conformant", "busy twice"], indirect=True)
def test_judged_run_is_a_run(run: Judged) -> None:
    """What the judge leaves has records and reports as any run, and the record is that of the judged run."""
    assert run.again.text("evidence.ndjson") == run.run.text("evidence.ndjson")
    for name in ("index.html", "junit.xml", "summary.md", "plan.json"):
        assert run.again.text(name)
    assert [row["id"] for row in rows_of(run.again, "cases.ndjson")] == [
        row["id"] for row in rows_of(run.run, "cases.ndjson")
    ]


# --- runs that did not end by themselves


def test_killed_run_is_judged_as_far_as_it_got(cli: Cli, plain_mock: str) -> None:
    """Of a killed run the judge says of each finished case what was said, and of the others that they were not run."""
    with cli.started("--target", cli.target(plain_mock), *SOME) as running:
        evidence = running.directory / "evidence.ndjson"
        running.wait_until(lambda: count_lines(evidence) >= 40)
        running.process.kill()
        run = running.end()
    finished = {row["id"]: row["verdict"] for row in rows_of(run, "cases.ndjson")}

    again = judge(cli, run.directory)

    assert len(finished) > 20
    assert {name: verdict for name, verdict in cases_of(again).items() if name in finished} == finished
    # The last exchange may be on record before its case was.
    assert sum(verdict != "NOT_RUN" for verdict in cases_of(again).values()) - len(finished) in (0, 1)
    assert again.code == again.result["exit_code"] == 3
    assert not again.earned("FAIL")


def test_resumed_run_is_judged_by_what_counts(cli: Cli, plain_mock: str) -> None:
    """What a resume dropped is not judged, and counts as sent."""
    options = ("--select", "quality-bisection")
    out = cli.new_path("run")
    cli.run("check", "--target", cli.target(plain_mock), "--out", out, *options, "--budget", 13)
    run = cli.run("check", "--resume", out, "--budget", 100, out=out)

    again = judge(cli, out)

    assert told_of(again) == told_of(run)
    assert again.result["requests"] == run.result["requests"] == 8 + 1 + 4 + 9


# --- replies of which the record is not all


def test_body_that_was_not_utf8_is_judged_as_such(cli: Cli) -> None:
    """Replies in another encoding are judged again as what they were, though the record is UTF-8."""
    numbers = count(1)

    def handle(connection, _number):
        while read_request(connection):
            coding = "utf-8" if next(numbers) <= 8 else "gb18030"  # each combination is accepted at first
            connection.sendall(answer(200, '{"biz_token": "张"}'.encode(coding), "Content-Type: application/json"))

    with serving(handle) as server:
        run = cli.check("--target", cli.target(server.url), *ONE)

    again = judge(cli, run.directory)

    assert "JSON-BODY" in run.earned("FAIL")
    assert told_of(again) == told_of(run)


def test_reply_larger_than_what_is_kept_is_not_judged(cli: Cli) -> None:
    """Of a reply of which only half was kept the judge says nothing, and nothing about the target."""
    with cli.mock([{"id": "padded", **PADDED}]) as url:
        run = cli.check("--target", cli.target(url), "--select", "UUID-LENGTH")

    again = judge(cli, run.directory)

    assert run.code == 0, run.out + run.err
    assert cases_of(again) == cases_of(run) | {"uuid-one-character": "NOT_RUN"}
    assert "not recorded" in again.case("uuid-one-character")["reason"]["en"]
    assert again.code == 3
    assert not again.earned("FAIL")


def test_own_pictures_need_not_be_there(cli: Cli, plain_mock: str, tmp_path: Path) -> None:
    """A run with the user's own pictures and person is judged without them."""
    picture = shutil.copyfile(bundled("conformance") / "portrait.jpg", tmp_path / "face.jpg")
    person = {"idcard_name": "张三丰", "idcard_number": "990101199003071233"}
    target = cli.target(plain_mock, pictures={"face": str(picture)}, person=person)
    run = cli.check("--target", target, "--plan", "quick", "--select", "IMAGE-FACE or IDCARD-NAME or UUID-LENGTH")
    picture.unlink()
    target.unlink()

    again = judge(cli, run.directory)

    assert run.code == 0, run.out + run.err
    assert told_of(again) == told_of(run)


# --- another judge


def test_stricter_judge_shows_the_difference_without_a_call(cli: Cli, plain_mock: str, tmp_path: Path) -> None:
    """Where the contract has changed since, the judge says which verdicts differ, in a process that can call nobody."""
    contract = shutil.copytree(bundled("openapi"), tmp_path / "contract")
    target = cli.target(plain_mock)
    run = cli.check("--target", target, "--contract", contract, "--plan", "quick", "--select", "missing or signature")
    text = (contract / "get_biz_token.yaml").read_text("utf-8")
    (contract / "get_biz_token.yaml").write_text(
        text.replace("{name: MISSING_ARGUMENTS, status: 400", "{name: MISSING_ARGUMENTS, status: 422"), "utf-8"
    )

    again = cli.python("-c", WITHOUT_NETWORK, run.directory, out=run.directory / "judged")

    assert run.code == 0, run.out + run.err
    assert again.code == 1, again.out + again.err
    assert again.earned("FAIL") == {"MISSING-ARGUMENTS-STATUS"}
    assert "MISSING-ARGUMENTS-STATUS: PASS -> FAIL" in again.out
    assert "Verdicts that differ: 1." in again.out
    assert run.verdicts["MISSING-ARGUMENTS-STATUS"] == "PASS"


def test_waivers_are_those_of_the_record(cli: Cli, tmp_path: Path) -> None:
    """A waiver that has ended since, in a file that is gone, excuses what it excused in the run."""
    fault = {"id": "fault", "when": {"match": {"uuid": "^.$"}}, "change": {"error": "INTERNAL_ERROR"}}
    entry = {"clause": "UUID-LENGTH", "finding": "INTERNAL_ERROR", "reason": "Known.", "owner": "Risk"}
    file = cli.write("waivers.yaml", [entry | {"expires": date.today().isoformat()}])
    with cli.mock([fault]) as url:
        run = check(cli, url, Play((*ONE, "--waivers", str(file))))
    file.unlink()
    path = run.directory / "result.json"
    told = json.loads(path.read_text("utf-8"))
    for row in told["waivers"]:
        row["expires"] = "2020-01-31"
    path.write_text(json.dumps(told), "utf-8")

    again = judge(cli, run.directory)

    assert run.clause("UUID-LENGTH")["verdict"] == again.clause("UUID-LENGTH")["verdict"] == "WAIVED"
    assert "Every verdict is as it was." in again.out


def test_run_without_its_result_has_nothing_to_compare_with(cli: Cli, plain_mock: str) -> None:
    """Where no result was left none is said to be the same."""
    run = check(cli, plain_mock, Play(ONE))
    (run.directory / "result.json").unlink()

    again = judge(cli, run.directory)

    assert again.code == 0
    assert "It has no result.json to compare with." in again.out
    assert "as it was" not in again.out


def test_judge_leaves_the_run_as_it_is(cli: Cli, plain_mock: str) -> None:
    """The judged run is a directory of its own, the one that is given; no file of the recorded one changes."""
    run = cli.check("--target", cli.target(plain_mock), *ONE)
    before = {path.name: path.read_bytes() for path in run.directory.iterdir()}
    out = cli.new_path("judged")

    again = cli.run("judge", run.directory, "--out", out, "--lang", "zh", out=out)

    assert again.code == 0, again.out + again.err
    assert "所有结论与原来一致" in again.out
    assert {path.name: path.read_bytes() for path in run.directory.iterdir()} == before
    assert told_of(again) == told_of(run)

    itself = cli.run("judge", run.directory, "--out", run.directory)

    assert itself.code == 2
    assert "it is the run itself" in itself.err
    assert {path.name: path.read_bytes() for path in run.directory.iterdir()} == before


@pytest.mark.parametrize(("name", "told"), [("plan.json", "no plan.json"), ("evidence.ndjson", "no recorded")])
def test_judge_needs_a_run(cli: Cli, plain_mock: str, name: str, told: str) -> None:
    """Where plan or record are missing, the judge says so in one sentence, with exit code 2."""
    run = cli.check("--target", cli.target(plain_mock), *ONE)
    (run.directory / name).unlink()

    again = judge(cli, run.directory)

    assert again.code == 2
    (line,) = again.err.splitlines()
    assert told in line
