"""An entry of the journal as it is shown and written: JSON without secrets, identities and pictures."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote

from biztoken.contract import Contract
from biztoken.mock.decoding import measure
from biztoken.mock.dissection import dissect
from biztoken.mock.journal import Entry
from biztoken.mock.keys import Key
from biztoken.mock.privacy import REDACTED, Cleaner, private_texts, shown
from biztoken.multipart import Part

_BODY_KEPT = 64_000  # characters of an answer
_HASHED = 1024  # bytes; of less a hash gives away what was hashed
_MOST_PARTS, _MOST_HEADERS = 60, 100  # in a record
_READ = 64 * 1024  # bytes of a body that is no multipart
_TAG = re.compile("<[^<>]*>")
_URLENCODED, _JSON = "application/x-www-form-urlencoded", "application/json"


class _Seen(NamedTuple):
    """The fields of a body and of the query, whatever form they came in."""

    kind: str
    parts: tuple[Part, ...]
    query: list[tuple[str, str]]
    problems: tuple[str, ...] = ()


class Recorder:
    """Makes records. `keys`: by api_key; what they sign with must not be shown, and tells whether a digest is right."""

    def __init__(self, contract: Contract, keys: Mapping[str, Key]) -> None:
        self._contract = contract
        self._keys = keys
        self._secrets = {key.api_secret for key in keys.values()}

    def request(self, entry: Entry) -> dict[str, Any]:
        """What came."""
        received, seen = entry.received, _read(entry)
        cleaner = self._cleaner(seen)
        sign = next((part.body for part in seen.parts if part.name == "sign"), None)
        return {
            "id": entry.id,
            "connection": entry.connection,
            "at": iso(entry.at),
            "method": cleaner.clean(received.method),
            "target": self._target(received.target, seen.query, cleaner),
            "headers": [
                [cleaner.short(name), cleaner.header(name, value)] for name, value in received.headers[:_MOST_HEADERS]
            ],
            "more_headers": max(0, len(received.headers) - _MOST_HEADERS),
            "bytes": entry.size,
            "is_whole": received.whole,
            "is_chunked": entry.chunks is not None,
            "body": {"kind": seen.kind, "bytes": len(received.body)},
            "problems": list(seen.problems),
            "parts": [self._part(part, cleaner) for part in seen.parts[:_MOST_PARTS]],
            "more_parts": max(0, len(seen.parts) - _MOST_PARTS),
            "query": [self._text(name, text, cleaner) for name, text in seen.query],
            "sign": self._sign(sign, entry.at, cleaner) if sign else None,
        }

    def answer(self, entry: Entry) -> dict[str, Any]:
        """What was sent back, and how it ended."""
        cleaner = self._cleaner(_read(entry))
        text = entry.answer.decode("utf-8", "replace")
        return {
            "status": entry.status,
            "headers": [[name, cleaner.clean(value)] for name, value in entry.answer_headers],
            "body": cleaner.clean(text)[:_BODY_KEPT],
            "bytes": len(entry.answer),
            "error": cleaner.clean(_error(entry, text)) or None,
            "ended": iso(entry.ended),
            "ms": entry.ms,
            "end": entry.end,
            "chosen": entry.chosen,
        }

    def findings(self, entry: Entry, findings: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """What a judge found, without what it quotes of private texts."""
        cleaner = self._cleaner(_read(entry))
        return [_cleaned(dict(finding), cleaner) for finding in findings]

    def _cleaner(self, seen: _Seen) -> Cleaner:
        parts = [part for part in seen.parts if len(part.body) <= _HASHED]
        texts = [(part.name or "", part.body.decode("utf-8", "replace")) for part in parts]
        return Cleaner(private_texts([*texts, *seen.query], self._contract.parameters, self._secrets))

    def _sign(self, sign: bytes, at: float, cleaner: Cleaner) -> dict[str, Any]:
        record = dissect(sign, self._keys, at)
        return record | {"fields": {name: cleaner.clean(text) for name, text in record["fields"].items()}}

    def _target(self, target: str, query: list[tuple[str, str]], cleaner: Cleaner) -> str:
        path = cleaner.short(target.partition("?")[0])
        if "?" not in target:
            return path
        told = [self._text(name, text, cleaner) for name, text in query]
        values = [REDACTED if row["is_redacted"] else quote(str(row["value"]), safe="") for row in told]
        return f"{path}?" + "&".join(f"{row['name']}={value}" for row, value in zip(told, values, strict=True))

    def _text(self, name: str, text: str, cleaner: Cleaner) -> dict[str, Any]:
        return {"name": cleaner.name(name), "is_known": name in self._contract.parameters} | shown(
            name, text, self._contract, cleaner
        )

    def _part(self, part: Part, cleaner: Cleaner) -> dict[str, Any]:
        name = part.name or ""
        parameter = self._contract.parameters.get(name)
        record: dict[str, Any] = {
            "name": None if part.name is None else cleaner.name(part.name),
            "is_known": parameter is not None,
            "filename": None if part.filename is None else cleaner.short(part.filename),
            "content_type": None if part.content_type is None else cleaner.short(part.content_type),
            "headers": [[cleaner.short(key), cleaner.short(value)] for key, value in part.headers],
            "bytes": len(part.body),
        }
        if part.filename is not None or (parameter is not None and parameter.picture):
            return record | {"picture": _picture(part.body)}
        try:
            return record | shown(name, part.body.decode(), self._contract, cleaner)
        except UnicodeDecodeError:
            return record | {"value": None, "is_redacted": True, "characters": None}


def iso(moment: float | None) -> str | None:
    """A time since the epoch as ISO 8601 with milliseconds."""
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _cleaned(value: Any, cleaner: Cleaner) -> Any:
    if isinstance(value, str):
        return cleaner.clean(value)
    if isinstance(value, Mapping):
        return {key: _cleaned(item, cleaner) for key, item in value.items()}
    return [_cleaned(item, cleaner) for item in value] if isinstance(value, list | tuple) else value


def _read(entry: Entry) -> _Seen:
    """A request for the eye: also what no endpoint reads, as far as it can be read at all."""
    received = entry.received
    media = (received.header("content-type") or "").partition(";")[0].strip().lower()
    query = parse_qsl(received.target.partition("?")[2], keep_blank_values=True)[:_MOST_PARTS]
    if not received.body:
        return _Seen("none", (), query)
    if media.startswith("multipart/"):
        form = entry.form
        return _Seen("multipart", form.parts, query, form.problems)
    if media == _URLENCODED:
        pairs = parse_qsl(received.body[:_READ].decode("utf-8", "replace"), keep_blank_values=True)
        parts = tuple(Part(name, None, None, (), text.encode("utf-8", "replace")) for name, text in pairs)
        return _Seen("urlencoded", parts, query)
    if media == _JSON or media.endswith("+json"):
        return _Seen("json", tuple(_members(received.body[:_READ])), query)
    return _Seen("other", (), query)


def _members(body: bytes) -> Iterator[Part]:
    """The members of a JSON object, as if they were fields."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return
    for name, value in told.items() if isinstance(told, dict) else ():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield Part(name, None, None, (), text.encode("utf-8", "replace"))


def _picture(data: bytes) -> dict[str, Any]:
    """A file as what it is, without what it shows."""
    seen = measure(data)
    record: dict[str, Any] = {"format": None, "width": None, "height": None, "sha256": None}
    if seen:
        record |= {"format": seen[0], "width": seen[1], "height": seen[2]}
    if seen or len(data) >= _HASHED:
        record["sha256"] = hashlib.sha256(data).hexdigest()
    return record


def _error(entry: Entry, text: str) -> str:
    """What the answer tells of an error, empty where it tells none."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        told = " ".join(_TAG.sub(" ", text[:_READ]).split())
        return told[:200] if (entry.status or 0) >= 400 else ""
    error = told.get("error") if isinstance(told, dict) else None
    return error if isinstance(error, str) else ""
