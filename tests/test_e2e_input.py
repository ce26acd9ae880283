"""A user's mistakes: exit 2, one sentence that names the field and the way out, nothing else."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from conftest import Ahead, Cli, Outcome
from miniatures import PATH, always, refused, serving

from biztoken.mock.keys import demo_keys

ELSEWHERE = f"http://no-such-host.invalid{PATH}"


@dataclass(frozen=True, slots=True)
class Desk:
    """What a mistake is made with: the command, a mock, and whatever has to end with the test."""

    cli: Cli
    mock: str
    stack: ExitStack

    def check(self, *options: object) -> Outcome:
        """Check the mock with these options."""
        return self.cli.check("--target", self.cli.target(self.mock), *options)

    def aim(self, data: object, *options: object) -> Outcome:
        """Check with a target file of this content."""
        return self.cli.check("--target", self.cli.write("target.yaml", data), *options)

    def fields(self, **changes: Any) -> Outcome:
        """Check with a sound target file in which these fields are set."""
        return self.aim(sound(self.mock) | changes)

    def keys(self, api_key: str, api_secret: str) -> Outcome:
        """Check with this key."""
        return self.fields(keys={"active": {"api_key": api_key, "api_secret": api_secret}})

    def out(self, path: Path) -> Outcome:
        """Check into this directory."""
        return self.cli.run("check", "--target", self.cli.target(self.mock), "--out", path)


def sound(url: str) -> dict[str, Any]:
    """A target file with nothing wrong."""
    api_key, api_secret = demo_keys()["active"]
    return {"url": url, "keys": {"active": {"api_key": api_key, "api_secret": api_secret}}}


def closed_port() -> int:
    """A port of this machine on which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def a_file(desk: Desk, name: str = "file") -> Path:
    """A file with a line of text."""
    return desk.cli.write(name, "this is text\n")


def an_expired_sign(desk: Desk) -> Outcome:
    """An endpoint for which every sign has expired."""
    behave = always(403, lambda: refused("AUTHORIZATION_ERROR: EXPIRED_SIGN"))
    return desk.aim(sound(desk.stack.enter_context(serving(behave))))


def a_broken_record(desk: Desk) -> Outcome:
    """A run whose record is torn."""
    directory = desk.cli.new_path("torn")
    directory.mkdir()
    (directory / "result.json").write_text('{"schema_version": "1.0", "kind"', "utf-8")
    return desk.cli.run("report", directory)


@dataclass(frozen=True, slots=True)
class Mistake:
    """How it is made, what the sentence must name, and what it must say to do."""

    make: Callable[[Desk], Outcome]
    names: str
    way_out: str


