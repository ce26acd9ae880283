"""The fields of a request: the parts of its form by name."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

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
        self.texts: dict[str, str] = {}
        for name, part in self.parts.items():
            if name not in pictures:
                try:
                    self.texts[name] = part.body.decode()
                except UnicodeDecodeError:
                    continue

    def is_filled(self, name: str) -> bool:
        """Whether the field came with a value."""
        part = self.parts.get(name)
        return part is not None and part.body != b""

    def value(self, name: str, parameters: Mapping[str, Parameter]) -> str | None:
        """The text of a field, or the default of the parameter."""
        return self.texts.get(name) or parameters[name].default
