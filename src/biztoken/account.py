"""The account of a run: everything that result.json says, made of what the run holds."""

from __future__ import annotations

import platform
import time
from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING

from biztoken import __version__, certificate, history, waivers
from biztoken.changes import changes, percentiles
from biztoken.contract import Contract
from biztoken.model import Json, Verdict
from biztoken.precedence import precedence_map
from biztoken.verdicts import CaseResult, Text, counts_of, exit_code, judged_clauses, missing_required, verdict_word

if TYPE_CHECKING:
    from biztoken.suite import Suite

_NAMED = 10  # clauses that a reason names


def result_of(suite: Suite, *, complete: bool) -> Json:
    """result.json, with nothing private in it."""
    run, options = suite.run, suite.options
    cases = case_results(suite)
    case_rows = [case.as_json() for case in cases]
    partial = suite.scope == "partial" or not complete
    judged, causes = judged_clauses(suite.contract, run.ledger.tally, cases, strict=options.strict, partial=partial)
    # A waiver is written after the report, in which private texts are redacted.
    found: list[Json] = suite.evidence.redact(judged)
    rows, waived = waivers.apply(found, case_rows, suite.waivers, whole=not partial)
    stale = waivers.stale(waived)
    passes, forgotten = history.remembered(suite.directory, target_json(suite)) if suite.remembers else ({}, None)
    started = suite.started.isoformat(timespec="seconds")
    rows = history.with_last_passed(rows, passes, {"date": started[:10], "run": suite.directory.resolve().name})
    code = exit_code(
        rows,
        planned=len(suite.planned),
        executed=executed(suite),
        sound_controls=run.controls.sound,
        troubled=any(case.verdict is Verdict.HARNESS for case in cases),
        required=options.require,
        stopped=suite.was_stopped_early,
        stale=stale is not None,
    )
    reason = _reason(suite, code, rows, stale)
    result = {
        "schema_version": "1.0",
        "kind": "check",
        "verdict": verdict_word(code),
        "exit_code": code,
        "complete": complete,
        "scope": suite.scope,
        "planned": len(suite.planned),
        "executed": executed(suite),
        "requests": run.client.sent,
        "budget": {"most": suite.budget.most, "spent": suite.budget.spent, "chosen": suite.budget.chosen},
        "seconds": round(time.monotonic() - suite.clock, 3),
        "seed": options.seed,
        "plan": options.plan,
        "strict": options.strict,
        "started": started,
        "target": target_json(suite),
        "versions": versions(suite.contract),
        "options": options_json(suite),
        "reason": reason.as_json() if reason else None,
        "counts": counts_of(rows),
        "causes": causes,
        "waivers": waived,
        "baseline": None,
        "latency_ms": percentiles(run.ledger.times),
        "precedence": precedence_map(run.ledger.pairs) if run.ledger.pairs else None,
        "certificate": {
            "suite": certificate.shipped(),
            "case_set": suite.case_set,
            "controls": run.controls.sound,
        },
        "notes": [note.as_json() for note in (*run.ledger.notes, *((forgotten,) if forgotten else ()))],
        "clauses": rows,
        "cases": case_rows,
    }
    if suite.baseline:
        name, before = suite.baseline
        result["baseline"] = changes(before, result, name)
    clean: Json = suite.evidence.redact(result)
    return clean


def case_results(suite: Suite) -> list[CaseResult]:
    """What each planned case earned; a case that was not reached is NOT_RUN."""
    run = suite.run
    reason = run.stopped or run.ended
    return [run.results.get(case.id) or run.result(case, Verdict.NOT_RUN, reason) for case in suite.planned]


def executed(suite: Suite) -> int:
    """How many cases were run to their end."""
    return len(suite.run.results) - len(suite.run.starved)


def target_json(suite: Suite) -> Json:
    """The target as records name it."""
    return {"name": suite.target.name, "url": suite.target.url, "mock": suite.target.is_mock}


def options_json(suite: Suite) -> Json:
    """The options of a run, enough to start it again."""
    options = suite.options
    paths = ("target", "contract", "waivers", "baseline")
    return {
        **{name: str(path) if (path := getattr(options, name)) else None for name in paths},
        "plan": options.plan,
        "select": options.select,
        "strict": options.strict,
        "require": list(options.require),
        "seed": options.seed,
        "fuzz": suite.fuzz_examples,
        "budget": options.budget,
        "rate": options.rate,
        "max_in_flight": options.max_in_flight,
    }


def versions(contract: Contract) -> dict[str, str]:
    """What a run was made with."""
    names = ("schemathesis", "pytest", "pillow", "faker")
    return {
        "biztoken": __version__,
        "contract": contract.version,
        "python": platform.python_version(),
        **{name: version(name) for name in names},
    }


def _reason(suite: Suite, code: int, rows: Sequence[Json], stale: Text | None) -> Text | None:
    """Why there is no verdict, why it is incomplete, or why nothing but a waiver turned it red."""
    run = suite.run
    if suite.problem:
        return Text(suite.problem.told("en"), suite.problem.told("zh"))
    if run.stopped:
        return run.stopped
    troubled = [case.reason for case in case_results(suite) if case.verdict is Verdict.HARNESS and case.reason]
    if code == 2 and troubled:
        return troubled[0]
    if stale:
        return stale
    lacking = missing_required(rows, suite.options.require)
    if code == 3 and lacking and executed(suite) == len(suite.planned):
        names = ", ".join(lacking[:_NAMED]) + (" …" if len(lacking) > _NAMED else "")
        return Text(f"Required and not shown: {names}.", f"要求但未能证明：{names}。")
    if code == 3 and run.starved:
        return Text(
            f"{len(run.starved)} cases met only the target's concurrency limit or quota.",
            f"{len(run.starved)} 个用例只得到并发或调用量超限。",
        )
    return None
