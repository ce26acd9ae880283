"""One run as the command sees it: messages in, conditions and findings out."""

import base64
import json

import pytest
from judging import success

from biztoken.contract import load
from biztoken.embedded import mock_target
from biztoken.errors import UserError
from biztoken.load.guard import Ceilings
from biztoken.load.options import hold_same
from biztoken.load.profile import make, read
from biztoken.load.run import LoadRun
from biztoken.load.scrutiny import Scrutiny
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


def row(t, *, whole=True, **outcomes):
    """A second of a worker: so many requests of each outcome, all of 10 ms."""
    return {
        "t": t,
        "whole": whole,
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
        "tenths": [],
    }


def report(worker, *rows, findings=(), tokens=NO_TOKENS, last=False, spent=False):
    """What a worker tells."""
    told = {
        "rows": list(rows),
        "findings": list(findings),
        "kept": {"JSON-BODY": 3},
        "tokens": tokens,
        "request_ids": NO_TOKENS,
    }
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
    run.take(report("2", row(0, **{"200": 5}), row(1, whole=False, **{"200": 1}) | {"sent": 3}))
    run.take({"lost": "2"})
    run.take(report("1", row(1, **{"200": 5}), last=True))
    run.take(report("2", row(1, **{"200": 5}), last=True))

    assert (run.book.sent, run.book.answered, run.book.in_flight) == (18, 16, 2)
    assert [(row["sent"], row["answered"]) for row in run.book.rows] == [(10, 10), (8, 6)]
    assert "Of 2 requests that it had begun by then the end is not known" in run.notes[0].en
    assert {worker: share.state for worker, share in run.book.shares.items()} == {"1": "finished", "2": "lost"}
    assert "Worker 2 was lost" in run.notes[0].en


def test_equal_hashes_alone_prove_nothing(run):
    """A token counts as repeated only when two workers have stored the same one."""
    numbers = [hash_of(b"same"), hash_of(b"other")]
    fresh = base64.b64encode(b"".join(number.to_bytes(8, "little") for number in numbers)).decode()
    for worker in ("1", "2"):
        run.take(report(worker, tokens=NO_TOKENS | {"seen": 2, "bytes": 20, "fresh": fresh}, last=True))
    run.take({"told": ["1", "2"]})
    assert run.suspects == {"tokens": set(numbers), "request_ids": set()}
    assert run.unshown["tokens"] == set(numbers)
    run.take({"shown": {"kind": "tokens", "records": [{"id": 1}]}, "worker": "1"})
    run.take({"shown": {"kind": "tokens", "records": [{"id": 1}]}, "worker": "2"})
    assert run.awaits_stored

    run.take({"stored": {"tokens": [[numbers[0], ["same"]], [numbers[1], ["other"]]]}, "worker": "1"})
    assert run.awaits_stored
    other = [numbers[1], ["another, by chance of the same hash"]]
    run.take({"stored": {"tokens": [[numbers[0], ["same"]], other]}, "worker": "2"})
    run.confirm()

    assert not run.awaits_stored
    assert run.tokens()["repeated"] == 1
    (charge,) = run.tally.charges.values()
    assert (charge.finding.clause, charge.count, charge.exchanges) == ("BIZ-TOKEN-UNIQUE", 1, (1, 2))


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


def test_run_without_any_worker_left_is_incomplete(run):
    """What was seen until then may be sound; how the rest would have been nobody knows."""
    for worker in ("1", "2"):
        run.take(report(worker, row(0, **{"200": 500})))
    for worker in ("1", "2"):
        run.take({"lost": worker})
    run.take({"told": []})

    assert "Every worker was lost" in run.interrupted.en
    assert "48 % of what the profile asks for" in run.notes[0].en


def test_worker_that_ends_early_is_told(run):
    """It was interrupted where it runs: nothing is lost, and the load was lower from then on."""
    for t in range(20):
        run.take(report("1", row(t, **{"200": 5}), last=t == 19))
    run.take(report("2", row(0, **{"200": 5}), last=True))

    assert ["Worker 2 ended early, in second 1" in note.en for note in run.notes] == [True]


def test_worker_that_cannot_begin_says_why(run):
    """The sentence is that of the mistake; of another machine with its name."""
    problem = {"what": "pictures", "en": "give a JPEG", "zh": "请给出 JPEG"}
    with pytest.raises(UserError, match="worker 2: pictures: give a JPEG"):
        run.take({"ready": {"error": problem}, "worker": "2"})
    with pytest.raises(UserError, match=r"^pictures: give a JPEG"):
        run.take({"ready": {"error": problem}, "worker": "local"})


def test_nothing_is_stopped_before_it_begins():
    """A rate of nothing is no low rate."""
    run = LoadRun(
        make(read("steady").as_data() | {"stop_when": ["rate < 5"]}, "own"), CONTRACT, Ceilings(), strict=False
    )
    run.take({"workers": ["1"]})
    assert run.condition_met() is None
    run.take({"go": True})
    run.take(report("1", *(row(t, **{"200": 1}) for t in range(4))))
    assert run.condition_met() is None
    run.take(report("1", row(4, **{"200": 1})))
    assert "rate < 5" in run.condition_met().en


def test_suspects_that_nobody_could_compare_are_told(run):
    """They are neither counted as new nor as repeated."""
    run.take(report("1", tokens=NO_TOKENS | {"seen": 9, "bytes": 90, "unconfirmed": 4}, last=True))
    run.confirm()

    assert "4 replies whose biz_token may have come before" in run.notes[-1].en


def test_worker_holds_itself_to_the_master():
    """Another target, contract or version there would be told as this one's."""
    here = {"url": "http://a/x", "contract": "1.0.1", "version": "1"}
    hold_same(here, here)
    for name, value in here.items():
        with pytest.raises(UserError, match=f"^{name} {value}: the master has other"):
            hold_same(here, here | {name: "other"})


@pytest.fixture
def scrutiny():
    """A generator's look at the replies of a mock."""
    made = Scrutiny(mock_target("http://127.0.0.1:1/x"), seed=0, contract=None, tells_tokens=True)
    yield made
    made.close()


def test_repeated_request_id_is_a_finding_with_both_exchanges(scrutiny):
    """Under load as in a check, and the earlier exchange stands beside the later one."""
    scrutiny.look([success(request_id="a", biz_token="1")])
    scrutiny.look([success(request_id="b", biz_token="2")])
    scrutiny.look([success(request_id="a", biz_token="3")])

    (finding,) = scrutiny.told()["findings"]
    assert finding["clause"] == "REQUEST-ID-UNIQUE"
    assert [json.loads(record["reply"]["body"])["request_id"] for record in finding["records"]] == ["a", "a"]


def test_exchanges_behind_hashes_are_shown(scrutiny):
    """So that a token told to two workers has the exchanges of both."""
    for number in range(3):
        scrutiny.look([success(request_id=f"r{number}", biz_token=f"t{number}")])

    (record,) = scrutiny.shown("tokens", [hash_of(b"t1"), hash_of(b"other")])
    assert json.loads(record["reply"]["body"])["request_id"] == "r1"
