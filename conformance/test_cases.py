"""Every case that data can say: its control, its one defect, and what must follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from biztoken.pytest_plugin import report, tell

if TYPE_CHECKING:
    from biztoken.cases import Case
    from biztoken.suite import Suite


def test_case(case: Case, suite: Suite) -> None:
    """A sound request with one difference earns what the contract says."""
    report(suite, case)


def test_repeated_later(suite: Suite) -> None:
    """What the target's load or quota put off is repeated at the end."""
    for result in suite.settle_later():
        tell(suite, result)
