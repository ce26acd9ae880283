"""The journal: every request as it came, with its answer, in memory and bounded. Safe to read from any thread."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from biztoken.multipart import Form, Part, parse
from biztoken.received import Received

MOST_ENTRIES = 2_000
MOST_BYTES = 64 * 1024 * 1024  # of requests and answers together
BODY_KEPT = 22 * 1024 * 1024  # bytes of one body; the mock refuses what is over 20 MiB
_TOO_LARGE = 413  # answered before the body has come
ANSWERED, CUT, GONE = "answered", "cut", "gone"


@dataclass(frozen=True, slots=True)
class Entry:
    """One request and what became of it. An entry never changes: as more is known, a new one takes its place.

    `received.body` is what came, all of it only where `received.whole`; its `at` is when the head had come. `head`:
    the bytes up to the blank line, and with it. `size`: bytes that came. `chunks`: the sizes of a chunked body.
    `ended`: seconds since the epoch, None while the request is under way; `ms`: how long that took.
    `status`, `answer_headers`, `answer`: what was sent back, None and empty where nothing was.
    `end`: answered, cut (the mock closed the connection before its answer was whole), gone (the client did), or None.
    `chosen`: name of the answer that somebody chose for it. `kept`: whether `received` still holds the body.
    """

    id: int
    received: Received
    head: bytes = b""
    size: int = 0
    chunks: tuple[int, ...] | None = None
    ended: float | None = None
    ms: float | None = None
    status: int | None = None
    answer_headers: tuple[tuple[str, str], ...] = ()
    answer: bytes = b""
    end: str | None = None
    chosen: str | None = None
    kept: bool = True

    @property
    def at(self) -> float:
        """When the head had come, in seconds since the epoch."""
        return self.received.at or 0.0

    @property
    def connection(self) -> int:
        """A number that requests of one connection share."""
        return self.received.connection or 0

    @property
    def gone(self) -> bool:
        """Whether the client went away before the answer was whole."""
        return self.end == GONE

    @property
    def judged(self) -> Received:
        """`received`, with what the mock itself left unread told as that."""
        is_ours = self.status == _TOO_LARGE or (self.end == CUT and self.chosen is not None)
        return replace(self.received, is_cut=is_ours and not self.received.whole)

    @property
    def form(self) -> Form:
        """The parts of a multipart body, and the problems met in it."""
        return parse(self.received.header("content-type") or "", self.received.body)

    @property
    def fields(self) -> Mapping[str, str | bytes]:
        """The first field of each name: text, or bytes where it came as a file or is no UTF-8."""
        found: dict[str, str | bytes] = {}
        for part in self.form.parts:
            if part.name is not None:
                found.setdefault(part.name, _value(part))
        return found

    @property
    def raw(self) -> bytes:
        """The bytes of the request as on the wire, as far as they came."""
        if self.chunks is None:
            return self.head + self.received.body
        pieces, start = [self.head], 0
        for size in self.chunks:
            pieces += [b"%x\r\n" % size, self.received.body[start : start + size], b"\r\n"]
            start += size
        return b"".join([*pieces, b"0\r\n\r\n" if self.received.whole else b""])


class Journal:
    """The last entries. What is over the bounds goes, the oldest first: bodies before entries.

    `listen`: functions called with each entry that is new or has changed, in the thread of the server.
    """

    def __init__(self, most_entries: int = MOST_ENTRIES, most_bytes: int = MOST_BYTES, first: int = 1) -> None:
        self._most_entries, self._most_bytes = most_entries, most_bytes
        self._entries: OrderedDict[int, Entry] = OrderedDict()
        self._bodies: OrderedDict[int, int] = OrderedDict()  # bytes of the bodies that are kept
        self._bytes = 0
        self._next, self._connections = first, 0
        self._ended = 0
        self._arriving = 0  # bytes of requests that are under way; the server's thread only
        self._changed = threading.Condition()
        self.listen: list[Callable[[Entry], None]] = []

    @property
    def entries(self) -> list[Entry]:
        """What is there, the oldest first."""
        with self._changed:
            return list(self._entries.values())

    def entry(self, number: int) -> Entry | None:
        """The entry with this id, if it is still there."""
        with self._changed:
            return self._entries.get(number)

    def clear(self) -> None:
        """Forget all entries; ids go on."""
        with self._changed:
            self._entries.clear()
            self._bodies.clear()
            self._bytes = self._ended = 0
            self._changed.notify_all()

    def wait_for(self, count: int, timeout: float) -> list[Entry]:
        """The entries, as soon as so many since the last `clear` have ended. TimeoutError after so many seconds."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._ended >= count, timeout):
                came = f"{self._ended} of {count} requests ended in {timeout:g} s"
                raise TimeoutError(f"{came}; {len(self._entries)} came")
            return list(self._entries.values())

    # --- for the server

    def new_connection(self) -> int:
        """A number for a connection."""
        self._connections += 1
        return self._connections

    def new_id(self) -> int:
        """An id for an entry."""
        with self._changed:
            number, self._next = self._next, self._next + 1
        return number

    def reserve(self, more: int, size: int) -> bool:
        """Whether there is room for more of a body that has come to this size, and is not over yet."""
        if size > BODY_KEPT or self._arriving + more > self._most_bytes:
            return False
        self._arriving += more
        return True

    def release(self, size: int) -> None:
        """So many bytes that were reserved belong to an entry now."""
        self._arriving -= size

    def put(self, entry: Entry) -> None:
        """Enter a request, or what is new about it."""
        with self._changed:
            before = self._entries.get(entry.id)
            if before is not None and not before.kept:
                entry = replace(entry, received=before.received, kept=False)
            self._entries[entry.id] = entry
            self._weigh(entry)
            self._drop()
            if entry.end is not None and (before is None or before.end is None):
                self._ended += 1
            self._changed.notify_all()
        for told in self.listen:
            told(entry)

    def _weigh(self, entry: Entry) -> None:
        self._bytes -= self._bodies.pop(entry.id, 0)
        if entry.kept:
            size = len(entry.head) + len(entry.received.body) + len(entry.answer)
            self._bodies[entry.id] = size
            self._bytes += size

    def _drop(self) -> None:
        while self._bytes > self._most_bytes and self._bodies:
            number, size = self._bodies.popitem(last=False)
            self._bytes -= size
            entry = self._entries[number]
            self._entries[number] = replace(entry, received=replace(entry.received, body=b""), kept=False)
        while len(self._entries) > self._most_entries:
            number, _ = self._entries.popitem(last=False)
            self._bytes -= self._bodies.pop(number, 0)


def _value(part: Part) -> str | bytes:
    if part.filename is not None:
        return part.body
    try:
        return part.body.decode()
    except UnicodeDecodeError:
        return part.body
