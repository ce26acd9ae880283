"""Takes private texts out of what is recorded, in whatever spelling a target repeats them. Pure.

It reads the text as a decoder would, letter by letter. `leaks` searches what was written by writing out each spelling:
two ways, so that a mistake in one shows in the other.
"""

from __future__ import annotations

import base64
import hashlib
import html.entities
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

REDACTED, SIGN = "<redacted>", "<sign>"
LEAST = 6  # bytes of UTF-8; what is shorter stands everywhere and betrays nothing
MARK = 16  # letters and digits in a row, by which a coded text is known again
LEAST_CUT = 2  # letters of a text that was cut in two

_CODE = "[A-Za-z0-9+/_-]"
_PLUS_OR_SLASH = r"%2[BbFf]|\\+/|\\+u002[BbFf]|&#(?:43|47|x2[BbFf]);"
_RUN = re.compile(rf"(?<!{_CODE})(?:{_CODE}|{_PLUS_OR_SLASH}){{{MARK},}}(?:=|%3[Dd]){{0,2}}")
# Letters and digits that nothing made it escape, all the same.
_ESCAPED = re.compile(rf"(?:&#\d+;|&#[xX][0-9A-Fa-f]+;|\\+u00[0-9A-Fa-f]{{2}}|%[0-9A-Fa-f]{{2}}){{{MARK},}}")
# Whoever repeats a picture does so in base64 or hexadecimal, in lines or not.
_LONG = re.compile(rf"(?<!{_CODE})(?:{_CODE}|\\+[nr/]|%2[BbFf]|[\r\n]){{256,}}=*")
_LOGIN = re.compile(r"(://[^/?#\s:@\"]*:)(?!<redacted>@)[^/?#\s@\"]+(?=@)")
# What may hide a letter: without any of these a text says what it shows.
_ESCAPE = re.compile(
    r"\\|%[0-9A-Fa-f]{2}|&#?\w+;|=(?:[2-7A-F][0-9A-F]|\r?\n)|[\x00\u2400]|[\x80-\xff]{2}|\s\s|'\"'|[^\W\d]\+[^\W\d]"
)
_NUL = r"(?:[\x00\u2400]|\\+u0000|\\+x00)"
_SPACED = re.compile(rf"(?:[^\x00\u2400\\]{_NUL}){{{LEAST - 1},}}[^\x00\u2400\\]?")  # UTF-16 read as UTF-8
_NOTHING = rf"(?:{_NUL}|=\r?\n)?"  # may stand between two letters, as may a soft line break


