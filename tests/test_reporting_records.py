"""A run is read back as far as its records go."""

import json

import pytest
from test_reporting_sample import broken, broken_exchanges, case, clause, conformant, exchange, killed, result, write

from biztoken.errors import UserError
from biztoken.reporting import verdict_sentence
from biztoken.reporting.records import load, progress


def by_id(rows):
    """Rows under their ids."""
    return {row["id"]: row for row in rows}


def test_whole_run_is_read_as_it_is(tmp_path):
    """A complete result is not touched by the other records."""
    write(tmp_path, broken(), broken_exchanges())

    run = load(tmp_path)

    assert run.result == broken()
    assert run.exchange(2)["role"] == "defect"
    assert run.exchange(99) is None


def test_killed_run_tells_what_it_found(tmp_path):
    """Findings of finished cases break their clauses; the rest stays not run, the torn line is passed over."""
    run = load(killed(tmp_path))
    clauses = by_id(run.result["clauses"])

    assert clauses["UUID-LENGTH"]["verdict"] == "FAIL"
    assert clauses["UUID-LENGTH"]["findings"][0]["case"] == "uuid-129-bytes"
    assert clauses["VERBOSE-VALUES"]["verdict"] == "NOT_RUN"
    assert run.result["executed"] == 2
    assert run.result["requests"] == 3
    assert run.result["verdict"] == "incomplete"
    assert verdict_sentence(run.result, "en") == (
        "incomplete: 2 of 4 cases ran; so far 1 MUST clause broken (UUID-LENGTH)"
    )


def test_killed_run_passes_only_what_it_finished(tmp_path):
    """A clause whose planned cases all passed before the end is kept."""
    clauses = [clause("A", "NOT_RUN"), clause("B", "NOT_RUN")]
    cases = [case("a-1", "A", "NOT_RUN"), case("a-2", "A", "NOT_RUN"), case("b-1", "B", "NOT_RUN")]
    whole = result("incomplete", clauses, cases, complete=False, executed=0)
    write(tmp_path, whole, [], [case("a-1", "A"), case("a-2", "A")])

    verdicts = {row["id"]: row["verdict"] for row in load(tmp_path).result["clauses"]}

    assert verdicts == {"A": "PASS", "B": "NOT_RUN"}


def test_clause_is_not_kept_by_a_case_that_broke_another(tmp_path):
    """A failed case whose finding is charged elsewhere leaves its own clause open."""
    clauses = [clause("A", "NOT_RUN"), clause("STATUS", "NOT_RUN")]
    whole = result("incomplete", clauses, [case("a-1", "A", "NOT_RUN")], complete=False, executed=0)
    told = {"findings": [{"clause": "STATUS", "expected": "400", "received": "200"}]}
    write(tmp_path, whole, [], [case("a-1", "A", "FAIL") | told])

    verdicts = {row["id"]: row["verdict"] for row in load(tmp_path).result["clauses"]}

    assert verdicts == {"A": "NOT_RUN", "STATUS": "FAIL"}


def test_killed_run_without_finished_cases_counts_those_begun(tmp_path):
    """With evidence alone the number of cases seen is told."""
    whole = result("incomplete", [clause("A", "NOT_RUN")], [case("a-1", "A", "NOT_RUN")], complete=False, executed=0)
    write(tmp_path, whole, [exchange(1, "a-1")])

    assert load(tmp_path).result["executed"] == 1


def test_cases_of_a_killed_run_come_from_its_plan(tmp_path):
    """A result from before the cases were known is completed by plan.json."""
    whole = result("incomplete", [clause("A", "NOT_RUN")], [], complete=False, executed=0, planned=0)
    write(tmp_path, whole, plan={"planned": 2, "cases": [{"id": "a-1", "clause": "A"}, {"id": "a-2", "clause": "A"}]})

    run = load(tmp_path)

    assert run.result["planned"] == 2
    assert [row["verdict"] for row in run.result["cases"]] == ["NOT_RUN", "NOT_RUN"]


def test_progress_counts_while_a_run_goes_on(tmp_path):
    """Planned, begun, finished and exchanges are counted from the records."""
    reached = progress(killed(tmp_path))

    assert (reached.planned, reached.begun, reached.finished, reached.exchanges) == (4, 2, 2, 3)


def test_progress_of_an_empty_directory_is_nothing(tmp_path):
    """Before the first record there is nothing to count and nothing to break."""
    assert progress(tmp_path).exchanges == 0


@pytest.mark.parametrize("cut", range(0, 400, 7))
def test_evidence_torn_anywhere_is_readable(tmp_path, cut):
    """Wherever a kill tears the last line, the lines before it stand."""
    line = json.dumps(exchange(4, "x", body={"text": "好👩‍👧"}), ensure_ascii=False).encode()
    write(tmp_path, conformant(), broken_exchanges())
    with (tmp_path / "evidence.ndjson").open("ab") as file:
        file.write(line[:cut])

    assert set(load(tmp_path).exchanges) == {1, 2}


def test_plan_that_cannot_be_read_is_told(tmp_path):
    """A damaged plan is the user's to restore or remove."""
    killed(tmp_path)
    (tmp_path / "plan.json").write_text("{", "utf-8")

    with pytest.raises(UserError, match=r"plan\.json"):
        load(tmp_path)
