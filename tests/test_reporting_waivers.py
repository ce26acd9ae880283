"""What the reports say of waivers, of the baseline and of when a clause was last seen true."""

import io
import re
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console
from test_reporting_html import Page
from test_reporting_junit import check_structure, outcomes
from test_reporting_sample import HOSTILE, broken_exchanges, case, clause, finding, result, write

from biztoken.reporting import print_summary, render
from biztoken.reporting.result import problems
from biztoken.reporting.sentence import verdict_sentence
from biztoken.reporting.since import since
from biztoken.reporting.view import failures, repeat_command, warnings
from biztoken.reporting.waived import alerts, waived_cases, waivers

BEFORE = {"date": "2026-06-24", "run": "check-7"}


def waiver(name="UUID-LENGTH", state="applied", expires="2026-12-31", **more):
    """A row of `waivers`."""
    row = {"id": f"{name}-1a2b3c4d", "clause": name, "case": None, "finding": "200 with"}
    row |= {"reason": "Old clients send it.", "owner": "Risk team", "expires": expires, "state": state}
    return row | {"findings": int(state == "applied")} | more


def waived(*rows, **more):
    """A run whose one broken clause is waived."""
    told = finding(1, "uuid-129-bytes", waived="UUID-LENGTH-1a2b3c4d")
    clauses = [clause("UUID-LENGTH", "WAIVED", findings=[told], last_passed=BEFORE), clause("VERBOSE-VALUES")]
    cases = [case("uuid-129-bytes", "UUID-LENGTH", "FAIL"), case("verbose-0", "VERBOSE-VALUES")]
    return result("conformant", clauses, cases, waivers=list(rows) or [waiver()], **more)


def partly():
    """A run with a clause of which one finding of two is waived."""
    told = [
        finding(1, "uuid-129-bytes", waived="UUID-LENGTH-1a2b3c4d"),
        finding(2, "uuid-empty", received="status 500", aspect="status"),
    ]
    cases = [case("uuid-129-bytes", "UUID-LENGTH", "FAIL"), case("uuid-empty", "UUID-LENGTH", "FAIL")]
    return result("not-conformant", [clause("UUID-LENGTH", "FAIL", findings=told)], cases, waivers=[waiver()])


def stale():
    """A run that keeps everything and is red for a waiver."""
    rows = [waiver("VERBOSE-VALUES", "stale")]
    return result("not-conformant", [clause("VERBOSE-VALUES")], [case("verbose-0", "VERBOSE-VALUES")], waivers=rows)


def baseline(**more):
    """What changed."""
    told = {"run": "check-7", "started": "2026-06-24T10:15:00Z"}
    told |= {"newly_broken": [{"clause": "UUID-LENGTH", "before": "PASS", "after": "WAIVED", "received": ["200 with"]}]}
    told |= {"fixed": [], "newly_untestable": [], "no_longer_executed": [], "new_clauses": [], "gone_clauses": ["OLD"]}
    times = {"before": {"p50": 10.4, "p95": 30}, "after": {"p50": 40, "p95": 60}, "shift": "slower"}
    return told | {"latency_ms": times} | more


def hostile():
    """A run whose waiver and baseline hold everything that could break out."""
    row = waiver(reason=HOSTILE, owner=HOSTILE, finding=HOSTILE, state="stale")
    other = waiver(HOSTILE, reason="x" * 5000, owner="y" * 5000, clause=None, case=HOSTILE, state="not-met")
    moved = [{"clause": HOSTILE, "before": "PASS", "after": "FAIL", "received": [HOSTILE]}]
    told = baseline(run=HOSTILE, newly_broken=moved, new_clauses=[HOSTILE], started=None)
    whole = waived(row, other, baseline=told)
    whole["clauses"][0]["last_passed"] = {"date": HOSTILE, "run": HOSTILE}
    return whole


