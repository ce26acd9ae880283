"""Take a sign apart, whatever is wrong with it, and say what is.

Source: FaceID's page on App authentication: base64( HMAC-SHA1(api_secret, text) then text ), text
`a=KEY&b=EXPIRE&c=NOW&d=RANDOM`. Shares no code with the side that signs or the one that answers.
"""

from __future__ import annotations

import binascii
import html
import re
from dataclasses import dataclass, replace
from urllib.parse import unquote

from biztoken.lint.advice import Remark

DIGEST_BYTES = 20
_MOST_LAYERS = 4
_MOST_TEXT = 300  # bytes of a text in which odd separators are looked for: the time grows with the fourth power
_MOST_BYTES = 8192  # ten times what a sign has
_TEXT = re.compile(rb"a=([^&]*)&b=([^&]*)&c=([^&]*)&d=([^&]*)", re.DOTALL)
_STRICT_TEXT = re.compile(rb"a=[^&]*&b=[0-9]+&c=[0-9]+&d=[0-9]+")
_LETTERS = re.compile(r"[A-Za-z0-9+/]*={0,2}")


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign taken apart as far as it goes.

    `remarks`: what is wrong with its spelling and its parts. `head`: the bytes before the text as they are; `digest`:
    the digest as it was meant, None where nobody can tell. `text`: what was signed. `key`, `expires`, `made`,
    `random`: the parts of the text, as they were written.
    """

    remarks: tuple[Remark, ...]
    head: bytes = b""
    digest: bytes | None = None
    text: bytes | None = None
    key: str | None = None
    expires: str | None = None
    made: str | None = None
    random: str | None = None


def take_apart(value: bytes) -> Sign:
    """Read a sign. Pure; never raises."""
    if len(value) > _MOST_BYTES:
        return Sign((Remark("sign-not-base64", "sign"),))
    return _read(value.decode("utf-8", "replace"), 0)


def _read(sign: str, layer: int) -> Sign:
    plain, remarks = _normal(sign)
    if plain is None:
        return Sign(tuple(remarks))
    data = _decoded(plain)
    if data is None:
        return Sign((*remarks, Remark("sign-not-base64", "sign")))
    taken = _parts(data)
    if taken.text is None and layer < _MOST_LAYERS:
        inner = _inner(data, layer)
        if inner is not None:
            again = [remark for remark in inner.remarks if remark.id not in {entry.id for entry in remarks}]
            return replace(inner, remarks=(*remarks, Remark("double-encoded-sign", "sign", "base64"), *again))
    ids = {remark.id for remark in remarks}
    return replace(taken, remarks=(*remarks, *(remark for remark in taken.remarks if remark.id not in ids)))


def _inner(data: bytes, layer: int) -> Sign | None:
    """The sign in a sign; None where there is none."""
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError:
        return None
    if re.match(r"a=|a%3[dD]", text) or not re.fullmatch(r"[\w+/=%\s-]{40,}", text):
        return None
    inner = _read(text, layer + 1)
    return inner if inner.text is not None else None


# --- spelling


def _normal(sign: str) -> tuple[str | None, list[Remark]]:
    """The sign in standard base64, and what had to be undone for it; None where that is not possible."""
    remarks: list[Remark] = []
    if re.search(r"%[0-9A-Fa-f]{2}", sign):
        remarks.append(Remark("double-encoded-sign", "sign"))
        for _ in range(_MOST_LAYERS):
            sign = unquote(sign)
    quoted = re.fullmatch(r"\s*(?:b(?P<bytes>['\"])|(['\"]))(?P<inner>.*)(['\"])\s*", sign, re.DOTALL)
    if quoted:
        remarks.append(Remark("sign-not-base64", "sign", "bytes" if quoted["bytes"] else "quotes"))
        sign = quoted["inner"]
    if re.search(r"[\r\n]|\\r|\\n", sign):
        remarks.append(Remark("sign-base64-wrapped", "sign"))
        sign = re.sub(r"[\r\n]|\\r|\\n", "", sign)
    if " " in sign or "\t" in sign:
        sign, remark = _filled(sign)
        remarks += [remark] if remark else []
    unescaped = html.unescape(sign.replace("\\/", "/"))
    if unescaped != sign:
        remarks.append(Remark("sign-not-base64", "sign", "escaped"))
        sign = unescaped
    if re.search(r"[-_]", sign) and re.fullmatch(r"[\w=+/-]*", sign, re.ASCII):
        remarks.append(Remark("sign-urlsafe-base64", "sign"))
        sign = sign.replace("-", "+").replace("_", "/")
    if not _LETTERS.fullmatch(sign):
        variant = "plain" if "a=" in sign and "&b=" in sign else None
        return None, [*remarks, Remark("sign-not-base64", "sign", variant)]
    if re.fullmatch(r"(?:[0-9a-fA-F]{2}){16,}", sign):
        return None, [*remarks, *_from_hex(sign)]
    if len(sign) % 4 or (not sign.endswith("=") and _decoded(sign) is None):
        if not any(remark.id in ("sign-urlsafe-base64", "sign-plus-lost") for remark in remarks):
            remarks.append(Remark("sign-not-base64", "sign", "padding"))
        sign = sign.rstrip("=")
        sign += "=" * (-len(sign) % 4)
    return sign, remarks


def _filled(sign: str) -> tuple[str, Remark | None]:
    """A sign with blanks: each was a +, or a line break, or is one too many at an end."""
    plus = sign.replace("\t", " ").replace(" ", "+")
    data = _decoded(plus)
    if data is not None and _parts(data).text is not None:
        return plus, Remark("sign-plus-lost", "sign")
    none = re.sub(r"[ \t]", "", sign)
    stripped = sign.strip(" \t")
    if " " not in stripped and "\t" not in stripped:
        return none, Remark("sign-not-base64", "sign", "blanks")
    if len(none) % 4 == 0 and (data := _decoded(none)) is not None and _parts(data).text is not None:
        return none, Remark("sign-base64-wrapped", "sign", "blanks")
    return plus, Remark("sign-plus-lost", "sign") if _LETTERS.fullmatch(plus) else None


def _from_hex(sign: str) -> list[Remark]:
    """A sign that is hexadecimal digits: all of it, or nothing but a digest."""
    if b"a=" in bytes.fromhex(sign):
        return [Remark("sign-not-base64", "sign", "hex")]
    return [Remark("sign-not-base64", "sign", "only-digest"), Remark("sign-digest-hex", "sign", "only-digest")]


def _decoded(sign: str) -> bytes | None:
    try:
        return binascii.a2b_base64(sign.encode("ascii"), strict_mode=True)
    except (ValueError, UnicodeEncodeError):
        return None


# --- parts


def _parts(data: bytes) -> Sign:
    """The digest and the text in decoded bytes."""
    # Where it belongs first: one digest in 3,500 holds the bytes a= itself.
    found = _TEXT.match(data, DIGEST_BYTES) or _TEXT.search(data)
    if found is None:
        return _unreadable(data)
    head, text = data[: found.start()], data[found.start() :]
    remarks: list[Remark] = []
    if not head and (first := _STRICT_TEXT.match(data)) and len(data) > first.end():
        text, after = data[: first.end()], data[first.end() :]
        # A digest whose first bytes are digits would seem to be a part of the random number.
        if len(data) > first.end() and len(after) < DIGEST_BYTES <= len(after) + 9:
            text, after = data[:-DIGEST_BYTES], data[-DIGEST_BYTES:]
        if len(after) >= 16:
            remarks.append(Remark("sign-digest-mangled", "sign", "behind"))
            return _named(Sign((), after, after if len(after) == DIGEST_BYTES else None, text), remarks)
        text = data
    digest = head if len(head) == DIGEST_BYTES and not _is_marked(head) else None
    if digest is None:
        digest, remark = _meant(head)
        remarks.append(remark)
    return _named(Sign((), head, digest, text), remarks)


def _named(sign: Sign, remarks: list[Remark]) -> Sign:
    found = _TEXT.match(sign.text or b"")
    if found is None or sign.text is None:
        return replace(sign, remarks=tuple(remarks))
    key, expires, made, random = (part.decode("utf-8", "replace") for part in found.groups())
    rest = sign.text[found.end() :]
    if rest:
        remarks.append(Remark("sign-text-form", "sign", "tail"))
    if random != random.strip():
        remarks.append(Remark("sign-text-form", "sign", "tail"))
        random = random.strip()
    return replace(sign, remarks=tuple(remarks), key=key, expires=expires, made=made, random=random)


def _is_marked(head: bytes) -> bool:
    """Whether question marks stand for the bytes that are no ASCII: half of a digest would be."""
    return head.isascii() and head.count(b"?") >= 4


_LENGTHS = {16: "md5", 28: "sha-224", 32: "sha-256", 48: "sha-384", 64: "sha-512"}


def _meant(head: bytes) -> tuple[bytes | None, Remark]:
    """The digest that mangled bytes were, None where nobody can tell, and what is wrong with them."""
    mangled = "sign-digest-mangled"
    length = {"length": len(head)}
    if not head:
        return None, Remark(mangled, "sign", "absent")
    if re.fullmatch(rb"[0-9a-fA-F]{32,}", head):
        meant = bytes.fromhex(head.decode()[: len(head) // 2 * 2])
        return meant, Remark("sign-digest-hex", "sign", values=length)
    if re.fullmatch(rb"\s*[A-Za-z0-9+/_-]{22,}={0,2}\s*", head):
        digest = _decoded(head.strip().decode().replace("-", "+").replace("_", "/"))
        if digest is not None and len(digest) in (DIGEST_BYTES, *_LENGTHS):
            return digest, Remark(mangled, "sign", "base64")
    if re.match(rb"b['\"]|\[B@|System\.|\[object|<|\(|\[|\{|-?\d+,", head):
        return None, Remark(mangled, "sign", "written-out")
    text = _utf8(head)
    if text is not None and ("\ufffd" in text or _is_marked(head)):
        return None, Remark(mangled, "sign", "replaced")
    if text is not None and len(text) == DIGEST_BYTES and len(head) > DIGEST_BYTES:
        latin = text.encode("latin-1", "ignore")
        return latin if len(latin) == DIGEST_BYTES else None, Remark(mangled, "sign", "latin-1")
    if len(head) in _LENGTHS:
        return head, Remark(mangled, "sign", "algorithm", {**length, "algorithm": _LENGTHS[len(head)].upper()})
    if len(head) == DIGEST_BYTES + 1 or (len(head) == DIGEST_BYTES + 2 and head.endswith(b"\r\n")):
        return head[:DIGEST_BYTES], Remark(mangled, "sign", "separator", length)
    return None, Remark(mangled, "sign", "length", length)


def _utf8(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _unreadable(data: bytes) -> Sign:
    """What decoded bytes are in which there is no text of the right form."""
    form = "sign-text-form"
    if len(data) == DIGEST_BYTES or re.fullmatch(rb"[0-9a-f]{40}", data):
        remarks = [Remark(form, "sign", "absent")]
        if len(data) != DIGEST_BYTES:
            remarks.append(Remark("sign-digest-hex", "sign", values={"length": len(data)}))
        return Sign(tuple(remarks), data, data if len(data) == DIGEST_BYTES else None)
    head, rest = data[:DIGEST_BYTES], data[DIGEST_BYTES:]
    wide = re.search(rb"a\0=\0|\0a\0=", data)
    if wide:
        return Sign((Remark(form, "sign", "utf-16"),), data[: wide.start()], None)
    if re.search(rb"a%3[dD]|%26b", data):
        return Sign((Remark(form, "sign", "percent"),), head, head)
    if re.search(rb"&amp;|\\u0026", data):
        return Sign((Remark(form, "sign", "escaped"),), head, head)
    if re.fullmatch(rb"(?:[0-9a-fA-F]{2}){40,}", data) and b"a=" in bytes.fromhex(data.decode()):
        return Sign((Remark("sign-digest-hex", "sign", "all"),))
    if re.search(rb"a=[^&]*?([^\w&]+&?|&[^\w&]+)b=.*?\1c=.*?\1d=", rest[:_MOST_TEXT], re.DOTALL):
        return Sign((Remark(form, "sign", "separator"),), head, head)
    names = re.findall(rb"(?:^|&)([a-d])=", rest)
    if names:
        values = {"names": "".join(name.decode() for name in names)}
        variant = "order" if set(names) == {b"a", b"b", b"c", b"d"} else "parts"
        return Sign((Remark(form, "sign", variant, values),), head, head)
    return Sign((Remark(form, "sign"),), b"", None)
