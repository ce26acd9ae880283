"""Text for GitHub flavoured Markdown, in which nothing that a target sent can act."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from biztoken.reporting.printable import one_line


def text(words: object, limit: int = 240) -> str:
    """`words` with nothing in it that Markdown would act on; a `_` within a word needs no escape."""
    return _escaped(one_line(words, limit))


def prose(words: str) -> str:
    """A reason of our own, what stands between backquotes as code."""
    parts = one_line(words, 600).split("`")
    return "".join(code(part) if number % 2 else _escaped(part) for number, part in enumerate(parts))


def code(words: object, limit: int = 240) -> str:
    """`words` as code, in a fence that outnumbers its own backquotes."""
    safe = one_line(words, limit)
    if not safe:
        return ""
    fence = "`" * (max((len(run) for run in re.findall("`+", safe)), default=0) + 1)
    space = " " if safe.startswith("`") or safe.endswith("`") else ""
    return f"{fence}{space}{safe}{space}{fence}"


def cell(words: object) -> str:
    """`words` as code within a table, where a bar would end the cell even so."""
    return code(words).replace("|", "\\|")


def line(cells: Iterable[str]) -> str:
    """One line of a table."""
    return "| " + " | ".join(cells) + " |"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown already."""
    return "\n".join([line(heads), line(["---"] * len(heads)), *map(line, rows)])


def _escaped(words: str) -> str:
    return re.sub(r"([\\`*\[\]<>|#~&]|(?<!\w)_|_(?!\w))", r"\\\1", words)
