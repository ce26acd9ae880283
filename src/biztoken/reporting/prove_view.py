"""A proof arranged for a reader: clauses by subject, each with its faults, and what is to be mended first. Pure."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from biztoken.model import Json

Record = Mapping[str, Any]

_OPEN = frozenset({"survived", "failed", "false_alarm"})
# The verdict of a check in whose colours an outcome is shown.
COLOURS = {
    "killed": "PASS",
    "clean": "PASS",
    "survived": "FAIL",
    "false_alarm": "FAIL",
    "failed": "HARNESS",
    "equivalent": "NOT_RUN",
    "not_run": "NOT_RUN",
}
MARKS = {
    "killed": "✓",
    "clean": "✓",
    "survived": "✕",
    "false_alarm": "✕",
    "failed": "⚙",
    "equivalent": "≡",
    "not_run": "○",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One clause and the faults that are meant to break it."""

    clause: Json
    faults: tuple[Json, ...]

    @property
    def is_bare(self) -> bool:
        """Whether the clause should have a fault and has none."""
        return not self.faults and not self.clause["excluded"] and self.clause["level"] != "OBSERVE"


def subjects(record: Record) -> list[tuple[str, list[Row]]]:
    """The clauses by what they speak of, both in the order of the contract; faults of unknown clauses come last.

    A partial proof says nothing of clauses without a fault, so that they are left out.
    """
    by_clause: dict[str, list[Json]] = defaultdict(list)
    for fault in record["faults"]:
        by_clause[fault["clause"]].append(fault)
    groups: dict[str, list[Row]] = {}
    for clause in record["clauses"]:
        row = Row(clause, tuple(by_clause.pop(clause["id"], ())))
        if record["scope"] == "partial" and not row.faults:
            continue
        groups.setdefault(clause["subject"], []).append(row)
    for name, faults in by_clause.items():
        groups.setdefault("", []).append(Row(_unknown(name, faults[0]["level"]), tuple(faults)))
    return list(groups.items())


def rows(record: Record) -> list[Row]:
    """The rows of all subjects."""
    return [row for _, group in subjects(record) for row in group]


def open_faults(record: Record) -> list[Json]:
    """Faults that nothing killed although they ran, in the order of the contract."""
    return [fault for row in rows(record) for fault in row.faults if fault["outcome"] in _OPEN]


def equivalents(record: Record) -> list[Json]:
    """Faults that no reply can show, in the order of the contract."""
    return [fault for row in rows(record) for fault in row.faults if fault["outcome"] == "equivalent"]


def open_variations(record: Record) -> list[Json]:
    """Variations and combinations that raised an alarm, or whose run failed."""
    return [variation for variation in record["variations"] if variation["outcome"] in _OPEN]


def single(record: Record) -> list[Json]:
    """The variations alone."""
    return [variation for variation in record["variations"] if not variation["combination"]]


def combined(record: Record) -> list[Json]:
    """The combinations of variations."""
    return [variation for variation in record["variations"] if variation["combination"]]


def is_off_diagonal(fault: Json) -> bool:
    """Whether the fault broke something besides its own clause, or in its place."""
    return bool(collateral(fault)) or (fault["outcome"] == "killed" and not fault["own"])


def own_entry(fault: Json) -> Json | None:
    """What was found against the fault's own clause, None where nothing was."""
    return next((entry for entry in fault["broken"] if entry["clause"] == fault["clause"]), None)


def collateral(fault: Json) -> list[Json]:
    """What was found against other clauses than the fault's own."""
    return [entry for entry in fault["broken"] if entry["clause"] != fault["clause"]]


def unexpected(variation: Json) -> list[str]:
    """Clauses that the variation was warned of and must not be."""
    return [name for name in variation["warned"] if name not in variation["tolerated"]]


def breaks(record: Record) -> list[Json]:
    """The rules that do not hold."""
    return [rule for rule in record["gate"] if not rule["kept"]]


def counted(record: Record) -> int:
    """The faults that the kill rate is of: all but those that no reply can show."""
    faults = record["counts"]["faults"]
    return int(faults["planned"] - faults["equivalent"])


def wide(faults: Iterable[Json]) -> int:
    """How many of the faults break other clauses beside their own."""
    return sum(bool(collateral(fault)) for fault in faults)


def again(record: Record, row: Json | None = None) -> list[str]:
    """The command that makes the proof again, or only the run of one row: each option with its value."""
    only = _selection(row) if row else record["only"]
    pieces = ["biztoken prove"] + ([f"--only {shlex.quote(only)}"] if only else [])
    return pieces + ([f"--seed {record['seed']}"] if record["seed"] is not None else [])


def _selection(row: Json) -> str:
    """What --only takes for one run; a combination is found by its parts, and drawn again by the same seed."""
    return " and ".join(["combination", *row["ids"]]) if row.get("combination") else str(row["id"])


def freedoms(variation: Json) -> list[str]:
    """The clauses and headings that leave open what the variation uses."""
    return [name for name in str(variation["freedom"]).split(", ") if name]


def ids(rows: Sequence[Json]) -> list[str]:
    """The ids of faults, variations or rules."""
    return [row["id"] for row in rows]


def _unknown(name: str, level: str) -> Json:
    return {"id": name, "level": level, "subject": "", "section": "", "en": "", "zh": "", "excluded": None}
