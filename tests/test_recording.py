"""What was recorded is read back as it came, is given out once, and is what a run goes on from."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from biztoken.errors import UserError
from biztoken.evidence import BODY_KEPT, Evidence
from biztoken.model import Exchange, Form, Reply, Upload
from biztoken.reading import Outcome, read
from biztoken.recording import Recording, read_recording
from biztoken.resuming import go_on, may_go_on
from biztoken.settings import Target
from biztoken.signing import Key, Secret

FORM: Form = (("uuid", "u"), ("sign", "@@sign@@"))
JSON = b'{"request_id": "1", "time_used": 2, "biz_token": "t"}'
BURST = {"number": 1, "spread_ms": 2.5}


def reply(body: bytes = JSON, status: int = 200) -> Reply:
    """A reply with a media type."""
    return Reply(status, (("Content-Type", "application/json"),), body)


ACCEPTED = reply()


class Written:
    """A run's records as the suite writes them, in a directory."""

    def __init__(self, directory: Path, private: Sequence[str] = ()) -> None:
        self.directory = directory
        self._evidence = Evidence(directory, private)
        self._id = 0

    def exchange(
        self, case: str = "a", role: str = "defect", form: Form = FORM, told: Reply | None = ACCEPTED, **more: Any
    ) -> None:
        """Record one exchange."""
        self._id += 1
        failure = None if told else "timeout: no reply"
        made = Exchange(self._id, form, 100, 1.0, 1.25, told, failure)
        self._evidence.exchange(made, url="http://target/", case=case, role=role, attempt=1, **more)

    def case(self, name: str, verdict: str = "PASS") -> None:
        """Record a finished case."""
        self._evidence.case({"id": name, "verdict": verdict})

    def close(self) -> None:
        """Nothing more is recorded."""
        self._evidence.close()

    def read(self, *, unfinished: bool = True) -> Recording:
        """What is read of it."""
        self.close()
        return read_recording(self.directory, unfinished=unfinished)


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Written]:
    """Records without private texts."""
    records = Written(tmp_path)
    yield records
    records.close()


def take(recording: Recording, form: Form = FORM, case: str = "a", role: str = "defect") -> Exchange | None:
    """The next exchange of a case."""
    return recording.take(case, role, form, "POST", "a note")


def ids_of(recording: Recording) -> list[int]:
    """The exchanges that count."""
    return [row["id"] for row in recording.rows]


# --- what is given out


def test_exchange_comes_back_as_it_came(written: Written) -> None:
    """Status, headers, body, bytes and duration of a recorded exchange are those of the exchange."""
    written.exchange(told=reply(status=403))

    exchange = take(written.read())

    assert exchange is not None
    assert (exchange.id, exchange.sent_bytes, exchange.elapsed_ms) == (1, 100, 250.0)
    assert exchange.reply == reply(status=403)
    assert (exchange.form, exchange.method, exchange.note) == (FORM, "POST", "a note")


def test_missing_reply_comes_back_as_missing(written: Written) -> None:
    """An exchange without a reply has none when it is read, and says why."""
    written.exchange(told=None)

    exchange = take(written.read())

    assert exchange is not None
    assert (exchange.reply, exchange.failure) == (None, "timeout: no reply")


def test_each_is_given_out_once_in_order(written: Written) -> None:
    """The same request gets its replies in the order in which they came, and none twice."""
    for status in (403, 200):
        written.exchange(told=reply(status=status))
    recording = written.read()

    taken = [take(recording) for _ in range(3)]

    assert [exchange and exchange.reply and exchange.reply.status for exchange in taken] == [403, 200, None]


@pytest.mark.parametrize("other", [{"case": "b"}, {"role": "control"}, {"form": (("uuid", "v"), FORM[1])}])
def test_nothing_is_given_to_another(written: Written, other: dict[str, Any]) -> None:
    """A request of another case, another role or with another field gets nothing, and takes nothing away."""
    written.exchange()
    recording = written.read()

    assert take(recording, **other) is None
    assert take(recording) is not None


