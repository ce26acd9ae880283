"""Answers: made from the contract's error table, changed by faults, written as HTTP."""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from json.encoder import encode_basestring_ascii as _quoted
from typing import Any

from biztoken import __version__
from biztoken.contract import Contract
from biztoken.mock.call import Call, Refusal

Headers = list[tuple[bytes, bytes]]

MARK = (b"x-biztoken-mock", __version__.encode())
_JSON = b"application/json"
_TEXT = b"text/plain; charset=utf-8"
_FALLBACK_STATUS = 400
LAYOUTS = ("indented", "reversed")
# Values of `set` and `detail` that stand for others: a fresh id, what was told last, the detail that was decided.
UNIQUE, PREVIOUS, _DETAIL = "{unique}", "{previous}", "{detail}"
# What YAML can say and JSON cannot, such as a date, comes from a fault; it is told as text.
_UUID4_BITS = 0x4000_8000_0000_0000_0000
_UUID4_MASK = ~0xF000_C000_0000_0000_0000 & 2**128 - 1
_bits = random.Random(os.urandom(32)).getrandbits
_ID = "%d,mock-%032x"  # second, random bits
_whole = json.JSONEncoder(default=str).encode


@dataclass(slots=True)
class Answer:
    """What is about to be sent. `payload` is told as JSON, unless `text` is to be sent instead of it."""

    status: int
    payload: dict[str, Any] = field(default_factory=dict)
    text: str | None = None
    media_type: bytes = _JSON

    def encode(self, layout: Collection[str] = (), *, chunked: bool = False) -> tuple[Headers, bytes]:
        """Headers and body. Without a length the server sends it in chunks."""
        body = (_laid_out(self.payload, layout) if self.text is None else self.text).encode()
        length = [] if chunked else [(b"content-length", b"%d" % len(body))]
        return [(b"content-type", self.media_type), *length, MARK], body


def success(now: float, faces: list[dict[str, Any]] | None) -> Answer:
    """The answer to a request with which all is well."""
    payload = _accepted(_unique(now), 0, _unique(now))
    if faces is not None:
        payload["faces"] = faces
    return Answer(200, payload)


def _accepted(request_id: str, time_used: int, biz_token: str) -> dict[str, Any]:
    return {"request_id": request_id, "time_used": time_used, "biz_token": biz_token}


def plain_success(now: float, time_used: int) -> tuple[int, Headers, bytes]:
    """Status, headers and body of `success` without faces, which is nearly all that a load is answered."""
    second = int(now)
    body = _PLAIN % (second, _random(), time_used, second, _random())
    return 200, [(b"content-type", _JSON), (b"content-length", b"%d" % len(body)), MARK], body


def refusal(contract: Contract, why: Refusal, now: float, faces: list[dict[str, Any]] | None = None) -> Answer:
    """The answer to a request that breaks a rule."""
    row = contract.errors.get(why.error)
    if row is not None and row.body == "text":
        return Answer(row.status, text=told(contract, why), media_type=_TEXT)
    payload: dict[str, Any] = {"request_id": _unique(now), "time_used": 0, "error": told(contract, why)}
    if faces is not None:
        payload["faces"] = faces
    return Answer(_FALLBACK_STATUS if row is None else row.status, payload)


def told(contract: Contract, why: Refusal) -> str:
    """An error as the contract prints it; one that it does not know as `NAME: detail`."""
    row = contract.errors.get(why.error)
    if not why.detail:
        return re.sub(r"\s*:\s*$", "", row.told()) if row is not None else why.error
    if row is None or "{detail}" not in row.text:
        return f"{why.error}: {why.detail}"
    return row.told(why.detail)


def change(answer: Answer, changes: Mapping[str, Any], call: Call, told: Mapping[str, Any], now: float) -> Answer:
    """The answer as a fault wants it: another error first, then single fields, then the whole body.

    `told`: the last value of each field, for those that are to be told again.
    """
    why = call.refusal
    if "error" in changes or "detail" in changes:
        name = changes.get("error", why.error if why else "")
        kept = why.detail if why and name == why.error else ""
        detail = changes.get("detail", kept).replace(_DETAIL, why.detail if why else "")
        other = refusal(call.contract, Refusal(name, detail), now, answer.payload.get("faces"))
        answer = other if name else answer
    answer.status = changes.get("status", answer.status)
    dropped = changes.get("drop", ())
    for name in [dropped] if isinstance(dropped, str) else dropped:
        answer.payload.pop(name, None)
    for name, value in changes.get("set", {}).items():
        answer.payload[name] = _unique(now) if value == UNIQUE else told.get(name) if value == PREVIOUS else value
    if "colon" in changes and isinstance(answer.payload.get("error"), str):
        answer.payload["error"] = re.sub(r"\s*:\s*", changes["colon"], answer.payload["error"], count=1)
    answer.text = changes.get("body", answer.text)
    if "content_type" in changes:
        answer.media_type = changes["content_type"].encode("latin-1", "replace")
    return answer


def _laid_out(payload: Mapping[str, Any], layout: Collection[str]) -> str:
    """The payload as JSON; it says the same in every layout."""
    if "reversed" in layout:
        payload = dict(reversed(list(payload.items())))
    return json.dumps(payload, default=str, indent=2) if "indented" in layout else _encode(payload)


def _encode(payload: Mapping[str, Any]) -> str:
    """The payload as JSON; in half the time where it holds nothing but texts and whole numbers, as nearly all do."""
    pieces = []
    for name, value in payload.items():
        kind = type(value)
        if type(name) is not str or (kind is not str and kind is not int):
            return _whole(payload)
        pieces.append(f"{_quoted(name)}: {_quoted(value) if kind is str else value}")
    return "{" + ", ".join(pieces) + "}"


def _unique(now: float) -> str:
    """An id of the published shape, that nobody takes for one of the real endpoint."""
    return _ID % (int(now), _random())


def _random() -> int:
    """128 bits as uuid4 makes them, in a quarter of the time: every answer needs two."""
    return _bits(128) & _UUID4_MASK | _UUID4_BITS


_PLAIN = _encode(_accepted(_ID, -1, _ID)).replace("-1", "%d").encode()
