"""What a run prints, kept so that it can be searched too."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TextIO


class Recorder:
    """Keeps what is printed while it is the context, and lets it through: `text` is both streams, in order."""

    def __init__(self) -> None:
        self._pieces: list[str] = []

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    def __enter__(self) -> Recorder:
        self._streams = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = (_Tee(stream, self._pieces) for stream in self._streams)
        return self

    def __exit__(self, *_: object) -> None:
        sys.stdout, sys.stderr = self._streams


class _Tee:
    """A text stream that also keeps what is written; all else is the stream's own."""

    def __init__(self, stream: TextIO, pieces: list[str]) -> None:
        self._stream = stream
        self._pieces = pieces

    def write(self, text: str) -> int:
        self._pieces.append(text)
        return self._stream.write(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)
