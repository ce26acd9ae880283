"""Each mistake of a client is told by its id and by no other, and what is sound is told nothing above advice."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lint_requests import (
    API_KEY,
    BOUNDARY,
    COMPARE,
    CONTRACT,
    FACE,
    KYC,
    NOW,
    PATH,
    SECRET,
    SIGN,
    body_of,
    form,
    ids,
    linted,
    part,
    parts_of,
    request,
    sign_of,
    text_of,
)
from PIL import Image

from biztoken.lint import lint
from biztoken.lint.advice import LANGUAGES, LEVELS, Remark, put, texts
from biztoken.pictures import Pictures
from biztoken.received import Received, read_received

PICTURES = Pictures()
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
WITHOUT_PICTURE = {name: value for name, value in COMPARE.items() if name != "image_ref1"}


def picture(value: str | bytes, **how: Any) -> Received:
    """A comparison with this in the place of its picture."""
    return form(WITHOUT_PICTURE, part("image_ref1", value, **how))


def kyc(**changes: Any) -> Received:
    """A KYC request with some fields changed, or left out where None."""
    return form({name: value for name, value in {**KYC, **changes}.items() if value is not None})


def compare(**changes: Any) -> Received:
    """A comparison with some fields changed, or left out where None."""
    return form({name: value for name, value in {**COMPARE, **changes}.items() if value is not None})


def raw(body: bytes, content_type: str | None = MULTIPART, **how: Any) -> Received:
    """A request with this body."""
    return request(body, content_type, **how)


SOUND_BODY = body_of(parts_of(COMPARE))
PLUS = next(sign for number in range(999) if "+" in (sign := sign_of(text_of(random=f"{number:010d}"))))
RAW_IMAGE = {**KYC, "liveness_type": "raw_image", "image": FACE, "return_faces": "1", "face_quality_threshold": "0"}
TYPED = "Content-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: 8bit\r\nContent-Length: 9\r\n"
SOUND: dict[str, Received] = {
    "kyc": kyc(),
    "comparison": compare(),
    "raw-image": form(RAW_IMAGE),
    "flash": kyc(liveness_type="flash", flash_liveness_timeout="180", eyes_close_detection="1"),
    "all-that-is-general": kyc(biz_no="订单-1", verbose="1", security_level="4", force_compare="0", device_risk="1"),
    "two-pictures": compare(image_ref2=PICTURES.get("face.png").data),
    "single-use": kyc(sign=sign_of(text_of(expires=0))),
    "sign-with-plus": kyc(sign=PLUS),
    "random-of-one-digit": kyc(sign=sign_of(text_of(random="0"))),
    "preamble": raw(b"\r\n" + SOUND_BODY),
    "text-before": raw(b"This is a form.\r\n" + SOUND_BODY),
    "epilogue": raw(SOUND_BODY + b"the end"),
    "no-last-line-break": raw(SOUND_BODY.removesuffix(b"\r\n")),
    "boundary-of-dashes": raw(body_of(parts_of(KYC), "------"), "multipart/form-data; boundary=------"),
    "quoted-boundary": raw(SOUND_BODY, f'multipart/form-data; charset=utf-8; boundary="{BOUNDARY}"'),
    "headers-on-texts": form({}, *[part(name, value, headers=TYPED) for name, value in KYC.items()]),
    "type-first": raw(
        body_of(parts_of(KYC)).replace(b"Content-Disposition", b"Content-Type: text/plain\r\nContent-Disposition")
    ),
    "no-space-after-colon": raw(body_of(parts_of(KYC)).replace(b"Content-Disposition: ", b"content-disposition:")),
    "unquoted-names": raw(re.sub(rb'name="(\w+)"', rb"name=\1", body_of(parts_of(KYC)))),
    "filename-of-one-space": picture(FACE, filename=" "),
    "binary-picture": picture(FACE, headers="Content-Type: image/jpeg\r\nContent-Transfer-Encoding: binary\r\n"),
    "any-order": form(dict(reversed(COMPARE.items()))),
    "optional-and-empty": kyc(biz_no="", verbose=""),
    "file-not-chosen": form(
        KYC, part("image_ref2", b"", headers="Content-Type: application/octet-stream\r\n").replace(b"face.jpg", b"")
    ),
    "line-break-after-picture": picture(FACE + b"\r\n"),
    "uuid-of-other-comparison": kyc(uuid="user-1"),
    "timeout-of-other-liveness": kyc(liveness_type="flash", liveness_timeout="30", maximum_brightness="1"),
    "through-a-proxy": form(KYC, target=f"http://127.0.0.1:8080{PATH}"),
    "name-of-the-west": kyc(idcard_name="José María O'Brien-Łukasz"),
    "long-name": kyc(idcard_name="阿卜杜热合曼·买买提"),
    "percent-in-number": kyc(biz_no="50% / 2+2=4 & more"),
    "bitmap": compare(image_ref1=PICTURES.get("face.png").data),
}


@pytest.mark.parametrize("name", SOUND)
def test_sound_request_is_told_nothing_above_advice(name: str) -> None:
    """Whatever legal form a client gives its request, lint does not complain."""
    assert ids(SOUND[name]) == set()


def base64_text(data: bytes = FACE) -> str:
    """Base64 of the portrait, or of other bytes."""
    return base64.b64encode(data).decode()


def urlencoded(**changes: Any) -> bytes:
    """The KYC fields as an urlencoded body."""
    return urlencode({**KYC, **changes}).encode()


WRAPPED = base64.encodebytes(base64.b64decode(SIGN)).decode()
LF_BODY = body_of(parts_of(KYC)).replace(b"\r\n", b"\n")
MIXED = body_of(parts_of(KYC)).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n", 1)
LATIN_DIGEST = base64.b64encode(base64.b64decode(SIGN)[:20].decode("latin-1").encode() + text_of().encode()).decode()
HEX_DIGEST = base64.b64encode(base64.b64decode(SIGN)[:20].hex().encode() + text_of().encode()).decode()
URLSAFE = next(
    sign.replace("+", "-").replace("/", "_")
    for number in range(999)
    if {"+", "/"} <= set(sign := sign_of(text_of(random=f"{number:010d}")))
)
FAULTY: list[tuple[str, Received, set[str]]] = [
    ("urlencoded", raw(urlencoded(), "application/x-www-form-urlencoded"), {"urlencoded-body"}),
    ("urlencoded-told-as-text", raw(urlencoded(), "text/plain;charset=UTF-8"), {"urlencoded-body"}),
    ("json", raw(json.dumps(dict(KYC)).encode(), "application/json"), {"json-body"}),
    ("json-told-as-form", raw(json.dumps(dict(KYC)).encode(), "application/x-www-form-urlencoded"), {"json-body"}),
    (
        "json-with-picture",
        raw(json.dumps({**WITHOUT_PICTURE, "image_ref1": base64_text()}).encode(), "application/json"),
        {"json-body"},
    ),
    ("query", raw(b"", None, target=f"{PATH}?{urlencode(KYC)}"), {"fields-in-query"}),
    (
        "one-in-query",
        form(
            {name: text for name, text in KYC.items() if name != "sign"}, target=f"{PATH}?sign={quote(SIGN, safe='')}"
        ),
        {"fields-in-query"},
    ),
    ("get", raw(b"", None, method="GET", target=f"{PATH}?{urlencode(KYC)}"), {"not-post", "fields-in-query"}),
    ("put", form(KYC, method="PUT"), {"not-post"}),
    ("path", form(KYC, target="/faceid/v3/sdk/get_token"), {"wrong-path"}),
    ("slash", form(KYC, target=PATH + "/"), {"wrong-path"}),
    ("two-slashes", form(KYC, target="/" + PATH), {"wrong-path"}),
    ("no-boundary", raw(SOUND_BODY, "multipart/form-data"), {"boundary-missing"}),
    ("other-boundary", raw(SOUND_BODY, "multipart/form-data; boundary=another"), {"boundary-missing"}),
    ("no-type", raw(SOUND_BODY, None), {"boundary-missing"}),
    (
        "told-as-urlencoded",
        raw(SOUND_BODY, "application/x-www-form-urlencoded"),
        {"boundary-missing", "urlencoded-body"},
    ),
    ("urlencoded-told-as-multipart", raw(urlencoded(), MULTIPART), {"body-not-multipart"}),
    (
        "urlencoded-told-as-multipart-bare",
        raw(urlencoded(), "multipart/form-data"),
        {"body-not-multipart", "boundary-missing"},
    ),
    ("json-told-as-multipart", raw(json.dumps(dict(KYC)).encode(), MULTIPART), {"body-not-multipart"}),
    ("mixed", raw(SOUND_BODY, f"multipart/mixed; boundary={BOUNDARY}"), {"body-not-multipart"}),
    ("empty", raw(b"", None), {"body-not-multipart"}),
    ("xml", raw(b"<request/>", "text/xml"), {"body-not-multipart"}),
    ("cut-off", raw(SOUND_BODY, length=len(SOUND_BODY) + 9), {"body-incomplete"}),
    ("unterminated", raw(SOUND_BODY.removesuffix(b"--\r\n") + b"\r\n"), {"multipart-unterminated"}),
    ("unterminated-in-a-part", raw(SOUND_BODY[: -len(BOUNDARY) - 8]), {"multipart-unterminated"}),
    (
        "no-line-before-boundary",
        raw(
            body_of(parts_of({**KYC, "biz_no": "1"})).replace(
                b"1\r\n--" + BOUNDARY.encode() + b"--", b"1--" + BOUNDARY.encode() + b"--"
            )
        ),
        {"boundary-inside-part", "multipart-unterminated"},
    ),
    (
        "no-line-between",
        raw(body_of(parts_of({"biz_no": "1", "verbose": "1", **KYC})).replace(b"1\r\n--", b"1--", 1)),
        {"boundary-inside-part"},
    ),
    ("boundary-in-a-picture", picture(FACE + f"\r\n--{BOUNDARY}xyz".encode()), {"boundary-inside-part"}),
    ("boundary-line-in-a-picture", picture(FACE + f"\n--{BOUNDARY}\n".encode()), {"boundary-inside-part"}),
    (
        "unterminated-text",
        raw(body_of(parts_of(KYC)).removesuffix(f"--{BOUNDARY}--\r\n".encode())),
        {"multipart-unterminated"},
    ),
    ("lf", raw(LF_BODY), {"lf-line-endings"}),
    ("lf-after-crlf", raw(MIXED), {"lf-line-endings"}),
    ("attachment", raw(SOUND_BODY.replace(b"form-data; name", b"attachment; name")), {"part-not-form-data"}),
    (
        "base64-part",
        picture(base64.encodebytes(FACE), headers="Content-Transfer-Encoding: base64\r\n"),
        {"part-transfer-encoding-base64"},
    ),
    (
        "base64-text",
        form(
            {**KYC, "idcard_name": "eA=="}, part("biz_no", "b3JkZXI=", headers="Content-Transfer-Encoding: BASE64\r\n")
        ),
        {"part-transfer-encoding-base64"},
    ),
    (
        "quoted-printable",
        form(KYC, part("biz_no", "=E5=8D=95", headers="Content-Transfer-Encoding: quoted-printable\r\n")),
        {"part-transfer-encoding-quoted-printable"},
    ),
    ("picture-lost", form(WITHOUT_PICTURE), {"lost-file-part", "missing-image_ref1"}),
    ("object", picture("[object Object]"), {"lost-file-part"}),
    ("stream", picture("<_io.BufferedReader name='/data/face.jpg'>"), {"lost-file-part"}),
    ("java-object", picture("java.io.FileInputStream@1b6d3586"), {"lost-file-part"}),
    ("java-bytes", picture("[B@6d06d69c"), {"lost-file-part"}),
    ("undefined", picture("undefined"), {"lost-file-part"}),
    ("no-filename", picture(FACE, filename=""), {"file-part-without-filename"}),
    ("empty-picture", picture(b""), {"file-part-empty"}),
    ("path-as-text", picture("/data/upload/face.jpg"), {"image-path-as-text"}),
    ("at-path", picture("@face.jpg;type=image/jpeg"), {"image-path-as-text"}),
    ("windows-path", picture("C:\\photos\\face.png"), {"image-path-as-text"}),
    ("url", picture("https://example.com/face?id=1"), {"image-path-as-text"}),
    ("path-in-a-file", picture(b"/data/upload/face.jpg"), {"image-path-as-text"}),
    ("base64", picture(base64_text()), {"image-base64"}),
    ("base64-wrapped", picture(base64.encodebytes(FACE).decode()), {"image-base64"}),
    ("base64-urlsafe", picture(base64.urlsafe_b64encode(FACE).decode().rstrip("=")), {"image-base64"}),
    ("base64-escaped", picture(quote(base64_text(), safe="")), {"image-base64"}),
    ("base64-in-a-file", picture(base64.b64encode(FACE)), {"image-base64"}),
    ("data-url", picture("data:image/jpeg;base64," + base64_text()), {"image-base64"}),
    ("utf-8", picture(FACE.decode("utf-8", "replace").encode()), {"image-bytes-corrupted"}),
    ("latin-1", picture(FACE.decode("latin-1").encode()), {"image-bytes-corrupted"}),
    ("ascii", picture(FACE.decode("ascii", "replace").encode("ascii", "replace")), {"image-bytes-corrupted"}),
    ("crlf", picture(FACE.replace(b"\n", b"\r\n")), {"image-bytes-corrupted"}),
    ("lf-of-crlf", picture(PICTURES.get("face.png").data.replace(b"\r\n", b"\n")), {"image-bytes-corrupted"}),
    (
        "text-mode",
        picture(FACE.replace(b"\r\n", b"\n").replace(b"\r", b"\n")),
        {"image-bytes-corrupted"},
    ),
    ("png-without-end", picture(PICTURES.get("face.png").data[:-12]), {"image-bytes-corrupted"}),
    ("cut-picture", picture(FACE[: len(FACE) // 2]), {"image-bytes-corrupted"}),
    ("cut-at-nul", picture(FACE[: FACE.index(b"\0")]), {"image-bytes-corrupted"}),
    ("mark-before", picture(b"\xef\xbb\xbf" + FACE), {"image-bytes-corrupted"}),
    ("line-before", picture(b"\r\n" + FACE), {"image-bytes-corrupted"}),
    ("printed", picture(repr(FACE)), {"image-bytes-corrupted"}),
    ("numbers", picture(",".join(map(str, FACE))), {"image-bytes-corrupted"}),
    ("hex", picture(FACE.hex()), {"image-bytes-corrupted"}),
    ("seven-bits", picture(bytes(byte & 127 for byte in FACE)), {"image-bytes-corrupted"}),
    ("no-picture", picture(PICTURES.get("not-a-picture").data), {"image-bytes-corrupted"}),
    ("wide", picture(PICTURES.get("wide-4097").data), {"picture-too-large"}),
    ("large", picture(FACE + bytes(2_200_000)), {"picture-too-large"}),
    (
        "text-as-file",
        form({name: value for name, value in KYC.items() if name != "sign"}, part("sign", SIGN, filename="blob")),
        {"text-field-as-file"},
    ),
    (
        "php-trick",
        form(WITHOUT_PICTURE, part("image_ref1%22;filename=%22image", FACE, filename="")),
        {"field-name-corrupted"},
    ),
    (
        "quoted-name",
        form({n: v for n, v in KYC.items() if n != "sign"}, part("'sign'", SIGN)),
        {"field-name-corrupted"},
    ),
    ("blank-name", form({n: v for n, v in KYC.items() if n != "sign"}, part("sign ", SIGN)), {"field-name-corrupted"}),
    (
        "mark-name",
        form({n: v for n, v in KYC.items() if n != "sign"}, part("\ufeffsign", SIGN)),
        {"field-name-corrupted"},
    ),
    ("brackets", form(WITHOUT_PICTURE, part("image_ref1[]", FACE)), {"field-name-corrupted"}),
    ("no-name", raw(body_of([*parts_of(KYC), b"Content-Type: text/plain\r\n\r\n1"])), {"field-name-corrupted"}),
    ("misspelt", kyc(bizno="order-1"), {"unknown-field"}),
    ("other-case", kyc(bizNo="order-1"), {"unknown-field"}),
    ("api-key", kyc(api_key=API_KEY), {"unknown-field"}),
    ("twice", form(KYC, part("biz_no", "1"), part("biz_no", "2")), {"duplicate-field"}),
    ("other-liveness", kyc(flash_liveness_timeout="90"), {"other-liveness-type"}),
    ("picture-of-other-liveness", kyc(image=FACE), {"other-liveness-type"}),
    ("sister-type", kyc(liveness_type="video"), {"value-out-of-list"}),
    ("capital", kyc(liveness_type="MEGLIVE"), {"value-out-of-list"}),
    ("line-break-in-value", kyc(sign_version="hmac_sha1\n"), {"value-out-of-list"}),
    ("true", kyc(verbose="true"), {"value-out-of-list"}),
    ("level", kyc(security_level="5"), {"value-out-of-list"}),
    ("too-short", kyc(liveness_timeout="4"), {"value-out-of-range"}),
    ("too-many", kyc(liveness_action_count="4"), {"value-out-of-range"}),
    ("words", kyc(liveness_timeout="ten"), {"value-out-of-range"}),
    ("minus", kyc(liveness_timeout="-1"), {"value-out-of-range"}),
    ("quality", form({**RAW_IMAGE, "face_quality_threshold": "101"}), {"value-out-of-range"}),
    ("long-uuid", compare(uuid="客" * 43), {"value-too-long"}),
    ("long-number", kyc(biz_no="x" * 129), {"value-too-long"}),
    (
        "gbk",
        form(
            {n: v for n, v in KYC.items() if n != "idcard_name"},
            part("idcard_name", "") + "张三".encode("gbk"),
        ),
        {"value-not-utf-8"},
    ),
    ("question-marks", kyc(idcard_name="??"), {"text-mangled"}),
    ("utf-8-twice", kyc(idcard_name="张三".encode().decode("latin-1")), {"text-mangled"}),
    ("percent-name", kyc(idcard_name=quote("张三")), {"text-mangled"}),
    ("idcard-15", kyc(idcard_number="990101900307123"), {"idcard-form"}),
    ("idcard-letters", kyc(idcard_number="99010119900307ABCD"), {"idcard-form"}),
    ("idcard-full-width", kyc(idcard_number="９９０１０１１９９００３０７１２３７"), {"idcard-form"}),
    ("idcard-checksum", kyc(idcard_number="990101199003071230"), {"idcard-checksum"}),
    ("secret-field", kyc(api_secret=SECRET), {"secret-on-the-wire", "unknown-field"}),
    ("secret-header", form(KYC, headers=(f"X-Key: {SECRET}",)), {"secret-on-the-wire"}),
    (
        "secret-basic",
        form(KYC, headers=("Authorization: Basic " + base64.b64encode(f"{API_KEY}:{SECRET}".encode()).decode(),)),
        {"secret-on-the-wire"},
    ),
    ("secret-hexadecimal", kyc(biz_no=SECRET.encode().hex()), {"secret-on-the-wire"}),
    (
        "secret-filename",
        picture(FACE, filename=f"{SECRET}.jpg"),
        {"secret-on-the-wire"},
    ),
    ("secret-query", form(KYC, target=f"{PATH}?s={SECRET}"), {"secret-on-the-wire"}),
    ("secret-in-sign", kyc(sign=sign_of(text_of(key=SECRET))), {"secret-on-the-wire", "sign-unknown-key"}),
    ("not-base64", kyc(sign="this is no signature!"), {"sign-not-base64"}),
    ("plain-sign", kyc(sign=text_of()), {"sign-not-base64"}),
    ("bytes-sign", kyc(sign=f"b'{SIGN}'"), {"sign-not-base64"}),
    ("urlsafe", kyc(sign=URLSAFE), {"sign-urlsafe-base64"}),
    ("wrapped", kyc(sign=WRAPPED), {"sign-base64-wrapped"}),
    ("line-at-end", kyc(sign=SIGN + "\n"), {"sign-base64-wrapped"}),
    ("percent-sign", kyc(sign=quote(PLUS, safe="")), {"double-encoded-sign"}),
    ("base64-of-base64", kyc(sign=base64_text(SIGN.encode())), {"double-encoded-sign"}),
    ("plus-lost", kyc(sign=PLUS.replace("+", " ")), {"sign-plus-lost"}),
    (
        "plus-lost-in-a-form",
        raw(
            "&".join(f"{n}={v}" for n, v in {**KYC, "sign": PLUS}.items()).encode(), "application/x-www-form-urlencoded"
        ),
        {"urlencoded-body", "sign-plus-lost"},
    ),
    ("hex-digest", kyc(sign=HEX_DIGEST), {"sign-digest-hex"}),
    ("digest-through-text", kyc(sign=LATIN_DIGEST), {"sign-digest-mangled"}),
    ("wrong-secret", kyc(sign=sign_of(text_of(), "another-secret")), {"sign-wrong-secret"}),
    ("unknown-key", kyc(sign=sign_of(text_of(key="unknown"))), {"sign-unknown-key"}),
    ("milliseconds", kyc(sign=sign_of(text_of(expires=(NOW + 600) * 1000, made=NOW * 1000))), {"sign-milliseconds"}),
    ("one-in-milliseconds", kyc(sign=sign_of(text_of(expires=NOW * 1000 + 600))), {"sign-milliseconds"}),
    ("expired", kyc(sign=sign_of(text_of(expires=NOW - 60, made=NOW - 660))), {"sign-expired"}),
    ("by-design", kyc(sign=sign_of(text_of(expires=NOW))), {"sign-expired-by-design"}),
    ("duration", kyc(sign=sign_of(text_of(expires=600))), {"sign-expired-by-design"}),
    ("clock", kyc(sign=sign_of(text_of(expires=NOW + 29_400, made=NOW + 28_800))), {"sign-clock-shift"}),
    (
        "clock-behind",
        kyc(sign=sign_of(text_of(expires=NOW - 28_200, made=NOW - 28_800))),
        {"sign-clock-shift", "sign-expired"},
    ),
    ("a-year", kyc(sign=sign_of(text_of(expires=NOW + 365 * 86_400))), {"sign-validity-too-long"}),
    ("long-random", kyc(sign=sign_of(text_of(random="12345678901"))), {"sign-random-too-long"}),
    ("hex-random", kyc(sign=sign_of(text_of(random="8f3a9c"))), {"sign-random-form"}),
    ("fractions", kyc(sign=sign_of(text_of(expires=NOW + 600.5, made=NOW + 0.5))), {"sign-text-form"}),
]
FAULTY += [
    (f"no-{name}", kyc(**{name: None}), {f"missing-{name}"})
    for name in ("sign", "sign_version", "liveness_type", "comparison_type", "idcard_name", "idcard_number")
]
FAULTY += [(f"empty-{name}", kyc(**{name: ""}), {f"missing-{name}"}) for name in ("sign", "idcard_name")]
FAULTY += [("no-uuid", compare(uuid=None), {"missing-uuid"})]
FAULTY += [("no-image", form({**RAW_IMAGE, "image": b""}), {"file-part-empty"})]
EACH = pytest.mark.parametrize(("received", "expected"), [pytest.param(*row[1:], id=row[0]) for row in FAULTY])


@EACH
def test_one_mistake_is_told_by_its_id_and_no_other(received: Received, expected: set[str]) -> None:
    """A request with one mistake has its finding above advice, and nothing else is."""
    assert ids(received) == expected


def test_whole_request_over_the_limit_breaks() -> None:
    """What the endpoint answers with 413 breaks; the number is the contract's."""
    received = form(KYC, part("filler", "x" * CONTRACT.limits["body_refused"]))

    (found,) = [advice for advice in linted(received) if advice.id == "picture-too-large"]

    assert found.level == "breaks"
    assert found.clause == "REQUEST-ENTITY-TOO-LARGE-STATUS"


