"""What is private in a run, and what it looks like in each spelling."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from biztoken.contract import bundled
from biztoken.leaks.spellings import LEAST_DIGITS, SPELLINGS, as_base64, as_hexadecimal, utf8
from biztoken.model import Upload
from biztoken.people import Person
from biztoken.settings import Target

LEAST = 6  # bytes of UTF-8: two Chinese characters
SURE_DIGITS = 16
LEAST_CODED = {"base64": 7, "utf-16": 6}  # bytes of a needle; the others cannot become shorter than their text
DIGEST = 26  # characters of a sign that its 20 bytes of digest alone decide
WINDOW, WINDOWS = 24, 6  # bytes; base64 breaks its lines after 57


class Needle(NamedTuple):
    """The bytes of one spelling. `alone`: no letter or digit may stand beside them."""

    spelling: str
    data: bytes
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Canary:
    """Something private, by a name that may be told, and what it looks like."""

    name: str
    needles: tuple[Needle, ...]


def canaries(
    target: Target, person: Person, signs: Iterable[str], pictures: Iterable[Upload], numbers: Iterable[str] = ()
) -> tuple[Canary, ...]:
    """What is private in a run. `signs`, `pictures` and `numbers`, those of IDs, are the ones that were sent."""
    texts = {f"api_secret of keys.{role}": key.api_secret.reveal() for role, key in target.keys.items()}
    texts |= {"idcard_name": person.name, "idcard_number": person.number}
    texts |= {f"ID number {place} that was sent": text for place, text in enumerate(sorted(set(numbers)), 1)}
    found = [Canary(name, needles_of(text)) for name, text in texts.items()]
    found += [Canary(f"password in {name}", _password(url)) for name, url in _logins(target)]
    found.append(Canary("sign", tuple(needle for sign in dict.fromkeys(signs) for needle in _sign(sign))))
    found += [Canary(f"picture {upload.label}", _picture(upload.data)) for upload in pictures]
    return tuple(canary for canary in found if canary.needles)


def needles_of(text: str) -> tuple[Needle, ...]:
    """What a private text looks like, each way once; none where a hit would say nothing."""
    size, is_digits = len(utf8(text)), text.isascii() and text.isdigit()
    if size < (LEAST_DIGITS if is_digits else LEAST) or text in our_texts():
        return ()
    return _needles(text, SPELLINGS, alone=is_digits and size < SURE_DIGITS)


def _needles(text: str, names: Iterable[str], *, alone: bool = False) -> tuple[Needle, ...]:
    found: dict[bytes, Needle] = {}
    for name in names:
        for spelt in SPELLINGS[name](text):
            data = spelt if isinstance(spelt, bytes) else utf8(spelt)
            if len(data) >= LEAST_CODED.get(name, LEAST):
                found.setdefault(data, Needle(name, data, alone and data.isdigit()))
    return tuple(found.values())


def _logins(target: Target) -> Iterator[tuple[str, str]]:
    urls = {"url": target.url, "proxy": target.proxy or ""}
    return ((name, url) for name, url in urls.items() if urlsplit(url).password)


def _password(url: str) -> tuple[Needle, ...]:
    """A password may be short: between its colon and its @ it is one all the same."""
    password = urlsplit(url).password or ""
    in_place = Needle("in its URL", f":{password}@".encode())
    return (in_place, *dict.fromkeys((*needles_of(password), *needles_of(unquote(password)))))


def _sign(sign: str) -> tuple[Needle, ...]:
    """A sign by its digest: the rest is the api_key and times. What was spoilt beyond reading is no secret.

    There are hundreds: of letters and digits alone, as most are, nothing is searched that escapes what needs it not.
    """
    try:
        raw = base64.b64decode(sign.replace("-", "+").replace("_", "/"), validate=True)
    except ValueError:
        return ()
    if raw[20:22] != b"a=" or len(set(raw[:20])) <= LEAST:
        return ()
    names = SPELLINGS if re.search(r"\W", sign[:DIGEST]) else ("plain", "base64", "hexadecimal")
    return _needles(sign[:DIGEST], names)


def _picture(data: bytes) -> tuple[Needle, ...]:
    """Windows of its bytes, without the head, which pictures share, and what is not as mixed as a picture is."""
    first = min(1024, len(data) // 4)
    found = []
    for place in range(WINDOWS):
        at = first + (len(data) - first - WINDOW) * place // (WINDOWS - 1)
        window = data[at : at + WINDOW] if at >= 0 else b""
        if len(set(window)) > WINDOW * 3 // 4:
            found.append(Needle("plain", window))
            found += [Needle("base64", spelt) for spelt in as_base64(window)]
            found += [Needle("hexadecimal", spelt) for spelt in as_hexadecimal(window)]
    return tuple(found)


@cache
def our_texts() -> str:
    """What reports may say whoever the person is: the contract, the cases, templates, our own words."""
    here = Path(__file__).parents[1]
    files = [*bundled("openapi").rglob("*.*"), *bundled("conformance").rglob("*.*"), *here.glob("*.py")]
    files += here.joinpath("reporting").rglob("*.*")
    return "\n".join(path.read_text("utf-8", "replace") for path in files if path.suffix not in (".jpg", ".pyc"))