def test_each_request_gets_its_own_reply(written: Written) -> None:
    """Requests of one name that come in another order than before each get the reply to themselves."""
    forms = [(("uuid", name),) for name in "xy"]
    for form in forms:
        written.exchange(form=form)
    recording = written.read()

    assert [exchange.id for form in reversed(forms) if (exchange := take(recording, form))] == [2, 1]


def test_signature_and_person_may_differ(written: Written) -> None:
    """What no record shows is not compared: a signature, a name, a number."""
    written.exchange(form=(("sign", "one"), ("idcard_name", "张三"), ("idcard_number", "990101199003071233")))

    assert take(written.read(), (("sign", "two"), ("idcard_name", "李四"), ("idcard_number", "other")))


def test_picture_is_known_by_its_name(written: Written) -> None:
    """A judge has the names of the user's own pictures and not the pictures: the name is compared."""
    written.exchange(form=(("image", Upload("face", b"the user's")),))
    recording = written.read()

    assert take(recording, (("image", Upload("no-face", b"the user's")),)) is None
    assert take(recording, (("image", "face"),)) is None
    assert take(recording, (("image", Upload("face", b"ours")),))


CODE = "".join(f"{number:x}-{chr(65 + number % 26)}" for number in range(400)).replace("-", "")
VALUES = {
    "half a surrogate pair": "x\ud800y",
    "a separator of lines": "x\u2028y\u2029z",
    "next line, form feed and the like": "x\x85y\x0bz\x0c\x1c\x1e",
    "a code too long to be kept": CODE,
    "a text too long to be kept": "好 " * 5000,
    "nothing": "",
}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_whatever_is_sent_is_known_again(written: Written, value: str) -> None:
    """A request with any text is known again, and so is what is recorded after it."""
    form = (("uuid", value),)
    written.exchange(form=form)
    written.exchange(form=FORM)
    recording = written.read()

    assert recording.sent == 2
    assert take(recording, form)
    assert take(recording)


def test_private_text_in_any_field_is_no_difference(tmp_path: Path) -> None:
    """A value that was redacted, since it held something private, is not compared."""
    written = Written(tmp_path, ["secret-of-somebody"])
    written.exchange(form=(("uuid", "secret-of-somebody"),))

    assert take(written.read(), (("uuid", "secret-of-somebody"),))


@pytest.mark.parametrize("letter", ["\u2028", "\x85", "\x0c", "好"])
def test_reply_with_any_letter_comes_back(written: Written, letter: str) -> None:
    """What the target says may hold any end of a line: the reply is whole, and so are the records after it."""
    body = json.dumps({"biz_token": f"x{letter}y"}, ensure_ascii=False).encode()
    written.exchange(told=reply(body))
    written.exchange()
    recording = written.read()

    first = take(recording)

    assert first is not None
    assert first.reply is not None
    assert first.reply.body == body
    assert take(recording)


def test_body_that_was_not_utf8_is_none_again(written: Written) -> None:
    """A body that could not be decoded is judged as one that cannot be, though its record can."""
    written.exchange(told=reply(JSON.replace(b'"t"', b'"\xd5\xc5"')))

    exchange = take(written.read())

    assert exchange is not None
    assert exchange.reply is not None
    assert read(exchange.reply).outcome is Outcome.UNREADABLE
    with pytest.raises(UnicodeDecodeError):
        exchange.reply.body.decode("utf-8")


def test_body_larger_than_what_is_kept_is_not_judged(written: Written) -> None:
    """Half a reply would be judged as a broken one: it is as if it had not been recorded."""
    large = json.dumps({"biz_token": "a b " * BODY_KEPT}).encode()
    written.exchange(told=reply(large))
    written.exchange(case="b", told=reply(large[: BODY_KEPT - 1]))
    recording = written.read()

    assert take(recording) is None
    assert take(recording, case="b")


# --- bursts


