"""What a generator sends is judged and counted, all of it, though several replies at a time."""

from __future__ import annotations

import time
from types import SimpleNamespace

import gevent
import pytest
from gevent.event import Event
from load_targets import REFUSAL, counting

from biztoken.embedded import mock_target
from biztoken.load import rig as module
from biztoken.load.calibration import SECONDS
from biztoken.load.guard import Ceilings
from biztoken.load.profile import read
from biztoken.load.replies import Inspector
from biztoken.load.rig import PULSE, Plan, Rig

MANY = 8


@pytest.fixture
def started():
    """Starts a rig at a target; what it reports and what it tells of each request come back with it."""
    made = []

    def start(url: str) -> tuple[Rig, list, list]:
        reports, told = [], []
        rig = Rig(mock_target(url), Ceilings(), on_request=lambda *row: told.append((row[1], row[4])))
        made.append(rig)
        rig.prepare(Plan(read("smoke"), "a run"), reports.append, lambda: 1.0)
        return rig, reports, told

    yield start
    for rig in made:
        rig.halt()
        rig.close()


def send_many(rig: Rig) -> list[str]:
    """What `send` says of as many requests at once."""

    def one() -> str:
        connection = rig.seat().connection
        try:
            return rig.send(connection)
        finally:
            connection.close()

    return [greenlet.get(timeout=10) for greenlet in [gevent.spawn(one) for _ in range(MANY)]]


def counts(report: dict) -> dict[str, int]:
    """The outcomes of a report."""
    found: dict[str, int] = {}
    for row in report["rows"]:
        for name, pairs in row["outcomes"].items():
            found[name] = found.get(name, 0) + sum(pairs[1::2])
    return found


def test_acceptances_are_judged_at_the_next_look_at_the_loop(started):
    """They keep no user waiting, and each is told of before a report asks for it."""
    with counting() as target:
        rig, reports, told = started(target.url)
        outcomes = send_many(rig)
        before = list(told)
        beating = gevent.spawn(rig._beat)
        with gevent.Timeout(10):
            while len(told) < MANY:
                gevent.sleep(PULSE)
        judged = list(told)
        rig.over.set()
        beating.join(10)
        rig._report(is_last=True)

    assert (outcomes, before) == ([""] * MANY, [])
    assert judged == told == [("200", ())] * MANY
    assert counts(reports[0]) == {"200": MANY}
    assert reports[0]["tokens"]["seen"] == MANY


def test_nothing_waits_for_a_user_that_is_gone(started):
    """Plain locust counts up once its users are stopped."""
    with counting() as target:
        rig, _, told = started(target.url)
        seat = rig.seat()
        rig.send(seat.connection)
        rig.leave(seat)

    assert told == [("200", ())]


def test_a_user_may_go_before_there_is_anything_to_judge():
    """A run that is given up before its plan has come."""
    rig = Rig(mock_target("http://127.0.0.1:1"), Ceilings())
    rig.leave(rig.seat())

    assert rig._ended == []


def test_the_time_that_judging_takes_is_lag(started, monkeypatch):
    """What keeps the loop from its requests is told, also where it is done by whom watches the loop."""
    with counting() as target:
        rig, _, _ = started(target.url)
    ahead, lags = [0.0], []
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + ahead[0], process_time=time.process_time)
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(rig, "_judge", lambda: ahead.append(ahead.pop() + 3))
    monkeypatch.setattr(rig.meter, "pulse", lambda _moment, lag_us: lags.append(lag_us) or rig.over.set())
    with gevent.Timeout(10):
        rig._beat()

    assert len(lags) == 1
    assert lags[0] >= 3_000_000


def test_replies_are_judged_under_plain_locust_too(started):
    """Where no report is asked for, and no user has gone."""
    with counting() as target:
        rig, _, told = started(target.url)
        forgetting = gevent.spawn(rig.forget)
        connection = rig.seat().connection
        rig.send(connection)
        with gevent.Timeout(10):
            while not told:
                gevent.sleep(PULSE)
        forgetting.kill()
        connection.close()

    assert told == [("200", ())]


