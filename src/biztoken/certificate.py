"""The certificate: what `biztoken prove` showed of the cases that ship with this package."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from biztoken.cases import Case
from biztoken.contract import bundled
from biztoken.evidence import write_json
from biztoken.model import Json

FILE = Path(__file__).with_name("certificate.json")
_KEPT = ("case_set", "requests", "controls", "seconds", "seed", "versions")


def case_set(cases: Iterable[Case]) -> str:
    """SHA-256 over every case as it is run: those of data and of the contract by value, sequences by their source."""
    digest = hashlib.sha256()
    for case in sorted(cases, key=lambda case: case.id):
        told = (case.id, case.clause, case.expected, case.where, case.base, case.set, case.drop, case.key, case.sign)
        more = (
            case.method,
            case.path,
            case.body,
            case.filler,
            case.repeat_field,
            case.is_control,
            case.needs,
            case.presumes,
        )
        digest.update(repr((told, more)).encode())
    for path in sorted(bundled("conformance").glob("test_*.py")):
        digest.update(path.read_text("utf-8").encode())
    return digest.hexdigest()


@cache
def shipped() -> Json | None:
    """The certificate of this package, None before the first proof."""
    try:
        found: Json = json.loads(FILE.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found


def certificate_of(record: Json) -> Json:
    """The certificate that a complete proof earns."""
    numbers = record["counts"]
    return {
        "schema_version": "1.0",
        "date": record["started"][:10],
        **{name: record[name] for name in _KEPT},
        **{name: numbers[name] for name in ("faults", "own_clause", "clauses", "variations", "combinations")},
    }


def renew(record: Json) -> bool:
    """Replace the shipped certificate, in a checkout only; an installed package stays as it is."""
    is_checkout = (FILE.parents[2] / "pyproject.toml").is_file()
    if is_checkout:
        write_json(FILE, certificate_of(record))
        shipped.cache_clear()
    return is_checkout
