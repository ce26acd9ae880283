"""The proof of the suite: what is run, what a run shows, which rules must hold, and what is said of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from biztoken import certificate
from biztoken.cases import load_cases
from biztoken.contract import load
from biztoken.errors import UserError
from biztoken.mock.catalogue import NamedFault, Variation, catalogue
from biztoken.mock.faults import Fault
from biztoken.model import Json, Level
from biztoken.prove.gate import counts, gate
from biztoken.prove.outcome import row_of
from biztoken.prove.trials import COMBINATIONS, COMBINED, Trial, combinations, plan

CONTRACT = load()
KNOWN = catalogue(CONTRACT)
LEVELS = {clause.id: str(clause.level) for clause in CONTRACT.clauses.values()}
JUDGED = [clause for clause in CONTRACT.clauses.values() if clause.is_judged and clause.level is not Level.OBSERVE]
NAME = "uuid-129-bytes-accepted"
LONG_UUIDS = {fault.id for fault in KNOWN.faults.values() if fault.clause == "UUID-LENGTH"}


# --- trials


def test_everything_is_planned() -> None:
    """A proof runs each fault and each variation once, and the combinations."""
    trials = plan(KNOWN, CONTRACT)
    kinds = [trial.kind for trial in trials]

    assert {trial.id for trial in trials if trial.kind == "fault"} == set(KNOWN.faults)
    assert {trial.id for trial in trials if trial.kind == "variation"} == set(KNOWN.variations)
    assert kinds.count("combination") == COMBINATIONS
    assert len({trial.id for trial in trials}) == len(trials)


def test_fuzzing_is_for_variations_and_for_what_asks_for_it() -> None:
    """Every variation is fuzzed; of the faults only those that nothing else finds."""
    trials = plan(KNOWN, CONTRACT)

    assert all(trial.fuzz for trial in trials if trial.kind == "variation")
    assert {t.id for t in trials if t.kind == "fault" and t.fuzz} == {f.id for f in KNOWN.faults.values() if f.fuzz}
    assert any(fault.fuzz for fault in KNOWN.faults.values())


def test_combinations_follow_the_seed() -> None:
    """The same seed combines the same variations; at most one of each set settles what others do as well."""
    sets = list(combinations(KNOWN.variations, 7))

    assert sets == list(combinations(KNOWN.variations, 7)) != list(combinations(KNOWN.variations, 8))
    for names in sets:
        assert len(set(names)) == COMBINED
        assert sum(KNOWN.variations[name].alone for name in names) == 1


@pytest.mark.parametrize(
    ("only", "ids"),
    [
        (NAME, {NAME}),
        ("UUID-LENGTH and not 128", LONG_UUIDS - {"uuid-128-bytes-refused"}),
        ("variation and colon", {"colon-alone", "colon-spaced", "space-for-colon"}),
        ("OTHER-METHODS", {"other-methods-served"}),
    ],
)  # fmt: skip
def test_only_selects_by_words(only: str, ids: set[str]) -> None:
    """`--only` takes ids, clauses, subjects and kinds, joined as those of --select are."""
    assert {trial.id for trial in plan(KNOWN, CONTRACT, only=only) if trial.kind != "combination"} == ids


@pytest.mark.parametrize("only", ["uuid or", "no-such-thing"])
def test_only_that_says_nothing_is_a_mistake(only: str) -> None:
    """What is no expression, or fits nothing, is told as the user wrote it."""
    with pytest.raises(UserError, match=re.escape(f"--only {only}")):
        plan(KNOWN, CONTRACT, only=only)


# --- outcomes

WORSE = {"MUST": "FAIL", "SHOULD": "WARN"}


def finding(case: str = "some-case", received: str = "status 200, accepted") -> Json:
    """A finding as result.json tells it."""
    return {"case": case, "received": received}


def result(*broken: str, code: int = 1, complete: bool = True, verdicts: dict[str, str] | None = None) -> Json:
    """The result of a run that found these clauses broken."""
    told = verdicts or {}
    rows = [
        {"id": id_, "level": level, "verdict": told.get(id_, "PASS"), "findings": []}
        for id_, level in LEVELS.items()
        if id_ not in broken
    ]
    rows += [
        {"id": id_, "level": LEVELS[id_], "verdict": WORSE[LEVELS[id_]], "findings": [finding()]} for id_ in broken
    ]
    causes = [{"clauses": ["UUID-LENGTH", "BIZ-NO-LENGTH", "SIGN-EXPIRY"]}]
    return {
        "exit_code": code,
        "complete": complete,
        "requests": 10,
        "seconds": 1.5,
        "reason": None,
        "certificate": {"controls": 4},
        "clauses": rows,
        "causes": causes,
    }


def fault_row(told: Json | None, name: str = NAME) -> Json:
    """The row of a fault after a run with this result."""
    return row_of(Trial((name,), "fault", fuzz=False), KNOWN, LEVELS, told)


@pytest.mark.parametrize(
    ("told", "outcome", "own", "others"),
    [
        (result("UUID-LENGTH"), "killed", True, 0),
        (result("UUID-LENGTH", "BIZ-NO-LENGTH"), "killed", True, 1),
        (result("BIZ-NO-LENGTH"), "killed", False, 1),
        (result(code=0), "survived", False, 0),
        (result(code=2, complete=False), "failed", False, 0),
        (result(code=3, complete=False), "failed", False, 0),
        (None, "not_run", False, 0),
    ],
)
def test_outcome_of_a_fault(told: Json | None, outcome: str, own: bool, others: int) -> None:
    """Killed by any finding, its own or not; survived only where a run was whole and found nothing."""
    row = fault_row(told)

    assert (row["outcome"], row["own"], row["others"]) == (outcome, own, others)


def test_warning_kills_a_fault_of_a_should_clause() -> None:
    """A SHOULD clause is broken by a warning."""
    row = fault_row(result("VERBOSE-VALUES-REFUSED", code=0), "verbose-2-accepted")

    assert (row["outcome"], row["own"]) == ("killed", True)


def test_one_cause_explains_all_that_is_broken() -> None:
    """Only a cause that names every broken clause is the one cause of them."""
    within = fault_row(result("UUID-LENGTH", "BIZ-NO-LENGTH", "SIGN-EXPIRY"))
    beyond = fault_row(result("UUID-LENGTH", "BIZ-NO-LENGTH", "SIGN-FORM"))

    assert within["one_cause"]
    assert not beyond["one_cause"]


def test_equivalent_fault_says_why() -> None:
    """A fault that nobody can see is not run, and has its reason."""
    reason = {"en": "No reply shows it.", "zh": "任何返回都不体现。"}
    entry = NamedFault(Fault("hidden", {"status": 200}, clause="UUID-LENGTH"), "x", "x", equivalent=reason)
    known = type(KNOWN)({"hidden": entry}, {})

    row = row_of(Trial(("hidden",), "fault", fuzz=False), known, LEVELS, None)

    assert (row["outcome"], row["reason"]) == ("equivalent", reason)
    known = type(KNOWN)({"hidden": entry, NAME: KNOWN.faults[NAME]}, KNOWN.variations)
    assert [trial.id for trial in plan(known, CONTRACT) if trial.kind == "fault"] == [NAME]


@pytest.mark.parametrize(
    ("names", "told", "outcome", "warned"),
    [
        (("colon-alone",), result(code=0), "clean", []),
        (("colon-alone",), result("ERROR-GRAMMAR"), "false_alarm", []),
        (("image-refused-as-bad",), result("IMAGE-SIZE-NAME", code=0), "clean", ["IMAGE-SIZE-NAME"]),
        (("colon-alone",), result("IMAGE-SIZE-NAME", code=0), "false_alarm", []),
        (("colon-alone", "image-refused-as-bad"), result("IMAGE-SIZE-NAME", code=0), "clean", ["IMAGE-SIZE-NAME"]),
        (("colon-alone",), result(code=2, complete=False), "failed", []),
        (("colon-alone",), None, "not_run", []),
    ],
)
def test_outcome_of_a_variation(names: tuple[str, ...], told: Json | None, outcome: str, warned: list[str]) -> None:
    """A variation is clean where nothing is broken but what it may break; a warning beyond that is a false alarm."""
    kind = "combination" if len(names) > 1 else "variation"
    row = row_of(Trial(names, kind, fuzz=False), KNOWN, LEVELS, told)

    assert (row["outcome"], row["warned"], row["combination"]) == (outcome, warned, len(names) > 1)


# --- the gate


def killed(id_: str, clause: str, **more: Any) -> Json:
    """A fault's row as it should be."""
    usual = {"id": id_, "clause": clause, "outcome": "killed", "own": True, "others": 0, "one_cause": False}
    return usual | more


