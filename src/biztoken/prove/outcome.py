"""What one trial showed: the records of its run -> a row of the kill matrix. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from biztoken.mock.catalogue import Catalogue, NamedFault, Variation
from biztoken.model import Json, Verdict
from biztoken.prove.trials import Trial

_CASES = 5  # as many as a row names
_BROKEN = (Verdict.FAIL, Verdict.WARN)


def row_of(trial: Trial, catalogue: Catalogue, levels: Mapping[str, str], result: Json | None) -> Json:
    """The row of a trial; without a result it was not run. `levels`: of the clauses."""
    seen = {
        "exit_code": result["exit_code"] if result else None,
        "requests": result["requests"] if result else 0,
        "seconds": result["seconds"] if result else 0.0,
        "controls": result["certificate"]["controls"] if result else 0,
        "directory": None,
        "broken": broken(result["clauses"]) if result else [],
    }
    if trial.kind == "fault":
        return _fault(catalogue.faults[trial.id], levels, result, seen)
    return _variation(trial, [catalogue.variations[name] for name in trial.names], result, seen)


def broken(clauses: Sequence[Json]) -> list[Json]:
    """The clauses that a run found broken, each with the cases that showed it."""
    return [
        {
            "clause": row["id"],
            "level": row["level"],
            "cases": list(dict.fromkeys(finding["case"] for finding in row["findings"]))[:_CASES],
            "received": row["findings"][0]["received"] if row["findings"] else "",
        }
        for row in clauses
        if row["verdict"] in _BROKEN
    ]


def is_one_cause(ids: Collection[str], causes: Sequence[Json]) -> bool:
    """Whether the report tells all these clauses as broken by one cause."""
    return any(set(ids) <= set(cause["clauses"]) for cause in causes)


def unmet(result: Json) -> Json | None:
    """Why a run is no answer: it was cut short, or it could not judge."""
    if result["exit_code"] in (0, 1) and result["complete"]:
        return None
    return result["reason"] or {"en": "The run has no verdict.", "zh": "本次运行没有结论。"}


def _fault(fault: NamedFault, levels: Mapping[str, str], result: Json | None, seen: Json) -> Json:
    ids = [entry["clause"] for entry in seen["broken"]]
    own, reason = fault.clause in ids, None
    if fault.equivalent:
        outcome, reason = "equivalent", dict(fault.equivalent)
    elif result is None:
        outcome = "not_run"
    elif ids:
        outcome = "killed"
    else:
        reason = unmet(result)
        outcome = "failed" if reason else "survived"
    return {
        "id": fault.id,
        "clause": fault.clause,
        "level": levels[fault.clause],
        "en": fault.en,
        "zh": fault.zh,
        "when": dict(fault.fault.when),
        "change": dict(fault.fault.change),
        "fuzz": fault.fuzz,
        "outcome": outcome,
        "reason": reason,
        "own": own,
        "others": len(ids) - own,
        "one_cause": bool(result and ids and is_one_cause(ids, result["causes"])),
        **seen,
    }


def _variation(trial: Trial, entries: Sequence[Variation], result: Json | None, seen: Json) -> Json:
    tolerated = sorted({clause for entry in entries for clause in entry.warns})
    wrong = [entry for entry in seen["broken"] if entry["level"] == "MUST" or entry["clause"] not in tolerated]
    reason = None
    if result is None:
        outcome = "not_run"
    elif wrong:
        outcome = "false_alarm"
    else:
        reason = unmet(result)
        outcome = "failed" if reason else "clean"
    return {
        "id": trial.id,
        "ids": list(trial.names),
        "combination": trial.kind == "combination",
        "en": "; ".join(entry.en for entry in entries),
        "zh": "\uff1b".join(entry.zh for entry in entries),
        "freedom": ", ".join(dict.fromkeys(entry.freedom for entry in entries)),
        "outcome": outcome,
        "reason": reason,
        "warned": [entry["clause"] for entry in seen["broken"] if entry not in wrong],
        "tolerated": tolerated,
        "untestable": [
            row["id"] for row in (result or {"clauses": []})["clauses"] if row["verdict"] == Verdict.UNTESTABLE
        ],
        **seen,
        "broken": wrong,
    }
