"""Whether a token came before, over millions of them: at most 16 bytes each in memory, the tokens themselves on disk.

A token is known by 64 bits of a hash that is the same on every machine, so what workers have seen can be merged. Two
tokens may have the same hash: a suspect counts as repeated only when it is found among the stored tokens.
"""

from __future__ import annotations

import mmap
import re
from array import array
from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path

import numpy as np
from xxhash import xxh3_64_intdigest

# What must not come twice: its member in a reply and its clause.
MEMBERS = {"tokens": ("biz_token", "BIZ-TOKEN-UNIQUE"), "request_ids": ("request_id", "REQUEST-ID-UNIQUE")}
PARTS = 64  # tables that grow one at a time: none holds the others up for long
FULL, GROWTH = 0.8, 1.5  # so between 0.53 and 0.8 of the slots are taken: 10 to 15 bytes for each token
LEAST = 2_048  # slots of a new table: 1 MB for all, which 100,000 tokens do not outgrow
SPARE = 16  # slots behind the last home: what finds its place taken moves on
SEARCHED = 1 << 30  # bytes of the file that are searched in all: a second or two
KNOWN = 1_000  # repeated tokens that need no second search
MOST = 1 << 30  # bytes of stored tokens
WRITTEN = 1_000  # tokens that are written at once
NEW, REPEATED, SUSPECT = "new", "repeated", "suspect"  # what `add` tells of a token
_ESCAPED = re.compile(rb"\\(.)")


