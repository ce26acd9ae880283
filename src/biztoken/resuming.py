"""A run that was stopped and goes on: its options as they were, and its record as far as it got."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Set
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biztoken.errors import UserError
from biztoken.model import Json
from biztoken.recording import Recording, read_recording
from biztoken.redaction import Redactor
from biztoken.settings import FACTS, Target

if TYPE_CHECKING:
    from biztoken.suite import Options

_PATHS = ("target", "contract", "waivers", "baseline")
_KEPT = ("plan", "select", "strict", "seed", "fuzz")
_BOUNDS = ("rate", "max_in_flight")
_OPTIONS = {*_PATHS, *_KEPT, *_BOUNDS, "budget", "require"}
_FREE = {"--resume", "--dry-run", "--lang", "--budget", "--rate", "--max-in-flight"}  # of whoever goes on with a run
_SETTABLE = {"name", "max_rate", "max_in_flight"}  # facts of a target that may change under a run


def read_plan(directory: Path) -> dict[str, Any]:
    """plan.json of a run. UserError where there is none."""
    try:
        plan: Any = json.loads((directory / "plan.json").read_text("utf-8"))
    except (OSError, ValueError):
        hint = "it holds no plan.json; give the directory of a run"
        raise UserError(str(directory), hint, "其中没有 plan.json；请给出一次运行的目录") from None
    is_whole = isinstance(plan, dict) and "case_set" in plan and _holds(plan, "facts", FACTS)
    if not is_whole or not _holds(plan, "options", _OPTIONS):
        hint = "an older version made it; start the run anew"
        raise UserError(str(directory), hint, "由较旧版本生成；请重新运行")
    known: dict[str, Any] = plan
    return known


def _holds(plan: Json, name: str, keys: Set[str]) -> bool:
    """Whether a part of a plan has all that it is read for."""
    return isinstance(plan.get(name), dict) and plan[name].keys() >= keys


def as_planned(options: Options, directory: Path) -> Options:
    """The options of a recorded run; language, and whatever is left to this call, as in `options`.

    Bounds may be lowered. UserError for one that would be raised.
    """
    told = read_plan(directory)["options"]
    values: dict[str, Any] = {name: told[name] for name in _KEPT}
    values |= {name: Path(told[name]) if told[name] else None for name in _PATHS}
    values |= {name: _lowered(name, told[name], getattr(options, name)) for name in _BOUNDS}
    values["budget"] = options.budget if options.budget is not None else told["budget"]
    return replace(options, **values, require=tuple(told["require"]))


def _lowered(name: str, before: float | None, now: float | None) -> float | None:
    if before is not None and now is not None and now > before:
        raise UserError(
            f"--{name.replace('_', '-')} {now:g}",
            f"the run began with {before:g}; give less or leave it out",
            f"该次运行开始时为 {before:g}；请给出更小的值或去掉它",
        )
    return before if now is None else now


def hold_to_the_run(given: Iterable[str]) -> None:
    """UserError for an option, as it is written, that a run that goes on takes from its beginning."""
    for name in given:
        if name not in _FREE:
            raise UserError(
                f"{name} with --resume",
                "a run goes on with the options it began with; leave it out or start another run",
                "继续运行时沿用开始时的选项；请去掉它，或开始新的运行",
            )


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


def may_go_on(directory: Path, case_set: str, target: Target, *, is_embedded: bool) -> None:
    """UserError where the cases are no longer those of a stopped run, or the target is no longer its target.

    An embedded mock is another each time, and the same.
    """
    plan, what = read_plan(directory), f"--resume {directory}"
    if plan["case_set"] != case_set:
        hint = "the cases have changed since; start the run anew"
        raise UserError(what, hint, "用例已有变化；请重新运行")
    now = Redactor(target.private_texts()).redact(target.facts())
    passed_over = _SETTABLE | ({"url"} if is_embedded else set())
    for name, before in plan["facts"].items():
        if name in now.keys() - passed_over and now[name] != before:
            told = f"{name} was {before}" if name == "url" else f"{name} has changed"
            told_zh = f"{name} 原为 {before}" if name == "url" else f"{name} 已改变"
            raise UserError(
                what,
                f"the target is no longer the one it began with ({told}); restore it or start the run anew",
                f"目标已不是开始时的目标（{told_zh}）；请恢复原样或重新运行",
            )


def go_on(directory: Path, recording: Recording) -> None:
    """Make the records of a stopped run ready to be continued."""
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
    kept = [line for line in lines if _id_in(line) in recording.finished]
    partial.write_text("".join(f"{line}\n" for line in kept), "utf-8")
    os.replace(partial, path)


def _id_in(line: str) -> str | None:
    """The id that a line of cases.ndjson tells, None for a line that is none."""
    try:
        row: Any = json.loads(line)
    except ValueError:
        return None
    return str(row["id"]) if isinstance(row, dict) else None


def _cut_torn_line(path: Path) -> None:
    """Cut what a killed run left of its last line."""
    if not path.exists():
        return
    with path.open("r+b") as file:
        data = file.read()
        end = data.rfind(b"\n") + 1
        file.truncate(end)
