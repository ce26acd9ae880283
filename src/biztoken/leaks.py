"""Whether anything private stands in what a run wrote: canaries, and the search for them.

The canaries are the run's own: every api_secret, the passwords of url and proxy, the person, each ID number and
signature that was sent, pieces of each picture. A planted marker would show only that its own way is closed; these are
what must not get out, and they go every way that there is.

A text is searched as it is and in each of SPELLINGS, as JSON and HTML nest them; signatures by their digest, pictures
by windows of their bytes. Not searched, because a hit would say nothing: texts under LEAST bytes; digits alone under
LEAST_DIGITS of them, or as a part of other digits or words below SURE_DIGITS; a text that our own files hold, such as a
common name. Nor is what only a reader with tools sees: an encoding of an encoding that is not
named here, compression, a hash, the order turned round; nor names that cases hold or fuzzing draws: of no person.
"""

from __future__ import annotations

import base64
import html
import json
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import NamedTuple, TextIO
from urllib.parse import quote, quote_plus, unquote, urlsplit

from biztoken.contract import bundled
from biztoken.errors import UserError
from biztoken.model import Upload
from biztoken.people import Person
from biztoken.settings import Target

LEAST = 6  # bytes of UTF-8: two Chinese characters
LEAST_DIGITS, SURE_DIGITS = 10, 16
LEAST_CODED = {"base64": 7, "utf-16": 6}  # bytes of a needle; the others cannot become shorter than their text
DIGEST = 26  # characters of a sign that its 20 bytes of digest alone decide
WINDOW, WINDOWS = 24, 6  # bytes; base64 breaks its lines after 57
BLOCK = 8  # bytes; each needle of twice that, less one, holds a whole block of the file, wherever it stands
CHUNK = 1 << 20  # bytes, whole blocks: so many numbers are held at once


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


@dataclass(frozen=True, slots=True)
class Leak:
    """A canary in a file, at the first `offset` in bytes where it stands in that spelling."""

    path: Path
    canary: str
    spelling: str
    offset: int


# --- canaries


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
    size, is_digits = len(_utf8(text)), text.isascii() and text.isdigit()
    if size < (LEAST_DIGITS if is_digits else LEAST) or text in _our_texts():
        return ()
    return _needles(text, SPELLINGS, alone=is_digits and size < SURE_DIGITS)


def _needles(text: str, names: Iterable[str], *, alone: bool = False) -> tuple[Needle, ...]:
    found: dict[bytes, Needle] = {}
    for name in names:
        for spelt in SPELLINGS[name](text):
            data = spelt if isinstance(spelt, bytes) else _utf8(spelt)
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
            found += [Needle("base64", spelt) for spelt in _base64(window)]
            found += [Needle("hexadecimal", spelt) for spelt in _hexadecimal(window)]
    return tuple(found)


@cache
def _our_texts() -> str:
    """What reports may say whoever the person is: the contract, the cases, templates, our own words."""
    here = Path(__file__).parent
    files = [*bundled("openapi").rglob("*.*"), *bundled("conformance").rglob("*.*"), *here.glob("*.py")]
    files += here.joinpath("reporting").rglob("*.*")
    return "\n".join(path.read_text("utf-8", "replace") for path in files if path.suffix not in (".jpg", ".pyc"))


# --- spellings


def _base64(data: bytes) -> Iterator[bytes]:
    """What stands in base64 of anything that holds the data: the inner part, which no neighbour changes."""
    for before in range(3):
        coded = base64.b64encode(bytes(before) + data)
        # Of the first character that has a bit of the data, and of the last, other bits may be the neighbour's.
        inner = coded[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]
        yield inner
        yield inner.replace(b"+", b"-").replace(b"/", b"_")
        yield inner.replace(b"+", b"%2B").replace(b"/", b"%2F")
        yield inner.replace(b"/", b"\\/")


def _hexadecimal(data: bytes) -> Iterator[bytes]:
    yield from (data.hex().encode(), data.hex().upper().encode())


def _dump(data: bytes) -> Iterator[bytes]:
    """Hexadecimal as programs that print bytes set it."""
    for shown in (data.hex(" "), data.hex(":"), data.hex("-")):
        yield from (shown.encode(), shown.upper().encode())


def _utf8(text: str) -> bytes:
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
    full = "".join(f"%{byte:02X}" for byte in _utf8(text))
    for once in (quote(_utf8(text)), quote(_utf8(text), safe=""), quote_plus(_utf8(text)), full):
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
    yield "".join(chr(byte) if 32 <= byte < 127 and byte != 61 else f"={byte:02X}" for byte in _utf8(text))
    yield "".join(f"={byte:02X}" for byte in _utf8(text))


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
    "base64": lambda text: _base64(_utf8(text)),
    "hexadecimal": lambda text: _hexadecimal(_utf8(text)),
    "dump": lambda text: _dump(_utf8(text)),
    "quoted-printable": _quoted_printable,
    "misread": _misread,
    "cut": _cut,
}


