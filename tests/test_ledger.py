"""What a run remembers of its replies: each is looked at, and what must be unique is."""

from __future__ import annotations

import json

import pytest

from biztoken import contract
from biztoken.ledger import Ledger
from biztoken.model import Exchange, Reply

CONTRACT = contract.load()
SUCCESS = {"request_id": "1531397037,a", "time_used": 0, "biz_token": "1531397038,b"}


def exchange(number: int, status: int, payload: dict[str, object]) -> Exchange:
    """An exchange with this reply."""
    reply = Reply(status, (), json.dumps(payload).encode())
    return Exchange(number, form=(), sent_bytes=0, started=0.0, ended=0.005, reply=reply)


def charged(*exchanges: Exchange) -> set[str]:
    """The clauses charged by replies to requests of which the contract is silent."""
    ledger = Ledger(CONTRACT)
    for one in exchanges:
        ledger.look(one, "odd", judged=False)
    return {charge.finding.clause for charge in ledger.tally.charges.values()}


def test_token_granted_to_an_odd_request_is_new() -> None:
    """Whether it is accepted is open; what acceptance is, is not."""
    second = SUCCESS | {"request_id": "1531397037,c"}

    assert charged(exchange(1, 200, SUCCESS), exchange(2, 200, second)) == {"BIZ-TOKEN-UNIQUE"}


@pytest.mark.parametrize(
    ("status", "payload"),
    [
        (200, SUCCESS),
        (200, {"note": "a page of another API"}),
        (400, {"error": "whatever", "biz_token": "1531397038,b"}),
        (405, {}),
    ],
)
def test_refusal_of_an_odd_request_is_not_judged(status: int, payload: dict[str, object]) -> None:
    """Nor is a reply that grants nothing."""
    assert charged(exchange(1, status, payload)) == set()
