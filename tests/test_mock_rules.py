"""The mock's rules: derived from the contract, applied in their order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from biztoken import contract
from biztoken.contract import Contract
from biztoken.mock import overrides, rules
from biztoken.mock.call import Call, Refusal
from biztoken.mock.faces import Face, Look
from biztoken.mock.fields import Fields
from biztoken.mock.rulebook import Rulebook
from biztoken.multipart import Part

CONTRACT = contract.load()
BASE = {"sign": "s", "sign_version": "hmac_sha1"}
KYC = BASE | {"liveness_type": "meglive", "comparison_type": "1", "idcard_name": "张三", "idcard_number": "1" * 18}
COMPARE = BASE | {"liveness_type": "still", "comparison_type": "0", "uuid": "u", "image_ref1": b"x"}
FLASH = KYC | {"liveness_type": "flash"}
RAW = KYC | {"liveness_type": "raw_image", "image": b"x"}
SCOPE = {"method": "POST", "path": "/", "http_version": "1.1", "headers": []}


def part(name: str, value: str | bytes) -> Part:
    """A part as a client sends it: bytes as a file."""
    if isinstance(value, bytes):
        return Part(name, "a.jpg", "image/jpeg", (), value)
    return Part(name, None, None, (), value.encode())


def fields(values: dict[str, Any]) -> Fields:
    """Fields of these values; None is not sent."""
    return Fields(
        [part(name, value) for name, value in values.items() if value is not None], Rulebook(CONTRACT).pictures
    )


def arguments(sent: Fields, book: Rulebook) -> Iterator[Refusal]:
    """All refusals of what came and of what it says."""
    section = book.section(sent.texts)
    yield from rules.missing(sent, section)
    yield from rules.values(sent, section)


def flaws(values: dict[str, Any], rulebook: Contract = CONTRACT) -> list[tuple[str, str, str]]:
    """All refusals of the arguments, in their order."""
    return [tuple(refusal) for refusal in arguments(fields(values), Rulebook(rulebook))]  # type: ignore[misc]


def call(values: dict[str, Any]) -> Call:
    """A call with these fields."""
    made = Call(SCOPE, Rulebook(CONTRACT), 0)
    made.fields = fields(values)
    return made


def judged(values: dict[str, Any], **looks: Look) -> Refusal | None:
    """The first refusal of the pictures."""
    judged = call(values)
    judged.looks = looks
    judged.refusal = next(rules.pictures(judged), None)
    return judged.refusal


@pytest.mark.parametrize("values", [KYC, COMPARE, FLASH, RAW], ids=["kyc", "compare", "flash", "raw"])
def test_complete_request_has_no_flaw(values: dict[str, Any]) -> None:
    """A request with all that is required, and nothing else, passes."""
    assert flaws(values) == []


@pytest.mark.parametrize("parameter", CONTRACT.parameters.values(), ids=lambda parameter: parameter.name)
def test_every_listed_value_and_both_bounds_pass(parameter: contract.Parameter) -> None:
    """What the contract lists is accepted, for each parameter where it has an effect."""
    values = [*parameter.values]
    if parameter.minimum is not None and parameter.maximum is not None:
        values += [str(parameter.minimum), str(parameter.maximum)]
    for value in values:
        for base in (KYC, COMPARE, FLASH, RAW):
            refused = {name for _, name, _ in flaws(base | {parameter.name: value})}
            assert parameter.name not in refused


@pytest.mark.parametrize(
    ("base", "change", "error", "cause"),
    [
        (KYC, {"sign_version": None}, "MISSING_ARGUMENTS: sign_version", "missing"),
        (KYC, {"idcard_name": ""}, "MISSING_ARGUMENTS: idcard_name", "empty"),
        (COMPARE, {"uuid": None}, "MISSING_ARGUMENTS: uuid", "missing"),
        (COMPARE, {"image_ref1": b""}, "MISSING_ARGUMENTS: image_ref1", "empty"),
        (RAW, {"image": None}, "MISSING_ARGUMENTS: image", "missing"),
        (KYC, {"comparison_type": "2"}, "BAD_ARGUMENTS: comparison_type", "unlisted"),
        (KYC, {"liveness_type": "Meglive"}, "BAD_ARGUMENTS: liveness_type", "unlisted"),
        (KYC, {"idcard_number": "1" * 17}, "BAD_ARGUMENTS: idcard_number", "wrong-length"),
        (COMPARE, {"uuid": "好" * 43}, "BAD_ARGUMENTS: uuid", "too-long"),
        (KYC, {"biz_no": "a" * 129}, "BAD_ARGUMENTS: biz_no", "too-long"),
        (KYC, {"liveness_timeout": "ten"}, "BAD_ARGUMENTS: liveness_timeout", "not-a-number"),
        (KYC, {"liveness_timeout": "4"}, "BAD_ARGUMENTS: liveness_timeout", "out-of-range"),
        (KYC, {"liveness_timeout": "9" * 5000}, "BAD_ARGUMENTS: liveness_timeout", "out-of-range"),
        (KYC, {"liveness_timeout": "05"}, "BAD_ARGUMENTS: liveness_timeout", "not-a-number"),
        (KYC, {"liveness_timeout": "+5"}, "BAD_ARGUMENTS: liveness_timeout", "not-a-number"),
        (KYC, {"liveness_timeout": " 7"}, "BAD_ARGUMENTS: liveness_timeout", "not-a-number"),
        (KYC, {"liveness_timeout": "٧"}, "BAD_ARGUMENTS: liveness_timeout", "not-a-number"),
        (RAW, {"face_quality_threshold": "50.0"}, "BAD_ARGUMENTS: face_quality_threshold", "not-a-number"),
        (COMPARE, {"image_ref1": "text"}, "BAD_ARGUMENTS: image_ref1", "text-for-picture"),
        (KYC, {"verbose": "2"}, "BAD_ARGUMENTS: verbose", "unlisted"),
    ],
)
def test_flaw_is_told_with_its_parameter(base: dict[str, Any], change: dict[str, Any], error: str, cause: str) -> None:
    """Each side of each rule names the parameter at fault."""
    ((name, detail, why),) = flaws(base | change)

    assert f"{name}: {detail}" == error
    assert why == cause


@pytest.mark.parametrize("name", ["idcard_name", "idcard_number", "biz_no", "uuid"])
def test_text_that_is_not_utf_8_is_told(name: str) -> None:
    """A text in another encoding is a bad argument, by whatever rule the parameter has."""
    base = COMPARE if name == "uuid" else KYC
    parts = [part(field, value) for field, value in base.items() if field != name]
    garbled = Fields([*parts, Part(name, None, None, (), "张三".encode("gbk"))], Rulebook(CONTRACT).pictures)

    assert [(error, detail) for error, detail, _ in arguments(garbled, Rulebook(CONTRACT))] == [("BAD_ARGUMENTS", name)]


@pytest.mark.parametrize(
    "extra",
    [
        {"flash_liveness_timeout": "junk"},
        {"face_quality_threshold": "101"},
        {"eyes_close_detection": "9"},
        {"image": b"junk"},
        {"uuid": "u" * 500},
        {"unknown": "field"},
        {"biz_no": ""},
        {"liveness_timeout": ""},
    ],
)
def test_what_has_no_effect_is_ignored(extra: dict[str, Any]) -> None:
    """Parameters of another liveness or comparison type, unknown and empty ones are not judged."""
    assert flaws(KYC | extra) == []


def test_missing_comes_before_bad_and_both_in_the_order_of_the_contract() -> None:
    """Whatever the order of the fields, the contract's order decides which error is told first."""
    found = flaws(
        {"biz_no": "x" * 200, "liveness_type": "raw_image", "comparison_type": "1", "verbose": "9", "sign": "s"}
    )

    assert [detail for _, detail, _ in found] == [
        "sign_version",
        "idcard_name",
        "idcard_number",
        "image",
        "biz_no",
        "verbose",
    ]


