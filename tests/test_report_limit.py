"""A search for the limit is told by a page, a summary, test results, a badge and the terminal; all say the same."""

import io
import json
import re
import shlex
from dataclasses import asdict
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console
from test_report_limit_sample import SAMPLES, burst, early, found, hostile, narrow, quota, short, unlimited
from test_reporting_html import Page
from test_reporting_junit import check_structure, outcomes
from test_reporting_sample import write

from biztoken.cli import main
from biztoken.limit.session import Options as Limit
from biztoken.load.options import Options as Load
from biztoken.reporting import print_summary, render, verdict_sentence
from biztoken.reporting.limit_charts import figures
from biztoken.reporting.limit_view import bars
from biztoken.reporting.load_view import again


def parsed(name, command):
    """What our own command line reads of a command; nothing is run."""
    arguments = shlex.split(command)
    assert arguments[:2] == ["biztoken", name]
    return main.commands[name].make_context(name, arguments[2:]).params


@pytest.fixture
def told(tmp_path):
    """Render a search and read one of its files."""

    def make(record, name="index.html", lang="en"):
        render(write(tmp_path, record), lang)
        return (tmp_path / name).read_text("utf-8")

    return make


@pytest.fixture
def english(told):
    """Render a search and read its page as a reader of English does, its white space folded."""

    def make(record):
        text = re.sub(r'<span class="zh".*?</span>', "", told(record), flags=re.DOTALL)
        return " ".join(Page(re.sub("<(td|dd|th|p)", r" <\1", text)).text.split())

    return make


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", SAMPLES)
def test_page_is_well_formed(told, name, lang):
    """Every element is closed, every id is there once, every link within the page has its goal."""
    made = Page(told(SAMPLES[name](), lang=lang))
    ids = made.ids()

    assert (made.wrong, made.open) == ([], [])
    assert len(ids) == len(set(ids))
    assert {attrs["href"][1:] for tag, attrs in made.tags if tag == "a"} <= set(ids)


@pytest.mark.parametrize("name", SAMPLES)
def test_page_keeps_its_policy(told, name):
    """Nothing on the page is a script or a style of another's."""
    page = Page(told(SAMPLES[name]()))
    tags = [tag for tag, _ in page.tags]

    assert (tags.count("script"), tags.count("style")) == (1, 1)
    assert not any(name.startswith("on") or name in {"style", "src"} for _, attrs in page.tags for name in attrs)


@pytest.mark.parametrize(
    ("record", "english_text", "chinese"),
    [
        (
            found(),
            "limit 20 (20 of 20 admitted 3 times, the next refused 3 times), recovery 12 ms; as contracted (20)",
            "20",
        ),
        (short(), "not as contracted: limit 12 (12 of 12 admitted 3 times", "与约定不符：并发上限 12"),
        (narrow(), "not passed: limit 20 (20 of 20 admitted 3 times", "；高峰需要 24.2，不够用"),
        (quota(), "no verdict: a quota per second: the second of two bursts got 3 of 20", "无法得出结论：按秒计"),
        (unlimited(), "no limit up to 64 in flight", "没有上限"),
        (early(), "incomplete: interrupted by Ctrl-C", "运行不完整：被 Ctrl-C 中断"),
    ],
)
def test_sentence(record, english_text, chinese):
    """The answer, or why there is none, and where it differs the contracted limit."""
    assert verdict_sentence(record, "en").startswith(english_text)
    assert chinese in verdict_sentence(record, "zh")


def test_a_broken_clause_is_no_confirmed_contract():
    """A run that fails for a clause does not end in `as contracted`."""
    record = found() | {"verdict": "not-passed", "exit_code": 1}

    assert verdict_sentence(record, "en").startswith("not passed: limit 20")
    assert "as contracted" not in verdict_sentence(record, "en")


