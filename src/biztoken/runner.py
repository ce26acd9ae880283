"""Runs cases against a target: control, defect, noise, and what each case earned."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from biztoken.budget import OutOfBudgetError
from biztoken.cases import Case, Samples
from biztoken.client import Client, NotRecordedError
from biztoken.contract import Contract
from biztoken.controls import Control, Controls
from biztoken.envelope import envelope
from biztoken.evidence import Evidence
from biztoken.finding import broken
from biztoken.judge import answer
from biztoken.lateness import late_slots
from biztoken.ledger import Ledger
from biztoken.model import Check, Exchange, Json, Level, Verdict
from biztoken.needs import missing_need
from biztoken.reading import read
from biztoken.requests import make_request
from biztoken.sender import PAUSES, NoisyReplyError, Sender, harness_text, no_reply
from biztoken.verdicts import CaseResult, Text

RELEASE = "CONCURRENCY-LIMIT-EXCEEDED-RELEASE"
MOST_PATIENCE = 20.0  # seconds of a run that are waited for a target that refuses one request alone
REFUSED_ALONE = 10  # requests; fewer are what any shared key meets
NEVER_SERVED = ("quota_reached", "denied", "discontinued")  # keys whose slots nobody can have
HARNESS_IN_A_ROW = 3  # then the rest of the run would tell nothing
ENDED = Text("The run ended before it.", "运行在此之前结束。")
NOT_RECORDED = Text("What it would send was not recorded.", "没有它所需请求的记录。")


class Run:
    """One run over one target: settles cases and keeps what they earned; writes evidence as it happens.

    `starved`: the ids of cases that met nothing but noise. `stopped`: why the rest is not run; else `ended` says why
    a case has no result.
    """

    def __init__(self, client: Client, contract: Contract, samples: Samples, evidence: Evidence) -> None:
        self.client = client
        self.contract = contract
        self.samples = samples
        self.evidence = evidence
        self.ledger = Ledger(contract)
        self.sender = Sender(client, self.ledger)
        self.controls = Controls(self.sender, contract, samples)
        self.results: dict[str, CaseResult] = {}
        self.starved: list[str] = []
        self.stopped: Text | None = None
        self.ended = ENDED
        self._later: list[Case] = []
        self._noise: defaultdict[str, list[NoisyReplyError]] = defaultdict(list)  # by key; of each case, each time
        self._harness_in_a_row = 0
        self._last_noise = ""
        self._pause = PAUSES[0]
        self._patience = MOST_PATIENCE
        self._was_noisy = False
        self._refused_alone = 0

    def settle(self, case: Case) -> CaseResult | None:
        """Run a case and record what it earned; None where noise puts it off until later."""
        began = time.monotonic()
        try:
            result = self._settle(case)
        except NoisyReplyError as noise:
            self._last_noise = str(noise)
            self._noise[case.key].append(noise)
            self._later.append(case)
            self._slow_down()
            self._look_for_late_slots(case)
            return None
        except OutOfBudgetError as problem:
            self.stopped = self._with_noise(problem.reason)
            return self.result(case, Verdict.NOT_RUN, self.stopped)
        except NotRecordedError:
            self.ended = NOT_RECORDED
            return self.result(case, Verdict.NOT_RUN, NOT_RECORDED)
        except Exception as problem:  # a fault of this program must not look like the target's
            told = f"{problem.__class__.__name__}: {problem}"
            reason = Text(f"This program failed: {told}.", f"本程序出错：{told}。")
            result = self.result(case, Verdict.HARNESS, reason)
        self._was_noisy = False
        return self._record(replace(result, seconds=time.monotonic() - began))

    def _slow_down(self) -> None:
        """Give a target time that refuses one request alone: it is used by others, or gives slots back late.

        As long as it needs each time, so that a run does not spend its requests on refusals.
        """
        if self._last_noise != "CONCURRENCY_LIMIT_EXCEEDED":
            return
        self._refused_alone += 1
        if self._patience < self._pause:
            return
        if self._was_noisy:
            self._pause = min(2 * self._pause, PAUSES[-1])
        self._was_noisy = True
        self._patience -= self._pause
        self.client.wait(self._pause)

    def _look_for_late_slots(self, case: Case) -> None:
        """Once, where requests are refused one by one: others may use the key, or the target gives no slot back."""
        if self._refused_alone != REFUSED_ALONE or self._last_noise != "CONCURRENCY_LIMIT_EXCEEDED":
            return
        # A slot may come back late only after a request that is refused for something else: one of each name.
        refused = {each.expected.alternatives[0].error: each for each in self._later if each.expected.kind == "refused"}
        sound = Case(case.id, case.clause, case.family, case.expected, case.where)
        try:
            found = next(filter(None, (self._late_slots(of, case) for of in (sound, *refused.values()))), [])
        except (OutOfBudgetError, NotRecordedError):
            return  # the next case meets the same, and says so
        if found:
            told = f"requests one by one are refused after the limit, {len(found)} of {len(found)} times"
            ids = tuple(exchange.id for exchange in found)
            self.ledger.take([broken(RELEASE, "release", "a slot free again with its reply", told)], case, ids)

    def _late_slots(self, of: Case, case: Case) -> list[Exchange]:
        """The refusals that show late slots, where the request of a case is sent again and again for another."""
        branch, _ = self.controls.choose(of)
        if branch is None:
            return []
        form = self.controls.get(branch, of.base, "probe").form
        return late_slots(self.client, self.ledger, make_request(of, form, self.samples, self.client), case.id)

    def _with_noise(self, reason: Text) -> Text:
        """Why a run stopped, and what took its requests where that was a target which refused them one by one."""
        count = self._refused_alone
        if count < REFUSED_ALONE:
            return reason
        return Text(
            f"{reason.en} {count} were refused with CONCURRENCY_LIMIT_EXCEEDED though each was alone: "
            "others use the key, or a slot comes back some time after its reply.",
            f"{reason.zh}其中 {count} 个虽为单独发送，仍因 CONCURRENCY_LIMIT_EXCEEDED 被拒："
            "该 key 另有人使用，或名额在应答之后才归还。",
        )

    def settle_later(self) -> list[CaseResult]:
        """Repeat what noise put off, up to three times, waiting longer each time; then it is untestable."""
        settled: list[CaseResult] = []
        for pause in PAUSES:
            if self.stopped:
                return settled
            waiting, self._later = self._later, []
            if not waiting:
                break
            self.client.wait(pause)
            settled += [result for case in waiting if (result := self.settle(case)) is not None]
        settled += [self._record(self._starved(case)) for case in self._later]
        self._later = []
        return settled

    def _starved(self, case: Case) -> CaseResult:
        """What a case earns that met nothing but noise; where noise is its own matter, that is a finding."""
        if case.family == "concurrency" and self._last_noise == "CONCURRENCY_LIMIT_EXCEEDED":
            finding = broken(RELEASE, "release", "accepted", f"one request alone: {self._last_noise}")
            self.ledger.take([finding], case, ())
            return self.result(case, Verdict.FAIL)
        if case.expected.kind == "refused" and self._is_busy_only_for(case.key):
            return self.judged(case, self._noise[case.key][-1].exchange)
        self.starved.append(case.id)
        reason = Text(
            "The target kept answering with its concurrency limit or quota; run again when it is idle.",
            "目标一直返回并发或调用量超限；请在空闲时重新运行。",
        )
        return self.result(case, Verdict.UNTESTABLE, reason)

    def _is_busy_only_for(self, key: str) -> bool:
        """Whether a key with which nobody is served is always too many, and the one that all cases use never was.

        Any other key may be at its limit in somebody's hands, from another address or without the permission.
        """
        names = {str(noise) for noise in self._noise[key]}
        return key in NEVER_SERVED and names == {"CONCURRENCY_LIMIT_EXCEEDED"} and not self._noise["active"]

    def _record(self, result: CaseResult) -> CaseResult:
        """Keep a case's result and append it to the evidence."""
        self.results[result.id] = result
        self._stop_after_trouble(result)
        self.evidence.case(self._row(result))
        return result

    def _stop_after_trouble(self, result: CaseResult) -> None:
        self._harness_in_a_row = self._harness_in_a_row + 1 if result.verdict is Verdict.HARNESS else 0
        if self._harness_in_a_row >= HARNESS_IN_A_ROW and self.stopped is None:
            why = result.reason or Text("", "")
            self.stopped = Text(
                f"{HARNESS_IN_A_ROW} cases in a row could not be judged, and the rest was not run. {why.en}",
                f"连续 {HARNESS_IN_A_ROW} 个用例无法判断，其余用例未运行。{why.zh}",
            )

    def _row(self, result: CaseResult) -> Json:
        findings = [charge.finding for charge in self.ledger.tally.charges.values() if charge.case == result.id]
        return {
            **result.as_json(),
            "findings": [
                {"clause": finding.clause, "expected": finding.expected, "received": finding.received}
                for finding in findings
            ],
        }

    def _settle(self, case: Case) -> CaseResult:
        missing = missing_need(case, self.client.target)
        if missing:
            return self.result(case, Verdict.UNTESTABLE, missing)
        presumed = next((clause for clause in case.presumes if self.ledger.is_charged(clause)), None)
        if presumed:
            reason = Text(f"It presumes {presumed}, which is broken.", f"以 {presumed} 为前提，而该条已违反。")
            return self.result(case, Verdict.UNTESTABLE, reason)
        branch, why_not = self.controls.choose(case)
        if branch is None:
            return self.result(case, *why_not)
        control = self.controls.get(branch, case.base, case.family)
        if case.is_control:
            return self._judge_control(case, control)
        if control.failed:
            return self.result(case, control.verdict, control.failed, (control.exchange.id,))
        if case.play is not None:
            played: CaseResult = case.play(self, case, branch)
            return played
        request = make_request(case, control.form, self.samples, self.client)
        exchange = self.sender.attempt(request, case.id, "defect", tolerated=case.expected)
        if exchange.reply is None:
            return self._no_reply(case, control, exchange)
        return self.judged(case, exchange, control)

    def judged(self, case: Case, exchange: Exchange, control: Control | None = None) -> CaseResult:
        """Judge an exchange by the case's expectation and say what the case earned."""
        ids = (*((control.exchange.id,) if control else ()), exchange.id)
        if case.expected.kind == "observe":
            self.ledger.observe(case, exchange)
            return self.result(case, Verdict.OBSERVED, None, ids)
        assert exchange.reply is not None  # noqa: S101 - the callers saw to it
        reading = read(exchange.reply)
        # The reply as a whole was judged when it came: only what this case expects is new.
        answers = list(answer(exchange.reply, reading, case.expected, self.contract))
        self.ledger.take(answers, case, ids)
        checks = [*answers, *envelope(exchange, reading, self.contract)]
        own = [check for check in checks if check.clause == case.clause]
        return self.result(case, *self._earned(case, own, checks, exchange), ids)

    def _earned(
        self, case: Case, own: Sequence[Check], checks: Sequence[Check], exchange: Exchange
    ) -> tuple[Verdict, Text | None]:
        if any(check.finding for check in own):
            return self._broken(case), None
        if own:
            return Verdict.PASS, None
        if any(check.finding for check in checks):
            blocker = next(check.clause for check in checks if check.finding)
            return Verdict.UNTESTABLE, Text(f"The reply broke {blocker} first.", f"返回先违反了 {blocker}。")
        told = read(exchange.reply).told() if exchange.reply else ""
        return Verdict.UNTESTABLE, Text(
            f"The reply that shows it did not come: {told}.", f"没有得到能体现它的返回：{told}。"
        )

    def _judge_control(self, case: Case, control: Control) -> CaseResult:
        ids = (control.exchange.id,)
        if not control.failed:
            if not case.expected.witness:
                self.ledger.tally.kept[case.clause] += 1
            return self.result(case, Verdict.PASS, None, ids)
        charges = self.ledger.tally.charges.values()
        charged = {charge.finding.clause for charge in charges if charge.exchanges[-1:] == ids}
        verdict = Verdict.FAIL if case.clause in charged else control.verdict
        return self.result(case, verdict, control.failed, ids)

    def _no_reply(self, case: Case, control: Control, exchange: Exchange) -> CaseResult:
        again = self.controls.repeat(control, case)
        if again is None:
            return self.result(case, Verdict.HARNESS, harness_text(exchange), (exchange.id,))
        ids = (again.id, exchange.id)
        self.ledger.take([no_reply(case.clause, exchange)], case, ids)
        return self.result(case, self._broken(case), None, ids)

    def _broken(self, case: Case) -> Verdict:
        level = self.contract.clauses[case.clause].level
        return Verdict.FAIL if level is Level.MUST else Verdict.WARN

    def result(
        self, case: Case, verdict: Verdict, reason: Text | None = None, exchanges: tuple[int, ...] = ()
    ) -> CaseResult:
        """What the case earned for its own clause."""
        return CaseResult(case.id, case.clause, case.family, verdict, reason, exchanges, is_control=case.is_control)
