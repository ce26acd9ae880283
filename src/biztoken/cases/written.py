"""Cases written by hand: the rows of conformance/cases/*.yaml (format: docs/cases.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from biztoken.cases.case import Case
from biztoken.contract import Contract
from biztoken.errors import UserError
from biztoken.judge import Alternative, Expected
from biztoken.signing import SPOILS

_KEYS = frozenset(
    (
        *("id", "clause", "expect", "where", "base", "set", "drop", "key", "sign", "method", "path", "body"),
        *("filler", "repeat_field", "is_control", "plan", "needs", "presumes", "own", "witness"),
    )
)
_READ_APART = frozenset(("expect", "own", "witness", "where", "drop", "needs", "presumes", "filler"))


def read_file(path: Path, contract: Contract) -> Iterator[Case]:
    """The cases of one file, which is named after their family. UserError for a row that is wrong."""
    # The safe loader in C, where PyYAML was built with it: a tenth of a second that every run pays.
    rows = yaml.load(path.read_text("utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    for row in rows or ():
        unknown = set(row) - _KEYS
        if unknown:
            raise UserError(f"{path.name}: {row.get('id')}", f"the key {min(unknown)} is unknown; see docs/cases.md")
        lacking = [key for key in ("id", "clause", "expect") if key not in row]
        if lacking:
            raise UserError(f"{path.name}: {row.get('id')}", f"the key {lacking[0]} is missing; see docs/cases.md")
        if row.get("filler", "body") not in contract.limits:
            known = ", ".join(contract.limits)
            raise UserError(f"{path.name}: {row['id']}: filler {row['filler']}", f"known limits are {known}")
        yield _case(row, path.stem, contract)


def _case(row: Mapping[str, Any], family: str, contract: Contract) -> Case:
    rest = {key: value for key, value in row.items() if key not in _READ_APART}
    if (spoil := (row.get("sign") or {}).get("spoil")) and spoil not in SPOILS:
        raise UserError(f"case {row['id']}: sign.spoil {spoil}", f"known are {', '.join(SPOILS)}")
    key = row.get("key", "active")
    return Case(
        family=family,
        expected=_expected(row, contract),
        where={name: tuple(values) for name, values in row.get("where", {}).items()},
        drop=tuple(row.get("drop", ())),
        needs=tuple(row.get("needs", ())) + ((f"keys.{key}",) if key != "active" else ()),
        presumes=_clauses(row, contract),
        filler=contract.limits[row["filler"]] if "filler" in row else None,
        **rest,
    )


def _clauses(row: Mapping[str, Any], contract: Contract) -> tuple[str, ...]:
    presumed = tuple(row.get("presumes", ()))
    for clause in presumed:
        if clause not in contract.clauses:
            raise UserError(f"case {row['id']}: presumes {clause}", "clauses.yaml has no such clause; correct it")
    return presumed


def _expected(row: Mapping[str, Any], contract: Contract) -> Expected:
    expect = row["expect"]
    if isinstance(expect, str):
        return Expected(expect, row["clause"], witness=row.get("witness", False))
    kind = "other" if "other_than" in expect else "refused"
    expect = expect["other_than"] if kind == "other" else expect
    rows = expect if isinstance(expect, list) else [expect]
    alternatives = tuple(Alternative(item.get("error"), item.get("detail"), item.get("status")) for item in rows)
    for alternative in alternatives:
        if alternative.error and alternative.error not in contract.errors:
            raise UserError(f"case {row['id']}: {alternative.error}", "the error table has no such name; correct it")
    return Expected(kind, row["clause"], alternatives, row.get("own", False), row.get("witness", False))
