"""The fields of a request: the parts of its form by name."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

from biztoken.contract import Parameter
from biztoken.multipart import Part


class Fields:
    """The first part of each name. An empty part is as good as none: an unfilled field of a web form sends one.

    `texts`: the values that are UTF-8, but for those of `pictures`.
    """

    __slots__ = ("parts", "texts")

    def __init__(self, parts: Iterable[Part] = (), pictures: Container[str] = ()) -> None:
        self.parts: dict[str, Part] = {}
        self.texts: dict[str, str] = {}
        for part in parts:
            name = part.name
            # Nothing is documented about a field that comes twice; the first counts.
            if name is None or name in self.parts:
                continue
            self.parts[name] = part
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