def test_every_finding_has_a_test() -> None:
    """No id in the texts is without a request that brings it about."""
    told = {advice.id for _, received, _ in FAULTY for advice in linted(received)}
    told |= {advice.id for received in SOUND.values() for advice in linted(received)}
    elsewhere = {"sign-reused", "resent-after-400", "hammering"}  # tests/test_lint_sequence.py
    rare = {"too-many-parts", "boundary-over-70", "filename-star", "picture-format", "number-form"}

    general = {"missing" if name.startswith("missing-") else name for name in told}

    assert set(texts()) - general == elsewhere | rare


ADVISED: list[tuple[Callable[[], Received], str]] = [
    (lambda: raw(body_of(parts_of(KYC), "x" * 71), "multipart/form-data; boundary=" + "x" * 71), "boundary-over-70"),
    (lambda: picture(b"\0\0\0\x18ftypheic" + bytes(99)), "picture-format"),
    (lambda: kyc(liveness_timeout="007"), "number-form"),
    (lambda: kyc(liveness_timeout=" 7"), "number-form"),
    (lambda: kyc(idcard_number="99010119900307123X"[:17] + "x"), "idcard-checksum"),
    (lambda: raw(SOUND_BODY.replace(b'filename="face.jpg"', b"filename*=utf-8''face.jpg")), "filename-star"),
    (lambda: form(KYC, *[part(f"x{number}", "1") for number in range(1_001)]), "too-many-parts"),
]