def test_burst_comes_back_with_its_spread(written: Written) -> None:
    """The exchanges of a burst come back together, with the seconds over which they were spread."""
    for number in (1, 1, 2):
        written.exchange(role="burst", burst=BURST | {"number": number})
    recording = written.read()

    taken = recording.take_burst("a", "burst", [FORM, FORM], "")

    assert taken is not None
    assert ([exchange.id for exchange in taken[0]], taken[1]) == ([1, 2], 0.0025)
    assert recording.take_burst("a", "burst", [FORM, FORM], "") is None


def test_single_requests_are_no_burst(written: Written) -> None:
    """Requests that went one by one are not given out as a burst."""
    written.exchange(role="burst")

    assert written.read().take_burst("a", "burst", [FORM], "") is None


# --- what a run goes on from


def test_finished_cases_stay_and_others_are_dropped(written: Written) -> None:
    """A run goes on with the exchanges of finished cases; those of a case without verdict no longer count."""
    for case in ("a", "b", "b"):
        written.exchange(case)
    written.case("a")

    recording = written.read(unfinished=False)

    assert (ids_of(recording), recording.dropped) == ([1], {2, 3})
    assert (recording.sent, recording.last_id, recording.finished) == (3, 3, {"a": "PASS"})


def test_case_that_met_trouble_is_run_again(written: Written) -> None:
    """A case that could not be judged counts as unfinished."""
    written.exchange("a", told=None)
    written.case("a", "HARNESS")

    recording = written.read(unfinished=False)

    assert (recording.finished, recording.dropped) == ({}, {1})


def test_case_with_half_a_reply_is_run_again(written: Written) -> None:
    """A finished case whose reply was larger than what is kept cannot be played again, so it is run again."""
    written.exchange("a", told=reply(b"a b " * BODY_KEPT))
    written.exchange("a")
    written.case("a")

    recording = written.read(unfinished=False)

    assert (recording.finished, recording.dropped) == ({}, {1, 2})


def test_controls_stay_whatever_case_they_were_for(written: Written) -> None:
    """A control belongs to many cases: it stays, unless it got no reply."""
    written.exchange("control-kyc-still", "control")
    written.exchange("control-kyc-still", "control", told=None)

    recording = written.read(unfinished=False)

    assert (ids_of(recording), recording.dropped) == ([1], {2})


def test_run_that_was_accepted_nowhere_begins_again(written: Written) -> None:
    """Where no control was accepted none stays: what stood in the way of a sound request may be mended."""
    for body in (b'{"error": "API_NOT_FOUND"}', b"<html>"):
        written.exchange("control-kyc-still", "control", told=reply(body, 404))

    recording = written.read(unfinished=False)

    assert (ids_of(recording), recording.dropped, recording.sent) == ([], {1, 2}, 2)


def test_what_was_dropped_once_stays_dropped(written: Written) -> None:
    """What an earlier resume dropped does not come back with the verdict that its case earned later."""
    written.exchange("a")
    written.exchange("a")
    written.case("a")
    (written.directory / "resumes.ndjson").write_text('{"dropped": [1]}\n')

    for unfinished in (False, True):
        recording = written.read(unfinished=unfinished)
        assert (ids_of(recording), recording.sent) == ([2], 2)


@pytest.mark.parametrize("cut", [1, 2, 30])
def test_torn_last_line_does_not_count(written: Written, cut: int) -> None:
    """A line that a killed run did not end is no record, even where only its end is missing."""
    written.exchange("a")
    written.exchange("b")
    for name in ("a", "b"):
        written.case(name)
    written.read()
    for name in ("evidence.ndjson", "cases.ndjson"):
        path = written.directory / name
        path.write_bytes(path.read_bytes()[:-cut])

    recording = written.read(unfinished=False)

    assert (recording.sent, recording.finished) == (1, {"a": "PASS"})


def test_judge_needs_a_record(tmp_path: Path) -> None:
    """Where nothing was recorded there is nothing to judge; a run that is killed so early can still go on."""
    with pytest.raises(UserError, match="no recorded exchanges"):
        read_recording(tmp_path, unfinished=True)
    assert read_recording(tmp_path).sent == 0