@pytest.fixture
def reports(tmp_path):
    """Render a result: its page, summary, junit.xml and what the terminal shows."""

    def make(whole, lang="en"):
        render(write(tmp_path, whole, broken_exchanges()), lang)
        out = io.StringIO()
        print_summary(tmp_path, lang, Console(file=out, width=300))
        page = Page((tmp_path / "index.html").read_text("utf-8"))
        summary = (tmp_path / "summary.md").read_text("utf-8")
        return page, summary, ET.parse(tmp_path / "junit.xml").getroot(), out.getvalue()

    return make


@pytest.mark.parametrize("whole", [waived(), partly(), stale(), hostile(), waived(baseline=baseline())])
def test_sample_keeps_the_schema(whole):
    """What these tests render is what a run writes."""
    assert problems(whole) == []


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("whole", [waived(), partly(), stale(), hostile(), waived(baseline=baseline())])
def test_page_is_well_formed(reports, whole, lang):
    """Every element is closed, every id is there once, every link has its goal; junit.xml is the common one."""
    page, _, root, _ = reports(whole, lang)

    assert page.wrong == page.open == []
    assert len(page.ids()) == len(set(page.ids()))
    assert {attrs["href"][1:] for tag, attrs in page.tags if tag == "a"} <= set(page.ids())
    check_structure(root)


def test_all_of_a_waiver_is_on_the_first_screen(reports):
    """Reason, owner, end and state come before what is broken, wherever one looks."""
    page, summary, _, terminal = reports(partly())

    for text in (page.text, summary):
        head = text[text.index("Waivers") : text.rindex("Broken clauses")]
        for part in ("applied", "UUID-LENGTH", "200 with", "Old clients send it.", "Risk team", "2026-12-31"):
            assert part in head
    for part in ("applied  UUID-LENGTH (200 with)", "Reason: Old clients send it.", "Owner: Risk team"):
        assert part in terminal


def test_waivers_come_before_what_is_new(reports):
    """However much has changed since the baseline, what is excused is seen first."""
    page, summary, _, terminal = reports(waived(baseline=baseline()))

    for text in (page.text, summary, terminal):
        assert text.index("Risk team") < text.index("Clauses that are gone")


def test_waiver_is_told_in_chinese(reports):
    """State and heads in words, what the user wrote as it is."""
    _, summary, _, terminal = reports(waived(), "zh")

    assert "| **生效中** | UUID-LENGTH<br>`200 with` | Old clients send it. | Risk team | 2026-12-31 |" in summary
    assert "负责人：Risk team" in terminal


@pytest.mark.parametrize(
    ("expires", "told"),
    [
        ("2026-07-01", "2026-07-01 (today)"),
        ("2026-07-02", "2026-07-02 (in 1 day)"),
        ("2026-07-15", "2026-07-15 (in 14 days)"),
        ("2026-07-16", "2026-07-16"),
    ],
)
def test_waiver_that_ends_soon_is_pointed_out(reports, expires, told):
    """From fourteen days before, counted from the day of the run."""
    whole = waived(waiver(expires=expires))
    page, summary, _, terminal = reports(whole)

    (row,) = waivers(whole)
    assert row.ends["en"] == told
    assert row.is_near == (expires != "2026-07-16")
    for text in (page.text, summary, terminal):
        assert ("1 waiver expires within 14 days." in text) == row.is_near
        assert told in text


def test_waiver_of_a_case_that_excuses_nothing_is_pointed_out(reports):
    """Other cases show the same, so the clause stays broken though the waiver fits."""
    whole = waived(waiver(None, clause=None, case="uuid-1", findings=0))

    assert alerts(waived()) == []
    assert "1 waiver of a case excuses nothing" in reports(whole)[0].text
    assert "有 1 项按用例的豁免没有起作用" in reports(whole, "zh")[1]


def test_run_without_a_date_points_nothing_out():
    """An end cannot be near to nothing."""
    whole = waived(waiver(expires="2026-07-02"), started=None)

    assert [row.is_near for row in waivers(whole)] == [False]
    assert alerts(whole) == []


