"""A leak in whatever a run leaves or prints ends it without a verdict, and its records say so."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Cli

from biztoken.errors import UserError
from biztoken.limit import session
from biztoken.limit.session import find_limit
from biztoken.load import leading
from biztoken.load.command import load
from biztoken.load.options import Options as LoadOptions
from biztoken.suite import _RECORDS

SECRET = "demo-secret-of-active"
COMMANDS = ("load", "limit")


def begun(command: str, url: str, cli: Cli, out: Path) -> int:
    """A short run in this process."""
    if command == "load":
        return load(LoadOptions(target=cli.target(url), profile="smoke", seconds=1, out=out))
    return find_limit(session.Options(target=cli.target(url), most=2, out=out))


@pytest.fixture
def spoil(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Make the reports of a command hold its secret in a file, or its console."""

    def put(command: str, place: str) -> None:
        module = leading if command == "load" else session
        real = leading.render
        if place == "console":
            monkeypatch.setattr(module, "render", lambda *given: (sys.stdout.write(SECRET), real(*given)))
            return

        def render(directory: Path, lang: str) -> None:
            real(directory, lang)
            (directory / place).write_text(SECRET, "utf-8")

        monkeypatch.setattr(module, "render", render)

    return put


@pytest.mark.parametrize("place", ["console", "badge.svg", "junit.xml"])
@pytest.mark.parametrize("command", COMMANDS)
def test_leak_leaves_every_record_red(
    cli: Cli, plain_mock: str, tmp_path: Path, spoil: Callable[[str, str], None], command: str, place: str
) -> None:
    """Result, junit and page say that there is no verdict and name the place, whatever the run came to before."""
    spoil(command, place)

    with pytest.raises(UserError, match=f"something private was written: .* in {place}"):
        begun(command, plain_mock, cli, tmp_path)

    result = json.loads((tmp_path / "result.json").read_text("utf-8"))
    assert (result["verdict"], result["exit_code"]) == ("no-verdict", 2)
    assert place in result["reason"]["en"]
    assert place in result["reason"]["zh"]
    assert "something private was written" in (tmp_path / "index.html").read_text("utf-8")
    assert "something private was written" in (tmp_path / "summary.md").read_text("utf-8").splitlines()[0]
    if place != "junit.xml":
        assert "<error" in (tmp_path / "junit.xml").read_text("utf-8")


def test_every_file_of_a_run_is_searched(cli: Cli, plain_mock: str, tmp_path: Path) -> None:
    """What check and load leave is what they search; limit searches as check does."""
    check = cli.check("--target", cli.target(plain_mock), "--plan", "quick", "--select", "SIGN-KEY")
    begun("load", plain_mock, cli, tmp_path / "load")
    begun("limit", plain_mock, cli, tmp_path / "limit")

    assert {path.name for path in check.directory.iterdir()} <= set(_RECORDS)
    assert {path.name for path in (tmp_path / "load").iterdir()} <= set(leading.RECORDS)
    assert {path.name for path in (tmp_path / "limit").iterdir()} <= set(_RECORDS)
