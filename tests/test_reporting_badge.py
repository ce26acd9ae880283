"""The badge tells the verdict in two words and a colour."""

import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest
from test_reporting_sample import broken, clause, conformant, result

from biztoken.reporting.badge import badge, svg
from biztoken.reporting.texts import LANGUAGES

VERDICTS = {
    "conformant": ("conformant", "符合契约", "green"),
    "not-conformant": ("not conformant", "不符合契约", "red"),
    "no-verdict": ("no verdict", "无法得出结论", "lightgrey"),
    "incomplete": ("incomplete", "运行不完整", "yellow"),
}
NAMED = {"brightgreen", "green", "yellowgreen", "yellow", "orange", "red", "blue", "lightgrey"}  # of shields.io
SPACE = "{http://www.w3.org/2000/svg}"


def drawn(told):
    """The drawing, read as XML."""
    return ET.fromstring(svg(told))


@pytest.mark.parametrize("verdict", VERDICTS)
def test_each_verdict_has_its_words_and_its_colour(verdict):
    """In both languages a run without clauses tells its verdict and nothing else."""
    en, zh, colour = VERDICTS[verdict]

    told = {lang: badge(result(verdict), lang) for lang in LANGUAGES}

    assert told["en"] == {"schemaVersion": 1, "label": "get_biz_token", "message": en, "color": colour}
    assert told["zh"] == told["en"] | {"message": zh}
    assert colour in NAMED


def test_a_conformant_run_tells_how_much_it_rests_on():
    """Kept MUST clauses of all that count: an untested one is missed, an excluded or other clause is not counted."""
    whole = [clause("A"), clause("B")]
    others = [clause("C", "OBSERVED", "OBSERVE"), clause("D", "WARN", "SHOULD"), clause("E", "NOT_APPLICABLE")]
    excluded = clause("F", "NOT_APPLICABLE", excluded={"en": "why", "zh": "原因"})

    assert badge(result(clauses=[*whole, *others, excluded]), "en")["message"] == "conformant 2/2"
    assert badge(result(clauses=[*whole, clause("G", "NOT_RUN"), clause("H", "WAIVED")]), "zh")["message"] == (
        "符合契约 2/4"
    )


def test_only_a_conformant_run_tells_a_number():
    """What fails or is not known is no share of anything."""
    assert badge(broken(), "en")["message"] == "not conformant"
    assert badge(result("incomplete", [clause("A"), clause("B", "NOT_RUN")]), "en")["message"] == "incomplete"


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("verdict", VERDICTS)
def test_the_drawing_is_whole_and_alone(verdict, lang):
    """It says both texts, also to who cannot see it, and loads nothing."""
    told = badge(result(verdict), lang)

    root = drawn(told)

    name = f"{told['label']}: {told['message']}"
    assert root.get("aria-label") == root.findtext(f"{SPACE}title") == name
    assert [text.text for text in root.iter(f"{SPACE}text")] == [told["label"], told["message"]]
    assert not re.search(r"href|@import|<style|<script|<image", svg(told))
    assert len(svg(told).encode("utf-8")) < 1500


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("verdict", VERDICTS)
def test_every_text_stays_in_its_field(verdict, lang):
    """The fields stand side by side, fill the drawing, and each has its text within it."""
    root = drawn(badge(result(verdict, [clause("A")]), lang))
    fields = list(root.find(f"{SPACE}g"))
    texts = list(root.iter(f"{SPACE}text"))
    edges = [*(int(field.get("x", "0")) for field in fields), int(root.get("width"))]

    for (left, right), text in zip(pairwise(edges), texts, strict=True):
        start = int(text.get("x"))
        assert left < start
        assert start + int(text.get("textLength")) < right
    assert [int(field.get("width")) for field in fields] == [right - left for left, right in pairwise(edges)]


def test_ideographs_get_more_room_than_letters():
    """Four ideographs are wider than four letters."""
    narrow = {"schemaVersion": 1, "label": "label", "message": "abcd", "color": "green"}

    widths = [int(drawn(narrow | {"message": text}).get("width")) for text in ("iiii", "abcd", "mmmm", "符合契约")]

    assert widths == sorted(set(widths))


def test_colours_differ_and_their_texts_can_be_read():
    """No two verdicts look alike, and text and ground are 4.5 to 1 apart, as WCAG asks."""
    grounds = set()
    for verdict in VERDICTS:
        root = drawn(badge(result(verdict), "en"))
        for field, text in zip(root.find(f"{SPACE}g"), root.iter(f"{SPACE}text"), strict=True):
            light, dark = sorted((luminance(field.get("fill")), luminance(text.get("fill"))), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5
        grounds.add(field.get("fill"))

    assert len(grounds) == len(VERDICTS)


def luminance(colour):
    """The relative luminance of #rgb or #rrggbb."""
    digits = colour.removeprefix("#")
    whole = digits if len(digits) == 6 else "".join(2 * digit for digit in digits)
    parts = [int(whole[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_markup_in_a_text_stays_text():
    """A text is escaped, in attributes, too."""
    hostile = "<b>\"&'</b>"
    told = badge(conformant(), "en") | {"message": hostile}

    assert drawn(told).get("aria-label") == f"get_biz_token: {hostile}"