@pytest.mark.parametrize(("make", "expected"), ADVISED)
def test_rarer_findings(make: Callable[[], Received], expected: str) -> None:
    """What is legal and unwise is told, too."""
    assert expected in {advice.id for advice in linted(make())}


# --- what lint promises


@EACH
def test_findings_can_be_told_in_both_languages(received: Received, expected: set[str]) -> None:
    """Every finding has all its sentences, and none of them tells the secret or the ID number."""
    for advice in linted(received):
        assert advice.clause is None or advice.clause in CONTRACT.clauses
        assert advice.level in LEVELS
        for lang in LANGUAGES:
            message = advice.message(lang)
            assert SECRET not in message
            assert KYC["idcard_number"] not in message
            assert re.search(r"\{|\}", message.replace("files={name: (None, value)}", "")) is None


def test_every_text_is_in_both_languages_and_complete() -> None:
    """Each finding says what was sent, why it breaks and what to do, in English and Chinese."""

    def sides(entry: Any) -> list[Any]:
        found = [entry[key] for key in ("sent", "says", "why", "fix") if key in entry]
        return found + [side for variant in entry.get("variants", {}).values() for side in sides(variant)]

    for name, entry in texts().items():
        assert {"level", "sent", "why", "fix"} <= set(entry), name
        assert all(set(side) == set(LANGUAGES) and all(side.values()) for side in sides(entry)), name
        assert "clause" not in entry or entry["clause"] in CONTRACT.clauses


