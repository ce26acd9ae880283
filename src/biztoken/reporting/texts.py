"""Every phrase of the reports, in English and Chinese, read from `texts.yaml`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

LANGUAGES = ("en", "zh")
# What is observed of two defects in one request.
_PAIR = re.compile(r"(\w+) and (\w+): ((?:sign|expired|permission|missing|value|picture|face|other|no reply| or )+)")


@cache
def phrases() -> Mapping[str, Mapping[str, Any]]:
    """The phrases by key, then by language: a text, or {one, other} where the number matters."""
    source = (Path(__file__).parent / "texts.yaml").read_text("utf-8")
    table: Mapping[str, Mapping[str, Any]] = yaml.safe_load(source)
    return table


def template(key: str, lang: str, n: object = None) -> str:
    """The phrase before its placeholders are filled; `n` chooses between one and other."""
    text = phrases()[key][lang]
    if isinstance(text, str):
        return text
    return str(text["one" if n == 1 else "other"])


def say(key: str, lang: str, **values: object) -> str:
    """The phrase `key` in `lang`, with its placeholders filled."""
    return template(key, lang, values.get("n")).format(**values)


def both(key: str, **values: object) -> dict[str, str]:
    """The phrase in every language, as records write it: {en, zh}."""
    return {lang: say(key, lang, **values) for lang in LANGUAGES}


def listed(names: Sequence[str], lang: str, limit: int) -> str:
    """The first `limit` names, and how many more there are."""
    named = say("list.separator", lang).join(names[:limit])
    left = len(names) - limit
    return named + (say("list.more", lang, n=left) if left > 0 else "")


def in_language(text: object, lang: str) -> str:
    """A text of a record for a reader of `lang`: some come as {en, zh}, some in short English, some not at all."""
    if isinstance(text, Mapping):
        return str(text.get(lang) or text.get("en") or "")
    if text is None:
        return ""
    return worded(str(text)) if lang == "zh" else str(text)


def kind_of_defect(kind: str, lang: str) -> str:
    """A kind of defect of the map of precedence, or what came in place of one; an unknown one as it is."""
    key = f"precedence.kind.{kind.replace(' ', '_')}"
    return say(key, lang) if key in phrases() else kind


def worded(text: str) -> str:
    """The short English of expected, received, difference and observations, in Chinese."""
    pair = _PAIR.fullmatch(text)
    if pair:
        first, second = (kind_of_defect(kind, "zh") for kind in pair.group(1, 2))
        seen = say("list.separator", "zh").join(kind_of_defect(kind, "zh") for kind in pair[3].split(" or "))
        return say("precedence.pair", "zh", first=first, second=second, seen=seen)
    for pattern, chinese in _wording():
        text = pattern.sub(chinese, text)
    return text


@cache
def _wording() -> tuple[tuple[re.Pattern[str], str], ...]:
    rows = yaml.safe_load((Path(__file__).parent / "wording.yaml").read_text("utf-8"))
    # Words only: a wording inside a longer name of the contract is no wording.
    return tuple((re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])"), chinese) for pattern, chinese in rows)


def section_name(section: str, lang: str) -> str:
    """A heading of the contract for a reader of `lang`; one that is not known stays as it is."""
    known = phrases()["sections"][lang]
    head, _, rest = section.partition(" ")
    return f"{known[head]} {rest}".strip() if head in known else section
