"""What the journal says to people and programs: records of its entries, kept on disk, judged, and told as they come."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from biztoken.mock.archive import Archive
from biztoken.mock.journal import MOST_BYTES, Entry, Journal
from biztoken.mock.record import Recorder
from biztoken.received import Received

Lint = Callable[[Received, int | None], Sequence[Mapping[str, Any]]]
Record = dict[str, Any]
_MOST_RECORDS = 1_000
_MOST_TO_JUDGE = 200  # requests that wait for it; those that come beyond are not judged


class Chronicle:
    """Records by id, each with `request`, and `answer` and `findings` once there are any. For one event loop.

    Every change has a number, so that whoever has seen one can ask for those after it; `first` is the one before the
    first, above those of any run before. `lint`: judges a request and the status of its answer, in a thread, one after
    the other; what it returns can be told as JSON. `known`: records of an earlier run.
    """

    def __init__(
        self,
        journal: Journal,
        recorder: Recorder,
        archive: Archive | None = None,
        *,
        lint: Lint | None = None,
        known: Mapping[int, Record] | None = None,
        first: int = 0,
        most: int = _MOST_RECORDS,
    ) -> None:
        self.journal = journal
        self.archive = archive
        self.judges = lint is not None
        self._recorder = recorder
        self._lint = lint
        self._most = most
        self._records: OrderedDict[int, tuple[int, Record]] = OrderedDict()
        self._version = first
        self.clearings = 0  # how often all entries were forgotten
        self._waiting: set[asyncio.Event] = set()
        self._judges = ThreadPoolExecutor(1, thread_name_prefix="lint") if lint else None
        self._to_judge = self._bytes_to_judge = 0
        self._unread: set[int] = set()  # entries whose request has not come to its end
        for number, record in list((known or {}).items())[-most:]:
            self._put(number, record)
        journal.listen.append(self._on_entry)

    @property
    def version(self) -> int:
        """The number of the last change."""
        return self._version

    def records(self, after: int = 0) -> list[tuple[int, Record]]:
        """(id, record) of what is new or has changed after that change, in the order of the changes."""
        found = [(version, number, record) for number, (version, record) in self._records.items() if version > after]
        return [(number, record) for _, number, record in sorted(found, key=lambda row: row[0])]

    def record(self, number: int) -> Record | None:
        """The record of an entry."""
        found = self._records.get(number)
        return found[1] if found else None

    def change_of(self, number: int) -> int:
        """The number of the last change of an entry, 0 where it is gone."""
        found = self._records.get(number)
        return found[0] if found else 0

    def clear(self) -> None:
        """Forget all entries; what is on disk stays."""
        self.journal.clear()
        self._records.clear()
        self.clearings += 1
        self.wake()

    def wake(self) -> None:
        """Tell who waits that something has changed."""
        self._version += 1
        for event in self._waiting:
            event.set()

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[asyncio.Event]:
        """An event that is set at every change, from before the first look on; its holder clears it."""
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            yield event
        finally:
            self._waiting.discard(event)

    def close(self) -> None:
        """Write no more; what is being judged is finished."""
        if self._judges:
            self._judges.shutdown(wait=True, cancel_futures=True)
        if self.archive:
            self.archive.close()

    def _on_entry(self, entry: Entry) -> None:
        """Take down what is new about an entry."""
        record = dict(self.record(entry.id) or {})
        if not record:
            self._unread.add(entry.id)
        if entry.id in self._unread:
            record["request"] = self._recorder.request(entry)
            if entry.received.whole or entry.end is not None:
                self._unread.discard(entry.id)
                self._keep(entry.id, "request", record["request"])
                self._keep_raw(entry)
        if entry.end is not None and "answer" not in record:
            record["answer"] = self._recorder.answer(entry)
            self._keep(entry.id, "answer", record["answer"])
            self._judge(entry)
        self._put(entry.id, record)

    def _put(self, number: int, record: Record) -> None:
        self._records[number] = (self._version + 1, record)
        while len(self._records) > self._most:
            self._records.popitem(last=False)
        self.wake()

    def _keep(self, number: int, what: str, record: Any) -> None:
        if self.archive:
            try:
                self.archive.write(number, what, record)
            except (OSError, ValueError) as problem:  # a full disk is no reason to stop answering
                sys.stderr.write(f"biztoken mock: the journal cannot be written ({problem.__class__.__name__})\n")
                self.archive = None

    def _keep_raw(self, entry: Entry) -> None:
        if self.archive and self.archive.keeps_raw:
            with contextlib.suppress(OSError):
                self.archive.write_raw(entry.id, entry.raw)

    # --- judging

    def _judge(self, entry: Entry) -> None:
        if self._judges is None or self._lint is None or not entry.received.method or not entry.kept:
            return
        if self._to_judge >= _MOST_TO_JUDGE or self._bytes_to_judge > MOST_BYTES:
            return
        self._to_judge += 1
        self._bytes_to_judge += len(entry.received.body)
        loop = asyncio.get_running_loop()

        def told(done: Future[Sequence[Mapping[str, Any]]]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._judged, entry, done)

        self._judges.submit(self._lint, entry.judged, entry.status).add_done_callback(told)

    def _judged(self, entry: Entry, done: Future[Sequence[Mapping[str, Any]]]) -> None:
        self._to_judge -= 1
        self._bytes_to_judge -= len(entry.received.body)
        if done.cancelled() or entry.id not in self._records:
            return
        problem = done.exception()
        if problem is not None:  # a bug of ours; its text may hold what was sent
            sys.stderr.write(f"biztoken mock: a request could not be judged ({problem.__class__.__name__})\n")
            return
        findings = self._recorder.findings(entry, done.result())
        self._keep(entry.id, "findings", findings)
        self._put(entry.id, (self.record(entry.id) or {}) | {"findings": findings})