def test_without_keys_and_time_digest_and_expiry_are_not_judged() -> None:
    """Whoever gives neither is told nothing about either."""
    expired = kyc(sign=sign_of(text_of(expires=NOW - 60, made=NOW - 660), "another-secret"))

    assert ids(expired, keys=None, now=None) == set()
    assert ids(expired, keys=None) == {"sign-expired"}
    assert ids(expired, now=None) == {"sign-wrong-secret"}


def test_the_worst_comes_first() -> None:
    """Findings are in the order of their levels."""
    levels = [advice.level for advice in linted(kyc(bizno="1", uuid="1", sign=None))]

    assert levels == sorted(levels, key=LEVELS.index)
    assert set(levels) == set(LEVELS)


def test_numbers_are_the_contracts() -> None:
    """A contract with other bounds is told in other words, and judged by."""
    wider = replace(CONTRACT.parameters["liveness_timeout"], maximum=90)
    other = replace(CONTRACT, parameters={**CONTRACT.parameters, "liveness_timeout": wider})

    assert not [advice for advice in lint(kyc(liveness_timeout="80"), other) if advice.counts]
    (found,) = [advice for advice in lint(kyc(liveness_timeout="91"), other) if advice.counts]
    assert "90" in found.fix["en"]


def test_unknown_field_is_told_with_the_nearest_name() -> None:
    """What was meant stands in the finding; where nothing is near, nothing is guessed."""
    messages = {advice.field: advice.message() for advice in linted(kyc(livenessTimeout="30", zzz="1"))}

    assert "liveness_timeout" in messages["livenessTimeout"]
    assert "nearest" not in messages["zzz"]


