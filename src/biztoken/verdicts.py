"""From checks to verdicts: what each clause earned, the causes behind it, and the exit code. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from biztoken.contract import Clause, Contract
from biztoken.model import Finding, Json, Level, Verdict, worst

# Clauses broken in the same way before one cause is named for them. A lenient or a strict rule here and there
# gives the same reply and has a cause of its own each; most rules at once have one.
CAUSE_SIZE, WIDE_CAUSE_SIZE = 3, 10
WIDE_ASPECTS = ("accepted", "refused")
ENDPOINT, CALLER = ("server", "both"), ("client", "both")  # sides of clauses that each can break


@dataclass(frozen=True, slots=True)
class Text:
    """A sentence in both languages."""

    en: str
    zh: str

    def as_json(self) -> Json:
        return {"en": self.en, "zh": self.zh}


@dataclass(frozen=True, slots=True)
class Charge:
    """A finding with where it was made. `exchanges`: the control's, then the failing one's.

    `case`: the first that showed it, `cases`: all of them.
    """

    finding: Finding
    case: str
    difference: str
    exchanges: tuple[int, ...]
    count: int = 1
    cases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What a case earned for its own clause. `is_control`: nothing but the control was judged."""

    id: str
    clause: str
    family: str
    verdict: Verdict
    reason: Text | None = None
    exchanges: tuple[int, ...] = ()
    seconds: float = 0.0
    is_control: bool = False

    def as_json(self) -> Json:
        """The case as result.json and cases.ndjson have it."""
        return {
            "id": self.id,
            "clause": self.clause,
            "family": self.family,
            "verdict": str(self.verdict),
            "reason": self.reason.as_json() if self.reason else None,
            "exchanges": list(self.exchanges),
            "seconds": round(self.seconds, 3),
        }


@dataclass(slots=True)
class Tally:
    """What a run has seen so far: how often each clause was kept, and every finding, the same ones merged."""

    kept: Counter[str] = field(default_factory=Counter)
    charges: dict[tuple[str, str, str, str], Charge] = field(default_factory=dict)
    observations: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def charge(self, finding: Finding, case: str, difference: str, exchanges: tuple[int, ...]) -> None:
        """Add a finding; the same one of the same clause is counted, not repeated."""
        key = (finding.clause, finding.aspect, finding.received, finding.folds_to or "")
        known = self.charges.get(key)
        if known is None:
            self.charges[key] = Charge(finding, case, difference, exchanges, cases=(case,))
            return
        cases = known.cases if case in known.cases else (*known.cases, case)
        self.charges[key] = replace(known, count=known.count + 1, cases=cases)


def settled(tally: Tally) -> list[Charge]:
    """The findings, each charged to the clause that pays.

    A wrong name that no reply ever got right is the fault of that error's row, not of every rule that
    expects it; where some replies are right, each rule that got it wrong pays itself.
    """
    return [
        replace(charge, finding=replace(charge.finding, clause=fold))
        if (fold := charge.finding.folds_to) and not tally.kept[fold]
        else charge
        for charge in tally.charges.values()
    ]


def clause_verdict(
    clause: Clause, charges: Sequence[Charge], kept: int, cases: Sequence[CaseResult], *, strict: bool
) -> tuple[Verdict, Text | None]:
    """The verdict of one clause and, where it is neither kept nor broken, why."""
    if clause.excluded:
        return Verdict.NOT_APPLICABLE, Text(clause.excluded["en"], clause.excluded["zh"])
    if clause.level is Level.OBSERVE:
        return Verdict.OBSERVED, None
    if charges:
        return (Verdict.FAIL if clause.level is Level.MUST or strict else Verdict.WARN), None
    open_cases = [case for case in cases if case.verdict in (Verdict.HARNESS, Verdict.NOT_RUN, Verdict.UNTESTABLE)]
    verdict = worst(case.verdict for case in open_cases)
    if verdict is not None:
        return verdict, next(case.reason for case in open_cases if case.verdict is verdict)
    # That a request without the defect is accepted says nothing of the defect, where the clause has one.
    defects = [case for case in cases if not case.is_control]
    controls = sum(case.is_control and case.verdict is Verdict.PASS for case in cases) if defects else 0
    if kept > controls:
        return Verdict.PASS, None
    telling = defects or cases
    if telling and all(case.verdict is Verdict.NOT_APPLICABLE for case in telling):
        return Verdict.NOT_APPLICABLE, telling[0].reason
    return Verdict.UNTESTABLE, NEVER_SEEN


NEVER_SEEN = Text("No reply of this run showed it.", "本次运行没有任何返回能体现这一条。")


LEFT_OUT = Text("This run did not get to it, or left it out.", "本次运行未执行到，或未包含这一条。")


def causes_of(charges: Sequence[Charge]) -> dict[tuple[str, str], list[str]]:
    """The mistakes that break several clauses in the same way: (aspect, received) -> clause ids."""
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for charge in charges:
        key = (charge.finding.aspect, charge.finding.received)
        if charge.finding.clause not in groups[key]:
            groups[key].append(charge.finding.clause)
    return {
        (aspect, received): clauses
        for (aspect, received), clauses in groups.items()
        if len(clauses) >= (WIDE_CAUSE_SIZE if aspect in WIDE_ASPECTS else CAUSE_SIZE)
    }


