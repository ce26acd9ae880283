"""A load is told by a page with pictures, a summary, test results, a badge and the terminal; all say the same."""

import io
import json
import random
import re
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console
from test_report_load_sample import (
    OK,
    REFUSED,
    SAMPLES,
    arrivals,
    broken,
    broken_exchanges,
    early,
    halved,
    hostile,
    nothing,
    second,
    soak,
    spike,
    steady,
    steps,
)
from test_reporting_html import Page
from test_reporting_junit import check_structure, outcomes
from test_reporting_sample import write

from biztoken.errors import UserError
from biztoken.reporting import print_summary, render, verdict_sentence
from biztoken.reporting.load_charts import figures
from biztoken.reporting.load_errors import amplification, errors
from biztoken.reporting.load_view import kind_of, shown, spans
from biztoken.reporting.result import read_result

FILES = {"index.html", "summary.md", "junit.xml", "badge.json", "badge.svg"}


@pytest.fixture
def told(tmp_path):
    """Render a load and read one of its files."""

    def make(record, name="index.html", lang="en", exchanges=()):
        render(write(tmp_path, record, exchanges), lang)
        return (tmp_path / name).read_text("utf-8")

    return make


@pytest.fixture
def english(told):
    """Render a load and read its page as a reader of English does, its white space folded."""

    def make(record, exchanges=()):
        text = re.sub(r'<span class="zh".*?</span>', "", told(record, exchanges=exchanges), flags=re.DOTALL)
        text = re.sub("<(td|dd|th|p)", r" <\1", text)
        return " ".join(Page(text).text.split())

    return make


def names(record):
    """The pictures of a load."""
    return [figure.id for figure in figures(record)]


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", SAMPLES)
def test_page_is_well_formed(told, name, lang):
    """Every element is closed, every id is there once, every link within the page has its goal."""
    made = Page(told(SAMPLES[name](), lang=lang, exchanges=broken_exchanges()))
    ids = made.ids()

    assert (made.wrong, made.open) == ([], [])
    assert len(ids) == len(set(ids))
    assert {attrs["href"][1:] for tag, attrs in made.tags if tag == "a"} <= set(ids)


@pytest.mark.parametrize("name", SAMPLES)
def test_page_keeps_its_policy(told, name):
    """Nothing on the page is a script or a style of another's, and nothing is loaded from elsewhere."""
    page = Page(told(SAMPLES[name](), exchanges=broken_exchanges()))
    tags = [tag for tag, _ in page.tags]

    assert (tags.count("script"), tags.count("style")) == (1, 1)
    assert not any(name.startswith("on") or name in {"style", "src"} for _, attrs in page.tags for name in attrs)
    assert not {"img", "iframe", "object", "use", "image", "foreignobject"} & set(tags)


def test_reports_are_the_same_files_as_of_a_check(tmp_path):
    """A pipeline finds what it finds after a check."""
    before = {path.name for path in write(tmp_path, steady()).iterdir()}
    render(tmp_path, "en")

    assert {path.name for path in tmp_path.iterdir()} - before == FILES


# --- the verdict


def test_sentence_of_a_passed_load():
    """It says what it stands on."""
    assert re.fullmatch(
        r"passed: all 3 conditions are kept; \d+ of \d+ requests accepted, [\d.]+ per second, p95 [\d.]+ ms",
        verdict_sentence(steady(), "en"),
    )


def test_sentence_of_a_load_that_did_not_pass():
    """Broken clauses come first, then conditions."""
    told = verdict_sentence(broken(), "en")

    assert told.startswith(
        "not passed: 1 MUST clause broken (BIZ-TOKEN-UNIQUE), 2 conditions not kept (p95, violations); "
    )


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (arrivals(), "no verdict: the generator was the bottleneck"),
        (nothing(), "no verdict: no request was answered"),
        (early(), "incomplete: ended after 2.0 s with 399 requests; interrupted by Ctrl-C"),
    ],
)
def test_sentence_of_a_load_without_an_answer(record, expected):
    """It says why."""
    record["load"]["sent"] = record["load"]["sent"] and 399

    assert verdict_sentence(record, "en") == expected


