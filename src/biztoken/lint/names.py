"""The names of fields: known, corrupted on the way, or unknown, with the nearest one that is known."""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import get_close_matches
from urllib.parse import unquote

# A quote or what follows it, percent-encoded or not: the end of a name in a header that somebody glued together.
_GLUED = re.compile(r"[\"';\r\n\0].*", re.DOTALL)
# One pass over any name: to look from each dash for the end took minutes on a name of 100 KB.
_WORD = re.compile(r"\w(?:.*\w)?", re.ASCII | re.DOTALL)
_LONGEST = 200  # characters of a name that are looked at
_NEVER = re.compile(r"[\"';=<>\x00-\x1f\x7f\u200b-\u200f\u2060\ufeff\ufffd]|%[0-9A-Fa-f]{2}|^\s|\s$|^=\?")


def intended(name: str, known: Collection[str]) -> str | None:
    """The known name that a corrupted one was; "" if it is corrupted beyond that; None if it is not corrupted."""
    word = _WORD.search(_GLUED.sub("", unquote(name[:_LONGEST]).lstrip("\"' \t\ufeff\u200b")))
    core = word[0] if word else ""
    # From outer quotes and brackets to the word inside them: 'sign', image_ref1[], $sign.
    if core != name and core in known:
        return core
    return "" if _NEVER.search(name[:_LONGEST]) else None


def nearest(name: str, known: Collection[str]) -> str | None:
    """The known name most like an unknown one, whatever its case and its separators."""
    plain = {_plain(each): each for each in known}
    found = get_close_matches(_plain(name[:_LONGEST]), plain, 1, 0.6)
    return plain[found[0]] if found else None


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
