"""A quota per second is a purse: it holds so many calls, and they come back evenly."""

from __future__ import annotations

import pytest

from biztoken.mock.state import State


def spent(state: State, count: int, now: float, per_second: int = 20) -> int:
    """How many of so many calls at one moment are admitted."""
    return sum(state.spend("key", per_second, now) for _ in range(count))


def test_full_purse_is_spent_at_once():
    """As many as come in a second are admitted together, and no more."""
    assert spent(State(), 50, 0.0) == 20


@pytest.mark.parametrize(("seconds", "admitted"), [(0.0, 0), (0.049, 0), (0.051, 1), (0.5, 10), (1.0, 20), (9.0, 20)])
def test_calls_come_back_evenly(seconds, admitted):
    """One each twentieth of a second, up to a full purse."""
    state = State()
    spent(state, 20, 100.0)

    assert spent(state, 50, 100.0 + seconds) == admitted


def test_refused_call_costs_nothing():
    """Whoever is refused again and again is admitted as soon as anyone else."""
    state = State()
    spent(state, 20, 100.0)
    for step in range(49):
        spent(state, 5, 100.0 + step / 1000)

    assert spent(state, 5, 100.051) == 1


def test_each_key_has_its_own():
    """What one key spends another keeps."""
    state = State()
    spent(state, 20, 0.0)

    assert state.spend("another", 20, 0.0)
