"""`biztoken load` from end to end: what it sends, counts, judges and leaves, alone and with workers."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from conftest import LONGEST, plain_environment, wait_until
from load_targets import REFUSAL, counting, series, sound
from naming import unnamed

from biztoken.contract import bundled
from biztoken.embedded import EmbeddedMock
from biztoken.load.launch import free_port
from biztoken.reporting.result import problems

KEYS = bundled("load") / "mock-keys.yaml"
PROFILE = {
    "name": "short",
    "question": {"en": "Does it work?", "zh": "能用吗？"},
    "model": "closed",
    "stages": [{"seconds": 2, "in_flight": 4}],
    "passing": {"requests_min": 10, "violations": 0, "failures": {"others": 0}},
}


@pytest.fixture
def load(cli):
    """Runs `biztoken load` with a profile, changed as a test says, against a target; without one the embedded mock."""

    def run(url=None, *options, profile=None, fields=None):
        out = cli.new_path("load")
        return cli.run("load", "--out", out, *arguments(cli, url, profile, fields), *options, out=out)

    return run


def arguments(cli, url=None, profile=None, fields=None):
    """The options that name a profile and a target."""
    found = ["--profile", cli.write("profile.yaml", PROFILE | (profile or {}))]
    return found + (["--target", cli.target(url, timeout=5, **(fields or {}))] if url else [])


def totals(outcome):
    """The totals of a run, once they are known to add up: in the whole, by outcome, by second and by worker."""
    told, rows = outcome.result["load"], outcome.result["series"]
    assert problems(outcome.result) == []
    assert unnamed(outcome.result) == []
    assert told["sent"] == told["answered"] + told["failed"] + told["in_flight_at_end"]
    assert told["sent"] == sum(row["sent"] for row in rows)
    workers = outcome.result["generator"]["workers"]
    for name, total in (
        ("sent", "sent"),
        ("answered", "answered"),
        ("failed", "failed"),
        ("in_flight", "in_flight_at_end"),
    ):
        assert told[total] == sum(worker[name] for worker in workers)
    assert all(one["sent"] == one["answered"] + one["failed"] + one["in_flight"] for one in workers)
    assert told["answered"] == sum(row["answered"] for row in rows)
    assert told["failed"] == sum(row["failed"] for row in rows)
    assert told["answered"] + told["failed"] == sum(told["by_outcome"].values())
    assert [row["t"] for row in rows] == list(range(len(rows)))
    by_second = Counter()
    for row in rows:
        by_second.update({name: cell["count"] for name, cell in row["by_outcome"].items()})
    assert by_second == told["by_outcome"]
    return told


def locusts(out: Path) -> list[int]:
    """The processes of locust that write into a run."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if b"locust" in (place / "cmdline").read_bytes() and os.readlink(place / "fd/1") == str(out / "locust.log"):
                found.append(int(place.name))
    return found


linux = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="processes are found in /proc")


# --- alone


def test_smoke_against_the_embedded_mock(cli):
    """The first command that anyone tries passes, and leaves every record."""
    out = cli.new_path("load")
    outcome = cli.run("load", "--profile", "smoke", "--seconds", "2", "--out", out, out=out)

    assert (outcome.code, outcome.result["verdict"], outcome.result["complete"]) == (0, "passed", True)
    assert totals(outcome)["by_outcome"].keys() == {"200"}
    assert outcome.earned("PASS") >= {"JSON-BODY", "BIZ-TOKEN-UNIQUE", "TIME-USED-PLAUSIBLE"}
    assert outcome.result["generator"]["n_max"] > 2
    assert {"index.html", "junit.xml", "summary.md", "evidence.ndjson"} <= {path.name for path in out.iterdir()}
    assert "Passed" in outcome.out


def test_every_request_that_the_target_read_is_counted(load):
    """Its count and ours are the same, to the last one."""
    with counting() as seen:
        outcome = load(seen.url)

    told = totals(outcome)
    assert outcome.code == 0
    assert told["sent"] + (outcome.result["requests"] - told["sent"]) == seen.requests
    assert outcome.result["requests"] == seen.requests
    assert seen.busiest == 4


