"""Text from a target, made safe to put before a reader: no control character acts, none is lost."""

from __future__ import annotations

import re

_REORDERING = "\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c"
UNSAFE = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u2028\u2029{_REORDERING}]")


def printable(text: object) -> str:
    """`text` with control, surrogate and reordering characters shown instead of sent; newline and tab stay."""
    return UNSAFE.sub(_shown, str(text).replace("\r\n", "\n"))


def shortened(text: object, limit: int) -> str:
    """Printable `text` of at most `limit` characters; the end of a longer one is `…`."""
    safe = printable(text)
    return safe if len(safe) <= limit else safe[: limit - 1] + "…"


def one_line(text: object, limit: int = 300) -> str:
    """Printable, shortened `text` with its white space folded."""
    return shortened(" ".join(str(text).split()), limit)


def _shown(match: re.Match[str]) -> str:
    number = ord(match[0])
    if number < 0x20:
        return chr(0x2400 + number)
    return "\u2421" if number == 0x7F else f"⟨U+{number:04X}⟩"
