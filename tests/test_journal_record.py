"""What the journal shows of a request: everything that helps, and nothing that is private."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import quote

import pytest
from mock_service import BOUNDARY, COMPARE, FACE, KYC, RAW, body, encoded, portrait, sign

from biztoken import contract
from biztoken.mock import keys
from biztoken.mock.dissection import dissect
from biztoken.mock.journal import Entry
from biztoken.mock.record import Recorder
from biztoken.received import Received

RECORDER = Recorder(contract.load(), keys.demo())
FORM = f"multipart/form-data; boundary={BOUNDARY}"
NAME, NUMBER = KYC["idcard_name"], KYC["idcard_number"]


def entry(content: bytes, kind: str = FORM, target: str = "/faceid/v3/sdk/get_biz_token", **more: Any) -> Entry:
    """An entry of a request with this body."""
    headers = (("Host", "mock"), ("Content-Type", kind), *more.pop("headers", ()))
    return Entry(1, Received("POST", target, headers, content, at=2e9, connection=1), **more)


def fields_of(record: dict[str, Any]) -> dict[str | None, dict[str, Any]]:
    """The parts of a record by name."""
    return {part["name"]: part for part in record["parts"]}


# --- what is shown


def test_fields_are_shown_as_parsed() -> None:
    """What the contract lists is shown, in the order in which it came, with what the client wrote around it."""
    record = RECORDER.request(entry(body(KYC | {"biz_no": "订单 7", "sign": sign()})))

    fields = fields_of(record)
    assert list(fields) == ["sign", *KYC, "biz_no"]
    assert (fields["liveness_type"]["value"], fields["biz_no"]["value"]) == ("meglive", "订单 7")
    assert fields["biz_no"]["headers"] == [["Content-Disposition", 'form-data; name="biz_no"']]
    assert (record["body"]["kind"], record["problems"]) == ("multipart", [])


def test_a_picture_is_its_measures_and_its_hash() -> None:
    """Format, size and hash tell whether it arrived whole; the picture itself is not kept."""
    picture = encoded(portrait(), "PNG")
    record = RECORDER.request(entry(body(RAW | {"image": picture})))

    image = fields_of(record)["image"]
    assert image["picture"] == {
        "format": "PNG",
        "width": 300,
        "height": 300,
        "sha256": hashlib.sha256(picture).hexdigest(),
    }
    assert (image["filename"], image["content_type"], image["bytes"]) == ("a.jpg", "image/jpeg", len(picture))
    assert "value" not in image


def test_what_is_odd_in_a_form_is_named() -> None:
    """A form without its end is read, and told."""
    record = RECORDER.request(entry(body(KYC)[:-50]))

    assert record["problems"] == ["multipart-unterminated"]


@pytest.mark.parametrize(
    ("kind", "content", "told"),
    [
        ("application/x-www-form-urlencoded", b"liveness_type=still&uuid=u+1", "urlencoded"),
        ("application/json", b'{"liveness_type": "still", "uuid": "u 1"}', "json"),
    ],
)
def test_other_bodies_are_read_for_the_eye(kind: str, content: bytes, told: str) -> None:
    """An endpoint reads no field of them; whoever sent them sees what they hold all the same."""
    record = RECORDER.request(entry(content, kind))

    assert record["body"]["kind"] == told
    assert [(part["name"], part["value"]) for part in record["parts"]] == [("liveness_type", "still"), ("uuid", "u 1")]


@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff", b"[" * 100_000, b'{"a": ' * 50_000])
def test_hostile_json_is_no_record_of_fields(content: bytes) -> None:
    """What cannot be read, or is nested without end, has no fields."""
    assert RECORDER.request(entry(content, "application/json"))["parts"] == []


def test_an_unknown_field_is_marked_and_hidden() -> None:
    """Whoever misspells idcard_number sends the number under another name."""
    record = RECORDER.request(entry(body(COMPARE | {"bizno": "order-1"})))

    field = fields_of(record)["bizno"]
    assert (field["is_known"], field["value"], field["characters"], field["is_redacted"]) == (False, None, 7, True)


def test_a_record_is_bounded_whatever_came() -> None:
    """A thousand parts and long texts do not make a long record."""
    record = RECORDER.request(entry(body({f"f{number}": "x" * 999 for number in range(1500)} | {"uuid": "y" * 9_999})))

    assert len(record["parts"]) == 60
    assert record["more_parts"] == 940
    assert len(json.dumps(record)) < 30_000


def test_headers_are_bounded_too() -> None:
    """However many, and however long."""
    many = tuple((f"X-{number}", "v" * 5_000) for number in range(2_000))

    record = RECORDER.request(entry(b"", headers=many))

    assert (len(record["headers"]), record["more_headers"]) == (100, 1_902)
    assert len(json.dumps(record)) < 40_000


# --- what is not


PRIVATE = {
    "a name": body(KYC),
    "a name under another name": body(COMPARE | {"idcardName": NAME, "idcardNumber": NUMBER}),
    "a number elsewhere": body(KYC | {"uuid": NUMBER, "biz_no": f"{NAME}-{NUMBER}"}),
    "a number in a list": body(KYC | {"liveness_type": NAME, "verbose": NUMBER}),
    "a file": body(KYC | {"image_ref1": FACE}).replace(b'filename="a.jpg"', f'filename="{NAME} {NUMBER}.jpg"'.encode()),
    "a secret": body(KYC | {"api_secret": "demo-secret-of-active", "uuid": "demo-secret-of-active"}),
    "a name of a field": body(KYC | {NUMBER: "1", "demo-secret-of-active": "1"}),
    "a sign elsewhere": body(KYC | {"biz_no": sign(), "signature": sign()}),
    "as a file": body(KYC | {"idcard_number": NUMBER.encode(), "sign": sign().encode()}),
}


@pytest.mark.parametrize("content", PRIVATE.values(), ids=PRIVATE)
def test_nothing_private_is_shown(content: bytes) -> None:
    """No name, number, secret, signature or picture, in whatever field it stands."""
    made = entry(content, answer=f'{{"error": "BAD_ARGUMENTS: {NAME}"}}'.encode(), status=400)

    shown = json.dumps([RECORDER.request(made), RECORDER.answer(made)], ensure_ascii=False)

    assert_clean(shown, made)


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "application/json", "text/plain", "application/xml"]
)
def test_nothing_private_is_shown_of_other_bodies(kind: str) -> None:
    """The same holds for forms that are none, for the query and for headers."""
    fields = KYC | {"sign": sign()}
    text = json.dumps(fields) if "json" in kind else "&".join(f"{name}={value}" for name, value in fields.items())
    made = entry(
        text.encode(),
        kind,
        f"/{quote(NAME)}/get_biz_token?idcard_name={NAME}&idcard_number={NUMBER}&sign=x&uuid={NUMBER}&verbose=1",
        headers=(("Authorization", "Basic c2VjcmV0"), ("Cookie", "session=abc"), ("X-User", NUMBER)),
    )

    record = RECORDER.request(made)

    shown = json.dumps(record, ensure_ascii=False)
    assert_clean(shown, made)
    assert "c2VjcmV0" not in shown
    assert "abc" not in shown
    assert record["target"].endswith("&verbose=1")


def assert_clean(shown: str, made: Entry) -> None:
    """None of the private texts stands in what is shown, nor does the digest of a sign in any spelling."""
    for private in (NAME, NUMBER, "demo-secret-of-active"):
        assert private not in shown
        assert quote(private) not in shown
    for value in made.fields.values():
        text = value if isinstance(value, str) else value[:90].decode("latin-1")
        if len(text) >= 80:
            digest = base64.b64decode(text[:28])[:20] if text[:28].isascii() else b""
            assert text not in shown
            assert text[:28] not in shown
            assert not digest or digest.hex() not in shown


def test_what_a_judge_quotes_is_cleaned_too() -> None:
    """A finding that repeats the name is told without it."""
    made = entry(body(KYC))

    (finding,) = RECORDER.findings(made, [{"id": "x", "level": "report", "message": {"en": f"{NAME} ({NUMBER})"}}])

    assert finding == {"id": "x", "level": "report", "message": {"en": "<redacted> (<redacted>)"}}


# --- the sign


def made_sign(text: str, secret: str = "demo-secret-of-active") -> bytes:
    """A sign of any text."""
    return base64.b64encode(hmac.digest(secret.encode(), text.encode(), "sha1") + text.encode())


SOUND = "a=demo-active&b=2000000600&c=2000000000&d=0123456789"


def test_a_sign_is_taken_apart() -> None:
    """Its four fields, its times and what is right about it."""
    told = dissect(made_sign(SOUND), keys.demo(), 2e9)

    assert told == {
        "characters": 96,
        "is_readable": True,
        "fields": {"a": "demo-active", "b": "2000000600", "c": "2000000000", "d": "0123456789"},
        "made": "2033-05-18T03:33:20Z",
        "expires": "2033-05-18T03:43:20Z",
        "seconds": 600,
        "key": "known",
        "digest": "right",
        "state": "valid",
    }


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (made_sign(SOUND, "other"), {"digest": "wrong", "key": "known"}),
        (made_sign(SOUND, "demo-secret-of-denied"), {"digest": "of-another-key"}),
        (made_sign(SOUND.replace("demo-active", "nobody")), {"key": "unknown"}),
        (made_sign(SOUND.replace("2000000600", "1999999999")), {"state": "never-valid"}),
        (made_sign("a=demo-active&b=1900000600&c=1900000000&d=1"), {"state": "expired"}),
        (made_sign("a=demo-active&b=0&c=1900000000&d=1"), {"state": "single-use", "seconds": None, "expires": None}),
        (made_sign("a=demo-active&b=2000000600000&c=2000000000000&d=1"), {"expires": None, "made": None}),
    ],
    ids=["wrong", "other-key", "unknown", "never", "expired", "single-use", "milliseconds"],
)
def test_what_is_wrong_with_a_sign_is_named(made: bytes, told: dict[str, Any]) -> None:
    """Each part by itself, so that the wrong one shows."""
    assert dissect(made, keys.demo(), 2e9).items() >= told.items()


# One that holds all that is lost on the way: +, / and padding.
RICH = next(
    made
    for made in (made_sign(f"a=demo-active&b=2000000600&c=2000000000&d={number}") for number in range(10_000, 99_999))
    if {b"+", b"/"} <= {made[at : at + 1] for at in range(28)} and made.endswith(b"=")
)
SPOILT = {
    "padding": RICH.rstrip(b"="),
    "alphabet": RICH.replace(b"+", b"-").replace(b"/", b"_"),
    "plus": RICH.replace(b"+", b" "),
    "wrapped": RICH[:60] + b"\r\n" + RICH[60:],
}


@pytest.mark.parametrize("spoilt", SPOILT.values(), ids=SPOILT)
def test_an_unreadable_sign_is_read_as_far_as_it_goes(spoilt: bytes) -> None:
    """Where it is spoilt on the way, what it was still shows."""
    told = dissect(spoilt, keys.demo(), 2e9)

    assert told["fields"]["c"] == "2000000000"
    assert not told["is_readable"]
    assert dissect(RICH, keys.demo(), 2e9)["digest"] == "right"


@pytest.mark.parametrize("junk", [b"", b"junk", b"\xff\x00", b"A" * 100_000, "签名".encode()])
def test_junk_is_no_sign(junk: bytes) -> None:
    """It has no fields, and raises nothing."""
    assert dissect(junk, keys.demo(), 2e9)["fields"] == {}
