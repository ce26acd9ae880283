"""What a reply earns: (exchange, expectation, contract) -> checks. Pure: no clock, no network, no memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from biztoken.contract import Contract
from biztoken.envelope import envelope
from biztoken.finding import broken, compared, quoted
from biztoken.model import Check, Exchange, Level, Reply
from biztoken.reading import Outcome, Reading, read


@dataclass(frozen=True, slots=True)
class Alternative:
    """One legal refusal. `error` None: any error of that `status`. `detail` None: not looked at."""

    error: str | None
    detail: str | None = None
    status: int | None = None

    def told(self) -> str:
        name = self.error or f"any error with status {self.status}"
        return f"{name}: {self.detail}" if self.detail else name


@dataclass(frozen=True, slots=True)
class Expected:
    """What must follow.

    `kind`: accepted, refused, other (anything but the alternatives), observe, too-large or not-too-large.

    `clause` pays for a broken rule. `own`: it also pays for a wrong name or detail (where the contract
    leaves the name open). `witness`: the case only brings the reply about; a reply of another
    kind leaves it untestable, because the rule that failed has cases of its own.
    """

    kind: str
    clause: str
    alternatives: tuple[Alternative, ...] = ()
    own: bool = False
    witness: bool = False


def judge(exchange: Exchange, expected: Expected, contract: Contract) -> list[Check]:
    """Every clause that this exchange shows, kept or broken. No checks for `observe`, none without a reply."""
    if exchange.reply is None or expected.kind == "observe":
        return []
    reading = read(exchange.reply)
    return [*envelope(exchange, reading, contract), *answer(exchange.reply, reading, expected, contract)]


def answer(reply: Reply, reading: Reading, expected: Expected, contract: Contract) -> Iterator[Check]:
    """The clauses that this expectation concerns, beside what every reply must be."""
    if reading.status == 413 and reading.name not in contract.errors and expected.kind != "too-large":
        yield from _not_too_large(reading, "REQUEST-ENTITY-TOO-LARGE-LIMIT")
        return
    match expected.kind:
        case "accepted":
            yield from _accepted(reading, expected)
        case "refused":
            yield from _refused(reading, expected, contract)
        case "other":
            yield from _other(reading, expected)
        case "too-large":
            yield from _too_large(reply, reading)
        case "not-too-large":
            yield from _not_too_large(reading, expected.clause)


def _accepted(reading: Reading, expected: Expected) -> Iterator[Check]:
    tolerated = any(alternative.error == reading.name for alternative in expected.alternatives)
    if reading.outcome is Outcome.ACCEPTED or (reading.outcome is Outcome.REFUSED and tolerated):
        yield Check(expected.clause)
    elif expected.witness:
        return
    elif reading.outcome is Outcome.REFUSED or reading.status >= 500:
        aspect = "failed" if reading.status >= 500 else "refused"
        yield broken(expected.clause, aspect, "accepted", reading.told())


def _other(reading: Reading, expected: Expected) -> Iterator[Check]:
    """A refusal that does not apply here must not come; whatever else does is another clause's matter."""
    if reading.outcome is Outcome.UNREADABLE:
        return
    told = any((reading.name, reading.detail) == (a.error, a.detail or "") for a in expected.alternatives)
    due = "no " + " or ".join(alternative.told() for alternative in expected.alternatives)
    yield compared(expected.clause, not told, due, reading.told(), "refused")


def _too_large(reply: Reply, reading: Reading) -> Iterator[Check]:
    """A 413: plain text, no JSON; its media type is not judged."""
    prefix = "REQUEST-ENTITY-TOO-LARGE"
    yield compared(f"{prefix}-STATUS", reading.status == 413, "status 413", reading.told(), "status")
    if reading.status != 413:
        return
    yield compared(f"{prefix}-BODY", not _is_json(reply.body), "plain text", "a JSON body", "body")
    text = reply.body.decode("utf-8", "replace")
    told = "request entity too large" in text.lower()
    yield compared(f"{prefix}-NAME", told or _is_json(reply.body), "Request Entity Too Large", quoted(text), "name")


