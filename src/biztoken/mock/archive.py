"""The journal on disk: lines of JSON, each written as soon as it is known, so that a killed mock loses none.

A line is `{"id": 7, "request": {…}}`, then `{"id": 7, "answer": {…}}` and, where somebody judges requests,
`{"id": 7, "findings": […]}`. When half the room is full the file is put aside as `journal.1.ndjson`, and the one that
was put aside before is gone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from biztoken.errors import UserError

NAME, OLDER = "journal.ndjson", "journal.1.ndjson"
MOST_BYTES = 64 * 1024 * 1024
_MOST_LINE = 2 * 1024 * 1024  # bytes; what a record holds of a request is bounded, and far shorter
_RAW = "raw"
_MOST_RAW = 500  # files


class Archive:
    """Writes into a directory that only its owner can read. `keeps_raw`: requests as they came, too, in `raw/`."""

    def __init__(self, directory: Path, most_bytes: int = MOST_BYTES, *, keeps_raw: bool = False) -> None:
        self.directory = directory
        self.keeps_raw = keeps_raw
        self._most_bytes = most_bytes
        self._raw_bytes: dict[Path, int] = {}
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if keeps_raw:
                (directory / _RAW).mkdir(mode=0o700, exist_ok=True)
                found = sorted((directory / _RAW).glob("*.http"), key=lambda path: path.stat().st_mtime)
                self._raw_bytes = {path: path.stat().st_size for path in found}
            self._file = self._open()
        except OSError as problem:
            raise _unwritable(directory, problem) from None

    def write(self, number: int, what: str, record: Any) -> None:
        """Append a line; `what`: request, answer or findings. One that is too long for any request is left out."""
        line = json.dumps({"id": number, what: record}, ensure_ascii=False) + "\n"
        data = line.encode("utf-8", "replace")
        if len(data) > _MOST_LINE:
            return
        if self._size + len(data) > self._most_bytes // 2 and self._size:
            self._file.close()
            os.replace(self.directory / NAME, self.directory / OLDER)
            self._file = self._open()
        self._file.write(data)  # unbuffered: the kernel has it, whatever becomes of this process
        self._size += len(data)

    def write_raw(self, number: int, data: bytes) -> None:
        """Keep a request as it came; the oldest go."""
        path = self.directory / _RAW / f"{number}.http"
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(data)
        self._raw_bytes.pop(path, None)
        self._raw_bytes[path] = len(data)
        while len(self._raw_bytes) > 1 and (
            len(self._raw_bytes) > _MOST_RAW or sum(self._raw_bytes.values()) > self._most_bytes
        ):
            oldest = next(iter(self._raw_bytes))
            del self._raw_bytes[oldest]
            oldest.unlink(missing_ok=True)

    def close(self) -> None:
        self._file.close()

    def _open(self) -> IO[bytes]:
        path = self.directory / NAME
        file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab", buffering=0)
        self._size = file.seek(0, os.SEEK_END)
        # A line that a kill tore in two must not swallow the next.
        if self._size and not _ends_whole(path):
            self._size += file.write(b"\n") or 0
        return file


def read_archive(directory: Path) -> dict[int, dict[str, Any]]:
    """What a directory holds: each entry by id, with its `request` and, where there are, `answer` and `findings`.

    Lines that are torn, or none of ours, are passed over.
    """
    found: dict[int, dict[str, Any]] = {}
    for line in _lines(directory):
        try:
            told = json.loads(line)
            number = told.pop("id")
        except (ValueError, KeyError, AttributeError, TypeError):
            continue
        if isinstance(number, int) and all(name in ("request", "answer", "findings") for name in told):
            found.setdefault(number, {}).update(told)
    return {number: found[number] for number in sorted(found) if "request" in found[number]}


def _lines(directory: Path) -> Iterator[bytes]:
    for name in (OLDER, NAME):
        path = directory / name
        if path.is_file():
            with path.open("rb") as file:
                yield from file


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read() == b"\n"


def _unwritable(directory: Path, problem: OSError) -> UserError:
    reason = problem.strerror
    return UserError(
        f"--journal {directory}",
        f"cannot be written ({reason}); give another directory",
        f"无法写入（{reason}）；请换一个目录",
    )
