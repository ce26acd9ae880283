"""One run of drills: options checked, a plan, a book, and the records that it leaves."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from biztoken import contract as contracts
from biztoken import leaks
from biztoken.drill.account import Facts, directory_of, result_of
from biztoken.drill.across import across
from biztoken.drill.book import Book
from biztoken.drill.client import find_program
from biztoken.drill.judging import judge
from biztoken.drill.linting import Linting
from biztoken.drill.point import Judgement
from biztoken.drill.scenario import Scenario, scenarios
from biztoken.drill.seen import Seen
from biztoken.drill.selection import select
from biztoken.drill.stage import make_key
from biztoken.errors import UserError
from biztoken.evidence import write_json
from biztoken.mock.keys import Key
from biztoken.model import Json, Verdict
from biztoken.reporting import render, write_result
from biztoken.suite import make_directory
from biztoken.verdicts import CALLER, CaseResult, Text, verdict_word
from biztoken.waivers import Waiver, read_waivers

TIMEOUT = 60.0  # seconds in which a client gives up
_RECORDS = ("plan.json", "evidence.ndjson", "cases.ndjson", "result.json", "junit.xml", "summary.md", "index.html")


@dataclass(frozen=True, slots=True)
class Options:
    """What a user may choose. `timeout`: seconds after which a client must have given up.

    `jobs`: clients at once, None for two on each processor. `command`: None for a client that runs already.
    """

    command: tuple[str, ...] | None = None
    select: str = ""
    out: Path | None = None
    timeout: float = TIMEOUT
    waivers: Path | None = None
    strict: bool = False
    jobs: int | None = None
    lang: str = "en"
    contract: Path | None = None


@dataclass(slots=True)
class Drill:
    """One run: its plan, its book, its records. Written by one thread."""

    options: Options
    contract: contracts.Contract
    planned: tuple[Scenario, ...]
    waivers: tuple[Waiver, ...]
    directory: Path
    book: Book
    key: Key
    linting: Linting
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    clock: float = field(default_factory=time.monotonic)
    reason: Text | None = None
    result: Json = field(default_factory=dict)

    @classmethod
    def prepare(cls, options: Options) -> Drill:
        """Check every option, and write the plan and a result that is incomplete. UserError names what is wrong."""
        contract = contracts.load(options.contract)
        every = scenarios(contract, options.timeout)
        planned = select(every, options.select, contract)
        if options.command:
            find_program(options.command)
        known = [scenario.id for scenario in every]
        excused = (
            read_waivers(options.waivers, contract, known, datetime.now(UTC).date(), CALLER) if options.waivers else ()
        )
        directory = make_directory(options.out, "drill")
        for name in _RECORDS:
            (directory / name).unlink(missing_ok=True)
        key = make_key()
        book, linting = Book(contract, directory, key.api_secret), Linting(contract, key)
        drill = cls(options, contract, planned, excused, directory, book, key, linting)
        drill.write_plan()
        return drill

    @property
    def facts(self) -> Facts:
        """What the result says beside what was seen."""
        options = self.options
        told = {
            "command": list(options.command) if options.command else None,
            "select": options.select,
            "timeout": options.timeout,
            "strict": options.strict,
            "jobs": options.jobs,
            **{name: directory_of(getattr(options, name)) for name in ("waivers", "contract")},
        }
        is_partial = bool(options.select)
        return Facts(options.command, told, self.started, is_partial, options.strict, self.waivers)

    def write_plan(self) -> None:
        """Leave a readable record from the start, so that a killed run has one, too."""
        rows = [{"id": row.id, "clause": row.clause, "family": row.family} for row in self.planned]
        write_json(
            self.directory / "plan.json", {"planned": len(rows), "cases": rows, "options": dict(self.facts.options)}
        )
        self.write(complete=False)

    def enter(self, scenario: Scenario, seen: Seen) -> CaseResult:
        """Judge what was seen in a drill and write it down."""
        judged = judge(scenario, seen, self.key.api_secret, self.options.timeout)
        points, notes = self.linting.look(seen.sent)
        whole = Judgement(
            (*judged.points, *points), (*judged.notes, *notes), judged.why_not, is_beside=judged.is_beside
        )
        return self.book.enter(scenario, seen, whole)

    def give_up(self, problem: UserError) -> None:
        """No drill is played; the record says why."""
        self.reason = Text(problem.told("en"), problem.told("zh"))
        for scenario in self.planned:
            self.book.leave(scenario, Verdict.UNTESTABLE, self.reason)
        self.finish()

    def finish(self) -> int:
        """Judge what only all drills show, write the result and the reports, and return the exit code."""
        by_id = {scenario.id: scenario for scenario in self.planned}
        for name, point in across(self.book.starts):
            self.book.take(point, by_id[name], self.book.results[name].exchanges)
        self.book.close()
        self.write(complete=len(self.book.results) == len(self.planned))
        records = [path for name in _RECORDS if (path := self.directory / name).is_file()]
        found = leaks.search(records, self._canaries())
        if found:
            problem = leaks.problem(found)
            reason = Text(problem.told("en"), problem.told("zh")).as_json()
            self.result |= {"exit_code": 2, "verdict": verdict_word(2), "reason": reason}
            write_result(self.directory, self.result)
            render(self.directory, self.options.lang)
        return int(self.result["exit_code"])

    def write(self, *, complete: bool) -> None:
        """Write result.json and the reports as far as the run has come."""
        seconds = time.monotonic() - self.clock
        self.result = result_of(
            self.book, self.facts, self.planned, complete=complete, seconds=seconds, reason=self.reason
        )
        write_result(self.directory, self.result)
        render(self.directory, self.options.lang)

    def _canaries(self) -> Iterator[leaks.Canary]:
        for number, (text, name) in enumerate(self.book.private.items(), 1):
            yield leaks.Canary(f"{name} {number}", leaks.needles_of(text))
