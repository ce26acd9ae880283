"""Which usual mistake reproduces a digest: the ways in which clients go wrong, each tried with the right secret."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping
from itertools import permutations
from urllib.parse import quote, quote_plus, unquote_to_bytes

_ALGORITHMS = ("sha1", "md5", "sha256", "sha224", "sha384", "sha512")


def is_genuine(digest: bytes, text: bytes, secret: str) -> bool:
    """Whether the digest is that of the text under the secret."""
    return hmac.compare_digest(hmac.digest(secret.encode("utf-8", "surrogatepass"), text, "sha1"), digest)


def suspect(digest: bytes, text: bytes, secret: str, others: Mapping[str, str] | None = None) -> str | None:
    """A slug for the one mistake that leads from text and secret to this digest; None if no usual one does.

    `others`: other api_keys and their secrets. Bounded: some thousand digests of short texts.
    """
    if len(text) > 4096:
        return None
    key = secret.encode("utf-8", "surrogatepass")
    for slug, made in _candidates(text, key, others or {}):
        if digest in (made, made[: len(digest)] if len(digest) == 20 else made):
            return slug
    return None


def _candidates(text: bytes, key: bytes, others: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    """Every digest that a usual mistake makes, with its slug; the likeliest first."""
    for secret in others.values():
        yield "secret-of-another-key", hmac.digest(secret.encode("utf-8", "surrogatepass"), text, "sha1")
    for slug, spoilt in _keys(key, text):
        yield slug, hmac.digest(spoilt, text, "sha1")
    for slug, message in _messages(text):
        yield slug, hmac.digest(key, message, "sha1")
    for message in (text + key, key + text, text + b"&" + key, key + b"&" + text, text + b"&secret=" + key):
        yield "secret-in-text", hmac.digest(key, message, "sha1")
    yield "swapped", hmac.digest(text, key, "sha1")
    right = hmac.digest(key, text, "sha1")
    yield "reversed-digest", right[::-1]
    yield "hex-cut-to-length", right.hex().encode()[:20]
    yield "hex-cut-to-length", right.hex().upper().encode()[:20]
    yield from _other_algorithms(text, key)
    for slug, spoilt in _keys(key, text):
        for slug_of_text, message in _messages(text):
            yield f"{slug}+{slug_of_text}", hmac.digest(spoilt, message, "sha1")


def _other_algorithms(text: bytes, key: bytes) -> Iterator[tuple[str, bytes]]:
    for name in _ALGORITHMS:
        if name != "sha1":
            yield "other-algorithm", hmac.digest(key, text, name)
        for message in (text, text + key, key + text, key + text + key, text + b"&" + key, key + b"&" + text, key):
            yield "no-hmac", hashlib.new(name, message, usedforsecurity=False).digest()
    inner = hmac.digest(key, text, "sha1")
    for message in (inner, inner.hex().encode(), base64.b64encode(inner)):
        yield "digest-of-digest", hashlib.sha1(message, usedforsecurity=False).digest()
        yield "digest-of-digest", hmac.digest(key, message, "sha1")


def _keys(key: bytes, text: bytes) -> Iterator[tuple[str, bytes]]:
    """Keys in place of the secret."""
    for end in (b"\n", b"\r\n", b"\r", b" ", b"\0", b"\t"):
        yield "blank-in-secret", key + end
    yield "blank-in-secret", b" " + key
    yield "blank-in-given-secret", key.strip()
    yield "bom-in-secret", b"\xef\xbb\xbf" + key
    for nothing in (b"None", b"null", b"NULL", b"nil", b"undefined"):
        yield "nothing-as-secret", nothing
    yield "quoted-secret", b'"' + key + b'"'
    yield "quoted-secret", b"'" + key + b"'"
    yield "empty-secret", b""
    yield "ampersand-after-secret", key + b"&"
    yield "secret-in-other-case", key.upper()
    yield "secret-in-other-case", key.lower()
    yield "encoded-secret", base64.b64encode(key)
    yield "encoded-secret", key.hex().encode()
    for spelt in (quote(key), quote(key, safe=""), quote_plus(key)):
        yield "url-secret", spelt.encode()
    yield "url-secret", unquote_to_bytes(key)
    yield "url-secret", unquote_to_bytes(key.replace(b"+", b" "))
    for decode in (_unbase64, _unhex):
        if decoded := decode(key):
            yield "decoded-secret", decoded
    for name in ("md5", "sha1", "sha256"):
        made = hashlib.new(name, key, usedforsecurity=False)
        yield "hashed-secret", made.digest()
        yield "hashed-secret", made.hexdigest().encode()
    yield "reversed-secret", key[::-1]
    for length in (len(key) - 1, 16, 20, 32):
        yield "shortened-secret", key[:length]
        yield "shortened-secret", key[1:]
    for part in text.split(b"&"):
        if part.startswith(b"a="):
            yield "api-key-as-secret", part[2:]
            yield "api-key-as-secret", part[2:] + key
            yield "api-key-as-secret", key + part[2:]
    text_of_key = key.decode("utf-8", "replace")
    yield "wide-secret", text_of_key.encode("utf-16-le")


def _messages(text: bytes) -> Iterator[tuple[str, bytes]]:
    """Texts in place of the one that is sent."""
    for end in (b"\n", b"\r\n", b" ", b"&", b"\0"):
        yield "text-with-end", text + end
    yield "text-with-end", text.rstrip()
    for start in (b"?", b"&", b" ", b"\xef\xbb\xbf"):
        yield "text-with-start", start + text
    yield "text-without-start", text.removeprefix(b"a=")
    plain = text.decode("utf-8", "replace")
    for encode in (_quote, quote_plus, lambda each: quote(each, safe="=")):
        yield "encoded-text", encode(plain).encode()
    yield "encoded-text", base64.b64encode(text)
    yield "encoded-text", base64.b64encode(text) + b"\n"
    yield "encoded-text", text.hex().encode()
    yield "encoded-text", plain.replace("&", "&amp;").encode()
    for charset in ("utf-16-le", "utf-16-be", "utf-16", "utf-32-le"):
        yield "wide-text", plain.encode(charset)
    yield "text-in-other-case", text.lower()
    yield "text-in-other-case", text.upper()
    for name in ("md5", "sha1", "sha256"):
        made = hashlib.new(name, text, usedforsecurity=False)
        yield "hashed-text", made.digest()
        yield "hashed-text", made.hexdigest().encode()
    yield from _rearranged(text.split(b"&"))


def _quote(text: str) -> str:
    return quote(text, safe="")


def _rearranged(parts: list[bytes]) -> Iterator[tuple[str, bytes]]:
    """The parts of the text in another order, with some left out, joined otherwise, or with other values."""
    if not 2 <= len(parts) <= 5:
        return
    for size in range(len(parts), 0, -1):
        for chosen in permutations(parts, size):
            slug = "other-order" if size == len(parts) else "part-left-out"
            yield slug, b"&".join(chosen)
            if list(chosen) == [part for part in parts if part in chosen]:
                yield "other-separator", b"".join(chosen)
                yield "other-separator", b"&".join(chosen) + b"&"
    values = [part.partition(b"=")[2] for part in parts]
    for separator in (b"", b"&", b",", b";", b"|", b"\n", b" ", b"_", b"-"):
        yield "other-separator", separator.join(parts)
        yield "names-left-out", separator.join(values)
    yield from _other_times(parts)


def _other_times(parts: list[bytes]) -> Iterator[tuple[str, bytes]]:
    """The same text with another time or random number than the one that is sent."""
    for index, part in enumerate(parts):
        name, _, value = part.partition(b"=")
        if not value.isdigit() or len(value) > 20:
            continue
        for slug, other in _numbers(name, value):
            yield slug, b"&".join([*parts[:index], name + b"=" + other, *parts[index + 1 :]])
    times = {part[:2]: part[2:] for part in parts}
    if times.keys() >= {b"b=", b"c="}:
        swapped = {b"b=": times[b"c="], b"c=": times[b"b="]}
        yield "times-swapped", b"&".join(part[:2] + swapped.get(part[:2], part[2:]) for part in parts)
        for factor in (1000, 1_000_000):
            longer = {name: b"%d" % (int(times[name]) * factor) for name in swapped if times[name].isdigit()}
            shorter = {name: b"%d" % (int(times[name]) // factor) for name in swapped if times[name].isdigit()}
            for changed in (longer, shorter):
                yield "other-time", b"&".join(part[:2] + changed.get(part[:2], part[2:]) for part in parts)


def _numbers(name: bytes, value: bytes) -> Iterable[tuple[str, bytes]]:
    number = int(value)
    if name == b"d":
        yield "random-as-number", b"%d" % number
        yield "random-as-number", b"%010d" % number
        for near in (number + 1, number - 1):
            yield "other-random", b"%0*d" % (len(value), max(near, 0))
        return
    for near in (*range(number - 5, number + 6), number * 1000, number // 1000, 0):
        if near != number:
            yield "other-time", b"%d" % max(near, 0)


def _unbase64(key: bytes) -> bytes | None:
    try:
        return base64.b64decode(key.replace(b"-", b"+").replace(b"_", b"/") + b"=" * (-len(key) % 4))
    except (binascii.Error, ValueError):
        return None


def _unhex(key: bytes) -> bytes | None:
    try:
        return bytes.fromhex(key.decode())
    except (ValueError, UnicodeDecodeError):
        return None
