"""A waiver excuses what it names, until its day is over, and nothing else."""

from datetime import date

import pytest
import yaml

from biztoken.contract import load
from biztoken.errors import UserError
from biztoken.waivers import Waiver, apply, case_ids, read_waivers, stale

TODAY = date(2026, 7, 1)
CASES = {"uuid-1", "uuid-2", "sign-empty"}
ENTRY = {
    "clause": "UUID-LENGTH",
    "finding": "200 accepted",
    "reason": "Old clients.",
    "owner": "Risk team",
    "expires": "2026-07-31",
}


def entry(**changes):
    """A sound entry with some keys changed, or left out where the value is None."""
    return {key: value for key, value in (ENTRY | changes).items() if value is not None}


def of_case(name="uuid-1", **changes):
    """A sound entry that names a case."""
    return entry(clause=None, case=name, **changes)


def waiver(finding="200", clause="UUID-LENGTH", case=None, expires=TODAY):
    """A waiver as it was read."""
    return Waiver(None if case else clause, case, finding, "Why.", "Who", expires)


def found(received, case="uuid-1", **more):
    """A finding of a row."""
    return {"id": f"f-{received}-{case}", "case": case, "received": received, "count": 1} | more


def row(verdict, *findings, name="UUID-LENGTH"):
    """A row of a clause or, without findings, of a case."""
    return {"id": name, "verdict": verdict, "findings": list(findings)}


@pytest.fixture
def read(tmp_path):
    """Read a file of waivers with these entries, or with this text."""

    def make(content):
        path = tmp_path / "waivers.yaml"
        text = content if isinstance(content, str) else yaml.safe_dump(content, allow_unicode=True, sort_keys=False)
        path.write_text(text, "utf-8")
        return read_waivers(path, load(), CASES, TODAY)

    return make


@pytest.fixture
def refused(read):
    """The mistake that a file of waivers is refused for."""

    def make(content):
        with pytest.raises(UserError) as caught:
            read(content)
        assert caught.value.zh
        return caught.value

    return make


# --- the file


def test_sound_file_is_read(read):
    """Clauses and cases can be named, dates quoted or not."""
    text = """
- clause: UUID-LENGTH
  finding: 200
  reason: >
    Old
    clients.
  owner: 007
  expires: 2026-07-31
- {case: sign-empty, finding: 'status 500', reason: r, owner: o, expires: "2026-08-01"}
"""
    assert read(text) == (
        Waiver("UUID-LENGTH", None, "200", "Old clients.", "007", date(2026, 7, 31)),
        Waiver(None, "sign-empty", "status 500", "r", "o", date(2026, 8, 1)),
    )


@pytest.mark.parametrize(("finding", "is_valid"), [("a", False), ("20", False), ("200", True)])
def test_finding_that_fits_nearly_anything_is_refused(read, refused, finding, is_valid):
    """A letter or two stand in nearly every text, and would excuse what nobody looked at."""
    if is_valid:
        assert read([entry(finding=finding)])[0].finding == finding
    else:
        assert refused([entry(finding=finding)]).what.endswith("UUID-LENGTH: finding")


@pytest.mark.parametrize("text", ["", "# all is mended\n", "[]"])
def test_file_without_entries_waives_nothing(read, text):
    """Once all is mended the file may stay."""
    assert read(text) == ()


@pytest.mark.parametrize(("day", "is_valid"), [("2026-06-30", False), ("2026-07-01", True), ("2026-07-02", True)])
def test_waiver_holds_on_its_last_day_and_no_longer(read, refused, day, is_valid):
    """The day itself is still valid; the day after, the file is refused."""
    if is_valid:
        assert read([entry(expires=day)])[0].expires.isoformat() == day
    else:
        problem = refused([entry(expires=day)])
        assert problem.what.endswith(f"waivers.yaml:1: UUID-LENGTH: expires: {day}")
        assert "expired" in problem.hint
        assert "已过期" in problem.zh


@pytest.mark.parametrize("value", ["2026-02-30", "20260801", "2026-W40-1", "soon", "2026-08-01 10:00:00", "01.08.2026"])
def test_what_is_no_date_is_refused(refused, value):
    """A day is written in one way, and must exist."""
    assert refused(f"- {{clause: UUID-LENGTH, finding: f, reason: r, owner: o, expires: {value}}}").what.endswith(
        f"waivers.yaml:1: UUID-LENGTH: expires: {value}"
    )