def test_first_of_two_fields_counts() -> None:
    """A second field of the same name changes nothing."""
    parts = [part("verbose", "1"), part("verbose", "9")]

    assert Fields(parts).texts == {"verbose": "1"}


def test_rules_follow_the_contract() -> None:
    """A change of a range, a length or a list in the contract changes the rule, and nothing else has to change."""
    changed = overrides.apply(
        CONTRACT,
        {
            "parameters": {
                "liveness_timeout": {"minimum": 7},
                "uuid": {"max_bytes": 127},
                "verbose": {"values": ["0", "1", "2"]},
                "biz_no": {"required_when": {}},
            }
        },
    )

    assert flaws(KYC | {"liveness_timeout": "6", "biz_no": "1", "verbose": "2"}, changed) == [
        ("BAD_ARGUMENTS", "liveness_timeout", "out-of-range")
    ]
    assert flaws(COMPARE | {"uuid": "u" * 128}, changed) == [
        ("MISSING_ARGUMENTS", "biz_no", "missing"),
        ("BAD_ARGUMENTS", "uuid", "too-long"),
    ]
    assert flaws(COMPARE | {"uuid": "u" * 128}) == []


FINE = Look("", "JPEG", (Face(0, 0, 9, 9, 80.0),))
TWO = replace(FINE, faces=(Face(0, 0, 9, 9, 80.0), Face(9, 9, 5, 5, 10.0)))


