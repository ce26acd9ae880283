"""Cases that pytest collected once, run again without it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from biztoken import check
from biztoken import contract as contracts
from biztoken.check import play, play_again
from biztoken.embedded import EmbeddedMock
from biztoken.errors import UserError
from biztoken.model import Json
from biztoken.pictures import Pictures
from biztoken.suite import Options, Suite

CONTRACT = contracts.load()
FAULT = "uuid-129-bytes-accepted"


def run(directory: Path, way: Callable[[Suite], object], fault: str = FAULT) -> Suite:
    """A run of the quick plan against a fault, in one way or the other."""
    directory.mkdir()
    mock = EmbeddedMock(rack=True)
    target = mock.target()
    target = replace(target, url=target.url.replace("/faceid", f"/{fault}/faceid"))
    # Bursts and scores of pictures may be untestable on a busy machine, and say nothing of how cases are run.
    options = Options(out=directory, plan="quick", fuzz=0, select="not concurrency and not sequences")
    suite = Suite(options, CONTRACT, target, directory, pictures=Pictures(seed=0), is_rehearsed=True)
    try:
        way(suite)
    finally:
        suite.close()
        mock.close()
    return suite


def told(result: Json) -> Json:
    """What a result says of the target, without times and numbers of exchanges."""
    rows = [(row["id"], row["verdict"], [found["received"] for found in row["findings"]]) for row in result["clauses"]]
    return {"clauses": rows} | {name: result[name] for name in ("exit_code", "complete", "planned", "executed")}


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    """A run that pytest led."""
    return run(tmp_path_factory.mktemp("once") / "run", play)


def test_cases_run_again_earn_what_they_earned(collected: Suite, tmp_path: Path) -> None:
    """The result is that of the run by pytest, finding by finding."""
    again = run(tmp_path / "run", lambda suite: play_again(suite, collected.planned))

    assert collected.result["exit_code"] == 1
    assert told(again.result) == told(collected.result)


def test_cases_run_again_find_another_fault(collected: Suite, tmp_path: Path) -> None:
    """What a case found before does not stay with it."""
    again = run(tmp_path / "run", lambda suite: play_again(suite, collected.planned), fault="biz-no-129-bytes-accepted")

    broken = [row["id"] for row in again.result["clauses"] if row["verdict"] == "FAIL"]
    assert broken == ["BIZ-NO-LENGTH"]


def test_no_case_is_run_again_where_no_request_gets_through(collected: Suite, tmp_path: Path) -> None:
    """A target that serves nothing earns nothing."""

    def gone(suite: Suite) -> None:
        suite.run.client.url = lambda path=None: "http://127.0.0.1/none"  # type: ignore[method-assign]
        play_again(suite, collected.planned)

    again = run(tmp_path / "run", gone)

    assert again.problem is not None
    assert again.result["complete"] is False
    assert not again.result["executed"]


def test_a_module_that_pytest_cannot_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A suite of which a part is missing gives no verdict."""
    (tmp_path / "test_broken.py").write_text("import nothing_of_that_name\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -p biztoken.pytest_plugin --import-mode=importlib\n")
    monkeypatch.setattr(check, "bundled", lambda _name: tmp_path)

    with pytest.raises(UserError, match="conformance: it did not run"):
        run(tmp_path / "run", check.play)

    assert "nothing_of_that_name" in capsys.readouterr().err
