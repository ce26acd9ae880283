"""A mistake of this program ends a command with exit 2, in one sentence, and never as a finding."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from biztoken.cli import Commands


@click.group(cls=Commands)
def main() -> None:
    """Stands for the command."""


@main.command()
def fail() -> None:
    """Fail as a program does that has a mistake."""
    raise KeyError("a text of the target's")


@main.command()
def leave() -> None:
    """End as click ends."""
    click.get_current_context().exit(3)


@main.command()
def complain() -> None:
    """Complain as click complains."""
    raise click.UsageError("no such thing")


def test_own_mistake_is_no_finding():
    """The sentence says whose mistake it was and where the traceback is, which leaves out what the exception says."""
    done = CliRunner().invoke(main, ["fail"])

    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("biztoken: this program failed (KeyError), which says nothing of the target")
    assert "a text of" not in line
    path = Path(line.rpartition(" ")[2])
    try:
        assert path.stat().st_mode & 0o077 == 0
        kept = path.read_text("utf-8")
        assert kept.endswith("KeyError\n")
        assert "in fail" in kept
        assert kept.count("a text of") == 1  # the line of this program, and not what the exception says
    finally:
        path.unlink()


@pytest.mark.parametrize(("command", "code"), [("leave", 3), ("complain", 2)])
def test_ends_of_click_stay_as_they_are(command, code):
    """What click itself raises is no mistake of ours."""
    done = CliRunner().invoke(main, [command])

    assert (done.exit_code, "this program failed" in done.stderr) == (code, False)
