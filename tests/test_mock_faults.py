"""Faults: deliberate misbehaviour of the mock, as data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from mock_service import (
    COMPARE,
    FACE,
    KYC,
    NO_FACE,
    NO_PICTURE,
    RAW,
    TWO_FACES,
    Service,
    encoded,
    portrait,
    read_reply,
    running,
    sign,
)

from biztoken import contract
from biztoken.errors import UserError
from biztoken.mock import faults
from biztoken.mock.server import Options, serve

# Each fault waits for a request that names it in biz_no, so that one mock serves all tests.
FAULTS = """
- {id: script, when: {}, change: {error: INTERNAL_ERROR}, times: 2}
- {id: status, clause: BAD-ARGUMENTS-STATUS, when: {error: BAD_ARGUMENTS}, change: {status: 200}}
- {id: detail, when: {error: BAD_ARGUMENTS}, change: {detail: foo}}
- {id: no-detail, when: {error: BAD_ARGUMENTS, detail: verbose}, change: {detail: ""}}
- {id: reason, change: {error: AUTHORIZATION_ERROR, detail: REPLAY_ATTACK}}
- {id: unknown, change: {error: BALANCE_NOT_ENOUGH, status: 402}}
- {id: drop, when: {outcome: success}, change: {drop: [time_used, request_id]}}
- {id: set, change: {set: {time_used: 999999, extra: {a: 1}}}}
- {id: text, change: {body: "<html>好", content_type: "text/html; charset=utf-8"}}
- {id: delay, change: {delay: 80ms}}
- {id: before, change: {close: before}}
- {id: mid-body, change: {close: mid-body}}
- {id: after, change: {close: after}}
- {id: accept-expired, when: {cause: expired}, change: {accept: true}}
- {id: accept-key, when: {cause: unknown-key}, change: {accept: true}}
- {id: accept-unsigned, when: {error: MISSING_ARGUMENTS, detail: sign}, change: {accept: true}}
- {id: accept-picture, when: {problem: {image_ref1: undecodable}}, change: {accept: true}}
- {id: uuid-127, change: {contract: {parameters: {uuid: {max_bytes: 127}}}}}
- {id: threshold, change: {contract: {parameters: {face_quality_threshold: {default: "90"}}}}}
- {id: required, change: {contract: {parameters: {idcard_name: {required_when: null}}}}}
- {id: every, when: {every: 3}, change: {error: INTERNAL_ERROR}}
- {id: later, when: {after: 2}, change: {error: INTERNAL_ERROR}, times: 1}
- {id: field, when: {field: [uuid, image_ref1], lacks: image_ref2}, change: {error: INTERNAL_ERROR}}
- {id: picture, when: {has_picture: false}, change: {error: INTERNAL_ERROR}}
- {id: faces, when: {faces: {image_ref1: 2}}, change: {error: MULTIPLE_FACES}}
- {id: png, when: {format: {image_ref1: PNG}}, change: {error: IMAGE_ERROR_UNSUPPORTED_FORMAT, detail: image_ref1}}
- {id: turned, when: {turned: true}, change: {error: NO_FACE_FOUND, detail: image_ref1}}
- {id: smallest, when: {outcome: success, some_face_below_threshold: true}, change: {error: LOW_QUALITY}}
- {id: signed, when: {signed: "&d=[0-9]"}, change: {error: AUTHENTICATION_ERROR}}
- {id: key, when: {key: [active]}, change: {error: AUTHORIZATION_ERROR, detail: DENIED}}
- {id: slots, change: {concurrency: 0}}
- {id: in-flight, when: {above_in_flight: 0}, change: {error: CONCURRENCY_LIMIT_EXCEEDED}}
- {id: limit, when: {header: {X-Fault: ^limit$}}, change: {contract: {limits: {body: 100}}}}
- {id: two, change: {set: {a: 1}}}
- {id: three, when: {match: {biz_no: ^two$}}, change: {set: {b: 2}, delay: 1ms}}
"""


def load() -> list[dict[str, Any]]:
    """The faults above, each with its own condition on biz_no."""
    entries: list[dict[str, Any]] = yaml.safe_load(FAULTS)
    for entry in entries:
        if entry["id"] != "limit":
            entry["when"] = {"match": {"biz_no": f"^{entry['id']}$"}} | entry.get("when", {})
    return entries


@pytest.fixture(scope="module")
def mock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A mock with all these faults."""
    path = tmp_path_factory.mktemp("faults") / "faults.yaml"
    path.write_text(yaml.safe_dump(load(), allow_unicode=True), "utf-8")
    with running(faults=path) as service:
        yield service


