"""A reply taken apart, read as a client would. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from biztoken.model import Reply


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