def test_level_is_that_of_the_clause() -> None:
    """A value whose refusal the contract states breaks; one that is only not listed is reported."""
    levels = {advice.field: advice.level for advice in linted(kyc(liveness_type="x", verbose="9", biz_no="x" * 129))}

    assert levels["liveness_type"] == "breaks"
    assert levels["biz_no"] == "breaks"
    assert levels["verbose"] == "report"


BYTES = st.one_of(
    st.binary(max_size=400),
    st.builds(
        lambda a, b, c: a + b + c,
        st.binary(max_size=30),
        st.sampled_from([SOUND_BODY[:600], LF_BODY]),
        st.binary(max_size=30),
    ),
    st.builds(
        lambda at, more: SOUND_BODY[:at] + more + SOUND_BODY[at:],
        st.integers(0, len(SOUND_BODY)),
        st.binary(max_size=9),
    ),
)
TYPES = st.one_of(
    st.sampled_from([MULTIPART, "multipart/form-data", "application/json", "application/x-www-form-urlencoded", ""]),
    st.text(max_size=40),
)


@settings(max_examples=300, deadline=None)
@given(body=BYTES, content_type=TYPES, target=st.text(max_size=60), method=st.text(max_size=8))
def test_lint_never_raises(body: bytes, content_type: str, target: str, method: str) -> None:
    """Whatever comes, lint answers, and can say it."""
    received = Received(method, target, (("Content-Type", content_type),), body)

    for advice in linted(received):
        assert advice.message("en")
        assert advice.message("zh")


