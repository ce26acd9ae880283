"""One run as the command sees it: messages in, conditions and findings out."""

import base64

import pytest

from biztoken.contract import load
from biztoken.load.guard import Ceilings
from biztoken.load.profile import read
from biztoken.load.run import LoadRun
from biztoken.load.tokens import hash_of

CONTRACT = load()
FINDING = {
    "clause": "BIZ-TOKEN-PRESENCE",
    "aspect": "missing",
    "expected": "biz_token",
    "received": "no biz_token",
    "folds_to": None,
}
NO_TOKENS = {"seen": 0, "repeated": 0, "unconfirmed": 0, "bytes": 0, "fresh": ""}


def row(t, **outcomes):
    """A second of a worker: so many requests of each outcome, all of 10 ms."""
    return {
        "t": t,
        "offered": 0,
        "sent": sum(outcomes.values()),
        "failed": 0,
        "area": 1.0,
        "outcomes": {name: [10_000, number] for name, number in outcomes.items()},
        "late": [],
        "lag": [],
        "cpu": 0.1,
        "held": 0.0,
        "again": 0,
        "bad": None,
    }


def report(worker, *rows, findings=(), tokens=NO_TOKENS, last=False, spent=False):
    """What a worker tells."""
    told = {"rows": list(rows), "findings": list(findings), "kept": {"JSON-BODY": 3}, "tokens": tokens}
    return {"report": told | {"shortages": 0, "memory_mb": 50.0, "last": last, "spent": spent}, "worker": worker}


@pytest.fixture
def run():
    """A run of two workers that has begun; what is to be kept is in `kept`."""
    kept = []

    def keep(record):
        kept.append(record)
        return len(kept)

    run = LoadRun(read("steady"), CONTRACT, Ceilings(), strict=False)
    run.keep = keep
    for message in ({"workers": ["1", "2"]}, {"ready": {"pace": 1000.0}, "worker": "1"}, {"go": True}):
        run.take(message)
    run.kept = kept
    return run


def test_findings_of_workers_are_one(run):
    """The same finding is counted over all of them, and keeps the exchanges of each."""
    for worker in ("1", "2"):
        told = FINDING | {"count": 7, "records": [{"id": 1}, {"id": 2}]}
        run.take(report(worker, row(0, **{"200": 10}), findings=[told]))

    (charge,) = run.tally.charges.values()
    assert (charge.count, charge.exchanges, run.book.violations) == (14, (1, 2, 3, 4), 14)
    assert run.tally.kept["JSON-BODY"] == 6


def test_broken_should_is_no_violation_unless_strict(run):
    """As in a check, it warns."""
    clause = next(clause.id for clause in CONTRACT.clauses.values() if clause.level == "SHOULD")
    told = FINDING | {"clause": clause, "count": 1, "records": []}
    run.take(report("1", findings=[told]))
    assert run.book.violations == 0

    run.strict = True
    run.take(report("1", findings=[told]))
    assert run.book.violations == 1


def test_condition_to_stop_is_told_once_met(run):
    """And stays, whatever comes after."""
    for worker in ("1", "2"):
        run.take(report(worker, row(0, **{"200": 90, "500": 10})))

    assert "5xx > 5 % (seen 10)" in run.condition_met().en
    for worker in ("1", "2"):
        run.take(report(worker, row(1, **{"200": 900})))
    assert "5xx > 5 %" in run.condition_met().en


def test_lost_worker_is_told(run):
    """The others' rows come through, and its own count as far as it told."""
    run.take(report("1", row(0, **{"200": 5})))
    run.take(report("2", row(0, **{"200": 5})))
    run.take({"lost": "2"})
    run.take(report("1", row(1, **{"200": 5}), last=True))
    run.take(report("2", row(1, **{"200": 5}), last=True))

    assert run.book.sent == 15
    assert {worker: share.state for worker, share in run.book.shares.items()} == {"1": "finished", "2": "lost"}
    assert "Worker 2 was lost" in run.notes[0].en


def test_equal_hashes_alone_prove_nothing(run):
    """A token counts as repeated only when two workers have stored the same one."""
    numbers = [hash_of(b"same"), hash_of(b"other")]
    fresh = base64.b64encode(b"".join(number.to_bytes(8, "little") for number in numbers)).decode()
    for worker in ("1", "2"):
        run.take(report(worker, tokens=NO_TOKENS | {"seen": 2, "bytes": 20, "fresh": fresh}, last=True))
    run.take({"told": ["1", "2"]})
    assert run.suspects == set(numbers)
    assert run.awaits_stored

    run.take({"stored": [[numbers[0], ["same"]], [numbers[1], ["other"]]], "worker": "1"})
    assert run.awaits_stored
    run.take({"stored": [[numbers[0], ["same"]], [numbers[1], ["another, by chance of the same hash"]]], "worker": "2"})
    run.confirm()

    assert not run.awaits_stored
    assert run.tokens()["repeated"] == 1
    assert [(charge.finding.clause, charge.count) for charge in run.tally.charges.values()] == [("BIZ-TOKEN-UNIQUE", 1)]


def test_ceiling_that_was_met_leaves_the_run_incomplete(run):
    """Its reason names the key of the target file."""
    run.ceilings = Ceilings(None, 30)
    run.take(report("1", spent=True))

    assert "max_requests of 30" in run.interrupted.en


def test_n_max_is_of_all_generators(run):
    """By Little's law, at the pace of the target alone."""
    run.take({"ready": {"pace": 500.0}, "worker": "2"})
    assert run.n_max is None
    run.service_ms = 20.0

    assert run.n_max == 30
