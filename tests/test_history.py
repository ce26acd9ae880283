"""The history remembers when a clause was last seen true, and never stops a run."""

import json

import pytest

from biztoken.history import remembered, update, with_last_passed

URL = "https://faceid.example.com/get_biz_token"
TARGET = {"url": URL, "mock": False}
NOW = {"date": "2026-07-01", "run": "run-2"}


def result(started="2026-07-01T08:30:11Z", target=TARGET, **verdicts):
    """A result with these clauses."""
    rows = [{"id": name, "verdict": verdict} for name, verdict in verdicts.items()]
    return {"started": started, "target": target, "clauses": rows}


@pytest.fixture
def run(tmp_path):
    """The directory of a run beside others."""
    directory = tmp_path / "run-2"
    directory.mkdir()
    return directory


def test_first_run_knows_nothing(run):
    """No history is no mistake."""
    assert remembered(run, TARGET) == ({}, None)


def test_what_passed_is_remembered_for_the_next_run(run, tmp_path):
    """Only PASS is seeing a clause true."""
    verdicts = {"A": "PASS", "B": "FAIL", "C": "UNTESTABLE", "D": "WAIVED", "E": "OBSERVED"}

    assert update(run, result(**verdicts)) is None
    assert remembered(tmp_path / "run-3", TARGET) == ({"A": NOW}, None)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["history.json"]


def test_later_runs_add_to_earlier_ones(run, tmp_path):
    """A clause that broke keeps the day on which it was last true."""
    update(tmp_path / "run-1", result("2026-06-24T10:15:00Z", A="PASS", B="PASS"))
    update(run, result(A="PASS", B="FAIL"))

    assert remembered(run, TARGET)[0] == {"A": NOW, "B": {"date": "2026-06-24", "run": "run-1"}}


def test_each_target_has_its_own_history(run):
    """What one endpoint keeps says nothing of another; the mock is one target whatever its port."""
    update(run, result(A="PASS"))
    update(run, result(target={"url": "http://127.0.0.1:1", "mock": True}, M="PASS"))

    assert list(remembered(run, TARGET)[0]) == ["A"]
    assert list(remembered(run, {"url": "http://127.0.0.1:2", "mock": True})[0]) == ["M"]
    assert remembered(run, {"url": "https://other", "mock": False}) == ({}, None)


def test_run_without_a_pass_leaves_the_history_alone(run, tmp_path):
    """Nothing was seen true, so nothing is written."""
    assert update(run, result(A="FAIL")) is None
    assert not (tmp_path / "history.json").exists()


CORRUPT = {
    "torn": "{",
    "list": "[]",
    "text": '"x"',
    "no targets": '{"https://x": []}',
    "no entries": '{"https://x": {"A": "2026"}}',
    "half": '{"https://x": {"A": {"date": "2026-07-01"}}}',
    "numbers": '{"https://x": {"A": {"date": 1, "run": 2}}}',
    "deep": "[" * 100_000,
}


@pytest.mark.parametrize("text", CORRUPT.values(), ids=CORRUPT)
def test_corrupt_history_is_noted_and_left_for_repair(run, tmp_path, text):
    """The run goes on without it, and says so in both languages."""
    (tmp_path / "history.json").write_text(text, "utf-8")

    passes, note = remembered(run, TARGET)

    assert passes == {}
    assert "history.json" in note.en
    assert "无法读取" in note.zh
    assert "cannot be read" in update(run, result(A="PASS")).en
    assert (tmp_path / "history.json").read_text("utf-8") == text


def test_history_that_cannot_be_written_is_noted(run, tmp_path, monkeypatch):
    """A full disk or a directory of someone else's is no reason to lose a run."""

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("biztoken.history.write_whole", refuse)

    note = update(run, result(A="PASS"))

    assert "No space left" in note.en
    assert "无法写入" in note.zh


def test_history_that_is_a_directory_is_noted(run, tmp_path):
    """Whatever stands in its place."""
    (tmp_path / "history.json").mkdir()

    assert "cannot be read" in remembered(run, TARGET)[1].en
    assert "cannot be read" in update(run, result(A="PASS")).en


def test_rows_carry_when_they_were_last_true():
    """Now, where they are; else what the history says; nothing where no run saw it."""
    before = {"date": "2026-06-24", "run": "run-1"}
    rows = [{"id": name, "verdict": verdict} for name, verdict in (("A", "PASS"), ("B", "FAIL"), ("C", "FAIL"))]

    told = with_last_passed(rows, {"A": before, "B": before | {"more": "x"}}, NOW)

    assert [row["last_passed"] for row in told] == [NOW, before, None]
    assert "last_passed" not in rows[0]


def test_history_is_readable_by_people(run, tmp_path):
    """It is committed or kept as a CI artefact, and looked at."""
    update(run, result(好="PASS"))

    text = (tmp_path / "history.json").read_text("utf-8")
    assert '"好"' in text
    assert json.loads(text) == {URL: {"好": NOW}}


def test_history_that_cannot_be_read_is_told_once(cli, plain_mock):
    """It is looked at when a run begins and again when it ends, and the reader hears of it once."""
    place = cli.new_path("runs")
    place.mkdir()
    (place / "history.json").write_text("[]", "utf-8")

    run = cli.run(
        *("check", "--target", cli.target(plain_mock), "--select", "UUID-LENGTH", "--out", place / "run"),
        out=place / "run",
    )

    assert len([note for note in run.result["notes"] if "history.json" in note["en"]]) == 1
