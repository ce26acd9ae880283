"""The locust side: a User with our client, and what is hooked into locust's events.

`load/locustfile.py` imports this; nothing that the command itself imports does, because locust replaces sockets.
Started by the command, what is to be done comes over its line. Under plain locust the target comes from
`--target-file`, from BIZTOKEN_TARGET, or is a mock at `--host`, and each user sends one request after the other.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast
from weakref import WeakKeyDictionary

import gevent
from locust import User, constant, events, task
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.rpc import Message
from locust.runners import MasterRunner, Runner, WorkerRunner

from biztoken.embedded import mock_target
from biztoken.errors import UserError
from biztoken.load.conditions import OK, REFUSED
from biztoken.load.conductor import GO, HALT, PLAN, READY, REPORT, STORED, SUSPECTS, Conductor
from biztoken.load.control import Line
from biztoken.load.guard import permit
from biztoken.load.profile import make, read
from biztoken.load.rig import Plan, Rig, Seat
from biztoken.model import Json
from biztoken.settings import Target, read_target

ORPHANED = 3  # exit code of a process whose command is gone
SILENCE = 10.0  # seconds without a word from locust's master after which a worker sends nothing more
_rigs: WeakKeyDictionary[Environment, Rig] = WeakKeyDictionary()  # of each environment of locust in this process


class FaceID(User):
    """A customer of get_biz_token: as many as locust has, so many requests are in flight."""

    wait_time = constant(0)

    def on_start(self) -> None:
        self.rig = _rigs[self.environment]
        self.seat: Seat = self.rig.seat()

    @task
    def ask(self) -> None:
        """One thing: a request, or waiting for one's turn."""
        self.rig.serve(self.seat)

    def on_stop(self) -> None:
        self.seat.connection.close()


class Failed(Exception):  # noqa: N818 - what locust's page shows is its name
    """A request without success, as locust shows it."""


class Broken(Exception):  # noqa: N818 - as above
    """A reply that breaks clauses of the contract, as locust shows it."""


def add_options(parser: LocustArgumentParser) -> None:
    """What plain locust is told on its command line, by environment variables or on its page."""
    parser.add_argument(
        "--target-file",
        env_var="BIZTOKEN_TARGET",
        default="",
        include_in_web_ui=False,
        help="Target file; without it --host is a mock of ours with its demo keys",
    )
    parser.add_argument(
        "--load-profile",
        env_var="BIZTOKEN_LOAD_PROFILE",
        default="steady",
        include_in_web_ui=False,
        help="Profile whose mix, pictures and back-off are used",
    )


def begin(environment: Environment, runner: Runner, **_: Any) -> None:
    """Make what this process needs for its part: to lead, to send, or both."""
    line = Line.inherited()
    setup = next(line.heard(), None) if line else None
    rig: Rig | None = None
    try:
        if not isinstance(runner, MasterRunner):
            rig = _rig(environment, setup)
            _rigs[environment] = rig
            _Worker(environment, rig)
        if line and setup and not isinstance(runner, WorkerRunner):
            conductor = Conductor(environment, line, setup["plan"])
            _listen(environment.events.test_start, lambda **_: conductor.begin())
            gevent.spawn(conductor.listen, lambda: _leave(rig))
        elif line:
            gevent.spawn(_wait_for_end, line, rig)
    except UserError as problem:
        runner.quit()
        raise SystemExit(f"biztoken: {problem}") from None
    _listen(environment.events.quitting, lambda **_: rig.close() if rig else None)


def _listen(hook: Any, listener: Callable[..., None]) -> None:
    """Hook a function into an event of locust, which has no types here."""
    hook.add_listener(listener)


def _rig(environment: Environment, setup: Json | None) -> Rig:
    """The generator of this process, with a target that may be loaded."""
    options: Any = environment.parsed_options
    target = _target(setup, options)
    rig = Rig(
        target,
        permit(target),
        seed=setup["seed"] if setup else 0,
        contract=Path(setup["contract"]) if setup and setup["contract"] else None,
        # Locust keeps rows for every second of its own statistics: only for those who look at them.
        **({"on_request": _teller(environment)} if setup is None or setup["otel"] else {}),
    )
    if setup is None:
        rig.equip(read(options.load_profile))
    return rig


def _target(setup: Json | None, options: Any) -> Target:
    if setup is not None:
        return mock_target(setup["mock"]) if setup["mock"] else read_target(Path(setup["target"]))
    if options.target_file:
        return read_target(Path(options.target_file))
    if options.host:
        return mock_target(options.host)
    raise UserError(
        "--target-file",
        "give a target file, or the URL of a mock as --host",
        "请给出目标文件，或用 --host 给出模拟服务的 URL",
    )


def _teller(environment: Environment) -> Callable[[str, str, float, int, tuple[str, ...]], None]:
    """Tells locust of each request, each outcome under its own name; refusals for concurrency are no failures."""
    fire: Callable[..., None] = environment.events.request.fire

    def tell(kind: str, outcome: str, ms: float, size: int, clauses: tuple[str, ...]) -> None:
        problem: Exception | None = None
        if clauses:
            problem = Broken(", ".join(clauses))
        elif outcome != OK and REFUSED not in outcome:
            problem = Failed(outcome)
        fire(request_type=kind, name=outcome, response_time=ms, response_length=size, exception=problem, context={})

    return tell


class _Worker:
    """A generator's part of the conversation with the conductor."""

    def __init__(self, environment: Environment, rig: Rig) -> None:
        self._runner = cast("Runner", environment.runner)
        self._rig = rig
        listeners = {PLAN: self._prepare, GO: self._go, HALT: self._halt, SUSPECTS: self._look_up}
        for kind, listener in listeners.items():
            self._runner.register_message(kind, listener)
        if isinstance(self._runner, WorkerRunner):
            gevent.spawn(self._mind_the_master)

    def _prepare(self, environment: Environment, msg: Message) -> None:
        gevent.spawn(self._make_ready, dict(msg.data))

    def _make_ready(self, data: Json) -> None:
        try:
            profile = make(data["profile"], "the master's profile")
        except UserError as problem:  # of another version than the master
            self._runner.send_message(READY, {"error": str(problem)})
            return
        self._rig.prepare(
            Plan(profile, data["seed"], data["index"], data["count"], data["spent"]),
            lambda report: self._runner.send_message(REPORT, report),
            lambda: float(self._runner.current_memory_usage) / 1e6,
        )
        self._runner.send_message(READY, {"pace": self._rig.calibrated()})

    def _go(self, environment: Environment, msg: Message) -> None:
        self._rig.go()

    def _halt(self, environment: Environment, msg: Message) -> None:
        self._rig.halt()

    def _look_up(self, environment: Environment, msg: Message) -> None:
        found = self._rig.stored(msg.data["numbers"])
        self._runner.send_message(STORED, {"tokens": [[number, tokens] for number, tokens in found.items()]})

    def _mind_the_master(self) -> None:
        """Send nothing more for a master that is gone; locust itself would go on for a minute."""
        runner = cast("Any", self._runner)
        while not self._rig.over.wait(1):
            heard = runner.last_heartbeat_timestamp
            if heard and time.time() - heard > SILENCE:
                self._rig.halt()


def _wait_for_end(line: Line, rig: Rig | None) -> None:
    for _ in line.heard():
        pass
    _leave(rig)


def _leave(rig: Rig | None) -> None:
    """The command is gone, killed perhaps: so is this process, at once and with all that it was about to send."""
    if rig:
        rig.close()
    os._exit(ORPHANED)


_listen(events.init_command_line_parser, add_options)
_listen(events.init, begin)
