"""The one place that writes records of exchanges, and the one place that redacts."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from biztoken.errors import UserError
from biztoken.model import Exchange, Form, Json, Upload
from biztoken.redaction import LEAST, REDACTED, SIGN, Redactor

PRIVATE_FIELDS = frozenset({"idcard_name", "idcard_number"})
ID_NUMBER = re.compile(r"\d{17}[\dX]")
BODY_KEPT = 64_000  # characters of a reply's body: whole, unless it is absurd
SHORTEST_SIGN = 20  # characters; what is shorter is no signature
VALUE_KEPT = 2_000  # characters of a field; the large-upload filler is 20 MB


class Evidence:
    """Appends one line per exchange, as it happens, so that a killed run keeps all but the torn last line.

    `signs`, `numbers` and `pictures` are those that were sent: what no record may hold. `is_open`: nothing is private,
    because a mock of our own was asked with its own keys for a person made for it. Without a directory records are
    made, and others write them.
    """

    def __init__(
        self, directory: Path | None, private: Iterable[str], known: Iterable[str] = (), *, is_open: bool = False
    ) -> None:
        self._is_open = is_open
        self._known = frozenset(known)  # cases that are recorded already
        self._redactor = Redactor(private)
        self.signs: list[str] = []
        self.numbers: set[str] = set()
        self.pictures: dict[int, Upload] = {}  # by identity: each is held, and a hash of 20 MB takes its time
        self._wall = datetime.now(UTC).timestamp()
        self._zero: float | None = None
        self._exchanges = _open(directory / "evidence.ndjson") if directory else None
        self._cases = _open(directory / "cases.ndjson") if directory else None

    def exchange(
        self, exchange: Exchange, *, url: str, case: str, role: str, attempt: int, burst: Json | None = None
    ) -> None:
        """Record one exchange; `burst`: which of the bursts it was part of."""
        self.append(self.record(exchange, url=url, case=case, role=role, attempt=attempt, burst=burst))

    def append(self, record: Json) -> None:
        """Write the record of an exchange that was made elsewhere, too."""
        self._write(self._exchanges, record)

    def record(
        self, exchange: Exchange, *, url: str, case: str, role: str, attempt: int, burst: Json | None = None
    ) -> Json:
        """The record of an exchange, with nothing private in it."""
        if self._zero is None:
            self._zero, self._wall = exchange.started, datetime.now(UTC).timestamp() - exchange.elapsed_ms / 1000
        reply = exchange.reply
        self._learn(exchange.form)
        body = self._shown(reply.body.decode("utf-8", "replace"), exchange.form) if reply else ""
        record: Json = {
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
                "headers": {self.redact(name): self._shown(value, exchange.form) for name, value in reply.headers},
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
        if burst is not None:
            record["burst"] = burst
        if reply is not None and not _is_utf8(reply.body):
            record["reply"]["utf8"] = False
        clean: Json = self.redact(record)
        return clean

    def case(self, record: Mapping[str, Any]) -> None:
        """Record one finished case, unless an earlier part of the run did."""
        if record["id"] not in self._known:
            self._write(self._cases, record)

    def redact(self, value: Any) -> Any:
        """The same value with every private text replaced, whatever the nesting."""
        return value if self._is_open else self._redactor.redact(value)

    def _shown(self, text: str, form: Form) -> str:
        """What a target said, without what was sent to it."""
        return text if self._is_open else str(self.redact(_without_own(text, form)))

    def close(self) -> None:
        for file in (self._exchanges, self._cases):
            if file is not None:
                file.close()

    def _learn(self, form: Form) -> None:
        """Keep what was sent and may be repeated later, in another reply or in a finding."""
        if self._is_open:
            return
        for name, value in form:
            if isinstance(value, Upload):
                self.pictures[id(value)] = value
            elif name == "sign" and len(value) > SHORTEST_SIGN:
                self.signs.append(value)
                self._redactor.learn(value, SIGN)
            elif name == "idcard_number" and value not in self.numbers and ID_NUMBER.fullmatch(value):
                self.numbers.add(value)
                self._redactor.learn(value, REDACTED)

    def _time(self, monotonic: float) -> str:
        moment = self._wall + monotonic - (self._zero or 0.0)
        return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")

    def _write(self, file: IO[str] | None, record: Mapping[str, Any]) -> None:
        if file is None:
            return
        file.write(json.dumps(self.redact(record), ensure_ascii=False) + "\n")
        file.flush()


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _without_own(text: str, form: Form) -> str:
    """A reply without the name in its request, be it anybody's, and without its sign, however spoilt."""
    labels = {"sign": SIGN, "idcard_name": REDACTED}
    for name, value in form:
        if name in labels and isinstance(value, str) and len(value.encode("utf-8", "surrogatepass")) >= LEAST:
            for spelt in (value, json.dumps(value)[1:-1]):
                text = text.replace(spelt, labels[name])
    return text


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
        return {"name": name, "value": SIGN if value else ""}
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