def missed(outcome: str) -> Json:
    """The row of a fault that was not killed."""
    return killed("x", "UUID-LENGTH", outcome=outcome, own=False)


def varied(id_: str, outcome: str = "clean", combination: bool = False) -> Json:
    """A variation's row."""
    return {"id": id_, "outcome": outcome, "combination": combination, "untestable": []}


ALL = [killed(f"f-{clause.id}", clause.id) for clause in JUDGED]


def broken_rules(faults: list[Json], variations: list[Json]) -> dict[str, list[str]]:
    """The rules that these rows break, with what breaks each."""
    return {rule["id"]: rule["items"] for rule in gate(JUDGED, faults, variations) if not rule["kept"]}


@pytest.mark.parametrize(
    ("faults", "variations", "broken"),
    [
        (ALL, [varied("v")], {}),
        (ALL[1:], [], {"every-clause": [JUDGED[0].id]}),
        ([*ALL[1:], killed("x", JUDGED[0].id, own=False)], [], {"every-clause": [JUDGED[0].id], "own-clause": ["x"]}),
        ([*ALL, missed("survived")], [], {"no-survivor": ["x"], "own-clause": ["x"]}),
        ([*ALL, missed("equivalent")], [], {}),
        ([*ALL, killed("x", "UUID-LENGTH", others=1)], [], {}),
        ([*ALL, killed("x", "UUID-LENGTH", others=2)], [], {"one-mistake": ["x"]}),
        ([*ALL, killed("x", "UUID-LENGTH", others=9, one_cause=True)], [], {}),
        ([*ALL, missed("not_run")], [], {"all-judged": ["x"]}),
        (ALL, [varied("v", "false_alarm")], {"no-false-alarm": ["v"]}),
        (ALL, [varied("v", "failed")], {"all-judged": ["v"]}),
        (ALL, [varied("v") | {"untestable": ["UUID-LENGTH"]}], {"nothing-hidden": ["v"]}),
        (ALL, [varied("v") | {"untestable": ["IMAGE-SIZE-NAME"]}], {}),
    ],
)  # fmt: skip
def test_gate_names_what_breaks_it(faults: list[Json], variations: list[Json], broken: dict[str, list[str]]) -> None:
    """Each rule is kept, or broken by the rows that it names."""
    assert broken_rules(faults, variations) == broken


