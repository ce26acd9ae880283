"""Throttled answers: met again after a pause, and never judged themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from miniatures import Request, accepted, refused, serving

from biztoken import contract
from biztoken.cases import Samples
from biztoken.client import Client
from biztoken.client import Request as Sent
from biztoken.evidence import Evidence
from biztoken.people import make_person
from biztoken.pictures import Pictures
from biztoken.runner import Run
from biztoken.sender import PAUSES, NoisyReplyError
from biztoken.settings import Target
from biztoken.signing import Key, Secret

BUSY = "CONCURRENCY_LIMIT_EXCEEDED"
SENT = Sent((("uuid", "u"),))


def busy_for(requests: int, *, envelope: bool = True) -> Callable[[Request], None]:
    """An endpoint that is busy for so many requests, and then accepts all."""
    left = [requests]

    def behave(request: Request) -> None:
        left[0] -= 1
        if left[0] >= 0:
            request.reply(403, refused(BUSY) if envelope else {"error": BUSY})
        else:
            request.reply(200, accepted())

    return behave


@contextmanager
def running(behave: Callable[[Request], None], directory: Path) -> Iterator[Run]:
    """A run against an endpoint that behaves so; it does not wait, and notes how long it would."""
    with serving(behave) as url, closing(Evidence(directory, [])) as evidence:
        tested = Target("mini", url, {"active": Key("k", Secret("no-such-secret"))})
        client = Client(tested, evidence)
        client.waited = []  # type: ignore[attr-defined]
        client.wait = client.waited.append  # type: ignore[attr-defined, method-assign]
        samples = Samples(make_person(0), Pictures(), 0)
        with closing(client):
            yield Run(client, contract.load(), samples, evidence)


def test_throttled_reply_is_not_judged(tmp_path):
    """What every reply must be is not asked of one that tells of load."""
    with running(busy_for(1, envelope=False), tmp_path) as run:
        with pytest.raises(NoisyReplyError, match=BUSY) as caught:
            run.sender.attempt(SENT, "a", "defect")

        assert caught.value.exchange.reply.status == 403
        assert not run.ledger.tally.charges
        assert not run.ledger.tally.kept


@pytest.mark.parametrize("times", range(len(PAUSES) + 1))
def test_sequence_meets_noise_again(tmp_path, times):
    """A sequence repeats the one request that met noise, after growing pauses, and does not start over."""
    with running(busy_for(times), tmp_path) as run:
        exchange = run.sender.persist(SENT, "a", "probe")

        assert exchange.reply.status == 200
        assert (run.client.sent, run.client.waited) == (times + 1, list(PAUSES[:times]))


def test_lasting_noise_is_told(tmp_path):
    """Noise after every pause is passed on."""
    with running(busy_for(9), tmp_path) as run:
        with pytest.raises(NoisyReplyError):
            run.sender.persist(SENT, "a", "probe")

        assert run.client.sent == len(PAUSES) + 1