def test_verdict_with_a_reservation_is_plain_green_nowhere(told, printed):
    """A lost worker and requests that never ended are in the headline of every file, and its colour is amber."""
    words = "1 worker was lost, 3 requests still under way at the end"
    page, junit = told(halved()), told(halved(), "junit.xml")
    colours = re.findall(r'<div class="(\w+)"><dt>', page)

    assert verdict_sentence(halved(), "en").startswith(f"passed with a reservation ({words}): all 3 conditions")
    assert verdict_sentence(halved(), "zh").startswith("通过但有保留（1 个 worker 失联，结束时仍有 3 个请求在途）：")
    assert '<body class="is-passed is-doubted">' in page
    assert colours[:4] == ["wary", "wary", "fair", "wary"]
    assert "what is shown above is the target" not in page
    assert told(halved(), "summary.md").startswith(f"## ⚠️ Passed with a reservation ({words})")
    assert json.loads(told(halved(), "badge.json"))["color"] == "yellow"
    assert words in printed(halved())
    assert words in junit


def test_load_of_which_nothing_was_accepted_is_not_green(told):
    """Whatever conditions it kept."""
    record = steady(2)
    counts = record["load"]["by_outcome"]
    record["load"]["by_outcome"] = {"403 AUTHORIZATION_ERROR": sum(counts.values())}

    assert verdict_sentence(record, "en").startswith("passed with a reservation (no request was accepted)")
    assert re.findall(r'<div class="(\w+)"><dt>', told(record))[0] == "bad"


def test_notes_are_told_in_every_file(told, printed):
    """What there is to say beside the verdict is not only on the page."""
    note = "Worker w2 was lost."
    root = ET.fromstring(told(halved(), "junit.xml"))
    check_structure(root)

    assert note in told(halved())
    assert f"### Notes\n\n- {note}" in told(halved(), "summary.md")
    assert f"Notes\n  {note}" in printed(halved())
    assert root.find(".//property[@name='note.1']").get("value") == note
    assert note in root.find(".//testcase[@name='verdict']/system-out").text
    assert "worker w2 失联" in printed(halved(), "zh")


def test_load_that_did_not_pass_tells_its_doubts_last():
    """What is broken comes first."""
    record = broken()
    record["load"]["in_flight_at_end"] = 1

    assert verdict_sentence(record, "en").endswith("; 1 request still under way at the end")


def test_every_file_says_the_verdict(told, printed):
    """Page, summary, test results and terminal do not differ."""
    sentence = verdict_sentence(steady(), "en").partition(": ")[2]

    for name in ("index.html", "summary.md", "junit.xml"):
        assert sentence in told(steady(), name)
    assert sentence in printed(steady())


@pytest.mark.parametrize(
    ("record", "message", "color"),
    [
        (steady(), "passed", "green"),
        (broken(), "not passed", "red"),
        (arrivals(), "no verdict", "lightgrey"),
        (early(), "incomplete", "yellow"),
    ],
)
def test_badge_tells_verdict_and_profile(told, record, message, color):
    """A badge cannot be taken for that of another profile."""
    made = json.loads(told(record, "badge.json"))

    assert (made["message"], made["color"]) == (message, color)
    assert made["label"] == f"get_biz_token {record['profile']['name']}"
    assert ET.fromstring(told(record, "badge.svg")).tag.endswith("svg")


# --- the page


def test_rows_that_the_run_does_not_have_are_left_out(english):
    """A steady load says nothing of steps, recovery, drift, refusals or late arrivals."""
    text = english(steady())

    for absent in ("Throughput against", "Recovery after", "Drift per hour", "concurrency refusals", "Step by step"):
        assert absent not in text
    assert "sent late" not in text.partition("Processor of the generator")[2].partition("Stages")[0].replace(
        "how late arrivals were sent", ""
    )


def test_page_without_a_second_has_no_picture(english):
    """A run of which nothing came is told in words."""
    text = english(nothing())

    assert "No request ended." in text
    assert "No reply was judged." in text
    assert "What the load looked like" not in text


