"""What a run has seen: each reply looked at for what all must be, checks in the tally, notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from biztoken.cases import Case
from biztoken.contract import Contract
from biztoken.envelope import envelope
from biztoken.finding import broken
from biztoken.model import Check, Exchange, Json
from biztoken.reading import Outcome, Reading, read
from biztoken.verdicts import Tally, Text

SERVER_ERROR, NO_REPLY = "server errors", "requests without a reply at first"
INTERNAL_ERRORS = 3  # more than this many, and more than one request in a hundred, is no accident


class Ledger:
    """Keeps the tally and the notes of one run, and remembers what must not come twice."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.tally = Tally()
        self.notes: list[Text] = []
        self.times: list[float] = []  # milliseconds of every reply
        self.pairs: list[Json] = []  # two defects in one request, and which of them was told
        self.unanswered = 0
        # What went well when it was sent again: a request that fails each time is a matter of its case.
        self.recovered: Counter[str] = Counter()
        self._seen: dict[str, dict[str, int]] = {"request_id": {}, "biz_token": {}}

    def look(self, exchange: Exchange, case: str, *, judged: bool = True) -> None:
        """Judge what every reply must be, and that what must be unique is.

        `judged` False: the contract does not say whether the request is accepted. Where it is, its reply is held to
        what is said of every success; a refusal is only recorded.
        """
        if exchange.reply is None:
            return
        reading = read(exchange.reply)
        is_granted = reading.outcome is Outcome.ACCEPTED and bool((reading.data or {}).get("biz_token"))
        if not judged and not is_granted:
            return
        self.times.append(exchange.elapsed_ms)
        for check in envelope(exchange, reading, self.contract):
            self.take([check], None, (exchange.id,), case)
        self._note_freedoms(reading)
        for name, clause in (("request_id", "REQUEST-ID-UNIQUE"), ("biz_token", "BIZ-TOKEN-UNIQUE")):
            self._unique(exchange, reading, name, clause, case)

    def _note_freedoms(self, reading: Reading) -> None:
        """Record what the contract leaves open and every reply may show, once each."""
        seen = []
        if reading.outcome is Outcome.REFUSED and "biz_token" in (reading.data or {}):
            seen.append(("BIZ-TOKEN-IN-ERROR", f"{reading.name} with biz_token"))
        if reading.name == "AUTHENTICATION_ERROR" or reading.detail == "INVALID_SIGN":
            seen.append(("INVALID-SIGN", reading.told()))
        for clause, told in seen:
            if told not in self.tally.observations[clause]:
                self.tally.observations[clause].append(told)

    def _unique(self, exchange: Exchange, reading: Reading, name: str, clause: str, case: str) -> None:
        value = (reading.data or {}).get(name)
        if not isinstance(value, str) or not value or (name == "biz_token" and reading.outcome is not Outcome.ACCEPTED):
            return
        first = self._seen[name].setdefault(value, exchange.id)
        told_before = broken(clause, "repeated", f"a new {name}", f"a {name} told before")
        self.take([Check(clause) if first == exchange.id else told_before], None, (first, exchange.id), case)

    def is_charged(self, clause: str) -> bool:
        """Whether a finding was charged to a clause so far."""
        return any(charge.finding.clause == clause for charge in self.tally.charges.values())

    def take(self, checks: Sequence[Check], case: Case | None, exchanges: tuple[int, ...], name: str = "") -> None:
        """Add checks to the tally."""
        for check in checks:
            if check.finding is None:
                self.tally.kept[check.clause] += 1
            else:
                difference = case.difference() if case else ""
                self.tally.charge(check.finding, case.id if case else name, difference, exchanges)

    def observe(self, case: Case, exchange: Exchange) -> None:
        """Record what a case met that the contract leaves open."""
        told = read(exchange.reply).told() if exchange.reply else f"no reply ({exchange.failure})"
        self.tally.observations[case.clause].append(f"{case.difference()}: {told}")

    def note_internal_error(self, exchange: Exchange, reading: Reading) -> None:
        """Note a server error; its request is sent again."""
        told = f"{exchange.id}: {reading.told()}"
        self.notes.append(Text(f"Exchange {told}; sent again.", f"交互 {told}；已重发。"))

    def close(self, sent: int, sound_controls: int, *, is_loopback: bool) -> None:
        """Judge what only the whole run, of so many requests, shows: whether server errors were an accident.

        So of replies that did not come; but a network may lose them, where there is one.
        """
        if self.unanswered:
            lost = self.unanswered
            self.notes.append(
                Text(
                    f"{lost} of {sent} requests got no reply at first and were sent again.",
                    f"{sent} 个请求中有 {lost} 个起初没有得到应答，已重发。",
                )
            )
        clause, most = "INTERNAL-ERROR", max(INTERNAL_ERRORS, sent / 100)
        for what, count in self.recovered.items():
            if count > most and (is_loopback or what != NO_REPLY):
                told = f"{count} {what} in {sent} requests"
                self.take([broken(clause, "lasting", "no lasting server error", told)], None, (), "run")
        if sound_controls and not self.is_charged(clause):
            self.tally.kept[clause] += 1
