"""Decide what the contract makes of a request. Pure: clock and memory are arguments.

Each function yields refusals in the order in which they count, and goes on if one is forgiven: without
faults the first ends it. Order: sign, key, permission, quota (before a slot is taken); then arguments,
missing ones before bad ones; then the pictures. What parameters may be comes from the contract alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from biztoken.mock import signature
from biztoken.mock.call import Call, Refusal
from biztoken.mock.faces import Face, Look
from biztoken.mock.fields import Fields
from biztoken.mock.keys import Key
from biztoken.mock.rulebook import Rulebook, whole
from biztoken.mock.state import State

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


def admit(call: Call, keys: Mapping[str, Key], state: State, now: float, single_use: bool) -> Iterator[Refusal]:
    """Check the sign and whether its key may make this call; fills in `call.signed` and `call.key`."""
    sign = call.fields.parts.get("sign")
    if sign is None or not sign.body:
        yield Refusal("MISSING_ARGUMENTS", "sign", "missing" if sign is None else "empty")
        return
    signed = call.signed = signature.read(sign.body)
    if signed is None:
        yield Refusal("BAD_ARGUMENTS", "sign", "undecodable")
        return
    key = call.key = keys.get(signed.api_key)
    if key is None:
        yield Refusal("AUTHENTICATION_ERROR", cause="unknown-key")
        return
    if not signature.is_genuine(signed, key.api_secret):
        yield Refusal("AUTHENTICATION_ERROR", cause="wrong-digest")
    if signed.expires == 0 and single_use:
        if not state.is_first_use(signed.digest):
            yield Refusal("AUTHORIZATION_ERROR", "INVALID_SIGN", "replayed")
    elif signature.has_expired(signed, now):
        yield Refusal("AUTHORIZATION_ERROR", "EXPIRED_SIGN", "expired")
    yield from _permissions(key, call.fields.texts.get("comparison_type"), state)


def _permissions(key: Key, comparison_type: str | None, state: State) -> Iterator[Refusal]:
    if key.state != "active":
        yield Refusal("AUTHORIZATION_ERROR", _STATE_REASONS[key.state], "state")
    if comparison_type == "0" and not key.verify:
        yield Refusal("AUTHORIZATION_ERROR", "NO_VERIFY_PERMISSION", "permission")
    if comparison_type == "1" and not key.data_source:
        yield Refusal("AUTHORIZATION_ERROR", "NO_DATA_SOURCE_PERMISSION", "permission")
    if key.quota is not None and state.calls[key.api_key] >= key.quota:
        yield Refusal("AUTHORIZATION_ERROR", "LIMIT_REACHED", "quota")


def arguments(fields: Fields, book: Rulebook) -> Iterator[Refusal]:
    """Check every parameter but sign: first whether all that are required came, then what they say."""
    parts, texts = fields.parts, fields.texts
    section = book.section(texts)
    for name in section.required:
        if not fields.is_filled(name):
            yield Refusal("MISSING_ARGUMENTS", name, "empty" if name in parts else "missing")
    flaws = section.flaws
    # Fields come in any order; nearly always there is no flaw, and then nothing has to be put in order.
    causes = {
        name: cause
        for name, part in parts.items()
        if part.body and name in flaws and (cause := flaws[name](part, texts.get(name)))
    }
    for name in flaws if causes else ():
        if name in causes:
            yield Refusal("BAD_ARGUMENTS", name, causes[name])


class Wanted(NamedTuple):
    """A picture that matters; `turn`: whether to turn it if no face is found."""

    name: str
    data: bytes
    turn: bool


def pictures_to_look_at(fields: Fields, book: Rulebook) -> list[Wanted]:
    """The pictures that matter: references first, then the probe, which is never turned."""
    wanted = [name for name in book.section(fields.texts).pictures if fields.is_filled(name)]
    if not wanted:
        return []
    turn = fields.value("multi_oriented_detection", book.contract.parameters) == "1"
    return [Wanted(name, fields.parts[name].body, turn and not book.pictures[name]) for name in wanted]


def pictures(call: Call) -> Iterator[Refusal]:
    """Check what was seen in the pictures, in the order of `call.looks`; fills in `call.threshold`."""
    parameters = call.contract.parameters
    for name, look in call.looks.items():
        is_probe = call.book.pictures[name]
        if is_probe:
            # A threshold that is no number was forgiven by a fault, and refuses nothing.
            call.threshold = whole(call.fields.value("face_quality_threshold", parameters)) or 0
        if look.problem:
            yield Refusal(_PICTURE_ERRORS[look.problem], name, look.problem)
        elif is_probe:
            yield from _probe(call, look)


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