@settings(max_examples=300, deadline=None)
@given(
    name=st.sampled_from(sorted(CONTRACT.parameters)),
    value=st.one_of(st.binary(max_size=200), st.text(max_size=60).map(str.encode)),
)
def test_any_value_of_any_field_can_be_judged(name: str, value: bytes) -> None:
    """No value of a field makes lint raise."""
    fields = {**KYC, name: value}

    assert all(advice.message() for advice in linted(form(fields)))
    assert all(advice.message("zh") for advice in linted(form({**KYC, name: value.decode("latin-1")})))


def test_remark_without_text_is_a_mistake_of_ours() -> None:
    """An id that texts.yaml does not have is no finding."""
    with pytest.raises(KeyError):
        put(Remark("no-such-finding"), CONTRACT)


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param(
            lambda: request(b"sign=1&a" + b"-" * 100_000 + b"a=1", "application/x-www-form-urlencoded"), id="name"
        ),
        pytest.param(lambda: request(b"sign=1&" + b"a=b&" * 500_000 + b" x", "text/plain"), id="pairs"),
        pytest.param(lambda: form({**KYC, "image_ref1": "1," * 1_000_000 + "x"}), id="numbers"),
        pytest.param(
            lambda: request(
                json.dumps({"sign": "1"} | {f"k{n}": 1 for n in range(100_000)}).encode(), "application/json"
            ),
            id="members",
        ),
        pytest.param(
            lambda: form({**KYC, "sign": base64.b64encode(b"x" * 20 + b"a=;b=;c=" * 600).decode()}), id="sign"
        ),
    ],
)
def test_no_request_takes_long_or_is_told_at_length(hostile: Callable[[], Received]) -> None:
    """What a stranger sends costs seconds at most, and a page of text."""
    received = hostile()
    began = time.process_time()

    told = linted(received)

    assert time.process_time() - began < 5
    assert sum(len(advice.message()) for advice in told) < 20_000


