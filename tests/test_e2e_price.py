"""A run sends what its plan was priced at, and never more than it may; a rehearsal says so and calls nobody."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from conftest import FORKS, Ahead, Cli, Outcome
from PIL import Image, ImageFilter

from biztoken.contract import bundled
from biztoken.settings import ROLES

BUSY = {"id": "busy", "when": {"after": 8}, "change": {"error": "CONCURRENCY_LIMIT_EXCEEDED"}}
# A burst is fired again where a busy machine spreads it too far; where each request takes its time, that is far indeed.
CALM = ("--latency", "120ms")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run, what the target file says, and the options of the mock."""

    options: tuple[str, ...]
    keys: Sequence[str] = ("active",)
    active: str = "active"
    fields: Mapping[str, Any] = field(default_factory=dict)
    mock: tuple[str, ...] = ()


REHEARSED = ("quick", "one clause", "permits", "at a rate", "own pictures")
# The plans that people run, whole, by hand: ("--plan", "quick"), ("--plan", "core"), ("--fuzz", "2").
SOUND = {
    "quick": Plan(("--plan", "quick", "--select", "not images and not sequences and not arguments"), ROLES),
    "core": Plan(("--plan", "core", "--select", "uploads")),
    "full": Plan(("--fuzz", "1", "--select", "fuzz-kyc-still or PRECEDENCE"), ROLES),
    "one clause": Plan(("--select", "UUID-LENGTH")),
    "fewer keys": Plan(("--plan", "quick", "--select", "permissions or signature"), ("active", "denied")),
    "no limit": Plan(("--select", "concurrency")),
    "sequences": Plan(("--plan", "quick", "--select", "sequences"), fields={"single_use_sign": True}),
    "no single use": Plan(("--select", "SIGN-SINGLE-USE"), fields={"single_use_sign": False}),
    "permits": Plan(
        ("--plan", "quick", "--select", "uuid or IDCARD-NAME or image_ref2"),
        active="no_verify",
        fields={"permits": {"comparison_type": ["1"]}},
    ),
    "in flight": Plan(("--select", "concurrency", "--max-in-flight", "5"), fields={"concurrency_limit": 5}),
    "at a rate": Plan(("--select", "concurrency", "--rate", "4.5"), fields={"concurrency_limit": 5}),
    "own pictures": Plan(("--select", "FACE-QUALITY-THRESHOLD-DEFAULT or FACE-QUALITY-THRESHOLD-LARGEST")),
    "burst": Plan(("--select", "concurrency"), fields={"concurrency_limit": 5}, mock=CALM),
    "burst of one type": Plan(
        ("--select", "concurrency"),
        fields={"concurrency_limit": 5, "permits": {"comparison_type": ["0"]}},
        mock=CALM,
    ),
}
TOKENS = {"one clause": 15}  # eight combinations, a control and six lengths that are legal
FAULTY = {
    "busy": Plan(("--plan", "quick", "--select", "arguments")),
    "internal-error-lasting": Plan(("--plan", "quick", "--select", "arguments or signature")),
    "reply-html-intermittent": Plan(("--plan", "quick", "--select", "arguments or signature")),
    "reply-cut-now-and-then": Plan(("--plan", "quick", "--select", "arguments or signature")),
}


@contextmanager
def served(cli: Cli, *options: object) -> Iterator[str]:
    """The URL of a mock with any options of its command, until the block ends."""
    its_end, our_end = FORKS.Pipe(duplex=False)
    with its_end, our_end:
        running = cli.start(("mock", "--port", "0", "--stop-with-stdin", *options), stdin=its_end)
        its_end.close()
        out = running.place / "out"
        try:
            running.wait_until(lambda: out.exists() and "\n" in out.read_text("utf-8"))
            yield out.read_text("utf-8").split()[-1]
        finally:
            our_end.close()
            running.end()


def under(url: str, name: str) -> str:
    """The URL of an entry of the catalogue, where a mock serves all of them."""
    return url.replace("/faceid", f"/{name}/faceid", 1)


def plan_of(run: Outcome) -> dict[str, Any]:
    """What plan.json says."""
    return json.loads(run.text("plan.json"))


@pytest.fixture(scope="module")
def url(cli: Cli) -> Iterator[str]:
    """The URL of a mock that serves its whole catalogue."""
    with served(cli, "--rack") as url:
        yield url


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """A sharp and a blurred portrait of the user's own."""
    place = tmp_path_factory.mktemp("pictures")
    portrait = Image.open(bundled("conformance") / "portrait.jpg").convert("RGB")
    portrait.save(place / "sharp.jpg", quality=90)
    portrait.filter(ImageFilter.GaussianBlur(portrait.width / 100)).save(place / "blurred.jpg", quality=90)
    return {"face": str(place / "sharp.jpg"), "low_quality": str(place / "blurred.jpg")}


@dataclass(frozen=True, slots=True)
class Played:
    """A plan's run, its rehearsal where there was one, and whether that called the target that it was for."""

    run: Outcome
    rehearsal: Outcome | None = None
    was_called: bool = False


@pytest.fixture(scope="module")
def runs(ahead: Ahead, cli: Cli, url: str, pictures: Mapping[str, str]) -> Callable[[str], Played]:
    """Each plan, played."""
    return ahead(lambda name: play(cli, url, name, pictures))


def play(cli: Cli, url: str, name: str, pictures: Mapping[str, str]) -> Played:
    """Run a plan on the mock that has what is in its name, if anything, and rehearse those that are to be."""
    if name == "busy":
        with cli.mock([BUSY]) as busy:
            return Played(check(cli, busy, FAULTY[name]))
    if name in FAULTY:
        return Played(check(cli, under(url, name), FAULTY[name]))
    plan = SOUND[name]
    if name == "own pictures":
        plan = replace(plan, fields={"pictures": pictures})
    if plan.mock:
        with served(cli, *plan.mock) as own:
            return Played(check(cli, own, plan))
    run = check(cli, url, plan)
    return Played(run, *rehearse(cli, plan)) if name in REHEARSED else Played(run)