MISTAKES = {
    # first, because it is asked again and again, and the others can be tried meanwhile
    "used-up key": Mistake(lambda desk: desk.keys(*demo_keys()["quota_reached"]), "keys.active", "quota left"),
    # the endpoint
    "nothing listens": Mistake(
        lambda desk: desk.fields(url=f"http://127.0.0.1:{closed_port()}{PATH}"), "url http://127.0.0.1:", "correct url"
    ),
    "unknown host": Mistake(
        lambda desk: desk.fields(url=ELSEWHERE), f"url {ELSEWHERE}", "correct the host name in url"
    ),
    "https where http is spoken": Mistake(
        lambda desk: desk.fields(url=desk.mock.replace("http:", "https:")), "url https://127.0.0.1:", "correct url"
    ),
    "no proxy there": Mistake(lambda desk: desk.fields(proxy=f"http://127.0.0.1:{closed_port()}"), "proxy", "correct"),
    # the keys
    "wrong secret": Mistake(
        lambda desk: desk.keys(demo_keys()["active"][0], "no-such-secret"),
        "keys.active",
        "check api_key and api_secret",
    ),
    "unknown key": Mistake(
        lambda desk: desk.keys("no-such-key", "no-such-secret"), "keys.active", "check api_key and api_secret"
    ),
    "discontinued key": Mistake(
        lambda desk: desk.keys(*demo_keys()["discontinued"]), "keys.active", "use a key that is in service"
    ),
    "clock behind": Mistake(an_expired_sign, "EXPIRED_SIGN", "set this machine's clock right"),
    # the target file
    "no such file": Mistake(
        lambda desk: desk.cli.check("--target", "no-such.yaml"), "--target no-such.yaml", "give the path of a YAML file"
    ),
    "no YAML": Mistake(lambda desk: desk.aim("url: 'http://x\nkeys: [\n"), "--target", "correct that line"),
    "empty file": Mistake(lambda desk: desk.aim(""), "target.yaml", "must be"),
    "a list": Mistake(lambda desk: desk.aim(["url"]), "target.yaml", "must be"),
    "unknown field": Mistake(lambda desk: desk.fields(timeuot=3), ": timeuot:", "did you mean timeout?"),
    "unknown role": Mistake(
        lambda desk: desk.fields(keys=sound("")["keys"] | {"denyed": {"api_key": "a", "api_secret": "b"}}),
        ": keys.denyed:",
        "did you mean denied?",
    ),
    "no url": Mistake(lambda desk: desk.aim({"keys": sound("")["keys"]}), ": url:", "add it"),
    "no secret": Mistake(
        lambda desk: desk.fields(keys={"active": {"api_key": "a"}}), ": keys.active.api_secret:", "add it"
    ),
    "url without scheme": Mistake(
        lambda desk: desk.fields(url="api.megvii.com"), ": url:", "a full URL such as https://"
    ),
    "timeout in words": Mistake(lambda desk: desk.fields(timeout="soon"), ": timeout:", "seconds, more than 0"),
    "limit of 0": Mistake(
        lambda desk: desk.fields(concurrency_limit=0), ": concurrency_limit:", "a whole number from 1, or null"
    ),
    "switch in words": Mistake(
        lambda desk: desk.fields(single_use_sign="often"), ": single_use_sign:", "true or false"
    ),
    "unset variable": Mistake(
        lambda desk: desk.keys("env:NO_SUCH_VARIABLE", "x"), "keys.active.api_key: env:NO_SUCH_VARIABLE", "export it"
    ),
    "no such CA": Mistake(lambda desk: desk.fields(cacert="no-such.pem"), "cacert: no-such.pem", "correct the path"),
    "CA that is none": Mistake(
        lambda desk: desk.fields(url=desk.mock.replace("http:", "https:"), cacert=str(a_file(desk))), "cacert", "give"
    ),
    "no such picture": Mistake(
        lambda desk: desk.fields(pictures={"face": "no-such.jpg"}), "pictures.face: no-such.jpg", "correct the path"
    ),
    "unreadable face": Mistake(
        lambda desk: desk.fields(pictures={"face": str(a_file(desk))}), "pictures", "give a JPEG or PNG"
    ),
    "unreadable two_faces": Mistake(
        lambda desk: desk.aim(
            sound(desk.mock) | {"pictures": {"two_faces": str(a_file(desk))}}, "--select", "two-faces"
        ),
        "pictures",
        "give a JPEG or PNG",
    ),
    # the options
    "empty selection": Mistake(
        lambda desk: desk.check("--select", "no-such-case"), "--select no-such-case", "give ids"
    ),
    "broken selection": Mistake(lambda desk: desk.check("--select", "uuid and ("), "--select uuid and (", "give ids"),
    "unknown requirement": Mistake(
        lambda desk: desk.check("--require", "UUID-LENGHT"), "--require UUID-LENGHT", "give must or ids"
    ),
    "no such contract": Mistake(lambda desk: desk.check("--contract", "no-such-dir"), "no-such-dir", "contract"),
    "out below a file": Mistake(lambda desk: desk.out(a_file(desk) / "run"), "--out", "give another directory"),
    "out is a file": Mistake(lambda desk: desk.out(a_file(desk)), "--out", "give another directory"),
    "out in /proc": Mistake(lambda desk: desk.out(Path("/proc/run")), "--out /proc/run", "give another directory"),
    # the other commands
    "no such run": Mistake(lambda desk: desk.cli.run("report", "no-such-run"), "no-such-run", "name a directory"),
    "no run": Mistake(lambda desk: desk.cli.run("report", "."), "result.json", "name a directory"),
    "report of a file": Mistake(lambda desk: desk.cli.run("report", a_file(desk)), "result.json", "name a directory"),
    "torn record": Mistake(a_broken_record, "result.json", "restore the file or run again"),
    "sign without a key": Mistake(lambda desk: desk.cli.run("sign"), "BIZTOKEN_API_KEY", "export it"),
    "no such faults": Mistake(
        lambda desk: desk.cli.run("mock", "--port", "0", "--faults", "no-such.yaml"), "no-such.yaml", "cannot be read"
    ),
    "unknown word in faults": Mistake(
        lambda desk: desk.cli.run(
            "mock", "--port", "0", "--faults", desk.cli.write("f.yaml", [{"id": "x", "change": {"staus": 400}}])
        ),
        "fault x: change.staus",
        "did you mean status?",
    ),
    "public mock": Mistake(
        lambda desk: desk.cli.run("mock", "--port", "0", "--host", "0.0.0.0"), "host 0.0.0.0", "use 127.0.0.1"
    ),
}


@pytest.fixture(scope="module")
def runs(ahead: Ahead, cli: Cli, plain_mock: str) -> Callable[[str], Outcome]:
    """What each mistake led to."""
    return ahead(lambda name: play(cli, plain_mock, name))


def play(cli: Cli, url: str, name: str) -> Outcome:
    """Make a mistake."""
    with ExitStack() as stack:
        return MISTAKES[name].make(Desk(cli, url, stack))


