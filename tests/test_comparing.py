"""Runs side by side: what differs, with the exchanges that show it, and nothing else."""

import io
import json
import re

import pytest
from rich.console import Console
from test_reporting_html import Page
from test_reporting_sample import (
    HOSTILE,
    broken,
    broken_exchanges,
    case,
    clause,
    conformant,
    exchange,
    finding,
    hostile,
    result,
    write,
)

from biztoken.comparing import compare
from biztoken.errors import UserError
from biztoken.reporting import print_comparison, render_comparison
from biztoken.reporting.comparison import is_repeated, sides


@pytest.fixture
def compared(tmp_path):
    """Compare results as runs a, b, …; each with its exchanges."""

    def make(*runs):
        directories = []
        for letter, run in zip("abc", runs, strict=False):
            whole, exchanges = run if isinstance(run, tuple) else (run, ())
            directories.append(write(tmp_path / letter, whole, exchanges))
        return compare(directories)

    return make


def ids(record):
    """The clauses that differ."""
    return [row["id"] for row in record["clauses"]]


def printed(record, lang="en"):
    """What the terminal shows."""
    out = io.StringIO()
    print_comparison(record, lang, Console(file=out, width=200))
    return out.getvalue()


def sound_exchanges():
    """The evidence of the same case, refused as it must be."""
    return [
        exchange(1, "uuid-129-bytes", "control"),
        exchange(7, "uuid-129-bytes", status=400, body={"error": "BAD_ARGUMENTS: uuid"}),
    ]


def kept():
    """The run of `broken` at a target that keeps the clause; its exchanges have other numbers."""
    return result(
        clauses=[clause("UUID-LENGTH"), clause("VERBOSE-VALUES")],
        cases=[case("uuid-129-bytes", "UUID-LENGTH", exchanges=(1, 7)), case("verbose-0", "VERBOSE-VALUES")],
    )


def test_runs_alike_do_not_differ(compared):
    """Exit code 0, and the sentence counts what was compared."""
    record = compared((broken(), broken_exchanges()), (broken(), broken_exchanges()))

    assert record["exit_code"] == 0
    assert ids(record) == []
    assert printed(record).strip() == "No difference in the 2 clauses compared"
    assert printed(record, "zh").strip() == "比较了 2 条条款，没有差异"


def test_difference_comes_with_both_exchanges(compared):
    """Of the run that is broken the failing one, of the other its counterpart in the same case."""
    record = compared((kept(), sound_exchanges()), (broken(), broken_exchanges()))

    assert record["exit_code"] == 1
    (row,) = record["clauses"]
    assert row["id"] == "UUID-LENGTH"
    assert [told["verdict"] for told in row["runs"]] == ["PASS", "FAIL"]
    (shown,) = row["cases"]
    assert shown["case"] == "uuid-129-bytes"
    assert [told["id"] for told in shown["exchanges"]] == [7, 2]
    assert [told["reply"]["status"] for told in shown["exchanges"]] == [400, 200]
    assert {"name": "uuid", "value": "好" * 43} in shown["exchanges"][1]["request"]["fields"]


def observed(*told):
    """A run whose clause A was only observed."""
    row = clause("A", "OBSERVED", level="OBSERVE") | {"observations": list(told)}
    return result(clauses=[row], cases=[case("a-1", "A", "OBSERVED", (1,)), case("a-2", "A", "OBSERVED", (2,))])


def test_observations_that_differ_are_told(compared):
    """Nothing is judged of such a clause, but where two endpoints do not behave alike both ways are shown."""
    here = (
        observed("a: status 200, accepted", "b: status 400, BAD_ARGUMENTS: b"),
        [
            exchange(1, "a-1", status=200),
            exchange(2, "a-2", status=400, body={"error": "BAD_ARGUMENTS: b", "request_id": "1"}),
        ],
    )
    there = (
        observed("a: status 403, DENIED", "b: status 400, BAD_ARGUMENTS: b"),
        [
            exchange(1, "a-1", status=403, body={"error": "DENIED"}),
            exchange(2, "a-2", status=400, body={"error": "BAD_ARGUMENTS: b", "request_id": "2"}),
        ],
    )

    record = compared(here, there)

    assert ids(record) == ["A"]
    assert [told["observed"] for told in record["clauses"][0]["runs"]] == [
        ["a: status 200, accepted"],
        ["a: status 403, DENIED"],
    ]
    assert [shown["case"] for shown in record["clauses"][0]["cases"]] == ["a-1"]
    assert "a: status 403, DENIED" in printed(record)
    assert ids(compared(here, here)) == []


