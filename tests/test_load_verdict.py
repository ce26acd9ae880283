"""What a load earned: conditions, the generator's health, steps, recovery, drift, and the exit code."""

from collections import Counter, deque
from dataclasses import astuple, replace
from heapq import heapify, heappop, heappush
from itertools import count
from random import Random

import pytest
from test_load_profile import Seen, changed

from biztoken.load import profile
from biztoken.load.analysis import drift_of, model_of_steps, recovery_ms
from biztoken.load.book import Book
from biztoken.load.fit import Point, model_of
from biztoken.load.health import Health, alarms, health_of, held_back, holds_at_most, is_shortage
from biztoken.load.measure import Meter
from biztoken.load.profile import Stage
from biztoken.load.schedule import Timeline
from biztoken.load.verdict import Facts, checks, verdict, word
from biztoken.verdicts import Text

LIMITS = {
    "requests_min": 100,
    "p95": "100 ms",
    "violations": 0,
    "failures": {"CONCURRENCY_LIMIT_EXCEEDED": "10 %", "others": 0},
}
PROFILE = profile.make(changed(passing=LIMITS), "own")
WELL = Seen(Counter({"200": 95, "403 CONCURRENCY_LIMIT_EXCEEDED": 5}), p95=80.0)
BUSY = Text("Too busy.", "太忙。")


def earned(seen: Seen, **facts):
    """The exit code and the reason of a run."""
    return verdict(checks(PROFILE, seen), seen, PROFILE, Facts(**facts))


def test_conditions_are_told_in_order():
    """Each has its id, its limit, what was seen and whether it was kept."""
    rows = checks(PROFILE, WELL)

    assert [(row["id"], row["due"], row["seen"], row["kept"]) for row in rows] == [
        ("requests_min", ">= 100", "100", True),
        ("p95", "<= 100 ms", "80 ms", True),
        ("violations", "<= 0", "0", True),
        ("failures.CONCURRENCY_LIMIT_EXCEEDED", "<= 10 %", "5 %", True),
        ("failures.others", "<= 0", "0", True),
    ]
    assert all(row["en"] != row["zh"] for row in rows)


@pytest.mark.parametrize(
    ("seen", "broken"),
    [
        (replace(WELL, p95=100.1), "p95"),
        (replace(WELL, violations=1), "violations"),
        (replace(WELL, by_outcome=Counter({"200": 80, "403 CONCURRENCY_LIMIT_EXCEEDED": 20})), "failures.CONC"),
        (replace(WELL, by_outcome=Counter({"200": 99, "500": 1})), "failures.others"),
        (replace(WELL, by_outcome=Counter({"200": 99, "timeout": 1})), "failures.others"),
        (replace(WELL, unanswered=1), "failures.others"),
        (replace(WELL, unsent=1), "failures.others"),
    ],
)
def test_each_condition_can_break_alone(seen, broken):
    """Then the run did not pass, and the reason says which."""
    rows = checks(PROFILE, seen)
    code, reason = earned(seen)

    (row,) = [row for row in rows if not row["kept"]]
    assert row["id"].startswith(broken)
    assert code == 1
    assert row["en"] in reason.en
    assert row["zh"] in reason.zh


def test_all_kept_is_passed():
    """Nothing is wrong, so there is no reason to give."""
    assert earned(WELL) == (0, None)
    assert [word(code) for code in range(4)] == ["passed", "not-passed", "no-verdict", "incomplete"]


@pytest.mark.parametrize("number", [0, 99])
def test_too_few_requests_have_no_verdict(number):
    """Neither none nor a few say anything, however well they went."""
    code, reason = earned(Seen(Counter({"200": number}), p95=1.0))

    assert code == 2
    assert f"{number} of the 100" in reason.en


def test_generator_at_its_limit_has_no_verdict():
    """What it measured says nothing of the target, kept or broken."""
    assert earned(WELL, alarms=[BUSY])[0] == 2
    assert "bottleneck" in earned(replace(WELL, p95=900.0), alarms=[BUSY])[1].en


def test_broken_clause_is_broken_whatever_else_was_wrong():
    """A reply that breaks the contract does not become sound because the generator was busy."""
    assert earned(WELL, failed_clauses=True, alarms=[BUSY], interrupted=BUSY)[0] == 1


def test_run_that_was_cut_short():
    """Interrupted is incomplete; a condition to stop that was met is not passed."""
    assert earned(WELL, interrupted=BUSY) == (3, BUSY)
    assert earned(WELL, stopped=BUSY) == (1, BUSY)
    assert earned(WELL, stopped=BUSY, alarms=[BUSY])[0] == 2
    assert earned(WELL, problem=BUSY) == (2, BUSY)


