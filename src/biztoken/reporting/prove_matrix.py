"""`matrix.json`: which cases found which fault on which clause, for machines."""

from __future__ import annotations

from typing import Any

from biztoken.model import Json
from biztoken.reporting.prove_view import Record


def matrix(record: Record) -> Json:
    """{"clauses": {clause: {fault: {"killed_by": [cases], "own": bool}}}}, every clause named, killed or not."""
    clauses: dict[str, dict[str, Any]] = {clause["id"]: {} for clause in record["clauses"]}
    for fault in record["faults"]:
        for entry in fault["broken"]:
            found = {"killed_by": list(entry["cases"]), "own": entry["clause"] == fault["clause"]}
            clauses.setdefault(entry["clause"], {})[fault["id"]] = found
    return {"clauses": clauses}
