"""Decide what the contract makes of a request. Pure: clock and memory are arguments.

Each function is a step and yields refusals in the order in which they count; it goes on if one is forgiven:
without faults the first ends it. What parameters may be comes from the contract alone.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from enum import Enum
from typing import Any, NamedTuple

from biztoken.mock import signature
from biztoken.mock.call import Call, Refusal
from biztoken.mock.faces import Face, Look
from biztoken.mock.fields import Fields
from biztoken.mock.keys import Key
from biztoken.mock.rulebook import Section, whole
from biztoken.mock.state import State

# The contract states no order. Here permissions and quota come before a slot is taken, which is held for the rest.
STEPS = ("sign", "permission", "slot", "missing", "values", "pictures")
# Parts of the sign and of the pictures; steps of their own where an order names them, as that of a recorded run may.
PARTS = ("expired", "faces")
_STATE_REASONS = {
    "discontinued": "API_KEY_BE_DISCONTINUED",
    "denied": "DENIED",
    "ip_not_allowed": "IP_NOT_ALLOWED",
    "retries_exhausted": "MORE_RETRY_TIMES",
}
_PICTURE_ERRORS = {
    "undecodable": "IMAGE_ERROR_UNSUPPORTED_FORMAT",
    "too-large": "INVALID_IMAGE_SIZE",
    "no-face": "NO_FACE_FOUND",
}


_LONGEST_PASSED = 128  # bytes of a value that is remembered as one without a flaw

# What is wrong with a picture itself, before anyone looks for a face.
SPOILT = ("undecodable", "too-large")


class SingleUse(Enum):
    """Which signs work once: none, those with expiry time 0, or every one."""

    NONE = "none"
    MARKED = "marked"
    EVERY = "every"


def look_up(call: Call, keys: Mapping[str, Key]) -> None:
    """Fill in `call.signed` and `call.key`, whatever the sign is worth; where it cannot be read they stay None."""
    sign = call.fields.parts.get("sign")
    if call.signed is None and sign is not None and sign.body:
        call.signed = signature.read(sign.body)
    if call.signed is not None:
        call.key = keys.get(call.signed.api_key)


def sign(call: Call, keys: Mapping[str, Key], state: State, single_use: SingleUse) -> Iterator[Refusal]:
    """Check the sign, but for its expiry; fills in `call.signed` and `call.key`."""
    sign = call.fields.parts.get("sign")
    if sign is None or not sign.body:
        yield Refusal("MISSING_ARGUMENTS", "sign", "missing" if sign is None else "empty")
        return
    look_up(call, keys)
    signed, key = call.signed, call.key
    if signed is None:
        yield Refusal("BAD_ARGUMENTS", "sign", "undecodable")
        return
    if key is None:
        yield Refusal("AUTHENTICATION_ERROR", cause="unknown-key")
        return
    if not signature.is_genuine(signed, key.api_secret):
        is_of_another = any(signature.is_genuine(signed, other.api_secret) for other in keys.values())
        yield Refusal("AUTHENTICATION_ERROR", cause="other-secret" if is_of_another else "wrong-digest")
    is_single = single_use is SingleUse.EVERY or (signed.expires == 0 and single_use is SingleUse.MARKED)
    if is_single and not state.is_first_use(signed.digest):
        yield Refusal("AUTHORIZATION_ERROR", "INVALID_SIGN", "replayed")


def expired(call: Call, now: float, single_use: SingleUse) -> Iterator[Refusal]:
    """Check whether the sign of a known key is over."""
    signed = call.signed
    if signed is None or call.key is None or (signed.expires == 0 and single_use is not SingleUse.NONE):
        return
    if signature.has_expired(signed, now):
        yield Refusal("AUTHORIZATION_ERROR", "EXPIRED_SIGN", "expired")


def permission(call: Call, state: State) -> Iterator[Refusal]:
    """Check whether the key may make this call, and has calls left."""
    key, comparison_type = call.key, call.fields.texts.get("comparison_type")
    if key is None:
        return
    if key.state != "active":
        yield Refusal("AUTHORIZATION_ERROR", _STATE_REASONS[key.state], "state")
    if comparison_type == "0" and not key.verify:
        yield Refusal("AUTHORIZATION_ERROR", "NO_VERIFY_PERMISSION", "permission")
    if comparison_type == "1" and not key.data_source:
        yield Refusal("AUTHORIZATION_ERROR", "NO_DATA_SOURCE_PERMISSION", "permission")
    if key.quota is not None and state.calls[key.api_key] >= key.quota:
        yield Refusal("AUTHORIZATION_ERROR", "LIMIT_REACHED", "quota")


def missing(fields: Fields, section: Section) -> Iterator[Refusal]:
    """Check that every parameter came that is required, but for the sign."""
    parts = fields.parts
    for name in section.required:
        part = parts.get(name)
        if part is None or not part.body:
            yield Refusal("MISSING_ARGUMENTS", name, "missing" if part is None else "empty")


def values(fields: Fields, section: Section) -> Iterator[Refusal]:
    """Check what every parameter says that came."""
    texts, flaws, passed = fields.texts, section.flaws, section.passed
    # Fields come in any order; nearly always there is no flaw, and then nothing has to be put in order.
    causes: dict[str, str] = {}
    for name, part in fields.parts.items():
        if passed.get(name) is part:
            continue
        flaw = flaws.get(name)
        if flaw is None or not part.body:
            continue
        if cause := flaw(part, texts.get(name)):
            causes[name] = cause
        elif len(part.body) <= _LONGEST_PASSED:
            passed[name] = part
    for name in flaws if causes else ():
        if name in causes:
            yield Refusal("BAD_ARGUMENTS", name, causes[name])


class Wanted(NamedTuple):
    """A picture that matters; `turn`: whether to turn it if no face is found."""

    name: str
    data: bytes
    turn: bool


def pictures_to_look_at(call: Call, turned: Container[str] = ()) -> list[Wanted]:
    """The pictures that matter: references first, then the probe, which is turned only if it is in `turned`."""
    fields, is_probe = call.fields, call.book.pictures
    wanted = [name for name in call.section.pictures if fields.is_filled(name)]
    if not wanted:
        return []
    turn = fields.value("multi_oriented_detection", call.contract.parameters) == "1"
    return [Wanted(name, fields.parts[name].body, (turn and not is_probe[name]) or name in turned) for name in wanted]


def pictures(call: Call) -> Iterator[Refusal]:
    """Check what was seen in the pictures, in the order of `call.looks`; fills in `call.threshold`."""
    for name, look in call.looks.items():
        is_probe = call.book.pictures[name]
        if is_probe:
            call.threshold = _threshold(call)
        if look.problem:
            yield Refusal(_PICTURE_ERRORS[look.problem], name, look.problem)
        elif is_probe:
            yield from _probe(call, look)


def _threshold(call: Call) -> int:
    """The least quality asked for; 0 for a value that is not legal: a fault forgave it, or it is judged later."""
    name = "face_quality_threshold"
    part, text = call.fields.parts.get(name), call.fields.value(name, call.contract.parameters)
    flaw = call.section.flaws.get(name)
    is_legal = part is None or not part.body or flaw is None or not flaw(part, text)
    return (whole(text) or 0) if is_legal else 0


def _probe(call: Call, look: Look) -> Iterator[Refusal]:
    several_fail = call.fields.value("fail_when_multiple_faces", call.contract.parameters) == "1"
    if several_fail and len(look.faces) > 1:
        yield Refusal("MULTIPLE_FACES", cause="several-faces")
    if call.threshold is not None and look.faces[0].quality < call.threshold:
        yield Refusal("LOW_QUALITY", cause="below-threshold")


def faces_to_tell(call: Call) -> list[dict[str, Any]] | None:
    """The faces of the probe for the reply; None unless they were asked for and the probe decided the answer."""
    if call.threshold is None or call.fields.value("return_faces", call.contract.parameters) != "1":
        return None
    refusal = call.refusal
    if refusal is not None and refusal.cause not in ("below-threshold", "several-faces", "no-face"):
        return None
    probe = next((look for name, look in call.looks.items() if call.book.pictures[name]), None)
    return None if probe is None else [_told(face, call.threshold) for face in probe.faces]


def _told(face: Face, threshold: int) -> dict[str, Any]:
    """A face in the nearest shape that is published, since that of this endpoint is not."""
    rect = {"left": face.left, "top": face.top, "width": face.width, "height": face.height}
    return {"quality": face.quality, "quality_threshold": threshold, "rect": rect, "orientation": 0}
