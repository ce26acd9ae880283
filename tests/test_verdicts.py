"""What a clause earns: findings folded to who pays, cases weighed, and what is left out of a partial run."""

import pytest

from biztoken import contract as contracts
from biztoken.model import Finding, Verdict, worst
from biztoken.verdicts import (
    LEFT_OUT,
    NEVER_SEEN,
    CaseResult,
    Tally,
    Text,
    causes_of,
    clause_verdict,
    counts_of,
    judged_clauses,
    settled,
)

CONTRACT = contracts.load()
MUST, SHOULD = CONTRACT.clauses["UUID-LENGTH"], CONTRACT.clauses["VERBOSE-VALUES-REFUSED"]
OBSERVED, EXCLUDED = CONTRACT.clauses["PRECEDENCE"], CONTRACT.clauses["BIZ-NO-ECHO"]
WHY = Text("Because.", "原因。")


def result(verdict: Verdict, clause: str = "UUID-LENGTH", reason: Text | None = None, name: str = "case") -> CaseResult:
    """A case that earned this."""
    return CaseResult(name, clause, "arguments", verdict, reason)


def finding(clause: str, received: str = "status 200, accepted", aspect: str = "accepted", folds_to=None) -> Finding:
    """A finding about a clause."""
    return Finding(clause, aspect, "BAD_ARGUMENTS", received, folds_to)


def tally(*findings: Finding, kept: tuple[str, ...] = ()) -> Tally:
    """What a run has seen."""
    made = Tally()
    made.kept.update(kept)
    for number, one in enumerate(findings):
        made.charge(one, f"case-{number}", "uuid = …", (1, number + 2))
    return made


def rows(of: Tally, *cases: CaseResult, strict: bool = False, partial: bool = False) -> dict:
    """The rows of result.json by clause id."""
    found, _ = judged_clauses(CONTRACT, of, cases, strict=strict, partial=partial)
    return {row["id"]: row for row in found}


# A clause, whether it is broken, how often it was kept, what its cases earned, and the verdict.
F, W, H, N, U, P, A = (
    Verdict.FAIL,
    Verdict.WARN,
    Verdict.HARNESS,
    Verdict.NOT_RUN,
    Verdict.UNTESTABLE,
    Verdict.PASS,
    Verdict.NOT_APPLICABLE,
)
VERDICTS = {
    "kept": (MUST, False, 3, [P, P], P),
    "kept by replies alone": (MUST, False, 1, [], P),
    "broken": (MUST, True, 0, [F], F),
    "broken once and kept often": (MUST, True, 99, [F, P, P], F),
    "broken by a reply of another case": (MUST, True, 9, [P], F),
    "a broken SHOULD warns": (SHOULD, True, 0, [W], W),
    "broken hides what did not run": (MUST, True, 0, [F, N, H], F),
    "one case of ours": (MUST, False, 9, [P, H], H),
    "one case that did not run": (MUST, False, 9, [P, N], N),
    "one case that could not be tested": (MUST, False, 9, [P, U], U),
    "the worst of the open ones": (MUST, False, 9, [U, N, H, P], H),
    "not run is worse than untestable": (MUST, False, 0, [U, N], N),
    "some not applicable": (MUST, False, 2, [A, P], P),
    "all not applicable": (MUST, False, 0, [A, A], A),
    "not applicable but seen elsewhere": (MUST, False, 2, [A], P),
    "passed but never seen": (MUST, False, 0, [P], U),
    "nothing at all": (MUST, False, 0, [], U),
    "observed whatever comes": (OBSERVED, True, 5, [U], Verdict.OBSERVED),
    "excluded whatever comes": (EXCLUDED, False, 5, [P], A),
}


@pytest.mark.parametrize(("clause", "is_broken", "kept", "cases", "due"), VERDICTS.values(), ids=VERDICTS)
def test_verdict_of_a_clause(clause, is_broken, kept, cases, due):
    """A finding is the worst; then what did not run or could not; PASS only if all its cases passed and it was seen."""
    charges = list(tally(finding(clause.id)).charges.values()) if is_broken else []

    verdict, _ = clause_verdict(clause, charges, kept, [result(case) for case in cases], strict=False)

    assert verdict is due


