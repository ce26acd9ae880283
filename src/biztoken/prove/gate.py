"""The rules that the kill matrix must keep. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from biztoken.contract import Clause
from biztoken.model import Json, Level

MOST_OTHERS = 1


def gate(clauses: Sequence[Clause], faults: Sequence[Json], varied: Sequence[Json]) -> list[Json]:
    """Each rule with what breaks it. `clauses`: those that are judged and not only observed."""
    killed = {row["clause"] for row in faults if row["outcome"] == "killed" and row["own"]}
    must = {clause.id for clause in clauses if clause.level is Level.MUST}
    done = [row for row in faults if row["outcome"] in ("killed", "survived")]
    return [
        _rule(
            "every-clause",
            "Every clause has a fault that breaks it and was killed.",
            "每条条款都有一个针对它且已被检出的故障。",
            (clause.id for clause in clauses if clause.id not in killed),
        ),
        _rule(
            "no-survivor",
            "No fault survives without a written reason.",
            "没有无书面理由而存活的故障。",
            (row["id"] for row in faults if row["outcome"] == "survived"),
        ),
        _rule(
            "own-clause",
            "Each fault is charged to its own clause.",
            "每个故障都计入它自己的条款。",
            (row["id"] for row in done if not row["own"]),
        ),
        _rule(
            "one-mistake",
            "Each fault breaks at most one clause beside its own, or is told as the one cause of all.",
            "每个故障除自身条款外至多违反一条，否则报告为它们的同一原因。",
            (row["id"] for row in done if row["others"] > MOST_OTHERS and not row["one_cause"]),
        ),
        _rule(
            "no-false-alarm",
            "No variation and no combination of them breaks a clause.",
            "任何变体及其组合都不违反条款。",
            (row["id"] for row in varied if row["outcome"] == "false_alarm"),
        ),
        _rule(
            "nothing-hidden",
            "No variation leaves a MUST clause untestable: a run that tests nothing raises no alarm either.",
            "任何变体都不会使 MUST 条款无法测试：什么都不测的运行同样不会误报。",
            (row["id"] for row in varied if must.intersection(row["untestable"])),
        ),
        _rule(
            "all-judged",
            "Every run has a verdict.",
            "每次运行都有结论。",
            (row["id"] for row in (*faults, *varied) if row["outcome"] in ("failed", "not_run")),
        ),
    ]


def counts(clauses: Sequence[Clause], faults: Sequence[Json], varied: Sequence[Json]) -> Json:
    """How many faults were killed, variations clean and clauses covered."""
    killed = {row["clause"] for row in faults if row["outcome"] == "killed" and row["own"]}
    by_level = {
        level: {
            "of": sum(clause.level is level for clause in clauses),
            "killed": sum(clause.level is level and clause.id in killed for clause in clauses),
        }
        for level in (Level.MUST, Level.SHOULD)
    }
    return {
        "faults": _counted(faults, ("killed", "survived", "equivalent", "failed", "not_run")),
        "own_clause": sum(row["own"] for row in faults),
        "variations": _counted([row for row in varied if not row["combination"]], _VARIED),
        "combinations": _counted([row for row in varied if row["combination"]], _VARIED),
        "clauses": {str(level): numbers for level, numbers in by_level.items()},
    }


_VARIED = ("clean", "false_alarm", "failed", "not_run")


def _counted(rows: Sequence[Json], outcomes: Sequence[str]) -> Json:
    seen = Counter(row["outcome"] for row in rows)
    return {"planned": len(rows), **{outcome: seen[outcome] for outcome in outcomes}}


def _rule(id_: str, en: str, zh: str, items: Iterable[str]) -> Json:
    found = sorted(items)
    return {"id": id_, "kept": not found, "en": en, "zh": zh, "items": found}
