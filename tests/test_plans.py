"""What each plan shows is what the documents say."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Ahead, Cli, Outcome

from biztoken.cases import PLANS

DOCS = Path(__file__).resolve().parents[1] / "docs"
TABLES = {"report.md": r"(\d+) of (\d+)", "report.zh.md": r"(\d+) / (\d+)"}


@pytest.fixture(scope="module")
def runs(ahead: Ahead, cli: Cli) -> Callable[[str], Outcome]:
    """A run of each plan on the embedded mock, which has every key; what fuzzing shows, other requests show too."""
    return ahead(lambda plan: cli.check("--plan", plan, "--fuzz", "1" if plan == "full" else "0"))


@pytest.fixture
def run(request: pytest.FixtureRequest, runs: Callable[[str], Outcome]) -> Outcome:
    """The run of a plan."""
    return runs(request.param)


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("run", PLANS, indirect=True)
def test_clauses_that_a_plan_shows_are_documented(run: Outcome, name: str) -> None:
    """The table has, of each plan, how many MUST and SHOULD clauses it keeps of how many that are judged."""
    plan = run.result["plan"]
    row = next(line for line in (DOCS / name).read_text("utf-8").splitlines() if re.match(rf"\| `{plan}` \| \d", line))

    told = [(int(kept), int(judged)) for kept, judged in re.findall(TABLES[name], row)]

    counts = (run.result["counts"][level] for level in ("MUST", "SHOULD"))
    assert told == [(row["PASS"], sum(row.values()) - row.get("EXCLUDED", 0)) for row in counts]