def test_condition_is_shown_with_what_was_due_and_seen(english):
    """Each condition reads alone."""
    text = english(broken())

    assert "✕ not kept p95 at most 60 ms p95 Due 60 ms Seen 71.2 ms" in text
    assert "? cannot be told p99 at most 2000 ms p99 Due 2000 ms Seen –" in text


def test_finding_is_shown_with_all_its_exchanges(english):
    """A token that came twice is seen in both replies."""
    text = english(broken(), broken_exchanges())

    assert "a biz_token told before" in text
    assert "1719822002,a-b" in text
    assert "exchange 2" in text
    assert "1 more exchange that shows it" in text
    assert "1719822001,a-b" in text
    assert "Repeat biztoken load --target" not in text


def test_outcomes_are_told_by_kind(english):
    """Contract codes, other statuses and transport are told apart, refusals for concurrency from failures."""
    text = english(broken())

    assert "500 INTERNAL_ERROR other reply 21" in text
    assert "timeout no reply 14" in text
    assert "403 CONCURRENCY_LIMIT_EXCEEDED refused for concurrency" in english(steps())


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (OK, "ok"),
        (REFUSED, "refused"),
        ("403 AUTHORIZATION_ERROR", "other"),
        ("400 BAD_ARGUMENTS", "other"),
        ("429 CONCURRENCY_LIMIT_EXCEEDED", "other"),
        ("200 (unread)", "other"),
        ("timeout", "failed"),
        ("closed", "failed"),
    ],
)
def test_kind_of_an_outcome(outcome, kind):
    """Only a 403 of that name is a refusal for concurrency, and only a plain 200 a success."""
    assert kind_of(outcome) == kind


def test_errors_are_laid_out_by_code_status_and_transport(english):
    """One error with two statuses is one row; what got no reply stands in a column of its own."""
    record = broken()
    record["load"]["by_outcome"] |= {"503 INTERNAL_ERROR": 2}
    made = errors(record)

    assert made.statuses == ("500", "502", "503")
    assert made.rows == (("INTERNAL_ERROR", (21, 0, 2), 23), ("", (0, 7, 0), 7))
    assert made.transport == (("timeout", 14),)
    assert "No reply In all INTERNAL_ERROR 21 2 23 (none named) 7 7 timeout 14 14" in english(record)
    assert errors(steady()) is None


def test_what_was_sent_again_is_told_where_it_is_recorded(english):
    """A record of an earlier version says nothing of it."""
    record = steady(4)
    record["series"][1] |= {"again": 3, "held_s": 0.0}
    sent = record["load"]["sent"]

    assert amplification(steady(4)) is None
    assert f"3 requests were sent once more on a fresh connection: the target got {(sent + 3) / sent:.2f}" in english(
        record
    )


def test_load_that_was_held_back_is_not_called_the_target(english):
    """Where the ceiling of the target file bounded the load, the numbers are not those of the target."""
    record = steady(4)
    for row in record["series"]:
        row["held_s"] = 5.0

    assert "Requests waited for the target file's max_rate" in english(record)
    assert "what is shown above is the target" not in english(record)
    assert "what is shown above is the target" in english(steady(4))


def test_every_request_is_accounted_for(english):
    """The sum is shown."""
    load = broken()["load"]
    told = f"{load['sent']} sent = {load['answered']} answered + {load['failed']} without a reply + 0 under way"

    assert told in english(broken())


def test_generator_at_its_end_is_told(english):
    """A doubtful generator and a lost worker stand on the page with their numbers."""
    text = english(arrivals())

    assert "This load says nothing of the target." in text
    assert "It was the bottleneck at times." in text
    assert "worker-2 120 117 0 3 lost" in text
    assert "1.10 / 61 / 88.2 ms" in text