@pytest.mark.parametrize(("clause", "due"), [(MUST, F), (SHOULD, F), (OBSERVED, Verdict.OBSERVED)])
def test_strict_makes_a_should_fail(clause, due):
    """With --strict a broken SHOULD fails; what is only observed still does not."""
    charges = list(tally(finding(clause.id)).charges.values())

    assert clause_verdict(clause, charges, 0, [], strict=True) == (due, None)


def test_reason_is_that_of_the_worst_case():
    """Why a clause was not tested is said by the case that decides its verdict."""
    other = Text("Other.", "其他。")
    cases = [result(U, reason=other), result(H, reason=WHY)]

    assert clause_verdict(MUST, [], 0, cases, strict=False) == (H, WHY)


def test_reasons_of_what_is_not_judged():
    """An exclusion is its own reason; a clause that nothing applies to has that of its first case."""
    excluded, why_excluded = clause_verdict(EXCLUDED, [], 0, [], strict=False)
    absent, why_absent = clause_verdict(MUST, [], 0, [result(A, reason=WHY)], strict=False)

    assert (excluded, why_excluded.en) == (A, EXCLUDED.excluded["en"])
    assert (absent, why_absent) == (A, WHY)
    assert clause_verdict(MUST, [], 0, [], strict=False) == (U, NEVER_SEEN)


def test_order_of_verdicts():
    """Worst first: a case that failed is told before one that warns, ours before what did not run."""
    assert [worst(Verdict), worst([P, A]), worst([U, P]), worst([N, U]), worst([])] == [F, P, U, N, None]


def test_wrong_name_that_no_reply_got_right_is_the_fault_of_its_row():
    """One misspelt error breaks the one clause about its name, not each rule that expects it."""
    wrong = [finding(id_, "BAD_ARGUMENT", "name", "BAD-ARGUMENTS-NAME") for id_ in ("UUID-LENGTH", "BIZ-NO-LENGTH")]

    broken = {charge.finding.clause for charge in settled(tally(*wrong))}

    assert broken == {"BAD-ARGUMENTS-NAME"}


def test_wrong_name_where_others_are_right_is_the_fault_of_its_rule():
    """Where some replies have the name right, the rule that got it wrong pays itself."""
    wrong = finding("UUID-LENGTH", "MISSING_ARGUMENTS: uuid", "name", "BAD-ARGUMENTS-NAME")

    broken = {charge.finding.clause for charge in settled(tally(wrong, kept=("BAD-ARGUMENTS-NAME",)))}

    assert broken == {"UUID-LENGTH"}


def test_finding_that_folds_nowhere_stays():
    """Only a wrong name may be the fault of a row; a request that was accepted never is."""
    (charge,) = settled(tally(finding("UUID-LENGTH")))

    assert charge.finding.clause == "UUID-LENGTH"


def test_same_finding_is_counted_and_not_repeated():
    """A mistake that two hundred replies show is one finding with a count; another mistake is another one."""
    seen = tally(*[finding("REQUEST-ID-ON-ERROR", "no request_id")] * 200, finding("REQUEST-ID-ON-ERROR", "a number"))

    counts = [(charge.finding.received, charge.count, charge.case) for charge in seen.charges.values()]

    assert counts == [("no request_id", 200, "case-0"), ("a number", 1, "case-200")]


def test_same_mistake_in_three_clauses_is_one_cause():
    """Every error told with status 200 is said once, first, and the clauses are grouped under it."""
    ids = ["BAD-ARGUMENTS-STATUS", "LOW-QUALITY-STATUS", "NO-FACE-FOUND-STATUS"]
    seen = tally(*(finding(id_, "status 200", "status") for id_ in ids), finding("UUID-LENGTH"))

    found, causes = judged_clauses(CONTRACT, seen, [], strict=False, partial=False)
    told = {row["id"]: [one["cause"] for one in row["findings"]] for row in found if row["findings"]}

    assert told == {id_: ["cause-1"] for id_ in ids} | {"UUID-LENGTH": [None]}
    assert [(cause["id"], sorted(cause["clauses"]), cause["received"]) for cause in causes] == [
        ("cause-1", sorted(ids), "status 200")
    ]
    assert "status 200" in causes[0]["en"]
    assert "status 200" in causes[0]["zh"]


