"""How a difference is told: the check that carries it, and a value in a few words. Pure."""

from __future__ import annotations

import json
from typing import Any

from biztoken.model import Check, Finding


def broken(clause: str, aspect: str, expected: str, received: str, folds_to: str | None = None) -> Check:
    """A check that found a difference. What was received is cut where it is long."""
    return Check(clause, Finding(clause, aspect, expected, _cut(received, 240), folds_to))


def compared(clause: str, kept: bool, expected: str, received: str, aspect: str = "field") -> Check:
    """A check that the clause was kept, or that the received differed from the expected."""
    return Check(clause) if kept else broken(clause, aspect, expected, received)


def quoted(value: Any) -> str:
    """A value as JSON, cut where it is long."""
    try:
        return _cut(json.dumps(value, ensure_ascii=False), 80)
    except RecursionError:  # deeper than it could be written, though it could be read (CPython 3.11)
        return f"a {type(value).__name__} nested too deeply to be shown"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
