"""The locust side: a User with our client, and what is hooked into locust's events.

`load/locustfile.py` imports this; nothing that the command itself imports does, because locust replaces sockets.
Started by the command, what is to be done comes over its line. Under plain locust the target comes from
`--target-file`, from BIZTOKEN_TARGET, or is a mock at `--host`, and each user sends one request after the other.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast
from uuid import uuid4
from weakref import WeakKeyDictionary
from zlib import crc32

import gevent
from gevent.queue import Queue
from locust import User, constant, events, task
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.rpc import Message
from locust.runners import MasterRunner, Runner, WorkerRunner
from locust.stats import RequestStats

from biztoken import contract as contracts
from biztoken.embedded import mock_target
from biztoken.errors import UserError
from biztoken.load.conditions import OK, REFUSED
from biztoken.load.conductor import GO, HALT, PLAN, READY, REPORT, SHOW, SHOWN, STORED, SUSPECTS, Conductor
from biztoken.load.control import ORPHANED, STOP, Line
from biztoken.load.guard import Ceilings, permit
from biztoken.load.options import hold_same, sameness
from biztoken.load.presence import LOOK, is_gone, refuses
from biztoken.load.profile import Profile, make, read
from biztoken.load.rig import MOMENT, Plan, Rig, Seat
from biztoken.model import Json
from biztoken.settings import Target, read_target

SPENT = 3  # exit code of plain locust whose ceiling was met
_log = logging.getLogger(__name__)
_rigs: WeakKeyDictionary[Environment, Rig] = WeakKeyDictionary()  # of each environment of locust in this process


class FaceID(User):
    """A customer of get_biz_token: as many as locust has, so many requests are in flight."""

    wait_time = constant(0)

    def on_start(self) -> None:
        self.rig = _rigs[self.environment]
        self.seat: Seat = self.rig.seat()

    @task
    def ask(self) -> None:
        """One thing after the other for a moment: a request, or waiting for one's turn.

        Between two tasks locust does more than a request costs.
        """
        ends = time.monotonic() + MOMENT
        while time.monotonic() < ends:
            self.rig.serve(self.seat)

    def on_stop(self) -> None:
        self.rig.leave(self.seat)


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


class _Command:
    """The line to the command that started this process, heard from the first moment on.

    Locust connects to its master before it tells of `init`, and would wait there for hours after the command is gone.
    """

    def __init__(self, line: Line) -> None:
        self.line = line
        self.has_begun = False  # whether anybody hears what it says
        self.on_end: Callable[[], None] = lambda: None
        self._values: Queue[Json] = Queue()
        gevent.spawn(self._listen)

    def _listen(self) -> None:
        for value in self.line.heard():
            if value.get("do") == STOP and not self.has_begun:
                os._exit(ORPHANED)
            self._values.put(value)
        try:
            self.on_end()
        finally:  # the command is gone, killed perhaps: so is this process, with all that it was about to send
            os._exit(ORPHANED)

    def heard(self) -> Iterator[Json]:
        """What it says, one after the other, for ever."""
        while True:
            yield self._values.get()


def _inherited() -> _Command | None:
    line = Line.inherited()
    return _Command(line) if line else None


def begin(environment: Environment, runner: Runner, **_: Any) -> None:
    """Make what this process needs for its part: to lead, to send, or both."""
    said = _command.heard() if _command else None
    setup = next(said) if said else None
    if _command:
        _command.has_begun = True
        keep_no_history(environment.stats)
    rig: Rig | None = None
    try:
        if not isinstance(runner, MasterRunner):
            rig = _rig(environment, setup)
            _rigs[environment] = rig
            _Worker(environment, rig)
        if _command and rig:
            _command.on_end = rig.close
        if _command and said and setup and not isinstance(runner, WorkerRunner):
            conductor = Conductor(environment, _command.line, setup["plan"])
            _listen(environment.events.test_start, lambda **_: conductor.begin())
            gevent.spawn(conductor.listen, said)
        elif said and rig:
            gevent.spawn(_heed, said, rig, runner)
        elif rig:
            gevent.spawn(_mind_the_ceiling, rig, environment)
            gevent.spawn(rig.forget)
    except UserError as problem:
        runner.quit()
        raise SystemExit(f"biztoken: {problem}") from None
    _listen(environment.events.quitting, lambda **_: rig.close() if rig else None)


def keep_no_history(stats: RequestStats) -> None:
    """Locust keeps a row of its own statistics every five seconds, for a page that nobody looks at here."""
    stats.use_response_times_cache = stats.total.use_response_times_cache = False


def _listen(hook: Any, listener: Callable[..., None]) -> None:
    """Hook a function into an event of locust, which has no types here."""
    hook.add_listener(listener)


def _rig(environment: Environment, setup: Json | None) -> Rig:
    """The generator of this process, with a target that may be loaded."""
    options: Any = environment.parsed_options
    target = _target(setup, options)
    ceilings, runner = permit(target), environment.runner
    if setup is None and isinstance(runner, WorkerRunner) and ceilings != Ceilings():
        raise UserError(
            "max_rate, max_requests",
            "several processes of plain locust cannot keep them together; use one, or `biztoken load --processes`",
            "多个普通 locust 进程无法共同遵守；请只用一个，或使用 biztoken load --processes",
        )
    rig = Rig(
        target,
        ceilings,
        seed=setup["seed"] if setup else 0,
        contract=Path(setup["contract"]) if setup and setup["contract"] else None,
        # Locust keeps rows for every second of its own statistics: only for those who look at them.
        **({"on_request": _teller(environment)} if setup is None or setup["otel"] else {}),
    )
    if setup is None:
        profile = read(options.load_profile)
        _log.warning("biztoken: %s", left_out(profile))
        # Processes that do not know of each other send requests of their own all the same.
        own = runner.client_id if isinstance(runner, WorkerRunner) else ""
        rig.equip(profile, uuid4().hex, index=crc32(own.encode()))
    return rig


def left_out(profile: Profile) -> str:
    """What plain locust does not do of a profile. UserError for one whose model it does not have."""
    if profile.is_open:
        raise UserError(
            f"--load-profile {profile.name}",
            f"its arrivals are not for plain locust, whose users wait; use `biztoken load --profile {profile.name}`",
            f"普通 locust 的用户会等待应答，不支持到达过程；请用 biztoken load --profile {profile.name}",
        )
    return (
        f"of the profile {profile.name} only mix, pictures and back_off are used; "
        "stages, passing and stop_when are for `biztoken load`."
    )


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
        self._environment, self._runner = environment, cast("Runner", environment.runner)
        self._rig = rig
        self._heard = time.monotonic()
        listeners = {PLAN: self._prepare, GO: self._go, HALT: self._halt, SUSPECTS: self._look_up, SHOW: self._show}
        for kind, listener in listeners.items():
            self._runner.register_message(kind, listener)
        if isinstance(self._runner, WorkerRunner):
            _listen(environment.events.heartbeat_received, self._hear)
            gevent.spawn(self._mind_the_master)

    def _prepare(self, environment: Environment, msg: Message) -> None:
        gevent.spawn(self._make_ready, dict(msg.data))

    def _make_ready(self, data: Json) -> None:
        """Say that this generator can begin, or why not: whatever it is, the others wait for the answer."""
        try:
            answer: Json = {"pace": self._ready(data)}
        except UserError as problem:
            answer = {"error": {"what": problem.what, "en": problem.hint, "zh": problem.zh}}
        except Exception as problem:  # no descriptor left, no memory, whatever it is
            told = f"{type(problem).__name__}: {problem}"
            answer = {"error": {"what": "generator", "en": f"it cannot begin ({told})", "zh": f"无法开始（{told}）"}}
        self._runner.send_message(READY, answer)

    def _ready(self, data: Json) -> float:
        rules = contracts.load(self._rig.contract)
        hold_same(sameness(self._rig.target, rules), data["same"])
        self._rig.prepare(
            Plan(
                make(data["profile"], "the master's profile", rules),
                *(data[name] for name in ("run", "seed", "index", "count", "spent")),
            ),
            lambda report: self._runner.send_message(REPORT, report),
            lambda: float(self._runner.current_memory_usage) / 1e6,
        )
        return self._rig.calibrated()

    def _go(self, environment: Environment, msg: Message) -> None:
        self._rig.go()

    def _halt(self, environment: Environment, msg: Message) -> None:
        self._rig.halt()

    def _look_up(self, environment: Environment, msg: Message) -> None:
        stored = self._rig.scrutiny.stored
        found = {kind: list(stored(kind, numbers).items()) for kind, numbers in msg.data["numbers"].items()}
        self._runner.send_message(STORED, {"tokens": found})

    def _show(self, environment: Environment, msg: Message) -> None:
        kind = msg.data["kind"]
        self._runner.send_message(SHOWN, {"kind": kind, "records": self._rig.scrutiny.shown(kind, msg.data["numbers"])})

    def _hear(self, **_: Any) -> None:
        self._heard = time.monotonic()

    def _mind_the_master(self) -> None:
        """End this process for a master that is gone, once what is under way has ended; locust would go on a minute."""
        runner = cast("Any", self._runner)
        while not is_gone(time.monotonic() - self._heard, lambda: refuses(runner.master_host, runner.master_port)):
            gevent.sleep(LOOK)
        self._rig.halt()
        if self._rig.has_begun.is_set():
            self._rig.over.wait()
        _log.error("biztoken: the master is gone")
        self._environment.process_exit_code = ORPHANED
        self._runner.quit()


def _heed(said: Iterator[Json], rig: Rig, runner: Runner) -> None:
    """End a worker when its command says so: once what is under way has ended and was told."""
    for value in said:
        if value.get("do") == STOP:
            rig.halt()
            if rig.has_begun.is_set():
                rig.told.wait()
            runner.quit()


def _mind_the_ceiling(rig: Rig, environment: Environment) -> None:
    """Under plain locust the ceiling of requests ends the load, and says so."""
    rig.halted.wait()
    _log.error("biztoken: the target's max_requests was met; nothing more is sent")
    environment.process_exit_code = SPENT
    cast("Runner", environment.runner).quit()


_command = _inherited()
_listen(events.init_command_line_parser, add_options)
_listen(events.init, begin)