@pytest.mark.parametrize("key", ["finding", "reason", "owner", "expires"])
def test_missing_key_is_named(refused, key):
    """Nothing is waived without saying what, why, who and how long."""
    problem = refused([entry(), entry(clause="SIGN-EMPTY", **{key: None})])

    assert problem.what.endswith(f"waivers.yaml:6: SIGN-EMPTY: {key}")
    assert problem.hint == "this key is missing; add it"


@pytest.mark.parametrize("key", ["clause", "finding", "reason", "owner", "expires"])
@pytest.mark.parametrize("value", ["''", "'  '", "", "~", "null"])
def test_empty_value_is_refused(refused, key, value):
    """An empty finding would be in every text, an empty owner answers for nothing."""
    text = "".join(f"{'-' if name == 'clause' else ' '} {name}: {ENTRY[name]}\n" for name in ENTRY)

    assert refused(text.replace(f"{key}: {ENTRY[key]}", f"{key}: {value}")).hint == "this value is empty; write it"


@pytest.mark.parametrize("value", ["[a]", "{a: b}", "!!timestamp 2026-07-31", "!!int 5"])
def test_value_that_is_no_text_is_refused(refused, value):
    """A list for a reason is a slip."""
    text = f"- {{clause: UUID-LENGTH, finding: f, reason: {value}, owner: o, expires: 2026-07-31}}"

    assert refused(text).what.endswith("UUID-LENGTH: reason")


def test_unknown_key_is_refused_with_the_nearest(refused):
    """A slip in a key is told."""
    problem = refused([entry(expire="2026-07-31", expires=None)])

    assert problem.what.endswith(": expire")
    assert problem.hint == "this key is unknown; did you mean expires?"
    assert problem.zh == "未知的键；是否应为 expires？"


@pytest.mark.parametrize(
    ("changes", "hint"), [({"clause": None}, "a clause or a case"), ({"case": "uuid-1"}, "not both")]
)
def test_one_of_clause_and_case_is_named(refused, changes, hint):
    """An entry speaks of one thing."""
    assert hint in refused([entry(**changes)]).hint


@pytest.mark.parametrize(
    ("told", "hint"),
    [
        (entry(clause="UUID-LENGHT"), "there is no such clause; did you mean UUID-LENGTH?"),
        (entry(clause="uuid-length"), "there is no such clause; did you mean UUID-LENGTH?"),
        (entry(clause="%%%"), "there is no such clause; give an id from the report"),
        (entry(clause="sign-empty"), "this is no clause; write case: sign-empty"),
        (of_case("uuid-3"), "there is no such case; did you mean uuid-2?"),
        (of_case("UUID-LENGTH"), "this is no case; write clause: UUID-LENGTH"),
    ],
)
def test_unknown_id_is_refused_with_the_nearest(refused, told, hint):
    """What does not exist cannot be waived."""
    assert refused([told]).hint == hint


def test_clause_that_no_reply_breaks_is_refused(refused):
    """An entry that can never be met is told when it is written."""
    contract = load()
    never = [name for name, clause in contract.clauses.items() if not clause.is_judged or clause.level == "OBSERVE"]

    assert {contract.clauses[name].level == "OBSERVE" for name in never} == {True, False}
    for name in never:
        assert "no reply can break" in refused([entry(clause=name)]).hint


def test_second_entry_for_the_same_is_refused(refused, read):
    """Two ends for one deviation: which holds? Another text, or the case, is another thing."""
    problem = refused([entry(), entry(reason="Other.", expires="2026-12-31")])

    assert problem.what.endswith("waivers.yaml:6: UUID-LENGTH")
    assert problem.hint.startswith("line 1 waives the same")
    assert len(read([entry(), entry(finding="other"), of_case()])) == 3


def test_entry_without_its_dash_is_refused(refused):
    """YAML would take the last of two equal keys, and a waiver would be lost."""
    assert refused("- clause: UUID-LENGTH\n  finding: a\n  clause: SIGN-EMPTY\n").what.endswith(
        "waivers.yaml:1: clause"
    )


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("clause: UUID-LENGTH", "--waivers "),
        ("- UUID-LENGTH", "waivers.yaml:1"),
        ("- clause: a\n- [", "waivers.yaml:"),
        ("- !!python/object:os.system {}", "waivers.yaml:"),
    ],
)
def test_what_is_no_list_of_entries_is_refused(refused, text, what):
    """The mistake is told in one sentence, whatever the file holds."""
    assert what in refused(text).what


