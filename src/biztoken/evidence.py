"""The one place that writes records of exchanges, and the one place that redacts."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, quote_plus

from biztoken.errors import UserError
from biztoken.model import Exchange, Json, Upload

PRIVATE_FIELDS = frozenset({"idcard_name", "idcard_number"})
REDACTED = "<redacted>"
BODY_KEPT = 4_000  # characters of a reply's body
SHORTEST_SIGN = 20  # characters; what is shorter is no signature
VALUE_KEPT = 2_000  # characters of a field; the large-upload filler is 20 MB


class Evidence:
    """Appends one line per exchange, as it happens, so that a killed run keeps all but the torn last line."""

    def __init__(self, directory: Path, private: Iterable[str]) -> None:
        # Longest first, so that a text inside a longer one does not leave the rest of it readable.
        spelt = {form for text in private if _is_telling(text) for form in spellings(text)}
        self._private = sorted(spelt, key=len, reverse=True)
        self._wall = datetime.now(UTC).timestamp()
        self._zero: float | None = None
        self._exchanges = _open(directory / "evidence.ndjson")
        self._cases = _open(directory / "cases.ndjson")

    def exchange(self, exchange: Exchange, *, url: str, case: str, role: str, attempt: int) -> None:
        """Record one exchange."""
        if self._zero is None:
            self._zero, self._wall = exchange.started, datetime.now(UTC).timestamp() - exchange.elapsed_ms / 1000
        reply = exchange.reply
        body = self.redact(reply.body.decode("utf-8", "replace")) if reply else ""
        for name, value in exchange.form:
            if name == "sign" and isinstance(value, str) and len(value) > SHORTEST_SIGN:
                for spelling in spellings(value):
                    body = body.replace(spelling, "<sign>")
        record = {
            "id": exchange.id,
            "case": case,
            "role": role,
            "attempt": attempt,
            "request": {
                "method": exchange.method,
                "url": url,
                "fields": [field_record(name, value) for name, value in exchange.form],
                "bytes": exchange.sent_bytes,
                "note": exchange.note,
            },
            "reply": {
                "status": reply.status,
                "headers": dict(reply.headers),
                "body": body[:BODY_KEPT],
                "bytes": len(reply.body),
            }
            if reply
            else None,
            "failure": exchange.failure,
            "started": self._time(exchange.started),
            "ended": self._time(exchange.ended),
            "elapsed_ms": round(exchange.elapsed_ms, 3),
        }
        self._write(self._exchanges, record)

    def case(self, record: Mapping[str, Any]) -> None:
        """Record one finished case."""
        self._write(self._cases, record)

    def redact(self, value: Any) -> Any:
        """The same value with every private text replaced, whatever the nesting."""
        if isinstance(value, str):
            for text in self._private:
                value = value.replace(text, REDACTED)
            return value
        if isinstance(value, Mapping):
            return {key: self.redact(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.redact(item) for item in value]
        return value

    def close(self) -> None:
        self._exchanges.close()
        self._cases.close()

    def _time(self, monotonic: float) -> str:
        moment = self._wall + monotonic - (self._zero or 0.0)
        return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")

    def _write(self, file: IO[str], record: Mapping[str, Any]) -> None:
        file.write(json.dumps(self.redact(record), ensure_ascii=False) + "\n")
        file.flush()


def spellings(text: str) -> set[str]:
    """A text as it is, and as JSON and URLs write it."""
    return {text, json.dumps(text)[1:-1], quote(text), quote(text, safe=""), quote_plus(text)}


def _is_telling(text: str) -> bool:
    """Whether a text says enough to be hidden: one or two letters stand everywhere and betray nothing."""
    return len(text.encode()) >= 6


def field_record(name: str, value: str | Upload) -> Json:
    """A field as it may be shown: pictures as length and hash, signatures and identities hidden."""
    if isinstance(value, Upload):
        return {
            "name": name,
            "picture": {
                "label": value.label,
                "bytes": len(value.data),
                "sha256": hashlib.sha256(value.data).hexdigest(),
                "media_type": value.media_type,
                "filename": value.filename,
            },
        }
    if name == "sign":
        return {"name": name, "value": "<sign>" if value else ""}
    if name in PRIVATE_FIELDS:
        return {"name": name, "value": REDACTED if value else ""}
    kept = value if len(value) <= VALUE_KEPT else f"{value[:64]}… ({len(value)} characters)"
    return {"name": name, "value": kept}


def unwritable(directory: Path, problem: OSError) -> UserError:
    """The sentence for an output directory that cannot be written."""
    reason = problem.strerror
    return UserError(
        f"--out {directory}",
        f"cannot be written ({reason}); give another directory",
        f"无法写入（{reason}）；请换一个目录",
    )


def _open(path: Path) -> IO[str]:
    try:
        return path.open("a", encoding="utf-8", errors="replace")
    except OSError as problem:
        raise unwritable(path.parent, problem) from None


def write_json(path: Path, value: Any) -> None:
    """Write JSON so that a reader, whenever it looks, sees the old file or the new one whole."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", "utf-8")
        os.replace(partial, path)
    except OSError as problem:
        raise unwritable(path.parent, problem) from None
