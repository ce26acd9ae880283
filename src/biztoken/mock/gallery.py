"""Look at pictures off the event loop, each distinct one once."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

from biztoken.mock import faces
from biztoken.mock.faces import Look

_REMEMBERED = 1024
_Wanted = tuple[bytes, int, bool]


class Gallery:
    """Looks by content, the least recently wanted forgotten first. For use on one event loop."""

    def __init__(self, remembered: int = _REMEMBERED) -> None:
        self._remembered = remembered
        self._looks: OrderedDict[_Wanted, asyncio.Future[Look]] = OrderedDict()
        self._threads = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="faces")
        self.looked = 0

    async def look(self, data: bytes, longest: int, turn: bool) -> Look:
        """Look at a picture, or remember; whoever asks while it is being looked at waits for the same look."""
        wanted = (hashlib.blake2b(data, digest_size=20).digest(), longest, turn)
        future = self._looks.get(wanted)
        if future is None:
            future = self._start(wanted, data)
        self._looks.move_to_end(wanted)
        # The look goes on for others when the one who asked first goes away.
        return await asyncio.shield(future)

    def warm_up(self) -> None:
        """Load the detector in the background, so that the first picture does not wait for it."""
        self._threads.submit(faces.warm_up)

    def close(self) -> None:
        """Start no more looks."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _start(self, wanted: _Wanted, data: bytes) -> asyncio.Future[Look]:
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._threads, faces.look, data, *wanted[1:])
        self.looked += 1
        self._looks[wanted] = future
        if len(self._looks) > self._remembered:
            self._looks.popitem(last=False)
        future.add_done_callback(lambda done: self._drop_failed(wanted, done))
        return future

    def _drop_failed(self, wanted: _Wanted, future: asyncio.Future[Look]) -> None:
        """A look that failed is no answer for the next who asks."""
        if (future.cancelled() or future.exception()) and self._looks.get(wanted) is future:
            del self._looks[wanted]