@pytest.mark.parametrize(
    ("change", "told_of"),
    [
        ({}, "as before 3.6 s after the crowd"),
        ({"recovery_ms": None}, "recovery takes longer than the profile watched"),
        ({"recovery_ms": None, "stopped": {"en": "Stopped.", "zh": "停止。"}}, "the run ended before the profile did"),
        ({"recovery_ms": None, "complete": False}, "the run ended before the profile did"),
    ],
)
def test_recovery_is_told_in_words_everywhere(told, printed, change, told_of):
    """Also where it cannot be told."""
    record = spike() | change

    assert told_of in told(record, "summary.md")
    assert told_of in told(record)
    assert told_of in " ".join(printed(record).split())
    assert ("recovery" in names(record)) == (record["recovery_ms"] is not None)


# --- the pictures


def test_pictures_are_those_that_the_run_has_something_for():
    """Each kind of profile shows what it was made for."""
    assert names(steady()) == ["traffic", "in_flight", "latency", "cpu", "lag"]
    assert names(steps())[:3] == ["throughput", "step_latency", "goodput"]
    assert "refusals" in names(steps())
    assert "recovery" in names(spike())
    assert names(nothing()) == []


def test_open_model_shows_what_was_due():
    """Arrivals that could not be sent are seen as the gap between due and accepted."""
    assert figures(arrivals())[0].keys == ("offered", "ok")
    assert "offered" not in figures(steady())[0].keys


def test_refusals_have_a_line_and_percentiles_of_their_own():
    """A refusal is never lumped with what was accepted."""
    made = {figure.id: figure for figure in figures(steps())}

    assert made["traffic"].keys[:2] == ("ok", "refused")
    assert made["latency"].drawing != made["refusals"].drawing


def test_step_that_the_generator_did_not_hold_stands_apart():
    """It is a dot beside the line."""
    made = {figure.id: figure for figure in figures(steps())}

    assert "doubtful" in made["throughput"].keys
    assert made["throughput"].values == {"knee": "20"}


def test_long_run_is_drawn_with_few_points():
    """Two hours make a page as small as two minutes, each point the mean or the worst of its seconds."""
    record = soak()
    width, groups = spans(record["series"])

    assert width == 20
    assert sum(map(len, groups)) == 7200
    assert all(len(figure.drawing) < 25_000 for figure in figures(record))


def drained(record, **outcomes):
    """The record with a piece of a second after its stages."""
    rest = second(random.Random(9), len(record["series"]), 1)
    rest["by_outcome"] = {OK: rest["by_outcome"][OK]} | outcomes
    return record | {"series": [*record["series"], rest]}


def test_piece_of_a_second_is_no_fall():
    """The drain is not drawn as a whole second, unless something else than success came in it."""
    usual = drained(steady(5))
    failing = drained(steady(5), timeout=usual["series"][0]["by_outcome"][OK])

    assert shown(steady(5)) == steady(5)["series"]
    assert shown(usual) == usual["series"][:-1]
    assert shown(failing) == failing["series"]
    assert "stage" in next(figure for figure in figures(failing) if figure.id == "traffic").keys
    assert figures(usual)[0].drawing == figures(steady(5))[0].drawing


def test_memory_of_few_tokens_is_not_told(english):
    """What a table takes at least says nothing of one token."""
    few, many = steady(2), steady(2)
    many["tokens"]["seen"] = 50_000

    assert "bytes of memory each" not in english(few)
    assert "50000 biz_tokens seen, 0 of them more than once; 12.4 bytes of memory each" in english(many)


def test_number_that_is_missing_has_no_unit(english):
    """Nothing was accepted: there is no p95."""
    record = broken()
    record["load"]["latency_ms"] = dict.fromkeys(record["load"]["latency_ms"])

    assert "– ms" not in english(record)
    assert verdict_sentence(record, "en").endswith(" per second")


def test_worst_second_is_not_averaged_away():
    """A slow second shows in a run of hours."""
    record = soak(1)
    record["series"][1801]["by_outcome"][OK]["p99"] = 9000.0
    latency = next(figure for figure in figures(record) if figure.id == "latency")

    assert "10,000" in latency.drawing


# --- for pipelines


