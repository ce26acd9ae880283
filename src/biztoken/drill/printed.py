"""What a client printed: whether it crashed, whether it kept an error, whether it gave anything private away. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from biztoken.leaks import LEAST, LEAST_CODED, SPELLINGS, Canary, Needle, search_text

_PYTHON = re.compile(r"^Traceback \(most recent call last\):$", re.MULTILINE)
_PYTHON_LAST = re.compile(r"^([A-Za-z_][\w.]*)(?::.*)?$", re.MULTILINE)
# What other runtimes print of an exception that nobody caught, or of a mistake in the program: its name, or all of it.
_CRASHES = tuple(
    re.compile(pattern, re.MULTILINE)
    for pattern in (
        r'^Exception in thread "[^"]*" ([\w.$]+)',
        r"^(?:PHP )?Fatal error: +Uncaught ([\w\\]+)",
        r"^(?:PHP )?((?:Fatal error|Warning|Notice|Deprecated): .+)$",
        r"^panic: (.+)$",
        r"^(?:Uncaught )?([A-Z]\w*Error)(?: \[\w+\])?: .*\n(?:.*\n)*? +at ",
        r"^Unhandled exception[.:]? +(?:[\w.]+: )?([\w.]+)",
        r"^thread '[^']*' .*?(panicked at .+)$",
        r"^\S+:\d+:in [`'].*?: .*?\((\w+(?:::\w+)*)\)$",
        r"^(Segmentation fault|Bus error|Aborted)\b",
    )
)
# Exceptions that a program meets where it takes for granted what was not there; others may be meant to end it.
_MISHAPS = re.compile(
    r"(?i)json|parse|syntax|decode|key(?:error|notfound)|index|bounds|type_?error|attribute|nomethod|null|nil\b"
    r"|undefined|cast|nosuchelement|unicode|malformed|unexpected|segmentation|bus error|panicked|stopiteration"
    r"|unboundlocal|nameerror|runtime error|interface conversion|trying to access|invalid character"
)


@dataclass(frozen=True, slots=True)
class Crash:
    """An exception that nobody caught. `is_mishap`: it is one that no program means to end with."""

    name: str
    is_mishap: bool


def crash(output: str, status: int | None) -> Crash | None:
    """The crash that the output of a program shows, or the signal that ended it; None where it ended by itself."""
    found = _python(output)
    for pattern in () if found else _CRASHES:
        match = pattern.search(output)
        if match:
            found = match[1]
            break
    if found:
        return Crash(found[:80], bool(_MISHAPS.search(found)))
    if status is not None and status < 0:
        return Crash(f"signal {-status}", True)
    return None


def _python(output: str) -> str:
    """The last exception of the last traceback: what came of those before it."""
    starts = [match.end() for match in _PYTHON.finditer(output)]
    if not starts:
        return ""
    names = [match[1] for match in _PYTHON_LAST.finditer(output, starts[-1]) if match[1] != "File"]
    return names[0] if names else ""


def kept(output: str, keep: Sequence[Sequence[str]]) -> bool:
    """Whether one of each of these texts stands in the output, in whatever case and however it was spaced."""
    plain = _plain(output)
    return all(any(_stands(_plain(text), plain) for text in texts) for texts in keep)


def _plain(text: str) -> str:
    return re.sub(r"[\s\x00]+", " ", text).casefold()


def _stands(text: str, output: str) -> bool:
    # A status is three digits that are no part of other numbers.
    return bool(re.search(rf"(?<![\d.]){text}(?![\d])", output)) if text.isdigit() else text in output


def given_away(output: str, private: Mapping[str, Iterable[str]]) -> Iterator[tuple[str, str]]:
    """(name, spelling) of each private text that stands in the output, in any spelling that hides nothing."""
    canaries = [
        Canary(name, tuple(needle for text in texts for needle in _needles(text))) for name, texts in private.items()
    ]
    seen: set[str] = set()
    for leak in search_text(output, canaries):
        if leak.canary not in seen:
            seen.add(leak.canary)
            yield leak.canary, leak.spelling


def _needles(text: str) -> Iterator[Needle]:
    """Each spelling once, under the first of its names."""
    if len(text.encode("utf-8", "surrogatepass")) < LEAST:
        return
    seen: set[bytes] = set()
    for name, spell in SPELLINGS.items():
        for spelt in spell(text) if name != "cut" else ():
            data = spelt if isinstance(spelt, bytes) else spelt.encode("utf-8", "surrogatepass")
            if data not in seen and len(data) >= LEAST_CODED.get(name, LEAST):
                seen.add(data)
                yield Needle(name, data)