# --- search


def search(paths: Iterable[Path], canaries: Iterable[Canary]) -> tuple[Leak, ...]:
    """Every canary that stands in the files, once for each file and spelling."""
    wanted = Wanted(canaries)
    return tuple(leak for path in paths for leak in wanted.find(path, path.read_bytes()))


def search_text(text: str, canaries: Iterable[Canary], name: str = "console") -> tuple[Leak, ...]:
    """The same for what was printed, also where a terminal broke its lines or coloured them."""
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    wanted, views = (
        Wanted(canaries),
        dict.fromkeys((text, plain, *(re.sub(r"\s*\n\s*", gap, plain) for gap in ("", " ")))),
    )
    found = [leak for view in views for leak in wanted.find(Path(name), _utf8(view))]
    return tuple({(leak.canary, leak.spelling): leak for leak in reversed(found)}.values())


class Wanted:
    """Needles, found all at once.

    A file is read as numbers of BLOCK bytes; a needle can stand only where one of its own blocks does, at whichever
    of BLOCK offsets. So the time does not grow with the number of needles.
    """

    def __init__(self, canaries: Iterable[Canary]) -> None:
        self._short: list[tuple[str, Needle]] = []
        self._long: defaultdict[int, list[tuple[str, Needle]]] = defaultdict(list)
        for canary in canaries:
            for needle in canary.needles:
                if len(needle.data) < 2 * BLOCK - 1:
                    self._short.append((canary.name, needle))
                    continue
                for at in range(BLOCK):
                    number = int.from_bytes(needle.data[at : at + BLOCK], sys.byteorder)
                    self._long[number].append((canary.name, needle))
        self._blocks = frozenset(self._long)

    def find(self, path: Path, data: bytes) -> Iterator[Leak]:
        """The leaks in a file's bytes, in the order of their offsets."""
        told: dict[tuple[str, str], int] = {}
        for name, needle in dict.fromkeys((*self._short, *self._likely(data))):
            at = _position(needle, data)
            if at >= 0:
                told[name, needle.spelling] = min(at, told.get((name, needle.spelling), at))
        for (name, spelling), at in sorted(told.items(), key=lambda item: item[1]):
            yield Leak(path, name, spelling, at)

    def _likely(self, data: bytes) -> Iterator[tuple[str, Needle]]:
        view = memoryview(data)[: len(data) // BLOCK * BLOCK]
        for start in range(0, len(view), CHUNK):
            for number in self._blocks.intersection(view[start : start + CHUNK].cast("Q")):
                yield from self._long[number]


def _position(needle: Needle, data: bytes) -> int:
    if not needle.alone:
        return data.find(needle.data)
    match = re.search(rb"(?<![0-9A-Za-z])" + re.escape(needle.data) + rb"(?![0-9A-Za-z])", data)
    return match.start() if match else -1


# --- what follows


def problem(leaks: Iterable[Leak]) -> UserError:
    """The sentence for a run that leaked: which canary, where, in which spelling; never what it says."""
    found = list(leaks)
    told = [f"{leak.canary} in {leak.path.name} ({leak.spelling}, byte {leak.offset})" for leak in found[:5]]
    more, more_zh = (f" and {len(found) - 5} more", f" 等 {len(found)} 处") if len(found) > 5 else ("", "")
    return UserError(
        "something private was written",
        f"{', '.join(told)}{more}; do not pass this run on, and report this as a fault of biztoken",
        f"{'、'.join(told)}{more_zh}；请勿转交这次运行的记录，并将此作为 biztoken 的缺陷报告",
    )


class Recorder:
    """Keeps what is printed while it is the context, and lets it through: `text` is both streams, in order."""

    def __init__(self) -> None:
        self._pieces: list[str] = []

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    def __enter__(self) -> Recorder:
        self._streams = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = (_Tee(stream, self._pieces) for stream in self._streams)
        return self

    def __exit__(self, *_: object) -> None:
        sys.stdout, sys.stderr = self._streams


class _Tee:
    """A text stream that also keeps what is written; all else is the stream's own."""

    def __init__(self, stream: TextIO, pieces: list[str]) -> None:
        self._stream = stream
        self._pieces = pieces

    def write(self, text: str) -> int:
        self._pieces.append(text)
        return self._stream.write(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)
