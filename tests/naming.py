"""Which keys of a record its schema does not name. Readers must bear such keys; we write none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from biztoken.reporting.result import kind_of, schema

Json = dict[str, Any]
NAMES = {"properties", "additionalProperties"}  # what says of an object which keys it has; another is as it was written
Place = tuple[Json, Json]  # a schema, and the document that it stands in


def unnamed(record: Json) -> list[str]:
    """The paths of all keys that the schema of a record's kind does not name."""
    whole = schema(kind_of(record))
    return list(_unnamed(record, list(_parts(whole, whole)), ""))


def _unnamed(value: object, places: Sequence[Place], path: str) -> Iterator[str]:
    if isinstance(value, list):
        inner = [part for one, document in places for part in _parts(one.get("items", {}), document)]
        for item in value:
            yield from _unnamed(item, inner, f"{path}[]")
    elif isinstance(value, dict) and any(NAMES & one.keys() for one, _ in places):
        for key, member in value.items():
            inner = [part for one, document in places for part in _member(one, document, key)]
            if not inner:
                yield f"{path}/{key}"
            yield from _unnamed(member, inner, f"{path}/{key}")


def _member(one: Json, document: Json, key: str) -> Iterator[Place]:
    """The schemas that one schema has for a member of an object."""
    properties, more = one.get("properties", {}), one.get("additionalProperties")
    if key in properties:
        yield from _parts(properties[key], document)
    elif isinstance(more, dict):
        yield from _parts(more, document)


def _parts(one: Json, document: Json) -> Iterator[Place]:
    """A schema and all that it refers to or consists of."""
    yield one, document
    if "$ref" in one:
        name, _, pointer = one["$ref"].partition("#")
        document = schema() if name == schema()["$id"] else document
        found: Json = document
        for step in filter(None, pointer.split("/")):
            found = found[step]
        yield from _parts(found, document)
    for word in ("allOf", "anyOf", "oneOf"):
        for part in one.get(word, ()):
            yield from _parts(part, document)
