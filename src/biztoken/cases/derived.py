"""Cases that the contract's own data implies: required, empty, listed values, bounds, lengths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from biztoken.cases.case import Branch, Case, all_branches
from biztoken.contract import Contract, Parameter
from biztoken.judge import Alternative, Expected

HUGE = 10**20  # a number that overflows whatever holds 64 bits


def derived_cases(contract: Contract) -> Iterator[Case]:
    """Every case that the contract's own data implies."""
    for branch in all_branches(contract):
        clause = contract.clause_id("liveness_type" if branch.comparison_type == "1" else "comparison_type", "values")
        where = {name: (value,) for name, value in branch.fixed.items()}
        yield Case(f"probe-{branch}", clause, "probe", Expected("accepted", clause), where, is_control=True)
    for parameter in contract.parameters.values():
        yield from _presence(parameter, contract)
        yield from _values(parameter, contract)
        yield from _number(parameter, contract)
        yield from _text_length(parameter, contract)
    yield from _longest_texts(contract)


def _slug(parameter: Parameter) -> str:
    return parameter.name.replace("_", "-")


def _accepted(
    parameter: Parameter, rule: str, contract: Contract, id_: str, where: Mapping[str, tuple[str, ...]], **more: Any
) -> Case:
    clause = contract.clause_id(parameter.name, rule)
    tolerated = (Alternative(parameter.may_answer),) if parameter.may_answer else ()
    return Case(id_, clause, "arguments", Expected("accepted", clause, tolerated), where, _beside(parameter), **more)


def _refused(
    parameter: Parameter, rule: str, contract: Contract, id_: str, where: Mapping[str, tuple[str, ...]], value: str
) -> Case:
    clause = contract.clause_id(parameter.name, rule, refused=True)
    due = Expected("refused", clause, (Alternative("BAD_ARGUMENTS", parameter.name),))
    return Case(id_, clause, "arguments", due, where, _beside(parameter), {parameter.name: value})


def _beside(parameter: Parameter) -> dict[str, Any]:
    return {parameter.beside: {"picture": "face"}} if parameter.beside else {}


def _presence(parameter: Parameter, contract: Contract) -> Iterator[Case]:
    slug = _slug(parameter)
    if parameter.required_when is None:
        clause = contract.clause_id(parameter.name, "optional")
        due = Expected("accepted", clause)
        yield Case(f"{slug}-absent", clause, "arguments", due, dict(parameter.when), is_control=True)
        return
    clause = contract.clause_id(parameter.name, "required")
    missing = Expected("refused", clause, (Alternative("MISSING_ARGUMENTS", parameter.name),))
    for branch in _required_branches(parameter, contract):
        where = {name: (value,) for name, value in branch.fixed.items()}
        yield Case(f"{slug}-missing-{branch}", clause, "arguments", missing, where, drop=(parameter.name,))
    yield _empty(parameter, contract)
    for name, value in parameter.required_when.items():
        others = tuple(other for other in contract.parameters[name].values if other != value)
        due = Expected("accepted", clause)
        yield Case(f"{slug}-not-needed", clause, "arguments", due, {name: others}, is_control=True)


def _required_branches(parameter: Parameter, contract: Contract) -> list[Branch]:
    """Where it is required: every branch of a conditional one, two that differ in both types of the others."""
    branches = [branch for branch in all_branches(contract) if parameter.is_required(branch.fixed)]
    return branches if parameter.required_when else [branches[0], branches[-1]]


def _empty(parameter: Parameter, contract: Contract) -> Case:
    clause = contract.clause_id(parameter.name, "empty")
    names = ["MISSING_ARGUMENTS", "BAD_ARGUMENTS"] + (["IMAGE_ERROR_UNSUPPORTED_FORMAT"] if parameter.picture else [])
    legal = [Alternative(name, parameter.name) for name in names]
    if parameter.name == "sign":
        legal += [Alternative("AUTHENTICATION_ERROR"), Alternative("AUTHORIZATION_ERROR", "*")]
    value = {"picture": "empty"} if parameter.picture else ""
    where = {name: (value,) for name, value in (parameter.required_when or {}).items()}
    due = Expected("refused", clause, tuple(legal))
    return Case(f"{_slug(parameter)}-empty", clause, "arguments", due, where, set={parameter.name: value})


