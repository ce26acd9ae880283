"""What a killed run leaves: the clauses as far as its finished cases tell. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from biztoken.model import Json, Verdict, worst
from biztoken.reporting.result import filled_case, filled_finding

_KNOWN = frozenset(verdict.value for verdict in Verdict)


def completed(result: Json, plan: Mapping[str, Any], finished: Sequence[Json], exchanges: Sequence[Json]) -> Json:
    """An incomplete result with everything that the other records know. A result that counts cases stays."""
    if result["executed"] or result["complete"]:
        return result
    cases = _cases(result, plan, finished)
    clauses = _clauses(result["clauses"], cases, finished)
    ran = {row["id"] for row in finished} or {row["case"] for row in exchanges if row.get("case")}
    return {
        **result,
        "planned": result["planned"] or plan.get("planned", len(cases)),
        "executed": len(ran),
        "requests": max(result["requests"], len(exchanges)),
        "seconds": result["seconds"] or _seconds(finished, exchanges),
        "cases": cases,
        "clauses": clauses,
        "counts": counted(clauses),
    }


def counted(clauses: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """Number of clauses by level, then by verdict; excluded ones left out."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for clause in clauses:
        if not clause.get("excluded"):
            counts[clause["level"]][clause["verdict"]] += 1
    return {level: dict(counter) for level, counter in counts.items()}


def _seconds(finished: Sequence[Json], exchanges: Sequence[Json]) -> float:
    of_cases = sum(float(row.get("seconds") or 0) for row in finished)
    return round(of_cases or sum(float(row.get("elapsed_ms") or 0) for row in exchanges) / 1000, 3)


def _cases(result: Json, plan: Mapping[str, Any], finished: Sequence[Json]) -> list[Json]:
    rows: dict[str, Json] = {}
    for row in (*plan.get("cases", ()), *result["cases"], *finished):
        rows[row["id"]] = {"verdict": "NOT_RUN", "clause": "", **rows.get(row["id"], {}), **row}
    return [filled_case({key: value for key, value in row.items() if key != "findings"}) for row in rows.values()]


def _clauses(clauses: Sequence[Json], cases: Sequence[Json], finished: Sequence[Json]) -> list[Json]:
    found: dict[str, list[Json]] = defaultdict(list)
    for row in finished:
        for number, finding in enumerate(row.get("findings", ()), start=1):
            told = {"id": f"{row['id']}-{number}", "case": row["id"], "expected": "", "received": "", **finding}
            found[told.get("clause") or row.get("clause", "")].append(filled_finding(told))
    of_clause: dict[str, list[Verdict]] = defaultdict(list)
    for case in cases:
        if case["verdict"] in _KNOWN:
            of_clause[case["clause"]].append(Verdict(case["verdict"]))
    return [_judged(clause, found[clause["id"]], of_clause[clause["id"]]) for clause in clauses]


def _judged(clause: Json, findings: list[Json], verdicts: list[Verdict]) -> Json:
    if findings:
        verdict = {"MUST": Verdict.FAIL, "SHOULD": Verdict.WARN}.get(clause["level"], Verdict.OBSERVED)
        return {**clause, "findings": findings, "verdict": verdict.value}
    verdict = worst(verdicts) or Verdict(clause["verdict"])
    if verdict in {Verdict.FAIL, Verdict.WARN}:
        # The mistake was charged to another clause, so that this one has not been seen through to its end.
        verdict = Verdict.NOT_RUN
    return {**clause, "verdict": verdict.value}