def test_what_is_not_answered_at_the_end_is_in_flight(load):
    """Requests that nobody answers are neither lost nor failed, and are waited for as long as the profile says."""
    with counting(lambda number, request: sound(number, request) if number < 20 else None) as seen:
        outcome = load(seen.url, profile={"drain": 0.3})

    told = totals(outcome)
    (others,) = [row for row in outcome.result["checks"] if row["id"] == "failures.others"]
    assert told["in_flight_at_end"] == 4
    assert (others["seen"], others["kept"]) == ("4", False)
    assert outcome.code == 1
    assert outcome.result["requests"] == seen.requests
    assert outcome.result["series"][-1]["in_flight"] > 0


def test_arrivals_that_a_hanging_target_lets_nobody_send_are_told(load):
    """Where all that may be in flight hang, what is due is due: what is never sent is a failure, not forgotten."""
    profile = {"model": "open", "stages": [{"seconds": 2, "rate": 40}], "most_in_flight": 5, "drain": 0.2}
    with counting(lambda number, request: sound(number, request) if number < 40 else None, hold=0.005) as seen:
        outcome = load(seen.url, profile=profile)

    told = totals(outcome)
    offered = sum(row["offered"] for row in outcome.result["series"])
    (others,) = [row for row in outcome.result["checks"] if row["id"] == "failures.others"]
    assert offered == 80
    assert told["in_flight_at_end"] == 5
    assert int(others["seen"]) == offered - told["answered"] > 20
    assert outcome.code == 1


def test_requests_that_are_dropped_on_kept_connections_are_failures(load):
    """They are not sent again in silence, and not beyond the ceiling."""

    def drops(number, request):
        return (sound if number % 2 or number < 10 else lambda *_: "close")(number, request)

    with counting(drops) as seen:
        outcome = load(seen.url, profile={"back_off": 0.1}, fields={"max_requests": 40})

    told = totals(outcome)
    assert told["by_outcome"]["closed"] > 5
    assert seen.requests == outcome.result["requests"] == 40


def test_refusals_for_concurrency_are_a_series_and_are_not_resent_at_once(load):
    """Five users that are always refused send a handful of requests in two seconds, not thousands."""
    passing = {"requests_min": 5, "failures": {"CONCURRENCY_LIMIT_EXCEEDED": "100 %", "others": 0}}
    profile = {"stages": [{"seconds": 2, "in_flight": 5}], "back_off": 0.5, "passing": passing}
    with counting(lambda number, request: sound(number, request) if number < 5 else (403, REFUSAL)) as seen:
        outcome = load(seen.url, profile=profile)

    told = totals(outcome)
    assert outcome.code == 2  # nothing was accepted, so nothing is known
    assert set(told["by_outcome"]) == {"403 CONCURRENCY_LIMIT_EXCEEDED"}
    assert 5 <= told["sent"] <= 5 * (2 / 0.25 + 1)
    assert told["latency_ms"]["p50"] is None


def test_failure_that_the_profile_does_not_expect(load):
    """Server errors are told as what they are, and the run does not pass."""
    with counting(
        lambda number, request: sound(number, request) if number % 3 else (500, {"error": "INTERNAL_ERROR"})
    ) as seen:
        outcome = load(seen.url, profile={"stop_when": ["5xx > 90 %"]}, fields=None)

    checks = {row["id"]: row["kept"] for row in outcome.result["checks"]}
    assert outcome.code == 1
    assert checks["failures.others"] is False
    assert totals(outcome)["by_outcome"]["500 INTERNAL_ERROR"] > 0


def test_condition_to_stop_ends_the_run(load):
    """Long before its end, and the report says why."""
    answer = {True: (500, {"error": "INTERNAL_ERROR"})}
    with counting(lambda number, request: answer.get(number > 20) or sound(number, request)) as seen:
        profile = {"stages": [{"seconds": 60, "in_flight": 4}], "stop_when": ["5xx > 5 %"]}
        outcome = load(seen.url, profile=profile)

    assert outcome.code == 1
    assert outcome.seconds < 30
    assert "5xx > 5 %" in outcome.result["stopped"]["en"]
    totals(outcome)


