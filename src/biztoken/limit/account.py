"""result.json of a limit: what a run came to, as plain values."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from biztoken.account import target_json, versions
from biztoken.limit import reasons
from biztoken.limit.firing import Row
from biztoken.limit.observed import Conclusion
from biztoken.limit.planner import Plan
from biztoken.limit.search import false_refusals
from biztoken.limit.told import WORDS, exit_code, keeps, planned, recorded_ms, sentence
from biztoken.model import Json, Verdict
from biztoken.suite import Suite
from biztoken.verdicts import Text, counts_of, judged_clauses


def result_of(
    suite: Suite,
    rows: Sequence[Row],
    conclusion: Conclusion | None,
    *,
    baseline: float,
    plan: Plan | None,
    reason: Text | None,
    is_mistake: bool,
    options: Mapping[str, Any],
) -> Json:
    """The whole record, with nothing private in it. Without a conclusion it is incomplete, and `reason` says why.

    `is_mistake`: the reason is the user's mistake, or a target that no sound request gets through to.
    """
    bursts = [row.burst for row in rows]
    target = suite.target
    clauses, causes = judged_clauses(suite.contract, suite.run.ledger.tally, (), strict=False, partial=True)
    clauses = [row for row in clauses if row["checks"]]
    has_failed = any(row["verdict"] == Verdict.FAIL for row in clauses)
    contracted = target.concurrency_limit
    is_enough = plan.enough if plan else None
    code = 2 if is_mistake else exit_code(conclusion, contracted, has_failed=has_failed, is_enough=is_enough)
    why = reason or (conclusion.reason if conclusion else None)
    if plan and plan.found is not None and is_enough is False:
        why = why or reasons.not_enough(plan.needed, plan.found)
    told = sentence(conclusion, bursts, contracted) if conclusion else reason or sentence(None, (), None)
    value = conclusion.value if conclusion else None
    bad, total = false_refusals(bursts, value) if value is not None else (0, 0)
    release = conclusion.release if conclusion else None
    result: Json = {
        "schema_version": "1.0",
        "kind": "limit",
        "verdict": WORDS[code],
        "exit_code": code,
        "complete": conclusion is not None,
        "scope": "full",
        "planned": 0,
        "executed": 0,
        "requests": suite.run.client.sent,
        "seconds": round(time.monotonic() - suite.clock, 3),
        "seed": suite.options.seed,
        "plan": None,
        "strict": False,
        "started": suite.started.isoformat(timespec="seconds"),
        "target": target_json(suite),
        "versions": versions(suite.contract),
        "options": dict(options),
        "reason": why.as_json() if why else None,
        "counts": counts_of(clauses),
        "causes": causes,
        "waivers": [],
        "baseline": None,
        "certificate": None,
        "notes": [note.as_json() for note in suite.run.ledger.notes],
        "clauses": clauses,
        "cases": [],
        "limit": {
            "value": value,
            "kind": conclusion.kind if conclusion else "untold",
            "confirmed": conclusion.confirmed if conclusion else 0,
            "refused": conclusion.refused if conclusion else 0,
            "recovery_ms": recorded_ms(release) if release is not None else None,
            "false_refusals": bad,
            "false_refusals_of": total,
        },
        "sentence": told.as_json(),
        "bursts": [burst_json(row, baseline) for row in rows],
        "contracted": {"limit": contracted, "kept": keeps(conclusion, contracted)} if contracted else None,
        "planner": {**asdict(plan), "sentence": planned(plan).as_json()} if plan else None,
        "budget": {"most": suite.budget.most, "spent": suite.budget.spent},
    }
    clean: Json = suite.evidence.redact(result)
    return clean


def burst_json(row: Row, baseline: float) -> Json:
    """One burst as a report shows it."""
    burst = row.burst
    return {
        "n": burst.n,
        "ok": burst.ok,
        "refused": burst.refused,
        "other": dict(burst.other),
        "spread_ms": row.spread_ms,
        "baseline_ms": round(baseline * 1000, 2),
        "valid": burst.trouble is None,
        "why": burst.trouble.reason.as_json() if burst.trouble else None,
        "purpose": row.purpose,
        "gap_ms": round(burst.gap * 1000, 2),
        "ended_ms": [list(end) for end in row.ended_ms],
    }