def test_reports_of_a_run_are_not_overwritten(compared, tmp_path):
    """The directory of a run is no place for a comparison, and nothing in it changes."""
    record = compared(result(), result())
    before = {path: path.read_bytes() for path in (tmp_path / "a").iterdir()}

    with pytest.raises(UserError, match="directory of a run"):
        render_comparison(record, tmp_path / "a", "en")

    assert {path: path.read_bytes() for path in (tmp_path / "a").iterdir()} == before


def test_sequence_is_shown_where_its_answers_differ(compared):
    """A sequence has its exchanges in the records only; the last of them that differs is shown."""

    def run(error):
        row = clause("A", "OBSERVED", level="OBSERVE") | {"observations": [error]}
        told = [exchange(n, "a-1", status=400, body={"error": error if n == 2 else "SAME"}) for n in (1, 2, 3)]
        return result(clauses=[row], cases=[case("a-1", "A", "OBSERVED", ())]), told

    (row,) = compared(run("ONE"), run("OTHER"))["clauses"]

    assert [shown["id"] for shown in row["cases"][0]["exchanges"]] == [2, 2]


def test_request_that_is_the_same_is_shown_once(compared, tmp_path):
    """Where two runs sent the same, the page shows what they sent once, and both replies beside one another."""
    same = compared((kept(), sound_exchanges()), (broken(), broken_exchanges()))
    render_comparison(same, tmp_path / "out", "en")
    page = Page((tmp_path / "out" / "index.html").read_text("utf-8"))
    first, second = sides(same["clauses"][0]["cases"][0])

    assert is_repeated(first, [first])
    assert is_repeated(second, [first]) == ("The same request as in the first run." in page.text)
    assert not is_repeated(first, [])


def test_counterpart_is_found_by_its_place(compared):
    """A finding in the first of two defects is held against the first of the other run."""
    told = finding(1, "a-1", exchanges=(1, 2))
    cases = [case("a-1", "A", "FAIL", (1, 2, 3))]
    whole = result("not-conformant", [clause("A", "FAIL", findings=[told])], cases)
    other = result(clauses=[clause("A")], cases=[case("a-1", "A", "PASS", (4, 5, 6, 7))])
    records = [exchange(number, "a-1") for number in range(1, 8)]

    (row,) = compared((whole, records), (other, records))["clauses"]

    assert [shown["id"] for shown in row["cases"][0]["exchanges"]] == [2, 6]


def test_control_is_found_by_its_records(compared):
    """What a control showed has no case of its own in the result."""
    told = finding(1, "control-kyc", exchanges=(1,))
    whole = result("not-conformant", [clause("A", "FAIL", findings=[told])])
    other = result(clauses=[clause("A")])

    (row,) = compared(
        (whole, [exchange(1, "control-kyc", "control")]), (other, [exchange(4, "control-kyc", "control")])
    )["clauses"]

    assert [shown["id"] for shown in row["cases"][0]["exchanges"]] == [1, 4]


def test_same_verdict_with_another_finding_differs(compared):
    """Broken in another way is a difference; the numbering of findings and how often they came are none."""
    told = finding(9, "uuid-129-bytes", received="status 500")
    other = broken() | {"clauses": [clause("UUID-LENGTH", "FAIL", findings=[told]), clause("VERBOSE-VALUES")]}
    same = broken()
    same["clauses"][0]["findings"][0] |= {"id": "finding-7", "count": 9, "exchanges": [5]}

    assert ids(compared(broken(), other)) == ["UUID-LENGTH"]
    assert ids(compared(broken(), same)) == []


