"""`biztoken judge`: the present judge on recorded evidence, without a call."""

from __future__ import annotations

import shutil
from pathlib import Path

from biztoken import contract as contracts
from biztoken import waivers
from biztoken.check import play
from biztoken.contract import bundled
from biztoken.errors import UserError
from biztoken.model import Json
from biztoken.recording import read_recording
from biztoken.reporting import print_summary
from biztoken.resuming import as_planned, read_plan, recorded_result
from biztoken.settings import target_of_facts
from biztoken.suite import Options, Suite, make_directory

_KEPT = ("evidence.ndjson", "resumes.ndjson")  # what the judged run has of the recorded one


_SAME = {"en": "Every verdict is as it was.", "zh": "所有结论与原来一致。"}
_NO_RESULT = {"en": "It has no result.json to compare with.", "zh": "其中没有可供比较的 result.json。"}
_CHANGED = {"en": "Verdicts that differ: {n}.", "zh": "不同的结论：{n} 个。"}


def rejudge(directory: Path, out: Path | None, lang: str) -> int:
    """Judge a run again into `out`, by default DIR/judged, and say which verdicts differ. UserError for no record.

    The waivers are those of the record, whatever their file says now.
    """
    plan = read_plan(directory)
    recording = read_recording(directory, unfinished=True)
    place = make_directory(out or directory / "judged", "judge")
    if place.resolve() == directory.resolve():
        raise UserError(f"--out {place}", "it is the run itself; give another directory", "就是该次运行；请换一个目录")
    options = as_planned(Options(out=place, lang=lang), directory)
    contract = contracts.load(options.contract)
    target = target_of_facts(plan["facts"], bundled("conformance") / "portrait.jpg")
    before = recorded_result(directory)
    suite = Suite(options, contract, target, place, recording=recording, live=False)
    suite.waivers = waivers.recorded(before.get("waivers", ()))
    for name in _KEPT:
        if (directory / name).exists():
            shutil.copyfile(directory / name, place / name)
    errors = play(suite)
    if not suite.result:
        hint = f"it did not run ({errors.strip().splitlines()[-1:] or 'no reason told'})"
        raise UserError(str(directory), hint, "未能运行")
    print_summary(place, lang)
    changed = differences(before, suite.result) if before else []
    for clause, old, new in changed:
        print(f"{clause}: {old} -> {new}")  # noqa: T201
    told = _SAME if before else _NO_RESULT
    print(_CHANGED[lang].format(n=len(changed)) if changed else told[lang])  # noqa: T201
    return int(suite.result["exit_code"])


def differences(before: Json, after: Json) -> list[tuple[str, str, str]]:
    """(clause, verdict before, verdict now) where they differ. Pure."""
    known = {row["id"]: row["verdict"] for row in before["clauses"]}
    pairs = ((row["id"], known.get(row["id"], "NOT_RUN"), row["verdict"]) for row in after["clauses"])
    return [(id_, old, new) for id_, old, new in pairs if old != new]