def test_findings_that_are_alike_are_counted() -> None:
    """The first ones are listed; the last of them says how many there are beside."""
    told = [
        advice for advice in linted(form(KYC, *(part(f"x{n}", "1") for n in range(50)))) if advice.id == "unknown-field"
    ]

    assert len(told) == 20
    assert told[-1].sent["en"].endswith("And 30 more.")
    assert "30" in told[-1].sent["zh"]


CUT = body_of(parts_of({**KYC, "liveness_timeout": "60"}))


@pytest.mark.parametrize("kept", [10, 60, 150, 400, len(CUT) - 10])
def test_request_that_ends_early_is_told_just_that(kept: int) -> None:
    """Nothing follows from what did not come."""
    assert ids(request(CUT[:kept], length=len(CUT))) == {"body-incomplete"}


@pytest.mark.parametrize("kept", [0, 10, 400])
def test_what_the_server_left_unread_is_not_charged(kept: int) -> None:
    """A server that hangs up, or answers 413 early, is no mistake of the client's."""
    assert ids(replace(request(CUT[:kept], length=len(CUT)), is_cut=True)) == set()


def test_size_of_a_body_that_was_not_read_is_that_of_its_head() -> None:
    """An early 413 leaves nothing to measure."""
    early = replace(request(CUT[:100], length=22_000_000), is_cut=True)

    assert ids(early) == {"picture-too-large"}


