"""One request shortly after each burst: slots that are not back by then are a finding, one busy moment is none."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from biztoken import contract
from biztoken.ledger import Ledger
from biztoken.model import Exchange, Reply, Verdict

PLAYED = runpy.run_path(str(Path(__file__).resolve().parents[1] / "conformance" / "test_concurrency.py"))
SUCCESS = {"time_used": 0, "biz_token": "1531397038,b"}
BUSY = {"time_used": 0, "error": "CONCURRENCY_LIMIT_EXCEEDED"}


def exchange(number: int, *, busy: bool) -> Exchange:
    """A probe admitted, or refused as one too many."""
    payload = {"request_id": f"1531397037,{number}"} | (BUSY if busy else SUCCESS | {"biz_token": f"t{number}"})
    reply = Reply(403 if busy else 200, (), json.dumps(payload).encode())
    return Exchange(number, form=(), sent_bytes=0, started=0.0, ended=0.005, reply=reply)


@pytest.mark.parametrize(("refused", "verdict"), [(3, Verdict.FAIL), (2, Verdict.PASS), (0, Verdict.PASS)])
def test_slots_that_are_late_after_each_burst_are_found(refused: int, verdict: Verdict) -> None:
    """Three of three is the target's; fewer may be somebody else's requests."""
    (case,) = PLAYED["test_concurrency"].cases(SimpleNamespace(chosen=list))
    names = case.play.__globals__
    probes = iter([exchange(number, busy=number < refused) for number in range(3)])
    ledger = Ledger(contract.load())
    target = SimpleNamespace(concurrency_limit=5, max_in_flight=None, max_rate=None)
    client = SimpleNamespace(target=target, wait=lambda _seconds: None, send=lambda *_, **__: next(probes))
    run = SimpleNamespace(
        client=client, ledger=ledger, result=lambda _case, earned, *_: SimpleNamespace(verdict=earned)
    )
    stubs = {
        "serial_latency": lambda *_: 0.1,
        "heavy": lambda *_: None,
        "confirmed": lambda *_: [],
        "of_the_other_type": lambda *_: (None, 0.1),
        "weigh": lambda *_, **__: True,
        "released": lambda *_: SimpleNamespace(verdict=Verdict.PASS),
    }
    kept = {name: names[name] for name in stubs}
    names.update(stubs)
    try:
        earned = case.play(run, case, None)
    finally:
        names.update(kept)

    charged = {charge.finding.clause for charge in ledger.tally.charges.values()}
    assert earned.verdict is verdict
    assert charged == ({"CONCURRENCY-LIMIT-EXCEEDED-RELEASE"} if refused == 3 else set())
