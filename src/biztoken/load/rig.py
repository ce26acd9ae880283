"""One generator: makes requests, sends them when they are due, judges and counts every reply.

It runs in a locust process, alone or as one of several workers. What it sends when comes as a plan; without one, as
under plain locust, each user sends one request after the other.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from random import Random

import gevent
from gevent.event import Event
from gevent.monkey import get_original

from biztoken import contract as contracts
from biztoken.errors import HarnessError
from biztoken.load.calibration import AT_ONCE, SECONDS, Sink
from biztoken.load.conditions import REFUSED, WITHOUT_REPLY
from biztoken.load.connection import Connection, Habits
from biztoken.load.forge import Forge
from biztoken.load.guard import Ceilings
from biztoken.load.measure import Meter
from biztoken.load.profile import Profile
from biztoken.load.replies import Inspector, Sent
from biztoken.load.schedule import Gate, Timeline, own_arrivals
from biztoken.load.scrutiny import Scrutiny
from biztoken.model import Json
from biztoken.settings import Target
from biztoken.wire import Endpoint

FINE = 0.001  # seconds to which the loop wakes; the last before an arrival is waited for more finely
MOMENT = 0.1  # seconds that a task of locust lasts, and the request that is under way then
PULSE = 0.01  # seconds between two looks at how late the loop is
TOGETHER = 64  # replies that are judged at once, if so many came since the last look: that takes half a millisecond
DISPATCHED = 1.0  # seconds within which what could not be sent is counted: it is there at once
FINISHED = 0.05  # seconds after a second's end when it is told: what ended in it has been counted
_select = get_original("select", "select")


@dataclass(frozen=True, slots=True)
class Plan:
    """What one of `count` workers does in this run. `spent`: requests that were sent to the target before."""

    profile: Profile
    run: str
    seed: int = 0
    index: int = 0
    count: int = 1
    spent: int = 0


class Seat:
    """A user's place: its number in this process and its connection."""

    def __init__(self, number: int, connection: Connection) -> None:
        self.number = number
        self.connection = connection


