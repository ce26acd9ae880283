"""What the control path tells: JSON of the journal and of the answers that are chosen. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from biztoken.mock import repeat
from biztoken.mock.choices import Choices
from biztoken.mock.chronicle import Record

_LEVELS = ("breaks", "report", "advice")


def summary(number: int, record: Record) -> dict[str, Any]:
    """An entry as a row of a list."""
    request, answer = record["request"], record.get("answer") or {}
    fields = {part["name"]: part.get("value") for part in request["parts"] if part["is_known"]}
    levels = [finding.get("level") for finding in record["findings"]] if "findings" in record else None
    return {
        "id": number,
        "at": request["at"],
        "connection": request["connection"],
        "method": request["method"],
        "target": request["target"],
        "bytes": request["bytes"],
        "is_whole": request["is_whole"],
        "liveness_type": fields.get("liveness_type"),
        "comparison_type": fields.get("comparison_type"),
        "status": answer.get("status"),
        "error": answer.get("error"),
        "ms": answer.get("ms"),
        "end": answer.get("end"),
        "chosen": answer.get("chosen"),
        "findings": None if levels is None else {level: levels.count(level) for level in _LEVELS},
    }


def detail(record: Record, *, has_bytes: bool, origin: str, entries: str) -> dict[str, Any]:
    """All of an entry. `origin`: scheme and host of the mock; `entries`: where the API has them."""
    request = record["request"]
    return {
        "id": request["id"],
        "request": request,
        "answer": record.get("answer"),
        "findings": record.get("findings"),
        "has_bytes": has_bytes,
        "curl": {
            "again": repeat.again(request, origin, entries) if has_bytes and request["method"] else None,
            "anew": repeat.anew(request, origin),
        },
    }


def answers(choices: Choices) -> dict[str, Any]:
    """What is chosen."""
    always = choices.always
    return {
        "next": [{"name": chosen.name} for chosen in choices.next],
        "always": {"name": always.name} if always else None,
    }


def choosable(choices: Choices) -> list[dict[str, Any]]:
    """What can be chosen by name."""
    return [
        {
            "name": entry.name,
            "group": entry.group,
            "status": entry.status,
            "clause": entry.clause,
            "message": {"en": entry.en, "zh": entry.zh},
        }
        for entry in choices.choosable
    ]


def origin_of(scope: Mapping[str, Any]) -> str:
    """Scheme and host, as the client wrote it."""
    host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
    return f"{scope['scheme']}://{host}"
