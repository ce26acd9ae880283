"""Leads one load: starts the generators, follows them, saves what came of it, and ends them."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from math import ceil
from pathlib import Path
from uuid import uuid4

from biztoken import leaks
from biztoken.errors import UserError
from biztoken.evidence import Evidence
from biztoken.load.approach import approach
from biztoken.load.control import ASK, CONFIRM, END
from biztoken.load.forge import person_of
from biztoken.load.launch import LOG, WAITS, Process, complaint, follow, free_port, started
from biztoken.load.options import PORT, Options, sameness, setup_of
from biztoken.load.profile import Profile
from biztoken.load.record import Frame, result_of
from biztoken.load.run import LoadRun
from biztoken.load.verdict import word
from biztoken.model import Json
from biztoken.reporting import print_summary, render, write_result
from biztoken.reporting.load_progress import LoadProgress
from biztoken.settings import Target
from biztoken.verdicts import Text

SAVED = 2.0  # seconds between two records of a run under way
RECORDS = (
    *("evidence.ndjson", "result.json", "junit.xml", "summary.md", "index.html", "badge.json", "badge.svg"),
    LOG,
)
PATIENCE = 60.0  # seconds beyond a profile and its drain after which generators that do not report are given up
READY_WITHIN = 60.0  # seconds within which a worker that has its plan must be able to begin
SHOWN_AT_ONCE = 50  # hashes whose exchanges workers are asked for
INTERRUPTED = Text("It was interrupted.", "运行被中断。")
OVERDUE = Text("The generators did not report the end of the load.", "压测端未报告负载的结束。")


@contextmanager
def orderly() -> Iterator[None]:
    """SIGTERM ends as Ctrl-C does, with a report."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class Leading:
    """One load, led from here."""

    def __init__(self, options: Options, target: Target, directory: Path, run: LoadRun) -> None:
        self.options, self.profile, self.target, self.directory = options, run.profile, target, directory
        for name in RECORDS:
            (directory / name).unlink(missing_ok=True)
        person = person_of(target, options.seed)
        self._person = person
        self._evidence = Evidence(
            directory,
            [*target.private_texts(), person.name, person.number],
            is_open=target.is_mock and not target.person,
        )
        self._name = uuid4().hex  # of this run, for its generators
        self._ids = count(1)
        self._run = run
        run.keep = self._keep
        self._frame = Frame(target, options.as_json(), options.seed, datetime.now(UTC), time.monotonic())
        self._progress = LoadProgress(options.lang)
        self._result: Json = {}
        self._next_save = self._began = self._planned = 0.0
        self._has_begun = self._has_asked = self._has_stopped = False

    def lead(self) -> int:
        """Run it to its end, or to an interruption, and return the exit code. UserError where something leaked."""
        with leaks.Recorder() as recorder:
            code = self._lead()
        self._tell_leaks(leaks.search_text(recorder.text, self._canaries()))
        return code

    def _lead(self) -> int:
        try:
            with orderly():
                self._approach()
                self._save(complete=False)
                if self.options.master:
                    sys.stderr.write(waiting(self.options).as_json()[self.options.lang] + "\n")
                with started(self._processes(), self.directory / LOG) as processes:
                    self._follow_to_the_end(processes)
        except UserError as problem:
            self._run.problem = Text(problem.told("en"), problem.told("zh"))
            self._finish(tells=False)
            raise
        except KeyboardInterrupt:  # before it began, or once more: nobody waits for what is under way
            self._run.interrupted = INTERRUPTED
        return self._finish()

    def _approach(self) -> None:
        """Send the first requests, one at a time; UserError where no sound one gets through."""
        options = self.options
        sent, service = approach(
            self.target,
            self.profile,
            self._evidence,
            seed=options.seed,
            run=self._name,
            contract=options.contract,
        )
        self._ids = count(sent + 1)
        self._frame = replace(self._frame, before=sent)
        self._run.service_ms = service

    # --- the processes

    def _processes(self) -> list[tuple[Sequence[str], Json]]:
        """What to start: one process that does all, or a master and its workers."""
        options = self.options
        mock = self.target.url if self.target.is_mock else None
        setup = setup_of(options, mock)
        told = {"profile": self.profile.as_data(), "seed": options.seed, "run": self._name}
        told |= {"spent": self._frame.before}
        plan = {"plan": told | {"same": sameness(self.target, self._run.contract)}}
        more = ["--otel"] if options.otel else []
        if not options.master and options.processes == 1:
            return [([*more, *_users(self.profile, 1)], setup | plan)]
        workers = options.expect_workers if options.master else options.processes
        host, port = (options.bind, options.port or PORT) if options.master else ("127.0.0.1", free_port())
        waits = ["--expect-workers", str(workers), "--expect-workers-max-wait", str(WAITS)]
        listens = ["--master", "--master-bind-host", host, "--master-bind-port", str(port)]
        master = ([*more, *listens, *waits, *_users(self.profile, workers)], setup | plan)
        joins = [*more, "--worker", "--master-host", "127.0.0.1", "--master-port", str(port)]
        return [master, *([(joins, setup)] * (0 if options.master else workers))]

    def _follow_to_the_end(self, processes: Sequence[Process]) -> None:
        """Follow the leading process to its end; a first Ctrl-C asks for an early one, a second waits for none."""
        leader = processes[0]
        try:
            self._follow(leader)
        except KeyboardInterrupt:
            if not self._run.has_begun:  # nothing is under way that one could wait for
                raise
            self._run.interrupted = INTERRUPTED
            leader.stop()
            self._follow(leader)
        leader.line.tell({"do": END})
        for process in processes:
            process.wait()

    def _follow(self, leader: Process) -> None:
        run = self._run

        def tick() -> None:
            if run.condition_met() and not self._has_stopped:
                self._has_stopped = True
                leader.stop()
            for kind, some in run.unshown.items():
                if some:  # at once, as long as the exchanges are remembered
                    leader.line.tell({"do": ASK, "kind": kind, "numbers": sorted(some)[:SHOWN_AT_ONCE]})
                    some.clear()
            if run.is_told and run.awaits_stored and not self._has_asked:
                self._has_asked = True
                leader.line.tell({"do": CONFIRM, "numbers": {k: sorted(some) for k, some in run.suspects.items()}})
            if time.monotonic() > self._next_save:
                self._save(complete=False)
            self._mind_the_unready()
            if run.has_begun and not self._has_begun:
                self._has_begun = True
                self._began = time.monotonic()
                sys.stderr.write(capacity(run).as_json()[self.options.lang] + "\n")
                self._progress.start(run.timeline.seconds)
            elif run.has_begun:
                self._progress.update(run.numbers())

        follow(leader, run.take, tick, lambda: self._is_overdue() or (run.is_told and not run.awaits_stored))
        if self._is_overdue():
            run.interrupted = OVERDUE
        elif not run.is_told:
            leader.wait()
            raise complaint(self.directory / LOG, leader.process.poll())

    def _mind_the_unready(self) -> None:
        """UserError where a worker has its plan for long and has not said that it can begin."""
        run, now = self._run, time.monotonic()
        if run.has_begun or not run.unready:
            return
        self._planned = self._planned or now
        if now - self._planned > READY_WITHIN:
            names = ", ".join(sorted(run.unready))
            raise UserError(
                f"worker {names}",
                f"not ready within {READY_WITHIN:g} s; see {LOG} where it runs",
                f"{READY_WITHIN:g} 秒内未就绪；请查看该处的 {LOG}",
            )

    def _is_overdue(self) -> bool:
        """Whether the generators should have told everything long ago."""
        longest = self.profile.seconds + self.profile.drain + PATIENCE
        return self._has_begun and time.monotonic() - self._began > longest

    # --- records

    def _keep(self, record: Json) -> int:
        """Write an exchange that a generator recorded, under a number of this run."""
        number = next(self._ids)
        self._evidence.append(record | {"id": number})
        return number

    def _save(self, *, complete: bool) -> Json:
        began = time.monotonic()
        result: Json = self._evidence.redact(result_of(self._run, self._frame, complete=complete))
        self._result = result
        write_result(self.directory, result)
        # The record of hours takes its time: no more than a twentieth of it all goes into saving.
        now = time.monotonic()
        self._next_save = now + max(SAVED, 20 * (now - began))
        return result

    def _finish(self, *, tells: bool = True) -> int:
        self._progress.stop()
        self._run.confirm()
        self._run.book.close()
        result = self._save(complete=True)
        self._evidence.close()
        (self.directory / "cases.ndjson").unlink(missing_ok=True)  # a load has none
        render(self.directory, self.options.lang)
        records = [path for name in RECORDS if (path := self.directory / name).is_file()]
        self._tell_leaks(leaks.search(records, self._canaries()))
        if tells:
            print_summary(self.directory, self.options.lang)
        return int(result["exit_code"])

    def _canaries(self) -> tuple[leaks.Canary, ...]:
        sent = self._evidence
        return leaks.canaries(self.target, self._person, sent.signs, sent.pictures.values(), sent.numbers)

    def _tell_leaks(self, found: Sequence[leaks.Leak]) -> None:
        """Records in which something private stands must not be passed on: no verdict, and all of them say so."""
        if not found:
            return
        problem = leaks.problem(found)
        reason = Text(problem.told("en"), problem.told("zh")).as_json()
        write_result(self.directory, self._result | {"exit_code": 2, "verdict": word(2), "reason": reason})
        render(self.directory, self.options.lang)
        raise problem


