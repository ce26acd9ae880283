"""What a fleet and its workers say to each other: pickled values on pipes between processes of one program."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import IO, Any


@dataclass(frozen=True, slots=True)
class Load:
    """Send all but the last byte of these requests, or with `whole` nothing yet."""

    requests: tuple[bytes, ...]
    rack: int
    whole: bool


@dataclass(frozen=True, slots=True)
class Fire:
    """Release a rack at a moment of the monotonic clock, which is that of the whole machine."""

    rack: int
    at: float


@dataclass(frozen=True, slots=True)
class Land:
    """Give the shots of a rack."""

    rack: int


@dataclass(frozen=True, slots=True)
class Problem:
    """A HarnessError in a worker."""

    reason: str
    text: str


def tell(pipe: IO[bytes], value: Any) -> None:
    """Write a value."""
    pickle.dump(value, pipe, pickle.HIGHEST_PROTOCOL)
    pipe.flush()


def hear(pipe: IO[bytes]) -> Any:
    """Read a value; EOFError at the end."""
    return pickle.load(pipe)  # noqa: S301 - from our own child or parent
