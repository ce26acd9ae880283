"""When each clause was last seen true on a target: `history.json` beside the run directories.

{target: {clause: {date, run}}}. Nothing here stops a run: what goes wrong is told as a note.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from biztoken.changes import target_key
from biztoken.model import Json, Verdict
from biztoken.reporting.result import write_whole
from biztoken.verdicts import Text

NAME = "history.json"

Passes = Mapping[str, Mapping[str, str]]


def with_last_passed(rows: Sequence[Json], passes: Passes, now: Mapping[str, str]) -> list[Json]:
    """The rows `clauses` of result.json, each with `last_passed`: {date, run} or None; `now`: those of this run."""
    return [
        {**row, "last_passed": dict(now) if row["verdict"] == Verdict.PASS else _entry(passes.get(row["id"]))}
        for row in rows
    ]


def remembered(directory: Path, target: Mapping[str, object]) -> tuple[Passes, Text | None]:
    """What earlier runs beside the run in `directory` saw of the target, and a note where that cannot be read."""
    path = directory.resolve().parent / NAME
    try:
        return _read(path).get(target_key(target), {}), None
    except (OSError, ValueError, RecursionError) as problem:
        return {}, _unreadable(path, problem)


def update(directory: Path, result: Json) -> Text | None:
    """Add what the run in `directory` saw true, in one step; a note where that was not possible.

    A history that cannot be read is left as it is, for whoever wants to restore it.
    """
    run = directory.resolve()
    path, key = run.parent / NAME, target_key(result["target"])
    seen = {"date": str(result["started"])[:10], "run": run.name}
    passed = {row["id"]: seen for row in result["clauses"] if row["verdict"] == Verdict.PASS}
    if not passed:
        return None
    try:
        known = _read(path)
    except (OSError, ValueError, RecursionError) as problem:
        return _unreadable(path, problem)
    history = {**known, key: {**known.get(key, {}), **passed}}
    try:
        write_whole(path, json.dumps(history, ensure_ascii=False, indent=1) + "\n")
    except OSError as problem:
        why = problem.strerror
        return Text(
            f"{path} cannot be written ({why}), so this run is not remembered.",
            f"{path} 无法写入（{why}），本次运行没有记入历史。",
        )
    return None


def _read(path: Path) -> dict[str, dict[str, Json]]:
    """The history of every target; ValueError where the file is not one."""
    try:
        history = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    is_one = isinstance(history, dict) and all(
        isinstance(passes, dict) and all(map(_entry, passes.values())) for passes in history.values()
    )
    if not is_one:
        raise ValueError("no history")
    whole: dict[str, dict[str, Json]] = history
    return whole


def _entry(told: object) -> Json | None:
    """{date, run} with nothing else in it, None where it is not there."""
    if not isinstance(told, Mapping) or not all(isinstance(told.get(key), str) for key in ("date", "run")):
        return None
    return {"date": told["date"], "run": told["run"]}


def _unreadable(path: Path, problem: Exception) -> Text:
    why = getattr(problem, "strerror", None) or "no history"
    return Text(
        f"{path} cannot be read ({why}), so nothing is known of earlier runs; restore or remove it.",
        f"{path} 无法读取（{why}），因此不知道以往运行的情况；请恢复或删除该文件。",
    )
