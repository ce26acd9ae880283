"""A run that was stopped and goes on: its options as they were, and its record as far as it got."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biztoken.errors import UserError
from biztoken.recording import Recording, read_recording

if TYPE_CHECKING:
    from biztoken.suite import Options

_PATHS = ("target", "contract", "waivers", "baseline")
_KEPT = ("plan", "select", "strict", "seed", "fuzz", "rate", "max_in_flight")
_OPTIONS = {*_PATHS, *_KEPT, "budget", "require"}


def read_plan(directory: Path) -> dict[str, Any]:
    """plan.json of a run. UserError where there is none."""
    try:
        plan: Any = json.loads((directory / "plan.json").read_text("utf-8"))
    except (OSError, ValueError):
        hint = "it holds no plan.json; give the directory of a run"
        raise UserError(str(directory), hint, "其中没有 plan.json；请给出一次运行的目录") from None
    is_whole = isinstance(plan, dict) and plan.keys() >= {"facts", "case_set", "options"}
    if not is_whole or not plan["options"].keys() >= _OPTIONS:
        hint = "an older version made it; start the run anew"
        raise UserError(str(directory), hint, "由较旧版本生成；请重新运行")
    known: dict[str, Any] = plan
    return known


def as_planned(options: Options, directory: Path) -> Options:
    """The options of a recorded run; language, and whatever is left to this call, as in `options`."""
    told = read_plan(directory)["options"]
    values: dict[str, Any] = {name: told[name] for name in _KEPT}
    values |= {name: Path(told[name]) if told[name] else None for name in _PATHS}
    values["budget"] = options.budget if options.budget is not None else told["budget"]
    return replace(options, **values, require=tuple(told["require"]))


def resumed(options: Options) -> tuple[Options, Recording]:
    """The options and the record of a stopped run. UserError where there is nothing to go on with."""
    directory = options.resume or Path()
    known = replace(as_planned(options, directory), out=directory)
    result = recorded_result(directory)
    troubled = any(case["verdict"] in ("HARNESS", "NOT_RUN") for case in result.get("cases", ()))
    if result.get("complete") and not troubled:
        what = f"--resume {directory}"
        raise UserError(what, "this run is complete; start another", "这次运行已完成；请开始新的运行")
    return known, read_recording(directory)


def go_on(directory: Path, recording: Recording, case_set: str) -> None:
    """Make the records of a stopped run ready to be continued. UserError where the cases are no longer those of it."""
    if read_plan(directory)["case_set"] != case_set:
        what = f"--resume {directory}"
        hint = "the cases have changed since; start the run anew"
        raise UserError(what, hint, "用例已有变化；请重新运行")
    for name in ("evidence.ndjson", "cases.ndjson"):
        _cut_torn_line(directory / name)
    _note(directory, recording)


def recorded_result(directory: Path) -> dict[str, Any]:
    """result.json of a run as it stands; empty where it was not written."""
    try:
        result: dict[str, Any] = json.loads((directory / "result.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return result


def _note(directory: Path, recording: Recording) -> None:
    """Say in the records which exchanges no longer count, and forget the cases that are run again."""
    row = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "dropped": sorted(recording.dropped)}
    with (directory / "resumes.ndjson").open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
    path, partial = directory / "cases.ndjson", directory / ".cases.ndjson.partial"
    lines = path.read_text("utf-8").split("\n")[:-1] if path.exists() else []
    kept = [line for line in lines if json.loads(line)["id"] in recording.finished]
    partial.write_text("".join(f"{line}\n" for line in kept), "utf-8")
    os.replace(partial, path)


def _cut_torn_line(path: Path) -> None:
    """Cut what a killed run left of its last line."""
    if not path.exists():
        return
    with path.open("r+b") as file:
        data = file.read()
        end = data.rfind(b"\n") + 1
        file.truncate(end)