@pytest.fixture
def run(request: pytest.FixtureRequest, runs: Callable[[str], Outcome]) -> Outcome:
    """What the mistake that the test names led to; what was announced before it is left out."""
    done = runs(request.param)
    return replace(
        done, err="".join(line for line in done.err.splitlines(True) if not line.endswith(f"requests to {ELSEWHERE}\n"))
    )


@pytest.mark.parametrize(("run", "mistake"), MISTAKES.items(), indirect=["run"], ids=list(MISTAKES))
def test_mistake_is_told_in_one_line(run: Outcome, mistake: Mistake) -> None:
    """A mistake ends with exit 2 and one line that names what is wrong as the user wrote it, and what to do."""
    assert run.code == 2, run.out + run.err
    assert run.err.startswith("biztoken: ")
    assert run.err.count("\n") == 1
    assert mistake.names in run.err
    assert mistake.way_out in run.err
    assert run.out == ""


@pytest.mark.parametrize(
    ("run", "side"), [("wrong secret", "your key"), ("nothing listens", "the endpoint")], indirect=["run"]
)
def test_line_names_the_side(run: Outcome, side: str) -> None:
    """What stands in the way is told with the side at fault, on the terminal and in the record."""
    assert run.err.startswith(f"biztoken: At fault is {side}. ")
    assert run.result["reason"]["en"].startswith(f"At fault is {side}. ")
    assert run.result["reason"]["zh"].startswith("问题出在")


@pytest.mark.parametrize("run", ["used-up key"], indirect=True)
def test_quota_is_given_up_soon(run: Outcome) -> None:
    """A key without quota is asked four times and no more."""
    assert len(run.exchanges) == 4


def test_sentence_is_told_in_chinese(cli: Cli) -> None:
    """With --lang zh the sentence is Chinese, with the field as the user wrote it."""
    done = cli.check("--target", "no-such.yaml", "--lang", "zh")

    assert done.code == 2
    assert "--target no-such.yaml" in done.err
    assert any("一" <= char <= "鿿" for char in done.err)
    assert done.err.count("\n") == 1


def test_trouble_is_told_in_chinese(cli: Cli) -> None:
    """What went wrong with the connection is told in the language of the sentence around it."""
    url = f"http://127.0.0.1:{closed_port()}{PATH}"

    done = cli.check("--target", cli.target(url), "--lang", "zh")

    assert done.code == 2
    assert url in done.err
    assert not re.search(r"[a-z]{2,} [a-z]{2,} [a-z]{2,}", done.err), done.err


def test_requests_are_announced(cli: Cli) -> None:
    """Before the first request to a target that is not this machine its number is told."""
    done = cli.check("--target", cli.target(ELSEWHERE), "--select", "UUID-LENGTH")
    plan = json.loads(done.text("plan.json"))

    assert plan["requests"] >= plan["planned"] == 11
    assert f"11 cases, about {plan['requests']} requests to {ELSEWHERE}" in done.err.splitlines()[0]


def test_run_without_a_reply_leaves_a_report(cli: Cli) -> None:
    """A run that reached nobody runs no case, and records that there is no verdict, and why."""
    done = cli.check("--target", cli.target(f"http://127.0.0.1:{closed_port()}{PATH}"), "--select", "UUID-LENGTH")

    assert done.code == done.result["exit_code"] == 2
    assert done.result["verdict"] == "no-verdict"
    assert done.result["executed"] == 0
    assert done.text("cases.ndjson") == ""
    assert "start the endpoint or correct url" in done.result["reason"]["en"]
    assert "no verdict" in done.text("summary.md").lower()
    assert (done.directory / "index.html").is_file()


def test_mistake_sends_nothing_and_keeps_the_last_run(cli: Cli) -> None:
    """A target file that is wrong is refused before anything is sent or an earlier run's records are cleared."""
    earlier = cli.new_path("run")
    earlier.mkdir()
    (earlier / "result.json").write_text("{}", "utf-8")

    done = cli.run("check", "--target", "no-such.yaml", "--out", earlier)

    assert done.code == 2
    assert (earlier / "result.json").read_text("utf-8") == "{}"
    assert not (earlier / "evidence.ndjson").exists()


@pytest.mark.parametrize("command", ["", "check", "mock", "report", "sign"])
def test_help_shows_an_example(cli: Cli, command: str) -> None:
    """The help of every command holds an example that can be copied."""
    done = cli.run(*command.split(), "--help")
    _, _, examples = done.out.partition("Example")

    assert done.code == 0
    assert f"biztoken {command}".strip() in examples
    assert done.err == ""


def test_help_loads_nothing_heavy(cli: Cli) -> None:
    """Help comes at once: nothing that takes long to import is imported for it."""
    done = cli.python("-X", "importtime", "-m", "biztoken", "check", "--help")
    imported = {line.rpartition("|")[2].strip() for line in done.err.splitlines()}

    assert "click" in imported
    assert not imported & {
        "pytest",
        "PIL",
        "PIL.Image",
        "requests",
        "schemathesis",
        "jsonschema",
        "faker",
        "uvicorn",
        "rich",
    }
