"""What the end-to-end tests share: the command as a process, a mock beside it, and what a run leaves."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from biztoken.mock.keys import demo_keys

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

Ahead = Callable[[Callable[[str], Any]], Callable[[str], Any]]
LONGEST = 120  # seconds that any command may take, however busy the machine
POLL = 0.01  # seconds between two looks at what another process does, of which no event tells
AT_ONCE = 2

# A shell that starts the tests in the background has them ignore SIGINT, and every command with them.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Some hundred commands are run, and each would spend a second on its imports: they are forked from a process that has
# done them. Each is still a process of its own, with its own directory, environment and streams.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["biztoken.check", "biztoken.fuzz", "biztoken.mock.server"])


@dataclass(frozen=True)
class Outcome:
    """What a command left: exit code, both streams, the seconds it took and the directory of its run."""

    code: int
    out: str
    err: str
    seconds: float
    directory: Path

    @cached_property
    def result(self) -> dict[str, Any]:
        """What result.json says."""
        return json.loads(self.text("result.json"))

    @cached_property
    def verdicts(self) -> dict[str, str]:
        """The verdict of each clause."""
        return {row["id"]: row["verdict"] for row in self.result["clauses"]}

    @cached_property
    def exchanges(self) -> list[dict[str, Any]]:
        """The exchanges in the order in which they were recorded."""
        return [json.loads(line) for line in self.text("evidence.ndjson").splitlines()]

    def earned(self, verdict: str) -> set[str]:
        """The ids of the clauses with this verdict."""
        return {name for name, got in self.verdicts.items() if got == verdict}

    def clause(self, name: str) -> dict[str, Any]:
        """The row of a clause."""
        return next(row for row in self.result["clauses"] if row["id"] == name)

    def case(self, name: str) -> dict[str, Any]:
        """The row of a case."""
        return next(row for row in self.result["cases"] if row["id"] == name)

    def text(self, name: str) -> str:
        """A file of the run."""
        return (self.directory / name).read_text("utf-8")


@dataclass(frozen=True, slots=True)
class Running:
    """A command under way, its streams in the files `out` and `err` of `place`, its records in `directory`."""

    process: BaseProcess
    place: Path
    directory: Path
    began: float

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        """Wait for something to be so, no longer than any command may take, nor than this one runs."""
        wait_until(is_so, self.process.is_alive)

    def end(self) -> Outcome:
        """Wait for the end of the command; kill it if that does not come."""
        self.process.join(LONGEST)
        if self.process.is_alive():
            self.process.kill()
        self.process.join()
        texts = [(self.place / name).read_text("utf-8") for name in ("out", "err")]
        return Outcome(self.process.exitcode or 0, *texts, time.monotonic() - self.began, self.directory)


class Cli:
    """Runs `biztoken` as a user does: each command a process of its own, away from the repository."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._numbers = count(1)

    def new_path(self, name: str) -> Path:
        """A path that nothing uses yet."""
        return self._place / f"{next(self._numbers)}-{name}"

    def start(
        self, arguments: Sequence[object], directory: Path | None = None, stdin: Connection | None = None, **env: str
    ) -> Running:
        """Start a command; whoever calls this ends it."""
        place, began = self.new_path("place"), time.monotonic()
        place.mkdir()
        environment = plain_environment() | env
        process = FORKS.Process(target=become, args=(list(map(str, arguments)), place, environment, stdin))
        process.start()
        return Running(process, place, directory or place, began)

    def run(self, *arguments: object, out: Path | None = None, **env: str) -> Outcome:
        """Run a command to its end; its records go to `out`."""
        return self.start(arguments, out, **env).end()

    def check(self, *options: object) -> Outcome:
        """Run `biztoken check` into a directory of its own."""
        out = self.new_path("run")
        return self.run("check", "--out", out, *options, out=out)

    def python(self, *arguments: object, cwd: Path | None = None, out: Path | None = None, **env: str) -> Outcome:
        """Run a fresh Python to its end."""
        started = time.monotonic()
        done = subprocess.run(
            [sys.executable, *map(str, arguments)],
            check=False,
            cwd=cwd or self._place,
            env=plain_environment() | env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=LONGEST,
        )
        return Outcome(done.returncode, done.stdout, done.stderr, time.monotonic() - started, out or self._place)

    @contextmanager
    def started(self, *options: object) -> Iterator[Running]:
        """A `biztoken check` that is under way; it ends with the block."""
        out = self.new_path("run")
        running = self.start(("check", "--out", out, *options), out)
        try:
            yield running
        finally:
            running.process.kill()
            running.process.join()

    @contextmanager
    def mock(self, faults: Sequence[Mapping[str, Any]] = ()) -> Iterator[str]:
        """The URL of a mock with these faults, until the block ends."""
        options = ["--faults", self.write("faults.yaml", list(faults))] if faults else []
        its_end, our_end = FORKS.Pipe(duplex=False)
        with its_end, our_end:  # the mock ends when our end closes, even if this process is killed
            running = self.start(("mock", "--port", "0", "--stop-with-stdin", *options), stdin=its_end)
            its_end.close()
            out = running.place / "out"
            try:
                running.wait_until(lambda: out.exists() and "\n" in out.read_text("utf-8"))
                yield out.read_text("utf-8").split()[-1]
            finally:
                our_end.close()
                running.end()

    def target(self, url: str, *, keys: Sequence[str] = ("active",), active: str = "active", **fields: object) -> Path:
        """A target file with these demo keys; `active` names the one that takes the active key's place."""
        demo = demo_keys()
        known = {role: demo[active if role == "active" else role] for role in keys}
        pairs = {role: {"api_key": key, "api_secret": secret} for role, (key, secret) in known.items()}
        return self.write("target.yaml", {"url": url, "keys": pairs, **fields})

    def write(self, name: str, data: object) -> Path:
        """A YAML file with this data; a text is written as it is."""
        path = self.new_path(name)
        path.write_text(data if isinstance(data, str) else yaml.safe_dump(data, allow_unicode=True), "utf-8")
        return path