class Tokens:
    """Remembers tokens. `seen`: all that were added; `repeated`: those that had come before, found in the file.

    `unconfirmed`: suspects that were not looked for, or could not be: neither new nor repeated.
    """

    def __init__(self, file: Path | None = None, *, most: int = MOST, reports: bool = False) -> None:
        """Store tokens in `file`, up to `most` bytes. With `reports` hashes are kept for `taken`."""
        self._path = file
        self._file = file.open("w+b") if file else None
        self._left = most if file else 0
        self._unwritten = [b""]  # so that each line follows another
        self._tables = [_new_table(LEAST) for _ in range(PARTS)]
        self._sizes = [LEAST] * PARTS  # homes; a table has some slots more
        self._rooms = [int(FULL * LEAST)] * PARTS  # how many more a table takes before it grows
        self._fresh = array("Q")
        self._searches = SEARCHED
        self._known: set[bytes] = set()
        self._reports = reports
        self.seen = self.repeated = self.unconfirmed = 0

    @property
    def new(self) -> int:
        """Tokens that had not come before."""
        return self.seen - self.repeated - self.unconfirmed

    def add(self, token: str) -> str:
        """Remember a token: NEW; REPEATED where it came before; SUSPECT where its hash did, and no more is known."""
        return self.add_all([token]).get(0, NEW)

    def add_all(self, tokens: Iterable[str]) -> dict[int, str]:
        """Remember several; what is told of those that are not new, by their place."""
        datas = [token.encode("utf-8", "surrogatepass") for token in tokens]
        numbers = hashes_of(datas)
        self.seen += len(datas)
        told, begin = {}, 0
        for place in self._insert(numbers):
            self._store(datas[begin:place], numbers[begin:place])
            begin = place + 1
            if (answer := self._confirm(datas[place])) != NEW:
                told[place] = answer
        self._store(datas[begin:], numbers[begin:])
        return told

    def _store(self, datas: list[bytes], numbers: list[int]) -> None:
        """Keep new tokens for who will ask for them."""
        if self._reports:
            self._fresh.extend(numbers)
        self._unwritten += datas
        if len(self._unwritten) >= WRITTEN:
            self._write()

    def _insert(self, numbers: list[int]) -> list[int]:
        """Remember hashes; the places of those that were known, also from a place before."""
        known = []
        tables, sizes, rooms = self._tables, self._sizes, self._rooms
        for place, number in enumerate(numbers):
            part = number % PARTS
            table = tables[part]
            slot = (number >> 32) * sizes[part] >> 32
            while there := table[slot]:
                if there == number:
                    known.append(place)
                    break
                slot += 1
            else:
                table[slot] = number
                rooms[part] -= 1
                # The last slot stays free, so that a search always ends.
                if rooms[part] < 0 or slot > len(table) - 3:
                    self._rebuild(part)
        return known

    def _rebuild(self, part: int) -> None:
        """Move a table into another one, all its hashes at once: a larger one, if it has no room."""
        size = self._sizes[part]
        if self._rooms[part] < 0:
            before, size = size, int(size * GROWTH)
            self._sizes[part] = size
            self._rooms[part] += int(FULL * size) - int(FULL * before)
        old = np.frombuffer(self._tables[part], np.uint64)
        known = np.sort(old[old != 0])
        # Homes rise with hashes. So each takes its home, or the slot after its predecessor.
        homes, order = ((known >> 32) * size >> 32).astype(np.int64), np.arange(len(known))
        slots = np.maximum.accumulate(homes - order) + order
        new = np.zeros(max(size, int(slots[-1]) + 1) + SPARE, np.uint64)
        new[slots] = known
        self._tables[part] = array("Q", new.tobytes())

    def _write(self) -> None:
        """Write what is not yet written, as long as there is room."""
        lines = _lines(self._unwritten)
        self._unwritten.clear()
        if len(lines) > self._left:
            lines = lines[: lines.rfind(b"\n", 0, self._left) + 1]  # those that fit
            self._left = 0
        else:
            self._left -= len(lines)
        if self._file:
            self._file.write(lines)
            self._file.flush()

    def _confirm(self, data: bytes) -> str:
        """Whether a token whose hash is known was stored."""
        can_search = self._searches > 0
        if data in self._known or (can_search and self._is_stored(data)):
            self.repeated += 1
            if len(self._known) < KNOWN:
                self._known.add(data)
            return REPEATED
        if not can_search or not self._left:
            self.unconfirmed += 1
            return SUSPECT
        self._unwritten.append(data)  # another token with the same hash
        return NEW

    def _is_stored(self, data: bytes) -> bool:
        if self._file is None:
            return False
        self._write()
        with mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ) as stored:
            # From the end: what is told twice is mostly told twice at once.
            place = stored.rfind(b"\n" + _line(data))
            self._searches -= len(stored) - max(0, place)
            return place >= 0

    def taken(self) -> bytes:
        """The hashes that were added since this was last called, for `merge` elsewhere. Only with `reports`."""
        data = np.asarray(self._fresh, "<u8").tobytes()
        del self._fresh[:]
        return data

    def merge(self, hashes: bytes) -> list[int]:
        """Remember what a worker has seen; the hashes that another one told before are given back as suspects."""
        numbers = np.frombuffer(hashes, "<u8").tolist()
        self.seen += len(numbers)
        return [numbers[place] for place in self._insert(numbers)]

    def with_hashes(self, numbers: Collection[int]) -> dict[int, list[str]]:
        """The stored tokens that have one of these hashes. Reads the whole file."""
        found: dict[int, list[str]] = {}
        wanted = frozenset(numbers)
        if self._file is None or self._path is None:
            return found
        self._write()
        with self._path.open("rb") as file:
            for line in file:
                data = _ESCAPED.sub(lambda match: b"\n" if match[1] == b"n" else match[1], line[:-1])
                if (number := hash_of(data)) in wanted:
                    found.setdefault(number, []).append(data.decode("utf-8", "surrogatepass"))
        return found

    @property
    def nbytes(self) -> int:
        """Memory that the hashes take."""
        return sum(table.itemsize * len(table) for table in [*self._tables, self._fresh])

    def close(self) -> None:
        """Write what is not yet written; the file remains. More than once is as once."""
        self._write()
        if self._file:
            self._file.close()
            self._file = None


def hashes_of(datas: Iterable[bytes]) -> list[int]:
    """64 bits that stand for each token, never 0."""
    return [number or 1 for number in map(xxh3_64_intdigest, datas)]


def hash_of(data: bytes) -> int:
    """64 bits that stand for a token, never 0."""
    return hashes_of([data])[0]


def repeated_among(told: Iterable[dict[int, list[str]]]) -> list[str]:
    """The tokens that more than one of several workers stored, from what `with_hashes` gave for each."""
    owners = Counter(token for tokens in told for token in {token for some in tokens.values() for token in some})
    return sorted(token for token, count in owners.items() if count > 1)


def _line(data: bytes) -> bytes:
    """A token as it is stored: one line, whatever is in it."""
    return data.replace(b"\\", b"\\\\").replace(b"\n", b"\\n") + b"\n"


def _lines(tokens: list[bytes]) -> bytes:
    """All of them as they are stored, in one go where nothing in them has to be escaped."""
    lines = b"\n".join([*tokens, b""])
    return b"".join(map(_line, tokens)) if b"\\" in lines or lines.count(b"\n") != len(tokens) else lines


def _new_table(size: int) -> array[int]:
    return array("Q", bytes(8 * (size + SPARE)))
