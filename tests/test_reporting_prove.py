"""A proof is told by a page, a summary, test results, a matrix and the terminal, and all of them say the same."""

import io
import json
import re
import time
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console
from test_reporting_html import Page
from test_reporting_junit import check_structure, outcomes
from test_reporting_prove_sample import (
    CASE_SET,
    early,
    entry,
    fault,
    hostile,
    large,
    partial,
    proof,
    proven,
    rule,
    some,
    unsound,
    write,
)
from test_reporting_sample import HOSTILE

from biztoken.errors import UserError
from biztoken.reporting import print_summary, render, verdict_sentence
from biztoken.reporting.figures import duration, percent
from biztoken.reporting.prove_grid import grid
from biztoken.reporting.prove_matrix import matrix

FILES = {"index.html", "summary.md", "junit.xml", "matrix.json"}


@pytest.fixture
def page(tmp_path):
    """Render a proof and parse its page."""

    def make(record, lang="en"):
        render(write(tmp_path, record), lang)
        return Page((tmp_path / "index.html").read_text("utf-8"))

    return make


@pytest.fixture
def english(tmp_path):
    """Render a proof and read its page as a reader of English does, its white space folded."""

    def make(record):
        render(write(tmp_path, record), "en")
        text = (tmp_path / "index.html").read_text("utf-8").replace("<dd", " <dd")
        return " ".join(Page(re.sub(r'<span class="zh".*?</span>', "", text, flags=re.DOTALL)).text.split())

    return make


@pytest.fixture
def told(tmp_path):
    """Render a proof and read one of its files."""

    def make(record, name, lang="en"):
        render(write(tmp_path, record), lang)
        return (tmp_path / name).read_text("utf-8")

    return make


@pytest.fixture
def printed(tmp_path):
    """What the terminal shows of a proof."""

    def make(record, lang="en", **options):
        out = io.StringIO()
        print_summary(write(tmp_path, record), lang, Console(file=out, width=100, **options))
        return out.getvalue()

    return make


def part(text, start, end):
    """What stands between two headings."""
    return text[text.index(start) : text.index(end, text.index(start))]


# --- the files


def test_proof_gets_four_files(tmp_path):
    """The three reports of any run, and the matrix for machines; the record is left alone."""
    write(tmp_path, some())
    before = (tmp_path / "result.json").read_bytes()

    render(tmp_path, "en")

    assert {path.name for path in tmp_path.iterdir()} == FILES | {"result.json"}
    assert (tmp_path / "result.json").read_bytes() == before


def test_record_of_another_shape_is_refused(tmp_path):
    """A proof is held to its own schema when it is read back from a file."""
    record = some()
    del record["gate"]
    (tmp_path / "result.json").write_text(json.dumps(record), "utf-8")

    with pytest.raises(UserError, match="'gate' is a required property"):
        render(tmp_path, "en")


@pytest.mark.parametrize("record", [proven(), some(), early(), unsound(), partial(), hostile()])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_any_proof_renders(tmp_path, record, lang, printed):
    """However a proof ended, all its reports are well formed and name every fault and variation."""
    printed(record, lang)
    render(tmp_path, lang)
    made = Page((tmp_path / "index.html").read_text("utf-8"))
    check_structure(ET.parse(tmp_path / "junit.xml").getroot())

    assert made.wrong == made.open == []
    assert len(made.ids()) == len(set(made.ids()))
    assert [f"f-{row['id']}" for row in record["faults"] if HOSTILE not in row["id"]] == [
        name for name in made.ids() if name.startswith("f-") and "script" not in name
    ]
    assert set(json.loads((tmp_path / "matrix.json").read_text("utf-8"))) == {"clauses"}


def test_large_proof_is_rendered_fast_and_small(told):
    """Some 250 faults make a page of under a megabyte, in seconds even on a slow machine."""
    started = time.monotonic()
    text = told(large(), "index.html")

    assert time.monotonic() - started < 10
    assert len(text.encode()) < 1_000_000