def become(arguments: list[str], place: Path, environment: dict[str, str], stdin: Connection | None = None) -> None:
    """Be the command in this process, which was forked for it, as the first of a group of its own."""
    from biztoken.cli import main  # noqa: PLC0415 - only in the process that is the command

    os.setsid()
    os.chdir(place)
    os.environ.clear()
    os.environ.update(environment)
    for number, name in ((1, "out"), (2, "err")):
        with (place / name).open("wb") as file:
            os.dup2(file.fileno(), number)
    if stdin is not None:
        os.dup2(stdin.fileno(), 0)
        stdin.close()
    sys.argv = ["biztoken", *arguments]
    main()


def plain_environment() -> dict[str, str]:
    """The environment without what would change a run: our own variables, pytest's and proxies."""
    foreign = ("BIZTOKEN_", "PYTEST_", "COV_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    return {name: value for name, value in os.environ.items() if not name.upper().startswith(foreign)}


def wait_until(is_so: Callable[[], bool], may_be: Callable[[], bool] = lambda: True) -> None:
    """Wait for something to be so, no longer than any command may take, and only while it still may be."""
    deadline = time.monotonic() + LONGEST
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen in time"
        assert may_be(), "it cannot happen any more"
        time.sleep(POLL)  # another process: its files and ports can only be asked


@pytest.fixture(scope="session")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """The command."""
    return Cli(tmp_path_factory.mktemp("e2e"))


@pytest.fixture(scope="session")
def plain_mock(cli: Cli) -> Iterator[str]:
    """The URL of a mock without faults."""
    with cli.mock() as url:
        yield url


@pytest.fixture(scope="module")
def ahead(request: pytest.FixtureRequest) -> Iterator[Ahead]:
    """Makes of a function one whose calls for the module's selected values of `run` began already, two at a time."""
    chosen = [item for item in request.session.items if item.path == request.path and hasattr(item, "callspec")]
    names = dict.fromkeys(item.callspec.params["run"] for item in chosen if "run" in item.callspec.params)
    futures: dict[str, Future[Any]] = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:

        def begin(function: Callable[[str], Any]) -> Callable[[str], Any]:
            futures.update({name: pool.submit(function, name) for name in names})
            return lambda name: futures[name].result()

        yield begin
        for future in futures.values():
            future.cancel()
