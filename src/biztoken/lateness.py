"""Slots that come back late, told from those that others have: requests one after the other, in rounds.

A target that is left alone for a moment has all its slots. One that gives each back with its reply then serves any
number of requests that come one by one. One that gives them back late serves as many as there are slots, and refuses
the next: in every round, and never before.
"""

from __future__ import annotations

from biztoken.client import Client, Request
from biztoken.ledger import Ledger
from biztoken.model import Exchange
from biztoken.reading import read

ROUNDS = 5  # others would have to come with one request too many, and not before, in each
BUSY = "CONCURRENCY_LIMIT_EXCEEDED"
PAUSES = (1.0, 4.0)  # seconds until the first request of a round is served


def late_slots(client: Client, ledger: Ledger, request: Request, case: str) -> list[Exchange]:
    """The refusals that show late slots, one of each round; none where others may use the key.

    `request` is served where it is accepted, and where it is refused for anything but the number in flight.
    """
    limit = client.target.concurrency_limit
    if limit is None:
        return []
    refused: list[Exchange] = []
    for _ in range(ROUNDS):
        exchange = _refused_in_time(client, ledger, request, case, limit)
        if exchange is None:
            return []
        refused.append(exchange)
    return refused


def _refused_in_time(client: Client, ledger: Ledger, request: Request, case: str, limit: int) -> Exchange | None:
    """The first refusal of one round, where it comes after as many requests as there are slots and not long after."""
    pauses, served = iter(PAUSES), 0
    while served <= 2 * limit:
        if not served:
            pause = next(pauses, None)
            if pause is None:
                return None
            client.wait(pause)
        exchange = client.send(request, case=case, role="probe")
        if exchange.reply is None:
            return None
        if read(exchange.reply).name != BUSY:
            ledger.look(exchange, case)
            served += 1
        elif served:
            return exchange if served >= limit else None
    return None