CAUSE_TEXTS: Mapping[str, Text] = {
    "status": Text("Several errors come with {received}.", "多个错误的返回为 {received}。"),
    "refused": Text("Sound requests are refused: {received}.", "正确的请求被拒绝：{received}。"),
    "accepted": Text("Requests that must be refused are answered with {received}.", "应拒绝的请求返回了 {received}。"),
    "name": Text("Several rules are answered with {received}.", "多条规则的返回均为 {received}。"),
    "failed": Text("Several requests end in a server error: {received}.", "多个请求遇到服务器错误：{received}。"),
    "no reply": Text("Several requests get no reply ({received}).", "多个请求没有得到应答（{received}）。"),
}
OTHER_CAUSE = Text("The same difference breaks several clauses: {received}.", "同一差异破坏了多条条款：{received}。")


def causes_json(groups: Mapping[tuple[str, str], Sequence[str]]) -> list[Json]:
    """Causes for the records, numbered."""
    return [
        {
            "id": f"cause-{number}",
            "aspect": aspect,
            "received": received,
            "clauses": list(clauses),
            "en": CAUSE_TEXTS.get(aspect, OTHER_CAUSE).en.format(received=received),
            "zh": CAUSE_TEXTS.get(aspect, OTHER_CAUSE).zh.format(received=received),
        }
        for number, ((aspect, received), clauses) in enumerate(groups.items(), 1)
    ]


def judged_clauses(
    contract: Contract,
    tally: Tally,
    cases: Sequence[CaseResult],
    *,
    strict: bool,
    partial: bool,
    sides: Sequence[str] = ENDPOINT,
) -> tuple[list[Json], list[Json]]:
    """The rows `clauses` and `causes` of result.json, of clauses that one of these sides can break."""
    charges = settled(tally)
    groups = causes_of(charges)
    cause_ids = {key: f"cause-{number}" for number, key in enumerate(groups, 1)}
    by_clause: dict[str, list[Charge]] = defaultdict(list)
    own_cases: dict[str, list[CaseResult]] = defaultdict(list)
    for charge in charges:
        by_clause[charge.finding.clause].append(charge)
    for case in cases:
        own_cases[case.clause].append(case)
    # A clause that only another clause's case brings about shares the reason why that case was not run.
    wants = {contract.clauses[case.clause].subject: case.reason for case in cases if case.verdict is Verdict.UNTESTABLE}
    rows = []
    for clause in contract.clauses.values():
        if clause.side not in sides:
            continue
        verdict, reason = clause_verdict(
            clause, by_clause[clause.id], tally.kept[clause.id], own_cases[clause.id], strict=strict
        )
        if partial and reason is NEVER_SEEN:
            verdict, reason = Verdict.NOT_RUN, LEFT_OUT
        elif reason is NEVER_SEEN:
            reason = wants.get(clause.subject) or reason
        rows.append(_clause_row(clause, verdict, reason, by_clause[clause.id], tally, cause_ids))
    return rows, causes_json(groups)


def _clause_row(
    clause: Clause,
    verdict: Verdict,
    reason: Text | None,
    charges: Sequence[Charge],
    tally: Tally,
    cause_ids: Mapping[tuple[str, str], str],
) -> Json:
    findings = [
        {
            "id": f"{clause.id}-{number}",
            "case": charge.case,
            "cases": list(charge.cases),
            "aspect": charge.finding.aspect,
            "expected": charge.finding.expected,
            "received": charge.finding.received,
            "difference": charge.difference,
            "exchanges": list(charge.exchanges),
            "cause": cause_ids.get((charge.finding.aspect, charge.finding.received)),
            "count": charge.count,
        }
        for number, charge in enumerate(charges, 1)
    ]
    return {
        "id": clause.id,
        "level": str(clause.level),
        "side": clause.side,
        "subject": clause.subject,
        "rule": clause.rule,
        "section": clause.section,
        "en": clause.en,
        "zh": clause.zh,
        "verdict": str(verdict),
        "checks": tally.kept[clause.id] + sum(charge.count for charge in charges),
        "reason": reason.as_json() if reason else None,
        "excluded": dict(clause.excluded) if clause.excluded else None,
        "observations": tally.observations.get(clause.id, []),
        "findings": findings,
    }


def counts_of(rows: Sequence[Json]) -> Json:
    """How many clauses of each level earned each verdict."""
    counts: dict[str, Counter[str]] = {str(level): Counter() for level in Level}
    for row in rows:
        counts[row["level"]]["EXCLUDED" if row["excluded"] else row["verdict"]] += 1
    return {level: dict(counter) for level, counter in counts.items()}


def exit_code(
    rows: Sequence[Json],
    *,
    planned: int,
    executed: int,
    sound_controls: int,
    troubled: bool = False,
    required: Sequence[str] = (),
    stopped: bool = False,
    stale: bool = False,
) -> int:
    """0 conformant, 1 not, 2 no verdict, 3 incomplete or a required clause not shown.

    `stopped`: before any case was run. `troubled`: a case ended in trouble of this program or the network. `stale`: a
    waiver no longer applies.
    """
    verdicts = Counter(row["verdict"] for row in rows)
    if verdicts[Verdict.FAIL] or stale:
        return 1
    if stopped:
        return 2
    if planned != executed:
        return 3
    if not sound_controls or troubled or verdicts[Verdict.HARNESS] or not planned:
        return 2
    return 3 if missing_required(rows, required) else 0


def missing_required(rows: Sequence[Json], required: Sequence[str]) -> list[str]:
    """The required clauses that did not earn PASS; `must` stands for every MUST clause that is not excluded."""
    wanted = {
        row["id"]
        for row in rows
        if row["id"] in required or ("must" in required and row["level"] == Level.MUST and not row["excluded"])
    }
    return [row["id"] for row in rows if row["id"] in wanted and row["verdict"] != Verdict.PASS]


def verdict_word(code: int) -> str:
    """The word for an exit code."""
    return {0: "conformant", 1: "not-conformant", 2: "no-verdict"}.get(code, "incomplete")