def test_junit_has_a_case_for_the_run_each_condition_and_each_clause(told):
    """Red where not kept, skipped where it cannot be told."""
    root = ET.fromstring(told(broken(), "junit.xml"))
    check_structure(root)

    assert outcomes(root) == {
        "verdict": "failure",
        "p95": "failure",
        "violations": "failure",
        "p99": "skipped",
        "BIZ-TOKEN-UNIQUE": "failure",
        "REQUEST-ID": "passed",
    }


@pytest.mark.parametrize("record", [arrivals(), early(), nothing()])
def test_junit_of_a_load_without_an_answer_is_not_green(told, record):
    """No verdict and an incomplete run are errors."""
    assert outcomes(ET.fromstring(told(record, "junit.xml")))["verdict"] == "error"


def test_summary_tells_conditions_findings_and_outcomes(told):
    """The step summary holds what one acts upon."""
    text = told(broken(), "summary.md")

    assert "| ❌ | p95 at most 60 ms | 60 ms | 71.2 ms |" in text
    assert "**BIZ-TOKEN-UNIQUE**" in text
    assert "| `500 INTERNAL_ERROR` | other reply | 21 | 0.5 % |" in text
    assert "`biztoken load --profile steady --target staging.yaml`" in text


@pytest.mark.parametrize(
    ("model", "told_of", "marked"),
    [
        ({}, "it rises up to 20 in flight", "20"),
        ({"says": "range", "limit": None, "limit_range": [19, 22], "knee": None}, "between 19 and 22", "19–22"),
        ({"says": "unknown", "limit": None, "limit_range": None, "knee": None}, "limit cannot be told", "–"),
        ({"says": "none", "limit": None, "limit_range": None, "knee": 8}, "From 8 in flight on", "8"),
    ],
)
def test_limit_is_told_in_words_everywhere(told, printed, model, told_of, marked):
    """As a number, as a range, as none, or as what cannot be told; the picture marks the same."""
    record = steps()
    record["model"] |= model

    assert told_of in told(record, "summary.md")
    assert told_of in told(record)
    assert told_of in " ".join(printed(record).split())
    assert {figure.id: figure for figure in figures(record)}["throughput"].values == {"knee": marked}


@pytest.mark.parametrize("name", ["index.html", "junit.xml"])
def test_nothing_that_others_wrote_acts(told, name):
    """Outcomes, names, reasons and findings of a target are text everywhere."""
    text = told(hostile(), name)

    assert "<script>alert" not in text
    assert "<img" not in text
    assert "\x1b" not in text


def test_record_that_is_no_load_is_refused(tmp_path):
    """A damaged record is a user's mistake, named by its place."""
    write(tmp_path, steady())
    path = tmp_path / "result.json"
    path.write_text(path.read_text("utf-8").replace('"sent": ', '"went": '), "utf-8")

    with pytest.raises(UserError, match="is not as the schema says"):
        read_result(tmp_path)


# --- the terminal


@pytest.fixture
def printed(tmp_path):
    """What the terminal shows of a load."""

    def make(record, lang="en"):
        out = io.StringIO()
        print_summary(write(tmp_path, record, broken_exchanges()), lang, Console(file=out, width=100))
        return out.getvalue()

    return make


def test_terminal_tells_findings_conditions_and_verdict(printed):
    """The verdict comes last, the report's place after it."""
    text = printed(broken())

    assert "BIZ-TOKEN-UNIQUE" in text
    assert "✕ p95 at most 60 ms  Seen: 71.2 ms" in text
    assert "500 INTERNAL_ERROR" in text
    assert text.index("Not passed") > text.index("What passing means")
    assert "--select" not in text


def test_terminal_speaks_chinese(printed):
    """All of it."""
    text = printed(arrivals(), "zh")

    assert "无法得出结论：压测端是瓶颈" in text
    assert "晚发" in text


def test_second_of_the_sample_accounts_for_itself():
    """The generator of the samples keeps the sum that records keep."""
    row = second(random.Random(0), 3, 30, failures=[("timeout", 2), ("502", 1)])

    assert row["sent"] == row["answered"] + row["failed"]
    assert row["failed"] == 2