# --- the verdict


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        (
            proven(),
            "proven: all 2 faults are killed; all 2 variations are clean; "
            "1 fault that no reply can show is not counted",
        ),
        (
            some(),
            "not proven: 1 fault survived (longer-uuid), 2 false alarms (upper-case, extra-field+upper-case), "
            "1 run failed (deaf-verbose)",
        ),
        (early(), "incomplete: 0 of 5 runs were made"),
        (unsound(), "no verdict: The mock did not start"),
        (partial() | {"verdict": "incomplete"}, "incomplete: 4 of 5 runs were made (only long-uuid)"),
        (proven() | {"verdict": "not-proven"}, "not proven"),
        (
            proven() | {"verdict": "not-proven", "gate": [rule("every-must", False), rule("x")]},
            "not proven: 1 rule broken (every-must)",
        ),
        (
            some() | {"verdict": "incomplete"},
            "incomplete: 15 of 18 runs were made; so far 1 fault survived (longer-uuid), "
            "2 false alarms (upper-case, extra-field+upper-case), 1 run failed (deaf-verbose)",
        ),
    ],
)
def test_sentence_tells_the_verdict(record, sentence):
    """One sentence says whether the suite is proven, and what speaks against it."""
    assert verdict_sentence(record, "en") == sentence


def test_sentence_in_chinese():
    """The same in Chinese, with Chinese punctuation."""
    assert verdict_sentence(some(), "zh") == (
        "验证未通过：1 个故障未检出（longer-uuid），2 个误报（upper-case、extra-field+upper-case），"
        "1 次运行出错（deaf-verbose）"
    )
    assert verdict_sentence(partial(), "zh").endswith("（仅验证 long-uuid）")


def test_many_survivors_end_with_a_number():
    """A sentence stays one."""
    record = proof("not-proven", [], [fault(f"f-{number}", "A", "survived") for number in range(30)])

    assert verdict_sentence(record, "en") == "not proven: 30 faults survived (f-0, f-1, f-2, f-3 and 26 more)"


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [(3, 3, "100"), (2999, 3000, "99.9"), (1, 3, "33.3"), (0, 5, "0"), (0, 0, "–"), (1, 2, "50")],
)
def test_only_all_is_a_hundred_percent(part, whole, shown):
    """A rate is never rounded up, least of all to 100."""
    assert percent(part, whole) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.84, "0.84 s"), (59.96, "60.0 s"), (125, "2 min 5 s"), (3840.5, "1 h 4 min")]
)
def test_duration_is_told_for_people(seconds, shown):
    """Long proofs are told in hours."""
    assert duration(seconds) == shown


# --- the page


def test_first_screen_has_verdict_numbers_and_rules(page, english):
    """Verdict, kill rate, variations, own clauses and rules stand before everything else."""
    text = english(some())
    head = text[: text.index("On this page")]

    for words in (
        "Not proven: 1 fault survived",
        "Faults killed 72.7 % 8 of 11 · 1 equivalent, not counted",
        "Variations clean 2 of 4 combinations: 1 of 2",
        "Own clause named 7 of 8 2 break other clauses, too",
        "Rules kept 1 of 4 broken: every-must-killed, no-survivor, no-false-alarm",
        "15 of 18",
        "12 min 34 s",
        CASE_SET[:12],
    ):
        assert words in head, words
    assert ("body", {"class": "is-not-proven"}) in page(some()).tags


@pytest.mark.parametrize(
    ("record", "good", "bad"),
    [(proven(), 4, 0), (some(), 0, 3), (proven() | {"gate": [rule("a", False)]}, 3, 1)],
)
def test_numbers_are_green_only_where_all_is_well(page, record, good, bad):
    """A number in the colour of success has nothing missing."""
    classes = [attrs.get("class") for tag, attrs in page(record).tags if tag == "div"]

    assert (classes.count("good"), classes.count("bad")) == (good, bad)


def test_page_is_in_chinese_too(page):
    """A reader of Chinese finds the same, and the page opens in the language asked for."""
    made = page(some(), "zh")

    assert made.tags[0] == ("html", {"lang": "zh-Hans"})
    for words in (
        "验证未通过：1 个故障未检出",
        "故障检出率",
        "另有 1 个等价，不计入",
        "不满足：every-must-killed",
        "未检出",
        "误报",
    ):
        assert words in made.text
    spans = [attrs.get("class") for tag, attrs in made.tags if tag == "span"]
    assert spans.count("en") == spans.count("zh") > 100


def test_broken_rules_name_what_breaks_them(page):
    """Each rule says whether it holds, and links to the faults, variations or clauses that break it."""
    made = page(some())
    text = part(made.text, "The suite is proven when all of these hold.", "A fault that survives")
    hrefs = [attrs.get("href") for tag, attrs in made.tags if tag == "a"]

    assert len(re.findall("✕ broken", text)) == 3
    assert len(re.findall("✓ kept", text)) == 1
    for anchor in ("#c-VERBOSE-DEFAULT", "#open-longer-uuid", "#open-upper-case"):
        assert anchor in hrefs
        assert anchor[1:] in made.ids()


