"""What controls prove, what a row of the records says, when mistakes have one cause, and who shares a reason."""

from dataclasses import replace

import pytest

from biztoken import contract as contracts
from biztoken.model import Finding, Verdict
from biztoken.verdicts import (
    NEVER_SEEN,
    CaseResult,
    Charge,
    Tally,
    Text,
    causes_json,
    causes_of,
    clause_verdict,
    judged_clauses,
    settled,
)

CONTRACT = contracts.load()
MUST, EXCLUDED = CONTRACT.clauses["UUID-LENGTH"], CONTRACT.clauses["BIZ-NO-ECHO"]
WHY, OTHER = Text("Because.", "原因。"), Text("Other.", "其他。")
FAIL, PASS, ABSENT, UNTESTABLE = Verdict.FAIL, Verdict.PASS, Verdict.NOT_APPLICABLE, Verdict.UNTESTABLE


def defect(verdict: Verdict, reason: Text | None = None, clause: str = "UUID-LENGTH") -> CaseResult:
    """A case with a defect that earned this."""
    return CaseResult("case", clause, "arguments", verdict, reason)


def control(verdict: Verdict, reason: Text | None = None) -> CaseResult:
    """A case of which the control itself is judged."""
    return CaseResult("control", "UUID-LENGTH", "arguments", verdict, reason, is_control=True)


def test_row_of_a_case_has_all_that_it_earned():
    """A row of the records names each thing that a case earned; seconds to the millisecond, no reason as null."""
    earned = CaseResult("a", "UUID-LENGTH", "arguments", FAIL, WHY, (3, 4), seconds=1.23456, is_control=True)

    assert earned.as_json() == {
        "id": "a",
        "clause": "UUID-LENGTH",
        "family": "arguments",
        "verdict": "FAIL",
        "reason": {"en": "Because.", "zh": "原因。"},
        "exchanges": [3, 4],
        "seconds": 1.235,
    }
    assert defect(PASS).as_json()["reason"] is None


# How often a clause was kept, what its cases earned, and its verdict with the reason.
CONTROLS = {
    "a control and nothing of its defect": (1, [control(PASS), defect(PASS)], (UNTESTABLE, NEVER_SEEN)),
    "two controls and nothing of its defect": (
        2,
        [control(PASS), control(PASS), defect(PASS)],
        (UNTESTABLE, NEVER_SEEN),
    ),
    "a control and its defect": (2, [control(PASS), defect(PASS)], (PASS, None)),
    "its defect and no control": (1, [defect(PASS)], (PASS, None)),
    "a control of a clause without a defect": (1, [control(PASS)], (PASS, None)),
    "a control that was not sent, and its defect": (1, [control(ABSENT), defect(PASS)], (PASS, None)),
    "a control where the defect has no place": (1, [control(PASS), defect(ABSENT, WHY)], (ABSENT, WHY)),
    "no place for a clause without a defect": (0, [control(ABSENT, WHY)], (ABSENT, WHY)),
    "no place for one of two defects": (0, [defect(ABSENT, WHY), defect(PASS)], (UNTESTABLE, NEVER_SEEN)),
}


@pytest.mark.parametrize(("kept", "cases", "due"), CONTROLS.values(), ids=CONTROLS)
def test_accepted_control_is_no_proof_of_a_refusal(kept, cases, due):
    """A clause that has defects is kept only if more was seen of it than that its controls are accepted."""
    assert clause_verdict(MUST, [], kept, cases, strict=False) == due


def test_exclusion_says_why_in_both_languages():
    """What cannot be seen from outside gives the contract's own reason, in English and Chinese."""
    _, why = clause_verdict(EXCLUDED, [], 0, [], strict=False)

    assert why.as_json() == {"en": EXCLUDED.excluded["en"], "zh": EXCLUDED.excluded["zh"]}


def found(clause: str, aspect: str = "status", received: str = "status 200", folds_to: str | None = None) -> Finding:
    """A finding about a clause."""
    return Finding(clause, aspect, "status 400", received, folds_to)


def tally(*findings: Finding) -> Tally:
    """What a run has seen."""
    made = Tally()
    for number, one in enumerate(findings):
        made.charge(one, f"case-{number}", "uuid removed", (1, number + 2))
    return made


def test_finding_names_each_case_that_showed_it_once():
    """A finding that several cases show, some of them twice, names each of them in the order in which they came."""
    seen = Tally()
    for name in ("b", "a", "b", "c", "a"):
        seen.charge(found("UUID-LENGTH"), name, f"difference of {name}", (1, 2))

    (charge,) = seen.charges.values()

    assert (charge.case, charge.cases, charge.count) == ("b", ("b", "a", "c"), 5)
    assert (charge.difference, charge.exchanges) == ("difference of b", (1, 2))