DEFECTS = {
    "only above 8 in flight": (
        {"id": "late", "when": {"above_in_flight": 8, "outcome": "success"}, "change": {"drop": "biz_token"}},
        "BIZ-TOKEN-PRESENCE",
    ),
    "a token for two": (
        {
            "id": "twice",
            "when": {"above_in_flight": 1, "outcome": "success"},
            "change": {"set": {"biz_token": "{previous}"}},
        },
        "BIZ-TOKEN-UNIQUE",
    ),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_defect_that_shows_only_under_load_is_found(cli, defect):
    """By the profile that is the default, with its clause and its exchange, in less time than the profile lasts."""
    fault, clause = DEFECTS[defect]
    faults = cli.write("faults.yaml", [fault])
    mock = EmbeddedMock(more=("--keys", str(KEYS), "--latency", "20ms", "--faults", str(faults)))
    try:
        out, target = cli.new_path("load"), cli.target(mock.url)
        outcome = cli.run("load", "--target", target, "--seconds", "5", "--out", out, out=out)
    finally:
        mock.close()

    assert outcome.code == 1
    assert outcome.verdicts[clause] == "FAIL"
    (finding, *_) = outcome.clause(clause)["findings"]
    recorded = {exchange["id"]: exchange for exchange in outcome.exchanges}
    assert finding["exchanges"]
    assert set(finding["exchanges"]) <= set(recorded)
    assert len(finding["exchanges"]) < finding["count"]
    assert "demo-secret-of" not in outcome.text("evidence.ndjson")


def test_arrivals_do_not_wait_for_replies(load):
    """A stall delays what was due meanwhile, and the delay is told: every arrival is sent, and the p95 shows it."""
    end: list[float] = []

    def stalls(number, request):
        if number == 20:
            end.append(time.monotonic() + 1)
        if end:
            time.sleep(max(0.0, end[0] - time.monotonic()))  # nobody is answered until the stall is over
        return sound(number, request)

    stages = [{"seconds": 4, "rate": 40}]
    with counting(stalls, hold=0.005) as seen:
        outcome = load(seen.url, profile={"model": "open", "stages": stages, "passing": {"requests_min": 100}})

    told = totals(outcome)
    assert told["sent"] == sum(row["offered"] for row in outcome.result["series"]) == 160
    assert told["latency_ms"]["p95"] > 300
    assert told["latency_ms"]["p50"] < 300


def test_steps_find_the_limit_of_the_embedded_mock(cli):
    """Up to twenty at once: the knee is there, and refusals have their own column."""
    out = cli.new_path("load")
    outcome = cli.run("load", "--profile", "steps", "--seconds", "12", "--out", out, out=out)

    assert outcome.code == 0
    assert totals(outcome)["sent"] > 0
    least, greatest = outcome.result["model"]["limit_range"]
    assert 17 <= least <= 20 <= greatest <= 23
    assert [step["concurrency"] for step in outcome.result["steps"]] == [1, 2, 4, 8, 16, 32]
    assert outcome.result["steps"][-1]["rate_refused"] > 0 == outcome.result["steps"][0]["rate_refused"]


# --- what it refuses


def test_other_machine_is_not_loaded_without_leave(load):
    """One sentence, exit 2, and nothing was sent."""
    outcome = load("http://192.0.2.1/x")

    assert outcome.code == 2
    assert "allow_load: true" in outcome.err
    assert outcome.err.count("\n") == 1
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize("processes", [1, 2])
def test_ceiling_of_requests_is_hard(load, processes):
    """Whatever the profile asks for, and however many send: the target never reads more."""
    with counting(hold=0.005) as seen:
        outcome = load(seen.url, "--processes", processes, fields={"max_requests": 30})

    assert outcome.code == 3
    assert "max_requests" in outcome.result["reason"]["en"]
    assert seen.requests == outcome.result["requests"] == 30


def test_ceiling_of_rate_is_hard(load):
    """In no second are more requests begun than the target's file allows."""
    with counting(hold=0.005) as seen:
        outcome = load(seen.url, fields={"max_rate": 15})

    assert max(row["sent"] for row in outcome.result["series"]) <= 16
    assert totals(outcome)["sent"] <= 15 * 2 + 15
    assert outcome.code == 2
    assert "max_rate of 15 kept back" in outcome.result["reason"]["en"]
    assert outcome.result["requests"] == seen.requests


def test_profile_that_asks_for_more_than_the_rate_is_a_mistake(load):
    """Arrivals would only come late."""
    profile = {"model": "open", "stages": [{"seconds": 1, "rate": 50}]}
    outcome = load("http://127.0.0.1:1/x", profile=profile, fields={"max_rate": 10})

    assert outcome.code == 2
    assert "--rate 10" in outcome.err


def test_sound_request_that_is_refused_ends_it_before_it_begins(load):
    """The doctor says whose side is at fault; no load is sent to a target that would refuse it all."""
    with counting(lambda *_: (403, {"error": "AUTHENTICATION_ERROR"})) as seen:
        outcome = load(seen.url)

    assert (outcome.code, outcome.result["verdict"], outcome.result["load"]["sent"]) == (2, "no-verdict", 0)
    assert outcome.result["reason"]["en"] in outcome.err
    assert problems(outcome.result) == []
    assert seen.requests == 1
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        (["--master"], "--target"),
        (["--worker", "127.0.0.1"], "--target"),
        (["--profile", "stedy"], "did you mean steady?"),
        (["--rate", "5"], "give --users"),
    ],
)
def test_mistake_in_the_options_is_one_sentence(cli, options, hint):
    """Exit 2, no traceback, and what to do."""
    outcome = cli.run("load", *options)

    assert outcome.code == 2
    assert hint in outcome.err
    assert outcome.err.count("\n") == 1


