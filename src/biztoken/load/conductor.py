"""Leads the generators of a run from locust's master, or from the one process that is all of it.

It gives each worker its plan, begins when all are ready, passes on what they tell, and notices those that are lost.
When the last has told everything it says so, and ends locust when the command says so. It decides nothing: the command
does, at the other end of the line.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import gevent
from locust.env import Environment
from locust.rpc import Message
from locust.runners import STATE_MISSING, MasterRunner

from biztoken.load.control import ASK, CONFIRM, END, STOP, Line
from biztoken.model import Json

PLAN, READY, GO, REPORT, HALT = (f"biztoken-{name}" for name in ("plan", "ready", "go", "report", "halt"))
SUSPECTS, STORED = "biztoken-suspects", "biztoken-stored"
SHOW, SHOWN = "biztoken-show", "biztoken-shown"
LOOK = 0.5  # seconds between two looks at who is still there: locust tells of no event
LOCAL = "local"  # as `run` knows it


class Conductor:
    """Speaks to the workers by locust's own messages, and to the command by its line."""

    def __init__(self, environment: Environment, line: Line, plan: Json) -> None:
        assert environment.runner is not None  # noqa: S101 - made before `init` is told of
        self._runner: Any = environment.runner
        self._line = line
        self._plan = plan
        self._waited_for: set[str] = set()
        self._unready: set[str] = set()
        self._present: set[str] = set()
        self._has_begun = False
        self._runner.register_message(READY, self._take_ready)
        self._runner.register_message(REPORT, self._take_report)
        self._runner.register_message(STORED, self._take_stored)
        self._runner.register_message(SHOWN, self._take_shown)

    def begin(self) -> None:
        """Give each worker its share of the plan."""
        workers = list(self._runner.clients) if isinstance(self._runner, MasterRunner) else [LOCAL]
        self._waited_for, self._unready, self._present = set(workers), set(workers), set(workers)
        self._line.tell({"workers": workers})
        for index, worker in enumerate(workers):
            self._tell(PLAN, {"index": index, "count": len(workers), **self._plan}, worker)
        gevent.spawn(self._watch)

    def listen(self, said: Iterable[Json]) -> None:
        """Do what the command says."""
        for value in said:
            if value.get("do") == STOP:
                self._tell_all(HALT, {})
            elif value.get("do") == CONFIRM:
                for worker in self._present:
                    self._tell(SUSPECTS, {"numbers": value["numbers"]}, worker)
            elif value.get("do") == ASK:
                for worker in self._present:
                    self._tell(SHOW, {"kind": value["kind"], "numbers": value["numbers"]}, worker)
            elif value.get("do") == END:
                gevent.spawn(self._runner.quit)

    def _tell(self, kind: str, data: Json, worker: str) -> None:
        self._runner.send_message(kind, data, worker)

    def _tell_all(self, kind: str, data: Json) -> None:
        for worker in list(self._waited_for):
            self._tell(kind, data, worker)

    def _take_ready(self, environment: Environment, msg: Message) -> None:
        self._line.tell({"ready": msg.data, "worker": msg.node_id})
        self._unready.discard(msg.node_id)
        self._go_if_ready()

    def _go_if_ready(self) -> None:
        if not self._unready and not self._has_begun:
            self._has_begun = True
            self._line.tell({"go": True})
            self._tell_all(GO, {})

    def _take_report(self, environment: Environment, msg: Message) -> None:
        if msg.node_id not in self._waited_for:
            return
        self._line.tell({"report": msg.data, "worker": msg.node_id})
        if msg.data["last"]:
            self._done(msg.node_id)

    def _take_stored(self, environment: Environment, msg: Message) -> None:
        self._line.tell({"stored": msg.data["tokens"], "worker": msg.node_id})

    def _take_shown(self, environment: Environment, msg: Message) -> None:
        self._line.tell({"shown": msg.data, "worker": msg.node_id})

    def _watch(self) -> None:
        """Give up workers that locust misses or that left."""
        runner = self._runner
        while self._waited_for and isinstance(runner, MasterRunner):
            gevent.sleep(LOOK)
            for worker in list(self._waited_for):
                node = runner.clients.get(worker)
                if node is None or node.state == STATE_MISSING:
                    self._line.tell({"lost": worker})
                    self._unready.discard(worker)
                    self._present.discard(worker)
                    self._tell(HALT, {}, worker)  # it may only be cut off
                    self._done(worker)
            self._go_if_ready()

    def _done(self, worker: str) -> None:
        self._waited_for.discard(worker)
        if not self._waited_for:
            if isinstance(self._runner, MasterRunner):  # one that was interrupted has told all and left
                self._present &= {name for name, node in self._runner.clients.items() if node.state != STATE_MISSING}
            self._line.tell({"told": sorted(self._present)})