def test_stale_waivers_come_first_then_the_next_to_end():
    """What must be done stands at the top."""
    rows = [
        waiver("A", expires="2026-08-01"),
        waiver("B", "not-met", "2026-07-02"),
        waiver("C", expires="2026-07-20"),
        waiver("D", "stale", "2027-01-01"),
    ]

    assert [row.name for row in waivers(waived(*rows))] == ["D", "C", "A", "B"]


def test_stale_waiver_is_a_red_run_with_its_name(reports):
    """The sentence, the alert and a failed test case say which; no clause is called broken."""
    page, summary, root, terminal = reports(stale())

    assert verdict_sentence(stale(), "en") == "not passed: 1 stale waiver (VERBOSE-VALUES)"
    assert verdict_sentence(stale(), "zh") == "未通过：1 项豁免已不再需要（VERBOSE-VALUES）"
    for text in (page.text, summary, terminal):
        assert "1 waiver fits no finding any more and turns the run red: remove it." in text
    assert outcomes(root) == {"verbose-0": "passed", "VERBOSE-VALUES-1a2b3c4d": "failure"}
    assert "Risk team" in root.find(".//failure").text


def test_stale_waiver_beside_a_broken_clause_is_told_too():
    """One does not hide the other."""
    whole = partly() | {"waivers": [waiver(), waiver(None, "stale", case="uuid-empty", clause=None)]}

    assert verdict_sentence(whole, "en") == (
        "not conformant: 1 MUST clause broken (UUID-LENGTH), 1 stale waiver (uuid-empty)"
    )


def test_waived_clause_is_neither_broken_nor_kept(reports):
    """It is counted for itself, has a chip of its own, and stands in no list of what is broken."""
    page, summary, _, terminal = reports(waived())

    assert verdict_sentence(waived(), "en") == "conformant in 1 of 2 MUST clauses, 1 waived"
    assert verdict_sentence(waived(), "zh") == "已测部分符合契约：2 条 MUST 条款中 1 条通过，1 条已豁免"
    assert failures(waived()) == warnings(waived()) == []
    assert "f-WAIVED" in page.ids()
    assert ("li", {"id": "c-UUID-LENGTH", "data-v": "WAIVED"}) in page.tags
    assert next(attrs for tag, attrs in page.tags if tag == "rect")["class"] == "v-WAIVED"
    assert re.search(r"\| +\| kept \| waived \|", summary)
    assert "Broken clauses" not in terminal


def test_waived_finding_can_still_be_read_in_full(reports):
    """Its exchange, its curl line and its waiver are with the clause."""
    page, *_ = reports(waived())
    row = page.text[page.text.index("In the order of the contract") :]

    for part in ("Waived: UUID-LENGTH-1a2b3c4d", "200 with a biz_token", "好" * 43, "curl -sS", "Repeat"):
        assert part in row


def test_filter_hides_waived_clauses(reports, tmp_path):
    """Without JavaScript, by a rule of its own for each verdict that has a chip."""
    reports(waived())
    text = (tmp_path / "index.html").read_text("utf-8")

    assert "#contract:has(#f-WAIVED:not(:checked)) [data-v=WAIVED]" in text


def test_waived_clause_passes_in_junit_and_says_why(reports):
    """Neither failure nor plain pass: a property and the waiver in the text."""
    *_, root, _ = reports(waived())
    (row,) = root.findall(".//testcase[@name='uuid-129-bytes']")

    assert outcomes(root) == {"uuid-129-bytes": "passed", "verbose-0": "passed"}
    text = row.find("system-out").text
    for part in ("applied", "Old clients send it.", "Risk team", "2026-12-31", "200 with a biz_token"):
        assert part in text
    suite = {told.get("name"): told.get("value") for told in root.find("testsuite/properties")}
    assert suite["waived.UUID-LENGTH"] == "UUID-LENGTH-1a2b3c4d"
    assert suite["waiver.UUID-LENGTH-1a2b3c4d"].startswith("applied; Reason: Old clients send it.; Owner: Risk team")
    assert root.find(".//testcase[@name='verbose-0']/system-out") is None


