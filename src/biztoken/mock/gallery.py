"""Look at pictures off the event loop, each distinct one once."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import NamedTuple

from biztoken.mock import faces
from biztoken.mock.faces import Look

_REMEMBERED = 1024
_Wanted = tuple[bytes, int, bool]
_CACHED_BYTES = 131_072


# A look that another gallery had before takes as long again, but no longer than this many seconds.
_LONGEST_AGAIN = 0.03


class Timed(NamedTuple):
    """A look and the seconds that it took."""

    look: Look
    seconds: float


class Gallery:
    """Looks by content, the least recently wanted forgotten first. For use on one event loop.

    `source`: a gallery that looks for this one. What is there already takes its time again when this one wants it
    first, so that several mocks can share the work and each still behaves as if alone.
    """

    def __init__(self, remembered: int = _REMEMBERED, source: Gallery | None = None) -> None:
        self._remembered = remembered
        self._source = source
        self._looks: OrderedDict[_Wanted, asyncio.Future[Timed]] = OrderedDict()
        self._threads = None if source else ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="faces")
        self.looked = 0

    async def look(self, data: bytes, longest: int, turn: bool) -> Look:
        """Look at a picture, or remember; whoever asks while it is being looked at waits for the same look."""
        wanted = (_fingerprint(data), longest, turn)
        return (await self._timed(wanted, data)).look

    def known(self, data: bytes, longest: int, turn: bool) -> Look | None:
        """What is remembered of a picture; None where it must be looked at, or is being looked at."""
        wanted = (_fingerprint(data), longest, turn)
        future = self._looks.get(wanted)
        if future is None or not future.done() or future.cancelled() or future.exception():
            return None
        self._looks.move_to_end(wanted)
        return future.result().look

    def warm_up(self) -> None:
        """Load the detector in the background, so that the first picture does not wait for it."""
        if self._threads:
            self._threads.submit(faces.warm_up)

    def close(self) -> None:
        """Start no more looks."""
        if self._threads:
            self._threads.shutdown(wait=False, cancel_futures=True)

    async def _timed(self, wanted: _Wanted, data: bytes) -> Timed:
        future = self._looks.get(wanted)
        if future is None:
            future = self._start(wanted, data)
        self._looks.move_to_end(wanted)
        # The look goes on for others when the one who asked first goes away.
        return await asyncio.shield(future)

    def _start(self, wanted: _Wanted, data: bytes) -> asyncio.Future[Timed]:
        future: asyncio.Future[Timed]
        if self._source:
            future = asyncio.ensure_future(self._source.again(wanted, data))
        else:
            future = asyncio.get_running_loop().run_in_executor(self._threads, _look, data, *wanted[1:])
        self.looked += 1
        self._looks[wanted] = future
        if len(self._looks) > self._remembered:
            self._looks.popitem(last=False)
        future.add_done_callback(lambda done: self._drop_failed(wanted, done))
        return future

    async def again(self, wanted: _Wanted, data: bytes) -> Timed:
        """Look for another gallery; what was seen before takes its time again."""
        known = wanted in self._looks
        timed = await self._timed(wanted, data)
        if known:
            await asyncio.sleep(min(timed.seconds, _LONGEST_AGAIN))
        return timed

    def _drop_failed(self, wanted: _Wanted, future: asyncio.Future[Timed]) -> None:
        """A look that failed is no answer for the next who asks."""
        if (future.cancelled() or future.exception()) and self._looks.get(wanted) is future:
            del self._looks[wanted]


def _fingerprint(data: bytes) -> bytes:
    """What tells one picture from another. Clients send the same few again and again: of those it is remembered."""
    return (_digest if len(data) <= _CACHED_BYTES else _digest.__wrapped__)(data)


@lru_cache(maxsize=64)
def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=20).digest()


def _look(data: bytes, longest: int, turn: bool) -> Timed:
    began = time.perf_counter()
    return Timed(faces.look(data, longest, turn), time.perf_counter() - began)