def test_wrong_names_of_two_errors_are_two_findings():
    """The same reply where two different errors were due is charged apart: either error may be misnamed."""
    wrong = [
        found("SIGN-FORM", "name", "WRONG", fold) for fold in ("BAD-ARGUMENTS-NAME", "MISSING-ARGUMENTS-NAME", None)
    ]

    charges = settled(tally(*wrong, *wrong))

    assert [(charge.finding.clause, charge.count) for charge in charges] == [
        ("BAD-ARGUMENTS-NAME", 2),
        ("MISSING-ARGUMENTS-NAME", 2),
        ("SIGN-FORM", 2),
    ]


SIZES = [
    ("status", 2, 0),
    ("status", 3, 1),
    ("refused", 9, 0),
    ("refused", 10, 1),
    ("accepted", 9, 0),
    ("accepted", 10, 1),
]


@pytest.mark.parametrize(("aspect", "clauses", "causes"), SIZES)
def test_how_many_clauses_make_a_cause(aspect, clauses, causes):
    """Three clauses broken in the same way have one cause; too strict or too lenient must be ten of them."""
    charges = [Charge(found(id_, aspect), "case", "", (1,)) for id_ in list(CONTRACT.clauses)[:clauses]]

    assert len(causes_of(charges)) == causes


def test_cause_reads_alone_in_both_languages():
    """A cause has its number, what is common, its clauses, and a sentence about its aspect or about any other one."""
    groups = {("status", "status 200"): ["A", "B", "C"], ("type", "a int"): ["D", "E", "F"]}

    assert causes_json(groups) == [
        {
            "id": "cause-1",
            "aspect": "status",
            "received": "status 200",
            "clauses": ["A", "B", "C"],
            "en": "Several errors come with status 200.",
            "zh": "多个错误的返回为 status 200。",
        },
        {
            "id": "cause-2",
            "aspect": "type",
            "received": "a int",
            "clauses": ["D", "E", "F"],
            "en": "The same difference breaks several clauses: a int.",
            "zh": "同一差异破坏了多条条款：a int。",
        },
    ]


def rows(of: Tally, *cases: CaseResult, strict: bool = False) -> dict:
    """The rows of result.json by clause id."""
    made, _ = judged_clauses(CONTRACT, of, cases, strict=strict, partial=False)
    return {row["id"]: row for row in made}


def test_row_is_whole():
    """A row has what the contract says of the clause, the verdict, and each finding with all that a reader needs."""
    row = rows(tally(found("UUID-LENGTH"), found("UUID-LENGTH")))["UUID-LENGTH"]

    assert row == {
        "id": "UUID-LENGTH",
        "level": "MUST",
        "side": MUST.side,
        "subject": "uuid",
        "rule": "length",
        "section": MUST.section,
        "en": MUST.en,
        "zh": MUST.zh,
        "verdict": "FAIL",
        "checks": 2,
        "reason": None,
        "excluded": None,
        "observations": [],
        "findings": [
            {
                "id": "UUID-LENGTH-1",
                "case": "case-0",
                "cases": ["case-0", "case-1"],
                "aspect": "status",
                "expected": "status 400",
                "received": "status 200",
                "difference": "uuid removed",
                "exchanges": [1, 2],
                "cause": None,
                "count": 2,
            }
        ],
    }


def test_strict_run_fails_a_should():
    """What warns in a run fails in a strict one."""
    verdicts = [
        rows(tally(found("VERBOSE-VALUES-REFUSED")), strict=strict)["VERBOSE-VALUES-REFUSED"]["verdict"]
        for strict in (False, True)
    ]

    assert verdicts == ["WARN", "FAIL"]


def test_clause_that_nothing_showed_shares_the_reason_of_its_subject():
    """Why a case was untestable is the reason of the other clauses about the same subject, and of no other clause."""
    told = rows(Tally(), defect(UNTESTABLE, WHY), defect(PASS, OTHER, "BIZ-NO-LENGTH"))

    subject = {row["id"] for row in told.values() if row["subject"] == "uuid" and row["verdict"] == "UNTESTABLE"}
    assert len(subject) > 1
    assert {told[id_]["reason"]["en"] for id_ in subject} == {WHY.en}
    assert told["BIZ-NO-LENGTH"]["reason"] == told["SIGN-KEY"]["reason"] == NEVER_SEEN.as_json()


def test_rows_leave_out_a_client_wherever_it_stands():
    """What only a client can break has no row, and hides none that comes after it."""
    client = next(clause for clause in CONTRACT.clauses.values() if clause.side == "client")
    shown = {client.id: client, MUST.id: MUST}

    made, _ = judged_clauses(replace(CONTRACT, clauses=shown), Tally(), [], strict=False, partial=False)

    assert [row["id"] for row in made] == [MUST.id]
