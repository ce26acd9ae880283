"""What is sent again, and when: throttled answers after a pause, silence on this machine only."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from miniatures import Request, accepted, refused, serving

from biztoken import contract
from biztoken.cases import Samples, load_cases
from biztoken.client import Client
from biztoken.client import Request as Sent
from biztoken.evidence import Evidence
from biztoken.people import make_person
from biztoken.pictures import Pictures
from biztoken.preflight import find_branches
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
def running(behave: Callable[[Request], None], directory: Path, timeout: float = 5.0) -> Iterator[Run]:
    """A run against an endpoint that behaves so; it does not wait, and notes how long it would."""
    with serving(behave) as url, closing(Evidence(directory, [])) as evidence:
        tested = Target("mini", url, {"active": Key("k", Secret("no-such-secret"))}, timeout=timeout)
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


def closing_after(requests: int) -> Callable[[Request], None]:
    """An endpoint that accepts so many requests, and closes the connection of each later one without a word."""
    left = [requests]

    def behave(request: Request) -> None:
        left[0] -= 1
        if left[0] >= 0:
            request.reply(200, accepted())
        else:
            request.read()
            request.hang_up()

    return behave


def silent(request: Request) -> None:
    """An endpoint that takes a request and keeps silent for longer than anyone waits."""
    request.read()
    time.sleep(0.5)  # the silence itself is what the client must meet
    request.hang_up()


@pytest.fixture
def elsewhere(monkeypatch) -> None:
    """The endpoint is taken for one on another machine."""
    monkeypatch.setattr(Target, "is_loopback", property(lambda _target: False))


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("behave", [silent, closing_after(0)], ids=["silent", "closing"])
def test_unanswered_request_is_not_paid_twice(tmp_path, behave):
    """On another machine a request without a reply may have been served: it is sent once, and judged by nothing."""
    with running(behave, tmp_path, timeout=0.2) as run:
        exchange = run.sender.attempt(SENT, "a", "defect")

        assert (exchange.reply, run.client.sent) == (None, 1)


def test_unanswered_request_on_this_machine_is_sent_again(tmp_path):
    """Here nobody pays, and what is lost is the endpoint's doing."""
    with running(closing_after(0), tmp_path) as run:
        assert run.sender.attempt(SENT, "a", "defect").reply is None
        assert run.client.sent == 2


@pytest.mark.usefixtures("elsewhere")
def test_silence_elsewhere_is_no_finding(tmp_path):
    """A case whose request was lost on the way has no verdict: neither it nor its control is sent again."""
    with running(closing_after(9), tmp_path) as run:
        find_branches(run)
        case = next(case for case in load_cases(run.contract) if case.id == "uuid-one-character")
        result = run.settle(case)

        assert (str(result.verdict), run.client.sent) == ("HARNESS", 10)
        assert "--resume" in result.reason.en
        assert not run.ledger.tally.charges


@pytest.mark.usefixtures("elsewhere")
def test_server_error_elsewhere_is_sent_again(tmp_path):
    """The one reason that the contract knows."""
    answers = iter([(500, refused("INTERNAL_ERROR")), (200, accepted())])
    with running(lambda request: request.reply(*next(answers)), tmp_path) as run:
        assert run.sender.attempt(SENT, "a", "defect").reply.status == 200
        assert run.client.sent == 2
