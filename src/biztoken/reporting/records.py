"""The records of one run, read back: result, plan, finished cases and exchanges."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from biztoken.errors import UserError
from biztoken.model import Json
from biztoken.reporting.remains import completed
from biztoken.reporting.result import LIMIT, LOAD, is_proof, kind_of, read_result


@dataclass(frozen=True, slots=True)
class Run:
    """A run as the reports see it: `result` with every key present, exchanges by id."""

    result: Json
    exchanges: Mapping[int, Json]

    def exchange(self, number: int) -> Json | None:
        """The exchange of that id, None where its record was lost."""
        return self.exchanges.get(number)


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a run came: cases planned, begun and finished, exchanges recorded."""

    planned: int
    begun: int
    finished: int
    exchanges: int


def load(directory: Path) -> Run:
    """Read the run in `directory`. A run that was killed is told as far as its records go."""
    result = read_result(directory)
    if is_proof(result):
        return Run(result, {})
    exchanges = {row["id"]: row for row in _exchanges(directory)}
    # A load or a limit keeps its own record up to date; it has no cases from which more could be told.
    if not result["complete"] and kind_of(result) not in (LOAD, LIMIT):
        result = completed(result, _plan(directory), list(_cases(directory)), list(exchanges.values()))
    return Run(result, exchanges)


def progress(directory: Path) -> Reached:
    """Count what the records in `directory` hold, whether the run still goes on, ended or was killed."""
    exchanges = list(_exchanges(directory))
    finished = {row["id"] for row in _cases(directory)}
    begun = {row["case"] for row in exchanges if row.get("case")} | finished
    plan = _plan(directory)
    planned = plan.get("planned", len(plan.get("cases", ())))
    return Reached(planned, len(begun), len(finished), len(exchanges))


def _exchanges(directory: Path) -> Iterator[Json]:
    return (row for row in _lines(directory / "evidence.ndjson") if isinstance(row.get("id"), int))


def _cases(directory: Path) -> Iterator[Json]:
    return (row for row in _lines(directory / "cases.ndjson") if isinstance(row.get("id"), str))


def _plan(directory: Path) -> Json:
    path = directory / "plan.json"
    if not path.is_file():
        return {}
    try:
        plan = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as problem:
        hint = f"cannot be read ({problem.__class__.__name__}); restore the file, or remove it to render without"
        zh = f"无法读取（{problem.__class__.__name__}）；请恢复该文件，或删除后再生成报告"
        raise UserError(str(path), hint, zh) from None
    return plan if isinstance(plan, dict) else {}


def _lines(path: Path) -> Iterator[Json]:
    """The objects of an ndjson file. A killed run tears the last line, a full disk any: such lines are passed over."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        for line in file:
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if isinstance(row, dict):
                yield row
