"""What a load earned: conditions, the generator's health, steps, recovery, drift, and the exit code."""

from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from test_load_profile import Seen, changed

from biztoken.load import profile
from biztoken.load.analysis import drift_of, model_of_steps, recovery_ms
from biztoken.load.fit import Point, model_of
from biztoken.load.health import Health, alarms, health_of, held_back, holds_at_most, is_shortage
from biztoken.load.profile import Stage
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


def hard_limit(limit: int, service: float = 0.05, noise: float = 0.0) -> list[Point]:
    """What a target that admits so many at once shows, at 1, 2, 4 … 64."""
    rng = Random(limit)
    found = []
    for number in (1, 2, 4, 8, 16, 32, 64):
        rate = min(number, limit) / service * (1 + rng.uniform(-noise, noise))
        found.append(Point(number, rate, max(0, number - limit) * 4.0, service * 1000))
    return found


@pytest.mark.parametrize("limit", [2, 5, 12, 20, 50])
@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_hard_limit_is_found_where_it_is(limit, noise):
    """The knee is the limit, not twice it; and where something was refused no other law is fitted."""
    found = model_of(hard_limit(limit, noise=noise))

    assert found["limit"] == pytest.approx(limit, rel=noise * 1.5)
    assert found["knee"] == found["limit"]
    assert found["usl"] is None


def test_rising_throughput_has_no_limit():
    """As long as twice as many bring twice as much there is no knee."""
    found = model_of(hard_limit(1000))

    assert (found["limit"], found["knee"]) == (None, None)


def test_scalability_law_is_fitted_where_nothing_was_refused():
    """The parameters of ideal data are found again."""
    levels = (1, 2, 4, 8, 16, 32)
    points = [Point(n, 20 * n / (1 + 0.05 * (n - 1) + 0.002 * n * (n - 1)), 0.0, 50.0) for n in levels]

    found = model_of(points)["usl"]

    assert found["rate_per_s"] == pytest.approx(20, rel=0.01)
    assert found["contention"] == pytest.approx(0.05, rel=0.01)
    assert found["coherence"] == pytest.approx(0.002, rel=0.01)
    assert found["peak"] == pytest.approx((0.95 / 0.002) ** 0.5, rel=0.01)


def test_a_single_step_says_nothing():
    """No curve goes through one point."""
    assert model_of(hard_limit(5)[:1]) is None
    assert model_of([]) is None


def test_steps_of_a_busy_generator_are_left_out():
    """A throughput that it could not drive is no limit of the target."""
    steps = [
        {
            "concurrency": p.concurrency,
            "rate_ok": p.rate_ok,
            "rate_refused": 0.0,
            "p50": 50.0,
            "seconds": 3,
            "alarms": [],
        }
        for p in hard_limit(16)
    ]
    for step in steps[-2:]:
        step["alarms"] = [BUSY.as_json()]

    assert model_of_steps(steps)["limit"] is None
    assert model_of_steps([step | {"alarms": []} for step in steps])["limit"] == 16


# --- spike and soak

SPIKE = [Stage(5, in_flight=2), Stage(3, in_flight=40), Stage(7, in_flight=2)]


def test_recovery_counts_from_the_end_of_the_spike():
    """Until the last slow second, or the last request that was not accepted, is over."""
    calm = [row(t) for t in range(15)]
    slow = [row(t, p95=90.0 if 5 <= t < 10 else 25.0) for t in range(15)]

    assert recovery_ms(calm, SPIKE, None) == 0.0
    assert recovery_ms(calm, SPIKE, 6.0) == 0.0
    assert recovery_ms(calm, SPIKE, 9.25) == 1250.0
    assert recovery_ms(slow, SPIKE, None) == 2000.0


def test_target_that_does_not_recover_has_no_recovery_time():
    """Slow or refusing to the very end: nobody knows for how long."""
    slow = [row(t, p95=90.0 if t >= 5 else 25.0) for t in range(15)]

    assert recovery_ms(slow, SPIKE, None) is None
    assert recovery_ms([row(t) for t in range(15)], SPIKE, 15.0) is None
    assert recovery_ms([], SPIKE, None) is None


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
