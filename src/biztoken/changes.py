"""What changed since a run that was accepted: the baseline of its target.

`baseline.json` beside the run directories: {target: {run, accepted, sha256}}.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from statistics import quantiles

from biztoken.errors import UserError
from biztoken.model import Json, Verdict
from biztoken.reporting import read_result
from biztoken.reporting.result import NAME, write_whole
from biztoken.verdicts import Text

REGISTER = "baseline.json"
# Both must be reached: on a fast line half as much again is chance, on a slow one 20 ms are.
SHIFT_FACTOR, SHIFT_MS = 1.5, 20.0
_USER = re.compile(r"(?<=://)[^/]*@")
_QUANTILES = ("p50", "p95")
_BROKEN = (Verdict.FAIL, Verdict.WARN, Verdict.WAIVED)  # worst first
_KEPT = (Verdict.PASS, Verdict.OBSERVED)
_EXECUTED = (*_BROKEN, *_KEPT)
_LEFT = (Verdict.NOT_RUN, Verdict.HARNESS, Verdict.NOT_APPLICABLE)


# --- the difference of two runs, pure


def changes(before: Json, after: Json, run: str) -> Json:
    """What differs between two results; `run`: the name of the earlier. Rows are {clause, before, after}."""
    old = {row["id"]: row for row in before["clauses"]}
    new = {row["id"]: row for row in after["clauses"]}
    both = [(old[name], row) for name, row in new.items() if name in old]
    return {
        "run": run,
        "started": before.get("started"),
        "newly_broken": list(_newly_broken(both)),
        "fixed": _moved(both, _BROKEN, _KEPT),
        "newly_untestable": _moved(both, _EXECUTED, (Verdict.UNTESTABLE,)),
        "no_longer_executed": _moved(both, _EXECUTED, _LEFT),
        "new_clauses": [name for name in new if name not in old],
        "gone_clauses": [name for name in old if name not in new],
        "latency_ms": _shift(before.get("latency_ms"), after.get("latency_ms")),
    }


def percentiles(milliseconds: Sequence[float]) -> Json | None:
    """`latency_ms` of a result: p50 and p95 between the two nearest times, the longest, how many; None of none."""
    if not milliseconds:
        return None
    # The standard library gives the quantiles of a single time only since Python 3.13.
    times = [*milliseconds, *milliseconds] if len(milliseconds) == 1 else milliseconds
    cuts = quantiles(times, n=20, method="inclusive")
    return {
        "p50": round(cuts[9], 3),
        "p95": round(cuts[18], 3),
        "max": round(max(milliseconds), 3),
        "count": len(milliseconds),
    }


def _newly_broken(both: Sequence[tuple[Json, Json]]) -> Iterator[Json]:
    """Clauses that are broken, or broken worse or in another way than before, with what is new in it."""
    for old, new in both:
        if new["verdict"] not in _BROKEN:
            continue
        known = {_deviation(finding) for finding in old["findings"]} if old["verdict"] in _BROKEN else set()
        found = [finding for finding in new["findings"] if _deviation(finding) not in known]
        is_worse = old["verdict"] not in _BROKEN or _rank(new) < _rank(old)
        if found or is_worse:
            yield _move(old, new) | {"received": list(dict.fromkeys(finding["received"] for finding in found))}


def _rank(row: Json) -> int:
    return _BROKEN.index(Verdict(row["verdict"]))


def _deviation(finding: Json) -> tuple[str, str]:
    return str(finding.get("aspect", "")), json.dumps(finding["received"], sort_keys=True)


def _moved(both: Sequence[tuple[Json, Json]], was: Collection[str], became: Collection[str]) -> list[Json]:
    return [_move(old, new) for old, new in both if old["verdict"] in was and new["verdict"] in became]


def _move(old: Json, new: Json) -> Json:
    return {"clause": new["id"], "before": old["verdict"], "after": new["verdict"]}


def _shift(before: Mapping[str, float] | None, after: Mapping[str, float] | None) -> Json | None:
    if not before or not after:
        return None
    pairs = [(before[name], after[name]) for name in _QUANTILES]
    slower = any(_is_more(old, new) for old, new in pairs)
    faster = any(_is_more(new, old) for old, new in pairs)
    return {
        "before": {name: before[name] for name in _QUANTILES},
        "after": {name: after[name] for name in _QUANTILES},
        "shift": "slower" if slower else "faster" if faster else "same",
    }


def _is_more(old: float, new: float) -> bool:
    return new >= SHIFT_FACTOR * old and new - old >= SHIFT_MS


# --- the baseline of a target


def target_key(target: Mapping[str, object]) -> str:
    """What a target is filed under: its URL without a user and password, which records redact.

    The embedded mock, whose port is another each time, is `mock`.
    """
    return "mock" if target.get("mock") else _USER.sub("", str(target.get("url") or ""))


def find_baseline(directory: Path, target: Mapping[str, object]) -> tuple[str, Json]:
    """The name and the result of the baseline: the run in `directory`, or the one accepted there for the target.

    UserError where there is none, or where it is not the one that was accepted.
    """
    what = f"--baseline {directory}"
    if (directory / NAME).is_file():
        return directory.resolve().name, _sound(what, directory)
    register, key = _read_register(directory / REGISTER), target_key(target)
    entry = register.get(key)
    if not isinstance(entry, dict):
        hint = "here is no run, and none was accepted for this target; name a run, or accept one: biztoken accept DIR"
        raise UserError(
            what,
            f"{key}: {hint}",
            f"{key}：没有运行记录，也没有为它接受过基线；请给出运行目录，或先执行 biztoken accept DIR",
        )
    name = str(entry.get("run"))
    run = directory / name
    if not (run / NAME).is_file():
        raise UserError(str(run), "the accepted run is gone; accept another", "已接受的运行不在了；请重新接受一次运行")
    if _sha256(run) != entry.get("sha256"):
        hint = f"{NAME} has changed since it was accepted; restore it, or accept it anew"
        raise UserError(str(run), hint, f"{NAME} 在接受之后有过改动；请恢复，或重新接受")
    return name, _sound(str(run), run)


def accept(directory: Path, today: date) -> Text:
    """Make the run in `directory` the baseline of its target; what was done, told. UserError where it cannot be one."""
    run = directory.resolve()
    result = _sound(str(directory), run)
    path, key = run.parent / REGISTER, target_key(result["target"])
    entry = {"run": run.name, "accepted": today.isoformat(), "sha256": _sha256(run)}
    register = {**_read_register(path), key: entry}
    try:
        write_whole(path, json.dumps(register, ensure_ascii=False, indent=1) + "\n")
    except OSError as problem:
        why = problem.strerror
        hint = f"cannot be written ({why}); make the directory writable"
        raise UserError(str(path), hint, f"无法写入（{why}）；请让目录可写") from None
    en, zh = f"{run.name} is the baseline of {key} now, in {path}.", f"{run.name} 已成为 {key} 的基线，记录在 {path}。"
    if result["scope"] == "partial":
        en += " Only a part of the contract was run in it: what it left out is never told as changed."
        zh += "该次运行只执行了契约的一部分，未执行的部分不会被当作变化。"
    return Text(en, zh)


def _sound(what: str, directory: Path) -> Json:
    """The result of a run that something can be held against."""
    result = read_result(directory)
    if result["kind"] != "check":
        raise UserError(
            what, "this is no run of biztoken check; name one", "不是 biztoken check 的运行；请给出另一个目录"
        )
    if not result["complete"] or result["verdict"] in {"no-verdict", "incomplete"}:
        hint = "this run is incomplete or has no verdict, so it can be no baseline; name another"
        raise UserError(what, hint, "该运行不完整或没有结论，不能作为基线；请给出另一次运行")
    return result


def _read_register(path: Path) -> Json:
    if not path.is_file():
        return {}
    try:
        register = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        register = None
    if not isinstance(register, dict):
        hint = "is not what biztoken accept wrote; restore it, or remove it and accept anew"
        raise UserError(str(path), hint, "不是 biztoken accept 写下的内容；请恢复，或删除后重新接受")
    return register


def _sha256(run: Path) -> str:
    return hashlib.sha256((run / NAME).read_bytes()).hexdigest()