def test_file_that_cannot_be_read_is_told(tmp_path):
    """Not there, or not UTF-8."""
    (tmp_path / "latin").write_bytes(b"- \xff")

    for name, why in (("none", "No such file"), ("latin", "not UTF-8")):
        with pytest.raises(UserError, match=why):
            read_waivers(tmp_path / name, load(), CASES, TODAY)


def test_every_case_may_be_named():
    """Those of data, of fuzzing and the sequences, whatever a plan leaves out."""
    known = case_ids(load())

    assert {"uuid-129-bytes-ascii", "sign-replay", "concurrency", "precedence-of-key"} <= known
    assert len([name for name in known if name.startswith("fuzz-")]) == 8


def test_id_is_made_of_what_is_waived():
    """It stays when entries are added, reworded or renewed, and differs for each thing waived."""
    same = [waiver(), waiver(expires=date(2027, 1, 1))]
    others = [waiver("201"), waiver(clause="SIGN-EMPTY"), waiver(case="uuid-1"), waiver("\ud800")]

    assert len({made.id for made in same}) == 1
    assert len({made.id for made in [*same, *others]}) == 5


# --- what it does


def applied(rows, waivers, cases=(), *, whole=True):
    """The rows after the waivers, and the state of each waiver."""
    rows, told = apply(rows, cases, waivers, whole=whole)
    return rows, [(entry["state"], entry["findings"]) for entry in told]


@pytest.mark.parametrize("verdict", ["FAIL", "WARN"])
def test_broken_clause_whose_findings_are_all_waived_is_waived(verdict):
    """The findings stay, each with the waiver's id."""
    known = waiver("200")
    rows, states = applied([row(verdict, found("200 accepted"), found("200 x", "uuid-2"))], [known])

    assert rows[0]["verdict"] == "WAIVED"
    assert [finding["waived"] for finding in rows[0]["findings"]] == [known.id, known.id]
    assert [finding["received"] for finding in rows[0]["findings"]] == ["200 accepted", "200 x"]
    assert states == [("applied", 2)]


def test_clause_with_another_deviation_stays_broken():
    """What is not named is not excused; what is, is marked."""
    rows, states = applied([row("FAIL", found("200 accepted"), found("status 500"))], [waiver("200")])

    assert rows[0]["verdict"] == "FAIL"
    assert [finding.get("waived") for finding in rows[0]["findings"]] == [waiver("200").id, None]
    assert states == [("applied", 1)]


def test_several_waivers_together_excuse_a_clause():
    """Each deviation has its own."""
    rows, states = applied([row("FAIL", found("200"), found("500"))], [waiver("200"), waiver("500")])

    assert rows[0]["verdict"] == "WAIVED"
    assert states == [("applied", 1), ("applied", 1)]


def test_waiver_of_one_clause_says_nothing_of_another():
    """The same text elsewhere is another deviation."""
    rows, states = applied([row("FAIL", found("200")), row("FAIL", found("200"), name="B")], [waiver("200")])

    assert [told["verdict"] for told in rows] == ["WAIVED", "FAIL"]
    assert states == [("applied", 1)]


def test_waiver_may_be_written_as_the_chinese_report_says_it():
    """Whoever copies what came from the Chinese page means the same."""
    rows, _ = applied([row("FAIL", found("status 200, no error told"))], [waiver("没有给出错误")])
    both = row("FAIL", found({"en": "three", "zh": "三"}))

    assert rows[0]["verdict"] == "WAIVED"
    assert applied([both], [waiver("三")])[0][0]["verdict"] == "WAIVED"
    assert applied([both], [waiver("四")])[0][0]["verdict"] == "FAIL"


@pytest.mark.parametrize("verdict", ["PASS", "NOT_APPLICABLE", "UNTESTABLE", "OBSERVED", "HARNESS", "NOT_RUN"])
def test_only_what_is_broken_can_be_waived(verdict):
    """A finding on a clause that did not fail is left alone."""
    rows, _ = applied([row(verdict, found("200"))], [waiver("200")])

    assert rows == [row(verdict, found("200"))]