def test_waived_clause_without_a_case_of_its_own_passes_in_junit(reports):
    """Its test case is named after it."""
    whole = waived()
    whole["cases"] = [case("verbose-0", "VERBOSE-VALUES")]
    *_, root, _ = reports(whole)

    assert outcomes(root) == {"verbose-0": "passed", "UUID-LENGTH": "passed"}
    assert "Owner: Risk team" in root.find(".//testcase[@name='UUID-LENGTH']/system-out").text


def test_partly_waived_clause_is_broken_for_the_rest(reports):
    """The card leads with what is not waived, and says that there is more."""
    page, _, root, terminal = reports(partly())
    card = page.text[page.text.index("Each stands alone") : page.text.index("In the order of the contract")]

    assert "status 500" in card
    assert "200 with a biz_token" not in card
    assert "1 other finding against it is waived" in card
    assert "Received: status 500" in terminal
    assert outcomes(root) == {"uuid-129-bytes": "passed", "uuid-empty": "failure"}


@pytest.mark.parametrize(
    ("told", "verdict", "cases"),
    [
        ([{"waived": "w"}], "FAIL", {"a-1": "w"}),
        ([{"waived": None}], "FAIL", {}),
        ([{"waived": "w"}, {"waived": None}], "FAIL", {}),
        ([{"waived": "w"}], "WAIVED", {"a-1": "w", "a-2": "w"}),
        ([{"waived": "w", "cases": ["a-1", "a-2"]}], "FAIL", {"a-1": "w", "a-2": "w"}),
    ],
)
def test_case_is_waived_where_all_its_findings_are(told, verdict, cases):
    """A case that merged its finding with another's follows its clause."""
    rows = [finding(number, "a-1", **more) for number, more in enumerate(told)]
    whole = result(
        "not-conformant",
        [clause("A", verdict, findings=rows)],
        [case("a-1", "A", "FAIL"), case("a-2", "A", "FAIL"), case("a-3", "A")],
    )

    assert waived_cases(whole) == cases


def test_case_whose_finding_folded_to_a_waived_clause_is_waived():
    """A misnamed error is charged to its name; the case is red for nothing else."""
    told = finding(1, "a-1", waived="w")
    whole = result(clauses=[clause("A"), clause("NAME", "WAIVED", findings=[told])], cases=[case("a-1", "A", "FAIL")])

    assert waived_cases(whole) == {"a-1": "w"}


# --- since the baseline


def test_changes_are_on_the_first_screen(reports):
    """What is new, with the clauses' names, before what is broken."""
    page, summary, _, terminal = reports(waived(baseline=baseline()))
    head = page.text[page.text.index("Compared with the run") : page.text.rindex("Broken clauses")]

    for part in (
        "check-7 of 2026-06-24",
        "Newly broken",
        "UUID-LENGTH",
        "200 with",
        "Clauses that are gone",
        "OLD",
    ):
        assert part in head.replace("\n", " ")
    assert "slower (p50 10 → 40 ms, p95 30 → 60 ms)" in head
    assert "- **Newly broken (1)**: UUID-LENGTH (waived)" in summary
    assert "  Newly broken (1): UUID-LENGTH (waived)\n" in terminal
    assert "  Latency: slower (p50 10 → 40 ms, p95 30 → 60 ms)\n" in terminal
    assert "Fixed" not in summary


def test_changes_are_told_in_chinese(reports):
    """With Chinese punctuation."""
    _, summary, _, terminal = reports(waived(baseline=baseline()), "zh")

    assert "- **新违反（1）**：UUID-LENGTH（已豁免）" in summary
    assert "  响应时间：变慢（p50 10 → 40 毫秒，p95 30 → 60 毫秒）\n" in terminal


@pytest.mark.parametrize(("shift", "is_nothing"), [("same", True), ("faster", False), (None, True)])
def test_run_like_its_baseline_says_so(reports, shift, is_nothing):
    """Nothing has changed, unless the latency has."""
    latency = baseline()["latency_ms"] | {"shift": shift} if shift else None
    whole = waived(baseline=baseline(newly_broken=[], gone_clauses=[], latency_ms=latency))

    assert since(whole).is_nothing == is_nothing
    assert all(("Nothing has changed." in text) == is_nothing for text in (reports(whole)[0].text, reports(whole)[1]))


