"""The file of waivers, read and checked whole."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from biztoken.contract import Contract
from biztoken.errors import UserError
from biztoken.model import Level
from biztoken.verdicts import ENDPOINT

_LEAST = 3  # characters of a finding: fewer stand in nearly every text
_KEYS = ("clause", "case", "finding", "reason", "owner", "expires")


@dataclass(frozen=True, slots=True)
class Waiver:
    """One known deviation of a clause, or of a case. `expires`: the last day on which it holds."""

    clause: str | None
    case: str | None
    finding: str
    reason: str
    owner: str
    expires: date

    @property
    def name(self) -> str:
        """The clause or case, as the user wrote it."""
        return self.clause or self.case or ""

    @property
    def id(self) -> str:
        """Made of what is waived, never of the place in the file, so that it is the same in the next run."""
        digest = hashlib.sha256(self.finding.encode("utf-8", "surrogatepass")).hexdigest()
        return f"{self.name}-{digest[:8]}"


def read_waivers(
    path: Path, contract: Contract, case_ids: Collection[str], today: date, sides: Collection[str] = ENDPOINT
) -> tuple[Waiver, ...]:
    """The waivers of a file; `case_ids`: of every plan; `sides`: those that can break a clause in this kind of run.

    UserError names file, line and entry of the first mistake.
    """
    waivers: dict[str, Waiver] = {}
    lines: dict[str, int] = {}
    for line, entry in _entries(path):
        waiver = _waiver(f"{path}:{line}", entry, today)
        what = f"{path}:{line}: {waiver.name}"
        _check_name(what, waiver, contract, case_ids, sides)
        if waiver.id in waivers:
            raise UserError(
                what,
                f"line {lines[waiver.id]} waives the same finding; remove one of them",
                f"与第 {lines[waiver.id]} 行豁免的是同一个问题；请删除其中一条",
            )
        waivers[waiver.id], lines[waiver.id] = waiver, line
    return tuple(waivers.values())


class _Loader(yaml.SafeLoader):
    """Leaves every plain value but null the text that the user wrote: what is no date must not stop the reading."""


_PLAIN = ("tag:yaml.org,2002:null", "tag:yaml.org,2002:merge")
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rows if tag in _PLAIN]
    for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _entries(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Each entry with the line on which it begins. A file with nothing in it has none."""
    try:
        loader = _Loader(path.read_text("utf-8"))
        root = loader.get_single_node()
        if root is not None and not isinstance(root, yaml.SequenceNode):
            raise UserError(f"--waivers {path}", "this is no list; begin each entry with -", "不是列表；每条以 - 开头")
        for node in root.value if root else ():
            yield node.start_mark.line + 1, _entry(f"{path}:{node.start_mark.line + 1}", node, loader)
    except (OSError, UnicodeDecodeError) as problem:
        why = getattr(problem, "strerror", None) or "not UTF-8"
        raise UserError(
            f"--waivers {path}",
            f"cannot be read ({why}); give the path of a YAML file",
            f"无法读取（{why}）；请给出 YAML 文件的路径",
        ) from None
    except (yaml.YAMLError, ValueError) as problem:
        mark = getattr(problem, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else f"--waivers {path}"
        wrong = getattr(problem, "problem", None) or "unreadable"
        raise UserError(
            where, f"this is no YAML ({wrong}); correct that line", f"不是合法的 YAML（{wrong}）；请改正这一行"
        ) from None


def _entry(where: str, node: yaml.Node, loader: _Loader) -> Mapping[str, Any]:
    if not isinstance(node, yaml.MappingNode):
        hint = f"this is no entry; write {', '.join(_KEYS[1:])}"
        raise UserError(where, hint, f"不是有效的条目；应写明 {'、'.join(_KEYS[1:])}")
    names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
    for name in names:
        if names.count(name) > 1:
            raise UserError(
                f"{where}: {name}", "this key stands twice; begin a new entry with -", "键重复；新条目以 - 开头"
            )
    entry: Mapping[str, Any] = loader.construct_object(node, deep=True)
    return entry


def _waiver(where: str, entry: Mapping[str, Any], today: date) -> Waiver:
    named = [key for key in ("clause", "case") if key in entry]
    if len(named) != 1:
        hint = "name a clause or a case" if not named else "name a clause or a case, not both"
        zh = "请写明 clause 或 case" if not named else "clause 和 case 只能写一个"
        raise UserError(where, hint, zh)
    (kind,) = named
    what = f"{where}: {entry[kind]}"
    for key in entry:
        if key not in _KEYS:
            near = get_close_matches(str(key), _KEYS, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(_KEYS)}"
            zh = f"是否应为 {near[0]}？" if near else f"此处可用：{'、'.join(_KEYS)}"
            raise UserError(f"{what}: {key}", f"this key is unknown; {hint}", f"未知的键；{zh}")
    texts = {key: _text(what, entry, key) for key in (kind, *_KEYS[2:])}
    expires = _date(what, texts["expires"], today)
    if len(texts["finding"]) < _LEAST:
        hint = f"this fits nearly anything; write {_LEAST} characters or more of what was received"
        raise UserError(f"{what}: finding", hint, f"几乎与任何返回都相符；请写出实际返回中至少 {_LEAST} 个字符")
    return Waiver(texts.get("clause"), texts.get("case"), texts["finding"], texts["reason"], texts["owner"], expires)


def _text(what: str, entry: Mapping[str, Any], key: str) -> str:
    if key not in entry:
        raise UserError(f"{what}: {key}", "this key is missing; add it", "缺少这个键；请补上")
    value = entry[key]
    if value is None or (isinstance(value, str) and not value.strip()):
        raise UserError(f"{what}: {key}", "this value is empty; write it", "这个值为空；请填写")
    if not isinstance(value, str):
        raise UserError(f"{what}: {key}", "this value does not fit; it must be a text", "取值不合要求；应为文字")
    return value.strip()


def _date(what: str, value: str, today: date) -> date:
    try:
        expires = date.fromisoformat(value) if re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII) else None
    except ValueError:
        expires = None
    if expires is None:
        hint, zh = "this is no date; write it as YYYY-MM-DD", "不是日期；请写成 YYYY-MM-DD"
        raise UserError(f"{what}: expires: {value}", hint, zh)
    if expires < today:
        hint = "this waiver has expired; mend the target, or agree on a later date"
        raise UserError(f"{what}: expires: {value}", hint, "该豁免已过期；请修复被测端点，或重新商定日期")
    return expires


