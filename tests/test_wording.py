"""What findings say in short English has its Chinese."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from biztoken.cases import load_cases
from biztoken.contract import load
from biztoken.reporting.texts import worded

ROOT = Path(__file__).parents[1]
# Functions whose texts are what was expected and what came.
TELLERS = {"broken", "compared"}
SOURCES = [
    "src/biztoken/controls.py",
    "src/biztoken/envelope.py",
    "src/biztoken/judge.py",
    "src/biztoken/ledger.py",
    "src/biztoken/runner.py",
    "src/biztoken/sender.py",
    "conformance/test_sequences.py",
    "conformance/test_concurrency.py",
]
# Names of the contract, of formats and of pictures and spoils, which are the same in every language.
WORDS = (
    *("error", "faces", "uuid", "image", "face", "verbose", "sign", "secret", "base"),
    *("urlencoded", "preamble", "expired", "equal", "far", "single", "use", "other", "text"),
    *("zeros", "empty", "truncated", "short", "key", "none", "video", "distance", "denied"),
    *("discontinued", "meglive", "still", "flash", "true", "abc", "bizno", "order", "biztoken"),
    *("JSON", "GET", "PUT", "POST"),
)
NAMES = re.compile(
    rf"Request Entity Too Large|[A-Z_]{{4,}}|[a-z]+(?:[_-][a-z0-9]+)+|\w*\d\w*|face\.png|\b(?:{'|'.join(WORDS)})\b"
)


def spoken(source: str) -> Iterator[str]:
    """The texts given to the functions that make findings, placeholders as 1."""
    for node in ast.walk(ast.parse((ROOT / source).read_text("utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in TELLERS:
            for argument in node.args[-2:] if node.func.id == "broken" else node.args[2:4]:  # type: ignore[attr-defined]
                yield from _texts(argument)


def _texts(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr():
            yield "".join(part.value if isinstance(part, ast.Constant) else "1" for part in node.values)  # type: ignore[misc]
        case ast.IfExp():
            yield from _texts(node.body)
            yield from _texts(node.orelse)


def english_left(text: str) -> list[str]:
    """Words of the Chinese wording that are still English."""
    quoted = re.sub(r'"[^"]*"', "", worded(text))
    return [word for word in re.findall(r"[A-Za-z]{2,}[\w-]*", NAMES.sub("", quoted)) if word not in ("ms", "or")]


@pytest.mark.parametrize("text", sorted({text for source in SOURCES for text in spoken(source)}))
def test_findings_are_worded_in_chinese(text: str) -> None:
    """No English word is left in what a finding says, names apart."""
    assert english_left(text) == []


def test_differences_are_worded_in_chinese() -> None:
    """No English word is left in what tells a case from its control, names apart."""
    left = {case.difference(): english_left(case.difference()) for case in load_cases(load())}

    assert {text: words for text, words in left.items() if words} == {}


# Case files are read by those who write them; the rest is told to whoever runs the command.
TOLD = sorted(path for path in (ROOT / "src").rglob("*.py") if path.parent.name != "cases")


@pytest.mark.parametrize("path", TOLD, ids=lambda path: path.stem)
def test_mistakes_are_told_in_both_languages(path: Path) -> None:
    """Every mistake that a user may be told of has its Chinese."""
    calls = [
        node
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "UserError"
    ]

    assert [call.lineno for call in calls if len(call.args) + len(call.keywords) < 3] == []