# --- ended early


def has_rows(out: Path) -> bool:
    """Whether the record of a load that is under way has two seconds or more."""
    with contextlib.suppress(OSError, ValueError):
        return len(json.loads((out / "result.json").read_text("utf-8"))["series"]) > 1
    return False


@contextlib.contextmanager
def running(cli, *options):
    """A load of the embedded mock that is under way, with rows in its record."""
    out = cli.new_path("load")
    under_way = cli.start(["load", "--profile", "steady", "--out", out, *options], out)

    try:
        under_way.wait_until(lambda: has_rows(out))
        yield under_way
    finally:
        under_way.process.kill()
        under_way.process.join()


@linux
def test_interrupted_load_drains_and_reports(cli):
    """Ctrl-C: nothing more is sent, what is under way is waited for, the report is whole, exit 3."""
    with running(cli) as under_way:
        os.kill(under_way.process.pid, signal.SIGINT)
        outcome = under_way.end()

    assert (outcome.code, outcome.result["verdict"], outcome.result["complete"]) == (3, "incomplete", False)
    assert totals(outcome)["in_flight_at_end"] == 0
    assert (outcome.directory / "index.html").exists()
    assert locusts(outcome.directory) == []


@linux
def test_killed_load_leaves_its_last_record_and_no_process(cli):
    """SIGKILL of the command: locust ends by itself, and what was saved last can be read."""
    with running(cli) as under_way:
        assert locusts(under_way.directory)
        os.kill(under_way.process.pid, signal.SIGKILL)
        wait_until(lambda: not locusts(under_way.directory))
        outcome = under_way.end()

    assert outcome.result["complete"] is False
    assert totals(outcome)["sent"] > 0


# --- several workers


def test_two_processes_come_to_the_same(load):
    """The verdict of one process, and each worker its share of the requests in flight."""
    with counting() as seen:
        outcome = load(seen.url, "--processes", "2", profile={"stages": [{"seconds": 3, "in_flight": 5}]})

    workers = outcome.result["generator"]["workers"]
    assert (outcome.code, outcome.result["verdict"]) == (0, "passed")
    assert [worker["state"] for worker in workers] == ["finished", "finished"]
    assert totals(outcome)["sent"] > 0
    assert outcome.result["requests"] == seen.requests
    assert seen.busiest == 5


def test_workers_send_each_arrival_once(load):
    """The schedule is that of one process, however many send it."""
    profile = {"model": "open", "arrivals": "poisson", "stages": [{"seconds": 3, "rate": 40}]}
    with counting() as seen:
        one = load(seen.url, profile=profile)
        two = load(seen.url, "--processes", "2", profile=profile)

    assert totals(one)["sent"] == totals(two)["sent"]
    assert all(worker["sent"] > 20 for worker in two.result["generator"]["workers"])