def test_waived_and_failed_differ(compared):
    """A waiver changes the verdict of one run."""
    waived = broken()
    waived["clauses"][0] |= {"verdict": "WAIVED"}

    assert ids(compared(broken(), waived)) == ["UUID-LENGTH"]


def test_three_runs_are_compared_at_once(compared):
    """One that differs is enough; the case that it did not run has no exchange."""
    record = compared(kept(), kept(), (broken(), broken_exchanges()))

    assert ids(record) == ["UUID-LENGTH"]
    assert [told and told["id"] for told in record["clauses"][0]["cases"][0]["exchanges"]] == [None, None, 2]


def test_excluded_clauses_are_not_compared(compared):
    """They are not judged."""
    why = {"en": "x", "zh": "x"}
    runs = [result(clauses=[clause("A", verdict, excluded=why)]) for verdict in ("NOT_APPLICABLE", "NOT_RUN")]

    assert ids(compared(*runs)) == []


def test_many_cases_are_counted_not_shown(compared):
    """Three of a clause are shown."""
    told = [finding(number, f"a-{number}", received=str(number)) for number in range(5)]
    whole = result("not-conformant", [clause("A", "FAIL", findings=told)])

    (row,) = compared(whole, result(clauses=[clause("A")]))["clauses"]

    assert [shown["case"] for shown in row["cases"]] == ["a-0", "a-1", "a-2"]
    assert row["more_cases"] == 2


NOTES = {
    "different sets": ({"certificate": {"suite": None, "case_set": "b", "controls": 1}}, "different sets of cases"),
    "plans": ({"plan": "quick"}, "different plans: core, quick"),
    "seeds": ({"seed": 7}, "different seeds: 20260701, 7"),
    "partial": ({"scope": "partial"}, "Only a part was run in: b."),
    "incomplete": ({"complete": False}, "Only a part was run in: b."),
    "clauses": ({"clauses": [clause("UUID-LENGTH"), clause("NEW")]}, "not compared: NEW, NUMBER-FORMS, VERBOSE-VALUES"),
}


@pytest.mark.parametrize(("changes", "told"), NOTES.values(), ids=NOTES)
def test_what_makes_runs_hard_to_compare_is_noted(compared, changes, told):
    """A note in both languages, and no mistake."""
    record = compared(conformant(), conformant() | changes)

    assert any(told in note["en"] for note in record["notes"])
    assert all(re.search(r"[\u4e00-\u9fff]", note["zh"]) for note in record["notes"])
    assert told in printed(record)
    assert record["exit_code"] == 0


def test_clause_of_one_run_only_is_no_difference(compared):
    """There is nothing to hold it against."""
    record = compared(conformant(), result(clauses=[clause("NEW", "FAIL")]))

    assert (record["compared"], record["exit_code"]) == (0, 0)


def test_older_record_is_compared(compared, tmp_path):
    """One without the keys of later versions."""
    old = conformant()
    for key in ("waivers", "baseline", "latency_ms", "certificate"):
        old.pop(key, None)
    for row in old["clauses"]:
        row.pop("last_passed")

    assert compared(old, conformant())["exit_code"] == 0


@pytest.mark.parametrize(
    ("names", "told"),
    [(["a", "b"], ["a", "b"]), (["x/run", "y/run"], ["x/run", "y/run"]), (["a", "a"], ["a (1)", "a (2)"])],
)
def test_runs_have_names_of_their_own(tmp_path, names, told):
    """What is named alike is told apart: by its path, and the same run by a number."""
    record = compare([write(tmp_path / name, conformant()) for name in names])

    assert [run["run"].removeprefix(f"{tmp_path}/") for run in record["runs"]] == told


@pytest.mark.parametrize("number", [0, 1])
def test_fewer_than_two_runs_are_a_mistake(tmp_path, number):
    """There is nothing to compare."""
    with pytest.raises(UserError, match="two or more") as caught:
        compare([write(tmp_path / "a", conformant())][:number])
    assert caught.value.zh


