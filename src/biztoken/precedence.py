"""Which of two defects in one request is told: pairs as they were seen, and the order that follows. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from biztoken.model import Json
from biztoken.reading import Reading

# The answer by which each kind of defect is known: (name of the error, detail); None: not looked at.
ANSWERS: Mapping[str, tuple[tuple[str, str | None], ...]] = {
    "sign": (("AUTHENTICATION_ERROR", None), ("AUTHORIZATION_ERROR", "INVALID_SIGN")),
    "expired": (("AUTHORIZATION_ERROR", "EXPIRED_SIGN"),),
    "permission": (("AUTHORIZATION_ERROR", "DENIED"),),
    "missing": (("MISSING_ARGUMENTS", "uuid"),),
    "value": (("BAD_ARGUMENTS", "biz_no"),),
    "picture": (("IMAGE_ERROR_UNSUPPORTED_FORMAT", "image_ref1"),),
    "face": (("NO_FACE_FOUND", "image_ref2"),),
}


def winner(first: str, second: str, reading: Reading) -> str:
    """The kind whose error came, or `other`."""
    for kind in (first, second):
        if any(name == reading.name and detail in (None, reading.detail) for name, detail in ANSWERS[kind]):
            return kind
    return "other"


def pair(first: str, second: str, seen: Sequence[str]) -> Json:
    """The record of a pair that was sent as often as it was seen; `winner` is None where the answers differ."""
    return {"first": first, "second": second, "seen": list(seen), "winner": seen[0] if len(set(seen)) == 1 else None}


def precedence_map(pairs: Sequence[Json]) -> Json:
    """The pairs, those that are not told the same each time, and the kinds in an order that all pairs agree with.

    `layers`: kinds that come before all of the next layer; within one nothing is known. None where the pairs
    contradict one another.
    """
    kinds = list(dict.fromkeys(kind for entry in pairs for kind in (entry["first"], entry["second"])))
    sorter: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(kinds, ()))
    for entry in pairs:
        if entry["winner"] in (entry["first"], entry["second"]):
            later = entry["second"] if entry["winner"] == entry["first"] else entry["first"]
            sorter.add(later, entry["winner"])
    return {
        "pairs": list(pairs),
        "nondeterministic": [[entry["first"], entry["second"]] for entry in pairs if entry["winner"] is None],
        "layers": _layers(sorter),
    }


def _layers(sorter: TopologicalSorter[str]) -> list[list[str]] | None:
    try:
        sorter.prepare()
    except CycleError:
        return None
    layers = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        layers.append(ready)
        sorter.done(*ready)
    return layers
