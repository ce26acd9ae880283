"""The last section of a check says what its verdict rests on, and never more than that."""

import json
import re
from xml.etree import ElementTree as ET

import pytest
from test_reporting_html import Page
from test_reporting_junit import check_structure
from test_reporting_sample import HOSTILE, broken, case, clause, conformant, no_key, result, write

from biztoken.reporting import render
from biztoken.reporting.result import problems
from biztoken.reporting.texts import phrases, say

PROVEN, OTHER = "ab12" * 16, "cd34" * 16
STATES = ["proven", "weak", "part", "changed", "never"]


def suite(**more):
    """What the last proof found."""
    row = {"case_set": PROVEN, "faults": {"planned": 290, "killed": 283, "equivalent": 7, "survived": 0}}
    row |= {"own_clause": 271, "clauses": {"MUST": {"of": 165, "killed": 164}, "SHOULD": {"of": 18, "killed": 17}}}
    row |= {"variations": {"planned": 41, "clean": 41}, "combinations": {"planned": 22, "clean": 22}}
    row |= {"requests": 272800, "seconds": 3840.0, "seed": 5, "date": "2026-07-02T08:30:11Z"}
    return row | {"versions": {"biztoken": "0.2.0", "contract": "1.0.1", "schemathesis": None}} | more


def checked(proof="same", *, cases=PROVEN, **more):
    """A run with some of everything, and its certificate."""
    why = {"en": "It takes effect in the `SDK`.", "zh": "只在 `SDK` 中生效。"}
    clauses = [
        clause("A"),
        clause("B", "FAIL"),
        clause("C", "UNTESTABLE", reason=no_key("denied")),
        clause("D", "HARNESS"),
        clause("E", "NOT_APPLICABLE", excluded=why),
        clause("F", "NOT_APPLICABLE", excluded=why),
        clause("G", "WARN", "SHOULD"),
        clause("H", "NOT_RUN", "SHOULD"),
        clause("I", "NOT_RUN", side="client"),
    ]
    rows = [case("a", "A"), case("d-1", "D", "HARNESS"), case("d-2", "D", "HARNESS")]
    told = {"suite": suite() if proof == "same" else proof, "case_set": cases, "controls": 131}
    return result("not-conformant", clauses, rows, certificate=told) | more


SURVIVED = {"planned": 290, "killed": 282, "equivalent": 7, "survived": 1}
RUNS = {
    "proven": checked(),
    "weak": checked(suite(faults=SURVIVED)),
    "part": checked(cases=OTHER, scope="partial"),
    "changed": checked(cases=OTHER),
    "never": checked(None),
}


@pytest.fixture
def rendered(tmp_path):
    """Render a check and read one of its reports."""

    def make(whole, name, lang="en"):
        render(write(tmp_path, whole), lang)
        return (tmp_path / name).read_text("utf-8")

    return make


def last_section(text):
    """The certificate on a page: its text in both languages."""
    made = Page(text[text.index('<section id="certificate">') : text.index("<footer>")])
    return re.sub(r"\s+", " ", made.text)


@pytest.mark.parametrize("state", STATES)
def test_sample_keeps_the_schema(state):
    """The samples are results as the published schema describes them."""
    assert problems(RUNS[state]) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [(("suite",), {}), (("case_set",), None), (("controls",), -1), (("suite", "faults", "killed"), "all")],
)
def test_schema_refuses_what_is_no_certificate(path, value):
    """A slip of the writer is found by the schema."""
    whole = json.loads(json.dumps(checked()))
    place = whole["certificate"]
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value

    assert problems(whole)


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", ["index.html", "summary.md", "junit.xml"])
@pytest.mark.parametrize("whole", [broken(), broken() | {"certificate": None}])
def test_run_without_a_certificate_renders_without_it(rendered, whole, name, lang):
    """A run of an older version has its reports, and no empty section."""
    text = rendered(whole, name, lang)

    assert not re.search('certificate\\.|id="certificate"|### Certificate|检验证书', text)


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("state", STATES)
def test_state_is_said_plainly(rendered, state, lang):
    """Whether these cases were proven is one sentence, the same everywhere, and the others are absent."""
    sentence = say(f"certificate.state.{state}", lang).replace("`", "")
    page = last_section(rendered(RUNS[state], "index.html", lang))
    summary = rendered(RUNS[state], "summary.md", lang).replace("`", "")

    assert sentence in page
    assert sentence in summary
    for other in set(STATES) - {state}:
        assert say(f"certificate.state.{other}", lang).replace("`", "") not in page + summary
    root = ET.fromstring(rendered(RUNS[state], "junit.xml", lang))
    assert root.find(".//property[@name='certificate.state']").get("value") == state


@pytest.mark.parametrize(
    "more",
    [
        {"faults": SURVIVED},
        {"variations": {"planned": 41, "clean": 40}},
        {"combinations": {"planned": 22, "clean": 0}},
    ],
)
def test_one_survivor_or_alarm_is_no_proof(rendered, more):
    """The same case set is not enough: every fault must be killed and every variation clean."""
    text = rendered(checked(suite(**more)), "junit.xml")

    assert 'name="certificate.state" value="weak"' in text