class Rig:
    """Sends what a plan says: `prepare`, `go`. `halt` ends it early; `over` is set once nothing is sent or awaited.

    `on_request` is told of each request: kind, outcome, milliseconds, bytes of the reply, clauses broken.
    """

    def __init__(
        self,
        target: Target,
        ceilings: Ceilings,
        *,
        seed: int = 0,
        contract: Path | None = None,
        on_request: Callable[[str, str, float, int, tuple[str, ...]], None] = lambda *_: None,
    ) -> None:
        self.target = target
        self._endpoint = Endpoint(target.url, target.timeout, target.cacert, target.proxy)
        self.meter = Meter()
        self.plan: Plan | None = None
        # At the plan's end no user begins a request any more; what was due before is still sent, unless it was halted.
        self.has_begun, self.stopping, self.halted, self.over = Event(), Event(), Event(), Event()
        self.told = Event()  # the last report was sent
        self._dispatched = Event()  # no arrival is left to be sent
        self._dispatched.set()
        self._habits = Habits()
        self._timeline = Timeline(())
        self._ceilings, self._gate = ceilings, Gate(ceilings.rate, ceilings.requests)
        self._seed, self.contract = seed, contract
        self._on_request = on_request
        self._is_equipped = False
        self._is_spent = False  # whether the ceiling of requests was met
        self._seats, self._ids = count(), count(1)
        # Not yet judged: exchange, kind, when it ended, seconds since it was due.
        self._ended: list[tuple[Sent, str, float, float]] = []
        self._zero = time.monotonic()
        self._loop = gevent.get_hub().loop.fileno()  # readable once it has something to do; None where there is none
        self._rng = Random(f"jitter/{seed}")

    # --- the run

    def equip(self, profile: Profile, run: str, index: int = 0, count: int = 1) -> None:
        """Make what requests are made of and judged by."""
        self._back_off = profile.back_off
        self._forge = Forge(
            self.target,
            self._endpoint,
            profile,
            seed=self._seed,
            run=run,
            index=index,
            count=count,
            contract=self.contract,
        )
        self.scrutiny = Scrutiny(self.target, seed=self._seed, contract=self.contract, tells_tokens=count > 1)
        self._is_equipped = True

    def prepare(self, plan: Plan, send: Callable[[Json], None], memory: Callable[[], float]) -> None:
        """Take a plan; nothing is sent before `go`. `send` takes reports, `memory` tells of this process in MB."""
        self.plan, self._timeline = plan, Timeline(plan.profile.stages)
        self.meter = Meter(by_tenths=plan.profile.analysis == "spike")
        self._seed = plan.seed
        ceilings = self._ceilings.less(plan.spent).share(plan.index, plan.count)
        self._gate = Gate(ceilings.rate, ceilings.requests)
        self._rng = Random(f"jitter/{plan.seed}/{plan.index}")
        self.equip(plan.profile, plan.run, plan.index, plan.count)
        self._send_report, self._memory = send, memory

    def calibrated(self) -> float:
        """How many requests a second this generator makes, found on loopback with what it is equipped with."""
        _, template = self._forge.next()
        sink = Sink(template.size)
        inspector = Inspector(contracts.load(self.contract))
        endpoint = Endpoint(f"http://127.0.0.1:{sink.port}/")
        began, number = time.monotonic(), count(1)
        ended: list[Sent] = []

        def keep_asking() -> int:
            connection, done = Connection(endpoint), 0
            while (start := time.monotonic()) - began < SECONDS:
                data, stamp = template.bytes(), template.stamp
                reply = connection.exchange(data)
                ended.append(Sent(next(number), template, stamp, start, time.monotonic(), reply))
                if len(ended) == TOGETHER:
                    inspector.look(ended)
                    ended.clear()
                done += 1
            connection.close()
            return done

        try:
            asking = [gevent.spawn(keep_asking) for _ in range(AT_ONCE)]
            return float(sum(greenlet.get() for greenlet in asking)) / SECONDS
        finally:
            sink.close()

    def go(self) -> None:
        """Begin: this moment is second 0."""
        assert self.plan is not None  # noqa: S101 - prepared before
        self._zero = time.monotonic()
        for watch in (self._lead, self._beat, self._tell):
            gevent.spawn(watch)
        self.has_begun.set()

    def now(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._zero

    def halt(self) -> None:
        """Send nothing more; what is under way is waited for."""
        self.stopping.set()
        self.halted.set()

    def _lead(self) -> None:
        """Wait for the end of the plan, or a stop; then for the requests that are under way, but not for ever."""
        plan = self.plan
        assert plan is not None  # noqa: S101 - prepared before
        self.stopping.wait(self._timeline.seconds - self.now())
        self.stopping.set()
        deadline = time.monotonic() + plan.profile.drain
        while (self.meter.in_flight or not self._dispatched.is_set()) and time.monotonic() < deadline:
            gevent.sleep(PULSE)
        self.halt()
        self._dispatched.wait(DISPATCHED)  # what was due and is not sent is counted there
        self.over.set()

    def _beat(self) -> None:
        """Watch how late this loop is and, by whole seconds, how busy the processor, until the end."""
        before, spent = time.monotonic(), time.process_time()
        while not self.over.is_set():
            began = time.monotonic()
            gevent.sleep(PULSE)
            self._judge()  # before the clock is read: while replies are judged nothing is sent or read
            now = time.monotonic()
            self.meter.pulse(now - self._zero, round((now - began - PULSE) * 1e6))
            if int(now - self._zero) > int(before - self._zero):
                used = time.process_time()
                self.meter.load(before - self._zero, (used - spent) / (now - before))
                before, spent = now, used

    def _tell(self) -> None:
        """Report each second once it is over, and at the end what is left."""
        second = 1
        while not self.over.wait(second + FINISHED - self.now()):
            self._report(is_last=False)
            second = int(self.now()) + 1
        self._report(is_last=True)
        self.told.set()

    def _report(self, *, is_last: bool) -> None:
        self._judge()
        rows = self.meter.take(self.now(), all_of_them=is_last)
        told = {"rows": rows, "memory_mb": self._memory(), "spent": self._is_spent, "last": is_last}
        self._send_report(told | self.scrutiny.told())

    # --- what users do

    def seat(self) -> Seat:
        """A place for one more user."""
        return Seat(next(self._seats), self._connection())

    def leave(self, seat: Seat) -> None:
        """A user goes: what it did is judged before anybody counts up."""
        seat.connection.close()
        self._judge()

    def _connection(self) -> Connection:
        return Connection(self._endpoint, self._habits, self._sends_again)

    def _sends_again(self) -> bool:
        """Whether a request may be put on the wire once more: it counts for the ceilings as another one does."""
        if not self._passes(self.halted):
            return False
        self.meter.resend(self.now())
        return True

    def serve(self, seat: Seat) -> None:
        """Do the next thing of a user: send a request, or wait until it is its turn."""
        if self.plan is None:
            if self.halted.is_set():
                self._rest()
            self._ask(seat)
            return
        self.has_begun.wait()
        if self.stopping.is_set():
            self._rest()
        elif self.plan.profile.is_open:
            self._dispatch(seat)
        else:
            self._take_turn(seat)

    def _rest(self) -> None:
        """Nothing more is to be done: wait for locust to end this user."""
        Event().wait()

    def _take_turn(self, seat: Seat) -> None:
        plan = self.plan
        assert plan is not None  # noqa: S101 - looked at before
        timeline, now = self._timeline, self.now()
        if seat.number < timeline.in_flight(now, plan.index, plan.count):
            self._ask(seat)
        else:
            self.stopping.wait(max(timeline.next_change(now) - now, 0))

    def _ask(self, seat: Seat) -> None:
        """One request of a user who waits for its reply; after a refusal for concurrency, or none, it pauses."""
        if not self._passes(self.stopping):
            return
        outcome = self.send(seat.connection)
        if outcome and (REFUSED in outcome or outcome in WITHOUT_REPLY):
            # Never at once: one user too many, or a target that is gone, would be asked thousands of times a second.
            self.stopping.wait(self._back_off * self._rng.uniform(0.5, 1.5))

    def _dispatch(self, seat: Seat) -> None:
        """Send every arrival of this worker at its time, answered or not what went before.

        Where `most_in_flight` are under way an arrival waits for one of them to end. It is due all the same, and told
        where it is never sent: so a target that hangs cannot hide by taking nothing more.
        """
        plan = self.plan
        assert plan is not None  # noqa: S101 - looked at before
        if seat.number:
            self._rest()
        profile = plan.profile
        self._dispatched.clear()
        idle, waiting = [seat.connection], deque[float]()
        free, owed = profile.most_in_flight, 0  # how many more may be in flight; how many are due and not begun
        is_halted = False

        def arrive(due: float | None) -> None:
            nonlocal free, owed
            connection = idle.pop() if idle else self._connection()
            try:
                while due is not None:
                    owed -= 1
                    self.send(connection, due)
                    due = waiting.popleft() if waiting else None
                    if due is not None and not self._passes(self.halted):
                        return
            finally:
                idle.append(connection)
                free += 1

        for due in own_arrivals(profile.stages, profile.arrivals, plan.seed, plan.index, plan.count):
            if not is_halted:
                self._wait_until(due)
            is_halted = is_halted or self.halted.is_set()
            if is_halted and due > self.now():
                break
            self.meter.due(due)
            if is_halted:
                continue
            owed += 1
            if not free or waiting:
                waiting.append(due)
            elif self._passes(self.halted):
                free -= 1
                gevent.spawn(arrive, due)
        while owed and not self.halted.wait(PULSE):
            pass
        self._dispatched.set()
        self._rest()

    def _wait_until(self, due: float) -> None:
        """Wait for a moment, or a halt; to the tenth of a millisecond where arrivals are not dense.

        Latencies count from that moment. To look at the clock until it is there would keep a processor from a target
        on this machine, so this sleeps, and a reply wakes it.
        """
        self.halted.wait(max(0.0, due - self.now() - FINE))
        while (left := due - self.now()) > 0 and not self.halted.is_set():
            if self._loop is not None:
                _select([self._loop], [], [], left)
            gevent.sleep(0)

    def _passes(self, unless: Event) -> bool:
        """Whether one more request may be sent, once the ceilings let it, unless `unless` is set; the last halts it."""
        while (pause := self._gate.wait(time.monotonic())) > 0:
            began = self.now()
            is_over = unless.wait(pause)
            self.meter.hold(self.now(), self.now() - began)
            if is_over:
                return False
        if self._gate.take():
            return True
        self._is_spent = True
        self.halt()
        return False

    # --- one request

    def send(self, connection: Connection, due: float | None = None) -> str:
        """Send one request; latency counts from when it was due. Returns the outcome, empty where it is yet to be told.

        A reply that looks like an acceptance delays nobody, so it is judged with the others that came since the last
        look at the loop, or once they are `TOGETHER`: in a row they cost half as much as each between two exchanges.
        """
        kind, template = self._forge.next()
        data, stamp = template.bytes(), template.stamp  # together: the next to make a request makes another
        began = time.monotonic()
        start = began - self._zero
        self.meter.begin(start, None if due is None else max(0, round((start - due) * 1e6)))
        reply, failure = None, None
        try:
            reply = connection.exchange(data)
        except HarnessError as problem:
            failure = f"{problem.reason}: {problem}"
        ended = time.monotonic()
        end = ended - self._zero
        self.meter.end(end)
        sent = Sent(next(self._ids), template, stamp, began, ended, reply, failure)
        self._ended.append((sent, kind, end, end - (start if due is None else due)))
        if reply is None or reply.status != 200:
            return self._judge()
        if len(self._ended) >= TOGETHER:
            self._judge()
        return ""

    def _judge(self) -> str:
        """Judge and count what has ended; returns the last outcome."""
        if not self._ended:
            return ""
        ended, self._ended = self._ended, []
        found = self.scrutiny.look([sent for sent, *_ in ended])
        for (sent, _, end, waited), seen in zip(ended, found, strict=True):
            self.meter.count(end, seen.outcome, round(waited * 1e6), answered=sent.reply is not None)
        # After that: who is told may wait for something, and a report must not miss what is not yet counted.
        for (sent, kind, _, waited), (outcome, findings) in zip(ended, found, strict=True):
            clauses = tuple([finding.clause for finding in findings]) if findings else ()
            self._on_request(kind, outcome, waited * 1000, len(sent.reply.body) if sent.reply else 0, clauses)
        return found[-1].outcome

    # --- its end

    def close(self) -> None:
        """Leave nothing on disk."""
        if self._is_equipped:
            self.scrutiny.close()

    def forget(self) -> None:
        """Under plain locust nobody asks what was counted: what is told to nobody is not kept."""
        while True:
            for _ in range(int(1 / PULSE)):
                gevent.sleep(PULSE)
                self._judge()
            self.meter.take(self.now())
            self.scrutiny.told()
