"""What a text field says, held to what the contract says of the parameter."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from biztoken.contract import Contract, Parameter
from biztoken.lint.advice import Remark, shown
from biztoken.lint.request import Field
from biztoken.model import Level as Binding

# GB 11643: the eighteenth character by ISO 7064 mod 11-2.
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
# The contract lists these for every liveness type and only remarks where they act.
_LISTED_FOR_ALL = frozenset({"liveness_timeout", "maximum_brightness"})
# Kinds of liveness of the vendor's H5 product, under another name there.
_SISTER_TYPES = frozenset({"video", "selfie"})
_NUMBER = re.compile(r"[0-9]+")
_ODD_NUMBER = re.compile(r"\s*[+]?[0-9]+(?:\.0*)?\s*")


def judge_value(field: Field, parameter: Parameter, texts: Mapping[str, str], contract: Contract) -> Iterator[Remark]:
    """What is wrong with the value of a text field; `texts` are all of the request."""
    name = parameter.name
    if field.filename is not None:
        yield Remark("text-field-as-file", name, values={"filename": shown(field.filename)})
    if field.transfer_encoding in ("base64", "quoted-printable"):
        return
    text = field.text
    if text is None:
        yield Remark("value-not-utf-8", name)
        return
    yield from _misplaced(parameter, texts)
    if text and name != "sign" and parameter.applies(texts):
        yield from _checked(name, text, parameter, contract)


def _misplaced(parameter: Parameter, texts: Mapping[str, str]) -> Iterator[Remark]:
    """Told where the parameter has no effect beside the others."""
    for deciding, values in parameter.when.items():
        sent = texts.get(deciding)
        if sent is None or sent in values:
            continue
        kind = "other-liveness-type" if deciding == "liveness_type" else "other-comparison-type"
        told = {"sent": shown(sent), "where": ", ".join(values)}
        yield Remark(kind, parameter.name, None, told, "advice" if parameter.name in _LISTED_FOR_ALL else None)


def _checked(name: str, text: str, parameter: Parameter, contract: Contract) -> Iterator[Remark]:
    if parameter.values:
        yield from _listed(name, text, parameter, contract)
    elif parameter.is_number:
        yield from _ranged(name, text, parameter, contract)
    elif parameter.length is not None:
        yield from _identified(name, text, parameter.length)
    else:
        size = len(text.encode())
        if parameter.max_bytes is not None and size > parameter.max_bytes:
            values = {"size": size, "characters": len(text), "most": parameter.max_bytes}
            yield Remark("value-too-long", name, None, values, clause=contract.clause_id(name, "length", refused=True))
        if is_mangled(text):
            yield Remark("text-mangled", name)


def _listed(name: str, text: str, parameter: Parameter, contract: Contract) -> Iterator[Remark]:
    if text in parameter.values:
        return
    clause = contract.clause_id(name, "values", refused=True)
    near = text.strip().strip("\"'")
    variant = "spelling" if near.lower() in parameter.values else None
    values = {"sent": shown(text), "listed": ", ".join(parameter.values), "near": near.lower()}
    level = "breaks" if contract.clauses[clause].level is Binding.MUST else "report"
    yield Remark("value-out-of-list", name, variant, values, "breaks" if level == "breaks" else "report", clause)
    if name == "liveness_type" and near in _SISTER_TYPES:
        yield Remark("other-liveness-type", name, "sister", {"sent": shown(text)}, "advice")


def _ranged(name: str, text: str, parameter: Parameter, contract: Contract) -> Iterator[Remark]:
    values = {"sent": shown(text), "minimum": parameter.minimum, "maximum": parameter.maximum}
    is_number = bool(_NUMBER.fullmatch(text))
    if is_number and text != "0" and text.startswith("0"):
        yield Remark("number-form", name, None, values)
    if _ODD_NUMBER.fullmatch(text) and not is_number:
        yield Remark("number-form", name, None, values)
    elif not is_number:
        clause = contract.clause_id(name, "number")
        yield Remark("value-out-of-range", name, "number", values, "breaks", clause)
    elif not (parameter.minimum or 0) <= int(text[-18:]) <= (parameter.maximum or 0) or len(text) > 18:
        clause = contract.clause_id(name, "range", refused=True)
        is_must = contract.clauses[clause].level is Binding.MUST
        yield Remark("value-out-of-range", name, None, values, "breaks" if is_must else "report", clause)


def _identified(name: str, text: str, length: int) -> Iterator[Remark]:
    """An ID number; the text itself is nobody's business."""
    if len(text) != length:
        yield Remark("idcard-form", name, "length", {"length": len(text), "due": length}, "breaks")
    elif not re.fullmatch(r"[0-9]{17}[0-9Xx]", text):
        yield Remark("idcard-form", name)
    elif (
        _CHECKS[sum(int(digit) * weight for digit, weight in zip(text[:-1], _WEIGHTS, strict=True)) % 11]
        != text[-1].upper()
    ):
        yield Remark("idcard-checksum", name)
    elif text[-1] == "x":
        yield Remark("idcard-form", name, "small-x", level="advice")


def is_mangled(text: str) -> bool:
    """Whether a text lost its characters on the way: question marks, escapes, or UTF-8 read as Latin-1."""
    if re.search(
        r"\ufffd|^\?+$|%[4-9A-Fa-f][0-9A-Fa-f]%[89ABab][0-9A-Fa-f]|\\u[0-9a-fA-F]{4}|&#x?[0-9a-fA-F]{2,6};", text
    ):
        return True
    for charset in ("latin-1", "cp1252"):
        try:
            again = text.encode(charset).decode()
        except (UnicodeEncodeError, UnicodeDecodeError):
            continue
        if again != text and unquote(again) == again:
            return True
    return False