SMALL_AND_POOR = portrait(copies=2)
SMALL_AND_POOR.paste(portrait(blur=3).resize((200, 200)), (330, 50))
CASES: list[tuple[str, dict[str, Any], tuple[int, str | None]]] = [
    ("status", KYC | {"verbose": "9"}, (200, "BAD_ARGUMENTS: verbose")),
    ("detail", KYC | {"verbose": "9"}, (400, "BAD_ARGUMENTS: foo")),
    ("no-detail", KYC | {"verbose": "9"}, (400, "BAD_ARGUMENTS")),
    ("no-detail", KYC | {"force_compare": "9"}, (400, "BAD_ARGUMENTS: force_compare")),
    ("reason", KYC, (403, "AUTHORIZATION_ERROR: REPLAY_ATTACK")),
    ("unknown", KYC, (402, "BALANCE_NOT_ENOUGH")),
    ("accept-expired", KYC | {"sign": sign(expires=5)}, (200, None)),
    ("accept-expired", KYC | {"sign": sign(expires=5), "verbose": "9"}, (400, "BAD_ARGUMENTS: verbose")),
    ("accept-key", KYC | {"sign": sign("nobody")}, (200, None)),
    ("accept-key", KYC | {"sign": sign(secret="wrong")}, (403, "AUTHENTICATION_ERROR")),
    ("accept-unsigned", KYC | {"sign": None}, (200, None)),
    ("accept-picture", COMPARE | {"image_ref1": NO_PICTURE}, (200, None)),
    ("accept-picture", COMPARE | {"image_ref1": NO_PICTURE, "image_ref2": NO_FACE}, (200, None)),
    ("uuid-127", COMPARE | {"image_ref1": FACE, "uuid": "u" * 128}, (400, "BAD_ARGUMENTS: uuid")),
    ("uuid-127", COMPARE | {"image_ref1": FACE, "uuid": "u" * 127}, (200, None)),
    ("none", COMPARE | {"image_ref1": FACE, "uuid": "u" * 128}, (200, None)),
    ("threshold", RAW | {"image": FACE}, (400, "LOW_QUALITY")),
    ("required", KYC | {"idcard_name": None}, (200, None)),
    ("field", COMPARE | {"image_ref1": FACE}, (500, "INTERNAL_ERROR")),
    ("field", COMPARE | {"image_ref1": FACE, "image_ref2": FACE}, (200, None)),
    ("picture", KYC, (500, "INTERNAL_ERROR")),
    ("picture", KYC | {"image_ref1": FACE}, (200, None)),
    ("faces", COMPARE | {"image_ref1": TWO_FACES}, (400, "MULTIPLE_FACES")),
    ("png", COMPARE | {"image_ref1": encoded(portrait(), "PNG")}, (400, "IMAGE_ERROR_UNSUPPORTED_FORMAT:image_ref1")),
    ("png", COMPARE | {"image_ref1": FACE}, (200, None)),
    ("turned", COMPARE | {"image_ref1": encoded(portrait(turn=90))}, (400, "NO_FACE_FOUND:image_ref1")),
    ("smallest", RAW | {"image": encoded(SMALL_AND_POOR), "fail_when_multiple_faces": "0"}, (400, "LOW_QUALITY")),
    ("none", RAW | {"image": encoded(SMALL_AND_POOR), "fail_when_multiple_faces": "0"}, (200, None)),
    ("signed", KYC, (403, "AUTHENTICATION_ERROR")),
    ("key", KYC, (403, "AUTHORIZATION_ERROR: DENIED")),
    ("slots", KYC, (403, "CONCURRENCY_LIMIT_EXCEEDED")),
    ("in-flight", KYC, (403, "CONCURRENCY_LIMIT_EXCEEDED")),
]


