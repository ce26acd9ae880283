"""What changed since the baseline, and which run is one."""

import json
from datetime import date

import pytest

from biztoken.changes import accept, changes, find_baseline, percentiles, target_key
from biztoken.errors import UserError

URL = "https://faceid.example.com/get_biz_token"
KINDS = ("newly_broken", "fixed", "newly_untestable", "no_longer_executed")
TODAY = date(2026, 7, 1)


def found(received="200", aspect="accepted"):
    """A finding."""
    return {"aspect": aspect, "received": received}


def result(clauses, **more):
    """A result with these clauses: by name a verdict, or a verdict and its findings."""
    rows = []
    for name, told in clauses.items():
        verdict, *findings = told if isinstance(told, tuple) else (told,)
        rows.append({"id": name, "verdict": verdict, "findings": findings})
    return {"started": "2026-06-24T10:15:00Z", "clauses": rows} | more


def moved(before, after):
    """The kind of change that one clause made, None where there is none."""
    told = changes(result({"A": before}), result({"A": after}), "run-1")
    kinds = [kind for kind in KINDS if told[kind]]
    assert len(kinds) <= 1
    return kinds[0] if kinds else None


MOVES = [
    ("PASS", ("FAIL", found()), "newly_broken"),
    ("PASS", ("WARN", found()), "newly_broken"),
    ("PASS", ("WAIVED", found()), "newly_broken"),
    ("UNTESTABLE", ("FAIL", found()), "newly_broken"),
    ("NOT_RUN", ("FAIL", found()), "newly_broken"),
    (("FAIL", found()), ("FAIL", found()), None),
    (("FAIL", found()), ("FAIL", found("500")), "newly_broken"),
    (("FAIL", found()), ("FAIL", found(aspect="status")), "newly_broken"),
    (("FAIL", found(), found("500")), ("FAIL", found()), None),
    (("WARN", found()), ("FAIL", found()), "newly_broken"),
    (("WAIVED", found()), ("FAIL", found()), "newly_broken"),
    (("FAIL", found()), ("WAIVED", found()), None),
    (("FAIL", found()), ("WARN", found()), None),
    (("FAIL", found()), "PASS", "fixed"),
    (("WARN", found()), "PASS", "fixed"),
    (("WAIVED", found()), "PASS", "fixed"),
    (("FAIL", found()), "UNTESTABLE", "newly_untestable"),
    ("PASS", "UNTESTABLE", "newly_untestable"),
    ("NOT_RUN", "UNTESTABLE", None),
    ("PASS", "NOT_RUN", "no_longer_executed"),
    ("PASS", "HARNESS", "no_longer_executed"),
    (("FAIL", found()), "NOT_RUN", "no_longer_executed"),
    ("PASS", "NOT_APPLICABLE", "no_longer_executed"),
    ("UNTESTABLE", "NOT_RUN", None),
    ("UNTESTABLE", "PASS", None),
    ("NOT_RUN", "PASS", None),
    ("PASS", "PASS", None),
    ("OBSERVED", "OBSERVED", None),
    ("OBSERVED", "NOT_RUN", "no_longer_executed"),
]


@pytest.mark.parametrize(("before", "after", "kind"), MOVES)
def test_change_of_a_clause(before, after, kind):
    """Each pair of verdicts is one kind of change or none."""
    assert moved(before, after) == kind


def test_newly_broken_tells_what_is_new():
    """Only the deviation that was not there before, and each once."""
    before = result({"A": ("FAIL", found("200")), "B": "PASS"})
    after = result({"A": ("FAIL", found("200"), found("500"), found("500", "status")), "B": ("WARN", found("x"))})

    assert changes(before, after, "run-1")["newly_broken"] == [
        {"clause": "A", "before": "FAIL", "after": "FAIL", "received": ["500"]},
        {"clause": "B", "before": "PASS", "after": "WARN", "received": ["x"]},
    ]


