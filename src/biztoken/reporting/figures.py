"""Numbers as people read them."""

from __future__ import annotations

import math

from biztoken.reporting.texts import both


def duration(seconds: float) -> str:
    """Seconds for people: 0.84 s, 12.3 s, 2 min 5 s, 1 h 4 min."""
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min {int(seconds % 60)} s"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60)} min"


def percent(part: int, whole: int) -> str:
    """The share in percent without its sign, rounded down so that only all is 100; a dash of nothing."""
    if not whole:
        return "–"
    tenths = math.floor(1000 * part / whole)
    return str(tenths // 10) if tenths % 10 == 0 else f"{tenths / 10:.1f}"


def share(part: int, whole: int) -> dict[str, str]:
    """`part` of `whole` with its percentage, in both languages."""
    return both("figures.share", part=part, n=whole, rate=percent(part, whole))


def proportion(part: int, whole: int) -> dict[str, str]:
    """`part` of `whole`, in both languages."""
    return both("figures.of", part=part, n=whole)