def _places(parameter: Parameter) -> Iterator[tuple[str, Mapping[str, tuple[str, ...]]]]:
    """Each liveness type where it has an effect, with a suffix for ids; one place for those that have it everywhere."""
    liveness = parameter.when.get("liveness_type", ())
    if len(liveness) < 2:
        yield "", dict(parameter.when)
        return
    for value in liveness:
        yield f"-{value}", {**parameter.when, "liveness_type": (value,)}


def _values(parameter: Parameter, contract: Contract) -> Iterator[Case]:
    if not parameter.values:
        return
    slug = _slug(parameter)
    is_branch = parameter.name in ("comparison_type", "liveness_type")
    for suffix, where in _places(parameter):
        for value in () if is_branch else parameter.values:
            change = {"set": {parameter.name: value}}
            yield _accepted(parameter, "values", contract, f"{slug}-{value}{suffix}", where, **change)
        for label, value in _unlisted(parameter):
            yield _refused(parameter, "values", contract, f"{slug}-{label}{suffix}", where, value)


def _unlisted(parameter: Parameter) -> list[tuple[str, str]]:
    if all(value.isdigit() for value in parameter.values):
        following = str(max(map(int, parameter.values)) + 1)
        below = [("0", "0")] if "0" not in parameter.values else []
        return [*below, (following, following), ("minus-1", "-1"), ("letters", "true")]
    return [("unknown", "no_such_value"), ("number", "1"), ("other-case", parameter.values[0].upper())]


def _number(parameter: Parameter, contract: Contract) -> Iterator[Case]:
    if parameter.minimum is None or parameter.maximum is None:
        return
    slug = _slug(parameter)
    for suffix, where in _places(parameter):
        for value in (parameter.minimum, (parameter.minimum + parameter.maximum) // 2, parameter.maximum):
            change = {"set": {parameter.name: str(value)}}
            yield _accepted(parameter, "range", contract, f"{slug}-{value}{suffix}", where, **change)
        for value in (parameter.minimum - 1, parameter.maximum + 1, HUGE):
            label = str(value).replace("-", "minus-") if value != HUGE else "huge"
            yield _refused(parameter, "range", contract, f"{slug}-{label}{suffix}", where, str(value))
        for label, text in (("letters", "abc"), ("digits-and-letters", f"{parameter.minimum}x")):
            yield _refused(parameter, "number", contract, f"{slug}-{label}{suffix}", where, text)


def _text_length(parameter: Parameter, contract: Contract) -> Iterator[Case]:
    slug, where = _slug(parameter), dict(parameter.when)
    if parameter.length is not None:
        yield _accepted(parameter, "length", contract, f"{slug}-{parameter.length}-characters", where, is_control=True)
        for count in (parameter.length - 1, parameter.length + 1):
            text = "990101199001011234567890"[:count].ljust(count, "0")
            yield _refused(parameter, "length", contract, f"{slug}-{count}-characters", where, text)
    if parameter.max_bytes is None:
        return
    for script, char in (("ascii", "u"), ("two-byte", "ж"), ("cjk", "好"), ("four-byte", "𠮷")):
        for count in (parameter.max_bytes, parameter.max_bytes + 1):
            id_, text = f"{slug}-{count}-bytes-{script}", _of_bytes(char, count)
            if count <= parameter.max_bytes:
                yield _accepted(parameter, "length", contract, id_, where, set={parameter.name: text})
            else:
                yield _refused(parameter, "length", contract, id_, where, text)
    yield _refused(parameter, "length", contract, f"{slug}-very-long", where, "u" * parameter.max_bytes * 20)


def _longest_texts(contract: Contract) -> Iterator[Case]:
    """All texts at once that have a greatest length, each as long as it may be: none takes room from another."""
    texts = {p.name: "u" * p.max_bytes for p in contract.parameters.values() if p.max_bytes is not None}
    where = {name: values for text in texts for name, values in contract.parameters[text].when.items()}
    if len(texts) > 1:
        clause = contract.clause_id(max(texts), "length")
        yield Case("longest-texts", clause, "arguments", Expected("accepted", clause), where, set=texts)


def _of_bytes(char: str, count: int) -> str:
    """A text of exactly `count` bytes of UTF-8, as many of them `char` as fit."""
    size = len(char.encode())
    return char * (count // size) + "a" * (count % size)