@pytest.mark.parametrize(("name", "fields", "expected"), CASES, ids=[f"{case[0]}-{case[2][0]}" for case in CASES])
def test_fault_changes_what_it_says(
    mock: Service, name: str, fields: dict[str, Any], expected: tuple[int, str | None]
) -> None:
    """A fault applies where its conditions hold, changes what it names, and nothing elsewhere."""
    assert mock.tell(fields | {"biz_no": name}) == expected


def test_script_fails_twice_then_succeeds(mock: Service) -> None:
    """One object with `times` is the plan `the first two fail, then all is well`."""
    assert [mock.tell(KYC | {"biz_no": "script"})[0] for _ in range(4)] == [500, 500, 200, 200]


def test_every_and_after_count_what_meets_the_conditions(mock: Service) -> None:
    """`every: 3` applies to each third, `after: 2` from the third on; other requests do not count."""
    every = [(mock.tell(KYC | {"biz_no": "every"}), mock.tell(KYC))[0][0] for _ in range(6)]
    later = [mock.tell(KYC | {"biz_no": "later"})[0] for _ in range(4)]

    assert every == [200, 200, 500, 200, 200, 500]
    assert later == [200, 200, 500, 200]


def test_fields_are_dropped_and_set(mock: Service) -> None:
    """`drop` and `set` change the payload and nothing else; several faults add up."""
    assert set(mock.post(KYC | {"biz_no": "drop"}).json()) == {"biz_token"}
    told = mock.post(KYC | {"biz_no": "set"}).json()
    assert (told["time_used"], told["extra"]) == (999999, {"a": 1})
    told = mock.post(KYC | {"biz_no": "two"}).json()
    assert (told["a"], told["b"]) == (1, 2)


def test_body_may_be_anything(mock: Service) -> None:
    """`body` and `content_type` replace the whole answer."""
    reply = mock.post(KYC | {"biz_no": "text"})

    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert reply.content.decode() == "<html>好"


def test_delay_counts_as_time_used(mock: Service) -> None:
    """An answer that is held back says how long it took; a timer of the loop may be a millisecond early."""
    assert mock.post(KYC | {"biz_no": "delay"}).json()["time_used"] >= 79


def test_connection_is_cut_where_the_fault_says(mock: Service) -> None:
    """`close` ends the connection before, within or after the answer."""
    replies = {}
    for name in ("before", "mid-body", "after"):
        with mock.connect() as connection:
            connection.sendall(mock.request(KYC | {"biz_no": name}))
            replies[name] = read_reply(connection)

    assert replies["before"] == b""
    head, _, content = replies["mid-body"].partition(b"\r\n\r\n")
    length = next(int(line.split()[1]) for line in head.lower().splitlines() if line.startswith(b"content-length"))
    assert 0 < len(content) < length
    head, _, content = replies["after"].partition(b"\r\n\r\n")
    assert b"connection: close" in head.lower()
    assert "biz_token" in json.loads(content)


def test_limit_of_the_body_can_be_altered(mock: Service) -> None:
    """A limit that is settled before the body is read follows a fault that asks for the head only."""
    with mock.connect() as connection:
        connection.sendall(mock.request(KYC, extra="X-Fault: limit\r\n"))

        assert read_reply(connection).startswith(b"HTTP/1.1 413")


def test_slot_may_be_kept() -> None:
    """With `hold_slot` a slot comes back late: the limit of five is reached by calls that were answered."""
    kept = faults.Fault("kept", {"hold_slot": 60})
    with running_with(kept) as service:
        told = [service.tell(KYC)[1] for _ in range(6)]

    assert told == [None] * 5 + ["CONCURRENCY_LIMIT_EXCEEDED"]


def test_chance_repeats_with_its_seed() -> None:
    """Random faults depend on the seed alone."""
    rare = faults.Fault("rare", {"error": "INTERNAL_ERROR"}, {"probability": 0.5})
    runs = []
    for _ in range(2):
        with running_with(rare, seed=7) as service:
            runs.append([service.tell(KYC)[0] for _ in range(20)])

    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 500}


def running_with(fault: faults.Fault, **options: Any) -> Any:
    """A mock with one fault, given as an object."""
    return running(faults=Source(fault), **options)


