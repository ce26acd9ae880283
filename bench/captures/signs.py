"""Signs of the demo keys, sound and with one mistake each."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable
from hashlib import sha1
from urllib.parse import quote

KEY, SECRET = "demo-active", "demo-secret-of-active"
HOUR, DAY = 3600, 86_400


def text(at: int, *, key: str = KEY, life: int = HOUR, random: str = "0799687066") -> str:
    """What is signed."""
    return f"a={key}&b={at + life}&c={at}&d={random}"


def digest(signed: str, secret: str = SECRET) -> bytes:
    """The 20 bytes before it."""
    return hmac.new(secret.encode(), signed.encode(), sha1).digest()


def join(signed: str, secret: str = SECRET) -> str:
    """The sign of a text."""
    return base64.b64encode(digest(signed, secret) + signed.encode()).decode()


def sound(at: int) -> str:
    """A sign that lasts an hour."""
    return join(text(at))


def with_characters(wanted: str, at: int) -> str:
    """A sound sign in which all these characters of base64 occur."""
    numbers = (f"{number:010d}" for number in range(10_000))
    signs = (join(text(at, random=number)) for number in numbers)
    return next(sign for sign in signs if all(character in sign for character in wanted))


def _hex(at: int) -> str:
    return base64.b64encode(digest(text(at)).hex().encode() + text(at).encode()).decode()


def _mangled(at: int) -> str:
    # The digest went through a string in which every byte became a character, and was written out as UTF-8.
    return base64.b64encode(digest(text(at)).decode("latin-1").encode() + text(at).encode()).decode()


def _wrapped(at: int) -> str:
    return base64.encodebytes(digest(text(at)) + text(at).encode()).decode()


MISTAKES: dict[str, Callable[[int], str]] = {
    "sign-not-base64": lambda at: digest(text(at)).hex() + "&" + text(at),
    "sign-urlsafe-base64": lambda at: with_characters("+/", at).replace("+", "-").replace("/", "_"),
    "sign-base64-wrapped": _wrapped,
    "double-encoded-sign": lambda at: quote(with_characters("+/", at), safe=""),
    "sign-plus-lost": lambda at: with_characters("+", at).replace("+", " "),
    "sign-digest-hex": _hex,
    "sign-digest-mangled": _mangled,
    "sign-wrong-secret": lambda at: join(text(at), "demo-secret-of-denied-by-mistake"),
    "sign-unknown-key": lambda at: join(text(at, key="demo-of-another-region")),
    "sign-milliseconds": lambda at: join(text(at * 1000, life=HOUR * 1000)),
    "sign-expired": lambda at: join(text(at - 2 * HOUR)),
    "sign-expired-by-design": lambda at: join(text(at, life=0)),
    "sign-clock-shift": lambda at: join(text(at + 8 * HOUR)),  # local time of China taken for UTC
    "sign-validity-too-long": lambda at: join(text(at, life=365 * DAY)),
    "sign-text-form": lambda at: join(f"a={KEY}&c={at}&b={at + HOUR}&d=0799687066"),
    "sign-random-form": lambda at: join(text(at, random="5f2b9c1e77")),
    "sign-random-too-long": lambda at: join(text(at, random="0799687066123")),
}
