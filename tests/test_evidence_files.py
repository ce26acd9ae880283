"""Records are one line for each exchange, on disk at once; a file is replaced whole or not at all."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from biztoken.errors import UserError
from biztoken.evidence import Evidence, write_json
from biztoken.model import Exchange, Reply

URL = "http://127.0.0.1/faceid/v3/sdk/get_biz_token"


def exchange(number: int = 1, body: bytes = b"{}", *, note: str = "") -> Exchange:
    """An exchange that took a quarter of a second."""
    return Exchange(number, (("uuid", note),), 9, 10.0 + number, 10.25 + number, Reply(200, (), body), note=note)


def write(evidence: Evidence, one: Exchange, *, case: str = "case") -> None:
    """Record an exchange."""
    evidence.exchange(one, url=URL, case=case, role="defect", attempt=2)


def lines(directory: Path) -> list[dict]:
    """The records, read as a reader of such files does: line by line."""
    with (directory / "evidence.ndjson").open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def test_line_is_on_disk_before_the_next_request(tmp_path):
    """A killed run keeps each exchange that it had: nothing waits in a buffer until the end."""
    evidence = Evidence(tmp_path, [])

    seen = []
    for number in (1, 2, 3):
        write(evidence, exchange(number))
        seen.append([record["id"] for record in lines(tmp_path)])

    evidence.close()
    assert seen == [[1], [1, 2], [1, 2, 3]]


def test_record_says_what_was_sent_and_what_came(tmp_path):
    """One line has the case, its role, the attempt, the request, the reply and the times."""
    evidence = Evidence(tmp_path, [])
    write(evidence, exchange(7, b'{"error": "LOW_QUALITY"}', note="sign spoil=short"), case="sign-short")
    evidence.close()

    (record,) = lines(tmp_path)

    assert (record["id"], record["case"], record["role"], record["attempt"]) == (7, "sign-short", "defect", 2)
    assert record["request"] | {"fields": 0} == {
        "method": "POST",
        "url": URL,
        "fields": 0,
        "bytes": 9,
        "note": "sign spoil=short",
    }
    assert (record["reply"]["status"], record["reply"]["body"]) == (200, '{"error": "LOW_QUALITY"}')
    assert record["elapsed_ms"] == 250.0
    assert record["started"] < record["ended"]


def test_times_of_exchanges_keep_their_distance(tmp_path):
    """Times of day are made of the monotonic clock: a clock that is set back cannot turn them around."""
    evidence = Evidence(tmp_path, [])
    for number in (1, 2):
        write(evidence, exchange(number))
    evidence.close()

    first, second = (record["started"] for record in lines(tmp_path))

    assert first[:10] <= second[:10]
    assert (float(second[17:23]) - float(first[17:23])) % 60 == pytest.approx(1.0, abs=0.002)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=40) | st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_body_is_one_line(tmp_path, body):
    """Whatever bytes come, newlines of any kind and broken UTF-8 included, the exchange is one line of JSON."""
    evidence = Evidence(tmp_path, [])
    before = len(lines(tmp_path))

    write(evidence, exchange(1, body))
    evidence.close()

    assert len(lines(tmp_path)) == before + 1


@pytest.mark.parametrize("text", ["\ud800", "line\nline", "\u2028", "\x00", "𠮷"])
def test_any_text_is_one_line(tmp_path, text):
    """A field with a lone surrogate or a newline is recorded, not an error in the middle of a run."""
    evidence = Evidence(tmp_path, [])

    write(evidence, exchange(1, note=text))
    evidence.close()

    assert len(lines(tmp_path)) == 1


def test_records_of_a_second_writer_follow(tmp_path):
    """What is there is never overwritten: who wants a fresh file removes the old one."""
    for number in (1, 2):
        evidence = Evidence(tmp_path, [])
        write(evidence, exchange(number))
        evidence.close()

    assert [record["id"] for record in lines(tmp_path)] == [1, 2]


def test_directory_that_cannot_be_written_is_told_in_one_sentence(tmp_path):
    """The sentence names the option as the user wrote it, and a way out."""
    with pytest.raises(UserError) as caught:
        Evidence(tmp_path / "not-there", [])

    assert caught.value.what == f"--out {tmp_path / 'not-there'}"
    assert "give another directory" in caught.value.hint


def test_json_is_written_whole(tmp_path):
    """What is read back is what was written, Chinese as Chinese, and nothing is left beside it."""
    path = tmp_path / "plan.json"

    write_json(path, {"zh": "测试", "n": [1, None]})

    assert json.loads(path.read_text("utf-8")) == {"zh": "测试", "n": [1, None]}
    assert "测试" in path.read_text("utf-8")
    assert os.listdir(tmp_path) == ["plan.json"]


def test_reader_sees_the_old_file_until_the_new_one_is_whole(tmp_path, monkeypatch):
    """Until the moment of the exchange the old file is there, whole; after it the new one is."""
    path = tmp_path / "plan.json"
    write_json(path, {"run": 1})
    seen = []
    replace = os.replace

    def look_and_replace(source, target):
        seen.append(json.loads(path.read_text("utf-8")))
        replace(source, target)

    monkeypatch.setattr("biztoken.evidence.os.replace", look_and_replace)
    write_json(path, {"run": 2, "long": "x" * 100_000})

    assert seen == [{"run": 1}]
    assert json.loads(path.read_text("utf-8"))["run"] == 2


@pytest.mark.parametrize("value", [{"run": object()}, {"run": "\ud800"}], ids=["no-json", "no-utf-8"])
def test_value_that_cannot_be_written_leaves_the_old_file(tmp_path, value):
    """A mistake of ours while writing never costs what was written before."""
    path = tmp_path / "plan.json"
    write_json(path, {"run": 1})

    with pytest.raises((TypeError, UnicodeEncodeError)):
        write_json(path, value)

    assert json.loads(path.read_text("utf-8")) == {"run": 1}


def test_json_that_cannot_be_written_is_told_in_one_sentence(tmp_path):
    """A directory that is gone is the user's to know, with a way out."""
    with pytest.raises(UserError) as caught:
        write_json(tmp_path / "gone" / "plan.json", {})

    assert caught.value.what == f"--out {tmp_path / 'gone'}"
