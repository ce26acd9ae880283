"""A file that a user wrote, held to its JSON Schema: the first mistake as one sentence that names the key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from biztoken.errors import UserError

Due = Callable[[str, Mapping[str, Any]], tuple[str, str]]


def hold(data: Any, schema: Mapping[str, Any], where: str, due: Due) -> None:
    """UserError for what does not fit. `where`: the file as the user named it.

    `due`: what a value must be, in English and Chinese, by the place of its key (names joined by dots) and its rules.
    """
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - 0.1 s that --help need not pay

    problems = sorted(Draft202012Validator(schema).iter_errors(data), key=lambda problem: len(problem.absolute_path))
    if not problems:
        return
    problem = problems[0]
    place = ".".join(map(str, problem.absolute_path))
    rules: Mapping[str, Any] = problem.schema
    match problem.validator:
        case "additionalProperties":
            known = list(rules["properties"])
            name = next(key for key in problem.instance if key not in known)
            near = get_close_matches(str(name), known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
            zh = f"是否应为 {near[0]}？" if near else f"此处可用：{'、'.join(known)}"
            raise UserError(f"{where}: {joined(place, name)}", f"this key is unknown; {hint}", f"未知的键；{zh}")
        case "required":
            name = next(key for key in rules["required"] if key not in problem.instance)
            raise UserError(f"{where}: {joined(place, name)}", "this key is missing; add it", "缺少这个键；请补上")
        case "minLength":
            raise UserError(f"{where}: {place}", "this value is empty; write it", "这个值为空；请填写")
        case _:
            en, zh = due(place, rules)
            what = f"{where}: {place}" if place else where
            raise UserError(what, f"this value does not fit; it must be {en}", f"取值不合要求；应为{zh}")


def joined(place: str, name: object) -> str:
    """The place of a key below another."""
    return f"{place}.{name}" if place else str(name)
