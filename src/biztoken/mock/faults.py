"""Faults: deliberate, named misbehaviour of the mock, as data.

One object `{id, clause, when, change, times}` serves all uses: a defect that lasts, a script ("the first two fail,
then all is well": `times: 2`), the next answer (`times: 1`), chance (`probability`).
`when`: every condition of `conditions` that must hold. `times`: how often it applies; null for ever.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from biztoken.contract import Contract
from biztoken.errors import UserError
from biztoken.mock import latency, overrides
from biztoken.mock.answers import LAYOUTS
from biztoken.mock.conditions import COUNTING, WORDS
from biztoken.mock.rules import PARTS, STEPS, SingleUse
from biztoken.mock.spelling import no_yaml, unknown, unreadable

CLOSINGS = ("before", "mid-body", "after", "never")
_FIELDS = ("id", "clause", "when", "change", "times")


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `clause`: id of the clause it breaks, for people and reports; the mock does not read it."""

    id: str
    change: Mapping[str, Any]
    when: Mapping[str, Any] = field(default_factory=dict)
    times: int | None = None
    clause: str | None = None


_Check = Callable[[Any], bool]


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_whole(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_list_of(check: _Check) -> _Check:
    return lambda value: check(value) or (isinstance(value, list) and bool(value) and all(map(check, value)))


def _is_order(value: Any) -> bool:
    """Whether each step is there once, and a part at most once."""
    steps = sorted(map(str, value)) if isinstance(value, list) else []
    return [step for step in steps if step not in PARTS] == sorted(STEPS) and len(set(steps)) == len(steps)


def _is_mapping_of(check: _Check) -> _Check:
    return lambda value: isinstance(value, dict) and all(_is_text(key) and check(value[key]) for key in value)


def _is_pattern(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(re.compile(value))
    except re.error:
        return False


def _is_duration(value: Any) -> bool:
    try:
        return isinstance(value, str | int | float) and latency.duration(value) >= 0
    except UserError:
        return False


_SHAPES: Mapping[str, tuple[_Check, str, str]] = {
    "boolean": (lambda value: isinstance(value, bool), "true or false", " true 或 false"),
    "closing": (
        lambda value: value in CLOSINGS,
        "before, mid-body, after or never",
        " before、mid-body、after 或 never",
    ),
    "counts": (_is_mapping_of(_is_whole), "a mapping of pictures to numbers of faces", "图片到人脸数的映射"),
    "duration": (_is_duration, "a duration such as 20ms", "时长，如 20ms"),
    "layouts": (
        lambda value: isinstance(value, list) and set(value) <= set(LAYOUTS),
        "a list of indented, reversed",
        "indented、reversed 的列表",
    ),
    "last": (lambda value: value == "last", "last", " last"),
    "mapping": (lambda value: isinstance(value, dict), "a mapping", "映射"),
    "names": (_is_list_of(_is_text), "a text or a list of texts", "文本或文本列表"),
    "number": (_is_whole, "a whole number", "整数"),
    "limit": (
        lambda value: value is None or _is_whole(value) or bool(_is_text(value) and re.fullmatch("[+-][0-9]+", value)),
        'a whole number, "+1" or "-1" for so many more or fewer, or null',
        '整数、"+1"、"-1" 等增减量，或 null',
    ),
    "numbers": (_is_list_of(_is_whole), "a whole number or a list of them", "整数或整数列表"),
    "order": (
        _is_order,
        f"a list of all of {', '.join(STEPS)}; {' and '.join(PARTS)} may be in it",
        f"包含 {'、'.join(STEPS)} 的列表，可另含 {'、'.join(PARTS)}",
    ),
    "outcome": (lambda value: value in ("success", "failure"), "success or failure", " success 或 failure"),
    "pattern": (_is_pattern, "a regular expression", "正则表达式"),
    "patterns": (_is_mapping_of(_is_pattern), "a mapping of names to regular expressions", "名称到正则表达式的映射"),
    "probability": (
        lambda value: type(value) in (int, float) and 0 <= value <= 1,
        "a number from 0 to 1",
        " 0 到 1 之间的数",
    ),
    "single use": (
        lambda value: value in [which.value for which in SingleUse],
        "none, marked or every",
        " none、marked 或 every",
    ),
    "text": (_is_text, "a text", "文本"),
    "texts": (
        _is_mapping_of(lambda value: value is None or _is_text(value)),
        "a mapping of pictures to texts",
        "图片到文本的映射",
    ),
    "true": (lambda value: value is True, "true", " true"),
}
# What alters a rule works before there is an answer, so it stands in a fault of its own.
RULE_CHANGES = {
    "accept": "true",
    "contract": "mapping",
    "concurrency": "limit",
    "duplicates": "last",
    "hang_up": "true",
    "order": "order",
    "per_second": "number",
    "single_use": "single use",
    "skew": "duration",
    "turn": "names",
    "urlencoded": "true",
}
# What must be known before the body is taken apart.
EARLY_CHANGES = ("duplicates", "hang_up", "urlencoded")
ANSWER_CHANGES = {
    "body": "text",
    "chunked": "true",
    "close": "closing",
    "colon": "text",
    "content_type": "text",
    "delay": "duration",
    "detail": "text",
    "drop": "names",
    "error": "text",
    "hold_slot": "duration",
    "layout": "layouts",
    "set": "mapping",
    "status": "number",
}


def load(path: Path, contract: Contract) -> tuple[Fault, ...]:
    """Read a file of faults: a YAML list."""
    try:
        entries = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as problem:
        raise unreadable(f"faults file {path}", problem) from None
    except yaml.YAMLError as problem:
        raise no_yaml(f"faults file {path}", problem) from None
    if not isinstance(entries, list):
        raise UserError(
            f"faults file {path}",
            "write a list of {id, clause, when, change, times}",
            "请写 {id, clause, when, change, times} 的列表",
        )
    return parse(entries, contract)


def parse(entries: Sequence[Any], contract: Contract) -> tuple[Fault, ...]:
    """Make faults of mappings as they stand in a file; each id once."""
    faults = tuple(_fault(number, entry, contract) for number, entry in enumerate(entries, 1))
    ids = [fault.id for fault in faults]
    for name in ids:
        if ids.count(name) > 1:
            raise UserError(f"fault {name}", "its id stands there twice; rename one", "id 重复；请改名")
    return faults


def check(fault: Fault, contract: Contract) -> None:
    """Hold a fault to the vocabulary; a UserError names the first slip as the user wrote it."""
    where = f"fault {fault.id}"
    words = {**{name: word.shape for name, word in WORDS.items()}, **COUNTING}
    for name, value in fault.when.items():
        _hold(f"{where}: when.{name}", name, value, words)
    for name, value in fault.change.items():
        _hold(f"{where}: change.{name}", name, value, {**RULE_CHANGES, **ANSWER_CHANGES})
    if not fault.change:
        raise UserError(f"{where}: change", "write what to change", "请写明要改什么")
    if len({name in RULE_CHANGES for name in fault.change}) > 1 or ("accept" in fault.change and len(fault.change) > 1):
        hint, zh = "it alters a rule and more; split the fault in two", "既改规则又改别的；请拆成两个 fault"
        raise UserError(f"{where}: change", hint, zh)
    if fault.times is not None and (type(fault.times) is not int or fault.times < 1):
        raise UserError(f"{where}: times", "write a whole number, or null for ever", "请写整数，或写 null 表示一直")
    if fault.when.get("every") == 0:
        raise UserError(f"{where}: when.every", "write 1 or more", "请写 1 或更大的数")
    if not 200 <= fault.change.get("status", 200) <= 599:
        raise UserError(f"{where}: change.status", "write a status from 200 to 599", "请写 200 到 599 的状态码")
    if "contract" in fault.change:
        overrides.check(f"{where}: change.contract", fault.change["contract"], contract)


def _fault(number: int, entry: Any, contract: Contract) -> Fault:
    if not isinstance(entry, dict) or not isinstance(entry.get("id"), str):
        hint = "write a mapping with id, clause, when, change and times"
        raise UserError(f"fault {number}", hint, "请写含 id、clause、when、change、times 的映射")
    where = f"fault {entry['id']}"
    for name in entry:
        if name not in _FIELDS:
            raise unknown(f"{where}: {name}", name, _FIELDS)
    for name in ("when", "change"):
        if not isinstance(entry.get(name, {}), dict):
            raise UserError(f"{where}: {name}", "write a mapping", "请写映射")
    fault = Fault(entry["id"], entry.get("change", {}), entry.get("when", {}), entry.get("times"), entry.get("clause"))
    check(fault, contract)
    return fault


def _hold(where: str, name: str, value: Any, shapes: Mapping[str, str]) -> None:
    if name not in shapes:
        raise unknown(where, name, shapes)
    is_right, sentence, zh = _SHAPES[shapes[name]]
    if not is_right(value):
        raise UserError(where, f"write {sentence}", f"请写{zh}")
