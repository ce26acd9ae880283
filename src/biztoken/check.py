"""`biztoken check`: pytest on conformance/, a result, and an exit code."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator, Sequence

import pytest

from biztoken.cases import Case
from biztoken.contract import bundled
from biztoken.embedded import EmbeddedMock
from biztoken.errors import UserError
from biztoken.leaks import Recorder, search_text
from biztoken.pytest_plugin import Handover
from biztoken.reporting import Progress, print_summary
from biztoken.settings import without_password
from biztoken.suite import Options, Suite

# Parts of pytest that a run has no use for: each would be called three times for each case, a tenth of a run's time.
_UNUSED = (
    *("terminal", "logging", "doctest", "unittest", "debugging", "stepwise", "pastebin", "recwarn", "setuponly"),
    *("setupplan", "faulthandler", "legacypath", "unraisableexception", "threadexception"),
)


def check(options: Options, mock: EmbeddedMock | None = None) -> int:
    """Run the suite and print what it found. UserError for a mistake in the options.

    `mock`: the one to test where there is no target, if it was started before.
    """
    suite = Suite.prepare(options, mock)
    try:
        return _run(suite)
    finally:
        suite.close()


def _run(suite: Suite) -> int:
    with Recorder() as recorder:
        code = _told(suite)
    # The records were searched when they were written; this is what the terminal showed.
    suite.tell_leaks(search_text(recorder.text, suite.canaries()))
    if suite.problem:
        raise suite.problem
    return code


def _told(suite: Suite) -> int:
    """Run the suite, say what it does and what it found."""
    progress, terminal = Progress(lang=suite.options.lang), sys.stderr

    def announce(cases: int, requests: int) -> None:
        if not suite.target.is_loopback:
            terminal.write(announcement(suite.options.lang, cases, requests, without_password(suite.target.url)) + "\n")
        progress.start(cases)

    suite.on_plan = announce
    suite.on_case = lambda result: progress.advance(result.verdict)
    errors = play(suite)
    progress.stop()
    if not suite.result:
        raise _did_not_run(errors)
    if suite.problem is None:
        print_summary(suite.directory, suite.options.lang)
    return int(suite.result["exit_code"])


def play(suite: Suite) -> str:
    """Run the cases of a suite and nothing else: pytest on conformance/. Returns what went to standard error.

    UserError for a selection that says nothing.
    """
    errors, handover = io.StringIO(), Handover(suite)
    with _plain_pytest(), contextlib.redirect_stderr(errors):
        code = pytest.main(_arguments(suite.options), plugins=[handover])
    if handover.unread:
        raise _did_not_run("\n".join([*handover.unread, ""]))
    if suite.options.select and (code == pytest.ExitCode.USAGE_ERROR or not suite.planned):
        what = f"--select {suite.options.select}"
        raise UserError(what, "no case fits; give ids of clauses or cases", "没有匹配的用例；请给出条款或用例的 id")
    return errors.getvalue()


def _did_not_run(told: str) -> UserError:
    """The mistake is in conformance/, and what pytest told of it is shown first."""
    sys.stderr.write(told)
    return UserError("conformance", "it did not run; the lines above say why", "未能运行；原因见上")


def play_again(suite: Suite, cases: Sequence[Case]) -> str:
    """Run the cases that pytest collected for another suite with the same plan. Returns no errors, as nothing is told.

    As `play` does, without pytest, which for each case takes as long as all the rest.
    """
    suite.plan(cases)
    if suite.starts():
        for case in cases:
            suite.settle(case)
        suite.settle_later()
    suite.finish()
    return ""


def announcement(lang: str, cases: int, requests: int, url: str) -> str:
    """What is about to be sent where: told before the first request to a target that is not loopback."""
    if lang == "zh":
        return f"{cases} 个用例，约 {requests} 个请求，发往 {url}"
    return f"{cases} cases, about {requests} requests to {url}"


def _arguments(options: Options) -> list[str]:
    directory = bundled("conformance")
    chosen = ["-k", options.select] if options.select else []
    without = [part for name in _UNUSED for part in ("-p", f"no:{name}")]
    return ["-c", str(directory / "pytest.ini"), f"--rootdir={directory}", *without, *chosen, str(directory)]


@contextlib.contextmanager
def _plain_pytest() -> Iterator[None]:
    """Keep what the user's environment says about pytest away from the suite."""
    taken = {name: os.environ.pop(name) for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS") if name in os.environ}
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        yield
    finally:
        del os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"]
        os.environ.update(taken)