def test_clauses_that_came_and_went_are_named():
    """A clause of one run only is neither broken nor fixed."""
    told = changes(result({"A": "PASS", "B": ("FAIL", found())}), result({"A": "PASS", "C": ("FAIL", found())}), "r")

    assert (told["new_clauses"], told["gone_clauses"]) == (["C"], ["B"])
    assert not any(told[kind] for kind in KINDS)


def test_changes_name_the_baseline():
    """Its directory and when it began."""
    told = changes(result({}), result({}), "run-1")

    assert (told["run"], told["started"]) == ("run-1", "2026-06-24T10:15:00Z")


# --- latency


@pytest.mark.parametrize(
    ("before", "after", "shift"),
    [
        ((100, 200), (100, 200), "same"),
        ((100, 200), (149, 200), "same"),
        ((100, 200), (150, 200), "slower"),
        ((100, 200), (100, 300), "slower"),
        ((100, 200), (100, 299), "same"),
        ((10, 30), (29, 30), "same"),
        ((10, 30), (30, 30), "slower"),
        ((0, 0), (19, 19), "same"),
        ((0, 0), (20, 20), "slower"),
        ((150, 200), (100, 200), "faster"),
        ((149, 200), (100, 200), "same"),
        ((100, 400), (200, 100), "slower"),
    ],
)
def test_shift_needs_both_a_factor_and_a_time(before, after, shift):
    """Half as much again and 20 ms; where one got slower and one faster, slower is told."""
    told = [dict(zip(("p50", "p95"), pair, strict=True)) for pair in (before, after)]
    made = changes(result({}, latency_ms=told[0]), result({}, latency_ms=told[1] | {"max": 9, "count": 3}), "r")

    assert made["latency_ms"] == {"before": told[0], "after": told[1], "shift": shift}


@pytest.mark.parametrize("which", [0, 1])
def test_latency_that_was_not_recorded_is_not_told(which):
    """A record of an older version has none."""
    pair = [result({}), result({})]
    pair[which]["latency_ms"] = {"p50": 1, "p95": 2}

    assert changes(*pair, "r")["latency_ms"] is None


@pytest.mark.parametrize(
    ("times", "told"),
    [
        ([], None),
        ([7.0], {"p50": 7.0, "p95": 7.0, "max": 7.0, "count": 1}),
        ([10.0, 20.0], {"p50": 15.0, "p95": 19.5, "max": 20.0, "count": 2}),
        (range(101, 0, -1), {"p50": 51.0, "p95": 96.0, "max": 101, "count": 101}),
    ],
)
def test_percentiles(times, told):
    """Between the two nearest times, of any number of them, in any order."""
    assert percentiles(list(times)) == told


# --- which run it is


def write(directory, **more):
    """A run on disk."""
    whole = {"schema_version": "1.0", "kind": "check", "verdict": "conformant", "exit_code": 0, "complete": True}
    whole |= {"target": {"name": "t", "url": URL, "mock": False}} | more
    directory.mkdir(exist_ok=True)
    (directory / "result.json").write_text(json.dumps(whole), "utf-8")
    return directory


def mistake(call, *arguments):
    """The mistake of a call, told in both languages."""
    with pytest.raises(UserError) as caught:
        call(*arguments)
    assert caught.value.zh
    return str(caught.value)


TARGET = {"url": URL, "mock": False}


def test_accepted_run_is_found(tmp_path):
    """By the directory in which it was accepted, for its target only."""
    told = accept(write(tmp_path / "run-1"), TODAY)

    assert find_baseline(tmp_path, TARGET)[0] == "run-1"
    assert find_baseline(tmp_path, TARGET)[1]["target"]["url"] == URL
    assert URL in told.en
    assert "run-1" in told.zh
    assert json.loads((tmp_path / "baseline.json").read_text("utf-8"))[URL]["accepted"] == "2026-07-01"
    assert "none was accepted for this target" in mistake(find_baseline, tmp_path, {"url": "https://other"})


