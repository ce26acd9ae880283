"""A run as pytest sees it: prepared from options, planned, settled case by case, closed with records."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from uuid import uuid4

from biztoken import certificate, history, leaks
from biztoken import contract as contracts
from biztoken.account import executed, options_json, result_of, target_json
from biztoken.budget import Budget, OutOfBudgetError
from biztoken.cases import FAMILIES, PLANS, Case, Samples, load_cases
from biztoken.changes import find_baseline
from biztoken.client import Client, NotRecordedError
from biztoken.contract import Contract
from biztoken.doctor import diagnose
from biztoken.embedded import EmbeddedMock
from biztoken.errors import UserError
from biztoken.evidence import Evidence, unwritable, write_json
from biztoken.model import Json, Verdict
from biztoken.people import Person, make_person
from biztoken.pictures import Pictures
from biztoken.preflight import find_branches, first_control
from biztoken.pricing import ceiling, expected_requests
from biztoken.recording import Recording
from biztoken.reporting import render, write_result
from biztoken.resuming import go_on, may_go_on, resumed
from biztoken.runner import NOT_RECORDED, Run
from biztoken.settings import Target, read_target
from biztoken.verdicts import CaseResult, Tally, Text, verdict_word
from biztoken.waivers import Waiver, case_ids, read_waivers

FUZZ_EXAMPLES = 20  # for each of the eight views, beside the deterministic coverage of each boundary
_RECORDS = (
    *("plan.json", "evidence.ndjson", "cases.ndjson", "resumes.ndjson"),
    *("result.json", "junit.xml", "summary.md", "index.html", "badge.json", "badge.svg"),
)


@dataclass(frozen=True, slots=True)
class Options:
    """What a user may choose for a run. `fuzz` None: the default, which is 0 for a target that is not loopback.

    `budget`: requests; `rate`: requests per second; `max_in_flight`: requests at once. `resume`: the run to go on with.
    """

    target: Path | None = None
    out: Path | None = None
    plan: str = "full"
    select: str = ""
    strict: bool = False
    require: tuple[str, ...] = ()
    seed: int = 0
    fuzz: int | None = None
    lang: str = "en"
    contract: Path | None = None
    budget: int | None = None
    rate: float | None = None
    max_in_flight: int | None = None
    resume: Path | None = None
    waivers: Path | None = None
    baseline: Path | None = None


class Suite:
    """Everything one run of `check` needs. `on_plan` and `on_case` tell a listener of progress.

    `is_rehearsed`: against a mock of ours, for its numbers only; no reports are made.
    """

    def __init__(
        self,
        options: Options,
        contract: Contract,
        target: Target,
        directory: Path,
        *,
        pictures: Pictures | None = None,
        recording: Recording | None = None,
        live: bool = True,
        is_rehearsed: bool = False,
    ) -> None:
        self.options = options
        self.contract = contract
        self.target = target
        self.directory = directory
        self.on_plan: Callable[[int, int], None] = lambda _cases, _requests: None
        self.on_case: Callable[[CaseResult], None] = lambda _result: None
        known = _known_cases(contract)
        self.cases = self.chosen(known)
        self.case_set = certificate.case_set(known)
        self.planned: list[Case] = []
        self.reports = not is_rehearsed  # whether reports are made of the records
        self.waivers: tuple[Waiver, ...] = ()
        self.baseline: tuple[str, Json] | None = None  # the name of an accepted run, and its result
        self.problem: UserError | None = None
        self.result: Json = {}
        self._mock: EmbeddedMock | None = None
        self.started = datetime.now(UTC)
        self.clock = time.monotonic()
        self.was_stopped_early = False
        person = Person(*target.person) if target.person else make_person(options.seed)
        # A target may remember pictures for longer than a run: made of the seed alone they would come twice.
        pictures = pictures or Pictures(target.pictures, options.seed, uuid4().hex)
        samples = Samples(person, pictures, options.seed)
        self._live = live
        is_resumed = recording is not None and live
        if not is_resumed:
            _clear(directory)
        # A mock's keys, and a person made for them, are no secrets.
        is_open = is_rehearsed and target.is_mock and not target.person
        private = [*target.private_texts(), person.name, person.number]
        recorded = recording.finished if recording and live else ()
        self.evidence = Evidence(directory, private, recorded, is_open=is_open)
        self._finished = frozenset(recording.finished if recording else ())
        self._repeated = len(recording.dropped) if recording else 0
        self.budget = Budget(options.budget, recording.sent if recording else 0, chosen=options.budget is not None)
        client = Client(target, self.evidence, seed=options.seed, budget=self.budget, recording=recording, live=live)
        self.run = Run(client, contract, samples, self.evidence)

    @classmethod
    def prepare(cls, options: Options, mock: EmbeddedMock | None = None) -> Suite:
        """Check every option. Without a target the `mock` is tested, or one that is started here.

        UserError names what is wrong; the mock is then closed.
        """
        try:
            options, recording, contract, excused = checked(options)
            directory = make_directory(options.out, "check")
            if options.target is None and mock is None:
                mock = EmbeddedMock(options.contract)
            target = mock.target() if mock else read_target(options.target or Path())
            target = replace(
                target, max_rate=_least(target.max_rate, options.rate), max_in_flight=options.max_in_flight
            )
            if recording is not None:
                known = certificate.case_set(load_cases(contract))
                may_go_on(directory, known, target, is_embedded=options.target is None)
                go_on(directory, recording)
            # Found before the records of an earlier run in the same directory are removed.
            told = {"url": target.url, "mock": target.is_mock}
            baseline = find_baseline(options.baseline, told) if options.baseline else None
            suite = cls(options, contract, target, directory, recording=recording)
            suite.waivers, suite.baseline = excused, baseline
        except BaseException:
            if mock is not None:
                mock.close()
            raise
        suite._mock = mock
        return suite

    @property
    def fuzz_examples(self) -> int:
        """Examples for each fuzzing view; 0 for no fuzzing."""
        if self.options.plan != "full":
            return 0
        if self.options.fuzz is not None:
            return self.options.fuzz
        return FUZZ_EXAMPLES if self.target.is_loopback else 0

    @property
    def remembers(self) -> bool:
        """Whether the run is one of the history of its target: a real one, with reports."""
        return self._live and self.reports

    @property
    def scope(self) -> str:
        return "partial" if self.options.select or self.options.plan == "quick" else "full"

    def chosen(self, cases: Sequence[Case]) -> tuple[Case, ...]:
        """Those that the plan runs."""
        reach = PLANS.index(self.options.plan)
        return tuple(case for case in cases if PLANS.index(case.plan) <= reach)

    @staticmethod
    def order(case: Case) -> int:
        """The rank of a case's family in a run."""
        return FAMILIES.index(case.family) if case.family in FAMILIES else len(FAMILIES)

    # --- the run, as pytest leads it

    def plan(self, cases: Sequence[Case]) -> None:
        """Write the plan and a result that is incomplete until the run says otherwise."""
        self.planned = list(cases)
        rows = [{"id": case.id, "clause": case.clause, "family": case.family} for case in cases]
        requests = expected_requests(self.planned, self.contract, self.target)
        if not self.budget.chosen:
            self.budget.most = ceiling(requests, self.target) + self._repeated
        plan = {
            "planned": len(rows),
            "requests": requests,
            "cases": rows,
            "at_most": self.budget.most,
            "seed": self.options.seed,
            "target": target_json(self),
            "facts": self.target.facts(),
            "options": options_json(self),
            "case_set": self.case_set,
        }
        if self.reports:  # so that a killed run leaves a page, too
            write_json(self.directory / "plan.json", self.evidence.redact(plan))
            write_result(self.directory, result_of(self, complete=False))
            self.render()
        self.on_plan(len(rows), requests)

    def begin(self) -> None:
        """Send the first requests. UserError where no sound one gets through."""
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does, with a report
        try:
            if self._live:
                diagnosis = diagnose(self.target, now=time.time, sound=lambda: first_control(self.run), others=False)
                self.run.ledger.notes += diagnosis.warnings()
                if diagnosis.problem and not diagnosis.answered:
                    raise diagnosis.problem
            find_branches(self.run)
        except OutOfBudgetError as problem:
            self.run.stopped = problem.reason
        except NotRecordedError:
            self.run.stopped = NOT_RECORDED

    def starts(self) -> bool:
        """Begin; False where no case can be run, for a reason that the result will say."""
        try:
            self.begin()
        except UserError as problem:
            self.give_up(problem)
            return False
        except Exception as problem:  # nothing was tested: that must not pass in silence
            told = f"{problem.__class__.__name__}: {problem}"
            failed = f"it failed before the first case ({told})"
            self.give_up(UserError("biztoken", failed, f"在第一个用例之前出错（{told}）"))
            return False
        return True

    def give_up(self, problem: UserError) -> None:
        """No case is run and nothing is judged; the result says why."""
        self.was_stopped_early = True
        self.run.ledger.tally = Tally()  # what the first replies kept or broke was no endpoint's that can be judged
        clean = self.evidence.redact
        self.problem = UserError(clean(problem.what), clean(problem.hint), clean(problem.zh), lead=problem.lead)

    def settle(self, case: Case) -> CaseResult | None:
        """Run a case; None where it is put off. After the run was stopped only what is recorded is judged."""
        if self.run.stopped and case.id not in self._finished:
            result = self.run.result(case, Verdict.NOT_RUN, self.run.stopped)
        else:
            settled = self.run.settle(case)
            if settled is None:
                return None
            result = settled
        self.on_case(result)
        return result

    def settle_later(self) -> list[CaseResult]:
        """Repeat what was put off."""
        results = self.run.settle_later()
        for result in results:
            self.on_case(result)
        return results

    def finish(self) -> int:
        """Write the result and the reports, and return the exit code."""
        if not self.planned:
            return 2
        self.run.ledger.close(self.run.client.sent, self.run.controls.sound, is_loopback=self.target.is_loopback)
        complete = not self.was_stopped_early and not self.run.starved and executed(self) == len(self.planned)
        self.result = result_of(self, complete=complete)
        note = history.update(self.directory, self.result) if self.remembers else None
        if note and note.as_json() not in self.result["notes"]:
            self.result["notes"].append(note.as_json())
        self.evidence.close()
        if self.reports:
            write_result(self.directory, self.result)
            self.render()
            self.search_records()
        return int(self.result["exit_code"])

    def canaries(self) -> tuple[leaks.Canary, ...]:
        """What is private in this run and must stand in nothing that it leaves."""
        sent = self.evidence
        return leaks.canaries(self.target, self.run.samples.person, sent.signs, sent.pictures.values(), sent.numbers)

    def search_records(self) -> None:
        """Tell of what is private in any file that the run wrote."""
        records = [path for name in _RECORDS if (path := self.directory / name).is_file()]
        self.tell_leaks(leaks.search(records, self.canaries()))

    def tell_leaks(self, found: Sequence[leaks.Leak]) -> None:
        """A leak leaves no verdict: the fault is this program's, and the records must not be passed on."""
        if not found:
            return
        self.problem = leaks.problem(found)
        reason = Text(self.problem.told("en"), self.problem.told("zh")).as_json()
        self.result |= {"exit_code": 2, "verdict": verdict_word(2), "reason": reason}
        if "sentence" in self.result:  # what was found is no answer any more
            self.result["sentence"] = reason
        write_result(self.directory, self.result)
        self.render()

    def close(self) -> None:
        """End records, connections and the embedded mock."""
        self.evidence.close()
        self.run.client.close()
        if self._mock is not None:
            self._mock.close()
            self._mock = None

    # --- records

    def render(self) -> None:
        """Make the reports of the records, unless they are not wanted."""
        if self.reports:
            render(self.directory, self.options.lang)

    def explain(self, result: CaseResult) -> str:
        """What a case earned and why, to be read alone."""
        clause = self.contract.clauses[result.clause]
        lines = [f"{result.verdict} {clause.id}: {clause.en}"]
        if result.reason:
            lines.append(result.reason.en)
        for charge in self.run.ledger.tally.charges.values():
            if charge.case == result.id:
                finding = charge.finding
                lines += [
                    f"  {finding.clause}: expected {finding.expected}",
                    f"  received {finding.received}",
                    f"  the difference from the control: {charge.difference or 'none'}",
                    f"  exchanges {', '.join(map(str, charge.exchanges))} in {self.directory / 'evidence.ndjson'}",
                ]
        return str(self.evidence.redact("\n".join(lines)))


