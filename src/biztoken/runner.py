"""Runs cases against a target: controls, noise, retries, and what each case earned."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from biztoken.cases import Branch, Case, Samples, sound_form
from biztoken.client import SIGN, Client, Request
from biztoken.contract import Contract
from biztoken.evidence import Evidence
from biztoken.judge import Expected, Outcome, Reading, answer, broken, envelope, read
from biztoken.model import Check, Exchange, Level, Upload, Value, Verdict
from biztoken.needs import missing_need
from biztoken.people import make_number
from biztoken.verdicts import CaseResult, Tally, Text

NOISE = ("CONCURRENCY_LIMIT_EXCEEDED", "LIMIT_REACHED")  # also where a reason is told as a name of its own
RELEASE = "CONCURRENCY-LIMIT-EXCEEDED-RELEASE"
REPEATS = 3  # how often noise is met again before a case is untestable
HARNESS_IN_A_ROW = 3  # then the rest of the run would tell nothing
INTERNAL_ERRORS = 3  # more than this many, and more than one request in a hundred, is no accident
ADAPTIONS = 6  # optional parameters that a target may wrongly demand before a control is given up


class NoisyReplyError(Exception):
    """A reply about load or quota, not about the request: the case is repeated later."""


@dataclass(frozen=True, slots=True)
class Control:
    """The sound request of some cases. `failed` says why it proves nothing, None where it was accepted."""

    form: Mapping[str, Any]
    exchange: Exchange
    failed: Text | None
    verdict: Verdict = Verdict.PASS


@dataclass(slots=True)
class Run:
    """One run over one target. Holds what was seen; writes evidence as it happens."""

    client: Client
    contract: Contract
    samples: Samples
    evidence: Evidence
    tally: Tally = field(default_factory=Tally)
    results: dict[str, CaseResult] = field(default_factory=dict)
    later: list[Case] = field(default_factory=list)
    starved: list[str] = field(default_factory=list)
    sound_controls: int = 0
    internal_errors: int = 0
    notes: list[Text] = field(default_factory=list)
    stopped: Text | None = None
    _controls: dict[tuple[Any, ...], Control] = field(default_factory=dict)
    _permitted: dict[Branch, Text | None] = field(default_factory=dict)
    _extras: dict[Branch, dict[str, Any]] = field(default_factory=dict)
    _seen: dict[str, dict[str, int]] = field(default_factory=lambda: {"request_id": {}, "biz_token": {}})
    _harness_in_a_row: int = 0
    _last_noise: str = ""
    _unanswered: int = 0

    # --- one case

    def settle(self, case: Case) -> CaseResult | None:
        """Run a case and record what it earned; None where noise puts it off until later."""
        began = time.monotonic()
        try:
            result = self._settle(case)
        except NoisyReplyError as noise:
            self._last_noise = str(noise)
            self.later.append(case)
            return None
        except Exception as problem:  # a fault of this program must not look like the target's
            told = f"{problem.__class__.__name__}: {problem}"
            reason = Text(f"This program failed: {told}.", f"本程序出错：{told}。")
            result = self.result(case, Verdict.HARNESS, reason)
        return self.record(replace(result, seconds=time.monotonic() - began))

    def settle_later(self) -> list[CaseResult]:
        """Repeat what noise put off, up to three times, waiting longer each time; then it is untestable."""
        settled = []
        for attempt in range(1, REPEATS + 1):
            waiting, self.later = self.later, []
            if not waiting:
                break
            time.sleep(0.25 * 4 ** (attempt - 1))  # quotas and slots come back with time; there is no event
            settled += [result for case in waiting if (result := self.settle(case)) is not None]
        settled += [self.record(self._starved(case)) for case in self.later]
        self.later = []
        return settled

    def _starved(self, case: Case) -> CaseResult:
        """What a case earns that met nothing but noise; where noise is its own matter, that is a finding."""
        if case.family == "concurrency" and self._last_noise == "CONCURRENCY_LIMIT_EXCEEDED":
            finding = broken(RELEASE, "release", "accepted", f"one request alone: {self._last_noise}")
            self.take([finding], case, ())
            return self.result(case, Verdict.FAIL)
        self.starved.append(case.id)
        reason = Text(
            "The target kept answering with its concurrency limit or quota; run again when it is idle.",
            "目标一直返回并发或调用量超限；请在空闲时重新运行。",
        )
        return self.result(case, Verdict.UNTESTABLE, reason)

    def record(self, result: CaseResult) -> CaseResult:
        """Keep a case's result and append it to the evidence."""
        self.results[result.id] = result
        self._harness_in_a_row = self._harness_in_a_row + 1 if result.verdict is Verdict.HARNESS else 0
        if self._harness_in_a_row >= HARNESS_IN_A_ROW and self.stopped is None:
            why = result.reason or Text("", "")
            self.stopped = Text(
                f"{HARNESS_IN_A_ROW} cases in a row could not be judged, and the rest was not run. {why.en}",
                f"连续 {HARNESS_IN_A_ROW} 个用例无法判断，其余用例未运行。{why.zh}",
            )
        self.evidence.case(
            {
                "id": result.id,
                "clause": result.clause,
                "family": result.family,
                "verdict": str(result.verdict),
                "reason": result.reason.as_json() if result.reason else None,
                "exchanges": list(result.exchanges),
                "seconds": round(result.seconds, 3),
                "findings": [
                    {
                        "clause": charge.finding.clause,
                        "expected": charge.finding.expected,
                        "received": charge.finding.received,
                    }
                    for charge in self.tally.charges.values()
                    if charge.case == result.id
                ],
            }
        )
        return result

    def _settle(self, case: Case) -> CaseResult:
        missing = missing_need(case, self.client.target)
        if missing:
            return self.result(case, Verdict.UNTESTABLE, missing)
        branch, why_not = self.choose(case)
        if branch is None:
            return self.result(case, *why_not)
        control = self.control(branch, case.base, case.family)
        if case.is_control:
            return self._judge_control(case, control)
        if control.failed:
            return self.result(case, control.verdict, control.failed, (control.exchange.id,))
        if case.play is not None:
            played: CaseResult = case.play(self, case, branch)
            return played
        request = self.request(case, control)
        exchange = self.attempt(request, case.id, "defect", tolerated=case.expected)
        if exchange.reply is None:
            return self._no_reply(case, control, exchange)
        return self.judged(case, exchange, control)

    def judged(self, case: Case, exchange: Exchange, control: Control | None = None) -> CaseResult:
        """Judge an exchange by the case's expectation and say what the case earned."""
        ids = (*((control.exchange.id,) if control else ()), exchange.id)
        if case.expected.kind == "observe":
            self._observe(case, exchange)
            return self.result(case, Verdict.OBSERVED, None, ids)
        assert exchange.reply is not None  # noqa: S101 - the callers saw to it
        reading = read(exchange.reply)
        # The reply as a whole was judged when it came: only what this case expects is new.
        answers = list(answer(exchange.reply, reading, case.expected, self.contract))
        self.take(answers, case, ids)
        checks = [*answers, *envelope(exchange, reading, self.contract)]
        own = [check for check in checks if check.clause == case.clause]
        return self.result(case, *self._earned(case, own, checks, exchange), ids)

    def _earned(
        self, case: Case, own: Sequence[Check], checks: Sequence[Check], exchange: Exchange
    ) -> tuple[Verdict, Text | None]:
        level = self.contract.clauses[case.clause].level
        if any(check.finding for check in own):
            return (Verdict.FAIL if level is Level.MUST else Verdict.WARN), None
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
                self.tally.kept[case.clause] += 1
            return self.result(case, Verdict.PASS, None, ids)
        charged = {charge.finding.clause for charge in self.tally.charges.values() if charge.exchanges[-1:] == ids}
        verdict = Verdict.FAIL if case.clause in charged else control.verdict
        return self.result(case, verdict, control.failed, ids)

    def _no_reply(self, case: Case, control: Control, exchange: Exchange) -> CaseResult:
        again = self.still_answers(case, control)
        if again is None:
            return self.result(case, Verdict.HARNESS, harness_text(exchange), (exchange.id,))
        ids = (again.id, exchange.id)
        self.take([no_reply(case.clause, exchange)], case, ids)
        level = self.contract.clauses[case.clause].level
        return self.result(case, Verdict.FAIL if level is Level.MUST else Verdict.WARN, None, ids)

    def still_answers(self, case: Case, control: Control) -> Exchange | None:
        """The control's exchange when it is sent again and accepted, else None.

        No reply twice is the target's fault where the control is still answered, ours or the network's else.
        """
        again = self.attempt(Request(tuple(self.fill(control.form))), case.id, "control")
        accepted = again.reply is not None and read(again.reply).outcome is Outcome.ACCEPTED
        return again if accepted else None

    def result(
        self, case: Case, verdict: Verdict, reason: Text | None = None, exchanges: tuple[int, ...] = ()
    ) -> CaseResult:
        """What the case earned for its own clause."""
        return CaseResult(case.id, case.clause, case.family, verdict, reason, exchanges, is_control=case.is_control)

    # --- where a case runs

    def choose(self, case: Case) -> tuple[Branch | None, tuple[Verdict, Text | None]]:
        """The first branch of the case that the key may use, or the verdict for want of one."""
        reason: Text | None = None
        promised = False
        for branch in case.branches(self.contract):
            if branch not in self._permitted:
                self.control(branch, {}, "probe")
            reason = self._permitted.get(branch)
            if reason is None:
                return branch, (Verdict.PASS, None)
            promised = promised or self._is_promised(branch)
        return None, (Verdict.UNTESTABLE if promised else Verdict.NOT_APPLICABLE, reason)

    def _is_promised(self, branch: Branch) -> bool:
        permits = self.client.target.permits
        return bool(permits) and all(value in permits.get(name, (value,)) for name, value in branch.fixed.items())

    # --- controls

    def control(self, branch: Branch, base: Mapping[str, Any], family: str) -> Control:
        """The sound request of a branch with `base` added, sent once for each family of cases."""
        key = (family, branch, repr(sorted(base.items())))
        if key not in self._controls:
            self._controls[key] = self._send_control(branch, base, f"control-{branch}")
        return self._controls[key]

    def _send_control(self, branch: Branch, base: Mapping[str, Any], name: str) -> Control:
        for _ in range(ADAPTIONS):
            form = sound_form(branch, self.contract, self.samples) | self._extras.get(branch, {}) | dict(base)
            exchange = self.attempt(Request(tuple(self.fill(form))), name, "control")
            if exchange.reply is None:
                return Control(form, exchange, harness_text(exchange), Verdict.HARNESS)
            reading = read(exchange.reply)
            if reading.outcome is Outcome.ACCEPTED:
                self.sound_controls += 1
                self._permitted.setdefault(branch, None)
                return Control(form, exchange, None)
            if not self._adapt(branch, reading, form, exchange):
                break
        return self._refused_control(branch, form, exchange, reading)

    def _adapt(self, branch: Branch, reading: Reading, form: Mapping[str, Any], exchange: Exchange) -> bool:
        """Change the sound request where a target refuses it for want of a parameter; false where that is no help.

        An optional parameter that is demanded is charged, and sent from now on. An error that a value may
        bring about is nobody's fault (the quality scale is the target's own): the least value is sent.
        """
        for cause in self.contract.parameters.values():
            if cause.may_answer == reading.name and cause.name not in form and cause.applies(branch.fixed):
                self._extras.setdefault(branch, {})[cause.name] = str(cause.minimum)
                return True
        parameter = self.contract.parameters.get(reading.detail)
        if reading.name != "MISSING_ARGUMENTS" or parameter is None or parameter.name in form:
            return False
        self._charge_control(reading, exchange)
        self._extras.setdefault(branch, {})[parameter.name] = self.samples.legal(parameter)
        return True

    def _refused_control(
        self, branch: Branch, form: Mapping[str, Any], exchange: Exchange, reading: Reading
    ) -> Control:
        told = reading.told()
        failed = Text(f"The sound request was not accepted: {told}.", f"正确的请求未被接受：{told}。")
        if reading.name == "AUTHORIZATION_ERROR":
            why = Text(f"The key may not use {branch}: {told}.", f"该 key 无权使用 {branch}：{told}。")
            self._permitted.setdefault(branch, why)
            return Control(form, exchange, failed, Verdict.NOT_APPLICABLE)
        self._permitted.setdefault(branch, None)
        if reading.name == "AUTHENTICATION_ERROR":
            return Control(form, exchange, failed, Verdict.HARNESS)
        if reading.outcome is Outcome.REFUSED or reading.status >= 400:
            self._charge_control(reading, exchange)
        return Control(form, exchange, failed, Verdict.UNTESTABLE)

    def _charge_control(self, reading: Reading, exchange: Exchange) -> None:
        clause = self._control_clause(reading)
        finding = broken(clause, "refused", "accepted", reading.told()).finding
        if finding:
            self.tally.charge(finding, "control", "none: this is the control", (exchange.id,))

    def _control_clause(self, reading: Reading) -> str:
        """The clause that a refusal of a sound request breaks, by what it complains of."""
        parameter = self.contract.parameters.get(reading.detail)
        if parameter is None:
            return "FORM-DATA"
        rules = {
            "MISSING_ARGUMENTS": ("optional", "required"),
            "BAD_ARGUMENTS": ("values", "range", "length", "encoding", "signature"),
        }.get(reading.name, ("format",))
        ids = (self.contract.clause_id(parameter.name, rule) for rule in rules)
        return next((id_ for id_ in ids if id_ in self.contract.clauses), "FORM-DATA")

    # --- requests

    def request(self, case: Case, control: Control) -> Request:
        """The case's request: its control with the one difference."""
        form = dict(control.form) | dict(case.set)
        fields = [field for field in self.fill(form) if field[0] not in case.drop]
        if case.repeat_field:
            fields.append((case.repeat_field, str(form[case.repeat_field])))
        if case.filler:
            fields.append(("filler", "x" * self._room(fields, case.filler)))
        return Request(tuple(fields), case.key, case.sign, case.method, case.path, case.body)

    def _room(self, fields: Sequence[tuple[str, Value]], total: int) -> int:
        """How long a filler makes the body `total` bytes long."""
        empty = Request((*fields, ("filler", "")))
        _, _, body = self.client.encode(empty, self.client.signed(empty)).partition(b"\r\n\r\n")
        return total - len(body)

    def fill(self, form: Mapping[str, Any]) -> list[tuple[str, Value]]:
        """A form's values as they go on the wire: pictures and people by name, None for a field that is not sent."""
        present = {name: value for name, value in form.items() if value is not None}
        return [
            (name, SIGN if name == "sign" and value != "" else self._value(value)) for name, value in present.items()
        ]

    def _value(self, value: Any) -> Value:
        if isinstance(value, Mapping):
            if "picture" in value:
                return self.samples.pictures.get(value["picture"])
            return make_number(Random(self.samples.seed), last=str(value["number_ending"]))
        return value if isinstance(value, Upload) else str(value)

    def attempt(self, request: Request, case: str, role: str, tolerated: Expected | None = None) -> Exchange:
        """Send a request; once more where there was no reply or a server error. NoisyReplyError for noise."""
        for attempt in (1, 2):
            exchange = self.client.send(request, case=case, role=role, attempt=attempt)
            self.look(exchange, case, judged=tolerated is None or tolerated.kind != "observe")
            if exchange.reply is None:
                self._unanswered += attempt == 1
                continue
            reading = read(exchange.reply)
            if exchange.reply.status >= 500 or reading.name == "INTERNAL_ERROR":
                self.internal_errors += 1
                told = f"{exchange.id}: {reading.told()}"
                self.notes.append(Text(f"Exchange {told}; sent again.", f"交互 {told}；已重发。"))
                continue
            if is_noise(reading, request.key) and not _expects(tolerated, reading):
                raise NoisyReplyError(reading.error)
            return exchange
        return exchange

    def look(self, exchange: Exchange, case: str, *, judged: bool = True) -> None:
        """Judge what every reply must be, and that what must be unique is."""
        if exchange.reply is None or not judged:
            return
        reading = read(exchange.reply)
        for check in envelope(exchange, reading, self.contract):
            self.take([check], None, (exchange.id,), case)
        self._note_freedoms(reading)
        for name, clause in (("request_id", "REQUEST-ID-UNIQUE"), ("biz_token", "BIZ-TOKEN-UNIQUE")):
            self._unique(exchange, reading, name, clause, case)

    def _note_freedoms(self, reading: Reading) -> None:
        """Record what the contract leaves open and every reply may show, once each."""
        seen = []
        if reading.outcome is Outcome.REFUSED and "biz_token" in (reading.data or {}):
            seen.append(("BIZ-TOKEN-IN-ERROR", f"{reading.name} with biz_token"))
        if reading.name == "AUTHENTICATION_ERROR" or reading.detail == "INVALID_SIGN":
            seen.append(("INVALID-SIGN", reading.told()))
        for clause, told in seen:
            if told not in self.tally.observations[clause]:
                self.tally.observations[clause].append(told)

    def _unique(self, exchange: Exchange, reading: Reading, name: str, clause: str, case: str) -> None:
        value = (reading.data or {}).get(name)
        if not isinstance(value, str) or not value or (name == "biz_token" and reading.outcome is not Outcome.ACCEPTED):
            return
        first = self._seen[name].setdefault(value, exchange.id)
        told_before = broken(clause, "repeated", f"a new {name}", f"a {name} told before")
        self.take([Check(clause) if first == exchange.id else told_before], None, (first, exchange.id), case)

    def take(self, checks: Sequence[Check], case: Case | None, exchanges: tuple[int, ...], name: str = "") -> None:
        """Add checks to the tally."""
        for check in checks:
            if check.finding is None:
                self.tally.kept[check.clause] += 1
            else:
                difference = case.difference() if case else ""
                self.tally.charge(check.finding, case.id if case else name, difference, exchanges)

    def _observe(self, case: Case, exchange: Exchange) -> None:
        told = read(exchange.reply).told() if exchange.reply else f"no reply ({exchange.failure})"
        self.tally.observations[case.clause].append(f"{case.difference()}: {told}")

    def close_books(self) -> None:
        """Judge what only the whole run shows: whether server errors were an accident."""
        if self._unanswered:
            lost, sent = self._unanswered, self.client.sent
            self.notes.append(
                Text(
                    f"{lost} of {sent} requests got no reply at first and were sent again.",
                    f"{sent} 个请求中有 {lost} 个起初没有得到应答，已重发。",
                )
            )
        clause = "INTERNAL-ERROR"
        lasting = self.internal_errors > max(INTERNAL_ERRORS, self.client.sent / 100)
        if lasting:
            told = f"{self.internal_errors} server errors in {self.client.sent} requests"
            self.take([broken(clause, "lasting", "no lasting server error", told)], None, (), "run")
        elif self.sound_controls:
            self.tally.kept[clause] += 1


def is_noise(reading: Reading, key: str = "active") -> bool:
    """Whether a reply tells of load or quota rather than of the request.

    A key that is there for its state tells of that state: its quota is no noise.
    """
    if reading.name == "AUTHORIZATION_ERROR" and reading.detail == "LIMIT_REACHED":
        return key == "active"
    return reading.name in NOISE


def _expects(expected: Expected | None, reading: Reading) -> bool:
    return expected is not None and any(
        alternative.error == reading.name and alternative.detail in (None, "*", reading.detail)
        for alternative in expected.alternatives
    )


def no_reply(clause: str, exchange: Exchange) -> Check:
    """The finding that a request got no reply, though others do."""
    return broken(clause, "no reply", "a reply", f"no reply ({(exchange.failure or '').partition(':')[0]})")


def harness_text(exchange: Exchange) -> Text:
    """Why there is no verdict where there was no reply."""
    failure = exchange.failure or "no reply"
    return Text(f"There was no reply: {failure}.", f"没有得到应答：{failure}。")
