"""Runs against an endpoint that repeats secrets, people, signatures and pictures in many spellings: nothing leaks."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from conftest import Ahead, Cli
from leaks_100 import Played, play

SEEDS = ("2", "5", "11", "23")


@pytest.fixture(scope="module")
def runs(ahead: Ahead, cli: Cli) -> Callable[[str], Played]:
    """One run for each seed, with unusual secrets and options."""
    return ahead(lambda seed: play(cli, int(seed)))


@pytest.fixture
def run(request: pytest.FixtureRequest, runs: Callable[[str], Played]) -> Played:
    """The run of a seed."""
    return runs(request.param)


every_run = pytest.mark.parametrize("run", SEEDS, indirect=True)


@every_run
def test_nothing_leaks(run: Played) -> None:
    """No record, no report and no line on the console holds what the endpoint repeated."""
    assert run.leaks == []


@every_run
def test_the_endpoint_told_secrets(run: Played) -> None:
    """The same search finds them in the replies: the test is not empty."""
    assert run.replied


@every_run
def test_the_run_is_a_run(run: Played) -> None:
    """It ended with a result, and requests were sent; a repeated secret does not end it."""
    assert run.outcome.result["requests"] > 8
    assert "Traceback" not in run.outcome.err


@every_run
def test_records_stay_readable(run: Played) -> None:
    """Whatever was taken out, each line is JSON, and a reply that was JSON still is."""
    for exchange in run.outcome.exchanges:
        body = (exchange["reply"] or {}).get("body", "")
        if body.startswith("{"):
            json.loads(body)
