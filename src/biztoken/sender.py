"""Sends a request until it has an answer to judge: again where the contract or this machine allows it."""

from __future__ import annotations

from biztoken.client import Client, Request
from biztoken.finding import broken
from biztoken.judge import Expected
from biztoken.ledger import NO_REPLY, SERVER_ERROR, Ledger
from biztoken.model import Check, Exchange
from biztoken.reading import Reading, read
from biztoken.verdicts import Text

NOISE = ("CONCURRENCY_LIMIT_EXCEEDED", "LIMIT_REACHED")  # also where a reason is told as a name of its own
PAUSES = (0.25, 1.0, 4.0)  # seconds before noise is met again


class NoisyReplyError(Exception):
    """A reply about load or quota, not about the request: the case is repeated later, and nothing of it is judged."""

    def __init__(self, told: str, exchange: Exchange) -> None:
        super().__init__(told)
        self.exchange = exchange


class Sender:
    """Sends with one client and has each reply looked at."""

    def __init__(self, client: Client, ledger: Ledger) -> None:
        self.client = client
        self.ledger = ledger

    def attempt(self, request: Request, case: str, role: str, tolerated: Expected | None = None) -> Exchange:
        """Send a request; once more after a server error, and on this machine where there was no reply.

        Elsewhere one without a reply may have been served and paid for. NoisyReplyError for noise.
        """
        failed = ""
        for attempt in (1, 2):
            exchange = self.client.send(request, case=case, role=role, attempt=attempt)
            if exchange.reply is None:
                if not self.client.target.is_loopback:
                    return exchange
                self.ledger.unanswered += attempt == 1
                failed = NO_REPLY
                continue
            reading = self.weigh(exchange, request, case, tolerated)
            if exchange.reply.status >= 500 or reading.name == "INTERNAL_ERROR":
                self.ledger.note_internal_error(exchange, reading)
                failed = SERVER_ERROR
                continue
            if failed:
                self.ledger.recovered[failed] += 1
            return exchange
        return exchange

    def persist(self, request: Request, case: str, role: str) -> Exchange:
        """The same for a request of a sequence, which would start over whole: noise is met again after each pause."""
        for pause in PAUSES:
            try:
                return self.attempt(request, case, role)
            except NoisyReplyError:
                self.client.wait(pause)
        return self.attempt(request, case, role)

    def weigh(self, exchange: Exchange, request: Request, case: str, tolerated: Expected | None = None) -> Reading:
        """Have a reply looked at for what every one must be. NoisyReplyError, and nothing judged, for noise."""
        assert exchange.reply is not None  # noqa: S101 - the callers saw to it
        reading = read(exchange.reply)
        if is_noise(reading, request.key) and not _expects(tolerated, reading):
            raise NoisyReplyError(reading.error or "", exchange)
        self.ledger.look(exchange, case, judged=tolerated is None or tolerated.kind != "observe")
        return reading


def is_noise(reading: Reading, key: str = "active") -> bool:
    """Whether a reply tells of load or quota rather than of the request.

    A key that is there for its state tells of that state: its quota is no noise.
    """
    if reading.name == "AUTHORIZATION_ERROR" and reading.detail == "LIMIT_REACHED":
        return key == "active"
    return reading.name in NOISE


def _expects(expected: Expected | None, reading: Reading) -> bool:
    return expected is not None and any(
        alternative.error == reading.name and alternative.detail in (None, "*", reading.detail)
        for alternative in expected.alternatives
    )


def no_reply(clause: str, exchange: Exchange) -> Check:
    """The finding that a request got no reply, though others do."""
    return broken(clause, "no reply", "a reply", f"no reply ({(exchange.failure or '').partition(':')[0]})")


def harness_text(exchange: Exchange) -> Text:
    """Why there is no verdict where there was no reply."""
    failure = exchange.failure or "no reply"
    return Text(
        f"There was no reply: {failure}. The request may have been served; --resume sends it again.",
        f"没有得到应答：{failure}。请求可能已被处理；可用 --resume 重新发送。",
    )
