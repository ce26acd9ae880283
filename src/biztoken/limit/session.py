"""`biztoken limit`: one run from options to reports."""

from __future__ import annotations

import signal
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from biztoken import contract as contracts
from biztoken.budget import OutOfBudgetError
from biztoken.burst import Battery
from biztoken.embedded import EmbeddedMock
from biztoken.errors import UserError
from biztoken.finding import broken
from biztoken.leaks import Recorder, search_text
from biztoken.limit import reasons
from biztoken.limit.account import result_of
from biztoken.limit.beginning import serial_latency, sound_request
from biztoken.limit.files import room_for
from biztoken.limit.firing import CASE, LIMIT, Firing, Guns, Row, Throttle
from biztoken.limit.fleet import Fleet
from biztoken.limit.observed import CannotTellError, Conclusion
from biztoken.limit.planner import plan
from biztoken.limit.search import Search
from biztoken.limit.told import keeps
from biztoken.load.guard import permit
from biztoken.model import Check, Json
from biztoken.reporting import print_summary, render, write_result
from biztoken.reporting.texts import say
from biztoken.settings import Target, read_target
from biztoken.suite import Options as SuiteOptions
from biztoken.suite import Suite, make_directory
from biztoken.verdicts import Text

MOST = 1024  # requests of the greatest burst, unless another is chosen
RELEASE = "CONCURRENCY-LIMIT-EXCEEDED-RELEASE"
SERVICE_OF_THE_MOCK = "50ms"  # of the embedded one, which else would answer before a burst is out
MOST_ARRIVALS = 1_000_000  # per second
STOPPED = Text("The run was interrupted.", "运行被中断。")


@dataclass(frozen=True, slots=True)
class Options:
    """What a user may choose. `most`: the greatest burst; `arrivals`: per second, at the peak that is planned for.

    `picture` None: requests without one, if the key may make such.
    """

    target: Path | None = None
    out: Path | None = None
    budget: int | None = None
    most: int | None = None
    picture: bool | None = None
    processes: int = 1
    arrivals: float | None = None
    seed: int = 0
    lang: str = "en"


def find_limit(options: Options) -> int:
    """Find or verify the limit, write the records, print what was found: the exit code. UserError for a mistake."""
    check(options)
    mock = EmbeddedMock(more=("--latency", SERVICE_OF_THE_MOCK)) if options.target is None else None
    try:
        target = mock.target() if mock else read_target(options.target or Path())
        session = Session(options, target)
        try:
            return session.run()
        finally:
            session.close()
    finally:
        if mock is not None:
            mock.close()


def check(options: Options) -> None:
    """UserError for arrivals that no peak can have, such as nan."""
    arrivals = options.arrivals
    if arrivals is not None and not 0 < arrivals <= MOST_ARRIVALS:
        raise UserError(
            f"--arrivals {arrivals:g}",
            f"give requests per second, above 0 and at most {MOST_ARRIVALS:,}",
            f"请给出每秒请求数，大于 0 且不超过 {MOST_ARRIVALS:,}",
        )