def test_counts_tell_what_was_killed() -> None:
    """The numbers of the certificate are counted from the rows."""
    rows = [*ALL[1:], killed("x", JUDGED[0].id, outcome="survived", own=False)]
    told = counts(JUDGED, rows, [varied("v"), varied("w", "false_alarm"), varied("v+w", combination=True)])
    must = sum(clause.level is Level.MUST for clause in JUDGED)

    assert (told["faults"]["planned"], told["faults"]["killed"], told["faults"]["survived"]) == (
        len(ALL),
        len(ALL) - 1,
        1,
    )
    assert told["clauses"]["MUST"] == {"of": must, "killed": must - (JUDGED[0].level is Level.MUST)}
    assert (told["variations"]["clean"], told["variations"]["false_alarm"], told["combinations"]["clean"]) == (1, 1, 1)


# --- the certificate


def test_shipped_certificate_is_of_these_cases() -> None:
    """The certificate in the package was earned by the cases in it: run `biztoken prove` after changing one."""
    shipped = certificate.shipped()

    assert shipped is not None
    assert shipped["case_set"] == certificate.case_set(load_cases(CONTRACT))


def test_shipped_certificate_has_no_blemish() -> None:
    """Every fault killed, every variation clean, every clause covered."""
    shipped = certificate.shipped()

    assert shipped is not None
    assert shipped["faults"]["killed"] + shipped["faults"]["equivalent"] == shipped["faults"]["planned"] >= 150
    assert shipped["variations"]["clean"] == shipped["variations"]["planned"] >= 20
    assert shipped["combinations"]["clean"] == shipped["combinations"]["planned"] > 0
    assert all(numbers["killed"] == numbers["of"] for numbers in shipped["clauses"].values())
    assert shipped["own_clause"] >= 0.9 * shipped["faults"]["killed"]
    assert (shipped["faults"]["planned"], shipped["variations"]["planned"]) == (
        len(KNOWN.faults),
        len(KNOWN.variations),
    )


def test_case_set_changes_with_any_case() -> None:
    """A case that is left out, or says something else, makes another hash; their order makes none."""
    cases = load_cases(CONTRACT)
    told = certificate.case_set(cases)

    assert certificate.case_set(cases[::-1]) == told
    assert certificate.case_set(cases[1:]) != told
    assert certificate.case_set([*cases[1:], type(cases[0])(**{**vars_of(cases[0]), "drop": ("uuid",)})]) != told


def vars_of(case: Any) -> dict[str, Any]:
    """The fields of a case."""
    return {name: getattr(case, name) for name in case.__dataclass_fields__}


def test_certificate_is_renewed_in_a_checkout_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package is never written to."""
    place = tmp_path / "src" / "biztoken" / "certificate.json"
    place.parent.mkdir(parents=True)
    monkeypatch.setattr(certificate, "FILE", place)
    numbers = counts(JUDGED, ALL, [])
    record = {"case_set": "x", "requests": 1, "controls": 1, "seconds": 1.0, "seed": 0, "versions": {}}
    record |= {"started": "2026-01-02T03:04:05", "counts": numbers}

    assert not certificate.renew(record)
    assert not place.exists()
    (tmp_path / "pyproject.toml").touch()
    assert certificate.renew(record)
    assert json.loads(place.read_text("utf-8"))["date"] == "2026-01-02"
    certificate.shipped.cache_clear()


def test_no_variation_is_also_a_fault() -> None:
    """What breaks a clause is no freedom: no entry stands on both sides."""
    assert not KNOWN.faults.keys() & KNOWN.variations.keys()
    assert all(isinstance(entry, Variation) for entry in KNOWN.variations.values())
