"""Requests as bytes on the wire, for the tests of lint: a sound one, and what is easily changed in it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from biztoken import contract
from biztoken.lint import Advice, lint
from biztoken.people import make_person
from biztoken.pictures import Pictures
from biztoken.received import Received, read_received

CONTRACT = contract.load()
NOW = 1_764_000_000
API_KEY, SECRET = "key-of-tests", "secret-of-tests-0123456789"
KEYS = {API_KEY: SECRET, "other-key": "other-secret-of-tests"}
PATH = CONTRACT.path
PERSON = make_person(1)
FACE = Pictures().get("face").data
BOUNDARY = "boundary-of-tests"
LINE = b"\r\n"


def sign_of(text: str, secret: str = SECRET) -> str:
    """A sign, made here by the vendor's page alone."""
    digest = hmac.new(secret.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest + text.encode()).decode()


def text_of(key: str = API_KEY, expires: Any = NOW + 600, made: Any = NOW, random: str = "0799687066") -> str:
    """What is signed."""
    return f"a={key}&b={expires}&c={made}&d={random}"


SIGN = sign_of(text_of())
KYC: Mapping[str, str] = {
    "sign": SIGN,
    "sign_version": "hmac_sha1",
    "liveness_type": "meglive",
    "comparison_type": "1",
    "idcard_name": PERSON.name,
    "idcard_number": PERSON.number,
}
COMPARE: Mapping[str, Any] = {
    "sign": SIGN,
    "sign_version": "hmac_sha1",
    "liveness_type": "still",
    "comparison_type": "0",
    "uuid": "user-1",
    "image_ref1": FACE,
}


def part(name: str, value: str | bytes, *, filename: str | None = None, headers: str = "") -> bytes:
    """One part; bytes get a filename of their own, "" for none."""
    if isinstance(value, bytes) and filename is None:
        filename = "face.jpg"
    told = f'; filename="{filename}"' if filename else ""
    head = f'Content-Disposition: form-data; name="{name}"{told}\r\n{headers}'
    return head.encode() + LINE + (value.encode() if isinstance(value, str) else value)


def body_of(parts: list[bytes], boundary: str = BOUNDARY) -> bytes:
    """The form of these parts."""
    marker = b"--" + boundary.encode()
    return b"".join(marker + LINE + each + LINE for each in parts) + marker + b"--" + LINE


def parts_of(fields: Mapping[str, Any], *more: bytes) -> list[bytes]:
    """A part for each field, and some more."""
    return [*(part(name, value) for name, value in fields.items()), *more]


def request(
    body: bytes, content_type: str | None = f"multipart/form-data; boundary={BOUNDARY}", **how: Any
) -> Received:
    """The request as it is received. `method`, `target`, `headers`: another one, more headers."""
    lines = [f"{how.get('method', 'POST')} {how.get('target', PATH)} HTTP/1.1", "Host: 127.0.0.1:8080"]
    lines += [f"Content-Type: {content_type}"] if content_type else []
    lines += [f"Content-Length: {how.get('length', len(body))}", *how.get("headers", ())]
    return read_received("\r\n".join(lines).encode() + b"\r\n\r\n" + body, "request")


def form(fields: Mapping[str, Any], *more: bytes, **how: Any) -> Received:
    """A multipart request with these fields."""
    return request(body_of(parts_of(fields, *more)), **how)


def linted(received: Received, **how: Any) -> list[Advice]:
    """The findings with keys and time."""
    return lint(received, CONTRACT, **({"keys": KEYS, "now": NOW} | how))


def ids(received: Received, **how: Any) -> set[str]:
    """The ids above advice."""
    return {advice.id for advice in linted(received, **how) if advice.counts}