# --- the records of a run that goes on


TARGET = Target("t", "http://127.0.0.1:9/", {})
OPTIONS = ("target", "plan", "select", "strict", "require", "seed", "fuzz", "contract", "waivers", "baseline")
PLAN = {
    "case_set": "of then",
    "facts": TARGET.facts(),
    "options": dict.fromkeys((*OPTIONS, "budget", "rate", "max_in_flight")),
}


@pytest.fixture
def stopped(written: Written) -> Callable[[], dict[str, str]]:
    """A run that was killed in its second case; what its files hold."""
    for case in ("a", "b"):
        written.exchange(case)
    written.case("a")
    written.case("b", "HARNESS")
    (written.directory / "plan.json").write_text(json.dumps(PLAN))
    with (written.directory / "evidence.ndjson").open("a") as file:
        file.write('{"id": 3, "ca')
    return lambda: {path.name: path.read_text("utf-8") for path in written.directory.iterdir()}


def test_records_are_made_ready(written: Written, stopped: Callable[[], dict[str, str]]) -> None:
    """The torn line goes, what is dropped is told, and the cases that are run again are forgotten."""
    go_on(written.directory, read_recording(written.directory))

    files = stopped()
    assert files["evidence.ndjson"].endswith("}\n")
    assert json.loads(files["resumes.ndjson"])["dropped"] == [2]
    assert [json.loads(line)["id"] for line in files["cases.ndjson"].splitlines()] == ["a"]


def test_other_cases_change_no_record(written: Written, stopped: Callable[[], dict[str, str]]) -> None:
    """A run whose cases have changed is refused, and its records stay as they are."""
    before = stopped()

    with pytest.raises(UserError, match="the cases have changed"):
        may_go_on(written.directory, "of now", TARGET, is_embedded=False)

    assert stopped() == before


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"url": "http://127.0.0.1:10/"}, "url was http://127.0.0.1:9/"),
        ({"keys": {"active": Key("k", Secret("no-such-secret"))}}, "roles has changed"),
        ({"permits": {"comparison_type": ("0",)}}, "permits has changed"),
        ({"concurrency_limit": 5}, "concurrency_limit has changed"),
    ],
)
def test_another_target_is_refused(
    stopped: Callable[[], dict[str, str]], tmp_path: Path, changed: Any, told: str
) -> None:
    """What was recorded of one target says nothing of another: its pace may change, and an embedded mock's port."""
    may_go_on(tmp_path, "of then", replace(TARGET, max_rate=1.0, max_in_flight=2), is_embedded=False)
    may_go_on(tmp_path, "of then", replace(TARGET, url="http://127.0.0.1:10/"), is_embedded=True)

    with pytest.raises(UserError, match=told):
        may_go_on(tmp_path, "of then", replace(TARGET, **changed), is_embedded=False)


ROW = {"id": 1, "case": "a", "role": "defect", "request": {"fields": [], "bytes": 1}, "reply": None}


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("evidence.ndjson", {}),
        ("evidence.ndjson", []),
        ("evidence.ndjson", {**ROW, "failure": None}),
        ("evidence.ndjson", {**ROW, "failure": None, "elapsed_ms": 1, "reply": {"status": 200}}),
        ("evidence.ndjson", {**ROW, "failure": None, "elapsed_ms": 1, "id": "1"}),
        ("cases.ndjson", {"id": "a"}),
        ("resumes.ndjson", {"dropped": 3}),
    ],
)
@pytest.mark.parametrize("unfinished", [True, False])
def test_foreign_line_is_told(written: Written, name: str, row: Any, unfinished: bool) -> None:
    """A line that no run wrote ends in one sentence that names it, whoever reads the record."""
    written.exchange("a")
    written.close()
    with (written.directory / name).open("a") as file:
        file.write(f"{json.dumps(row)}\n")

    with pytest.raises(UserError, match=rf"{name}: line \d is no record of a run"):
        read_recording(written.directory, unfinished=unfinished)
