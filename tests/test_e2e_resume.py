"""A run that was stopped goes on where it was: nothing finished is sent again, and it ends as if never stopped."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest
from conftest import Ahead, Cli, Outcome
from test_e2e_kill import count_lines
from test_e2e_price import plan_of, served
from tiny_servers import Authority, make_authority

from biztoken.errors import UserError
from biztoken.rehearsal import without_repeated_bursts
from biztoken.resuming import as_planned
from biztoken.settings import ROLES
from biztoken.suite import Options

WHOLE = False  # a quarter of an hour: once by hand after a change of what is recorded
PLAN, LATENCY, KILLS = ("full", "80ms", 10) if WHOLE else ("quick", "5ms", 3)
LIMIT = 5
ONE = ("--select", "uuid-one-character")
PRICE_OF_ONE = 10  # eight combinations, its control, and itself


def rows_of(run: Outcome, name: str) -> list[dict[str, Any]]:
    """The records of a file."""
    return [json.loads(line) for line in run.text(name).split("\n") if line]


def dropped_of(run: Outcome) -> set[int]:
    """The exchanges that no longer count."""
    return {id_ for row in rows_of(run, "resumes.ndjson") for id_ in row["dropped"]}


def cases_of(run: Outcome) -> dict[str, str]:
    """The verdict of each case."""
    return {row["id"]: row["verdict"] for row in run.result["cases"]}


# --- killed, over TLS


@dataclass(frozen=True, slots=True)
class Killed:
    """A run that was killed again and again, as it ended at last, and how many were on record at each kill."""

    run: Outcome
    moments: tuple[int, ...]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Vouches for the mocks."""
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def runs(ahead: Ahead, cli: Cli, authority: Authority) -> Callable[[str], Any]:
    """The same run undisturbed and killed, each on a mock of its own."""
    return ahead(lambda name: play(cli, authority, kills=KILLS if name == "killed" else 0))


def play(cli: Cli, authority: Authority, kills: int) -> Killed:
    """Run a plan over TLS with every key, and kill and resume it so many times on its way."""
    pem = authority.ca.with_name("server.pem")
    with served(cli, "--tls-cert", pem, "--tls-key", pem, "--latency", LATENCY) as url:
        fields = {"concurrency_limit": LIMIT, "single_use_sign": True, "cacert": str(authority.ca)}
        out = cli.new_path("run")
        arguments = ("--target", cli.target(url, keys=ROLES, **fields), "--plan", PLAN, "--out", out)
        moments = []
        for kill in range(kills):
            running = cli.start(("check", *arguments), out)
            running.wait_until((out / "plan.json").exists)
            price = json.loads((out / "plan.json").read_text("utf-8"))["requests"]
            moment = sorted(Random(20).sample(range(1, price), kills))[kill]
            running.wait_until(lambda moment=moment: count_lines(out / "evidence.ndjson") >= moment)
            running.process.kill()
            running.end()
            moments.append(count_lines(out / "evidence.ndjson"))
            arguments = ("--resume", out)
        return Killed(cli.run("check", *arguments, out=out), tuple(moments))


@pytest.fixture
def run(request: pytest.FixtureRequest, runs: Callable[[str], Any]) -> Any:
    """The run that the test names."""
    return runs(request.param)


both = pytest.mark.parametrize("run", ["undisturbed", "killed"], indirect=True)
killed = pytest.mark.parametrize("run", ["killed"], indirect=True)


@both
def test_run_over_tls_is_conformant_and_whole(run: Killed) -> None:
    """Killed or not, the run ends complete and conformant, and no case is on record twice."""
    done = run.run
    finished = [row["id"] for row in rows_of(done, "cases.ndjson")]
    ids = [row["id"] for row in rows_of(done, "evidence.ndjson")]

    assert done.code == 0, done.out + done.err
    assert (done.result["verdict"], done.result["complete"]) == ("conformant", True)
    assert sorted(finished) == sorted(cases_of(done))
    assert len(ids) == len(set(ids)) == done.result["requests"]


