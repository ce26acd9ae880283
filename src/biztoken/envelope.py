"""What every reply must be, whatever was asked: (exchange, reading, contract) -> checks. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from biztoken.contract import Contract
from biztoken.finding import broken, compared, quoted
from biztoken.model import Check, Exchange
from biztoken.reading import Outcome, Reading

# A caller's clock and the target's may tick 16 ms apart (the coarsest clock in common use).
CLOCK_GRANULARITY_MS = 16


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
    yield compared("ERROR-ABSENT", "error" not in data, "no error field", f"error {quoted(data.get('error'))}")
    yield compared("BIZ-TOKEN-PRESENCE", "biz_token" in data, "biz_token", "no biz_token")
    if "biz_token" in data:
        yield _text("BIZ-TOKEN-TYPE", data["biz_token"])


def _failure(reading: Reading, contract: Contract) -> Iterator[Check]:
    data = reading.data or {}
    yield compared("ERROR-PRESENCE", data.get("error") is not None, "error", f"status {reading.status} without error")
    if data.get("error") is None:
        return
    yield compared("ERROR-TYPE", isinstance(data["error"], str), "a string", f"error {quoted(data['error'])}")
    if not isinstance(data["error"], str):
        return
    if not _is_spaced(data["error"]):
        kept = re.match(contract.error_pattern, data["error"]) is not None
        yield compared("ERROR-GRAMMAR", kept, "NAME or NAME: detail", f"error {quoted(data['error'])}")
    row = contract.errors.get(reading.name)
    if row is not None and (clause := contract.clause_id(row.name, "status")) in contract.clauses:
        due = f"{row.name} with status {row.status}"
        yield compared(clause, reading.status == row.status, due, f"status {reading.status}", "status")


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
    yield compared("TIME-USED-TYPE", is_integer, "an integer", f"time_used is a {type(value).__name__}", "type")
    if is_integer:
        longest = elapsed_ms + CLOCK_GRANULARITY_MS
        aspect = "negative" if value < 0 else "too long"
        due = f"0 to {longest:.0f} ms, the time the caller waited"
        kept = 0 <= value <= longest
        yield Check("TIME-USED-PLAUSIBLE") if kept else broken("TIME-USED-PLAUSIBLE", aspect, due, f"time_used {value}")


def _present(field: str, data: dict[str, Any], outcome: Outcome) -> Check:
    prefix = field.upper().replace("_", "-")
    clause = f"{prefix}-PRESENCE" if outcome is Outcome.ACCEPTED else f"{prefix}-ON-ERROR"
    return compared(clause, field in data, field, f"no {field}", "missing")


def _faces(form: dict[str, Any], reading: Reading) -> Iterator[Check]:
    """`faces` comes when asked for with raw_image, and only then (section return_faces)."""
    data = reading.data or {}
    if form.get("return_faces", "0") == "0":
        yield compared("FACES-ABSENT", "faces" not in data, "no faces", "faces, though not asked for")
        return
    if form.get("return_faces") != "1" or form.get("liveness_type") != "raw_image":
        return
    clause = _faces_clause(reading)
    if clause is None:
        return
    yield compared(clause, "faces" in data, "faces", "no faces", "missing")
    if "faces" in data:
        kept = isinstance(data["faces"], list)
        yield compared("FACES-TYPE", kept, "a list", f"faces is a {type(data['faces']).__name__}", "type")


def _faces_clause(reading: Reading) -> str | None:
    if reading.outcome is Outcome.ACCEPTED:
        return "FACES-SUCCESS"
    if reading.name in ("LOW_QUALITY", "MULTIPLE_FACES"):
        return f"FACES-{reading.name}".replace("_", "-")
    return "FACES-NO-FACE-FOUND" if (reading.name, reading.detail) == ("NO_FACE_FOUND", "image") else None


def _text(clause: str, value: Any) -> Check:
    received = f"a {type(value).__name__}" if value != "" else "empty"
    return compared(clause, isinstance(value, str) and value != "", "a string that is not empty", received, "type")