def test_open_points_read_alone(page):
    """A survivor is told with what the mock does, the clause, how it is switched on and how to run it again."""
    text = part(page(some()).text, "A fault that survives is a hole", "The kill matrix at a glance")

    for words in (
        "The mock commits longer-uuid.",
        "What UUID-LENGTH says.",
        '{"form": "uuid"}',
        '{"max_bytes": 4096}',
        "Records kept in runs/longer-uuid",
        "biztoken prove --only longer-uuid --seed 7",
        "The run ended with exit code 2: no sound request got through.",
        "uuid-128-bytes",
        "biztoken prove --only 'combination and extra-field and upper-case' --seed 7",
    ):
        assert words in text, words
    assert "long-uuid-case" not in text


def test_all_is_well_is_said(page):
    """A proof without open points says so, and shows no card."""
    made = page(proven())

    assert "Every fault that was run is killed" in made.text
    assert not [attrs for tag, attrs in made.tags if tag == "article"]


def test_matrix_tells_who_killed_what(page):
    """Each fault stands with its clause and names cases, other clauses, and what is odd about it."""
    text = part(page(some()).text, "Each clause with the faults that break it", "Ways in which an endpoint may differ")

    order = ["UUID-LENGTH", "long-uuid", "longer-uuid", "UUID-REQUIRED", "no-uuid", "VERBOSE-VALUES", "odd-verbose"]
    places = [text.index(name) for name in order]
    assert places == sorted(places)
    assert "long-uuid-case" in text
    assert "killed by other clauses only" in text
    assert "Breaks 2 other clauses" in text
    assert "reported as one cause" in text
    assert text.count("no fault breaks this clause") == 1
    assert text.count("the contract is silent here, so nothing can break it") == 1
    assert "It takes effect in the SDK." in text
    assert "with fuzzing" in text
    assert "always" in text


def test_filter_works_without_a_script(page):
    """What is off the diagonal, open or bare is marked, so that a choice of style can hide the rest."""
    made = page(some())
    faults = {attrs["id"]: attrs for tag, attrs in made.tags if tag == "details" and "fault" in attrs["class"]}
    chosen = [attrs["id"] for tag, attrs in made.tags if tag == "input" and attrs.get("name") == "show"]

    assert {name for name, attrs in faults.items() if "data-off" in attrs} == {"f-uuid-in-bytes", "f-no-request-id"}
    assert {name for name, attrs in faults.items() if "data-open" in attrs} == {"f-longer-uuid", "f-deaf-verbose"}
    assert [attrs["id"] for tag, attrs in made.tags if "data-bare" in attrs] == ["c-VERBOSE-DEFAULT"]
    assert chosen == ["show-all", "show-open", "show-off", "show-bare"]


def test_empty_choices_are_not_offered(page):
    """A filter that would leave nothing is not there."""
    chosen = [attrs["id"] for tag, attrs in page(proven()).tags if attrs.get("name") == "show"]

    assert chosen == ["show-all"]


def test_variations_tell_freedom_and_outcome(english):
    """A variation says what it uses, what leaves it open, and what it may warn of."""
    text = part(english(some()), "Ways in which an endpoint may differ", "Equivalent to a sound endpoint")

    for words in (
        "The contract is silent; upper-case uses it.",
        "✕ false alarm",
        "○ not run",
        "Reply fields time_used",
        "Several at once",
        "extra-field+slow",
    ):
        assert words in text, words
    assert "Warned, as it may VERBOSE-VALUES-REFUSED" in text
    assert "Warned, and must not TIME-USED" in text
    assert "Untestable with it TIME-USED" in text
    assert "Left open by UUID-LENGTH Reply fields time_used" in text


def test_equivalents_tell_why(page):
    """A fault that is not counted is never without a reason."""
    text = page(some()).text

    assert "Nothing that is sent depends on it." in part(text, "Equivalent to a sound endpoint", "This proof")


def test_facts_of_the_proof_are_there(english):
    """What it takes to make it again stands at the end."""
    text = english(some())
    end = text[text.rindex("This proof") :]

    for words in ("biztoken prove --seed 7", CASE_SET, "0.2.0", "4.32.5", "2026-07-02T08:30:11Z", "1 of 1", "5 of 6"):
        assert words in end, words


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (early(), "0 of 5 runs were made. What was found is real"),
        (unsound(), "The mock did not start."),
        (partial(), "Only a part was put to the proof: long-uuid."),
    ],
)
def test_what_is_missing_is_plain(page, record, words):
    """An incomplete, partial or failed proof is never taken for a whole one."""
    assert words in page(record).text


