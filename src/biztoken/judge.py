"""What a reply earns: (exchange, expectation, contract) -> checks. Pure: no clock, no network, no memory."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from biztoken.contract import Contract
from biztoken.model import Check, Exchange, Finding, Level, Reply

# A caller's clock and the target's may tick 16 ms apart (the coarsest clock in common use).
CLOCK_GRANULARITY_MS = 16


class Outcome(StrEnum):
    """What a reply says, read as a client would."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Reading:
    """A reply taken apart. `data` is the JSON object, None where the body is none; `error` its text."""

    status: int
    data: dict[str, Any] | None
    error: str | None
    name: str
    detail: str
    outcome: Outcome

    def told(self) -> str:
        """The reply in a few words, the same for the same mistake."""
        if self.outcome is Outcome.ACCEPTED:
            return f"status {self.status}, accepted"
        return f"status {self.status}, {'no error told' if self.error is None else self.error}"


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


def read(reply: Reply) -> Reading:
    """Take a reply apart. The first run of capitals in `error` is its name, the rest its detail."""
    try:
        data = json.loads(reply.body.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        return Reading(reply.status, None, None, "", "", Outcome.UNREADABLE)
    error = data.get("error")
    text = error if isinstance(error, str) and error else None
    good = reply.status < 300
    if good and ("error" not in data or data.get("biz_token") or error is None):
        return Reading(reply.status, data, text, "", "", Outcome.ACCEPTED)
    if text is None:
        return Reading(reply.status, data, None, "", "", Outcome.UNREADABLE)
    name, detail = split_error(text)
    return Reading(reply.status, data, text, name, detail, Outcome.REFUSED if name else Outcome.UNREADABLE)


def split_error(text: str) -> tuple[str, str]:
    """Name and detail of an error text; the name is empty where there is none in capitals."""
    match = re.match(r"[A-Z][A-Z_]{3,}", text)
    if match is None:
        return "", text
    rest = text[match.end() :].strip()
    return match.group(), rest.removeprefix(":").strip()


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
        yield broken(expected.clause, "refused", "accepted", reading.told())


def _other(reading: Reading, expected: Expected) -> Iterator[Check]:
    """A refusal that does not apply here must not come; whatever else does is another clause's matter."""
    if reading.outcome is Outcome.UNREADABLE:
        return
    told = any((reading.name, reading.detail) == (a.error, a.detail or "") for a in expected.alternatives)
    due = "no " + " or ".join(alternative.told() for alternative in expected.alternatives)
    yield _kept(expected.clause, not told, due, reading.told(), "refused")


def _too_large(reply: Reply, reading: Reading) -> Iterator[Check]:
    """A 413: plain text, no JSON; its media type is not judged."""
    prefix = "REQUEST-ENTITY-TOO-LARGE"
    yield _kept(f"{prefix}-STATUS", reading.status == 413, "status 413", reading.told(), "status")
    if reading.status != 413:
        return
    yield _kept(f"{prefix}-BODY", not _is_json(reply.body), "plain text", "a JSON body", "body")
    text = reply.body.decode("utf-8", "replace")
    told = "request entity too large" in text.lower()
    yield _kept(f"{prefix}-NAME", told or _is_json(reply.body), "Request Entity Too Large", _show(text), "name")


def _not_too_large(reading: Reading, clause: str) -> Iterator[Check]:
    yield _kept(clause, reading.status != 413, "no 413", f"status {reading.status}", "status")


def _is_json(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict | list)
    except (UnicodeDecodeError, ValueError, RecursionError):
        return False


def _refused(reading: Reading, expected: Expected, contract: Contract) -> Iterator[Check]:
    due = " or ".join(alternative.told() for alternative in expected.alternatives)
    if reading.outcome is Outcome.ACCEPTED:
        if not expected.witness:
            yield broken(expected.clause, "accepted", due, reading.told())
        return
    if reading.outcome is Outcome.UNREADABLE:
        if reading.status >= 500:
            yield broken(expected.clause, "failed", due, reading.told())
        return
    named = [a for a in expected.alternatives if a.error in (reading.name, None)]
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
            kept += [reading.detail.replace("_", "-")] if known.detail == "reason" else []
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


def envelope(exchange: Exchange, reading: Reading, contract: Contract) -> Iterator[Check]:
    """What every reply must be, whatever was asked: JSON, fields, types, a status that fits its error."""
    if reading.status == 413 and reading.name not in contract.errors:
        return
    yield from _body(reading)
    if reading.data is None:
        return
    if reading.outcome is Outcome.ACCEPTED:
        yield from _success(reading.data, reading.status)
    else:
        yield from _failure(reading, contract)
    yield from _request_id(reading.data, reading.outcome)
    yield from _time_used(reading.data, reading.outcome, exchange.elapsed_ms)
    yield from _faces(dict(exchange.form), reading)


def _body(reading: Reading) -> Iterator[Check]:
    kept = reading.data is not None
    yield (
        Check("JSON-BODY")
        if kept
        else broken("JSON-BODY", "body", "a JSON object", f"status {reading.status}, a body that is none")
    )


def _success(data: dict[str, Any], status: int) -> Iterator[Check]:
    yield (
        Check("SUCCESS-STATUS")
        if status == 200
        else broken("SUCCESS-STATUS", "status", "status 200", f"status {status}")
    )
    yield _kept("ERROR-ABSENT", "error" not in data, "no error field", f"error {_show(data.get('error'))}")
    yield _kept("BIZ-TOKEN-PRESENCE", "biz_token" in data, "biz_token", "no biz_token")
    if "biz_token" in data:
        yield _text("BIZ-TOKEN-TYPE", data["biz_token"])


def _failure(reading: Reading, contract: Contract) -> Iterator[Check]:
    data = reading.data or {}
    yield _kept("ERROR-PRESENCE", data.get("error") is not None, "error", f"status {reading.status} without error")
    if data.get("error") is None:
        return
    yield _kept("ERROR-TYPE", isinstance(data["error"], str), "a string", f"error {_show(data['error'])}")
    if not isinstance(data["error"], str):
        return
    if not _is_spaced(data["error"]):
        kept = re.match(contract.error_pattern, data["error"]) is not None
        yield _kept("ERROR-GRAMMAR", kept, "NAME or NAME: detail", f"error {_show(data['error'])}")
    row = contract.errors.get(reading.name)
    if row is not None and (clause := contract.clause_id(row.name, "status")) in contract.clauses:
        due = f"{row.name} with status {row.status}"
        yield _kept(clause, reading.status == row.status, due, f"status {reading.status}", "status")


def _is_spaced(text: str) -> bool:
    """A detail after a space without a colon: the contract is silent on it."""
    return re.match(r"^[A-Z][A-Z_]{3,}\s+[^\s:]", text) is not None


def _request_id(data: dict[str, Any], outcome: Outcome) -> Iterator[Check]:
    yield _present("request_id", data, outcome)
    if "request_id" in data:
        yield _text("REQUEST-ID-TYPE", data["request_id"])


def _time_used(data: dict[str, Any], outcome: Outcome, elapsed_ms: float) -> Iterator[Check]:
    yield _present("time_used", data, outcome)
    if "time_used" not in data:
        return
    value = data["time_used"]
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    yield _kept("TIME-USED-TYPE", is_integer, "an integer", f"time_used is a {type(value).__name__}", "type")
    if is_integer:
        longest = elapsed_ms + CLOCK_GRANULARITY_MS
        aspect = "negative" if value < 0 else "too long"
        due = f"0 to {longest:.0f} ms, the time the caller waited"
        kept = 0 <= value <= longest
        yield Check("TIME-USED-PLAUSIBLE") if kept else broken("TIME-USED-PLAUSIBLE", aspect, due, f"time_used {value}")


def _present(field: str, data: dict[str, Any], outcome: Outcome) -> Check:
    prefix = field.upper().replace("_", "-")
    clause = f"{prefix}-PRESENCE" if outcome is Outcome.ACCEPTED else f"{prefix}-ON-ERROR"
    return _kept(clause, field in data, field, f"no {field}", "missing")


def _faces(form: dict[str, Any], reading: Reading) -> Iterator[Check]:
    """`faces` comes when asked for with raw_image, and only then (section return_faces)."""
    data = reading.data or {}
    if form.get("return_faces", "0") == "0":
        yield _kept("FACES-ABSENT", "faces" not in data, "no faces", "faces, though not asked for")
        return
    if form.get("return_faces") != "1" or form.get("liveness_type") != "raw_image":
        return
    clause = _faces_clause(reading)
    if clause is None:
        return
    yield _kept(clause, "faces" in data, "faces", "no faces", "missing")
    if "faces" in data:
        kept = isinstance(data["faces"], list)
        yield _kept("FACES-TYPE", kept, "a list", f"faces is a {type(data['faces']).__name__}", "type")


def _faces_clause(reading: Reading) -> str | None:
    if reading.outcome is Outcome.ACCEPTED:
        return "FACES-SUCCESS"
    if reading.name in ("LOW_QUALITY", "MULTIPLE_FACES"):
        return f"FACES-{reading.name}".replace("_", "-")
    return "FACES-NO-FACE-FOUND" if (reading.name, reading.detail) == ("NO_FACE_FOUND", "image") else None


def _text(clause: str, value: Any) -> Check:
    received = f"a {type(value).__name__}" if value != "" else "empty"
    return _kept(clause, isinstance(value, str) and value != "", "a string that is not empty", received, "type")


def _kept(clause: str, kept: bool, expected: str, received: str, aspect: str = "field") -> Check:
    return Check(clause) if kept else broken(clause, aspect, expected, received)


def broken(clause: str, aspect: str, expected: str, received: str, folds_to: str | None = None) -> Check:
    """A check that found a difference."""
    return Check(clause, Finding(clause, aspect, expected, received, folds_to))


def _show(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:79] + "…"
