"""Which of two defects was told, as reports show it in both languages."""

from __future__ import annotations

import pytest
from test_reporting_html import Page
from test_reporting_sample import HOSTILE, conformant, write

from biztoken.precedence import pair, precedence_map
from biztoken.reporting import render
from biztoken.reporting.texts import in_language

STEADY = [pair("sign", "missing", ["sign"] * 2), pair("missing", "face", ["missing"] * 2)]
CHANCE = pair("sign", "value", ["sign", "value"])
OTHER = pair("picture", "face", ["other", "other"])
CIRCLE = [*STEADY, pair("sign", "face", ["face", "face"])]


@pytest.fixture
def reports(tmp_path):
    """Render a run that saw these pairs: the text of its page in a language, and its summary."""

    def make(pairs, lang="en"):
        whole = conformant() | {"precedence": precedence_map(pairs) if pairs else None}
        render(write(tmp_path, whole), lang)
        return Page((tmp_path / "index.html").read_text("utf-8")), (tmp_path / "summary.md").read_text("utf-8")

    return make


def test_order_is_told_first_to_last(reports):
    """The layers in their order, on the page and in the summary, in the words of a reader."""
    page, summary = reports(STEADY)
    zh = reports(STEADY, "zh")[1]

    assert "wrong signature, then missing parameter, then no face" in summary
    assert "签名错误，然后是缺少参数，然后是图片中没有人脸" in zh
    told = page.text[page.text.rindex("Which of two defects is told") :]
    places = [told.index(words) for words in ("wrong signature", "missing parameter", "no face")]
    assert places == sorted(places)
    assert "签名错误" in told


def test_pairs_that_no_order_explains_are_listed(reports):
    """What was told by chance, and what was neither of the two, is named with what came."""
    page, summary = reports([*STEADY, CHANCE, OTHER])

    for text in (page.text, summary):
        assert "wrong signature and bad value: wrong signature, bad value" in text
        assert "unreadable picture and no face: another error" in text
    assert "签名错误与参数取值错误：签名错误、参数取值错误" in page.text


def test_contradiction_is_told_pair_by_pair(reports):
    """Where no order agrees with the pairs they are all shown."""
    page, summary = reports(CIRCLE)

    for text in (page.text, summary):
        assert "No order agrees with all pairs." in text
        assert "no face before wrong signature" in text


def test_run_without_pairs_says_nothing_of_them(reports):
    """No heading without a map."""
    page, summary = reports([])

    assert "Which of two" not in page.text + summary


def test_hostile_kind_does_nothing(reports, tmp_path):
    """A kind that is not known is shown as it is, as text."""
    _, summary = reports([pair(HOSTILE, "face", ["face", HOSTILE])])

    assert "<script>alert" not in (tmp_path / "index.html").read_text("utf-8") + summary


def test_observed_pair_reads_in_chinese():
    """What is observed of a pair is no English on the Chinese page."""
    assert in_language("sign and expired: sign or expired", "zh") == "签名错误与签名过期：签名错误、签名过期"
    assert in_language("sign and missing: no reply", "zh") == "签名错误与缺少参数：没有应答"
