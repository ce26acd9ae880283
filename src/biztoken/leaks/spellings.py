"""Every way in which a private text may be written: each spelling gives all that it looks like."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import product
from urllib.parse import quote, quote_plus

LEAST_DIGITS = 10


def as_base64(data: bytes) -> Iterator[bytes]:
    """What stands in base64 of anything that holds the data: the inner part, which no neighbour changes."""
    for before in range(3):
        coded = base64.b64encode(bytes(before) + data)
        # Of the first character that has a bit of the data, and of the last, other bits may be the neighbour's.
        inner = coded[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]
        yield inner
        yield inner.replace(b"+", b"-").replace(b"/", b"_")
        yield inner.replace(b"+", b"%2B").replace(b"/", b"%2F")
        yield inner.replace(b"/", b"\\/")


def as_hexadecimal(data: bytes) -> Iterator[bytes]:
    """The data in small and in capital letters."""
    yield from (data.hex().encode(), data.hex().upper().encode())


def _dump(data: bytes) -> Iterator[bytes]:
    """Hexadecimal as programs that print bytes set it."""
    for shown in (data.hex(" "), data.hex(":"), data.hex("-")):
        yield from (shown.encode(), shown.upper().encode())


def utf8(text: str) -> bytes:
    """The text as bytes, lone surrogates too."""
    return text.encode("utf-8", "surrogatepass")


def _utf16(text: str) -> Iterator[bytes | str]:
    yield from (text.encode(f"utf-16-{order}", "surrogatepass") for order in ("le", "be"))
    if text.isascii():  # read as UTF-8 there is a NUL between the letters, and reports show it
        yield from (sign.join(text) for sign in ("\\u0000", "\\\\u0000", "\\x00", "\u2400"))


def _json(text: str) -> Iterator[str]:
    """As JSON, as JSON in JSON, and so twice more: with ASCII only, with Chinese, and as PHP and Go write it."""
    full = "".join(f"\\u{unit:04x}" for unit in _units(text))
    for once in (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], full):
        of_html = (_substituted(once, f"[{signs}]", "\\u{:04x}") for signs in ("<>&", "<>&'", "<>&'=", "<>&'=+"))
        for careful in (once, once.replace("/", "\\/"), *of_html):
            for case in (careful, re.sub(r"\\u[0-9a-f]{4}", lambda m: f"\\u{m[0][2:].upper()}", careful)):
                twice = _escaped(case)
                yield from (case, twice, _escaped(twice))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _units(text: str) -> Iterator[int]:
    data = text.encode("utf-16-be", "surrogatepass")
    return (int.from_bytes(data[at : at + 2]) for at in range(0, len(data), 2))


def _substituted(text: str, which: str, form: str) -> str:
    return re.sub(which, lambda match: form.format(ord(match[0])), text)


def _url(text: str) -> Iterator[str]:
    full = "".join(f"%{byte:02X}" for byte in utf8(text))
    for once in (quote(utf8(text)), quote(utf8(text), safe=""), quote_plus(utf8(text)), full):
        for case in (once, re.sub("%..", lambda match: match[0].lower(), once)):
            yield from (case, case.replace("%", "%25"))


def _html(text: str) -> Iterator[str]:
    """Entities with names and numbers, for what must be escaped, for all but ASCII letters and digits, and for all."""
    forms = ("&#{};", "&#x{:x};", "&#x{:X};", "&#X{:X};")
    yield from (
        _substituted(text, which, form) for which, form in product(("[^A-Za-z0-9]", "[^ -~]|[<>&\"']", "."), forms)
    )
    for inner in dict.fromkeys((text, *_json(text), _shell(text))) if re.search("[<>&\"']", text) else (text,):
        for double, single in product(("&quot;", "&#34;", '"'), ("&#39;", "&#x27;", "&apos;", "'")):
            once = html.escape(inner, quote=False).replace('"', double).replace("'", single)
            yield from (once, once.replace("&", "&amp;"))
            yield from (_substituted(once, "[^\x00-\x7f]", form) for form in forms[:2])


def _shell(text: str) -> str:
    return text.replace("'", "'\"'\"'")


def _quoted_printable(text: str) -> Iterator[str]:
    yield "".join(chr(byte) if 32 <= byte < 127 and byte != 61 else f"={byte:02X}" for byte in utf8(text))
    yield "".join(f"={byte:02X}" for byte in utf8(text))


def _misread(text: str) -> Iterator[str]:
    """UTF-8 or GB 18030 that was read as Latin-1, as headers are, and bytes as Python shows them."""
    for code in ("utf-8", "gb18030"):
        data = text.encode(code, "replace")
        yield data.decode("latin-1")
        shown = "".join(chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}" for byte in data)
        yield from (shown, shown.replace("\\", "\\\\"))


def _cut(text: str) -> Iterator[str]:
    """The beginning, before the sign that something is left out."""
    least = LEAST_DIGITS if text.isascii() else 2
    for form in (text, json.dumps(text, ensure_ascii=False)[1:-1]):
        yield from (f"{form[:count]}…" for count in range(least, len(form)))


# By name. Each gives all that it looks like; what two of them write in the same way counts for the first.
SPELLINGS: dict[str, Callable[[str], Iterable[str | bytes]]] = {
    "plain": lambda text: (text,),
    "folded": lambda text: {" ".join(text.split()), "".join(text.split())} - {text},
    "shell": lambda text: (_shell(text),),
    "utf-16": _utf16,
    "JSON": _json,
    "URL": _url,
    "HTML": _html,
    "base64": lambda text: as_base64(utf8(text)),
    "hexadecimal": lambda text: as_hexadecimal(utf8(text)),
    "dump": lambda text: _dump(utf8(text)),
    "quoted-printable": _quoted_printable,
    "misread": _misread,
    "cut": _cut,
}
