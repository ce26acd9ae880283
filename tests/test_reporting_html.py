"""The page is one file that says the verdict first and runs nothing that a target sent."""

import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from test_reporting_sample import (
    broken,
    broken_exchanges,
    case,
    changed,
    clause,
    conformant,
    exchange,
    hostile,
    killed,
    one_cause,
    result,
    untestable,
    warned,
    write,
)

from biztoken.reporting import render

VOID = {"meta", "input", "br", "img", "link", "rect"}


class Page(HTMLParser):
    """The elements of a page: every start tag, the ids, the text, and whether all are closed."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.wrong, self.text = [], [], [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data):
        if self.open and self.open[-1] not in {"script", "style"}:
            self.text += data

    def ids(self):
        """Every id, as often as it is there."""
        return [attrs["id"] for _, attrs in self.tags if "id" in attrs]


@pytest.fixture
def page(tmp_path):
    """Render a result and parse its page."""

    def make(whole, exchanges=(), lang="en"):
        write(tmp_path, whole, exchanges)
        render(tmp_path, lang)
        return Page((tmp_path / "index.html").read_text("utf-8"))

    return make


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize(
    "whole",
    [conformant(), broken(), one_cause(), untestable(), warned(strict=True), warned(strict=False), hostile()[0]],
)
def test_page_is_well_formed(page, whole, lang):
    """Every element is closed, every id is there once, every link within the page has its goal."""
    made = page(whole, broken_exchanges(), lang)
    ids = made.ids()

    assert made.wrong == []
    assert made.open == []
    assert len(ids) == len(set(ids))
    goals = {attrs["href"][1:] for tag, attrs in made.tags if tag == "a"}
    goals |= {attrs["for"] for tag, attrs in made.tags if tag == "label" and "for" in attrs}
    assert goals <= set(ids)


@pytest.mark.parametrize("whole", [hostile(), (broken(), broken_exchanges())], ids=["hostile", "broken"])
def test_page_loads_nothing(page, tmp_path, whole):
    """No element, style or script fetches anything, and the page forbids it besides."""
    made = page(*whole)
    text = (tmp_path / "index.html").read_text("utf-8")

    assert not {tag for tag, _ in made.tags} & {"link", "img", "iframe", "object", "embed", "base", "form", "video"}
    assert not [attrs for _, attrs in made.tags if set(attrs) & {"src", "srcset", "action", "background", "style"}]
    assert all(attrs["href"].startswith("#") for _, attrs in made.tags if "href" in attrs)
    ours = text.partition("</style>")[0] + text.rpartition("<script>")[2]
    assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest|import\(", ours)
    assert "default-src 'none'" in text


def test_only_our_script_runs(page):
    """What the target sent is text: one script, no event attributes."""
    made = page(*hostile())

    assert [tag for tag, _ in made.tags].count("script") == 1
    assert not [name for _, attrs in made.tags for name in attrs if name.startswith("on")]
    assert "<script>alert(1)</script>" in made.text
    assert "{{ 7*7 }}" in made.text


def test_control_characters_are_shown_not_sent(page, tmp_path):
    """No control or reordering character reaches the reader's screen."""
    page(*hostile())
    text = (tmp_path / "index.html").read_text("utf-8")

    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", text)
    assert "␛[31m" in text
    assert "⟨U+202E⟩" in text
    assert len(text) < 300_000


def test_verdict_comes_first_in_both_languages(page):
    """The first heading is the verdict sentence, each language in an element of its own."""
    made = page(broken(), broken_exchanges())

    head = made.text.index("Not conformant: 1 MUST clause broken")
    assert head < made.text.index("不符合契约：违反 1 条 MUST 条款") < made.text.index("Expected")


@pytest.mark.parametrize(("lang", "tag"), [("en", "en"), ("zh", "zh-Hans")])
def test_page_opens_in_the_language_asked_for(page, lang, tag):
    """The switch stands on the language of the run; without JavaScript it still switches."""
    made = page(conformant(), lang=lang)
    checked = [
        attrs["id"]
        for name, attrs in made.tags
        if name == "input" and attrs.get("type") == "radio" and "checked" in attrs
    ]

    assert checked == [f"lang-{lang}"]
    assert made.tags[0] == ("html", {"lang": tag})


def test_both_languages_say_as_much(page):
    """Every English piece has its Chinese one beside it."""
    made = page(*hostile())
    spans = [attrs.get("class") for tag, attrs in made.tags if tag == "span"]

    assert spans.count("en") == spans.count("zh") > 50


def test_finding_reads_alone(page):
    """Clause, sentence, expected, received, difference, request, reply, curl and how to repeat are in one place."""
    text = page(broken(), broken_exchanges()).text
    card = text[text.index("Each stands alone") : text.index("In the order of the contract")]

    for part in (
        "UUID-LENGTH",
        "What UUID-LENGTH says.",
        "400 BAD_ARGUMENTS: uuid",
        "200 with a biz_token",
        "uuid is 129 bytes of UTF-8 instead of 12",
        "好" * 43,
        "200 OK",
        '"biz_token": "1719822,c-d"',
        'curl -sS -i -F sign="$(biztoken sign)"',
        "biztoken check --target staging.yaml --plan core --select uuid-129-bytes --fuzz 0 --seed 20260701",
    ):
        assert part in card


