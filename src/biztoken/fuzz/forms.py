"""What is wrong with a form, read as the text that goes over the wire.

A generator's label says what it meant to break; only the values say what is broken. Where the
contract is silent on a form of a value, it is odd: recorded, never judged (docs/decisions.md).
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from biztoken.client import SIGN
from biztoken.contract import Contract, Parameter

Kind = Literal["missing", "empty", "values", "range", "number", "length", "form"]


@dataclass(frozen=True, slots=True)
class Picture:
    """Stands for a file part; `label` is a name that pictures.Pictures knows."""

    label: str


Form = tuple[tuple[str, str | Picture], ...]


@dataclass(frozen=True, slots=True)
class Broken:
    """One rule that a form breaks; `kind` is the clause's rule, `form` of a sign that cannot be one."""

    parameter: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something the contract is silent on; `clause` is the OBSERVE row that says so, or empty."""

    parameter: str
    reason: str
    clause: str = ""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One request to send. The client's SIGN in `sign` stands for a fresh signature.

    `description` begins with the phase and tells what the generator meant; `broken` and `oddities` are the truth.
    """

    form: Form
    broken: tuple[Broken, ...]
    oddities: tuple[Oddity, ...]
    description: str

    @property
    def observe(self) -> bool:
        return bool(self.oddities)

    @property
    def positive(self) -> bool:
        """Whether the contract says that this is accepted."""
        return not self.broken and not self.oddities


PLAIN_INTEGER = re.compile(r"0|-?[1-9][0-9]*")
PLAIN_FRACTION = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+")
# Forms that some parser of numbers reads: `05`, `+5`, ` 7`, `1_0`, `1,000`, `5f`, other scripts' digits.
NUMBER_LIKE = re.compile(r"[\s+-]*([\d.,_'’]*\d[\d\s.,_'’]*[dfl]?|0[xob][0-9a-f_]+)\s*", re.IGNORECASE)
ID_NUMBER = re.compile(r"[0-9]+[0-9X]")


def faults_of(form: Form, contract: Contract) -> tuple[Broken, ...]:
    """Every rule that the form breaks, in the contract's order of parameters. Odd values are no faults."""
    values = dict(form)
    found = []
    for parameter in contract.parameters.values():
        kind = _fault(parameter, values, contract)
        if kind is not None:
            found.append(Broken(parameter.name, kind))
    return tuple(found)


def oddities_of(form: Form, contract: Contract) -> tuple[Oddity, ...]:
    """Everything in the form that the contract is silent on; with any, no answer is right or wrong."""
    if not form:
        return (Oddity("", "a form without fields", "MULTIPART-FORMS"),)
    counts = Counter(name for name, _ in form)
    found = [Oddity(name, "sent twice", "DUPLICATE-FIELDS") for name, count in counts.items() if count > 1]
    values = dict(form)
    for name, value in values.items():
        parameter = contract.parameters.get(name)
        if parameter is None:
            found.append(Oddity(name, "unknown field", "UNKNOWN-FIELDS"))
        else:
            found += _odd(parameter, value, values, contract)
    return tuple(found)


def _fault(parameter: Parameter, values: Mapping[str, str | Picture], contract: Contract) -> Kind | None:
    required = parameter.is_required(values)
    if parameter.name not in values:
        return "missing" if required else None
    value = values[parameter.name]
    if isinstance(value, Picture) or parameter.picture or _is_idle(parameter, values, contract):
        return None
    if value == "":
        return "empty" if required else None
    return None if _is_alone(parameter, values) else _value_fault(parameter, value)


def _value_fault(parameter: Parameter, value: str) -> Kind | None:
    if parameter.values:
        return None if value in parameter.values else "values"
    if parameter.is_number:
        return _number_fault(parameter, value)
    if parameter.length is not None:
        return None if parameter.length in _lengths(value) else "length"
    if parameter.max_bytes is not None:
        return "length" if len(_encoded(value)) > parameter.max_bytes else None
    return "form" if parameter.name == "sign" and value != SIGN else None


