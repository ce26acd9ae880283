"""Drills played one after the other for a client that runs already: what each verb of the protocol does."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from biztoken.drill.certificates import Certificate
from biztoken.drill.judging import MOST_REQUESTS, control_failed
from biztoken.drill.run import Drill
from biztoken.drill.scenario import Scenario, grace
from biztoken.drill.seen import Ending, Seen, Sent
from biztoken.drill.stage import Endpoint, open_endpoint, play, sent_of
from biztoken.mock.gallery import Gallery
from biztoken.mock.local import LocalMock
from biztoken.model import Json, Verdict
from biztoken.verdicts import Text


class Played:
    """The drills of a run for one client, between `with` and its end. May be called by several threads.

    One endpoint plays all drills over HTTP, so that a client needs its URL only once; those over HTTPS have their own.
    `is_over`: the report was asked for.
    """

    def __init__(self, run: Drill, certificates: Mapping[str, Certificate], gallery: Gallery) -> None:
        self.is_over = threading.Event()
        self._run = run
        self._certificates = certificates
        self._gallery = gallery
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._own = ExitStack()  # what the drill that is on has for itself
        self._plain: LocalMock | None = None
        self._waiting: list[Scenario] = []
        self._scenario: Scenario | None = None
        self._endpoint: Endpoint | None = None
        self._began = 0.0
        self._failed: Text | None = None
        self._calls = self._counted = 0
        self.has_begun = False

    def __enter__(self) -> Self:
        key = self._run.key
        self._plain = self._stack.enter_context(
            LocalMock(keys={key.api_key: key}, contract=self._run.contract, gallery=self._gallery)
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._own.close()
        self._stack.close()

    def was_called(self) -> bool:
        """Whether anything was called since this was asked last."""
        was, self._counted = self._calls > self._counted, self._calls
        return was

    # --- the verbs

    def list(self) -> Json:
        """Every drill."""
        self._calls += 1
        rows = [
            {
                "id": scenario.id,
                "clause": scenario.clause,
                "level": str(self._run.contract.clauses[scenario.clause].level),
                **scenario.title.as_json(),
            }
            for scenario in self._run.planned
        ]
        return {"drills": rows}

    def start(self) -> Json:
        """Begin: where and as whom to call. Nothing is on yet."""
        with self._lock:
            self._calls += 1
            self.has_begun = True
            assert self._plain is not None  # noqa: S101 - between enter and exit it is there
            if not self._run.book.results:
                self._waiting = list(self._run.planned)
            key = self._run.key
            return {
                "url": self._plain.url,
                "api_key": key.api_key,
                "api_secret": key.api_secret,
                "cacert": str(self._certificates["trusted"].authority),
                "timeout": self._run.options.timeout,
                "drills": len(self._waiting),
            }

    def next(self, said: Json) -> Json:
        """End the drill that is on with what the client says of it; begin the next."""
        with self._lock:
            self._calls += 1
            self._settle(said)
            if self._failed:
                self._leave_rest(self._failed)
            if not self._waiting:
                return {"done": True}
            self._scenario = self._waiting.pop(0)
            self._endpoint = self._opened(self._scenario)
            self._began = time.time()
            return {
                "drill": self._scenario.id,
                "clause": self._scenario.clause,
                **self._scenario.title.as_json(),
                "url": self._endpoint.url,
                "left": len(self._waiting),
            }

    def status(self) -> Json:
        """What the drill that is on has seen so far."""
        with self._lock:
            self._calls += 1
            sent = self._sent()
            return {
                "drill": self._scenario.id if self._scenario else None,
                "requests": len(sent),
                "under_way": sum(request.ended is None for request in sent),
                "seconds": round(time.time() - self._began, 3) if self._scenario else 0,
                "done": len(self._run.book.results),
                "left": len(self._waiting),
            }

    def report(self, said: Json) -> Json:
        """End with what the client says of the drill that is on; the verdict as result.json has it."""
        with self._lock:
            self._calls += 1
            self._settle(said)
            if not self.is_over.is_set():
                self._run.finish()
            result = self._run.result
            kept = ("verdict", "exit_code", "complete", "planned", "executed", "reason")
            clauses = [
                {name: row[name] for name in ("id", "level", "verdict", "en", "zh", "findings")}
                for row in result["clauses"]
            ]
            self.is_over.set()
            return {
                **{name: result[name] for name in kept},
                "clauses": clauses,
                "directory": str(self._run.directory.resolve()),
            }

    # --- one drill

    def _opened(self, scenario: Scenario) -> Endpoint:
        assert self._plain is not None  # noqa: S101 - between enter and exit it is there
        if scenario.is_https:
            run = self._run
            return open_endpoint(self._own, scenario, run.contract, run.key, self._certificates, self._gallery)
        play(self._plain, scenario)
        return Endpoint(self._plain, self._plain.url)

    def _sent(self) -> tuple[Sent, ...]:
        return self._endpoint.sent if self._endpoint else ()

    def _settle(self, said: Json) -> None:
        """Judge the drill that is on, if one is."""
        scenario, endpoint = self._scenario, self._endpoint
        if scenario is None or endpoint is None:
            return
        self._scenario = self._endpoint = None
        seen = Seen(self._ending(said, endpoint), tuple(map(sent_of, endpoint.mock.entries)), endpoint.connections)
        self._own.close()
        self._own = ExitStack()
        self._run.enter(scenario, seen)
        if scenario is self._run.planned[0]:
            self._failed = self._run.reason = control_failed(seen)

    def _ending(self, said: Json, endpoint: Endpoint) -> Ending:
        outcome = said.get("outcome")
        succeeded = None if outcome is None else outcome == "success"
        limit = self._run.options.timeout + grace(self._run.options.timeout)
        sent = endpoint.sent
        stopped = "requests" if len(sent) > MOST_REQUESTS else ""
        if any((request.ended or time.time()) - request.at > limit for request in sent):
            stopped = "time"
        return Ending(time.time() - self._began, None, succeeded, said.get("output", ""), stopped)

    def _leave_rest(self, reason: Text) -> None:
        for scenario in self._waiting:
            self._run.book.leave(scenario, Verdict.UNTESTABLE, reason)
        self._waiting = []
