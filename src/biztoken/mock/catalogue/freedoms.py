"""Variations that the contract's own data implies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from biztoken.contract import Contract, Parameter
from biztoken.mock.catalogue.entry import Variation
from biztoken.mock.faults import Fault

# Spellings of a number on which the contract is silent: 05, +5, " 7", 50.0.
_NUMBER_FORMS = r"^[ +]?0*{number}([.]0+)?$"


def freedoms(contract: Contract) -> Iterator[Variation]:
    """Each freedom that a list, a range or a condition of the contract leaves."""
    parameters = contract.parameters.values()
    yield _altering(
        "other-liveness-checked",
        "OTHER-LIVENESS-FIELDS",
        ("parameters of another liveness type are checked, too", "其他活体类型的参数也检查"),
        {entry.name: {"when": {}} for entry in parameters if entry.when and not entry.picture},
    )
    rules = ("values", "range", "length")
    implied = [(entry, rule) for entry in parameters for rule in rules if _is_should(entry, rule, contract)]
    yield _altering(
        "implied-refusals-ignored",
        "VERBOSE-VALUES-REFUSED",
        ("values outside of lists and ranges are accepted where a refusal is only implied", "仅隐含拒绝的取值一律接受"),
        {entry.name: _unlimited(rule) for entry, rule in implied},
        tuple(contract.clause_id(entry.name, rule, refused=True) for entry, rule in implied),
    )
    numbers = [entry for entry in parameters if entry.is_number]
    lenient = tuple(Fault(f"number-forms-{entry.name}", {"accept": True}, _odd_number(entry)) for entry in numbers)
    told = "forms such as 05, +5 and 50.0 are read as numbers", "05、+5、50.0 等写法按数字读取"
    yield Variation("number-forms-read", "NUMBER-FORMS", *told, lenient)
    optional = [entry for entry in parameters if entry.required_when is None and not entry.picture]
    strict = tuple(Fault(f"empty-{entry.name}", _bad(entry), _empty(entry)) for entry in optional)
    told = "an optional parameter that is empty is refused", "拒绝空的选填参数"
    yield Variation("empty-optional-refused", "FORM-DATA", *told, strict)


def _altering(
    id_: str, freedom: str, told: tuple[str, str], parameters: dict[str, Any], warns: tuple[str, ...] = ()
) -> Variation:
    return Variation(id_, freedom, *told, (Fault(id_, {"contract": {"parameters": parameters}}),), warns)


def _is_should(parameter: Parameter, rule: str, contract: Contract) -> bool:
    """Whether a refusal by this rule is only implied, and so has a clause of its own."""
    id_ = contract.clause_id(parameter.name, rule, refused=True)
    return id_.endswith("-REFUSED") and id_ in contract.clauses


def _unlimited(rule: str) -> dict[str, Any]:
    if rule == "values":
        return {"values": []}
    return {"length": None} if rule == "length" else {"minimum": 0, "maximum": 10**18 - 1}


def _odd_number(parameter: Parameter) -> dict[str, Any]:
    legal = range(parameter.minimum or 0, (parameter.maximum or 0) + 1)
    number = "(" + "|".join(map(str, legal)) + ")"
    return {
        "detail": parameter.name,
        "cause": "not-a-number",
        "match": {parameter.name: _NUMBER_FORMS.format(number=number)},
    }


def _bad(parameter: Parameter) -> dict[str, Any]:
    return {"error": "BAD_ARGUMENTS", "detail": parameter.name}


def _empty(parameter: Parameter) -> dict[str, Any]:
    return {"match": {parameter.name: "^$"}, "outcome": "success"}
