"""Controls: the sound requests of a run, what a target wrongly demands of them, and the branches it permits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from biztoken.cases import Branch, Case, Samples, sound_form
from biztoken.client import Request
from biztoken.contract import Contract
from biztoken.finding import broken
from biztoken.model import Exchange, Verdict
from biztoken.reading import Outcome, Reading, read
from biztoken.requests import fill
from biztoken.sender import Sender, harness_text
from biztoken.verdicts import Text

ADAPTIONS = 6  # optional parameters that a target may wrongly demand before a control is given up


@dataclass(frozen=True, slots=True)
class Control:
    """The sound request of some cases. `failed` says why it proves nothing, None where it was accepted."""

    form: Mapping[str, Any]
    exchange: Exchange
    failed: Text | None
    verdict: Verdict = Verdict.PASS


class Controls:
    """Sends the controls of one run, each once, and remembers what came of them. `sound`: how many were accepted."""

    def __init__(self, sender: Sender, contract: Contract, samples: Samples) -> None:
        self.sound = 0
        self._sender = sender
        self._contract = contract
        self._samples = samples
        self._sent: dict[tuple[Any, ...], Control] = {}
        self._permitted: dict[Branch, Text | None] = {}
        self._extras: dict[Branch, dict[str, Any]] = {}

    def choose(self, case: Case) -> tuple[Branch | None, tuple[Verdict, Text | None]]:
        """The first branch of the case that the key may use, or the verdict for want of one."""
        reason: Text | None = None
        promised = False
        permits = self._sender.client.target.permits
        for branch in case.branches(self._contract):
            if not branch.is_within(permits):
                reason = reason or _left_out(branch)
                continue
            if branch not in self._permitted:
                self.get(branch, {}, "probe")
            reason = self._permitted.get(branch)
            if reason is None:
                return branch, (Verdict.PASS, None)
            promised = promised or bool(permits)
        return None, (Verdict.UNTESTABLE if promised else Verdict.NOT_APPLICABLE, reason)

    def get(self, branch: Branch, base: Mapping[str, Any], family: str) -> Control:
        """The sound request of a branch with `base` added, sent once for each family of cases."""
        key = (family, branch, repr(sorted(base.items())))
        if key not in self._sent:
            self._sent[key] = self._send(branch, base, f"control-{branch}")
        return self._sent[key]

    def repeat(self, control: Control, case: Case) -> Exchange | None:
        """The control's exchange when it is sent again and accepted, else None.

        No reply twice is the target's fault where the control is still answered, ours or the network's else; so is any
        where there is a network, which may have lost it.
        """
        if not self._sender.client.target.is_loopback:
            return None
        again = self._sender.attempt(Request(fill(control.form, self._samples)), case.id, "control")
        accepted = again.reply is not None and read(again.reply).outcome is Outcome.ACCEPTED
        return again if accepted else None

    def _send(self, branch: Branch, base: Mapping[str, Any], name: str) -> Control:
        for _ in range(ADAPTIONS):
            form = sound_form(branch, self._contract, self._samples) | self._extras.get(branch, {}) | dict(base)
            exchange = self._sender.attempt(Request(fill(form, self._samples)), name, "control")
            if exchange.reply is None:
                return Control(form, exchange, harness_text(exchange), Verdict.HARNESS)
            reading = read(exchange.reply)
            if reading.outcome is Outcome.ACCEPTED:
                self.sound += 1
                self._permitted.setdefault(branch, None)
                return Control(form, exchange, None)
            if not self._adapt(branch, reading, form, exchange):
                break
        return self._refused(branch, form, exchange, reading)

    def _adapt(self, branch: Branch, reading: Reading, form: Mapping[str, Any], exchange: Exchange) -> bool:
        """Change the sound request where a target refuses it for want of a parameter; false where that is no help.

        An optional parameter that is demanded is charged, and sent from now on. An error that a value may
        bring about is nobody's fault (the quality scale is the target's own): the least value is sent.
        """
        for cause in self._contract.parameters.values():
            if cause.may_answer == reading.name and cause.name not in form and cause.applies(branch.fixed):
                self._extras.setdefault(branch, {})[cause.name] = str(cause.minimum)
                return True
        parameter = self._contract.parameters.get(reading.detail)
        if reading.name != "MISSING_ARGUMENTS" or parameter is None or parameter.name in form:
            return False
        self._charge(reading, exchange)
        self._extras.setdefault(branch, {})[parameter.name] = self._samples.legal(parameter)
        return True

    def _refused(self, branch: Branch, form: Mapping[str, Any], exchange: Exchange, reading: Reading) -> Control:
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
            self._charge(reading, exchange)
        return Control(form, exchange, failed, Verdict.UNTESTABLE)

    def _charge(self, reading: Reading, exchange: Exchange) -> None:
        clause = _clause_against(reading, self._contract)
        finding = broken(clause, "refused", "accepted", reading.told()).finding
        if finding:
            tally = self._sender.ledger.tally
            tally.charge(finding, "control", "none: this is the control", (exchange.id,))


def _left_out(branch: Branch) -> Text:
    """Why no request of a branch is sent that the target file says the key may not use."""
    return Text(
        f"The target file's permits leave out {branch}, and nothing of it was sent.",
        f"目标文件的 permits 不含 {branch}，没有发送它的请求。",
    )


def _clause_against(reading: Reading, contract: Contract) -> str:
    """The clause that a refusal of a sound request breaks, by what it complains of."""
    parameter = contract.parameters.get(reading.detail)
    if parameter is None:
        return "FORM-DATA"
    rules = {
        "MISSING_ARGUMENTS": ("optional", "required"),
        "BAD_ARGUMENTS": ("values", "range", "length", "encoding", "signature"),
    }.get(reading.name, ("format",))
    ids = (contract.clause_id(parameter.name, rule) for rule in rules)
    return next((id_ for id_ in ids if id_ in contract.clauses), "FORM-DATA")
