"""All cases of a run, checked and in their order."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from biztoken.cases.case import FAMILIES, Case
from biztoken.cases.derived import derived_cases
from biztoken.cases.written import read_file
from biztoken.contract import Contract, bundled
from biztoken.errors import UserError

_FAMILY_ORDER = {family: rank for rank, family in enumerate(FAMILIES)}


def load_cases(contract: Contract, directory: Path | None = None) -> tuple[Case, ...]:
    """All cases but fuzzing, families in order. UserError for a case file that is wrong."""
    place = directory or bundled("conformance") / "cases"
    written = [case for path in sorted(place.glob("*.yaml")) for case in read_file(path, contract)]
    cases = [*derived_cases(contract), *written]
    _check_ids(cases, contract)
    return tuple(sorted(cases, key=lambda case: _FAMILY_ORDER.get(case.family, len(FAMILIES))))


def _check_ids(cases: Iterable[Case], contract: Contract) -> None:
    seen: set[str] = set()
    for case in cases:
        if case.id in seen:
            raise UserError(f"case {case.id}", "two cases have this id; rename one")
        if case.clause not in contract.clauses:
            raise UserError(f"case {case.id}: clause {case.clause}", "clauses.yaml has no such clause; add it there")
        if contract.clauses[case.clause].excluded:
            raise UserError(f"case {case.id}: clause {case.clause}", "this clause is excluded; drop the case")
        seen.add(case.id)