def test_accepting_a_part_of_the_contract_is_pointed_out(tmp_path):
    """What a selection left out cannot be told as changed later, so whoever accepts it hears of that."""
    whole, part = write(tmp_path / "run-1"), write(tmp_path / "run-2", scope="partial")

    assert "Only a part" not in accept(whole, TODAY).en
    assert "Only a part" in accept(part, TODAY).en
    assert "一部分" in accept(part, TODAY).zh


def test_baselines_of_other_targets_stay(tmp_path):
    """Each target has its own; a later run replaces the earlier one of its target."""
    accept(write(tmp_path / "run-1"), TODAY)
    accept(write(tmp_path / "run-2", target={"url": "https://other", "mock": False}), TODAY)
    accept(write(tmp_path / "run-3"), TODAY)

    assert find_baseline(tmp_path, TARGET)[0] == "run-3"
    assert find_baseline(tmp_path, {"url": "https://other"})[0] == "run-2"


def test_the_embedded_mock_is_one_target(tmp_path):
    """Its port is another each time."""
    accept(write(tmp_path / "run-1", target={"url": "http://127.0.0.1:1", "mock": True}), TODAY)

    assert find_baseline(tmp_path, {"url": "http://127.0.0.1:2", "mock": True})[0] == "run-1"
    assert target_key({"url": "http://127.0.0.1:2", "mock": False}) == "http://127.0.0.1:2"


def test_password_in_a_url_is_no_part_of_the_name(tmp_path):
    """Records redact it, target files do not."""
    accept(write(tmp_path / "run-1", target={"url": "https://me:<redacted>@x.cn/a@b", "mock": False}), TODAY)

    assert find_baseline(tmp_path, {"url": "https://me:p@ss@x.cn/a@b"})[0] == "run-1"
    assert list(json.loads((tmp_path / "baseline.json").read_text("utf-8"))) == ["https://x.cn/a@b"]


def test_run_itself_may_be_named(tmp_path):
    """Accepted or not, and by a relative path, too."""
    write(tmp_path / "run-1")

    assert find_baseline(tmp_path / "run-1" / ".." / "run-1", TARGET)[0] == "run-1"


@pytest.mark.parametrize(
    "more",
    [{"complete": False}, {"verdict": "no-verdict"}, {"verdict": "incomplete"}, {"kind": "load"}],
    ids=str,
)
def test_run_that_says_nothing_sound_is_no_baseline(tmp_path, more):
    """Neither accepted nor taken as it is."""
    run = write(tmp_path / "run-1", **more)

    mistake(accept, run, TODAY)
    assert not (tmp_path / "baseline.json").exists()
    mistake(find_baseline, run, TARGET)


def test_directory_without_a_run_is_no_baseline(tmp_path):
    """It is told which."""
    assert str(tmp_path) in mistake(find_baseline, tmp_path, TARGET)
    assert str(tmp_path / "none") in mistake(find_baseline, tmp_path / "none", TARGET)
    assert str(tmp_path) in mistake(accept, tmp_path, TODAY)


def test_baseline_that_was_changed_is_refused(tmp_path):
    """What was accepted is what it says."""
    run = write(tmp_path / "run-1")
    accept(run, TODAY)
    write(run, seed=7)

    assert "has changed since it was accepted" in mistake(find_baseline, tmp_path, TARGET)


def test_baseline_that_is_gone_is_told(tmp_path):
    """Someone removed the run."""
    run = write(tmp_path / "run-1")
    accept(run, TODAY)
    (run / "result.json").unlink()

    assert "is gone" in mistake(find_baseline, tmp_path, TARGET)


@pytest.mark.parametrize("text", ["{", "[]", "\xff"])
def test_damaged_register_is_not_overwritten(tmp_path, text):
    """It may hold the baselines of other targets."""
    run = write(tmp_path / "run-1")
    (tmp_path / "baseline.json").write_text(text, "latin-1")

    assert "restore it" in mistake(accept, run, TODAY)
    assert "restore it" in mistake(find_baseline, tmp_path, TARGET)
    assert (tmp_path / "baseline.json").read_text("latin-1") == text