def test_token_told_to_two_workers_is_found(load):
    """No worker sees a token twice; together they do, and it is confirmed from what both have stored."""
    counters: dict[str, int] = defaultdict(int)

    def same(number, request):
        name = series(request)
        counters[name] += 1
        return 200, {"biz_token": f"{name[:3]}-{counters[name]}" if name else f"before-{number}"}

    with counting(same) as seen:
        outcome = load(seen.url, "--processes", "2")

    assert outcome.code == 1
    assert outcome.verdicts["BIZ-TOKEN-UNIQUE"] == "FAIL"
    assert outcome.result["tokens"]["repeated"] > 10
    (finding, *_) = outcome.clause("BIZ-TOKEN-UNIQUE")["findings"]
    told = [exchange["reply"]["body"] for exchange in outcome.exchanges if exchange["id"] in finding["exchanges"]]
    assert len({json.loads(body)["biz_token"] for body in told}) < len(told)  # both exchanges of one token


def test_no_picture_comes_twice_where_they_are_to_differ(load):
    """From no worker, in no later run of the same seed, and not from the first requests of a run: nothing was seen."""
    pictures = []

    def look(number, request):
        pictures.append(re.search(rb"\xff\xd8.*\xff\xd9", request, re.DOTALL).group())
        return sound(number, request)

    with counting(look) as seen:
        for _ in range(2):
            load(seen.url, "--processes", "2", profile={"pictures": "fresh", "mix": {"compare": 1, "raw_image": 1}})

    assert len(set(pictures)) == len(pictures) == seen.requests > 100


@linux
def test_worker_that_is_killed_is_told_and_the_run_goes_on(cli):
    """Nothing is lost but its share since its last report; and all that is told of that is told by every number."""
    with running(cli, "--processes", "2", "--seconds", "12") as under_way:
        before = json.loads((under_way.directory / "result.json").read_text("utf-8"))["load"]["sent"]
        os.kill(locusts(under_way.directory)[-1], signal.SIGKILL)
        outcome = under_way.end()

    states = sorted(worker["state"] for worker in outcome.result["generator"]["workers"])
    assert states == ["finished", "lost"]
    assert (outcome.code, outcome.result["complete"]) == (0, True)
    assert "was lost" in outcome.result["notes"][0]["en"]
    assert totals(outcome)["sent"] > before
    assert outcome.clause("JSON-BODY")["checks"] == totals(outcome)["answered"]
    assert len(outcome.result["series"]) >= 12


@contextlib.contextmanager
def spaces(*names: str):
    """Network namespaces that reach each other over one bridge, at 10.213.0.1 and so on; skips where not allowed."""
    tag = os.getpid() % 10_000
    bridge = f"bzb{tag}"

    def ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True, text=True)

    made = []
    try:
        try:
            ip("netns", "add", f"bz{tag}hub")
            made.append(f"bz{tag}hub")
            ip("-n", f"bz{tag}hub", "link", "add", bridge, "type", "bridge")
        except (OSError, subprocess.CalledProcessError) as problem:
            pytest.skip(f"network namespaces are not permitted here: {getattr(problem, 'stderr', None) or problem}")
        ip("-n", f"bz{tag}hub", "link", "set", bridge, "up")
        for number, name in enumerate(names, 1):
            space, inner, outer = f"bz{tag}{name}", f"i{tag}{number}", f"o{tag}{number}"
            ip("netns", "add", space)
            made.append(space)
            ip("-n", space, "link", "add", inner, "type", "veth", "peer", "name", outer)
            ip("-n", space, "link", "set", outer, "netns", f"bz{tag}hub")
            ip("-n", f"bz{tag}hub", "link", "set", outer, "master", bridge)
            ip("-n", f"bz{tag}hub", "link", "set", outer, "up")
            ip("-n", space, "addr", "add", f"10.213.0.{number}/24", "dev", inner)
            ip("-n", space, "link", "set", inner, "up")
            ip("-n", space, "link", "set", "lo", "up")
        yield {name: (f"bz{tag}{name}", f"10.213.0.{number}") for number, name in enumerate(names, 1)}
    finally:
        for space in made:
            subprocess.run(["ip", "netns", "del", space], check=False, capture_output=True)