def _number_fault(parameter: Parameter, value: str) -> Kind | None:
    low, high = parameter.minimum or 0, parameter.maximum if parameter.maximum is not None else math.inf
    if PLAIN_INTEGER.fullmatch(value) or PLAIN_FRACTION.fullmatch(value):
        # No bound has 19 digits, and Python refuses to read thousands of them. Whether a fraction is cut
        # or rounded is not stated: only one that is out either way breaks the range.
        is_out = len(value.partition(".")[0]) > 18 or math.ceil(float(value)) < low or math.floor(float(value)) > high
        return "range" if is_out else None
    return None if _is_number_like(value) else "number"


def _is_number_like(value: str) -> bool:
    """Whether some parser of numbers reads it, though it is not written in plain decimal digits."""
    if NUMBER_LIKE.fullmatch(value) or any(sign.isnumeric() and not sign.isascii() for sign in value):
        return True
    try:
        float(value)  # also reads exponents, inf and nan
    except ValueError:
        return False
    return True


def _is_idle(parameter: Parameter, values: Mapping[str, str | Picture], contract: Contract) -> bool:
    """Whether it has no effect here. While a field that decides this is itself at fault, it may have one."""
    if parameter.applies(values):
        return False
    return all(_fault(contract.parameters[name], values, contract) is None for name in parameter.when)


def _is_alone(parameter: Parameter, values: Mapping[str, str | Picture]) -> bool:
    """Whether what the parameter acts on is absent: nobody needs to look at its value then."""
    return parameter.beside is not None and parameter.beside not in values


def _odd(
    parameter: Parameter, value: str | Picture, values: Mapping[str, str | Picture], contract: Contract
) -> Iterator[Oddity]:
    name = parameter.name
    if _is_idle(parameter, values, contract):
        yield Oddity(name, "has no effect beside the others", "OTHER-LIVENESS-FIELDS")
    elif isinstance(value, Picture):
        if not parameter.picture:
            yield Oddity(name, "text sent as a file", "MULTIPART-FORMS")
    elif parameter.picture:
        yield Oddity(name, "picture sent as text", "PICTURE-AS-TEXT")
    elif value == "":
        if not parameter.is_required(values):
            yield Oddity(name, "empty, though optional")
    elif _is_alone(parameter, values) and _value_fault(parameter, value) is not None:
        yield Oddity(name, f"acts only beside {parameter.beside}")
    elif not _is_plain(value):
        yield Oddity(name, "blanks at an end, or signs that cannot be seen")
    else:
        yield from _odd_text(parameter, value, contract)


def _odd_text(parameter: Parameter, value: str, contract: Contract) -> Iterator[Oddity]:
    if parameter.is_number or (parameter.values and all(listed.isdecimal() for listed in parameter.values)):
        if _is_odd_number(parameter, value):
            yield Oddity(parameter.name, "odd form of a number", "NUMBER-FORMS")
    elif parameter.length is not None:
        if parameter.length in _lengths(value) and not ID_NUMBER.fullmatch(value):
            yield Oddity(parameter.name, "other signs than digits and a final X")
    elif not parameter.values and parameter.max_bytes is None:
        # A server may limit what the contract leaves open, though hardly below what it grants to others.
        granted = max((other.max_bytes or 0 for other in contract.parameters.values()), default=0)
        if parameter.name != "sign" and len(_encoded(value)) > granted:
            yield Oddity(parameter.name, "long, though no limit is stated")


def _is_odd_number(parameter: Parameter, value: str) -> bool:
    if PLAIN_INTEGER.fullmatch(value):
        return False
    if parameter.is_number and PLAIN_FRACTION.fullmatch(value):
        return _number_fault(parameter, value) is None
    return _is_number_like(value)


def _is_plain(value: str) -> bool:
    """Whether every reader takes the same text from it: nothing to strip, to hide or to drop."""
    return value == value.strip() and all(sign == " " or unicodedata.category(sign)[0] not in "CZ" for sign in value)


def _lengths(value: str) -> tuple[int, int, int]:
    """Its length in characters, in bytes of UTF-8 and in units of UTF-16: "18 long" does not say which."""
    return len(value), len(_encoded(value)), len(value.encode("utf-16-le", "surrogatepass")) // 2


def _encoded(value: str) -> bytes:
    return value.encode("utf-8", "surrogatepass")