def test_nothing_accepted_cannot_be_timed():
    """A percentile of nothing is no reason to pass."""
    lenient = profile.make(changed(passing={"requests_min": 1, "p95": "1 s", "failures": {"500": "100 %"}}), "own")
    seen = Seen(Counter({"500": 10}))

    assert verdict(checks(lenient, seen), seen, lenient, Facts())[0] == 2


def test_nothing_accepted_is_no_pass():
    """However many refusals a profile allows, without one accepted request nothing was seen."""
    lenient = profile.make(changed(passing={"requests_min": 1, "failures": {"403": "100 %"}}), "own")
    seen = Seen(Counter({"403 CONCURRENCY_LIMIT_EXCEEDED": 263}))

    assert verdict(checks(lenient, seen), seen, lenient, Facts())[0] == 2


def test_failure_of_which_nothing_is_said_may_not_come():
    """A profile that limits a percentile alone does not pass a target that fails most of the time."""
    lenient = profile.make(changed(passing={"requests_min": 1, "p95": "1 s"}), "own")
    seen = Seen(Counter({"500": 507, "200": 61}), p95=5.0)

    assert verdict(checks(lenient, seen), seen, lenient, Facts())[0] == 1


# --- the generator


@pytest.mark.parametrize(
    ("health", "number"),
    [
        (Health(0.95, 2.0, None), 1),
        (Health(0.95, 1.0, None), 0),
        (Health(0.7, 2.0, None), 0),
        (Health(0.1, 0.1, 21.0), 1),
        (Health(0.1, 0.1, 19.0), 0),
        (Health(0.1, 0.1, None, shortages=1), 1),
        (Health(0.95, 2.0, 50.0, shortages=3), 3),
        (Health(0.0, None, None), 0),
    ],
)
def test_alarms(health, number):
    """A busy processor and a late loop together, late arrivals, no sockets: each is told by itself."""
    found = alarms(health)

    assert len(found) == number
    assert all(alarm.en != alarm.zh for alarm in found)


def test_shortage_is_this_machines():
    """No file descriptor, no port: not the target's doing; a refused connection is."""
    assert is_shortage("connect: no connection to 127.0.0.1:1 ([Errno 24] Too many open files)")
    assert not is_shortage("connect: no connection to 127.0.0.1:1 ([Errno 111] Connection refused)")


def test_little_s_law_bounds_what_is_held():
    """7 500 requests a second of 20 ms are 150 in flight, whatever is asked for."""
    assert holds_at_most(7500.0, 20.0) == 150
    assert holds_at_most(7500.0, None) is None


def row(t: int, p50: float = 20.0, p95: float = 25.0, sent: int = 10, **outcomes: int) -> dict:
    """A second of a series."""
    told = {"200": {"count": sent, "p50": p50, "p95": p95, "p99": p95, "max": p95}}
    told |= {name: {"count": number} for name, number in outcomes.items()}
    return {"t": t, "sent": sent, "by_outcome": told, "in_flight": 1.0, "cpu": 0.5, "hub_lag_ms": 0.2, "late_ms": None}


def test_health_is_of_the_seconds_in_which_something_was_sent():
    """A quiet end does not hide a busy run."""
    found = health_of([row(0), row(1), row(2, sent=0) | {"cpu": 0.0}])

    assert found.cpu == 0.5
    assert found.lag_p50_ms == 0.2


def test_load_that_max_rate_kept_back_is_another_load():
    """Ten users who wait for leave most of the time are not ten in flight: there is no verdict."""
    held, free = [row(t) | {"held_s": 8.0} for t in range(3)], [row(t) | {"held_s": 0.5} for t in range(3)]
    told = held_back(held, 30.0, 20.0)

    assert "max_rate of 20 kept back 80 %" in told.en
    assert held_back(free, 30.0, 20.0) is None
    assert held_back(held, 30.0, None) is None
    assert earned(WELL, held=told) == (2, told)


# --- steps