def test_limit_that_is_not_enough_is_told_everywhere(told, english, tmp_path):
    """Page, summary, test results, terminal and badge all say no, and none is green."""
    text = english(narrow())
    missing = "recovery 12 ms; not enough at the peak, which needs 24.2"
    root = ET.fromstring(told(narrow(), "junit.xml"))
    out = io.StringIO()
    print_summary(tmp_path, "en", Console(file=out, width=140))

    assert missing in text
    assert "20 requests in flight · the peak needs 24.2" in text
    assert 'class="good"><dt><span class="en" lang="en">May be' not in told(narrow())
    assert told(narrow(), "summary.md").startswith("## ❌ Not passed: limit 20")
    assert missing in told(narrow(), "summary.md")
    assert outcomes(root) == {
        "verdict": "failure",
        "contracted-limit": "passed",
        "peak-needs": "failure",
        "CONCURRENCY-LIMIT": "passed",
    }
    assert missing in out.getvalue()
    assert json.loads(told(narrow(), "badge.json"))["color"] == "red"


@pytest.mark.parametrize(
    ("margin", "answer"), [(0.5, "passed"), (0.0, "failure"), (-0.5, "failure"), (None, "skipped")]
)
def test_record_that_does_not_say_enough_is_read_by_its_margin(told, margin, answer):
    """A record of an earlier version renders, and nothing left is not enough in any report."""
    record = found()
    record["planner"]["margin"] = margin

    assert outcomes(ET.fromstring(told(record, "junit.xml")))["peak-needs"] == answer
    assert ("not enough" in verdict_sentence(record, "en")) is (answer == "failure")


def test_recovery_reads_alike_in_sentence_and_tile(english):
    """Less than a millisecond is told as that."""
    assert "Recovery <1 ms" in english(narrow())
    assert "Recovery 12 ms" in english(found())
    assert "– ms" not in english(quota() | {"limit": quota()["limit"] | {"recovery_ms": None}})


def test_notes_of_a_search_are_told_in_every_file(told, tmp_path):
    """As those of a load."""
    note = "The reply of exchange 3 came from a cache."
    record = found() | {"notes": [{"en": note, "zh": "来自缓存。"}]}
    junit, summary, out = told(record, "junit.xml"), told(record, "summary.md"), io.StringIO()
    print_summary(tmp_path, "en", Console(file=out, width=140))

    assert f'name="note.1" value="{note}"' in junit
    assert f"- {note}" in summary
    assert note in out.getvalue()


def test_margin_is_shown_as_lengths():
    """What was found is compared with what is contracted and with what a peak needs."""
    assert [(bar.kind, bar.value, bar.width) for bar in bars(short())] == [
        ("found", "12", 600.0),
        ("contracted", "20", 1000.0),
        ("needed", "20", 1000.0),
    ]
    assert bars(unlimited()) == []


def test_margin_is_told_in_words(english):
    """Enough and too little read differently."""
    assert "holds 12.8 requests in flight. At the peak 7.25 are to spare." in english(found())
    assert "At the peak 8 are missing." in english(short())
    assert "Limit and margin" not in english(unlimited())


def test_every_burst_is_evidence(english):
    """Each burst is a row; one that is not counted says why."""
    text = english(found())

    assert "14 of the bursts count" in text
    assert "6 over the limit 32 20 12 31 51 Released within 31 ms, more than half of the 51 ms that one takes." in text
    assert "7 over the limit 32 20 12" in text


def test_burst_that_is_not_counted_is_gray():
    """It takes no part in the picture of what was admitted."""
    made = figures(found())[0]

    assert made.keys == ("ok", "refused", "not_counted")
    assert made.drawing.count("<title") == 3 * len(found()["bursts"])
    assert 'class="plot marked"' in made.drawing
    assert 'class="plot"' in figures(unlimited())[0].drawing


def test_burst_that_was_refused_otherwise_is_taken_apart():
    """What is known of it is shown: admitted, other replies, none."""
    whole = found()
    whole["bursts"] = [
        burst("search", 8, 6, valid=False, refused=0, other={"500": 1, "timeout": 1}),
        burst("search", 4, 4),
    ]
    made = figures(whole)[0]

    assert made.keys == ("ok", "other", "failed")


def test_reason_is_told_once_for_bursts_in_a_row(english, told):
    """A burst that was fired three times in vain does not say so three times."""
    whole = found()
    why = {"en": "Of 8 some were refused otherwise.", "zh": "有的以其他方式被拒绝。"}
    whole["bursts"] = [burst("search", 8, 6, valid=False, refused=0, other={"500": 2}, why=why) for _ in range(3)]

    assert english(whole).count(why["en"]) == 1
    assert english(whole).count("the same") == 2
    assert told(whole, "summary.md").count(why["en"]) == 1