def checked(options: Options) -> tuple[Options, Recording | None, Contract, tuple[Waiver, ...]]:
    """The options of a run, those of the stopped run that it goes on with, its record, contract and waivers.

    UserError names what is wrong. Nothing is written.
    """
    recording = None
    if options.resume:
        options, recording = resumed(options)
    contract = contracts.load(options.contract)
    unknown = [name for name in options.require if name != "must" and name not in contract.clauses]
    if unknown:
        raise UserError(
            f"--require {unknown[0]}",
            "there is no such clause; give must or ids from the report",
            "没有这一条款；请给出 must 或报告中的条款 id",
        )
    return options, recording, contract, waivers_of(options, contract)


def waivers_of(options: Options, contract: Contract) -> tuple[Waiver, ...]:
    """The waivers of the file that the options name, held against today, UTC. UserError for a mistake in it."""
    if options.waivers is None:
        return ()
    return read_waivers(options.waivers, contract, case_ids(contract), datetime.now(UTC).date())


@lru_cache(maxsize=8)
def _known_cases(contract: Contract) -> tuple[Case, ...]:
    """All cases of a contract: a proof asks for them hundreds of times."""
    return load_cases(contract)


def _least(*limits: float | None) -> float | None:
    return min((limit for limit in limits if limit is not None), default=None)


def make_directory(out: Path | None, kind: str) -> Path:
    """The directory of a run, made if it is not there. UserError where it cannot be written."""
    directory = out or Path("reports") / f"{kind}-{datetime.now():%Y%m%d-%H%M%S}"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        probe = directory / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as problem:
        raise unwritable(directory, problem) from None
    return directory


def _clear(directory: Path) -> None:
    """Remove the records of an earlier run in the same directory, and nothing else."""
    for name in _RECORDS:
        (directory / name).unlink(missing_ok=True)