def test_calibration_judges_what_it_counts(started, monkeypatch):
    """Else a generator would be called faster than it is; a last portion that is not whole may be left."""
    looked = []
    look = Inspector.look
    monkeypatch.setattr(Inspector, "look", lambda self, several: looked.append(len(several)) or look(self, several))
    with counting() as target:
        rig, _, _ = started(target.url)
        made = round(rig.calibrated() * SECONDS)

    assert made >= module.TOGETHER
    assert made - module.TOGETHER < sum(looked) <= made


def test_many_acceptances_are_not_kept_for_the_next_look(started, monkeypatch):
    """So many at once are judged by whom the last one came to: what is kept stays small."""
    monkeypatch.setattr(module, "TOGETHER", MANY // 2)
    with counting() as target:
        rig, _, told = started(target.url)
        send_many(rig)

    assert told == [("200", ())] * MANY
    assert rig._ended == []


def test_a_listener_that_waits_keeps_nothing_from_a_report(started, monkeypatch):
    """A report that is asked for meanwhile has all that was judged."""
    with counting() as target:
        rig, reports, _ = started(target.url)
        send_many(rig)
        heard = Event()
        monkeypatch.setattr(rig, "_on_request", lambda *_: heard.wait(10))
        judging = gevent.spawn(rig._judge)
        gevent.sleep(0)
        rig._report(is_last=True)
        heard.set()
        judging.join(10)

    assert counts(reports[0]) == {"200": MANY}


def test_nothing_that_ended_is_missing_from_a_report(started):
    """What has ended is judged before it is told, whether or not the loop was looked at since."""
    with counting() as target:
        rig, reports, _ = started(target.url)
        connection = rig.seat().connection
        rig.send(connection)
        rig._report(is_last=True)  # before the loop runs again
        connection.close()

    assert counts(reports[0]) == {"200": 1}
    assert sum(row["sent"] for row in reports[0]["rows"]) == 1


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [(lambda *_: (403, REFUSAL), "403 CONCURRENCY_LIMIT_EXCEEDED"), (lambda *_: "close", "closed")],
)
def test_a_refusal_is_known_at_once(started, answer, outcome):
    """Its user pauses."""
    with counting(answer) as target:
        rig, reports, _ = started(target.url)
        connection = rig.seat().connection
        assert rig.send(connection) == outcome
        rig._report(is_last=True)
        connection.close()

    assert counts(reports[0]) == {outcome: 1}


def test_the_same_token_twice_at_once_is_found(started):
    """Replies that are judged together are compared with each other."""
    with counting(lambda *_: (200, {"biz_token": "always"})) as target:
        rig, reports, told = started(target.url)
        send_many(rig)
        rig._report(is_last=True)

    assert told.count(("200", ())) == 1
    assert [clause for _, (clause,) in sorted(told)[1:]] == ["BIZ-TOKEN-UNIQUE"] * (MANY - 1)
    (finding,) = reports[0]["findings"]
    assert (finding["clause"], finding["count"]) == ("BIZ-TOKEN-UNIQUE", MANY - 1)


@pytest.mark.parametrize("has_descriptor", [True, False])
def test_no_arrival_is_early(has_descriptor):
    """Also where the loop has no descriptor to sleep on."""
    rig = Rig(mock_target("http://127.0.0.1:1"), Ceilings())
    if not has_descriptor:
        rig._loop = None
    for due in (rig.now() + 0.0003, rig.now() + 0.02, rig.now() - 1):
        rig._wait_until(due)
        assert rig.now() >= due


def test_halt_ends_the_wait_for_an_arrival():
    """What is due in ten minutes keeps nobody."""
    rig = Rig(mock_target("http://127.0.0.1:1"), Ceilings())
    gevent.spawn(rig.halt)
    rig._wait_until(600)

    assert rig.halted.is_set()
    assert rig.now() < 600
