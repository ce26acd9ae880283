"""Made-up journals for the judge of drills."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from biztoken.contract import load
from biztoken.drill.judging import judge
from biztoken.drill.point import Judgement
from biztoken.drill.scenario import Scenario, scenarios
from biztoken.drill.seen import Connection, Ending, Seen, Sent
from biztoken.received import Received

SECRET = "a-secret-of-a-drill-5f2c"
LIMIT = 60.0
DRILLS: Mapping[str, Scenario] = {scenario.id: scenario for scenario in scenarios(load(), LIMIT)}
TOKEN = {"biz_token": "1,t", "request_id": "1,r", "time_used": 1}
PERSON = {"idcard_name": "欧阳示例", "idcard_number": "990101199003071237"}


def sent(at: float = 0, status: int | None = 200, answer: Any = TOKEN, end: str = "answered", **fields: str) -> Sent:
    """One request that took 10 ms, with a sign of its own unless it gives one."""
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    whole = {"sign": f"sign-made-at-{at}-and-for-nobody-else", **PERSON, **fields}
    received = Received("POST", "/faceid/v3/sdk/get_biz_token", (), b"", at=1e9 + at)
    return Sent(received, whole, 1e9 + at, 1e9 + at + 0.01, end, status, body if status else b"")


def refused(error: str, status: int, at: float = 0, **fields: str) -> Sent:
    """A request that was answered with an error."""
    return sent(at, status, {"error": error, "request_id": "1,r", "time_used": 1}, **fields)


def ended(status: int | None = 1, output: str = "", *, seconds: float = 1, stopped: str = "") -> Ending:
    """The end of a command."""
    return Ending(seconds, status, None if status is None else status == 0, output, stopped)


def judged(drill: str, ending: Ending, *requests: Sent, connections: tuple[Connection, ...] = ()) -> Judgement:
    """What the judge says of a drill."""
    return judge(DRILLS[drill], Seen(ending, requests, connections), SECRET, LIMIT)


def broken(judgement: Judgement) -> set[str]:
    """The clauses that were broken."""
    return {point.clause for point in judgement.points if not point.is_kept}


def kept(judgement: Judgement) -> set[str]:
    """The clauses that were looked at and not broken."""
    return {point.clause for point in judgement.points} - broken(judgement)


def notes(judgement: Judgement) -> list[str]:
    """What was only told."""
    return [text.en for _, text in judgement.notes]
