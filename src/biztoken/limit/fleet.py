"""A burst too large for one process: worker processes on this machine, each with its share, released at one moment."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from typing import IO, Any

from biztoken.burst import Shot, Volley
from biztoken.errors import HarnessError
from biztoken.limit.orders import Fire, Land, Load, Problem, hear, tell
from biztoken.wire import Endpoint

LEAD = 0.005  # seconds in which every worker hears of the moment of release


class Fleet:
    """A battery spread over `count` processes. They end with `close`, or with this process, however that ends."""

    def __init__(self, endpoint: Endpoint, count: int) -> None:
        command = [sys.executable, "-m", "biztoken.limit.worker"]
        self._workers = [_Worker(command, endpoint) for _ in range(count)]
        self._shares: dict[int, int] = {}  # by rack: how many workers have one

    def load(self, requests: Sequence[bytes], *, rack: int = 0, whole: bool = False) -> None:
        """As of a battery; the requests are dealt out one by one."""
        count = self._shares[rack] = min(len(self._workers), len(requests))
        self._all([Load(tuple(requests[at::count]), rack, whole) for at in range(count)])

    def fire(self, rack: int = 0, at: float | None = None) -> float:
        """As of a battery."""
        moment = max(time.monotonic() + LEAD, at or 0.0)
        ended: list[float] = self._all([Fire(rack, moment)] * self._shares[rack])
        return max(ended)

    def land(self, rack: int = 0) -> Volley:
        """As of a battery; the shots in the order of the requests."""
        shares: list[tuple[Shot, ...]] = self._all([Land(rack)] * self._shares[rack])
        total = sum(map(len, shares))
        return Volley(tuple(shares[at % len(shares)][at // len(shares)] for at in range(total)))

    def close(self) -> None:
        """End the workers; what they may still be waiting for matters to nobody."""
        for worker in self._workers:
            worker.close()

    def _all(self, orders: Sequence[Any]) -> list[Any]:
        """The answers of the first workers to an order each, all given before the first is heard."""
        workers = self._workers[: len(orders)]
        for worker, order in zip(workers, orders, strict=True):
            worker.tell(order)
        answers = [worker.hear() for worker in workers]
        problem = next((answer for answer in answers if isinstance(answer, Problem)), None)
        if problem:
            raise HarnessError(problem.reason, problem.text)
        return answers


class _Worker:
    """The other end of `worker.serve`."""

    def __init__(self, command: Sequence[str], endpoint: Endpoint) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 - ours
        self.tell(endpoint)

    @property
    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        process = self._process
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - they are pipes
        return process.stdin, process.stdout

    def tell(self, value: Any) -> None:
        try:
            tell(self._pipes[0], value)
        except OSError:
            raise HarnessError("worker", "a worker process has ended") from None

    def hear(self) -> Any:
        try:
            return hear(self._pipes[1])
        except EOFError:
            raise HarnessError("worker", "a worker process has ended") from None

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in self._pipes:
            try:
                pipe.close()
            except OSError:  # what was not yet written has nobody to read it
                continue