def waiting(options: Options) -> Text:
    """What a master says when it begins to wait for its workers."""
    count, place = options.expect_workers, f"{options.bind}:{options.port or PORT}"
    return Text(
        f"Waiting up to {WAITS} s for {count} workers at {place}; Ctrl-C ends it.",
        f"在 {place} 等待 {count} 个 worker，最多 {WAITS} 秒；按 Ctrl-C 结束。",
    )


def capacity(run: LoadRun) -> Text:
    """What the generators can do, and whether the profile asks for more."""
    pace, held = round(sum(run.pace.values())), run.n_max or 0
    service = f"{run.service_ms or 0:.1f} ms"
    told = Text(
        f"Generator: {pace} requests a second on loopback; at {service} each it can hold {held} in flight.",
        f"压测端：回环上每秒 {pace} 个请求；每个 {service} 时最多维持 {held} 个并发。",
    )
    if run.profile.is_open or run.profile.peak <= held:
        return told
    return Text(
        f"{told.en} The profile asks for {run.profile.peak:g}: it may be the bottleneck; use --processes.",
        f"{told.zh}方案要求 {run.profile.peak:g}：瓶颈可能在压测端，请使用 --processes。",
    )


def _users(profile: Profile, workers: int) -> list[str]:
    """As many users as the shares of the workers need: one that dispatches arrivals, or one for each request."""
    number = workers if profile.is_open else workers * ceil(profile.peak / workers)
    return ["--users", str(number), "--spawn-rate", str(number)]