def test_partial_proof_blames_no_clause_that_was_left_out(page):
    """Clauses outside the selection are not told as lacking a fault; links lead to none of them."""
    record = some() | {"scope": "partial", "only": "uuid"}
    made = page(record)

    assert "no fault breaks this clause" not in made.text
    assert "c-VERBOSE-DEFAULT" not in made.ids()
    assert "c-UUID-LENGTH" in made.ids()
    assert {attrs["href"][1:] for tag, attrs in made.tags if tag == "a"} <= set(made.ids())


def test_proof_of_variations_alone_has_no_matrix(page):
    """Nothing selected is no empty section."""
    record = proof("proven", some()["clauses"], [], some()["variations"][:1], scope="partial", only="extra-field")
    made = page(record)

    assert "matrix" not in made.ids()
    assert "extra-field uses it" in made.text


def test_page_is_one_file_that_runs_only_our_script(told):
    """No asset is loaded, and the policy allows nothing but our own style and script."""
    text = told(hostile(), "index.html")

    assert not re.search(r"""(?:src|href)=["'](?!#)""", text)
    assert "default-src 'none'; style-src 'sha256-" in text
    assert text.count("<script") == 1
    assert " style=" not in text
    assert "<img" not in text


def test_hostile_texts_do_not_act(told):
    """Ids and texts are shown, whatever they hold."""
    for name in FILES - {"matrix.json"}:
        text = told(hostile(), name)
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", text), name
        assert "<script>alert" not in re.sub("``.*?``", "", text), name  # what Markdown shows as code does not act
    assert "{{ 7*7 }}" in told(hostile(), "index.html")
    assert json.loads(told(hostile(), "matrix.json"))["clauses"][HOSTILE]


def test_headings_go_down_one_by_one(page):
    """A reader with a screen reader meets no gap between headings."""
    levels = [int(tag[1]) for tag, _ in page(some()).tags if re.fullmatch("h[1-6]", tag)]

    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_links_lead_somewhere(page):
    """Each link on the page has its place."""
    made = page(some())
    hrefs = {attrs["href"] for tag, attrs in made.tags if tag == "a"}

    assert {href[1:] for href in hrefs} <= set(made.ids())
    assert len(hrefs) == 20


# --- the picture


def test_grid_has_a_cell_for_each_kill():
    """The diagonal tells each fault once, what lies off it each clause that it broke besides."""
    cells = grid(some()).cells
    kinds = {(cell.fault, cell.clause): cell.kind for cell in cells}

    assert len(cells) == len(kinds) == 12 + 3
    assert kinds["long-uuid", "UUID-LENGTH"] == "own"
    assert kinds["longer-uuid", "UUID-LENGTH"] == "open"
    assert kinds["uuid-in-bytes", "UUID-LENGTH"] == "missed"
    assert kinds["uuid-in-bytes", "UUID-REQUIRED"] == "other"
    assert kinds["deaf-verbose", "VERBOSE-VALUES"] == "open"
    assert kinds["quiet-time", "TIME-USED"] == "quiet"


def test_grid_runs_down_the_diagonal():
    """Clauses and faults are in the order of the contract, whatever the order of the record."""
    record = large()
    record["faults"].reverse()
    diagonal = sorted((cell.x, cell.y) for cell in grid(record).cells if cell.kind == "own")

    assert all(before[1] <= after[1] for before, after in pairwise(diagonal))
    assert max(x for x, _ in diagonal) < grid(record).width <= 1100


def test_names_beside_the_grid_do_not_touch():
    """A subject is named where the name above leaves room."""
    middles = [band.y + band.height / 2 for band in grid(large()).bands if band.is_named]

    assert len(middles) > 20
    assert all(after - before >= 9 for before, after in pairwise(middles))


def test_no_faults_no_picture(page):
    """A proof that selected no fault has a page without a grid."""
    record = proof("proven", some()["clauses"], [], some()["variations"][:1])

    assert grid(record) is None
    assert "kill matrix at a glance" not in page(record).text


# --- the other files


def test_matrix_for_machines():
    """Each clause, each fault that broke it, the cases that say so, and whether it is the fault's own clause."""
    made = matrix(some())["clauses"]

    assert list(made) == [row["id"] for row in some()["clauses"]]
    assert made["UUID-LENGTH"] == {
        "long-uuid": {"killed_by": ["long-uuid-case"], "own": True},
        "no-request-id": {"killed_by": ["u-1"], "own": False},
    }
    assert made["VERBOSE-DEFAULT"] == {}


def test_clause_that_is_not_listed_is_in_the_matrix():
    """What a later contract knows is not lost."""
    record = proof("proven", [], [fault("f", "A", broken=[entry("A", "a-1"), entry("B", "b-1")])])

    assert matrix(record)["clauses"] == {
        "A": {"f": {"killed_by": ["a-1"], "own": True}},
        "B": {"f": {"killed_by": ["b-1"], "own": False}},
    }