def check(cli: Cli, url: str, plan: Plan) -> Outcome:
    """Run a plan."""
    return cli.check("--target", target_of(cli, url, plan), *plan.options)


def rehearse(cli: Cli, plan: Plan) -> tuple[Outcome, bool]:
    """Rehearse a plan whose target does not answer, but would know of a call."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/get_biz_token"
        done = cli.run("check", "--dry-run", "--target", target_of(cli, url, plan), *plan.options)
        try:
            listener.accept()[0].close()
        except BlockingIOError:
            return done, False
        return done, True


def target_of(cli: Cli, url: str, plan: Plan) -> Path:
    """The target file of a plan."""
    return cli.target(url, keys=plan.keys, active=plan.active, **plan.fields)


@pytest.fixture
def run(request: pytest.FixtureRequest, runs: Callable[[str], Played]) -> Played:
    """The plan that the test names, played."""
    return runs(request.param)


@pytest.mark.parametrize("run", SOUND, indirect=True)
def test_conformant_target_gets_what_the_plan_says(run: Played) -> None:
    """On a conformant target a run sends exactly as many requests as its plan says, whatever is chosen of it."""
    done, plan = run.run, plan_of(run.run)

    assert done.code == 0, done.out + done.err
    assert plan["requests"] == done.result["requests"] == len(done.exchanges)
    assert done.result["requests"] <= plan["at_most"] == done.result["budget"]["most"]
    assert not done.result["budget"]["chosen"]


@pytest.mark.parametrize("run", FAULTY, indirect=True)
def test_faulty_target_never_gets_more_than_at_most(run: Played) -> None:
    """Whatever a target does, a run ends within the most that its plan says."""
    done, plan = run.run, plan_of(run.run)

    assert plan["requests"] < done.result["requests"] == len(done.exchanges) <= plan["at_most"]
    assert done.code in (1, 3), done.out + done.err
    assert "Traceback" not in done.out + done.err


@pytest.mark.parametrize("run", ["busy"], indirect=True)
def test_end_of_the_ceiling_is_told(run: Played) -> None:
    """Where the most was sent before the end, the run is incomplete and says that the plan allowed no more."""
    done, most = run.run, plan_of(run.run)["at_most"]

    assert done.result["requests"] == most
    assert (done.code, done.result["verdict"], done.result["complete"]) == (3, "incomplete", False)
    assert f"never sends more than {most} requests (budget)" in done.result["reason"]["en"]
    assert "refused with CONCURRENCY_LIMIT_EXCEEDED though each was alone" in done.result["reason"]["en"]
    assert "(budget)" in done.out


# --- the rehearsal


@pytest.mark.parametrize("run", REHEARSED, indirect=True)
def test_rehearsal_tells_what_the_run_sends(run: Played) -> None:
    """`--dry-run` tells the requests and the most of the same run, calls nobody and leaves no records."""
    assert run.rehearsal is not None
    told = run.rehearsal.out
    totals = {line.split()[0]: line.split()[1:] for line in told.splitlines() if line}

    assert run.rehearsal.code == 0, told + run.rehearsal.err
    assert not run.was_called
    assert totals["total"][0] == str(run.run.result["requests"])
    assert f"never more than {plan_of(run.run)['at_most']}" in told
    assert sorted(path.name for path in run.rehearsal.directory.iterdir()) == ["err", "out"]


@pytest.mark.parametrize(("run", "tokens"), TOKENS.items(), indirect=["run"], ids=list(TOKENS))
def test_rehearsal_tells_the_tokens_that_the_run_earns(run: Played, tokens: int) -> None:
    """Each accepted request costs a biz_token: as many as are told are earned."""
    earned = sum('"biz_token"' in row["reply"]["body"] for row in run.run.exchanges)
    assert run.rehearsal is not None
    totals = {line.split()[0]: line.split()[1:] for line in run.rehearsal.out.splitlines() if line}

    assert earned == tokens
    assert totals["total"][1] == str(tokens)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--select", "no-such-case"), "no case fits"),
        (("--target", "nowhere.yaml"), "cannot be read"),
        (("--waivers", "nowhere.yaml"), "nowhere.yaml"),
        (("--require", "UUID-LENGHT"), "--require UUID-LENGHT"),
        (("--baseline", "nowhere"), "nowhere"),
        (("--resume", "nowhere"), "it holds no plan.json"),
    ],
)
def test_mistake_ends_a_rehearsal(cli: Cli, options: Sequence[str], told: str) -> None:
    """A mistake is told in one sentence, as for a run, with exit code 2."""
    done = cli.run("check", "--dry-run", *options)

    assert done.code == 2
    assert told in done.err.splitlines()[-1]
    assert "Traceback" not in done.err


def test_embedded_mock_is_rehearsed_too(cli: Cli) -> None:
    """Without a target file the price is that of the embedded mock, in the user's language."""
    done = cli.run("check", "--dry-run", "--plan", "quick", "--select", "SIGN-KEY", "--lang", "zh")

    assert done.code == 0, done.err
    assert "合计" in done.out


def test_budget_that_ends_the_run_is_told(cli: Cli) -> None:
    """A rehearsal says where the budget is less than the price, and never more than it."""
    done = cli.run("check", "--dry-run", "--plan", "quick", "--select", "SIGN-KEY", "--budget", 9)

    assert "never more than 9 to any" in done.out
    assert "The budget leaves 9 requests" in done.out
