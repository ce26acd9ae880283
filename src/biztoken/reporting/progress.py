"""How far a run has come, on the terminal: a bar where there is one, else a plain line every tenth."""

from __future__ import annotations

import os
import sys
import time
import weakref
from collections import Counter
from collections.abc import Callable
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn
from rich.progress import Progress as Bar

from biztoken.reporting.texts import say

_FAILED = ("FAIL", "WARN")
_PASSED = ("PASS", "OBSERVED")
_UNTESTABLE = ("UNTESTABLE", "NOT_APPLICABLE")
_WORDS = {"cases": ("progress.counts", "progress.line"), "runs": ("progress.runs_counts", "progress.runs_line")}


class Progress:
    """Counts of finished cases and the time left, written to standard error unless told otherwise.

    Standard error is the one of the moment of creation: what later captures it does not hold the counts back.
    `clock` gives seconds of a monotonic clock. `of`: what is counted, cases of a check or runs of a proof.
    """

    def __init__(
        self,
        lang: str = "en",
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        of: str = "cases",
    ) -> None:
        self._lang = lang
        self._words = _WORDS[of]
        self._console = console or Console(file=kept_stderr(self))
        self._clock = clock
        self._verdicts: Counter[str] = Counter()
        self._total = self._tenths = 0
        self._started = clock()
        self._bar: Bar | None = None
        self._task = TaskID(0)

    def start(self, total: int) -> None:
        """Begin to count `total` cases."""
        self._total, self._started = total, self._clock()
        if self._console.is_terminal:
            columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}", markup=False))
            self._bar = Bar(*columns, console=self._console, transient=True)
            self._task = self._bar.add_task("", total=total)
            self._bar.start()

    def advance(self, verdict: str) -> None:
        """One more case is finished, with this verdict."""
        self._verdicts[str(verdict)] += 1
        if self._bar is not None:
            self._bar.update(self._task, advance=1, description=f"{self._counts()} · {self._left()}")
            return
        tenths = 10 * self._done // max(self._total, 1)
        if tenths > self._tenths:
            self._tenths = tenths
            self._print_line()

    def stop(self) -> None:
        """Leave the terminal as it was; may be called twice, and after an interruption."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
            self._print_line()

    @property
    def _done(self) -> int:
        return self._verdicts.total()

    def _number(self, verdicts: tuple[str, ...]) -> int:
        return sum(self._verdicts[verdict] for verdict in verdicts)

    def _counts(self) -> str:
        passed, failed = self._number(_PASSED), self._number(_FAILED)
        untestable = self._number(_UNTESTABLE)
        other = self._done - passed - failed - untestable
        counts = say(self._words[0], self._lang, passed=passed, failed=failed, untestable=untestable)
        return counts + (say("progress.other", self._lang, n=other) if other else "")

    def _left(self) -> str:
        spent = self._clock() - self._started
        if self._done >= self._total:
            return say("progress.done", self._lang, seconds=f"{spent:.1f}")
        if not self._done or not spent:
            return say("progress.unknown", self._lang)
        left = spent / self._done * (self._total - self._done)
        return say("progress.left", self._lang, seconds=max(1, round(left)))

    def _print_line(self) -> None:
        told = {"done": self._done, "n": self._total, "counts": self._counts(), "left": self._left()}
        line = say(self._words[1], self._lang, **told)
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def kept_stderr(owner: object) -> TextIO:
    """Standard error on a descriptor of its own, since pytest captures the descriptor and not only the name."""
    try:
        stream = os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding=sys.stderr.encoding, errors="replace")
    except (OSError, ValueError, AttributeError):
        return sys.stderr
    weakref.finalize(owner, stream.close)
    return stream
