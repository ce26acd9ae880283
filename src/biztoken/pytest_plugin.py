"""Lets pytest run the suite: options, one item for each case, the run that the cases share.

`pytest conformance --target FILE` works by itself; `biztoken check` hands over a run that it prepared.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from biztoken.cases import PLANS, Case
from biztoken.errors import UserError
from biztoken.judge import Expected
from biztoken.model import Verdict
from biztoken.settings import Target
from biztoken.suite import Options, Suite
from biztoken.verdicts import CaseResult

SUITE = pytest.StashKey[Suite]()
_SKIPPED = (Verdict.UNTESTABLE, Verdict.NOT_APPLICABLE, Verdict.NOT_RUN)


class Handover:
    """Carries a suite that was prepared before pytest started, and back what pytest could not read of conformance/."""

    def __init__(self, suite: Suite) -> None:
        self.suite = suite
        self.unread: list[str] = []

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Its terminal, which would tell, is left out."""
        if report.failed:
            self.unread.append(report.longreprtext)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of `biztoken check` that change what is run."""
    group = parser.getgroup("biztoken")
    group.addoption("--target", type=Path, help="target file; without it the embedded mock is tested")
    group.addoption("--out", type=Path, help="directory for the run's records")
    group.addoption("--plan", choices=PLANS, default="full", help="quick: no fuzz and no large uploads; core: no fuzz")
    group.addoption("--seed", type=int, default=0, help="seed of people, pictures and fuzzing")
    group.addoption("--fuzz", type=int, help="examples for each fuzzing view; 0 for none")
    group.addoption("--strict-should", action="store_true", help="a broken SHOULD fails too")


def pytest_configure(config: pytest.Config) -> None:
    """Take the prepared suite, or prepare one from the options."""
    config.addinivalue_line("markers", "case(case): what the item tests, for the plan and the records")
    handed = [plugin for plugin in config.pluginmanager.get_plugins() if isinstance(plugin, Handover)]
    if handed:
        config.stash[SUITE] = handed[0].suite
        return
    try:
        options = Options(
            target=config.getoption("target"),
            out=config.getoption("out"),
            plan=config.getoption("plan"),
            seed=config.getoption("seed"),
            fuzz=config.getoption("fuzz"),
            strict=config.getoption("strict_should"),
            select=config.getoption("keyword"),
        )
        config.stash[SUITE] = Suite.prepare(options)
    except UserError as problem:
        raise pytest.UsageError(str(problem)) from None


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the embedded mock."""
    suite = config.stash.get(SUITE, None)
    if suite is not None:
        suite.close()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One item for each case that the plan runs."""
    suite = metafunc.config.stash[SUITE]
    if "case" in metafunc.fixturenames and not list(metafunc.definition.iter_markers("parametrize")):
        source = getattr(metafunc.function, "cases", None)
        cases = source(suite) if source else suite.cases
        metafunc.parametrize("case", [pytest.param(case, id=case.id, marks=pytest.mark.case(case)) for case in cases])


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let -k select by clause, family and subject as well as by case."""
    case = case_of(item)
    if case is not None:
        clause = item.config.stash[SUITE].contract.clauses[case.clause]
        item.extra_keyword_matches.update({case.id, case.clause, case.family, clause.subject, clause.rule})


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None]:
    """Families in their order, and what is no case at the end, whatever was selected of the cases."""
    order = config.stash[SUITE].order
    others = [item for item in items if case_of(item) is None]
    items[:] = [item for item in items if case_of(item) is not None]
    yield
    items.sort(key=lambda item: order(case) if (case := case_of(item)) else 0)
    if items:
        items += others


def pytest_collection_finish(session: pytest.Session) -> None:
    """The plan is written before the first request."""
    cases = [case for item in session.items if (case := case_of(item)) is not None]
    session.config.stash[SUITE].plan(cases)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """No case is run where no sound request gets through."""
    suite = session.config.stash[SUITE]
    if not session.testscollected or session.config.option.collectonly:
        return None
    return None if suite.starts() else True


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Verdicts, records and our own exit code."""
    suite = session.config.stash.get(SUITE, None)
    if suite is not None and not session.config.option.collectonly:
        session.exitstatus = suite.finish()


def case_of(item: pytest.Item) -> Case | None:
    """What an item tests, None for an item that is no case."""
    marker = item.get_closest_marker("case")
    return marker.args[0] if marker else None


def sequence(
    id_: str,
    clause: str,
    *,
    family: str = "sequences",
    where: dict[str, tuple[str, ...]] | None = None,
    needs: tuple[str, ...] = (),
    plan: str = "quick",
    requests: Callable[[Target], int] = lambda _target: 1,
) -> Callable[[Callable[..., CaseResult]], Callable[..., None]]:
    """A case that data cannot say: the function (run, case, branch) plays it and returns what it earned."""

    def decorate(play: Callable[..., CaseResult]) -> Callable[..., None]:
        expected = Expected("sequence", clause)
        planned = Case(id_, clause, family, expected, where or {}, needs=needs, plan=plan, play=play, requests=requests)

        def test(case: Case, suite: Suite) -> None:
            report(suite, case)

        test.cases = lambda suite: suite.chosen([planned])  # type: ignore[attr-defined]
        test.__doc__ = play.__doc__
        return test

    return decorate


@pytest.fixture(scope="session")
def suite(pytestconfig: pytest.Config) -> Suite:
    """The suite that all cases share."""
    return pytestconfig.stash[SUITE]


def report(suite: Suite, case: Case) -> None:
    """Settle a case and tell pytest what it earned; a finding has no traceback."""
    __tracebackhide__ = True
    result = suite.settle(case)
    if result is None:
        # No verdict yet: the records wait for test_repeated_later, and count the case as not run without it.
        pytest.skip("the target was busy; repeated at the end")
    tell(suite, result)


def tell(suite: Suite, result: CaseResult) -> None:
    """Pass, fail or skip as the result says."""
    __tracebackhide__ = True
    text = suite.explain(result)
    if result.verdict in (Verdict.FAIL, Verdict.HARNESS):
        pytest.fail(text, pytrace=False)
    if result.verdict in _SKIPPED:
        pytest.skip(text)  # for people: verdict and exit code come from the records, where a skip is no pass