@pytest.mark.parametrize("run", ["undisturbed"], indirect=True)
def test_run_over_tls_stays_inside_its_price(run: Killed) -> None:
    """Over TLS, too, a run sends what its plan says, to the request."""
    plan, rows = plan_of(run.run), rows_of(run.run, "evidence.ndjson")

    assert plan["requests"] == len(without_repeated_bursts(rows))
    assert run.run.result["requests"] <= plan["at_most"]


@killed
def test_killed_run_was_killed_on_its_way(run: Killed) -> None:
    """Every kill hit a run that had sent something and had more to send."""
    assert len(run.moments) == KILLS
    assert all(0 < moment < run.run.result["requests"] for moment in run.moments)


@killed
def test_nothing_finished_is_sent_again(run: Killed, runs: Callable[[str], Killed]) -> None:
    """Each case got as many requests as undisturbed, but for those of the one that each kill found unfinished."""
    rows, dropped = rows_of(run.run, "evidence.ndjson"), dropped_of(run.run)
    counted = without_repeated_bursts([row for row in rows if row["id"] not in dropped])
    undisturbed = without_repeated_bursts(rows_of(runs("undisturbed").run, "evidence.ndjson"))

    assert Counter(row["case"] for row in counted) == Counter(row["case"] for row in undisturbed)
    assert len({row["case"] for row in rows if row["id"] in dropped}) <= KILLS
    assert not [row for row in rows if row["id"] in dropped and row["case"].startswith("control-")]


@killed
def test_killed_run_ends_as_if_it_had_not_been(run: Killed, runs: Callable[[str], Killed]) -> None:
    """Every clause and every case earns what it earns undisturbed."""
    undisturbed = runs("undisturbed").run

    assert run.run.verdicts == undisturbed.verdicts
    assert cases_of(run.run) == cases_of(undisturbed)


@killed
def test_what_was_dropped_is_paid_for_and_allowed(run: Killed) -> None:
    """What was sent in vain counts, and the most that may be sent grows by it and by no more."""
    plan, result = plan_of(run.run), run.run.result

    assert result["budget"]["spent"] == result["requests"] == len(rows_of(run.run, "evidence.ndjson"))
    assert plan["at_most"] >= plan["requests"] + len(dropped_of(run.run))
    assert result["budget"]["most"] == plan["at_most"] >= result["requests"]


# --- stopped in other ways


@pytest.fixture(scope="module")
def stopped(cli: Cli, plain_mock: str) -> Callable[[], Path]:
    """Makes copies of a run that its budget stopped before its last request."""
    out = cli.new_path("run")
    first = cli.run("check", "--target", cli.target(plain_mock), "--out", out, *ONE, "--budget", PRICE_OF_ONE - 1)
    assert first.code == 3, first.out + first.err

    def copied() -> Path:
        place = cli.new_path("copy")
        place.mkdir()
        for path in out.iterdir():
            (place / path.name).write_bytes(path.read_bytes())
        return place

    return copied


def resume(cli: Cli, place: Path, *options: object) -> Outcome:
    """Go on with a run."""
    return cli.run("check", "--resume", place, *options, out=place)


def test_torn_last_lines_are_cut(cli: Cli, stopped: Callable[[], Path]) -> None:
    """What a kill left half written is cut, in each file, and the run goes on as if it had not been begun."""
    place = stopped()
    for name in ("evidence.ndjson", "cases.ndjson"):
        with (place / name).open("ab") as file:
            file.write('{"id": 10, "case": "uuid-one-character", "reply": {"body": "好'.encode()[:-1])

    run = resume(cli, place, "--budget", PRICE_OF_ONE)

    assert run.code == 0, run.out + run.err
    assert [row["id"] for row in rows_of(run, "evidence.ndjson")] == list(range(1, PRICE_OF_ONE + 1))
    assert [row["id"] for row in rows_of(run, "cases.ndjson")] == ["uuid-one-character"]