def test_test_cases_are_faults_and_variations(told):
    """Survived and false alarm fail, a failed run is an error, equivalent and not run are skipped."""
    root = ET.fromstring(told(some(), "junit.xml"))
    ended = outcomes(root)

    assert len(ended) == 18
    assert {name for name, outcome in ended.items() if outcome == "failure"} == {
        "longer-uuid",
        "upper-case",
        "extra-field+upper-case",
    }
    assert {name for name, outcome in ended.items() if outcome == "error"} == {"deaf-verbose"}
    assert {name for name, outcome in ended.items() if outcome == "skipped"} == {
        "late-uuid",
        "quiet-time",
        "other-order",
    }
    assert root.find(".//testcase[@name='longer-uuid']").get("classname") == "UUID-LENGTH"
    assert "uuid-128-bytes" in root.find(".//testcase[@name='upper-case']/failure").text
    assert "runs/upper-case" in root.find(".//testcase[@name='upper-case']/failure").text
    facts = {row.get("name"): row.get("value") for row in root.iter("property")}
    assert facts["faults.killed"] == "8"
    assert facts["faults.counted"] == "11"
    assert facts["gate.no-survivor"] == "false"
    assert facts["case_set"] == CASE_SET


def test_summary_fits_a_step(told):
    """The verdict, the numbers, the rules and what to mend."""
    text = told(some(), "summary.md")

    assert text.startswith("## ❌ Not proven: 1 fault survived (longer-uuid)")
    for words in (
        "| Faults killed | 8 of 11 (72.7 %) |",
        "| Variations clean | 2 of 4 |",
        "| Combinations clean | 1 of 2 |",
        "| Own clause named | 7 of 8 |",
        "| Rules kept | 1 of 4 |",
        "- Rule no-survivor holds. (longer-uuid)",
        "| **longer-uuid**<br>The mock commits longer-uuid. | survived | UUID-LENGTH | no clause broken |",
        "| false alarm | UUID-LENGTH | `refused` |",
        "- quiet-time: Nothing that is sent depends on it.",
        "`biztoken prove --seed 7`",
    ):
        assert words in text, words
    assert "late-uuid" not in text
    assert told(proven(), "summary.md").startswith("## ✅ Proven: all 2 faults are killed")


def test_summary_in_chinese(told):
    """The same for a reader of Chinese."""
    text = told(some(), "summary.md", "zh")

    assert "| 故障检出率 | 8 / 11（72.7%） |" in text
    assert "| **longer-uuid**<br>模拟服务出现 longer-uuid。 | 未检出 | UUID-LENGTH | 没有违反任何条款 |" in text
    assert "survived" not in text


def test_long_summary_ends(told):
    """Hundreds of survivors make a short summary that says how many more there are."""
    text = told(proof("not-proven", [], [fault(f"f-{n}", "A", "survived") for n in range(300)]), "summary.md")

    assert "and 275 more in index.html" in text
    assert len(text) < 6000


def test_terminal_tells_what_to_mend_and_where(printed, tmp_path):
    """Survivors, alarms, broken rules and numbers; verdict and page next to the prompt."""
    text = printed(some())

    for words in (
        "  longer-uuid  The mock commits longer-uuid.\n    survived: UUID-LENGTH\n",
        "    biztoken prove --only longer-uuid --seed 7\n",
        "    false alarm: TIME-USED\n",
        "    run failed: The run ended with exit code 2",
        "  no-survivor  Rule no-survivor holds.\n    longer-uuid\n",
        "Faults killed: 8 of 11 (72.7 %)\n",
        "Rules kept: 1 of 4\n",
    ):
        assert words in text, words
    assert text.rstrip().split("\n")[-3].startswith("Not proven: 1 fault survived")
    assert text.rstrip().split("\n")[-1] == f"Report: {tmp_path / 'index.html'}"


def test_terminal_in_chinese_and_in_short(printed):
    """A proof without open points takes a few lines."""
    text = printed(proven(), "zh")

    assert "验证通过：2 个故障全部检出；2 个变体均无误报" in text
    assert len(text.strip().splitlines()) < 12


def test_nothing_drives_the_terminal(printed):
    """Neither escape sequences nor rich's own markup act."""
    record = hostile()
    record["faults"][1]["en"] = "[bold red]x[/] \x1b]0;title\x07"
    text = printed(record, force_terminal=True)

    assert "[bold red]x[/] ␛]0;title␇" in text
    assert "\x07" not in text
