"""Two or more runs side by side: the clauses whose verdicts, findings or observations differ, with what shows it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from biztoken.errors import UserError
from biztoken.model import Json, Verdict
from biztoken.reporting.records import Run, load
from biztoken.verdicts import Text

SCHEMA_VERSION = "1.0"
_CASES = 3  # of one clause, shown with their exchanges
_BROKEN = (Verdict.FAIL, Verdict.WARN, Verdict.WAIVED)
_SHOWN = ("expected", "received", "difference", "case")


def compare(directories: Sequence[Path]) -> Json:
    """The record of a comparison. UserError where fewer than two runs are named, or one of them is none."""
    if len(directories) < 2:
        raise UserError("biztoken compare", "name two or more directories of runs", "请给出两个或更多运行目录")
    runs = [load(directory) for directory in directories]
    for directory, run in zip(directories, runs, strict=True):
        if run.result["kind"] != "check":
            hint, zh = "this is no run of biztoken check; name one", "不是 biztoken check 的运行；请给出另一个目录"
            raise UserError(str(directory), hint, zh)
    return comparison(dict(zip(_names(directories), runs, strict=True)))


def comparison(runs: Mapping[str, Run]) -> Json:
    """The record of these runs, by name; pure. `exit_code`: 0 where nothing differs, else 1."""
    tables = [{row["id"]: row for row in run.result["clauses"]} for run in runs.values()]
    shared = [name for name in tables[0] if all(name in table for table in tables)]
    rows = [[table[name] for table in tables] for name in shared]
    differing = [_clause(row, list(runs.values())) for row in rows if _differ(row)]
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "compare",
        "exit_code": int(bool(differing)),
        "runs": [_run(name, run.result) for name, run in runs.items()],
        "compared": len(shared),
        "notes": [note.as_json() for note in _notes(runs, tables, set(shared))],
        "clauses": differing,
    }


def _names(directories: Sequence[Path]) -> list[str]:
    """A short name for each run; what is named alike gets its whole path, the same one twice a number."""
    short = [directory.resolve().name for directory in directories]
    names = short if len(set(short)) == len(short) else [str(directory) for directory in directories]
    return names if len(set(names)) == len(names) else [f"{name} ({n})" for n, name in enumerate(names, 1)]


def _run(name: str, result: Json) -> Json:
    keys = ("target", "started", "verdict", "complete", "plan", "seed", "versions", "latency_ms")
    return {"run": name, **{key: result.get(key) for key in keys}}


def _differ(rows: Sequence[Json]) -> bool:
    """Whether runs judged one clause differently, found it broken in different ways, or observed different things."""
    if all(row["excluded"] for row in rows):
        return False
    return any(len(set(map(told, rows))) > 1 for told in (_verdict, _deviations, _observed))


def _verdict(row: Json) -> str:
    return str(row["verdict"])


def _observed(row: Json) -> frozenset[str]:
    return frozenset(row.get("observations") or ())


def _deviations(row: Json) -> frozenset[str]:
    return frozenset(
        json.dumps([finding["aspect"], finding["received"]], sort_keys=True) for finding in row["findings"]
    )


def _clause(rows: Sequence[Json], runs: Sequence[Run]) -> Json:
    head = {key: rows[0][key] for key in ("id", "level", "section", "en", "zh")}
    alike = frozenset.intersection(*map(_observed, rows))
    told = [
        {
            "verdict": row["verdict"],
            "reason": row["reason"],
            "findings": [{key: finding[key] for key in _SHOWN} for finding in row["findings"]],
            "observed": [seen for seen in row.get("observations") or () if seen not in alike],
        }
        for row in rows
    ]
    cases = list(dict.fromkeys(finding["case"] for row in rows for finding in row["findings"] if finding["case"]))
    cases = cases or [case for case in _cases(rows[0]["id"], runs[0]) if _is_answered_differently(case, runs)]
    shown = [{"case": case, "exchanges": _exchanges(case, rows, runs)} for case in cases[:_CASES]]
    return {**head, "runs": told, "cases": shown, "more_cases": len(cases[_CASES:])}


def _exchanges(case: str, rows: Sequence[Json], runs: Sequence[Run]) -> list[Json | None]:
    """What each run exchanged in a case: where it was broken the failing exchange, elsewhere its counterpart."""
    own = [_exchanged(run, case) for run in runs]
    failing = [
        next((finding["exchanges"][-1] for finding in row["findings"] if _is_of(finding, case)), None) for row in rows
    ]
    # Counted from the end: what was repeated stands before it.
    places = [len(ids) - ids.index(number) for ids, number in zip(own, failing, strict=True) if number in ids]
    place = places[0] if places else _differing(own, runs) or 1
    chosen = [
        number if number is not None else next(iter(ids[-place:]), None)
        for ids, number in zip(own, failing, strict=True)
    ]
    return [_exchange(run, number) for run, number in zip(runs, chosen, strict=True)]


def _cases(clause: str, run: Run) -> list[str]:
    return [row["id"] for row in run.result["cases"] if row["clause"] == clause]


def _is_answered_differently(case: str, runs: Sequence[Run]) -> bool:
    """Whether replies of a case that was observed have another status or error in some run."""
    return _differing([_exchanged(run, case) for run in runs], runs) is not None


def _differing(own: Sequence[Sequence[int]], runs: Sequence[Run]) -> int | None:
    """The last place, counted from the end, at which the answers to a case differ; `own`: its exchanges in each run."""
    for place in range(1, min(map(len, own)) + 1):
        told = [_answer(run.exchange(ids[-place])) for run, ids in zip(runs, own, strict=True)]
        if len(set(told)) > 1:
            return place
    return None


def _answer(record: Json | None) -> tuple[object, object] | None:
    reply = record.get("reply") if record else None
    if not reply:
        return None
    try:
        body = json.loads(reply.get("body") or "")
    except ValueError:
        body = None
    return reply.get("status"), str(body.get("error")) if isinstance(body, dict) else None


def _exchanged(run: Run, case: str) -> list[int]:
    """The exchanges of a case; a control, which is no row of its own, and a sequence are known by their records."""
    named: list[int] = next((row["exchanges"] for row in run.result["cases"] if row["id"] == case), [])
    return named or [number for number, record in run.exchanges.items() if record.get("case") == case]


def _is_of(finding: Mapping[str, Any], case: str) -> bool:
    return bool(finding["case"] == case and finding["exchanges"])


def _exchange(run: Run, number: int | None) -> Json | None:
    """The exchange as it was recorded, None where there was none or its record was lost."""
    record = run.exchange(number) if number is not None else None
    if record is None:
        return None
    return {key: record.get(key) for key in ("id", "case", "role", "request", "reply", "failure", "elapsed_ms")}


def _notes(runs: Mapping[str, Run], tables: Sequence[Mapping[str, Json]], shared: set[str]) -> list[Text]:
    """What a reader must know before trusting a difference, or the lack of one."""
    notes = []
    results = [run.result for run in runs.values()]
    sets = {(result.get("certificate") or {}).get("case_set") for result in results}
    if len(sets) > 1:
        notes.append(Text("The runs were made with different sets of cases.", "各次运行所用的用例集不同。"))
    for key, en, zh in (
        ("plan", "The runs have different plans: {}.", "各次运行的计划不同：{}。"),
        ("seed", "The runs have different seeds: {}.", "各次运行的随机种子不同：{}。"),
    ):
        values = [str(result[key]) for result in results]
        if len(set(values)) > 1:
            notes.append(Text(en.format(", ".join(values)), zh.format("、".join(values))))
    partial = [name for name, run in runs.items() if run.result["scope"] == "partial" or not run.result["complete"]]
    if partial:
        en = f"Only a part was run in: {', '.join(partial)}."
        notes.append(Text(en, f"以下运行只执行了一部分：{'、'.join(partial)}。"))
    missing = sorted({name for table in tables for name in table} - shared)
    if missing:
        named, more = missing[:10], " …" if len(missing) > 10 else ""
        en = f"Not in every run, so not compared: {', '.join(named)}{more}."
        notes.append(Text(en, f"并非每次运行都有，未参与比较：{'、'.join(named)}{more}。"))
    return notes
