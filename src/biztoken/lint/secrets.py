"""The api_secret, or what is named so, anywhere in a request. What is found is told by its place, never by itself."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from biztoken.lint.advice import Remark, shown
from biztoken.lint.request import Request, unescaped
from biztoken.lint.signature import Keys
from biztoken.received import Received

_SHORTEST = 6  # characters; a shorter secret would be found where it is not
_NAMED = re.compile(
    r"(?:api|app|faceid|client|megvii|account|access)?_?-?(?:key)?_?-?secret(?:_?-?key)?", re.IGNORECASE
)
_HEX = re.compile(rb"[0-9A-Fa-f]{12,}")
_TOKEN = re.compile(rb"[A-Za-z0-9+/_-]{8,}={0,2}")


def find_secrets(received: Received, request: Request, keys: Keys) -> Iterator[Remark]:
    """Told once for each place: a field, a header, the query."""
    secrets = [secret.encode("utf-8", "surrogatepass") for secret in keys.values() if len(secret) >= _SHORTEST]
    for place, name, value in _places(received, request):
        is_named = bool(value.strip()) and bool(_NAMED.fullmatch(name.removeprefix("X-").removeprefix("x-")))
        if is_named or any(secret in spelling for secret in secrets for spelling in _spellings(value)):
            yield Remark("secret-on-the-wire", shown(name) or None, place)
    if not any(field.value for field in request.fields) and any(secret in received.body for secret in secrets):
        yield Remark("secret-on-the-wire", None, "body")


def _places(received: Received, request: Request) -> Iterator[tuple[str, str, bytes]]:
    """(kind of place, name, value) of everything that a request says."""
    path, _, query = received.target.encode("utf-8", "surrogateescape").partition(b"?")
    yield "target", "", path
    for pair in query.split(b"&"):
        asked, _, value = pair.partition(b"=")
        yield "target", unquote_to_bytes(asked).decode("utf-8", "replace"), value
    for name, header in received.headers:
        yield "header", name, header.encode("utf-8", "surrogateescape")
    for field in request.fields:
        if field.origin != "query":
            yield "field", field.name, field.value
            yield "field", field.name, field.name.encode()
            yield "field", field.name, (field.filename or "").encode("utf-8", "surrogateescape")


def _spellings(value: bytes) -> Iterator[bytes]:
    """A value as it is, without percent escapes, and what its base64 or hexadecimal holds."""
    yield value
    if b"%" in value:
        yield unescaped(value)
    if len(value) < 8192:
        for digits in _HEX.findall(value):
            yield binascii.unhexlify(digits[: len(digits) // 2 * 2])
        for token in _TOKEN.findall(value):
            try:
                yield base64.b64decode(token.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/")) + b"==")
            except (binascii.Error, ValueError):
                continue
