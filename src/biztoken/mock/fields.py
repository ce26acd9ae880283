"""The fields of a request: the parts of its form by name."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

from biztoken.contract import Parameter
from biztoken.multipart import Part


class Fields:
    """The first part of each name. An empty part is as good as none: an unfilled field of a web form sends one.

    `texts`: the values that are UTF-8, but for those of `pictures`.
    """

    __slots__ = ("parts", "texts")

    def __init__(self, parts: Sequence[Part] = (), pictures: Container[str] = ()) -> None:
        # Nothing is documented about a field that comes twice; the first counts.
        self.parts: dict[str, Part] = {part.name: part for part in parts[::-1] if part.name is not None}
        told = [(name, part.body) for name, part in self.parts.items() if name not in pictures]
        try:
            self.texts: dict[str, str] = {name: body.decode() for name, body in told}
        except UnicodeDecodeError:
            self.texts = dict(_texts(told))

    def is_filled(self, name: str) -> bool:
        """Whether the field came with a value."""
        part = self.parts.get(name)
        return part is not None and part.body != b""

    def value(self, name: str, parameters: Mapping[str, Parameter]) -> str | None:
        """The text of a field, or the default of the parameter."""
        return self.texts.get(name) or parameters[name].default


def _texts(told: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, str]]:
    """What of it is UTF-8."""
    for name, body in told:
        with suppress(UnicodeDecodeError):
            yield name, body.decode()