def test_run_that_recorded_nothing_begins(cli: Cli, stopped: Callable[[], Path]) -> None:
    """A run that was killed before its first reply goes on with its first request."""
    place = stopped()
    for name in ("evidence.ndjson", "cases.ndjson", "result.json"):
        (place / name).unlink()

    run = resume(cli, place, "--budget", PRICE_OF_ONE)

    assert run.code == 0, run.out + run.err
    assert len(rows_of(run, "evidence.ndjson")) == PRICE_OF_ONE


def test_new_run_in_the_same_directory_begins_anew(cli: Cli, plain_mock: str, stopped: Callable[[], Path]) -> None:
    """A run that is not resumed takes nothing over: neither exchanges nor what an earlier one dropped."""
    place = stopped()
    (place / "resumes.ndjson").write_text('{"dropped": [1, 2, 3]}\n', "utf-8")

    run = cli.run("check", "--target", cli.target(plain_mock), "--out", place, *ONE, out=place)

    assert run.code == 0, run.out + run.err
    assert run.result["requests"] == len(rows_of(run, "evidence.ndjson")) == PRICE_OF_ONE
    assert not (place / "resumes.ndjson").exists()


def test_cases_that_met_trouble_are_run_again(cli: Cli) -> None:
    """Where the network failed, the cases that it kept from a verdict are run again, and the others are not."""
    # Three cases end the run, each after its defect and its control twice; the first of all is on a kept connection.
    silent = {"id": "silent", "when": {"after": PRICE_OF_ONE}, "change": {"close": "before"}, "times": 13}
    out = cli.new_path("run")
    with cli.mock([silent]) as url:
        target = cli.target(url)
        first = cli.run("check", "--target", target, "--out", out, "--select", "UUID-LENGTH", out=out)
        sent, verdicts = len(rows_of(first, "evidence.ndjson")), cases_of(first)

        run = resume(cli, out)

    assert first.code == 3, first.out + first.err
    assert Counter(verdicts.values()) == {"PASS": 1, "HARNESS": 3, "NOT_RUN": 7}
    assert run.code == 0, run.out + run.err
    troubled = {name for name, verdict in verdicts.items() if verdict == "HARNESS"}
    rows, dropped = rows_of(run, "evidence.ndjson"), dropped_of(run)
    assert {row["case"] for row in rows if row["id"] in dropped} == troubled
    assert run.result["requests"] == plan_of(run)["requests"] + len(dropped) > sent
    assert set(cases_of(run).values()) == {"PASS"}


def of_others(place: Path) -> Path:
    """Its cases are no longer those of today."""
    return altered(place, lambda plan: plan | {"case_set": "0" * 64})


def of_an_older_version(place: Path) -> Path:
    """Its plan says nothing of its options."""
    return altered(place, lambda plan: {key: value for key, value in plan.items() if key != "options"})


def of_a_version_between(place: Path) -> Path:
    """Its plan lacks an option that there is today."""
    return altered(place, lambda plan: plan | {"options": {"plan": "full"}})


def without_target(place: Path) -> Path:
    """Its target file is gone."""
    return altered(place, lambda plan: plan | {"options": plan["options"] | {"target": "/nowhere/target.yaml"}})


def of_another_target(place: Path) -> Path:
    """Its target file names another endpoint now."""
    return altered(place, lambda plan: plan | {"facts": plan["facts"] | {"url": "http://127.0.0.1:9/elsewhere"}})


def of_other_keys(place: Path) -> Path:
    """Its target file holds other keys now."""
    return altered(place, lambda plan: plan | {"facts": plan["facts"] | {"roles": ["active", "denied"]}})


def of_no_facts(place: Path) -> Path:
    """Its plan says nothing of the target."""
    return altered(place, lambda plan: plan | {"facts": {}})


