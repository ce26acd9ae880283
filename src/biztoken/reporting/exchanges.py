"""A finding with its exchanges as a page shows them: what differs from the control is marked. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from biztoken.model import Json
from biztoken.reporting.curl import command, comments
from biztoken.reporting.printable import printable, shortened
from biztoken.reporting.records import Run

_VALUE_LIMIT = 300
_BODY_LIMIT = 2000


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One form field; `mark` is "", changed, added or removed, compared with the control."""

    name: str
    value: str
    mark: str


@dataclass(frozen=True, slots=True)
class Shown:
    """One exchange: texts are printable, `status` is such as `400 Bad Request`, None where no reply came."""

    id: int
    method: str
    url: str
    fields: tuple[FieldRow, ...]
    sent: str
    note: str
    status: str | None
    headers: tuple[tuple[str, str], ...]
    body: str
    cut: int | None
    failure: str
    milliseconds: str
    comments: tuple[str, ...]
    command: tuple[str, ...]


def shown_exchanges(run: Run, finding: Json) -> tuple[Shown | None, Shown | None]:
    """The failing exchange and its control; None for what the finding or the records do not hold."""
    records = [run.exchange(number) for number in finding["exchanges"]]
    failing = records[-1] if records else None
    control = records[0] if len(records) > 1 else None
    if control is not None and control.get("role") != "control":
        control = None
    return (
        shown(failing, control) if failing else None,
        shown(control, None) if control else None,
    )


def further_exchanges(run: Run, finding: Json, most: int = 3) -> list[Shown]:
    """Others that show the same, of a run without controls; of a value that came twice the first is among them."""
    numbers = dict.fromkeys(finding["exchanges"][:-1])
    records = [run.exchange(number) for number in numbers if number != finding["exchanges"][-1]]
    return [shown(record, None) for record in records if record][:most]


def shown(record: Mapping[str, Any], control: Mapping[str, Any] | None) -> Shown:
    """One exchange for the page, its fields compared with those of `control`."""
    request, reply = record["request"], record.get("reply")
    body, cut = _body(reply) if reply else ("", None)
    return Shown(
        id=record["id"],
        method=printable(request.get("method", "POST")),
        url=printable(request.get("url", "")),
        fields=_rows(request, control["request"] if control else None),
        sent=size(request["bytes"]) if request.get("bytes") is not None else "",
        note=printable(request.get("note") or ""),
        status=_status(reply["status"]) if reply else None,
        headers=tuple((printable(name), shortened(value, 200)) for name, value in _headers(reply)),
        body=body,
        cut=cut,
        failure=printable(record.get("failure") or ""),
        milliseconds=f"{float(record.get('elapsed_ms') or 0):.0f}",
        comments=tuple(map(printable, comments(record))),
        command=tuple(map(printable, command(record))),
    )


def size(number: int) -> str:
    """A number of bytes for people: 812 B, 48.2 kB, 21.0 MB (powers of ten)."""
    if number < 1000:
        return f"{number} B"
    return f"{number / 1000:.1f} kB" if number < 1_000_000 else f"{number / 1_000_000:.1f} MB"


def _rows(request: Mapping[str, Any], control: Mapping[str, Any] | None) -> tuple[FieldRow, ...]:
    pairs = _pairs(request)
    before = _pairs(control) if control else None
    if before is None or before == pairs:
        return tuple(FieldRow(name, value, "") for name, value in pairs)
    known, known_names = Counter(before), {name for name, _ in before}
    rows = [FieldRow(name, value, _mark(name, value, known, known_names)) for name, value in pairs]
    names = {name for name, _ in pairs}
    for position, (name, value) in enumerate(before):
        if name not in names:
            rows.insert(min(position, len(rows)), FieldRow(name, value, "removed"))
    return tuple(rows)


def _mark(name: str, value: str, known: Counter[tuple[str, str]], known_names: set[str]) -> str:
    if known[name, value]:
        known[name, value] -= 1
        return ""
    return "changed" if name in known_names else "added"


def _pairs(request: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(shortened(field["name"], 120), _value(field)) for field in request.get("fields", ())]


def _value(field: Mapping[str, Any]) -> str:
    picture = field.get("picture")
    if not picture:
        return shortened(field.get("value", ""), _VALUE_LIMIT)
    parts = [f"{picture.get('label', '')}"]
    parts += [size(picture["bytes"])] if isinstance(picture.get("bytes"), int) else []
    parts += [str(picture[key]) for key in ("media_type", "filename") if picture.get(key)]
    parts += [f"sha256 {str(picture['sha256'])[:12]}…"] if picture.get("sha256") else []
    return shortened(" · ".join(parts), _VALUE_LIMIT)


def _status(number: int) -> str:
    try:
        return f"{number} {HTTPStatus(number).phrase}"
    except ValueError:
        return str(number)


def _headers(reply: Mapping[str, Any] | None) -> Sequence[tuple[str, str]]:
    headers = (reply or {}).get("headers") or {}
    pairs = headers.items() if isinstance(headers, dict) else headers
    return [(str(name), str(value)) for name, value in pairs]


def _body(reply: Mapping[str, Any]) -> tuple[str, int | None]:
    """The body to show, JSON indented, and its whole length where that is more than is shown."""
    text = str(reply.get("body") or "")
    length = reply.get("bytes", len(text.encode("utf-8", "replace")))
    try:
        text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        is_cut = length > len(text.encode("utf-8", "replace"))
        return shortened(text, _BODY_LIMIT), length if is_cut or len(text) > _BODY_LIMIT else None
    return shortened(text, _BODY_LIMIT), length if len(text) > _BODY_LIMIT else None