@linux
@pytest.mark.parametrize("lost", [False, True], ids=["all finish", "one is killed"])
def test_master_and_workers_on_machines_of_their_own(cli, load, lost):
    """Target, master and two workers, each with a network of its own: the verdict of one process, also without one."""
    stages = [{"seconds": 8 if lost else 3, "in_flight": 4}]
    with counting() as seen:
        alone = load(seen.url)
    with spaces("target", "master", "one", "two") as found, contextlib.ExitStack() as stack:

        def begin(name, *words):
            command = ["ip", "netns", "exec", found[name][0], sys.executable, "-m", "biztoken", *map(str, words)]
            process = subprocess.Popen(
                command, env=plain_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            stack.callback(process.stdout.close)
            stack.callback(process.wait, LONGEST)
            stack.callback(process.stdin.close)
            return process

        mock = begin(
            *("target", "mock", "--host", found["target"][1], "--port", 8080, "--allow-public"),
            *("--keys", KEYS, "--latency", "20ms", "--stop-with-stdin"),
        )
        url = mock.stdout.readline().split()[-1]
        fields = {"allow_load": True, "max_rate": 1000, "max_requests": 5000}
        target, out = cli.target(url, **fields), cli.new_path("load")
        profile = cli.write("profile.yaml", PROFILE | {"stages": stages})
        master = begin(
            *("master", "load", "--master", "--expect-workers", 2, "--bind", found["master"][1]),
            *("--profile", profile, "--target", target, "--out", out),
        )
        workers = [
            begin(name, "load", "--worker", found["master"][1], "--target", target, "--out", cli.new_path(name))
            for name in ("one", "two")
        ]
        if lost:
            wait_until(lambda: has_rows(out), lambda: master.poll() is None)
            workers[1].kill()
        codes = [process.wait(LONGEST) for process in (master, *workers)]
    result = json.loads((out / "result.json").read_text("utf-8"))

    assert codes == [0, 0, -signal.SIGKILL if lost else 0]
    assert result["verdict"] == alone.result["verdict"] == "passed"
    states = sorted(worker["state"] for worker in result["generator"]["workers"])
    assert states == ["finished", "lost" if lost else "finished"]
    assert ["was lost" in note["en"] for note in result["notes"]] == [True] * lost
    assert all(worker["sent"] for worker in result["generator"]["workers"])


@linux
def test_worker_ends_when_its_master_is_killed(cli):
    """Long before the profile's end: exit 3 and one sentence, and no process is left that sends."""
    with counting() as seen:
        out, own, port = cli.new_path("load"), cli.new_path("worker"), free_port()
        target = cli.target(seen.url, timeout=5)
        master = cli.start(
            [
                "load",
                "--master",
                "--bind",
                "127.0.0.1",
                "--port",
                port,
                "--target",
                target,
                "--seconds",
                600,
                "--out",
                out,
            ],
            out,
        )
        worker = cli.start(["load", "--worker", "127.0.0.1", "--port", port, "--target", target, "--out", own], own)
        try:
            master.wait_until(lambda: has_rows(out))
        finally:
            os.kill(master.process.pid, signal.SIGKILL)
        outcome = worker.end()

    assert outcome.code == 3
    assert outcome.err.splitlines()[1:] == [
        f"The master at 127.0.0.1:{port} is gone: nothing more was sent, and what was not told yet is in no report."
    ]
    assert locusts(own) == []


def test_worker_for_another_target_cannot_take_part(cli, load):
    """What it would load is not what the report tells of; its sentence names the difference."""
    with counting() as seen, socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        free.close()
        out = cli.new_path("worker")
        other = cli.target(seen.url + "-other")
        worker = cli.start(["load", "--worker", "127.0.0.1", "--port", port, "--target", other, "--out", out], out)
        outcome = load(seen.url, "--master", "--bind", "127.0.0.1", "--port", port)
        worker.process.kill()
        worker.process.join()

    assert outcome.code == 2
    assert f"url {seen.url}-other: the master has {seen.url}" in outcome.err


def test_port_that_is_taken_is_one_sentence(load):
    """Exit 2, and what locust said of it."""
    with socket.create_server(("127.0.0.1", 0)) as taken, counting() as seen:
        outcome = load(seen.url, "--master", "--bind", "127.0.0.1", "--port", taken.getsockname()[1])

    assert outcome.code == 2
    assert "Address already in use" in outcome.err
    assert "Traceback" not in outcome.err


# What locust does while a load runs: it ends at once where nothing is to be kept, and else never.
HISTORY = """
import gevent
from biztoken.load.user import keep_no_history
from locust.env import Environment
from locust.stats import stats_history

environment = Environment()
runner = environment.create_local_runner()
keep_no_history(environment.stats)
runner.stats.clear_all()
runner.state = "running"
gevent.with_timeout(5, stats_history, runner)
print(environment.stats.history)
"""


def test_locust_keeps_no_history(cli):
    """In hours it would come to more than all that a generator needs."""
    assert cli.python("-c", HISTORY).out == "[]\n"


# --- plain locust

FILE = bundled("load") / "locustfile.py"


def test_plain_locust_runs_the_file(cli):
    """Without our command: a mock as --host, users as many as are asked for, each outcome under its own name."""
    with counting() as seen:
        outcome = cli.python(
            *("-m", "locust", "-f", FILE, "--headless", "--host", seen.url, "-u", "3", "-r", "3", "-t", "2s"),
            *("--only-summary", "--json", "--loglevel", "ERROR", "--stop-timeout", "2"),
        )

    rows = json.loads(outcome.out)
    assert outcome.code == 0
    assert {row["name"] for row in rows} == {"200"}
    assert {row["method"] for row in rows} == {"kyc", "compare", "compare_two", "raw_image"}
    assert sum(row["num_requests"] for row in rows) == seen.requests
    assert seen.busiest == 3


def test_plain_locust_does_not_load_other_machines(cli):
    """The guard holds there, too."""
    outcome = cli.python(
        "-m", "locust", "-f", FILE, "--headless", "--host", "http://192.0.2.1/x", "-t", "1s", "--only-summary"
    )

    assert outcome.code != 0
    assert "does not allow load" in outcome.err


@pytest.mark.parametrize(
    ("options", "fields", "told"),
    [
        (["--load-profile", "arrivals"], {}, "biztoken load --profile arrivals"),
        (["--processes", "2"], {"max_requests": 30}, "several processes of plain locust"),
    ],
    ids=["arrivals", "ceilings of several processes"],
)
def test_plain_locust_refuses_what_it_cannot_keep(cli, options, fields, told):
    """Rather than do something else in silence."""
    with counting() as seen:
        target = cli.target(seen.url, **fields)
        outcome = cli.python(
            *("-m", "locust", "-f", FILE, "--headless", "--target-file", target, "-t", "1s", "--only-summary"),
            *options,
        )

    assert told in outcome.err
    assert seen.requests == 0


def test_plain_locust_ends_at_its_ceiling(cli):
    """It says so, and does not run on in silence."""
    with counting() as seen:
        target = cli.target(seen.url, max_requests=30)
        outcome = cli.python(
            *("-m", "locust", "-f", FILE, "--headless", "--target-file", target, "-u", "2", "-t", "60s"),
            "--only-summary",
        )

    assert (outcome.code, seen.requests) == (3, 30)
    assert "max_requests was met" in outcome.err
    assert "only mix, pictures and back_off are used" in outcome.err


def test_plain_locust_has_its_page(cli):
    """Its web page starts a load, and shows what came of it."""
    place = cli.new_path("web")
    place.mkdir()
    port = 8900 + os.getpid() % 1000
    command = [sys.executable, "-m", "locust", "-f", str(FILE), "--web-host", "127.0.0.1", "--web-port", str(port)]
    with counting() as seen:
        target = cli.target(seen.url)
        process = subprocess.Popen(
            [*command, "--target-file", str(target), "--loglevel", "ERROR"],
            env=plain_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

        def get(path, data=None):
            body = urllib.parse.urlencode(data).encode() if data else None
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", body) as answer:
                return answer.read().decode()
            return ""

        try:
            wait_until(lambda: "Locust" in get("/"))
            get("/swarm", {"user_count": 2, "spawn_rate": 2, "host": seen.url})
            wait_until(lambda: '"name":"200"' in get("/stats/requests").replace(" ", ""))
        finally:
            process.terminate()
            process.wait(LONGEST)

    assert seen.requests > 0
