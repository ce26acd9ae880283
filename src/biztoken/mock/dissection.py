"""A sign taken apart for people: its four fields, its times, and whether the digest is right. Never the digest."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from biztoken.mock import signature
from biztoken.mock.keys import Key

_TEXT = re.compile(rb"a=([^&]*)&b=([^&]*)&c=([^&]*)&d=([^&]*)\Z", re.DOTALL)
_NAMES = ("a", "b", "c", "d")
_LONGEST = 100  # characters of a field
_LONGEST_SIGN = 16_384  # bytes; nothing is made out in what is longer
_LATEST = 253_402_300_799  # the last second of the year 9999
VALID, EXPIRED, SINGLE_USE, NEVER = "valid", "expired", "single-use", "never-valid"


def dissect(sign: bytes, keys: Mapping[str, Key], now: float) -> dict[str, Any]:
    """What a sign says, at the time `now`.

    `is_readable`: whether an endpoint can read it. `fields`: a, b, c, d as they stand there, as far as they can be
    made out even where it is not. `made`, `expires`: ISO 8601; `seconds`: between the two. `key`: `known` or
    `unknown`. `digest`: `right`, `wrong`, `of-another-key` or `unknown`, since only a known key tells.
    """
    signed = signature.read(sign)
    fields = _fields(sign) if len(sign) <= _LONGEST_SIGN else {}
    record: dict[str, Any] = {
        "characters": len(sign),
        "is_readable": signed is not None,
        "fields": fields,
        "made": _moment(fields.get("c")),
        "expires": _moment(fields.get("b")),
        "seconds": None,
        "key": None,
        "digest": "unknown",
        "state": None,
    }
    if signed is None:
        return record
    key = keys.get(signed.api_key)
    return record | {
        "seconds": signed.expires - signed.made if signed.expires else None,
        "key": "known" if key else "unknown",
        "digest": _digest(signed, key, keys),
        "state": _state(signed, now),
    }


def _digest(signed: signature.Signed, key: Key | None, keys: Mapping[str, Key]) -> str:
    if key is not None and signature.is_genuine(signed, key.api_secret):
        return "right"
    if any(signature.is_genuine(signed, other.api_secret) for other in keys.values()):
        return "of-another-key"
    return "wrong" if key else "unknown"


def _state(signed: signature.Signed, now: float) -> str:
    if signed.expires == 0:
        return SINGLE_USE
    if signed.expires <= signed.made:
        return NEVER
    return EXPIRED if signed.expires <= now else VALID


def _fields(sign: bytes) -> dict[str, str]:
    """The fields, by an eye that forgives blanks, line breaks, missing padding and the other alphabet."""
    plain = re.sub(rb"[\s=]", b"", sign.replace(b" ", b"+")).translate(bytes.maketrans(b"-_", b"+/"))
    try:
        raw = base64.b64decode(plain + b"=" * (-len(plain) % 4))
    except binascii.Error:
        return {}
    match = _TEXT.search(raw)
    if match is None:
        return {}
    return {
        name: value.decode("utf-8", "replace")[:_LONGEST] for name, value in zip(_NAMES, match.groups(), strict=True)
    }


def _moment(text: str | None) -> str | None:
    if text is None or not re.fullmatch("[0-9]{1,12}", text) or not 0 < int(text) <= _LATEST:
        return None
    return datetime.fromtimestamp(int(text), UTC).isoformat().replace("+00:00", "Z")