class Redactor:
    """Knows the private texts of a run; `learn` adds what was sent."""

    def __init__(self, private: Iterable[str]) -> None:
        # Longest first, so that a text inside a longer one does not leave the rest of it readable.
        telling = {text for text in private if len(_utf8(text)) >= LEAST}
        self._texts = sorted(telling | {" ".join(text.split()) for text in telling}, key=len, reverse=True)
        self._coded = {coded for text in self._texts for coded in _coded(text)}
        self._marks: dict[str, str] = {}
        for text in self._texts:
            self.learn(text, REDACTED)

    def learn(self, text: str, label: str) -> None:
        """Also take out this text, of letters, digits and the other signs of base64, wherever it stands."""
        for form in (text, *_coded(text)):
            match = re.search(rf"[A-Za-z0-9]{{{MARK}}}", form)
            if match:
                self._marks.setdefault(match[0], label)

    def redact(self, value: Any) -> Any:
        """The same value without any private text, whatever the nesting; keys are ours, and stay.

        What says nothing private is not copied.
        """
        whole = "\x01".join(_strings(value))
        return value if self._clean(whole) == whole else self._copied(value)

    def _copied(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._clean(value)
        if isinstance(value, Mapping):
            return {key: self._copied(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._copied(item) for item in value]
        return value

    def _clean(self, text: str) -> str:
        for private in self._texts:
            text = text.replace(private, REDACTED)
        if _ESCAPE.search(text):
            text = _SPACED.sub(self._together, text)
            for private in self._texts:
                text = _pattern(private).sub(REDACTED, text)
            text = _ESCAPED.sub(self._unescaped, text)
        for coded in self._coded:
            if coded in text:
                text = re.sub(f"{_CODE}*{re.escape(coded)}{_CODE}*=*", REDACTED, text)
        if "…" in text:
            for private in self._texts:
                for cut in _cuts(private) if private[:LEAST_CUT] in text else ():
                    text = text.replace(cut, f"{REDACTED}…")
        text = _LOGIN.sub(rf"\1{REDACTED}", text)
        return _LONG.sub(_told_short, _RUN.sub(self._unmarked, text))

    def _together(self, match: re.Match[str]) -> str:
        told = re.sub(_NUL, "", match[0])
        return match[0] if self._clean(told) == told else self._clean(told)

    def _unescaped(self, match: re.Match[str]) -> str:
        numbers = re.findall(r"&#(\d+);|(?:&#[xX]|u|%)([0-9A-Fa-f]+)", match[0])
        told = "".join(chr(min(int(decimal or coded, 10 if decimal else 16), 0x10FFFF)) for decimal, coded in numbers)
        return match[0] if _RUN.sub(self._unmarked, told) == told else REDACTED

    def _unmarked(self, match: re.Match[str]) -> str:
        for run in re.finditer(rf"[A-Za-z0-9]{{{MARK},}}", match[0]):
            for at in range(run.start(), run.end() - MARK + 1):
                label = self._marks.get(match[0][at : at + MARK])
                if label:
                    return label
        return match[0]


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item)


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _coded(text: str) -> Iterator[str]:
    """What is left of a text in hexadecimal, and in base64 whatever stands before and after it."""
    data = _utf8(text)
    for shown in (data.hex(), data.hex(" "), data.hex(":"), data.hex("-")):
        yield from (shown, shown.upper())
    for before in range(3):
        inner = base64.b64encode(bytes(before) + data).decode()[(8 * before + 5) // 6 : 8 * (before + len(data)) // 6]
        yield from (
            inner,
            inner.replace("+", "-").replace("/", "_"),
            inner.replace("/", "\\/"),
            inner.replace("+", "%2B").replace("/", "%2F"),
        )


def _cuts(text: str) -> Iterator[str]:
    for form in (text, json.dumps(text, ensure_ascii=False)[1:-1]):
        yield from (f"{form[:count]}…" for count in range(len(form) - 1, LEAST_CUT - 1, -1))


def _told_short(match: re.Match[str]) -> str:
    """A long code by its length and hash, so that two that differ still do; a letter repeated is none."""
    text = match[0]
    if len(set(text)) < MARK:
        return text
    return f"<{len(text)} characters, sha256 {hashlib.sha256(text.encode()).hexdigest()}>"


# --- a text letter by letter


@cache
def _pattern(text: str) -> re.Pattern[str]:
    """The text with each letter in any spelling of its own."""
    pieces = re.findall(r"\\+|\s+|[^\\\s]", text)
    return re.compile(_NOTHING.join(map(_any_spelling, pieces)))


def _any_spelling(piece: str) -> str:
    """One letter; white space and backslashes, of which escaping makes more, in any number."""
    letter = piece[0]
    spelt = [_joined(r"\\+u", _units(letter), 4), *(_joined(form, _utf8(letter), 2) for form in _BYTES)]
    spelt.append(rf"\\*&(?:amp;)*(?:#0*{ord(letter)}|#[xX]0*{_digits(ord(letter), 1)}|{_names(letter)});")
    if letter in "\"'/\b\f\n\r\t":
        spelt.append(r"\\+" + re.escape(json.dumps(letter)[-2:-1] if letter < " " else letter))
    if not letter.isascii():
        spelt += [re.escape(letter.encode(code, "replace").decode("latin-1")) for code in ("utf-8", "gb18030")]
    spelt += [r"'\"'\"'"] if letter == "'" else [r"\s", r"\+"] if letter.isspace() else []
    spelt.append(re.escape(letter))
    several = "+" if letter.isspace() or letter == "\\" else ""
    return f"(?:{'|'.join(spelt)}){several}"


_BYTES = ("%(?:25)*", "=", r"\\+x")


def _joined(before: str, numbers: Iterable[int], least: int) -> str:
    return "".join(f"{before}{_digits(number, least)}" for number in numbers)


def _units(letter: str) -> Iterator[int]:
    data = letter.encode("utf-16-be", "surrogatepass")
    return (int.from_bytes(data[at : at + 2]) for at in range(0, len(data), 2))


def _digits(number: int, least: int) -> str:
    """Hexadecimal digits in either case."""
    either: Callable[[str], str] = lambda digit: f"[{digit}{digit.upper()}]" if digit.isalpha() else digit  # noqa: E731
    return "".join(map(either, f"{number:0{least}x}"))


def _names(letter: str) -> str:
    """The names that HTML and XML have for a letter, as alternatives."""
    names = [name for name in (html.entities.codepoint2name.get(ord(letter)), *_MORE_NAMES.get(letter, ())) if name]
    return "|".join(names) or "(?!)"


_MORE_NAMES = {"'": ("apos",), "/": ("sol",), "+": ("plus",), "=": ("equals",), "%": ("percnt",), " ": ("nbsp",)}
