"""The progress of a load is a bar on a terminal and a line now and then elsewhere."""

import io

import pytest
from rich.console import Console

from biztoken.reporting import LoadProgress

NUMBERS = {"in_flight": 10, "rate": 198.4, "ok": 3960, "refused": 12, "failed": 0, "p95": 71.26, "violations": 2}


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def made():
    """A progress on a terminal or not, what it writes, and its clock."""

    def make(lang="en", *, is_terminal=False):
        out, clock = io.StringIO(), Clock()
        console = Console(file=out, force_terminal=is_terminal, width=160)
        return LoadProgress(lang, console, clock), out, clock

    return make


def test_lines_are_few_where_there_is_no_terminal(made):
    """A log of an hour holds twenty lines, not 3600."""
    progress, out, clock = made()
    progress.start(3600)
    for _ in range(3600):
        clock.now += 1
        progress.update(NUMBERS)
    progress.stop()

    assert len(out.getvalue().splitlines()) == 21


def test_line_tells_all_numbers(made):
    """How far, how much, how fast, and what is wrong."""
    progress, out, clock = made()
    progress.start(20)
    clock.now += 5
    progress.update(NUMBERS)

    assert out.getvalue() == (
        "5 of 20 s: in flight 10 · 198/s · accepted 3,960 · refused 12 · failed 0 · p95 71.3 ms · violations 2\n"
    )


def test_drain_is_not_beyond_the_end(made):
    """No line says that 6 of 5 seconds have passed."""
    progress, out, clock = made()
    progress.start(5)
    clock.now += 6.2
    progress.update(NUMBERS)

    assert out.getvalue().startswith("5 of 5 s: ")


def test_unknown_number_is_a_dash(made):
    """Before the first reply there is no p95."""
    progress, out, clock = made()
    progress.start(20)
    clock.now += 5
    progress.update({"in_flight": 1, "p95": None})

    assert "p95 – ms" in out.getvalue()


def test_bar_on_a_terminal_is_gone_in_the_end(made):
    """The last numbers stay, once."""
    progress, out, clock = made("zh", is_terminal=True)
    progress.start(20)
    clock.now += 1
    progress.update(NUMBERS)
    clock.now += 19
    progress.update(NUMBERS)
    progress.stop()
    progress.stop()

    assert "━" in out.getvalue()
    assert (
        out.getvalue()
        .rstrip()
        .endswith("20 / 20 秒：并发 10 · 198/秒 · 成功 3,960 · 被拒 12 · 失败 0 · p95 71.3 毫秒 · 违反契约 2")
    )


def test_stop_without_numbers_says_nothing(made):
    """A load that never began leaves no line."""
    progress, out, _ = made()
    progress.stop()

    assert out.getvalue() == ""