def test_rows_given_are_left_as_they_were():
    """Applying twice, or to a record that someone else holds, changes nothing there."""
    before = row("FAIL", found("200"))
    applied([before], [waiver("200")])

    assert before == row("FAIL", found("200"))


# --- a case


@pytest.mark.parametrize(
    ("finding", "verdict"),
    [
        (found("200"), "WAIVED"),
        (found("200", "uuid-2"), "FAIL"),
        (found("200", cases=["uuid-1"], count=5), "WAIVED"),
        (found("200", cases=["uuid-1", "uuid-2"], count=2), "FAIL"),
        (found("200", count=2), "FAIL"),
    ],
    ids=["its own", "another's", "its own, five times", "another's, too", "perhaps another's"],
)
def test_waiver_of_a_case_excuses_only_what_that_case_showed(finding, verdict):
    """The same finding of several cases is recorded once, and waiving one must not hide the others."""
    rows, _ = applied([row("FAIL", finding)], [waiver("200", case="uuid-1")])

    assert rows[0]["verdict"] == verdict


def test_finding_of_two_cases_is_excused_by_a_waiver_for_each():
    """Then nothing is hidden."""
    told = row("FAIL", found("200", cases=["uuid-1", "uuid-2"], count=2))
    rows, states = applied([told], [waiver("200", case="uuid-1"), waiver("200", case="uuid-2")])

    assert rows[0]["verdict"] == "WAIVED"
    assert states == [("applied", 1), ("applied", 1)]


# --- what became of it


@pytest.mark.parametrize("verdict", ["PASS", "FAIL", "WARN"])
def test_waiver_that_fits_nothing_is_stale(verdict):
    """Its clause was judged: the deviation is gone, or another."""
    _, told = apply([row(verdict, *([found("500")] if verdict != "PASS" else []))], [], [waiver("200")], whole=True)

    assert told[0]["state"] == "stale"
    assert waiver("200").id in stale(told).en
    assert waiver("200").id in stale(told).zh


@pytest.mark.parametrize("verdict", ["NOT_RUN", "UNTESTABLE", "HARNESS", "NOT_APPLICABLE"])
def test_waiver_of_what_was_not_executed_is_not_met(verdict):
    """Nothing is known of it, so the run does not turn red."""
    _, told = apply([row(verdict)], [row(verdict, name="uuid-1")], [waiver(), waiver(case="uuid-1")], whole=True)

    assert [entry["state"] for entry in told] == ["not-met", "not-met"]
    assert stale(told) is None


def test_waiver_of_what_the_run_did_not_know_is_not_met():
    """A clause or a case that was not planned has no row."""
    assert applied([], [waiver(), waiver(case="uuid-1")])[1] == [("not-met", 0), ("not-met", 0)]


def test_part_of_a_run_calls_no_waiver_of_a_clause_stale():
    """The case that shows the deviation may be among those left out; of a case itself all is known."""
    cases = [row("PASS", name="uuid-1")]
    waivers = [waiver(), waiver(case="uuid-1")]

    assert applied([row("PASS")], waivers, cases, whole=False)[1] == [("not-met", 0), ("stale", 0)]
    assert applied([row("PASS")], waivers, cases, whole=True)[1] == [("stale", 0), ("stale", 0)]


def test_waiver_of_a_case_that_other_cases_share_is_not_stale():
    """The deviation is there, though it is not excused."""
    told = row("FAIL", found("200", cases=["uuid-1", "uuid-2"], count=2))

    assert applied([told], [waiver(case="uuid-1")], [row("FAIL", name="uuid-1")])[1] == [("applied", 0)]


def test_row_of_a_waiver_says_all():
    """What result.json holds of it."""
    _, told = apply([row("FAIL", found("200"))], [], [waiver("200")], whole=True)

    assert told == [
        {
            "id": waiver("200").id,
            "clause": "UUID-LENGTH",
            "case": None,
            "finding": "200",
            "reason": "Why.",
            "owner": "Who",
            "expires": "2026-07-01",
            "state": "applied",
            "findings": 1,
        }
    ]


def test_many_stale_waivers_are_not_all_named():
    """The sentence stays one."""
    _, told = apply([row("PASS")], [], [waiver(str(number)) for number in range(9)], whole=True)

    assert stale(told).en.count("UUID-LENGTH-") == 5
    assert stale(told).en.endswith(" ….")
