"""Mistakes of spelling, told with the nearest name that is known."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from biztoken.errors import UserError


def unknown(what: str, name: object, known: Iterable[str]) -> UserError:
    """The mistake of writing `name` where one of `known` is due; `what` says where, as the user wrote it."""
    names = list(known)
    near = get_close_matches(str(name), names, 1, 0.5)
    if near:
        return UserError(what, f"did you mean {near[0]}?", f"是否想写 {near[0]}？")
    listed = ", ".join(sorted(names))
    return UserError(what, f"known: {listed}", f"可用的有 {listed}")


def unreadable(what: str, problem: Exception) -> UserError:
    """The mistake of naming a file that cannot be read."""
    reason = getattr(problem, "strerror", None) or "not UTF-8"
    return UserError(
        what,
        f"it cannot be read ({reason}); give the path of a YAML file",
        f"无法读取（{reason}）；请给出 YAML 文件的路径",
    )


def no_yaml(what: str, problem: Exception) -> UserError:
    """The mistake of a file that is no YAML."""
    mark = getattr(problem, "problem_mark", None)
    line, zh = (f" near line {mark.line + 1}", f"第 {mark.line + 1} 行附近") if mark else ("", "")
    return UserError(what, f"it is no YAML{line}; correct it", f"{zh}不是合法的 YAML；请改正")
