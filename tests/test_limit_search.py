"""A search tells the limit, or why it cannot: never another number. Against targets played on a clock of their own."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest
from simulated_targets import (
    ByHead,
    Simulated,
    Troubled,
    bucket,
    connections,
    in_flight,
    late,
    noisy,
    sliding,
    slow_to_take_up,
    window,
)

from biztoken.limit.observed import Burst
from biztoken.limit.search import Search, false_refusals

MOST = 1024


def found(target: Simulated, most: int = MOST, contracted: int | None = None, per_second: float | None = None):
    """What a search comes to."""
    return target.play(Search(most, contracted, per_second).run())


@pytest.mark.parametrize("limit", [*range(1, 70), 100, 127, 128, 129, 500, 511, 512])
def test_limit_in_flight_is_found(limit):
    """Whatever the limit is, it is what comes out, with three confirmations."""
    conclusion = found(in_flight(limit))

    assert (conclusion.kind, conclusion.value, conclusion.confirmed, conclusion.refused) == ("in-flight", limit, 3, 3)


@pytest.mark.parametrize("limit", [1, 5, 20, 500])
def test_contracted_limit_costs_6l_plus_3(limit):
    """Where the contracted limit is kept, three bursts of L and three of L+1 are all that is sent."""
    target = in_flight(limit)

    conclusion = found(target, contracted=limit)

    assert conclusion.value == limit
    assert target.requests == 6 * limit + 3


@pytest.mark.parametrize(("limit", "contracted"), [(1, 20), (19, 20), (21, 20), (64, 20), (20, 1)])
def test_another_limit_than_contracted_is_found(limit, contracted):
    """Where the contracted limit is not kept, the true one is told."""
    conclusion = found(in_flight(limit), contracted=contracted)

    assert (conclusion.kind, conclusion.value) == ("in-flight", limit)


@pytest.mark.parametrize("limit", [1, 5, 20, 100])
def test_search_costs_few_requests(limit):
    """Doubling up to the first refusal, then the confirmation: some twelve requests for each slot."""
    target = in_flight(limit)

    found(target)

    assert target.requests <= 6 * limit + 3 + 6 * limit + 4


@pytest.mark.parametrize("quota", [bucket(20), window(20), sliding(20, 1.0), bucket(5), window(7), sliding(100, 1.0)])
def test_quota_per_second_is_told(quota):
    """A quota is never told as a limit, however its requests come back."""
    conclusion = found(quota)

    assert (conclusion.kind, conclusion.value) == ("quota", None)
    assert "per second" in conclusion.reason.en


@pytest.mark.parametrize("quota", [sliding(20, 60.0), sliding(3, 3600.0)])
def test_quota_over_a_longer_time_is_told(quota):
    """A quota that does not come back while one waits is none per second, and no limit."""
    conclusion = found(quota)

    assert conclusion.value is None
    assert conclusion.kind in ("quota", "unsteady")


@pytest.mark.parametrize("limit", [1, 2, 20, 50])
@pytest.mark.parametrize("seconds", [0.06, 0.1, 0.25, 0.5])
def test_slot_that_comes_back_late_is_told_with_its_time(limit, seconds):
    """The number of slots and the time for which each is kept are both told."""
    conclusion = found(late(limit, seconds))

    assert (conclusion.kind, conclusion.value) == ("late-release", limit)
    assert conclusion.release == pytest.approx(seconds, rel=0.15, abs=0.01)


@pytest.mark.parametrize("disturbed", range(3, 30))
def test_one_disturbance_makes_no_quota_of_slots_that_come_back_late(disturbed):
    """Whichever burst of the sweep it is that one too few are admitted of: all is done once more."""
    target, numbers = late(20, 0.06), count(1)
    admit = target.admit

    def admit_disturbed(n, now, rack):
        ok = admit(n, now, rack)
        return ok - 1 if rack and next(numbers) == disturbed and ok else ok

    target.admit = admit_disturbed
    conclusion = found(target)

    assert (conclusion.kind, conclusion.value) == ("late-release", 20)


@pytest.mark.parametrize("every", [2, 3, 5])
def test_pair_whose_second_burst_was_held_up_says_nothing(every):
    """It is fired again: late slots seen at another gap than was meant would look like a quota."""
    target, numbers = late(20, 0.06), count(1)
    fire = target.fire

    def fire_held_up(ask):
        is_held_up = len(ask.counts) == 2 and next(numbers) % every == 0
        return fire(replace(ask, gap=ask.gap + 0.04)) if is_held_up else fire(ask)

    target.fire = fire_held_up
    conclusion = found(target)

    assert (conclusion.kind, conclusion.value) == ("late-release", 20)
    assert conclusion.release == pytest.approx(0.06, abs=0.01)


@pytest.mark.parametrize("phase", range(20))
@pytest.mark.parametrize("quota", [5, 20])
def test_quota_of_a_clock_is_none_of_late_slots(quota, phase):
    """Whenever in a second the search begins."""
    target = window(quota)
    target.now += phase / 20

    assert found(target).kind == "quota"


@pytest.mark.parametrize("seconds", [0.001, 0.004, 0.012])
def test_slot_that_takes_its_milliseconds_is_in_flight(seconds):
    """Behind any gateway a slot needs a moment to come back: the limit is told, with its recovery."""
    conclusion = found(late(20, seconds))

    assert (conclusion.kind, conclusion.value) == ("in-flight", 20)
    assert seconds <= conclusion.release <= 0.02


def test_limit_on_connections_is_told():
    """Where idle connections count the number says nothing of requests in flight."""
    conclusion = found(connections(20))

    assert (conclusion.kind, conclusion.value) == ("per-connection", None)


@pytest.mark.parametrize("contracted", [None, 20])
@pytest.mark.parametrize("limit", [1, 3, 20])
def test_target_that_counts_by_the_head_is_no_quota(limit, contracted):
    """Where a request counts before it is whole, the second burst is kept back whole, and the limit is told."""
    conclusion = found(ByHead(limit), contracted=contracted)

    assert (conclusion.kind, conclusion.value) == ("in-flight", limit)


def test_no_limit_up_to_the_greatest_burst():
    """Without a refusal there is no limit to tell, and no more than the greatest burst is sent."""
    target = in_flight(10_000)

    conclusion = found(target, most=100)

    assert (conclusion.kind, conclusion.value) == ("none-up-to", None)
    assert max(burst.n for burst in target.bursts) == 100
    assert "100" in conclusion.reason.en


@pytest.mark.parametrize("limit", [99, 100])
def test_greatest_burst_is_never_exceeded(limit):
    """The limit just below the greatest burst is found; the greatest burst itself cannot be told from no limit."""
    target = in_flight(limit)

    conclusion = found(target, most=100)

    assert conclusion.value == (99 if limit == 99 else None)
    assert max(burst.n for burst in target.bursts) <= 100


def test_rate_that_lets_no_two_bursts_follow_is_told():
    """Without the second burst a quota could not be told from a limit: then nothing is."""
    target = in_flight(20)

    conclusion = found(target, per_second=40)

    assert (conclusion.kind, conclusion.value) == ("ceiling", None)
    assert found(in_flight(20), per_second=41).value == 20


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("kind", ["generator-bound", "unanswered", "other-refusals"])
def test_disturbed_burst_is_fired_again(kind, times):
    """What is disturbed once or twice is an accident."""
    conclusion = found(Troubled(in_flight(20), kind, lambda n, time: n == 16 and time <= times))

    assert conclusion.value == 20


@pytest.mark.parametrize("kind", ["generator-bound", "unanswered", "other-refusals"])
def test_third_disturbance_ends_the_search(kind):
    """A burst that is disturbed three times says why there is no limit."""
    target = Troubled(in_flight(20), kind, lambda n, _time: n == 16)

    conclusion = found(target)

    assert (conclusion.kind, conclusion.value) == (kind, None)
    assert [ask.counts for ask in target.asks][-3:] == [(16,)] * 3


def test_after_a_disturbance_there_is_a_pause():
    """Nothing is sent again at once."""
    target = Troubled(in_flight(20), "unanswered", lambda n, time: n == 16 and time == 1)

    found(target)

    again = [ask for ask in target.asks if ask.counts == (16,)]
    assert [ask.idle > 0 for ask in again] == [False, True]


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3])
def test_noise_never_makes_another_number(share):
    """On a machine where bursts go wrong at random the answer is the limit or a refusal, in 300 searches of 300."""
    limits = (1, 2, 5, 20, 100)

    told = [(limit, found(noisy(limit, seed, share)).value) for seed in range(60) for limit in limits]

    assert {(limit, value) for limit, value in told if value not in (limit, None)} == set()


def test_a_little_noise_costs_few_answers():
    """Where one burst in fifty goes wrong nearly every search tells the limit."""
    told = [found(noisy(20, seed, 0.02)).value for seed in range(100)]

    assert told.count(20) >= 95


@pytest.mark.parametrize("per_request", [0.0001, 0.0005, 0.001, 0.0026, 0.005, 0.02])
@pytest.mark.parametrize("limit", [1, 2, 5, 20, 100, 500])
def test_target_that_finishes_some_before_it_takes_up_the_last(limit, per_request):
    """Where requests are taken up slowly fewer are in flight than were sent: the limit is told, or nothing is."""
    conclusion = found(slow_to_take_up(limit, per_request))

    assert conclusion.value in (limit, None)


def test_false_refusals_are_those_within_the_limit():
    """Refusals above the limit are due, and a burst that says nothing is not counted."""
    bursts = [Burst(4, 4, 0), Burst(5, 3, 2), Burst(6, 5, 1), Burst(40, 5, 35)]

    assert false_refusals(bursts, 5) == (2, 9)