def _not_too_large(reading: Reading, clause: str) -> Iterator[Check]:
    yield compared(clause, reading.status != 413, "no 413", f"status {reading.status}", "status")


def _is_json(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict | list | str)
    except (UnicodeDecodeError, ValueError, RecursionError):
        return False


def _refused(reading: Reading, expected: Expected, contract: Contract) -> Iterator[Check]:
    due = " or ".join(alternative.told() for alternative in expected.alternatives)
    if reading.outcome is Outcome.ACCEPTED:
        if not expected.witness:
            yield broken(expected.clause, "accepted", due, reading.told())
        return
    named = [a for a in expected.alternatives if a.error in (reading.name, None)]
    is_other = reading.outcome is Outcome.UNREADABLE or not named
    if is_other and reading.status >= 500 and not expected.witness:
        yield broken(expected.clause, "failed", due, reading.told())
        return
    if reading.outcome is Outcome.UNREADABLE:
        return
    if not named:
        yield from _other_name(reading, expected, due, contract)
        return
    fitting = [a for a in named if _detail_fits(a, reading, contract)]
    if fitting:
        yield from _fitting(reading, expected, fitting[0], due, contract)
    else:
        yield _wrong_detail(reading, expected, named[0], contract)


def _fitting(reading: Reading, expected: Expected, found: Alternative, due: str, contract: Contract) -> Iterator[Check]:
    known = contract.errors.get(reading.name)
    # Where the right error has a wrong status, its row of the table pays for that.
    if found.error is None and found.status != (known.status if known else reading.status):
        yield broken(expected.clause, "status", due, f"status {reading.status}")
        return
    kept = [expected.clause]
    first = expected.alternatives[0].error
    if known is not None:
        kept.append(contract.clause_id(known.name, "name"))
        if first == "AUTHENTICATION_ERROR" and reading.detail == "INVALID_SIGN" and reading.status == known.status:
            # The other way to tell of a bad signature keeps the row that it stands for.
            kept += [contract.clause_id(first, rule) for rule in ("name", "status")]
        if found.detail is not None:
            kept.append(contract.clause_id(known.name, "detail"))
            kept += [reading.detail.replace("_", "-")] if reading.detail in known.reasons else []
    yield from (Check(clause) for clause in dict.fromkeys(kept) if clause in contract.clauses)


def _other_name(reading: Reading, expected: Expected, due: str, contract: Contract) -> Iterator[Check]:
    if expected.witness:
        return
    first = expected.alternatives[0]
    fold = None if expected.own or first.error is None else contract.clause_id(first.error, "name")
    reason = _reason_clause(first, contract)
    yield broken(reason or expected.clause, "name", due, reading.told(), fold)


def _detail_fits(alternative: Alternative, reading: Reading, contract: Contract) -> bool:
    if alternative.error is None or alternative.detail is None:
        return True
    row = contract.errors[alternative.error]
    if alternative.detail == "*":
        return row.detail != "reason" or bool(reading.detail)
    return reading.detail == alternative.detail or (row.detail == "optional" and not reading.detail)


def _wrong_detail(reading: Reading, expected: Expected, due: Alternative, contract: Contract) -> Check:
    """A detail that is missing breaks the error's row; a wrong reason breaks the reason's own clause."""
    clause = contract.clause_id(reading.name, "detail")
    if expected.own or clause not in contract.clauses:
        clause = expected.clause
    elif reading.detail and contract.errors[reading.name].detail == "reason":
        return broken(_reason_clause(due, contract) or expected.clause, "reason", due.told(), reading.told())
    return broken(clause, "detail", due.told(), reading.told() if reading.detail else f"{reading.name} without detail")


def _reason_clause(alternative: Alternative, contract: Contract) -> str | None:
    if not alternative.detail or alternative.error is None or contract.errors[alternative.error].detail != "reason":
        return None
    clause = contract.clauses.get(alternative.detail.replace("_", "-"))
    return clause.id if clause is not None and clause.level is not Level.OBSERVE else None
