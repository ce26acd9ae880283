"""How a load is doing, on the terminal: a bar with its numbers where there is one, else a plain line now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn
from rich.progress import Progress as Bar

from biztoken.reporting.load_view import milliseconds
from biztoken.reporting.progress import kept_stderr
from biztoken.reporting.texts import say

_KEYS = ("in_flight", "rate", "ok", "refused", "failed", "p95", "violations")
_LEAST = 5.0  # seconds between two plain lines
_LINES = 20  # plain lines in all, as far as _LEAST allows


class LoadProgress:
    """Seconds and numbers of a load, written to standard error unless told otherwise.

    `update` takes in_flight, rate, ok, refused, failed, p95 (ms) and violations; what is missing or None is a dash.
    `clock` gives seconds of a monotonic clock.
    """

    def __init__(
        self, lang: str = "en", console: Console | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._lang = lang
        self._console = console or Console(file=kept_stderr(self))
        self._clock = clock
        self._whole = 0.0
        self._started = self._told = clock()
        self._numbers: Mapping[str, float | None] = {}
        self._bar: Bar | None = None
        self._task = TaskID(0)

    def start(self, total_seconds: float) -> None:
        """Begin a load of so many seconds."""
        self._whole = total_seconds
        self._started = self._told = self._clock()
        if self._console.is_terminal:
            columns = (BarColumn(bar_width=24), TextColumn("{task.description}", markup=False))
            self._bar = Bar(*columns, console=self._console, transient=True)
            self._task = self._bar.add_task("", total=total_seconds)
            self._bar.start()

    def update(self, numbers: Mapping[str, float | None]) -> None:
        """Show the numbers of now."""
        self._numbers = numbers
        now = self._clock()
        if self._bar is not None:
            self._bar.update(self._task, completed=min(now - self._started, self._whole), description=self._line(now))
        elif now - self._told >= max(_LEAST, self._whole / _LINES):
            self._told = now
            self._print(now)

    def stop(self) -> None:
        """Leave the terminal as it was, with the last numbers on it; may be called twice, and after an interruption."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        if self._numbers:
            self._print(self._clock())
            self._numbers = {}

    def _print(self, now: float) -> None:
        self._console.print(self._line(now), markup=False, highlight=False, soft_wrap=True)

    def _line(self, now: float) -> str:
        told = {name: milliseconds(self._numbers.get(name)) for name in _KEYS}
        counts = say("progress.load", self._lang, **told)
        at, whole = f"{min(now - self._started, self._whole):.0f}", f"{self._whole:.0f}"
        return say("progress.load_line", self._lang, at=at, whole=whole, counts=counts)