def with_a_foreign_line(place: Path) -> Path:
    """Its record holds a line that no run wrote."""
    with (place / "evidence.ndjson").open("a", encoding="utf-8") as file:
        file.write("{}\n")
    return place


def finished(place: Path) -> Path:
    """It was complete."""
    path = place / "result.json"
    done = json.loads(path.read_text("utf-8")) | {"complete": True, "cases": []}
    path.write_text(json.dumps(done), "utf-8")
    return place


def without_plan(place: Path) -> Path:
    """There is no run."""
    (place / "plan.json").unlink()
    return place


def altered(place: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Path:
    """A run with another plan.json."""
    path = place / "plan.json"
    path.write_text(json.dumps(change(json.loads(path.read_text("utf-8")))), "utf-8")
    return place


REFUSED = {
    of_others: "the cases have changed",
    of_an_older_version: "an older version",
    of_a_version_between: "an older version",
    without_target: "cannot be read",
    of_another_target: "the target is no longer the one it began with (url was http://127.0.0.1:9/elsewhere)",
    of_other_keys: "roles has changed",
    of_no_facts: "an older version",
    with_a_foreign_line: "is no record of a run",
    finished: "this run is complete",
    without_plan: "it holds no plan.json",
    lambda place: place / "nowhere": "it holds no plan.json",
}


@pytest.mark.parametrize(("change", "told"), REFUSED.items(), ids=[*map(str, range(len(REFUSED)))])
def test_what_cannot_go_on_is_refused(
    cli: Cli, stopped: Callable[[], Path], change: Callable[[Path], Path], told: str
) -> None:
    """A run that cannot go on is refused in one sentence with exit code 2, and its records stay as they are."""
    place = change(stopped())
    before = {path: path.read_bytes() for path in place.parent.rglob("*") if path.is_file()}

    run = resume(cli, place)

    assert run.code == 2
    (line,) = run.err.splitlines()
    assert told in line
    assert str(place) in line or told == "cannot be read"
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--plan", "full"), "--plan with --resume: "),
        (("--target", "t.yaml"), "--target with --resume: "),
        (("--seed", "9"), "--seed with --resume: "),
        (("--strict",), "--strict with --resume: "),
        (("--dry-run", "--out", "x"), "--out with --resume: "),
    ],
)
def test_options_of_a_run_are_those_it_began_with(
    cli: Cli, stopped: Callable[[], Path], options: Sequence[str], told: str
) -> None:
    """An option that would make it another run is refused, not passed over."""
    run = resume(cli, stopped(), *options)

    assert run.code == 2
    assert run.err.startswith(f"biztoken: {told}")


def test_rest_of_a_run_has_its_price(cli: Cli, stopped: Callable[[], Path]) -> None:
    """A rehearsal of a run that goes on tells what is left of it, and holds its target file to the run."""
    place = stopped()
    done = resume(cli, place, "--dry-run", "--budget", PRICE_OF_ONE + 5)
    refused = resume(cli, of_another_target(stopped()), "--dry-run")
    run = resume(cli, place, "--budget", PRICE_OF_ONE + 5)

    assert done.code == 0, done.err
    left = len(rows_of(run, "evidence.ndjson")) - (PRICE_OF_ONE - 1)
    assert f"exactly {left} requests" in done.out
    assert "never more than 6 to any" in done.out
    assert (refused.code, "no longer the one" in refused.err) == (2, True)


def test_bounds_may_be_lowered(stopped: Callable[[], Path]) -> None:
    """A run goes on more slowly than it began where that is asked for, and never faster."""
    place = altered(stopped(), lambda plan: plan | {"options": plan["options"] | {"rate": 5.0}})

    assert as_planned(Options(rate=2.0), place).rate == 2.0
    assert as_planned(Options(), place).rate == 5.0
    assert as_planned(Options(max_in_flight=3), place).max_in_flight == 3
    with pytest.raises(UserError, match="--rate 9: the run began with 5"):
        as_planned(Options(rate=9.0), place)