def simulated(level: int, limit: int, service, *, waits: bool = False, way=0.001, between=0.0005) -> Point:
    """A step of three seconds after a first one, against a target that admits so many and refuses or queues the rest.

    `service` draws a service time; each way takes half of `way`, and a user pauses `between` two requests.
    """
    rng, order = Random(f"{level}/{limit}"), count()
    events = [(rng.uniform(0, 0.002), next(order), "send", 0.0) for _ in range(level)]
    heapify(events)
    held, queue, took, refused, in_flight = 0, deque(), [], [], 0.0
    while events[0][0] < 4:
        now, _, kind, begun = heappop(events)
        if kind == "send":
            following = [(now + way / 2, "arrive", now)]
        elif kind == "arrive" and held < limit:
            held += 1
            following = [(now + service(rng), "served", begun)]
        elif kind == "arrive":
            queue.extend([begun] if waits else [])
            following = [] if waits else [(now + way / 2, "refused", begun)]
        elif kind == "served":
            following = [(now + way / 2, "accepted", begun)]
            held -= not queue
            following += [(now + service(rng), "served", queue.popleft())] if queue else []
        else:
            ended = took if kind == "accepted" else refused
            ended += [now - begun] if now >= 1 else []
            in_flight += max(0.0, now - max(begun, 1.0))
            pause = 0.0 if kind == "accepted" else rng.uniform(0.125, 0.375)
            following = [(now + between + pause, "send", 0.0)]
        for moment, what, since in following:
            heappush(events, (moment, next(order), what, since))
    in_flight += sum(4 - max(begun, 1.0) for *_, kind, begun in events if kind != "send")
    in_flight += sum(4 - max(begun, 1.0) for begun in queue)
    mean = [1000 * sum(times) / len(times) if times else None for times in (took, refused)]
    return Point(3, level, in_flight / 3, len(took) / 3, len(refused) / 3, *mean)


def simulated_model(limit: int, service, levels=(1, 2, 4, 8, 16, 32), **more):
    """What is said of a simulated target."""
    return model_of([simulated(level, limit, service, **more) for level in levels])


STEADY, EVEN = (lambda rng: 0.05), (lambda rng: rng.uniform(0.01, 0.09))
RANDOM = lambda rng: rng.expovariate(20)  # noqa: E731 - one of three
SERVICES = pytest.mark.parametrize("service", [STEADY, EVEN, RANDOM], ids=["steady", "even", "random"])


@SERVICES
@pytest.mark.parametrize("limit", [5, 20])
def test_limit_of_a_target_that_refuses_is_told_to_the_slot(limit, service):
    """Whatever a request takes; and where something was refused no other law is fitted."""
    found = simulated_model(limit, service)

    assert (found["says"], found["limit"], found["knee"]) == ("limit", limit, limit)
    assert found["usl"] is None


@SERVICES
def test_limit_that_steps_cannot_tell_apart_is_a_range(service):
    """A hundredth of a hundred is one slot."""
    found = simulated_model(100, service, levels=(1, 10, 40, 80, 160, 250))
    least, greatest = found["limit_range"]

    assert (found["says"], found["limit"]) == ("range", None)
    assert 95 <= least <= 100 <= greatest <= 105


def test_limit_of_slow_requests_is_told_to_the_slot():
    """Three or four of them fill a step: what counts is how many are in flight, not how many end."""
    assert simulated_model(20, lambda rng: 0.8)["limit"] == 20


def test_limit_of_requests_that_are_mostly_on_their_way_is_a_range():
    """A slot is held for two of three milliseconds: as many more may be in flight as are not with the target."""
    least, greatest = simulated_model(5, lambda rng: 0.002)["limit_range"]

    assert least <= 5 <= greatest


@SERVICES
@pytest.mark.parametrize("limit", [5, 20])
def test_limit_of_a_target_that_lets_wait_is_within_a_range(limit, service):
    """Throughput stops rising there, though nothing is refused."""
    least, greatest = simulated_model(limit, service, waits=True)["limit_range"]

    assert least <= limit <= greatest <= 1.4 * limit


def test_steps_too_short_for_their_requests_tell_no_limit():
    """Where a step is a few requests long, its rate says when they ended."""
    assert simulated_model(5, lambda rng: 0.8, waits=True)["says"] == "unknown"


def test_refusals_that_no_limit_explains_tell_none():
    """Refused with two in flight and not with sixteen: somebody else uses the key, or it was by chance."""
    points = [simulated(level, 100, STEADY) for level in (1, 2, 4, 8, 16)]
    points[1] = replace(points[1], rate_refused=2.0, refused_ms=1.0)

    found = model_of(points)

    assert (found["says"], found["limit"], found["limit_range"], found["knee"]) == ("unknown", None, None, None)


def test_rising_throughput_has_no_limit():
    """As long as twice as many bring twice as much there is no knee."""
    found = simulated_model(1000, STEADY)

    assert (found["says"], found["limit"], found["knee"]) == ("none", None, None)


