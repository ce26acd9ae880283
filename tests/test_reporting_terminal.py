"""The terminal tells the run and how far it has come."""

import io
import subprocess
import sys

import pytest
from rich.console import Console
from test_reporting_sample import (
    broken,
    broken_exchanges,
    conformant,
    hostile,
    killed,
    one_cause,
    untestable,
    warned,
    write,
)

from biztoken.reporting import Progress, print_summary


@pytest.fixture
def printed(tmp_path):
    """What print_summary writes of a result."""

    def make(whole, exchanges=(), lang="en", **options):
        out = io.StringIO()
        write(tmp_path, whole, exchanges)
        print_summary(tmp_path, lang, Console(file=out, width=100, **options))
        return out.getvalue()

    return make


def test_verdict_and_report_come_last(printed, tmp_path):
    """What a person looks for stands next to the prompt."""
    assert printed(conformant()).rstrip().split("\n")[-3:] == [
        "Conformant in all 2 MUST clauses",
        "",
        f"Report: {tmp_path / 'index.html'}",
    ]


def test_failure_reads_alone(printed):
    """Clause and sentence, expected, received, difference, case, curl and how to repeat."""
    text = printed(broken(), broken_exchanges())

    assert "  UUID-LENGTH  What UUID-LENGTH says.\n" in text
    assert "    Expected: 400 BAD_ARGUMENTS: uuid\n" in text
    assert "    Received: 200 with a biz_token\n" in text
    assert "    Difference from the control: uuid is 129 bytes of UTF-8 instead of 12\n" in text
    assert '\n    curl -sS -i -F sign="$(biztoken sign)" -F sign_version=hmac_sha1' in text
    assert "--select uuid-129-bytes" in text


def test_curl_line_is_not_wrapped(printed):
    """A line that is to be copied is one line."""
    (line,) = (line for line in printed(broken(), broken_exchanges()).split("\n") if line.startswith("    curl"))

    assert line.endswith("get_biz_token'")


def test_one_cause_is_told_once(printed):
    """A mistake in many clauses is said once, with their ids."""
    text = printed(one_cause(20), broken_exchanges())

    assert text.count("Errors are told with status 200.") == 1
    assert "one cause, 20 clauses" in text
    assert "and 12 more" in text


def test_many_failures_end_with_a_number(printed):
    """The terminal shows ten and says how many the report holds."""
    whole = one_cause(30)
    whole["causes"] = []

    assert "21 more broken clauses in the report" in printed(whole)


def test_untestable_and_warnings_are_there(printed):
    """What to provide, and what is only a warning."""
    assert "The target file has no keys.discontinued; add it with api_key and api_secret." in printed(untestable())
    assert "VERBOSE-VALUES-REFUSED" in printed(warned(strict=False))


def test_chinese_is_chinese(printed):
    """In Chinese every label is."""
    text = printed(broken(), broken_exchanges(), "zh")

    assert "期望：400 BAD_ARGUMENTS: uuid" in text
    assert "不符合契约：违反 1 条 MUST 条款（UUID-LENGTH）" in text
    assert "Expected" not in text


def test_killed_run_is_told(tmp_path):
    """What a killed run found is printed like any other."""
    out = io.StringIO()
    print_summary(killed(tmp_path), "en", Console(file=out, width=100))

    assert "Incomplete: 2 of 4 cases ran" in out.getvalue()


def test_target_cannot_drive_the_terminal(printed):
    """Neither escape sequences nor rich's own markup act, colours on or off."""
    whole, exchanges = hostile()
    whole["clauses"][0]["findings"][0]["received"] = "[bold red]x[/] \x1b]0;title\x07"
    text = printed(whole, exchanges)

    assert "[bold red]x[/] ␛]0;title␇" in text
    assert "\x1b" not in text
    assert "\x07" not in printed(whole, exchanges, force_terminal=True)


class Clock:
    """Seconds that pass only when told."""

    now = 0.0

    def __call__(self):
        return self.now


def test_progress_without_a_terminal_is_a_line_each_tenth():
    """A log gets ten lines, each with counts and the time left."""
    out, clock = io.StringIO(), Clock()
    progress = Progress("en", Console(file=out, width=120), clock)
    progress.start(200)
    for number in range(200):
        clock.now += 0.5
        progress.advance("FAIL" if number == 3 else "UNTESTABLE" if number == 4 else "PASS")
    progress.stop()
    lines = out.getvalue().splitlines()

    assert len(lines) == 10
    assert lines[0] == "20 of 200 cases: 18 passed, 1 failed, 1 untestable; about 90 s left"
    assert lines[-1] == "200 of 200 cases: 198 passed, 1 failed, 1 untestable; done in 100.0 s"


def test_progress_of_a_proof_counts_runs():
    """A proof is told in its own words, in both languages."""
    lines = []
    for lang in ("en", "zh"):
        out = io.StringIO()
        progress = Progress(lang, Console(file=out, width=120), Clock(), of="runs")
        progress.start(3)
        for verdict in ("PASS", "FAIL", "HARNESS"):
            progress.advance(verdict)
        lines.append(out.getvalue().splitlines()[-1])

    assert lines == [
        "3 of 3 runs: 1 as they should be, 1 not, 1 undecided; done in 0.0 s",
        "运行 3/3：符合预期 1，不符合 1，未判定 1；完成，用时 0.0 秒",
    ]


def test_progress_tells_what_is_undecided():
    """Trouble of the harness is not hidden among the passed."""
    out = io.StringIO()
    progress = Progress("en", Console(file=out, width=120), Clock())
    progress.start(1)
    progress.advance("HARNESS")

    assert "0 passed, 0 failed, 0 untestable, 1 undecided" in out.getvalue()


def test_progress_on_a_terminal_is_a_bar_that_goes_away():
    """A bar while it runs, one plain line when it ends; stopping twice does no harm."""
    out = io.StringIO()
    progress = Progress("zh", Console(file=out, width=120, force_terminal=True))
    progress.start(3)
    for verdict in ("PASS", "FAIL", "PASS"):
        progress.advance(verdict)
    progress.stop()
    progress.stop()

    assert out.getvalue().count("用例 3/3：通过 2，不通过 1，无法测试 0；完成") == 1


def test_progress_is_seen_through_pytest():
    """A run of pytest inside the command captures standard error; the counts still arrive."""
    program = """
import os, sys
from biztoken.reporting import Progress
progress = Progress("en")
os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
sys.stderr = None
progress.start(1)
progress.advance("PASS")
progress.stop()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)

    assert done.stderr.startswith("1 of 1 cases: 1 passed")


@pytest.mark.parametrize("total", [0, 1, 3])
def test_progress_counts_any_number(total):
    """No number of cases, not even none, breaks it."""
    progress = Progress("en", Console(file=io.StringIO()), Clock())
    progress.start(total)
    for _ in range(total + 1):
        progress.advance("PASS")
    progress.stop()
