"""No record carries a secret, a name, an ID number or a sign; each exchange is one whole line."""

import base64
import hashlib
import json
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from biztoken.evidence import BODY_KEPT, REDACTED, Evidence, field_record
from biztoken.model import Exchange, Reply, Upload

SECRET = "UjYGdN9CBZKsDBLB5-5v3DykPXY6dw3q"
NAME, NUMBER = "欧阳测试", "990101199003071233"
SIGN = "SPzLRbDBgTGC2A8YdDaa7Jrny+5hPUlDVnZDX3hVczYxNzdXRXR5VU53SUg4SjZOZkd1NTB0JmI9MTUzMDc2MjIxOCZj"
PICTURE = Upload("face", b"\xff\xd8 the bytes of a picture \xff\xd9" * 40)
FORM = (
    ("sign", SIGN),
    ("sign_version", "hmac_sha1"),
    ("comparison_type", "1"),
    ("idcard_name", NAME),
    ("idcard_number", NUMBER),
    ("image", PICTURE),
)
URL = "http://127.0.0.1/faceid/v3/sdk/get_biz_token"


def exchange(body: bytes | str = b"{}", *, form=FORM, headers=(), failure=None, number=1) -> Exchange:
    """An exchange whose reply has this body."""
    data = body.encode() if isinstance(body, str) else body
    reply = None if failure else Reply(200, tuple(headers), data)
    return Exchange(number, form, 512, 10.0, 10.25, reply, failure)


def recorded(directory: Path, *exchanges: Exchange) -> str:
    """What the file of evidence says after these exchanges."""
    evidence = Evidence(directory, [SECRET, NAME, NUMBER])
    for one in exchanges:
        evidence.exchange(one, url=URL, case="case", role="control", attempt=1)
    evidence.close()
    return (directory / "evidence.ndjson").read_text("utf-8")


def line(directory: Path, one: Exchange) -> dict:
    """The record of one exchange."""
    return json.loads(recorded(directory, one))


PRIVATE = {"secret": SECRET, "name": NAME, "number": NUMBER}


@pytest.mark.parametrize("text", PRIVATE.values(), ids=PRIVATE)
@pytest.mark.parametrize(
    "echo",
    [
        "{}",
        '{{"error": "BAD_ARGUMENTS: {}"}}',
        '{{"debug": {{"fields": [{{"idcard_name": "{}"}}]}}}}',
        "<html>{} {}</html>",
    ],
    ids=["bare", "error", "nested", "html-twice"],
)
def test_echo_of_a_private_text_is_redacted(tmp_path, text, echo):
    """Whatever a reply repeats of the request, no private text reaches the file, however deep it stands."""
    told = recorded(tmp_path, exchange(echo.format(text, text)))

    assert text not in told
    assert REDACTED in told


ENCODINGS = {
    "json-escaped": lambda text: json.dumps(text)[1:-1],
    "url-quoted": quote,
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_echo_of_a_name_in_another_spelling_is_redacted(tmp_path, encoding):
    """A name that comes back in ASCII JSON or URL-quoted is as readable as it was, and as private."""
    spelt = ENCODINGS[encoding](NAME)

    told = line(tmp_path, exchange(f'{{"error": "BAD_ARGUMENTS: {spelt}"}}'))

    assert spelt not in told["reply"]["body"]


@pytest.mark.parametrize("spelt", [SIGN, quote_plus(SIGN)], ids=["bare", "url-quoted"])
def test_echo_of_a_sign_is_redacted(tmp_path, spelt):
    """A sign that a reply repeats is a credential for as long as it lasts."""
    told = recorded(tmp_path, exchange(f'{{"error": "BAD_ARGUMENTS: {spelt}"}}'))

    assert spelt not in told


def test_echo_in_a_header_is_redacted(tmp_path):
    """Headers are redacted as bodies are."""
    told = line(tmp_path, exchange(headers=[("x-debug", f"secret={SECRET}"), ("server", "nginx")]))

    assert told["reply"]["headers"] == {"x-debug": f"secret={REDACTED}", "server": "nginx"}


def test_failure_is_redacted(tmp_path):
    """So is the sentence that says why no reply came."""
    told = line(tmp_path, exchange(failure=f"proxy: {SECRET} refused"))

    assert (told["failure"], told["reply"]) == (f"proxy: {REDACTED} refused", None)


def test_cut_leaves_no_part_of_a_secret(tmp_path):
    """A long body is cut after it was redacted: a secret across the cut does not leave its first half."""
    told = recorded(tmp_path, exchange("x" * (BODY_KEPT - len(SECRET) // 2) + SECRET))

    assert SECRET[:8] not in told


def test_longer_private_text_goes_first(tmp_path):
    """A text inside a longer one does not leave the rest of the longer one readable."""
    evidence = Evidence(tmp_path, ["secret-1", "secret-1-and-more"])

    assert evidence.redact("is secret-1-and-more") == f"is {REDACTED}"
    evidence.close()


def test_redaction_keeps_the_shape(tmp_path):
    """Whatever the nesting, only texts change: numbers, truth values and None stay."""
    evidence = Evidence(tmp_path, [SECRET])

    told = evidence.redact({"a": [SECRET, 1, None, True, {"b": (f"<{SECRET}>", 2.5)}]})
    evidence.close()

    assert told == {"a": [REDACTED, 1, None, True, {"b": [f"<{REDACTED}>", 2.5]}]}


def test_record_of_a_case_is_redacted(tmp_path):
    """The file of cases is written by the same hand."""
    evidence = Evidence(tmp_path, [SECRET])

    evidence.case({"id": "case", "findings": [{"received": f"status 400, {SECRET}"}]})
    evidence.close()

    told = (tmp_path / "cases.ndjson").read_text("utf-8")
    assert SECRET not in told
    assert json.loads(told)["findings"] == [{"received": f"status 400, {REDACTED}"}]


def test_fields_of_the_request_hide_what_is_private(tmp_path):
    """Sign, name and number are not shown at all, even of a person who stands in no target file."""
    told = line(tmp_path, exchange(form=(("sign", SIGN), ("idcard_name", "张三"), ("idcard_number", "1" * 18))))

    assert [field["value"] for field in told["request"]["fields"]] == ["<sign>", REDACTED, REDACTED]


@pytest.mark.parametrize("name", ["sign", "idcard_name", "idcard_number"])
def test_empty_private_field_shows_that_it_is_empty(name):
    """That a field was empty is the defect of a case, and betrays nothing."""
    assert field_record(name, "") == {"name": name, "value": ""}


def test_picture_is_kept_as_length_and_hash(tmp_path):
    """Bytes of a picture are in no record, in no spelling; its length, hash and label are."""
    told = recorded(tmp_path, exchange())

    picture = json.loads(told)["request"]["fields"][-1]["picture"]
    assert picture["bytes"] == len(PICTURE.data)
    assert picture["sha256"] == hashlib.sha256(PICTURE.data).hexdigest()
    assert picture["label"] == "face"
    assert "the bytes of a picture" not in told
    assert base64.b64encode(PICTURE.data).decode()[:40] not in told


def test_long_value_is_kept_short(tmp_path):
    """The filler of a large upload is no evidence; how long it was is."""
    told = recorded(tmp_path, exchange(form=(("filler", "x" * 21_000_000),)))

    assert len(told) < 2_000
    assert "21000000 characters" in told