@pytest.mark.parametrize(
    ("extra", "looks", "error"),
    [
        ({}, {"image": FINE}, None),
        ({}, {"image": TWO}, "MULTIPLE_FACES"),
        ({"fail_when_multiple_faces": "0"}, {"image": TWO}, None),
        ({"face_quality_threshold": "80"}, {"image": FINE}, None),
        ({"face_quality_threshold": "81"}, {"image": FINE}, "LOW_QUALITY"),
        ({}, {"image_ref1": TWO, "image": FINE}, None),
        ({}, {"image_ref1": Look("no-face"), "image": Look("undecodable")}, "NO_FACE_FOUND:image_ref1"),
        ({}, {"image_ref1": FINE, "image_ref2": Look("too-large"), "image": FINE}, "INVALID_IMAGE_SIZE:image_ref2"),
        ({}, {"image": Look("undecodable")}, "IMAGE_ERROR_UNSUPPORTED_FORMAT:image"),
    ],
)
def test_pictures_are_judged(extra: dict[str, Any], looks: dict[str, Look], error: str | None) -> None:
    """References are never too many or too poor; the probe is; the first picture at fault is named."""
    refusal = judged(RAW | extra, **looks)

    assert (refusal and (f"{refusal.error}:{refusal.detail}" if refusal.detail else refusal.error)) == error


def test_pictures_are_wanted_in_their_order_and_only_where_they_matter() -> None:
    """References come first and are turned; the probe comes last and is not; without raw_image it does not matter."""
    everything = {"image": b"3", "image_ref2": b"2", "image_ref1": b"1"}

    raw = rules.pictures_to_look_at(call(RAW | everything))
    still = rules.pictures_to_look_at(call(COMPARE | everything | {"multi_oriented_detection": "0"}))

    assert raw == [("image_ref1", b"1", True), ("image_ref2", b"2", True), ("image", b"3", False)]
    assert still == [("image_ref1", b"1", False), ("image_ref2", b"2", False)]


def test_every_error_that_the_rules_know_stands_in_the_contract() -> None:
    """The rules name rows and reasons; their texts and statuses stand in the contract."""
    reasons = CONTRACT.errors["AUTHORIZATION_ERROR"].reasons

    assert set(rules._STATE_REASONS.values()) <= set(reasons)
    assert set(rules._PICTURE_ERRORS.values()) <= set(CONTRACT.errors)
