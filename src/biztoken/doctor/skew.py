"""The local clock against the Date header of a reply. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import mktime_tz, parsedate_tz

from biztoken.model import Exchange
from biztoken.verdicts import Text

OFF = 60  # seconds beyond any doubt from which the difference is told
FAR = 120  # from which a bad signature is put down to it
_UNITS: Mapping[str, tuple[float, str]] = {
    "days": (86_400, "天"),
    "hours": (3_600, "小时"),
    "minutes": (60, "分钟"),
    "seconds": (1, "秒"),
}


@dataclass(frozen=True, slots=True)
class Skew:
    """Local time less the endpoint's, in seconds, known to within `margin` in either direction."""

    seconds: float
    margin: float

    @property
    def least(self) -> float:
        """How many seconds it is at the least."""
        return max(0.0, abs(self.seconds) - self.margin)

    @property
    def most(self) -> int:
        """How many whole seconds it is at the most."""
        return math.ceil(abs(self.seconds) + self.margin)

    def told(self) -> Text:
        """How far this machine's clock is off, and in which direction."""
        size = abs(self.seconds)
        unit = next((name for name, (length, _) in _UNITS.items() if size >= 2 * length), "seconds")
        length, unit_zh = _UNITS[unit]
        number = round(size / length)
        is_behind = self.seconds < 0
        return Text(
            f"this machine's clock is {number} {unit} {'behind' if is_behind else 'ahead of'} the endpoint's",
            f"本机时钟比接口{'慢' if is_behind else '快'} {number} {unit_zh}",
        )


def measure(exchange: Exchange, now: float) -> Skew | None:
    """The skew that a reply shows when the local clock said `now` at its end; None without a Date that can be read.

    The endpoint wrote its Date, cut to whole seconds, at some moment of the exchange: half of both is the margin.
    """
    if not exchange.started:
        return None  # of a record: when it was is not known
    headers = exchange.reply.headers if exchange.reply else ()
    date = next((value for name, value in headers if name.lower() == "date"), "")
    try:
        parts = parsedate_tz(date)
        told = mktime_tz((*parts[:9], parts[9] or 0)) if parts else None
    except (ValueError, OverflowError, TypeError):
        told = None
    if told is None:
        return None
    took = exchange.ended - exchange.started
    return Skew(now - took / 2 - (told + 0.5), (took + 1) / 2)
