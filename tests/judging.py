"""What the tests of the judge share: replies in one line, and what they earn."""

import json

from biztoken import contract as contracts
from biztoken.judge import Alternative, Expected, judge
from biztoken.model import Exchange, Reply

CONTRACT = contracts.load()
WAITED_MS = 100.0
SOUND = {"request_id": "1531397037,c1223c5b", "time_used": 18}
TOKEN = {"biz_token": "1531397038,f0b9eea0"}


def exchange(status: int, body: object, form: dict | None = None) -> Exchange:
    """An exchange that took 100 ms; a body that is no bytes is told as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Exchange(1, tuple((form or {}).items()), 900, 0.0, WAITED_MS / 1000, Reply(status, (), data))


def success(status: int = 200, /, *drop: str, form: dict | None = None, **fields: object) -> Exchange:
    """A reply that accepts, with fields dropped and changed."""
    body = {key: value for key, value in (SOUND | TOKEN | fields).items() if key not in drop}
    return exchange(status, body, form)


def failure(status: int, error: object, *drop: str, form: dict | None = None, **fields: object) -> Exchange:
    """A reply that refuses with this error, with fields dropped and changed."""
    body = {key: value for key, value in (SOUND | {"error": error} | fields).items() if key not in drop}
    return exchange(status, body, form)


def accepted(clause: str, *tolerated: str, witness: bool = False) -> Expected:
    """The request is to be accepted."""
    return Expected("accepted", clause, tuple(Alternative(name) for name in tolerated), witness=witness)


def refused(clause: str, *errors: str, own: bool = False, witness: bool = False) -> Expected:
    """The request is to be refused with one of these errors, each `NAME` or `NAME: detail`, or `400` for any."""
    return Expected("refused", clause, tuple(map(alternative, errors)), own=own, witness=witness)


def alternative(text: str) -> Alternative:
    """One legal refusal."""
    name, _, detail = text.partition(": ")
    return Alternative(None, None, int(name)) if name.isdigit() else Alternative(name, detail or None)


def broken(one: Exchange, expected: Expected) -> set[str]:
    """The clauses that an exchange breaks."""
    return {check.clause for check in judge(one, expected, CONTRACT) if check.finding}


def kept(one: Exchange, expected: Expected) -> set[str]:
    """The clauses that an exchange shows kept."""
    return {check.clause for check in judge(one, expected, CONTRACT) if not check.finding}


def findings(one: Exchange, expected: Expected) -> list:
    """The findings of an exchange."""
    return [check.finding for check in judge(one, expected, CONTRACT) if check.finding]