def _check_name(
    what: str, waiver: Waiver, contract: Contract, case_ids: Collection[str], sides: Collection[str]
) -> None:
    kind, known = ("clause", contract.clauses) if waiver.clause else ("case", case_ids)
    if waiver.name not in known:
        other = "case" if waiver.clause else "clause"
        if waiver.name in (case_ids if waiver.clause else contract.clauses):
            raise UserError(what, f"this is no {kind}; write {other}: {waiver.name}", f"请写成 {other}: {waiver.name}")
        by_folded = {name.casefold(): name for name in known}
        near = get_close_matches(waiver.name.casefold(), by_folded, n=1, cutoff=0.5)
        hint = f"did you mean {by_folded[near[0]]}?" if near else "give an id from the report"
        zh = f"是否应为 {by_folded[near[0]]}？" if near else "请给出报告中的 id"
        what_zh = {"clause": "条款", "case": "用例"}[kind]
        raise UserError(what, f"there is no such {kind}; {hint}", f"没有这一{what_zh}；{zh}")
    clause = contract.clauses[waiver.clause] if waiver.clause else None
    if clause and (clause.excluded or clause.side not in sides or clause.level is Level.OBSERVE):
        raise UserError(what, "no reply can break this clause; remove the entry", "没有应答会违反这一条；请删除该条目")
