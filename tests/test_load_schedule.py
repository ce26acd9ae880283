"""When what is sent: stages, arrivals from a seed, shares of workers, ceilings."""

from itertools import chain, islice, pairwise
from statistics import mean, pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biztoken.errors import UserError
from biztoken.load.guard import Ceilings, fit_in, fit_workers, permit
from biztoken.load.profile import Stage, read
from biztoken.load.schedule import Gate, Timeline, arrivals, own_arrivals, share
from biztoken.settings import Target
from biztoken.signing import Key, Secret

OPEN = [Stage(3, rate=50.0), Stage(2, rate=0.0), Stage(5, rate=100.0)]


@given(st.integers(0, 10_000), st.integers(1, 50))
def test_shares_add_up(total, count):
    """Nothing of a total is lost or doubled among workers, and no two shares differ by more than one."""
    shares = [share(total, index, count) for index in range(count)]

    assert sum(shares) == total
    assert max(shares) - min(shares) <= 1


def test_timeline_knows_its_stages():
    """A stage holds from its first moment until just before the next."""
    timeline = Timeline([Stage(2, in_flight=4), Stage(3, in_flight=10)])

    assert [timeline.in_flight(moment) for moment in (0, 1.99, 2, 4.99, 5, 99)] == [4, 4, 10, 10, 0, 0]
    assert [timeline.next_change(moment) for moment in (0, 2, 4.5)] == [2, 5, 5]
    assert [timeline.settled(second) for second in range(6)] == [None, 0, None, 1, 1, None]
    assert timeline.seconds == 5


@given(st.sampled_from(["fixed", "poisson"]), st.integers(0, 1000), st.integers(1, 7))
def test_workers_send_the_whole_between_them(kind, seed, count):
    """However many workers there are, together they send every arrival once, at the same moments."""
    whole = list(arrivals(OPEN, kind, seed))

    parts = [list(own_arrivals(OPEN, kind, seed, index, count)) for index in range(count)]

    assert sorted(chain(*parts)) == whole


def test_fixed_arrivals_are_even_and_do_not_drift():
    """The last of a long series is where multiplication puts it."""
    moments = list(arrivals([Stage(3600, rate=3.0)], "fixed", 0))

    assert len(moments) == 10_800
    assert moments[-1] == pytest.approx(10_799 / 3, abs=1e-9)


def test_poisson_arrivals_are_random_as_customers_are():
    """Gaps have the mean that the rate says, and spread as much as their mean, as exponential ones do."""
    moments = list(arrivals([Stage(1000, rate=20.0)], "poisson", 1))
    gaps = [after - before for before, after in pairwise(moments)]

    assert len(moments) == pytest.approx(20_000, rel=0.03)
    assert mean(gaps) == pytest.approx(0.05, rel=0.03)
    assert pstdev(gaps) == pytest.approx(0.05, rel=0.05)


def test_arrivals_follow_from_the_seed():
    """The same seed sends at the same moments, another at others."""
    assert list(islice(arrivals(OPEN, "poisson", 5), 20)) == list(islice(arrivals(OPEN, "poisson", 5), 20))
    assert list(islice(arrivals(OPEN, "poisson", 5), 20)) != list(islice(arrivals(OPEN, "poisson", 6), 20))


def test_stage_without_a_rate_sends_nothing():
    """Nothing is due in a pause."""
    assert not [moment for moment in arrivals(OPEN, "poisson", 0) if 3 <= moment < 5]


# --- ceilings


@given(st.floats(0.2, 50), st.lists(st.floats(0, 0.4), max_size=200))
def test_gate_keeps_its_rate_in_any_second(rate, gaps):
    """Whoever waits as told is never let through more often than the rate allows, in any window."""
    gate, now, passed = Gate(rate, None), 0.0, []
    for gap in gaps:
        now += gap
        while (pause := gate.wait(now)) > 0:
            now += pause
        passed.append(now)
    window = max(1.0, 1 / rate)
    most = int(rate * window + 1e-9)

    for first, later in zip(passed, passed[most:], strict=False):
        assert later - first >= window - 1e-6


def test_gate_counts_down():
    """After the last request that is allowed none passes."""
    gate = Gate(None, 2)

    assert [gate.take() for _ in range(4)] == [True, True, False, False]


def target(url: str, **more) -> Target:
    """A target at that URL."""
    return Target("t", url, {"active": Key("k", Secret("s"))}, **more)


HERE, THERE = "http://127.0.0.1:8080/x", "https://api.example/x"
ALLOWED = {"allow_load": True, "max_rate": 50.0, "max_requests": 1000}


def test_this_machine_may_be_loaded():
    """Without ceilings, unless its file has some."""
    assert permit(target(HERE)) == Ceilings()
    assert permit(target(HERE, max_rate=5.0)) == Ceilings(5.0)


@pytest.mark.parametrize("lacking", ["allow_load", "max_rate", "max_requests"])
def test_other_machine_needs_every_word_of_leave(lacking):
    """Leave, a rate and a number: without any one of them nothing is sent."""
    more = {name: value for name, value in ALLOWED.items() if name != lacking}

    with pytest.raises(UserError, match="does not allow load"):
        permit(target(THERE, **more))


def test_leave_becomes_ceilings():
    """What the owner allows holds for the run, and each worker keeps to its share."""
    ceilings = permit(target(THERE, **ALLOWED))
    shares = [ceilings.share(index, 3) for index in range(3)]

    assert ceilings == Ceilings(50.0, 1000)
    assert sum(share.requests for share in shares) == 1000
    assert sum(share.rate for share in shares) == pytest.approx(50.0)


def test_rate_above_the_ceiling_is_a_mistake():
    """Arrivals that could only come late are not promised."""
    with pytest.raises(UserError, match=r"max_rate 5: .*give --rate 5"):
        fit_in(read("arrivals"), Ceilings(5.0))
    fit_in(read("steady"), Ceilings(5.0))


def test_rate_that_workers_cannot_share_is_a_mistake():
    """Two that may send one request in two seconds each could both send in the same one."""
    fit_workers(Ceilings(0.5), 1)
    fit_workers(Ceilings(2.5), 2)
    fit_workers(Ceilings(), 9)
    with pytest.raises(UserError, match=r"max_rate 1: .*at most 1"):
        fit_workers(Ceilings(1.0), 2)


def test_password_in_a_url_is_not_told():
    """The sentence names the target, and no secret."""
    with pytest.raises(UserError) as told:
        permit(target("https://user:hidden@api.example/x"))

    assert "hidden" not in str(told.value)
