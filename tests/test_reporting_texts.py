"""Both languages of the reports say everything."""

import re
from pathlib import Path
from string import Formatter

import pytest
from test_reporting_realistic import CLAUSES

from biztoken import reporting
from biztoken.model import Verdict
from biztoken.reporting.texts import LANGUAGES, both, in_language, phrases, say, section_name

KEYS = [key for key in phrases() if key != "sections"]


def placeholders(text):
    """The names a phrase has filled in."""
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def variants(text):
    """A phrase as the list of its forms."""
    return [text] if isinstance(text, str) else list(text.values())


@pytest.mark.parametrize("key", KEYS)
def test_phrase_is_complete_in_both_languages(key):
    """Every phrase has English and Chinese, neither is empty, and nothing else is there."""
    assert set(phrases()[key]) == set(LANGUAGES)
    assert all(
        text.strip(" ,;，；、") or key.startswith(("list.", "sentence.and")) for text in variants(phrases()[key]["zh"])
    )
    assert all(variants(phrases()[key]["en"]))


@pytest.mark.parametrize("key", KEYS)
def test_phrase_has_the_same_placeholders_in_both_languages(key):
    """A number or name told in one language is told in the other; only `one` may spell its number out."""
    english, chinese = phrases()[key]["en"], phrases()[key]["zh"]
    plural = english if isinstance(english, str) else english["other"]

    assert placeholders(plural) == placeholders(chinese)
    if not isinstance(english, str):
        assert set(english) == {"one", "other"}
        assert placeholders(english["one"]) | {"n"} == placeholders(plural) | {"n"}


@pytest.mark.parametrize("key", KEYS)
def test_chinese_is_written_as_chinese(key):
    """Chinese phrases use Chinese punctuation and are no copies of the English."""
    chinese = phrases()[key]["zh"]

    assert not re.search(r"[\u4e00-\u9fff][,;:?!(]|[,;:?!)][\u4e00-\u9fff]", chinese)
    if re.search(r"[a-z]{3}", re.sub(r"\{\w+\}", "", "".join(variants(phrases()[key]["en"])))) and key != "run.url":
        assert re.search(r"[\u4e00-\u9fff]", chinese)


def test_every_verdict_has_a_name():
    """No verdict of the model is without a word for it."""
    assert all(both(f"verdict.{verdict}") for verdict in (*Verdict, "EXCLUDED", "CLIENT"))


def test_number_decides_the_form():
    """English tells one thing from several."""
    assert say("contract.cases", "en", n=1) == "1 case"
    assert say("contract.cases", "en", n=2) == "2 cases"


def test_every_section_of_the_contract_has_an_english_name():
    """A reader of English meets no heading that is only Chinese."""
    sections = {row["section"] for row in CLAUSES}

    assert not [name for name in sections if re.search(r"[\u4e00-\u9fff]", section_name(name, "en"))]


def test_unknown_section_stays_as_it_is():
    """A heading from a later contract is shown, not dropped."""
    assert section_name("新章节 x", "en") == "新章节 x"


@pytest.mark.parametrize(
    ("text", "shown"), [("a", "a"), ({"en": "b", "zh": "乙"}, "乙"), (None, ""), ({"en": "c"}, "c")]
)
def test_text_of_a_record_is_told_in_the_readers_language(text, shown):
    """Records may hold a text once or in both languages."""
    assert in_language(text, "zh") == shown


def test_every_phrase_is_used():
    """A phrase that nothing says is removed."""
    root = Path(reporting.__file__).parent
    sources = "".join(path.read_text("utf-8") for path in [*root.glob("*.py"), *root.glob("templates/*")])
    built = ("verdict.", "sentence.of.", "run.scope.")
    built += ("finding.expected", "finding.received", "finding.difference", "finding.case")
    built += ("exchange.changed", "exchange.added", "exchange.removed")
    built += ("certificate.state.", "certificate.suite", "certificate.run")
    built += ("waivers.", "since.", "compare.verdict.", "precedence.")
    built += ("prove.sentence.survived", "prove.sentence.alarmed", "prove.sentence.failed")
    built += ("prove.outcome.", "prove.grid.", "prove.show.")
    built += ("picture.", "load.key.", "load.checks.", "load.outcomes.", "load.steps.", "load.drift.", "load.stage.")
    built += (
        "load.generator.",
        "load.model.",
        "load.doubt.",
        "limit.kind.",
        "limit.bar.",
        "limit.burst.",
        "limit.purpose.",
        "badge.",
    )

    unused = [key for key in KEYS if not re.search(rf"""["']{re.escape(key)}["']""", sources)]

    assert [key for key in unused if not key.startswith(built)] == []
