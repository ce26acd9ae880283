"""What a reader of a green verdict must know: workers lost, requests that never ended, nothing accepted. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from biztoken.reporting.load_view import Record, count_of
from biztoken.reporting.texts import say


@dataclass(frozen=True, slots=True)
class Doubt:
    """One such thing. `kind`: lost workers, requests left under way at the end, or none accepted; `n`: how many."""

    kind: str
    n: int


def doubts(record: Record) -> list[Doubt]:
    """All of them, the gravest first; none for a record of another kind than load."""
    return [doubt for doubt in _seen(record) if doubt.n] if record["kind"] == "load" else []


def _seen(record: Record) -> Iterator[Doubt]:
    load = record["load"]
    yield Doubt("none", 0 if count_of(record, "ok") else load["sent"])
    yield Doubt("lost", sum(worker["state"] == "lost" for worker in record["generator"]["workers"]))
    yield Doubt("left", load["in_flight_at_end"])


def doubted(record: Record, lang: str) -> str:
    """All of them in words; empty where there is none."""
    return say("sentence.and", lang).join(say(f"load.doubt.{doubt.kind}", lang, n=doubt.n) for doubt in doubts(record))
