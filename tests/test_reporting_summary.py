"""summary.md fits the step summary of a CI job."""

import re

import pytest
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

from biztoken.reporting import render


@pytest.fixture
def summary(tmp_path):
    """Render a result and read its summary.md."""

    def make(whole, exchanges=(), lang="en"):
        render(write(tmp_path, whole, exchanges), lang)
        return (tmp_path / "summary.md").read_text("utf-8")

    return make


def test_verdict_is_the_heading(summary):
    """The first line says it all."""
    assert summary(conformant()).startswith("## ✅ Conformant in all 2 MUST clauses\n")
    assert summary(broken(), lang="zh").startswith("## ❌ 不符合契约：违反 1 条 MUST 条款（UUID-LENGTH）\n")


def test_broken_clauses_are_a_table(summary):
    """Each row has the clause, expected, received and the difference."""
    text = summary(broken(), broken_exchanges())

    assert (
        "| **UUID-LENGTH**<br>What UUID-LENGTH says. | `400 BAD_ARGUMENTS: uuid` | `200 with a biz_token` "
        "| uuid is 129 bytes of UTF-8 instead of 12 |"
    ) in text


def test_long_lists_end(summary):
    """Hundreds of broken clauses make a short summary that says how many more there are."""
    text = summary(one_cause(300))

    assert "and 276 more in index.html" in text
    assert text.count("Errors are told with status 200.") == 1
    assert len(text) < 12_000


def test_untestable_clauses_say_what_they_need(summary):
    """The way to provide it is told once."""
    text = summary(untestable())

    assert (
        "- The target file has no keys.discontinued; add it with api_key and api_secret. (API-KEY-A, API-KEY-B)" in text
    )
    assert "| MUST | 1 | 2 |" in text


def test_warnings_are_told_apart(summary):
    """A warning is no broken clause."""
    text = summary(warned(strict=False))

    assert "### Warnings" in text
    assert "### Broken clauses" not in text


def test_killed_run_is_incomplete(tmp_path):
    """An interrupted job shows no check mark."""
    render(killed(tmp_path), "en")

    assert (tmp_path / "summary.md").read_text("utf-8").startswith("## ⚠️ Incomplete: 2 of 4 cases ran; so far 1 MUST")


def test_run_can_be_repeated_from_the_summary(summary):
    """The command is there."""
    assert "Run it again: `biztoken check --target staging.yaml --plan core --fuzz 0 --seed 20260701`" in summary(
        conformant()
    )


def test_hostile_text_does_nothing_in_markdown(summary):
    """No element outside code, and no cell is broken open."""
    text = summary(*hostile())
    bare = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", text)

    assert not re.search(r"(?<!\\)<(?!br>)", bare)
    (row,) = re.findall(r"^\| \*\*UUID-LENGTH.*", text, re.MULTILINE)
    assert len(re.findall(r"(?<!\\)\|", row)) == 5
    assert len(text) < 20_000


def test_bars_do_not_end_a_cell(summary):
    """A bar in what was received stays in its cell."""
    whole = broken()
    whole["clauses"][0]["findings"][0]["received"] = "INVALID_IMAGE_SIZE(image|image_ref1) `x` _y_"

    assert r"`` INVALID_IMAGE_SIZE(image\|image_ref1) `x` _y_ ``" in summary(whole) or (
        r"``INVALID_IMAGE_SIZE(image\|image_ref1) `x` _y_``" in summary(whole)
    )