def test_field_that_differs_from_the_control_is_marked(page):
    """The one difference is visible in the request."""
    made = page(broken(), broken_exchanges())

    assert ("tr", {"class": "changed"}) in made.tags
    assert [attrs for tag, attrs in made.tags if tag == "tr" and attrs.get("class") in {"added", "removed"}] == []


def test_field_left_out_is_shown_where_it_was(page):
    """A missing field is part of what the reader sees."""
    made = page(broken(), [exchange(1, "uuid-129-bytes", "control"), exchange(2, "x", form=changed(uuid=None))])

    assert ("tr", {"class": "removed"}) in made.tags


def test_one_cause_is_said_once_and_first(page):
    """A mistake that breaks many clauses comes before the others, which are grouped beneath it."""
    made = page(one_cause(), broken_exchanges())
    text = made.text

    assert text.count("Errors are told with status 200.") == 1
    assert text.index("Errors are told with status 200.") < text.index("ROW-5-STATUS", text.index("Expected"))
    assert next(attrs for _, attrs in made.tags if attrs.get("class") == "card fail")["id"] == "fail-1-ROW-0-STATUS"
    assert len([attrs for tag, attrs in made.tags if attrs.get("class") == "also"]) == 5


def test_warnings_stand_apart_unless_strict(page):
    """A broken SHOULD is a warning; in a strict run it is a failure."""
    assert "Warnings" in page(warned(strict=False)).text
    strict = page(warned(strict=True)).text
    assert "Warnings" not in strict
    assert "1 SHOULD clause broken in a strict run" in strict


def test_untestable_clauses_are_grouped_by_what_they_need(page):
    """One reason is told once, with the clauses that wait for it."""
    made = page(untestable())

    assert made.text.count("2 clauses") == 1
    assert "The target file has no keys.discontinued; add it with api_key and api_secret." in made.text


def test_killed_run_is_plainly_incomplete(tmp_path):
    """The banner says so before anything else is told, and findings so far are there."""
    render(killed(tmp_path), "en")
    made = Page((tmp_path / "index.html").read_text("utf-8"))

    assert ("div", {"class": "banner", "role": "alert"}) in made.tags
    assert made.text.index("This run is incomplete.") < made.text.index("Expected")
    assert "2 of 4 cases ran before it ended" in made.text
    assert "200 with a biz_token" in made.text


def test_run_without_verdict_says_why(page):
    """No verdict is never shown as a pass."""
    why = {"en": "No sound control got 200.", "zh": "没有任何对照请求得到 200。"}
    made = page(
        result("no-verdict", [clause("A", "HARNESS", reason=why)], [case("a", "A", "HARNESS", reason=why)], reason=why)
    )

    assert ("body", {"class": "is-no-verdict"}) in made.tags
    assert "No verdict: no sound control got 200" in made.text.replace("No sound", "no sound")
    assert ("div", {"class": "banner", "role": "alert"}) not in made.tags  # the head says it, and once is enough


def test_other_kinds_of_run_have_a_page(page):
    """A record without clauses and cases still tells its verdict and how to repeat it."""
    made = page(result("conformant") | {"kind": "drill"})

    assert "biztoken drill" in made.text
    assert made.wrong == []


def test_facts_of_the_run_are_there(page):
    """Seed, versions, options, target, requests and duration stand at the end."""
    text = page(conformant()).text

    for fact in ("20260701", "0.1.0", "4.32.5", "staging.yaml", "14.2 s", "2026-07-01 08:30:11 UTC", "Linux"):
        assert fact in text


def test_headings_go_down_one_by_one(page):
    """A reader with a screen reader meets no gap between headings."""
    levels = [int(tag[1]) for tag, _ in page(one_cause(), broken_exchanges()).tags if re.fullmatch("h[1-6]", tag)]

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def luminance(colour):
    """Relative luminance by WCAG."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_colours_have_contrast(page, tmp_path, scheme):
    """Text stands 4.5:1 or better on what is behind it, in light and in dark."""
    page(conformant())
    text = (tmp_path / "index.html").read_text("utf-8")
    colours = dict(
        re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", re.findall(r":root \{(.*?)\}", text, re.DOTALL)[scheme])
    )
    full = {name: "#" + "".join(c * 2 for c in code[1:]) if len(code) == 4 else code for name, code in colours.items()}
    pairs = [(name, behind) for name in ("ink", "muted", "link") for behind in ("ground", "paper", "code")]
    pairs += [(name.removesuffix("-bg"), name) for name in full if name.endswith("-bg")]
    pairs += [(name.removesuffix("-bg"), "paper") for name in full if name.endswith("-bg")]

    for ink, behind in pairs:
        light, dark = sorted((luminance(full[ink]), luminance(full[behind])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, behind)
