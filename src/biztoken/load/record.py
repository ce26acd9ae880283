"""result.json of a load: what a run came to, as plain values."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Any

from biztoken import __version__
from biztoken.load.analysis import drift_of, model_of_steps, recovery_ms, steps_of
from biztoken.load.run import LoadRun
from biztoken.load.verdict import Facts, checks, verdict, word
from biztoken.model import Json, Verdict
from biztoken.settings import Target, without_password
from biztoken.verdicts import Text, counts_of, judged_clauses

SHARE = ("sent", "answered", "failed", "in_flight", "state")  # what is told of each worker
UNFINISHED = Text("The run has not come to its end.", "运行尚未结束。")


@dataclass(frozen=True, slots=True)
class Frame:
    """What is known of a run before it begins. `clock`: its start on the monotonic clock."""

    target: Target
    options: Mapping[str, Any]
    seed: int
    started: datetime
    clock: float
    before: int = 0  # requests that were sent before the load


def result_of(run: LoadRun, frame: Frame, *, complete: bool) -> Json:
    """The whole record; an incomplete one says so."""
    book, profile = run.book, run.profile
    rows, causes = judged_clauses(run.contract, run.tally, (), strict=run.strict, partial=False)
    rows = [row for row in rows if row["checks"]]
    is_steps = profile.analysis == "steps"
    steps = steps_of(book, profile.stages, run.ceilings.rate) if is_steps else []
    model = model_of_steps(steps)
    found = checks(profile, book)
    facts = Facts(
        failed_clauses=any(row["verdict"] == Verdict.FAIL for row in rows),
        interrupted=run.interrupted if complete else run.interrupted or UNFINISHED,
        stopped=run.stopped,
        problem=run.problem,
        # Steps beyond what the generator holds are left out of the model; the others stand.
        alarms=() if is_steps and model else run.alarms(),
        held=None if is_steps and model else run.held(),
    )
    code, reason = verdict(found, book, profile, facts)
    return {
        "schema_version": "1.0",
        "kind": "load",
        "verdict": word(code),
        "exit_code": code,
        "complete": complete and run.interrupted is None and run.problem is None,
        "scope": "full",
        "planned": len(found),
        "executed": sum(row["kept"] is not None for row in found),
        "requests": book.sent + book.again + frame.before,
        "seconds": round(time.monotonic() - frame.clock, 3),
        "seed": frame.seed,
        "started": frame.started.isoformat(timespec="seconds"),
        "target": {
            "name": frame.target.name,
            "url": without_password(frame.target.url),
            "mock": frame.target.is_mock,
        },
        "versions": _versions(run),
        "options": dict(frame.options),
        "reason": reason.as_json() if reason else None,
        "counts": counts_of(rows),
        "causes": causes,
        "cases": [],
        "notes": [note.as_json() for note in run.notes],
        "waivers": [],
        "baseline": None,
        "certificate": None,
        "clauses": rows,
        "load": _totals(run),
        "profile": profile.as_json(),
        "checks": found,
        "series": book.series,
        "steps": steps,
        "model": model,
        "recovery_ms": recovery_ms(book, profile.stages) if profile.analysis == "spike" else None,
        "drift": _drift(run) if profile.analysis == "soak" else None,
        "generator": _generator(run),
        "tokens": run.tokens(),
        "stopped": stop.as_json() if (stop := run.stopped or run.interrupted) else None,
    }


def _totals(run: LoadRun) -> Json:
    book = run.book
    return {
        "sent": book.sent,
        "answered": book.answered,
        "failed": book.failed,
        "in_flight_at_end": book.in_flight,
        "rate_per_s": round(book.rate, 3),
        "latency_ms": {name: book.percentile(name) for name in ("p50", "p90", "p95", "p99", "max")},
        "by_outcome": dict(sorted(book.by_outcome.items())),
    }


def _drift(run: LoadRun) -> Json | None:
    memory = max(run.memory.values(), key=len, default=[])
    return drift_of(run.book.rows, memory)


def _generator(run: LoadRun) -> Json:
    lag, late = run.book.lag.ms(), run.book.late.ms()
    return {
        "cpu": round(run.health().cpu, 3),
        "hub_lag_ms": {name: lag[name] for name in ("p50", "p99")},
        "late_ms": {name: late[name] for name in ("p50", "p99", "max")},
        "n_max": run.n_max,
        "pace_per_s": {worker: round(pace) for worker, pace in run.pace.items()},
        "socket_errors": run.shortages,
        "alarms": [alarm.as_json() for alarm in run.alarms()],
        "workers": [
            {"id": worker, **{name: getattr(share, name) for name in SHARE}}
            for worker, share in run.book.shares.items()
        ],
    }


def _versions(run: LoadRun) -> dict[str, str]:
    names = ("locust", "gevent", "hdrhistogram")
    return {
        "biztoken": __version__,
        "contract": run.contract.version,
        "python": platform.python_version(),
        **{name: version(name) for name in names},
    }