def test_many_changes_are_cut_short(reports):
    """A selection leaves a hundred clauses out; the page folds them, the summary counts them."""
    rows = [{"clause": f"C-{number}", "before": "PASS", "after": "NOT_RUN"} for number in range(100)]
    page, summary, *_ = reports(waived(baseline=baseline(no_longer_executed=rows)))

    assert "88 more" in page.text
    assert "C-99" in page.text
    assert "C-11 and 88 more" in summary


def test_run_without_baseline_and_waivers_has_no_such_blocks(reports):
    """An older record, which knows neither, renders as before."""
    whole = waived()
    for key in ("waivers", "baseline", "latency_ms"):
        del whole[key]
    whole["clauses"] = [clause("A", "FAIL", findings=[finding(1, "a-1")])]
    del whole["clauses"][0]["last_passed"], whole["clauses"][0]["findings"][0]["waived"]
    page, summary, _, terminal = reports(whole)

    assert not {"waivers", "since"} & set(page.ids())
    for text in (summary, terminal):
        assert "Waivers" not in text
        assert "the baseline" not in text
    assert "last seen true" not in page.text
    assert "200 with a biz_token" in page.text


# --- last seen true


@pytest.mark.parametrize("verdict", ["FAIL", "WARN", "WAIVED", "HARNESS", "NOT_RUN", "UNTESTABLE"])
def test_clause_that_is_not_kept_says_when_it_last_was(reports, verdict):
    """The day and the run, on the page; of what is broken on the terminal and in the summary, too."""
    whole = waived()
    whole["clauses"][0] |= {"verdict": verdict, "reason": {"en": "Why.", "zh": "原因。"}}
    whole["clauses"][0]["findings"][0]["waived"] = None
    page, summary, _, terminal = reports(whole)

    assert "last seen true on 2026-06-24 (check-7)" in page.text
    if verdict in {"FAIL", "WARN"}:
        assert "last seen true on 2026-06-24 (check-7)" in terminal
        assert "last seen true on 2026-06-24 (check-7)" in summary


@pytest.mark.parametrize(
    "more", [{}, {"verdict": "OBSERVED"}, {"excluded": {"en": "x", "zh": "x"}, "verdict": "NOT_RUN"}]
)
def test_clause_that_is_kept_or_not_judged_says_nothing(reports, more):
    """There the day would be noise."""
    whole = result(clauses=[clause("A", last_passed=BEFORE) | more])

    assert "last seen true" not in reports(whole)[0].text


# --- hostile texts


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_hostile_text_does_nothing(reports, tmp_path, lang):
    """Reason, owner, finding, names: text everywhere, cut where it is long."""
    page, summary, root, terminal = reports(hostile(), lang)
    text = (tmp_path / "index.html").read_text("utf-8")

    assert [tag for tag, _ in page.tags].count("script") == 1
    assert not {tag for tag, _ in page.tags} & {"img", "link", "iframe", "b img"}
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    assert page.text.count("<script>alert(1)</script>") >= 4
    for made in (text, summary, terminal):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", made)
        assert "x" * 1000 not in made
    assert not re.search(r"(?<!\\)<(?!br>)", re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", summary))
    for row in re.findall(r"^\| \*\*.*", summary, re.MULTILINE):
        assert len(re.findall(r"(?<!\\)\|", row)) == 6
    assert "<script>alert(1)</script>" in root.find(".//failure").text


def test_run_is_repeated_with_its_waivers_and_a_case_without():
    """The run as it was; a single case for itself."""
    options = {"target": "t.yaml", "plan": "core", "waivers": "my waivers.yaml", "baseline": "reports"}
    whole = waived(options=options)

    assert "--waivers 'my waivers.yaml'" in repeat_command(whole)
    assert "--baseline reports" in repeat_command(whole)
    assert not [piece for piece in repeat_command(whole, "uuid-1") if "waivers" in piece or "baseline" in piece]
