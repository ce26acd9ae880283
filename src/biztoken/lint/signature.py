"""Judge a sign: its parts, its times, and where the secret is known its digest."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from biztoken.lint.advice import Remark, shown
from biztoken.lint.signs import DIGEST_BYTES, Sign, take_apart
from biztoken.lint.suspects import is_genuine, suspect

Keys = Mapping[str, str]  # api_key to api_secret

# The vendor publishes neither a longest validity nor a clock skew; from these on a client is warned.
LONGEST_VALIDITY = 24 * 3600
SKEW = 120
_RANDOM_DIGITS = 10  # of the random part, by the page on signatures
_FIRST_MILLISECONDS = 10**11  # as seconds a time in the year 5138, as milliseconds one in 1973
_FIRST_SECONDS = 10**8  # before it, in 1973, a number is a duration and no time
_CHINA = 8 * 3600
_NO_KEYS = ("", "null", "none", "undefined", "nil")  # what languages print for nothing
# What stands in examples until somebody puts a key there.
_PLACEHOLDER = re.compile(r"<.*>|\$?\{.*\}|%.*%|\$\w+|x{3,}|your[-_]?\w*|api[-_]?key", re.IGNORECASE)
_NO_PART_OF_A_KEY = re.compile(r"[\s'\"\x00-\x1f\x7f\u200b-\u200f\u2060\ufeff]")


def judge_sign(value: bytes, keys: Keys | None = None, now: float | None = None) -> list[Remark]:
    """What is wrong with a sign. The digest is not judged without `keys`, the expiry not without `now`."""
    return judge(take_apart(value), keys, now)


def judge(sign: Sign, keys: Keys | None, now: float | None) -> list[Remark]:
    """As judge_sign, for a sign that was taken apart already."""
    remarks = [*sign.remarks, *_random(sign), *_times(sign, now)]
    if sign.key is None:
        return remarks
    odd = _odd_key(sign.key)
    if odd:
        remarks.append(Remark("sign-unknown-key", "sign", odd, {"key": shown(sign.key)}))
    if keys is not None and (sign.key in keys or not odd):
        remarks += _digest(sign, sign.key, keys, {remark.id for remark in remarks})
    return remarks


def _odd_key(key: str) -> str | None:
    """What shows, whoever's key it may be, that it is none; None where nothing does."""
    if key.strip().lower() in _NO_KEYS:
        return "none"
    if _NO_PART_OF_A_KEY.search(key):
        return "blanks"
    return "placeholder" if _PLACEHOLDER.fullmatch(key) else None


def _random(sign: Sign) -> Iterator[Remark]:
    if sign.random is None:
        return
    if len(sign.random) > _RANDOM_DIGITS:
        values = {"length": len(sign.random), "most": _RANDOM_DIGITS}
        yield Remark("sign-random-too-long", "sign", None, values)
    elif not (sign.random.isascii() and sign.random.isdigit()):
        yield Remark("sign-random-form", "sign", None, {"random": shown(sign.random), "most": _RANDOM_DIGITS})


def _times(sign: Sign, now: float | None) -> Iterator[Remark]:
    if sign.expires is None or sign.made is None:
        return
    written = (sign.expires, sign.made)
    if not all(text.isascii() and text.isdigit() and len(text) <= 20 for text in written):
        is_fraction = all(text.replace(".", "", 1).isascii() and text.replace(".", "", 1).isdigit() for text in written)
        variant = "fraction" if is_fraction else "times"
        yield Remark("sign-text-form", "sign", variant, {"expires": shown(sign.expires), "made": shown(sign.made)})
        return
    expires, made = int(sign.expires), int(sign.made)
    values = {"expires": expires, "made": made}
    if max(expires, made) >= _FIRST_MILLISECONDS:
        yield Remark("sign-milliseconds", "sign", None, values)
        return
    if expires and expires <= made:
        how = "duration" if expires < _FIRST_SECONDS else None if expires == made else "before"
        yield Remark("sign-expired-by-design", "sign", how, values)
    elif expires - made > LONGEST_VALIDITY:
        yield Remark("sign-validity-too-long", "sign", None, {"hours": (expires - made) // 3600})
    elif now is not None and 0 < expires <= now:
        yield Remark("sign-expired", "sign", None, {"ago": _span(now - expires)})
    if now is not None:
        yield from _clock(made, expires, now)


def _clock(made: int, expires: int, now: float) -> Iterator[Remark]:
    """Told where the time of signing is not now: certainly wrong in the future; in the past it may be an old sign."""
    ahead = made - now
    if ahead > SKEW:
        yield Remark("sign-clock-shift", "sign", None, {"ahead": _span(ahead)})
    elif abs(ahead + _CHINA) <= SKEW and 0 < expires <= now:
        yield Remark("sign-clock-shift", "sign", "china", {"ahead": _span(-ahead)})
    elif ahead < -SKEW:
        yield Remark("sign-clock-shift", "sign", "behind", {"ahead": _span(-ahead)}, "advice")


def _span(seconds: float) -> str:
    """A length of time as people read it: 90 s, 15 min, 8 h, 3 d."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _digest(sign: Sign, key: str, keys: Keys, told: set[str]) -> Iterator[Remark]:
    secret = keys.get(key)
    if secret is None:
        variant = "secret" if key in keys.values() else None
        yield Remark("sign-unknown-key", "sign", variant, {"key": shown(key)})
        return
    if sign.digest is None or sign.text is None or is_genuine(sign.digest, sign.text, secret):
        return
    others = {name: other for name, other in keys.items() if name != key}
    variant = suspect(sign.digest, sign.text, secret, others)
    if len(sign.head) == DIGEST_BYTES and "sign-digest-mangled" not in told:
        yield Remark("sign-wrong-secret", "sign", variant and variant.partition("+")[0])
    elif variant is None and "sign-text-form" not in told:
        yield Remark("sign-wrong-secret", "sign", level="report")