class Source(tuple[faults.Fault, ...]):
    """Faults that say how to make them in another process."""

    def __new__(cls, *entries: faults.Fault) -> Source:
        return super().__new__(cls, entries)

    def __repr__(self) -> str:
        made = ", ".join(
            f"__import__('biztoken.mock.faults').mock.faults.Fault({fault.id!r}, {fault.change!r}, {fault.when!r})"
            for fault in self
        )
        return f"({made},)"


@pytest.mark.parametrize(
    ("entry", "named", "hint"),
    [
        ({"id": "x", "chang": {}}, "chang", "change"),
        ({"id": "x", "change": {}}, "change", "what to change"),
        ({"change": {"status": 200}}, "fault 1", "id"),
        ({"id": "x", "change": {"statsu": 200}}, "change.statsu", "status"),
        ({"id": "x", "change": {"status": 99}}, "change.status", "200 to 599"),
        ({"id": "x", "change": {"status": "ok"}}, "change.status", "whole number"),
        ({"id": "x", "change": {"close": "at noon"}}, "change.close", "before"),
        ({"id": "x", "change": {"delay": "soon"}}, "change.delay", "duration"),
        ({"id": "x", "change": {"status": 200}, "when": {"eror": "X"}}, "when.eror", "error"),
        ({"id": "x", "change": {"status": 200}, "when": {"match": {"uuid": "("}}}, "when.match", "regular"),
        ({"id": "x", "change": {"status": 200}, "when": {"every": 0}}, "when.every", "1 or more"),
        ({"id": "x", "change": {"status": 200}, "when": {"probability": 2}}, "when.probability", "0 to 1"),
        ({"id": "x", "change": {"status": 200}, "when": []}, "when", "mapping"),
        ({"id": "x", "change": {"status": 200}, "times": 0}, "times", "whole number"),
        ({"id": "x", "change": {"accept": True, "status": 200}}, "change", "split"),
        ({"id": "x", "change": {"contract": {}, "delay": 1}}, "change", "split"),
        ({"id": "x", "change": {"contract": {"parameter": {}}}}, "contract.parameter", "parameters"),
        ({"id": "x", "change": {"contract": {"parameters": {"uid": {}}}}}, "parameters.uid", "uuid"),
        (
            {"id": "x", "change": {"contract": {"parameters": {"uuid": {"max_byte": 1}}}}},
            "uuid.max_byte",
            "max_bytes",
        ),
        (
            {"id": "x", "change": {"contract": {"parameters": {"uuid": {"max_bytes": "1"}}}}},
            "uuid.max_bytes",
            "whole number",
        ),
        ({"id": "x", "change": {"contract": {"limits": {"body": None}}}}, "limits.body", "whole number"),
        ({"id": "x", "change": {"contract": {"errors": {"DENIED": {}}}}}, "errors.DENIED", ""),
    ],
)
def test_bad_fault_is_told_in_one_sentence(entry: dict[str, Any], named: str, hint: str) -> None:
    """A slip names the fault and the entry as written, with the way out."""
    with pytest.raises(UserError) as raised:
        faults.parse([entry], contract.load())

    assert named in raised.value.what
    assert hint in raised.value.hint
    assert "\n" not in str(raised.value)
    assert raised.value.zh


@pytest.mark.parametrize(
    ("entry", "named"),
    [
        ({"id": "x", "when": {"error": "X"}, "change": {"concurrency": 1}}, "when.error"),
        ({"id": "x", "when": {"match": {"a": "b"}}, "change": {"contract": {"limits": {"body": 1}}}}, "limits.body"),
    ],
)
def test_fault_that_comes_too_late_is_told(entry: dict[str, Any], named: str) -> None:
    """A rule cannot depend on what is known only after it has been applied."""
    (fault,) = faults.parse([entry], contract.load())

    with pytest.raises(UserError) as raised:
        serve(Options(faults=[fault]), announce=pytest.fail)

    assert named in raised.value.what
    assert raised.value.zh


@pytest.mark.parametrize(
    "text", ["{}", "[", "- x", "- {id: a, change: {status: 200}}\n- {id: a, change: {status: 201}}"]
)
def test_bad_faults_file_is_told(tmp_path: Path, text: str) -> None:
    """A file that is no list of faults, or names one twice, is the user's mistake."""
    path = tmp_path / "faults.yaml"
    path.write_text(text, "utf-8")

    with pytest.raises(UserError):
        faults.load(path, contract.load())
