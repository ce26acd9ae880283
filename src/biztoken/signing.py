"""Make signatures, sound ones and, for the cases, spoilt ones.

Source: FaceID's page on App authentication. sign = base64(hmac_sha1(secret, raw) + raw),
raw = "a=KEY&b=EXPIRE&c=NOW&d=RANDOM"; times are whole seconds since the Unix epoch.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import _Hash as HASH

VALIDITY = 600  # seconds; long enough for a slow upload, far below the 24 hours a client is warned about
AGE = 3_600  # seconds since an expired sign expired: far more than any clock skew that a target may grant


class Secret:
    """A text that cannot print by accident."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "Secret(…)"

    def reveal(self) -> str:
        """The text itself, for the one place that needs it."""
        return self._text


@dataclass(frozen=True, slots=True)
class Key:
    """An api_key and its secret."""

    api_key: str
    api_secret: Secret


def raw_text(api_key: str, expire: int, now: int, random: str) -> str:
    """The text that is signed. `random` is a string of at most ten digits, never a number."""
    return f"a={api_key}&b={expire}&c={now}&d={random}"


def sign_text(raw: str, secret: Secret) -> str:
    """Sign a text: standard base64 of the 20 digest bytes followed by the text."""
    # The digest comes first and is always 20 bytes, so the text after it needs no separator.
    return _encode(_digest(raw, secret), raw)


def _digest(raw: str, secret: Secret) -> bytes:
    return hmac.new(secret.reveal().encode(), raw.encode(), hashlib.sha1).digest()


def halves_of_hmac(secret: Secret) -> tuple[HASH, HASH]:
    """HMAC-SHA1 (RFC 2104) as two hashes: the digest of the first, with the text, goes to the second.

    For whom signs thousands of texts a second that begin alike: a copy of a hash costs less than one of an HMAC.
    """
    sha1 = partial(hashlib.sha1, usedforsecurity=False)  # the vendor's choice; refused nowhere
    key = secret.reveal().encode()
    block = (key if len(key) <= 64 else sha1(key).digest()).ljust(64, b"\0")
    return sha1(bytes(byte ^ 0x36 for byte in block)), sha1(bytes(byte ^ 0x5C for byte in block))


def _encode(digest: bytes, raw: str) -> str:
    return base64.b64encode(digest + raw.encode()).decode()


def new_random(rng: Random) -> str:
    """Ten random digits, leading zeros kept."""
    return f"{rng.randrange(10**10):010d}"


def make_sign(key: Key, *, now: int, rng: Random, how: Mapping[str, str] | None = None) -> str:
    """A sign made at `now`. `how` is the case's `sign`: {} is sound.

    expire: "single-use" (0), "expired", "long-expired", "equal" or "far"; random: the digits themselves;
    contains: characters that the base64 text must contain; spoil: a name in SPOILS. What is not asked
    for is tame: no + or /, no leading zero, so that a target that trips over these breaks their cases only.
    """
    how = how or {}
    age = {"expired": AGE, "long-expired": 30 * 86_400}.get(how.get("expire", ""), 0)
    current = now - 2 * age
    wanted = how.get("contains", "")
    for attempt in range(5_000):  # each has both + and / with a chance of about one in ten
        # Where the random part is given, the next attempt needs another digest all the same.
        made = current - attempt if "random" in how else current
        expire = {"single-use": 0, "equal": made, "far": now + 400 * 86_400}.get(
            how.get("expire", ""), now - age if age else now + VALIDITY
        )
        raw = raw_text(key.api_key, expire, made, how.get("random") or new_random(rng))
        sign = sign_text(raw, key.api_secret)
        is_tame = not ({"+", "/"} & set(sign)) and ("random" in how or "d=0" not in raw)
        if all(char in sign for char in wanted) if wanted else is_tame:
            break
    return SPOILS[how["spoil"]](key, raw) if "spoil" in how else sign


def _flip(position: int) -> Callable[[Key, str], str]:
    def spoil(key: Key, raw: str) -> str:
        digest = bytearray(_digest(raw, key.api_secret))
        digest[position] ^= 1
        return _encode(bytes(digest), raw)

    return spoil


def _wrong_secret(key: Key, raw: str) -> str:
    return sign_text(raw, Secret(key.api_secret.reveal()[::-1] + "x"))


def _other_text(key: Key, raw: str) -> str:
    """The digest of one text before another: the last digit differs."""
    other = raw[:-1] + ("1" if raw[-1] == "0" else "0")
    return _encode(_digest(raw, key.api_secret), other)


def _later_expiry(key: Key, raw: str) -> str:
    """The digest of an earlier expiry before a text that claims a later one."""
    expire = int(raw.split("&b=")[1].split("&", maxsplit=1)[0])
    return _encode(_digest(raw, key.api_secret), raw.replace(f"&b={expire}&", f"&b={expire + 60}&"))


def _unknown_key(key: Key, raw: str) -> str:
    told, unknown = f"a={key.api_key}&", f"a=no-such-key-{key.api_key[::-1][:12]}&"
    return sign_text(raw.replace(told, unknown, 1), key.api_secret)


SPOILS: Mapping[str, Callable[[Key, str], str]] = {
    "digest-first-byte": _flip(0),
    "digest-middle-byte": _flip(10),
    "digest-last-byte": _flip(-1),
    "digest-zero": lambda _key, raw: _encode(bytes(20), raw),
    "digest-of-other-text": _other_text,
    "expiry-moved": _later_expiry,
    "wrong-secret": _wrong_secret,
    "unknown-key": _unknown_key,
    "not-base64": lambda _key, _raw: "this is no signature!",
    "short": lambda _key, _raw: base64.b64encode(b"short").decode(),
    "no-text": lambda _key, _raw: base64.b64encode(bytes(20)).decode(),
    "not-utf8": lambda _key, _raw: base64.b64encode(b"\xff" * 40).decode(),
    "url-safe": lambda key, raw: sign_text(raw, key.api_secret).replace("+", "-").replace("/", "_"),
}
