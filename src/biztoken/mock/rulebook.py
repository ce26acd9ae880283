"""The contract made ready for asking quickly: which parameters are required, and what each may be.

Everything here is derived from the contract; a rulebook is made once for each contract.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from biztoken.contract import Contract, Parameter
from biztoken.multipart import Part

# Nothing is documented about 05, +5, ` 7` or 50.0; here a number is what a computer writes.
_NUMBER = re.compile(r"0|[1-9][0-9]*")
_LONGEST_NUMBER = 18

Flaw = Callable[[Part, str | None], str]

# Listed values of the fields that others depend on make 15 sections; whoever sends other values gets a fresh one.
_MOST_SECTIONS = 64


class Section(NamedTuple):
    """What counts for requests that agree in the fields on which others depend.

    `required`: names, but for sign. `flaws`: by name, for parameters that have an effect, what is wrong with a value
    (None: it is not UTF-8), as a slug. `pictures`: names, references first. In the order of the contract.
    `passed`: for each name the last part without a flaw. A field that does not change comes as the same part again.
    """

    required: tuple[str, ...]
    flaws: Mapping[str, Flaw]
    pictures: tuple[str, ...]
    passed: dict[str, Part]


class Rulebook:
    """`pictures`: name to whether it is the probe, references first."""

    __slots__ = ("_deciding", "_flaws", "_sections", "contract", "pictures")

    def __init__(self, contract: Contract) -> None:
        parameters = contract.parameters.values()
        self.contract = contract
        pictures = [(parameter.name, parameter.picture == "probe") for parameter in parameters if parameter.picture]
        self.pictures = dict(sorted(pictures, key=lambda entry: entry[1]))
        self._flaws = {parameter.name: _flaw(parameter) for parameter in parameters}
        deciding = [field for entry in parameters for field in (*entry.when, *(entry.required_when or ()))]
        self._deciding = tuple(dict.fromkeys(deciding))
        self._sections: dict[tuple[str | None, ...], Section] = {}

    def section(self, texts: Mapping[str, str]) -> Section:
        """What counts beside these texts."""
        values = tuple([texts.get(field) for field in self._deciding])
        section = self._sections.get(values)
        if section is None:
            section = self._section(texts)
            if len(self._sections) < _MOST_SECTIONS:
                self._sections[values] = section
        return section

    def _section(self, texts: Mapping[str, str]) -> Section:
        parameters = self.contract.parameters.values()
        active = {parameter.name for parameter in parameters if parameter.applies(texts)}
        return Section(
            tuple(entry.name for entry in parameters if entry.name != "sign" and entry.is_required(texts)),
            {name: flaw for name, flaw in self._flaws.items() if name in active},
            tuple(name for name in self.pictures if name in active),
            {},
        )


def whole(text: str | None) -> int | None:
    """The number that a text is; None if it is none, or one that no rule is about."""
    return int(text) if text and len(text) <= _LONGEST_NUMBER and _NUMBER.fullmatch(text) else None


def _flaw(parameter: Parameter) -> Flaw:
    """Chosen once for each parameter, so that a request asks no more than it must."""
    if parameter.picture:
        return _picture
    if parameter.values:
        values = frozenset(parameter.values)
        return lambda _, text: "" if text in values else "unlisted"
    if parameter.minimum is not None or parameter.maximum is not None:
        return lambda _, text: _number(parameter, text)
    return _length(parameter.length, parameter.max_bytes)


def _picture(part: Part, _text: str | None) -> str:
    """A picture must come as a file. Some clients send files without a filename but with a media type."""
    media_type = (part.content_type or "text/plain").lower()
    return "" if part.filename is not None or not media_type.startswith("text/") else "text-for-picture"


def _number(parameter: Parameter, text: str | None) -> str:
    if text is None or not _NUMBER.fullmatch(text):
        return "not-a-number"
    number = whole(text)
    if number is None:
        return "out-of-range"
    too_small = parameter.minimum is not None and number < parameter.minimum
    too_large = parameter.maximum is not None and number > parameter.maximum
    return "out-of-range" if too_small or too_large else ""


def _length(length: int | None, most: int | None) -> Flaw:
    def flaw(part: Part, text: str | None) -> str:
        if text is None:
            return "not-utf-8"
        if length is not None and len(text) != length:
            return "wrong-length"
        return "too-long" if most is not None and len(part.body) > most else ""

    return flaw