@pytest.mark.parametrize(
    "findings",
    [
        [finding("UUID-LENGTH"), finding("BIZ-NO-LENGTH")],
        [finding("UUID-LENGTH"), finding("BIZ-NO-LENGTH", "other"), finding("SIGN-KEY", aspect="status")],
    ],
    ids=["two", "three that differ"],
)
def test_fewer_or_other_mistakes_are_no_cause(findings):
    """Two clauses are told each by itself, and so are three that break in different ways."""
    assert causes_of(settled(tally(*findings))) == {}


def test_braces_in_a_reply_do_not_break_the_cause():
    """What came is shown as it is, whatever characters it has."""
    ids = tuple(CONTRACT.clauses)[:12]

    _, (cause,) = judged_clauses(
        CONTRACT, tally(*(finding(id_, "{error} {0}") for id_ in ids)), [], strict=False, partial=False
    )

    assert "{error} {0}" in cause["en"]


def test_row_says_what_was_found():
    """A row has its clause, the verdict, how often it was looked at, and each finding with its exchanges."""
    row = rows(tally(finding("UUID-LENGTH"), kept=("UUID-LENGTH",) * 4), result(F))["UUID-LENGTH"]

    (told,) = row["findings"]
    assert (row["verdict"], row["checks"]) == ("FAIL", 5)
    assert (row["level"], row["subject"], row["rule"]) == ("MUST", "uuid", "length")
    assert (told["id"], told["case"], told["exchanges"], told["cause"]) == ("UUID-LENGTH-1", "case-0", [1, 2], None)
    assert (told["expected"], told["received"]) == ("BAD_ARGUMENTS", "status 200, accepted")


def test_rows_are_every_clause_that_an_endpoint_can_keep():
    """Each clause of server or both has a row, in the order of the file; what only a client can break has none."""
    due = [clause.id for clause in CONTRACT.clauses.values() if clause.side != "client"]

    assert list(rows(Tally())) == due


def test_partial_run_says_what_it_left_out():
    """What a selection or the quick plan never showed is not run, rather than untestable; what it showed counts."""
    told = rows(tally(finding("BIZ-NO-LENGTH"), kept=("UUID-LENGTH",)), partial=True)
    untestable = rows(Tally(), result(U, reason=WHY), partial=True)["UUID-LENGTH"]

    assert (told["SIGN-KEY"]["verdict"], told["SIGN-KEY"]["reason"]) == ("NOT_RUN", LEFT_OUT.as_json())
    assert (told["UUID-LENGTH"]["verdict"], told["BIZ-NO-LENGTH"]["verdict"]) == ("PASS", "FAIL")
    assert (untestable["verdict"], untestable["reason"]) == ("UNTESTABLE", WHY.as_json())
    assert rows(Tally())["SIGN-KEY"]["verdict"] == "UNTESTABLE"


def test_observations_are_told():
    """What a target does where the contract is silent stands in the row, and nothing is judged."""
    seen = Tally()
    seen.observations["PRECEDENCE"].append("two defects: status 400, BAD_ARGUMENTS: sign_version")

    row = rows(seen)["PRECEDENCE"]

    assert (row["verdict"], row["observations"]) == ("OBSERVED", seen.observations["PRECEDENCE"])


def test_counts_are_of_each_level():
    """How many clauses of each level earned what; those that cannot be seen are counted apart."""
    found = list(rows(tally(finding("VERBOSE-VALUES-REFUSED"), kept=("UUID-LENGTH",))).values())

    counts = counts_of(found)

    assert sum(sum(level.values()) for level in counts.values()) == len(found)
    assert (counts["SHOULD"]["WARN"], counts["MUST"]["PASS"]) == (1, 1)
    assert counts["MUST"]["EXCLUDED"] == sum(1 for row in found if row["excluded"])