def test_scalability_law_is_fitted_where_nothing_was_refused():
    """The parameters of ideal data are found again."""
    levels = (1, 2, 4, 8, 16, 32)
    rates = [20 * n / (1 + 0.05 * (n - 1) + 0.002 * n * (n - 1)) for n in levels]
    points = [Point(3, n, n, rate, 0.0, 1000 * n / rate) for n, rate in zip(levels, rates, strict=True)]

    found = model_of(points)["usl"]

    assert found["rate_per_s"] == pytest.approx(20, rel=0.01)
    assert found["contention"] == pytest.approx(0.05, rel=0.01)
    assert found["coherence"] == pytest.approx(0.002, rel=0.01)
    assert found["peak"] == pytest.approx((0.95 / 0.002) ** 0.5, rel=0.01)


def test_a_single_step_says_nothing():
    """No curve goes through one point."""
    assert model_of([simulated(4, 5, STEADY)]) is None
    assert model_of([]) is None


def test_steps_of_a_busy_generator_are_left_out():
    """A throughput that it could not drive is no limit of the target."""
    names = ("seconds", "concurrency", "in_flight_seen", "rate_ok", "rate_refused", "mean", "refused_mean")
    points = [simulated(level, 20, STEADY) for level in (1, 4, 16, 32)]
    steps = [dict(zip(names, astuple(point), strict=True)) | {"alarms": []} for point in points]

    assert model_of_steps(steps)["limit"] == 20
    assert model_of_steps([*steps[:-1], steps[-1] | {"alarms": [BUSY.as_json()]}])["says"] == "none"


# --- spike and soak

SPIKE = [Stage(5, in_flight=2), Stage(3, in_flight=40), Stage(7, in_flight=2)]


def spiked(slow_until: float = 0.0, last_bad: float | None = None, quiet_from: float = 15.0) -> Book:
    """Ten accepted in each tenth of fifteen seconds, until it is quiet; from the crowd until then they are slow."""
    meter, book = Meter(by_tenths=True), Book(["1"], Timeline(SPIKE))
    for tenth in range(round(quiet_from * 10)):
        for number in range(10):
            moment = tenth / 10 + number / 100 + 0.001
            meter.begin(moment)
            meter.end(moment)
            meter.count(moment, "200", 90_000 if 5 <= moment < slow_until else 25_000, answered=True)
    if last_bad is not None:
        book.last_bad = last_bad
    book.take("1", meter.take(15.0, all_of_them=True))
    book.finish("1")
    return book


@pytest.mark.parametrize(
    ("book", "told"),
    [
        (spiked(), 0.0),
        (spiked(last_bad=6.0), 0.0),
        (spiked(last_bad=9.25), 1250.0),
        (spiked(slow_until=10.0), 2000.0),
        (spiked(slow_until=8.7), 700.0),
        (spiked(slow_until=8.7, last_bad=8.95), 950.0),
        (spiked(slow_until=8.03), 0.0),
    ],
)
def test_recovery_counts_from_the_end_of_the_spike(book, told):
    """Until the last slow tenth of a second, or the last request that was not accepted; a few slow ones are none."""
    assert recovery_ms(book, SPIKE) == told


@pytest.mark.parametrize(
    "book",
    [
        spiked(slow_until=15.0),
        spiked(slow_until=14.5),
        spiked(last_bad=15.0),
        spiked(quiet_from=13.9),
        spiked(quiet_from=0.5),
    ],
)
def test_target_that_does_not_recover_has_no_recovery_time(book):
    """Slow, refusing or silent to the very end, or nothing to compare with: nobody knows for how long."""
    assert recovery_ms(book, SPIKE) is None


def test_drift_is_told_with_how_far_it_may_be_off():
    """A slope in noise is found; without one it is within its error."""
    rng = Random(3)
    memory = [(t, 100 + 5 * t / 3600) for t in range(0, 1800, 10)]
    flat = drift_of([row(t, p50=20 + rng.uniform(-1, 1)) for t in range(1800)], memory)
    rising = drift_of([row(t, p50=20 + 10 * t / 3600 + rng.uniform(-1, 1)) for t in range(1800)], memory)

    assert abs(flat["latency_ms_per_h"]) < 2 * flat["latency_ms_per_h_error"]
    assert rising["latency_ms_per_h"] == pytest.approx(10, abs=2 * rising["latency_ms_per_h_error"])
    assert flat["generator_mb_per_h"] == pytest.approx(5, rel=0.01)


def test_a_minute_shows_no_drift():
    """What is too short to tell is null."""
    assert drift_of([row(t) for t in range(59)], []) is None
