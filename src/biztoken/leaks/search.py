"""The search: every needle in a file, all at once."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from biztoken.errors import UserError
from biztoken.leaks.canary import Canary, Needle
from biztoken.leaks.spellings import utf8

BLOCK = 8  # bytes; each needle of twice that, less one, holds a whole block of the file, wherever it stands
CHUNK = 1 << 20  # bytes, whole blocks: so many numbers are held at once


@dataclass(frozen=True, slots=True)
class Leak:
    """A canary in a file, at the first `offset` in bytes where it stands in that spelling."""

    path: Path
    canary: str
    spelling: str
    offset: int


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
    found = [leak for view in views for leak in wanted.find(Path(name), utf8(view))]
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
