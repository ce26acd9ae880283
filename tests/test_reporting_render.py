"""render writes three reports, or says in one sentence why not."""

import ast
import os
from pathlib import Path

import pytest
from test_reporting_sample import broken, broken_exchanges, conformant, killed, write

from biztoken import reporting
from biztoken.errors import UserError
from biztoken.reporting import render

PAGES = ("index.html", "summary.md", "junit.xml")


def test_reports_are_written(tmp_path):
    """The page, the summary, the test results and the badge stand beside the records, and nothing else."""
    write(tmp_path, broken(), broken_exchanges())
    before = {path.name for path in tmp_path.iterdir()}

    render(tmp_path, "en")

    assert {path.name for path in tmp_path.iterdir()} - before == {*PAGES, "badge.json", "badge.svg"}


def test_run_is_rendered_from_its_result_alone(tmp_path):
    """Evidence that was lost costs the exchanges, not the report."""
    write(tmp_path, broken())
    (tmp_path / "evidence.ndjson").unlink()
    (tmp_path / "plan.json").unlink()

    render(tmp_path, "en")

    assert "The record of this exchange was lost." in (tmp_path / "index.html").read_text("utf-8")


def test_directory_that_is_no_run_is_refused(tmp_path):
    """A wrong directory is the user's mistake, told with what to do."""
    with pytest.raises(UserError, match=r"holds no result\.json"):
        render(tmp_path, "en")
    with pytest.raises(UserError, match=r"holds no result\.json"):
        render(tmp_path / "absent", "en")


def test_report_that_cannot_be_written_is_told(tmp_path):
    """What cannot be written is told by its name; a directory in its place stops root, too."""
    write(tmp_path, conformant())
    (tmp_path / "index.html").mkdir()

    with pytest.raises(UserError, match=r"index\.html: cannot be written"):
        render(tmp_path, "en")


def test_disk_that_is_full_is_told(tmp_path, monkeypatch):
    """No traceback where the report cannot be written."""
    write(tmp_path, conformant())

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(UserError, match="No space left on device"):
        render(tmp_path, "en")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_killed_run_renders_in_both_languages(tmp_path, lang):
    """What a kill leaves is always readable."""
    render(killed(tmp_path), lang)

    assert (tmp_path / "index.html").stat().st_size > 10_000


def test_reports_know_only_records():
    """Nothing of the package but errors, model and reporting itself is imported, so that old runs render."""
    for path in Path(reporting.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                is_ours = name.split(".")[0] == "biztoken"
                assert not is_ours or name.startswith(("biztoken.errors", "biztoken.model", "biztoken.reporting")), path
