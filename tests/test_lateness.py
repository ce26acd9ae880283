"""Slots that come back late are told from slots that others have, by requests one after the other."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from biztoken import contract
from biztoken.client import Request
from biztoken.lateness import PAUSES, ROUNDS, late_slots
from biztoken.ledger import Ledger
from biztoken.model import Exchange, Reply

LIMIT = 3
TAKES = 0.005  # seconds of one request
REQUEST = Request(())
CONTRACT = contract.load()


class Endpoint:
    """A target with LIMIT slots and a clock of its own. `held`: seconds that a slot is kept after its reply."""

    def __init__(self, held: float = 0.0, others: Callable[[int], int] = lambda _number: 0) -> None:
        self.target = SimpleNamespace(concurrency_limit=LIMIT)
        self.now, self.sent, self.waited = 0.0, 0, 0.0
        self._held, self._others = held, others
        self._taken: list[float] = []  # until when each slot is taken

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.waited += seconds

    def send(self, _request: Request, *, case: str, role: str) -> Exchange:
        assert (case, role) == ("some-case", "probe")
        self.sent += 1
        self._taken = [until for until in self._taken if until > self.now]
        is_free = len(self._taken) + self._others(self.sent) < LIMIT
        payload = {"biz_token": f"t{self.sent}"} if is_free else {"error": "CONCURRENCY_LIMIT_EXCEEDED"}
        began, self.now = self.now, self.now + TAKES
        if is_free:
            self._taken.append(self.now + self._held)
        body = json.dumps({"request_id": f"r{self.sent}", "time_used": 1, **payload}).encode()
        reply = Reply(200 if is_free else 403, (), body)
        return Exchange(self.sent, (), 0, began, self.now, reply)


def refusals(endpoint: Endpoint) -> list[Exchange]:
    """What is found at an endpoint."""
    return late_slots(endpoint, Ledger(CONTRACT), REQUEST, "some-case")  # type: ignore[arg-type]


@pytest.mark.parametrize("held", [0.1, 0.9, 3.0])
def test_slots_that_are_kept_after_the_reply_are_found(held: float) -> None:
    """Each round has as many served as there are slots, then a refusal."""
    endpoint = Endpoint(held)

    found = refusals(endpoint)

    assert len(found) == ROUNDS
    assert endpoint.sent >= ROUNDS * (LIMIT + 1)


def test_no_request_is_refused_where_slots_come_back_with_replies() -> None:
    """The first round is enough, and no longer than twice the limit."""
    endpoint = Endpoint()

    assert refusals(endpoint) == []
    assert endpoint.sent == 2 * LIMIT + 1


def test_others_that_take_slots_for_a_while_are_not_charged() -> None:
    """Where others have all slots now and then, some round is refused before the limit, or not at all."""
    endpoint = Endpoint(others=lambda number: LIMIT if number % 7 in (3, 4) else 0)

    assert refusals(endpoint) == []


def test_target_that_never_serves_after_a_pause_tells_nothing() -> None:
    """What is refused after each pause may be used by others all the time."""
    endpoint = Endpoint(others=lambda _number: LIMIT)

    assert refusals(endpoint) == []
    assert endpoint.sent == len(PAUSES)
    assert endpoint.waited == sum(PAUSES)


def test_unknown_limit_tells_nothing() -> None:
    """Without the number of slots nobody can say that all of them were taken by these requests."""
    endpoint = Endpoint(held=1.0)
    endpoint.target.concurrency_limit = None

    assert refusals(endpoint) == []
    assert endpoint.sent == 0


def test_one_served_late_round_does_not_count() -> None:
    """A single round without a refusal clears the target: others were there in those before."""
    endpoint = Endpoint(held=0.9)
    plain_wait, rounds = endpoint.wait, []

    def wait(seconds: float) -> None:
        rounds.append(seconds)
        if len(rounds) == ROUNDS:
            endpoint._held = 0.0
        plain_wait(seconds)

    endpoint.wait = wait  # type: ignore[method-assign]

    assert refusals(endpoint) == []