def test_directory_without_a_run_is_a_mistake(tmp_path):
    """And so is a run of another kind."""
    run = write(tmp_path / "a", conformant())
    load = write(tmp_path / "b", conformant() | {"kind": "load"})

    with pytest.raises(UserError, match="holds no result"):
        compare([run, tmp_path / "none"])
    with pytest.raises(UserError, match="no run of biztoken check"):
        compare([run, load])


# --- what people read


def test_terminal_shows_both_sides(compared):
    """Verdict and what came of each run, and one line of each exchange."""
    text = printed(compared((kept(), sound_exchanges()), (broken(), broken_exchanges())))

    assert "UUID-LENGTH  What UUID-LENGTH says." in text
    assert "a: kept" in text
    assert "b: broken" in text
    assert "200 with a biz_token" in text
    assert 'a: 400 Bad Request { "error": "BAD_ARGUMENTS: uuid" }' in text
    assert text.rstrip().endswith("1 of 2 clauses differ")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_directory_holds_page_summary_and_data(compared, tmp_path, lang):
    """The page is well formed, opens in the language, and the data is the record."""
    record = compared((kept(), sound_exchanges()), (broken(), broken_exchanges()))
    render_comparison(record, tmp_path / "deep" / "out", lang)
    out = tmp_path / "deep" / "out"
    page = Page((out / "index.html").read_text("utf-8"))

    assert sorted(path.name for path in out.iterdir()) == ["comparison.json", "index.html", "summary.md"]
    assert json.loads((out / "comparison.json").read_text("utf-8")) == record
    assert page.wrong == page.open == []
    assert page.tags[0] == ("html", {"lang": {"en": "en", "zh": "zh-Hans"}[lang]})
    assert "400 Bad Request" in page.text
    assert ("tr", {"class": "changed"}) in page.tags
    heads = {"en": "## ⚠️ 1 of 2 clauses differ\n", "zh": "## ⚠️ 比较了 2 条条款，其中 1 条有差异\n"}
    assert (out / "summary.md").read_text("utf-8").startswith(heads[lang])
    assert "| **UUID-LENGTH**<br>" in (out / "summary.md").read_text("utf-8")


def test_page_of_runs_alike_says_so(compared, tmp_path):
    """No clause, and a check mark."""
    render_comparison(compared(conformant(), conformant()), tmp_path / "out", "en")

    assert "Verdicts and findings are the same." in (tmp_path / "out/index.html").read_text("utf-8")
    assert (tmp_path / "out/summary.md").read_text("utf-8").startswith("## ✅ No difference in the 3 clauses compared")


def test_hostile_text_does_nothing(compared, tmp_path):
    """What a target sent is text, on the page, in Markdown and on the terminal."""
    whole, exchanges = hostile()
    other = conformant() | {"clauses": [clause(row["id"]) for row in whole["clauses"]]}
    record = compared((whole, exchanges), other)
    render_comparison(record, tmp_path / "out", "zh")
    text = (tmp_path / "out/index.html").read_text("utf-8")
    page, summary = Page(text), (tmp_path / "out/summary.md").read_text("utf-8")

    assert page.wrong == page.open == []
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert not {tag for tag, _ in page.tags} & {"img", "link", "iframe"}
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    for made in (text, summary, printed(record)):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", made)
    assert not re.search(r"(?<!\\)<(?!br>)", re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", summary))
    assert HOSTILE[:25] in page.text


def test_findings_that_read_alike_in_chinese_are_told_twice(compared, tmp_path):
    """Two texts may have one wording; no side of the page is lost."""
    told = [finding(1, "a-1", received="a string"), finding(2, "a-2", received="字符串")]
    whole = result("not-conformant", [clause("A", "FAIL", findings=told)])
    render_comparison(compared(whole, result(clauses=[clause("A")])), tmp_path / "out", "zh")

    assert (tmp_path / "out/index.html").read_text("utf-8").count("字符串") >= 2


def test_directory_that_cannot_be_written_is_a_mistake(compared, tmp_path):
    """Told in one sentence."""
    (tmp_path / "file").write_text("")

    with pytest.raises(UserError, match="--out"):
        render_comparison(compared(conformant(), conformant()), tmp_path / "file" / "out", "en")