@pytest.mark.parametrize(("short", "word"), [(5, "5 bytes"), (200, "200 bytes")])
def test_length_that_is_too_small_is_told(short: int, word: str) -> None:
    """Characters were counted, not bytes."""
    (advice,) = [advice for advice in linted(request(CUT, length=len(CUT.rstrip()) - short)) if advice.counts]

    assert advice.id == "body-incomplete"
    assert word in advice.sent["en"]


def test_body_without_a_length_is_told() -> None:
    """No server reads it; that it is empty is not what was sent."""
    head = f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Type: {MULTIPART}\r\n\r\n"
    (advice,) = [advice for advice in linted(read_received(head.encode() + CUT, "request")) if advice.counts]

    assert advice.id == "body-incomplete"
    assert "without Content-Length" in advice.sent["en"]


@pytest.mark.parametrize(
    ("name", "text"),
    [("liveness_type", KYC["idcard_name"]), ("verbose", KYC["idcard_number"]), ("verbose", "110101199003070015")],
)
def test_no_finding_repeats_a_person(name: str, text: str) -> None:
    """A name or an ID number in the wrong field is told without itself."""
    told = linted(form({**KYC, name: text}))

    assert any(advice.field == name for advice in told)
    assert all(text not in advice.message(lang) for advice in told for lang in LANGUAGES)


def test_odd_exif_data_is_no_damage() -> None:
    """What Pillow warns of is no matter of the endpoint's, even where warnings are errors; its settings stay."""
    most = Image.MAX_IMAGE_PIXELS
    odd = FACE[:2] + b"\xff\xe1\x00\x12Exif\0\0II*\0\x08\0\0\0\xff\xff" + FACE[2:]

    assert ids(form({**COMPARE, "image_ref1": odd})) == set()
    assert most == Image.MAX_IMAGE_PIXELS