class Session:
    """One run against one target."""

    def __init__(self, options: Options, target: Target) -> None:
        ceilings = permit(target)
        most = greatest(options, target, ceilings.rate)
        self.options, self.target = options, target
        budget = least(options.budget, ceilings.requests)
        chosen = SuiteOptions(
            target=options.target, out=options.out, seed=options.seed, lang=options.lang, budget=budget
        )
        self.directory = make_directory(options.out, "limit")
        self.suite = Suite(chosen, contracts.load(), target, self.directory)
        self.search = Search(most, target.concurrency_limit, ceilings.rate, bound(options, ceilings.rate, most))
        self.rows: list[Row] = []
        self.baseline = 0.0
        self._throttle = Throttle(ceilings.rate)
        self._guns: Guns | None = None

    def run(self) -> int:
        """Everything, whatever ends it. What was printed is searched for what is private, as the records are."""
        with Recorder() as recorder:
            code = self._run()
        self.suite.tell_leaks(search_text(recorder.text, self.suite.canaries()))
        if self.suite.problem:
            raise self.suite.problem
        return code

    def _run(self) -> int:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does, with a report
        conclusion, reason = None, None
        self._write(None, None)
        try:
            conclusion = self._conclude()
        except UserError as problem:
            self._close(None, Text(problem.told("en"), problem.told("zh")), is_mistake=True)
            raise
        except OutOfBudgetError as problem:
            reason = problem.reason
        except KeyboardInterrupt:
            reason = STOPPED
        return self._finish(conclusion, reason)

    def _conclude(self) -> Conclusion:
        run = self.suite.run
        try:
            request = sound_request(run, picture=self.options.picture)
            self.baseline = serial_latency(run, request)
        except CannotTellError as problem:
            return problem.conclusion
        endpoint = run.client.endpoint
        self._guns = Fleet(endpoint, self.options.processes) if self.options.processes > 1 else Battery(endpoint)
        self._throttle.note(run.client.sent)
        firing = Firing(run, request, self._guns, self._throttle, self.baseline)
        firing.rows, firing.on_row = self.rows, self._tell
        steps = self.search.run()
        try:
            ask = next(steps)
            while True:
                ask = steps.send(firing.fire(ask))
        except StopIteration as end:
            conclusion: Conclusion = end.value
        if conclusion.kind == "other-refusals":
            firing.charge_strange()
        self._charge(conclusion)
        return conclusion

    def _charge(self, conclusion: Conclusion) -> None:
        """What the limit itself keeps or breaks."""
        ledger, contracted = self.suite.run.ledger, self.target.concurrency_limit
        if keeps(conclusion, contracted) is False:
            found = conclusion.value or self.search.admitted
            told = f"{found} admitted" if conclusion.value else f"{found} admitted and none refused"
            due = f"{contracted} admitted at once and one more refused"
            ledger.take([broken(LIMIT, "limit", due, told)], None, (), CASE)
        elif conclusion.value is not None:
            ledger.take([Check(LIMIT)], None, (), CASE)
        if conclusion.kind == "late-release":
            told = f"free again {(conclusion.release or 0) * 1000:.0f} ms after its reply"
            ledger.take([broken(RELEASE, "release", "a slot free again with its reply", told)], None, (), CASE)
        elif conclusion.value is not None:
            ledger.take([Check(RELEASE)], None, (), CASE)

    # --- records

    def _write(self, conclusion: Conclusion | None, reason: Text | None, *, is_mistake: bool = False) -> Json:
        arrivals = self.options.arrivals
        asked = plan(arrivals, self.baseline, conclusion.value if conclusion else None) if arrivals else None
        chosen = asdict(self.options).items()
        options = {name: str(value) if isinstance(value, Path) else value for name, value in chosen}
        result = result_of(
            self.suite,
            self.rows,
            conclusion,
            baseline=self.baseline,
            plan=asked,
            reason=reason,
            is_mistake=is_mistake,
            options=options,
        )
        write_result(self.directory, result)
        self.suite.result = result
        return result

    def _close(self, conclusion: Conclusion | None, reason: Text | None, *, is_mistake: bool = False) -> Json:
        """Write the last record and its reports. UserError where something private stands in them."""
        suite = self.suite
        result = self._write(conclusion, reason, is_mistake=is_mistake)
        suite.evidence.close()
        render(self.directory, self.options.lang)
        suite.search_records()
        if suite.problem:
            raise suite.problem
        return result

    def _finish(self, conclusion: Conclusion | None, reason: Text | None) -> int:
        lang = self.options.lang
        result = self._close(conclusion, reason)
        sys.stdout.write(f"{result['sentence'][lang]}\n")
        if result["planner"]:
            sys.stdout.write(f"{result['planner']['sentence'][lang]}\n")
        if result["exit_code"] == 1:
            print_summary(self.directory, lang)
        else:
            report = say("list.label", lang, name=say("terminal.report", lang), text=self.directory / "index.html")
            sys.stdout.write(f"{report}\n")
        return int(result["exit_code"])

    def _tell(self, row: Row) -> None:
        """A line for each burst as it has ended."""
        burst, lang = row.burst, self.options.lang
        reason = burst.trouble.reason.as_json()[lang] if burst.trouble else ""
        if lang == "zh":
            told = f"同时 {burst.n} 个：接受 {burst.ok}，拒绝 {burst.refused}" + (f"（{reason}）" if reason else "")
        else:
            told = f"{burst.n} at once: {burst.ok} admitted, {burst.refused} refused" + (
                f" ({reason})" if reason else ""
            )
        sys.stderr.write(f"{self.suite.evidence.redact(told)}\n")

    def close(self) -> None:
        """End connections and processes."""
        if self._guns is not None:
            self._guns.close()
        self.suite.close()
        self.suite.evidence.close()


def greatest(options: Options, target: Target, rate: float | None) -> int:
    """The greatest burst that may be sent. UserError where it leaves no room for the contracted limit and one more."""
    contracted = target.concurrency_limit
    most = options.most or max(MOST, (contracted or 0) + 1)
    if rate is not None:
        most = min(most, int(rate))
    files = room_for(2 * most + 1)
    most = min(most, files // 2)
    need = (contracted or 1) + 1
    if most < need:
        chosen = options.most is not None and options.most < need
        what = f"--max {options.most}" if chosen else "max_rate" if rate is not None and rate < need else "open files"
        raise UserError(
            what,
            f"it allows {most} requests at once, and {need} are needed; raise it",
            f"只允许同时 {most} 个请求，而需要 {need} 个；请提高",
        )
    return most


def bound(options: Options, rate: float | None, most: int) -> Text:
    """What keeps a burst from being greater than `most`, the greatest one."""
    if rate is not None and most == int(rate):
        return reasons.BY_RATE
    return reasons.BY_FILES if most < (options.most or MOST) else reasons.BY_MAX


def least(*limits: int | None) -> int | None:
    """The least of some limits, None where there is none."""
    return min((limit for limit in limits if limit is not None), default=None)