def test_it_is_the_last_section(rendered):
    """A reader finds it at the end of the page and of the summary."""
    page, summary = rendered(checked(), "index.html"), rendered(checked(), "summary.md")

    assert re.findall(r'<section id="([a-z-]+)"', page)[-1] == "certificate"
    assert 'href="#certificate"' in page
    assert re.findall(r"^### (.+)$", summary, re.MULTILINE)[-1] == "Certificate"


# What the certificate of `checked` has to say: the key of each fact and its value in English and in Chinese.
FACTS = {
    "suite.kill_rate": ("283 of 283 (100 %)", "283 / 283（100%）"),
    "suite.equivalent": ("7", "7"),
    "suite.own_clause": ("271 of 283", "271 / 283"),
    "suite.must": ("164 of 165", "164 / 165"),
    "suite.should": ("17 of 18", "17 / 18"),
    "suite.variations": ("41 of 41", "41 / 41"),
    "suite.combinations": ("22 of 22", "22 / 22"),
    "suite.date": ("2026-07-02 08:30:11", "2026-07-02 08:30:11"),
    "suite.requests": ("272800", "272800"),
    "suite.took": ("1 h 4 min", "1 h 4 min"),
    "suite.seed": ("5", "5"),
    "suite.versions": ("biztoken 0.2.0, contract 1.0.1", "biztoken 0.2.0、contract 1.0.1"),
    "suite.case_set": (PROVEN, PROVEN),
    "run.must": ("2 of 4", "2 / 4"),
    "run.should": ("1 of 2", "1 / 2"),
    "run.controls": ("131", "131"),
    "run.untestable": ("1", "1"),
    "run.excluded": ("2", "2"),
    "run.harness": ("2", "2"),
    "run.seed": ("20260701", "20260701"),
    "run.versions": (
        "biztoken 0.1.0, contract 1.0.1, python 3.12.4, schemathesis 4.32.5",
        "biztoken 0.1.0、contract 1.0.1、python 3.12.4、schemathesis 4.32.5",
    ),
    "run.case_set": (OTHER, OTHER),
}


@pytest.mark.parametrize(("lang", "place"), [("en", 0), ("zh", 1)])
def test_facts_are_the_same_everywhere(rendered, lang, place):
    """Page, summary and test results tell each number under its name."""
    whole = checked(cases=OTHER)
    summary = rendered(whole, "summary.md", lang)
    root = ET.fromstring(rendered(whole, "junit.xml", lang))
    page = rendered(whole, "index.html", lang)
    told = {row.get("name"): row.get("value") for row in root.iter("property")}
    check_structure(root)

    for key, values in FACTS.items():
        name, value = say(f"certificate.{key}", lang), values[place]
        assert f"| {name} | {value} |" in summary
        assert told[f"certificate.{key}"] == value
        assert re.search(rf">{re.escape(name)}<.{{0,400}}?>{re.escape(value)}<", page, re.DOTALL), key
    assert {name for name in told if name.startswith("certificate.")} - {"certificate.state"} == {
        f"certificate.{key}" for key in FACTS
    }


def test_every_fact_has_its_phrase_and_every_phrase_its_fact():
    """Nothing is named that is not told."""
    named = {key for key in phrases() if re.match(r"certificate\.(suite|run)\.", key)}

    assert named == {f"certificate.{key}" for key in FACTS}


def test_never_proven_tells_nothing_of_a_proof(rendered):
    """Without a proof there are no numbers of one."""
    text = rendered(RUNS["never"], "junit.xml")

    assert "certificate.run.controls" in text
    assert "certificate.suite" not in text


def test_excluded_clauses_are_told_with_their_reason(rendered):
    """What the run cannot see is named, each reason once."""
    page = last_section(rendered(checked(), "index.html"))

    assert page.count("It takes effect in the SDK.") == 1
    assert re.search(r"2 clauses.{0,10}E F", page)
    assert "- It takes effect in the `SDK`. (E, F)" in rendered(checked(), "summary.md")
    assert "Excluded, and why" not in last_section(
        rendered(conformant() | {"certificate": checked()["certificate"]}, "index.html")
    )


def test_run_without_a_seed_says_so(rendered):
    """An absent seed is a dash, not the word None."""
    assert "| Seed | – |" in rendered(checked(seed=None), "summary.md")


def test_hostile_texts_do_not_act(rendered):
    """A record that was tampered with is shown, not run."""
    bad = suite(case_set=HOSTILE, date=HOSTILE, versions={HOSTILE: HOSTILE})
    whole = checked(bad, cases=HOSTILE)
    page = rendered(whole, "index.html")

    assert page.count("<script") == 1
    assert "<img" not in page
    for name in ("index.html", "summary.md", "junit.xml"):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", rendered(whole, name)), name
    check_structure(ET.fromstring(rendered(whole, "junit.xml")))
