"""Reads a plan: lines of cells apart by tabs, each percent-encoded. The programs in other languages do the same."""

import sys
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote


class File(NamedTuple):
    name: str
    content: bytes
    filename: str | None
    media_type: str


class Plan(NamedTuple):
    """`one`: settings by name, "" where not given. `texts` and `files` in the order sent."""

    one: dict[str, str]
    texts: list[tuple[str, str]]
    files: list[File]

    def get(self, name: str) -> str:
        return self.one.get(name, "")


def read_plan() -> Plan:
    """The plan that the first argument names."""
    plan = Plan({}, [], [])
    for line in Path(sys.argv[1]).read_text("utf-8").splitlines():
        kind, *cells = (unquote(cell) for cell in line.split("\t"))
        if kind == "text":
            plan.texts.append((cells[0], cells[1]))
        elif kind == "file":
            name, path, filename, media_type = cells
            plan.files.append(File(name, Path(path).read_bytes(), filename or None, media_type))
        else:
            plan.one[kind] = cells[0]
    return plan