def test_replies_of_two_bursts_are_shown_one_by_one():
    """An over-limit burst and one of two back to back, each reply a dot."""
    made = [figure for figure in figures(quota()) if figure.id == "replies"]

    assert [figure.values for figure in made] == [{"number": 7, "n": 32}, {"number": 14, "n": 20}]
    assert made[0].drawing.count("<circle") == 32
    assert made[0].keys == ("ok", "refused")


def test_search_without_a_burst_has_no_picture(english):
    """A run that was stopped before is told in words."""
    assert figures(early()) == []
    assert "This search is incomplete." in english(early())


@pytest.mark.parametrize(
    "chosen",
    [
        Limit(),
        Limit(most=64, picture=False, arrivals=40.0, lang="zh"),
        Limit(picture=True, processes=2, budget=500, seed=7, target=Path("a target.yaml")),
    ],
)
def test_command_to_run_it_again_works(chosen):
    """Our own command line reads from it what was chosen."""
    options = {name: str(value) if isinstance(value, Path) else value for name, value in asdict(chosen).items()}

    command = " ".join(again(found() | {"options": options}))

    assert Limit(**parsed("limit", command)) == chosen


@pytest.mark.parametrize(
    "chosen",
    [
        Load(),
        Load(profile="arrivals", rate=40.5, otel=True, strict=True),
        Load(master=True, expect_workers=3, bind="::1"),
    ],
)
def test_command_to_load_again_works(chosen):
    """Of a load, too; what was left as it is takes no room."""
    command = " ".join(again(found() | {"kind": "load", "options": chosen.as_json()}))

    assert Load(**parsed("load", command)) == chosen
    assert again(found() | {"kind": "load", "options": Load().as_json()}) == ["biztoken load", "--profile steady"]


def test_budget_is_shown_where_there_is_one(english):
    """What was spent, of how much."""
    assert "Budget 258 of 1000" in english(found())
    assert "Budget" not in english(unlimited())


def test_junit_has_the_answer_the_contracted_limit_the_need_and_each_clause(told):
    """Red where not kept."""
    root = ET.fromstring(told(short(), "junit.xml"))
    check_structure(root)

    assert outcomes(root) == {
        "verdict": "failure",
        "contracted-limit": "failure",
        "peak-needs": "failure",
        "CONCURRENCY-LIMIT": "failure",
    }
    assert set(outcomes(ET.fromstring(told(found(), "junit.xml"))).values()) == {"passed"}
    assert outcomes(ET.fromstring(told(quota(), "junit.xml"))) == {"verdict": "error"}


def test_summary_tells_answer_margin_and_bursts(told):
    """The step summary holds what one acts upon."""
    text = told(short(), "summary.md")

    assert text.startswith("## ❌ Not as contracted: limit 12")
    assert "- Needed at the peak: **20**" in text
    assert "| 5 | over the limit | 32 | 12 | 20 | 0 | 31 | 51 | Released within 31 ms" in text


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (found(), "20 in flight"),
        (short(), "12 in flight not passed"),
        (quota(), "no verdict"),
        (unlimited(), "passed"),
        (early(), "incomplete"),
    ],
)
def test_badge_tells_the_limit(told, record, message):
    """A number only where one was found."""
    assert json.loads(told(record, "badge.json"))["message"] == message


@pytest.mark.parametrize("name", ["index.html", "junit.xml"])
def test_nothing_that_others_wrote_acts(told, name):
    """Purposes, outcomes, kinds and reasons are text everywhere."""
    text = told(hostile(), name)

    assert "<script>alert" not in text
    assert "\x1b" not in text


def test_terminal_tells_doubtful_bursts_and_the_answer(tmp_path):
    """The answer comes last."""
    out = io.StringIO()
    print_summary(write(tmp_path, found()), "en", Console(file=out, width=140))

    assert "Burst 6 of 32 is not counted: Released within 31 ms" in out.getvalue()
    assert "Limit 20 (20 of 20 admitted 3 times" in out.getvalue().strip().splitlines()[-3]
