"""The contract with some of its rules altered, for the requests that a fault applies to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from biztoken.contract import Contract
from biztoken.errors import UserError
from biztoken.mock.spelling import unknown

_Check = Callable[[Any], bool]
_Shape = tuple[_Check, str, str]  # the test, and what is due in English and Chinese


def _is_whole_or_null(value: Any) -> bool:
    return value is None or type(value) is int


def _is_text_or_null(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, str) for entry in value)


def _is_when(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_texts, value.values()))


def _is_required_when(value: Any) -> bool:
    return value is None or (isinstance(value, dict) and all(isinstance(entry, str) for entry in value.values()))


_PARAMETER: Mapping[str, _Shape] = {
    "values": (_is_texts, "a list of texts", "文本列表"),
    "minimum": (_is_whole_or_null, "a whole number or null", "整数或 null"),
    "maximum": (_is_whole_or_null, "a whole number or null", "整数或 null"),
    "length": (_is_whole_or_null, "a whole number or null", "整数或 null"),
    "max_bytes": (_is_whole_or_null, "a whole number or null", "整数或 null"),
    "default": (_is_text_or_null, "a text or null", "文本或 null"),
    "when": (_is_when, "a mapping of fields to lists of texts", "字段到文本列表的映射"),
    "required_when": (
        _is_required_when,
        "a mapping of fields to texts, {} for always or null for never",
        "字段到文本的映射，{} 表示总是，null 表示从不",
    ),
}
_ERROR: Mapping[str, _Shape] = {
    "status": (lambda value: type(value) is int, "a status code", "状态码"),
    "text": (
        lambda value: isinstance(value, str),
        "a text, with {detail} where the detail stands",
        "文本，详情处写 {detail}",
    ),
    "body": (lambda value: value in ("json", "text"), "json or text", "json 或 text"),
}


def check(where: str, changes: Any, contract: Contract) -> None:
    """Hold what a fault says to what the contract has; a UserError names the first slip."""
    known = {"parameters": contract.parameters, "errors": contract.errors, "limits": contract.limits}
    for group, entries in _mapping(where, changes).items():
        _known(f"{where}.{group}", group, known)
        for name, attributes in _mapping(f"{where}.{group}", entries).items():
            place = f"{where}.{group}.{name}"
            _known(place, name, known[group])
            if group == "limits":
                _hold(place, attributes, (lambda value: type(value) is int, "a whole number", "整数"))
                continue
            shapes = _PARAMETER if group == "parameters" else _ERROR
            for attribute, value in _mapping(place, attributes).items():
                _known(f"{place}.{attribute}", attribute, shapes)
                _hold(f"{place}.{attribute}", value, shapes[attribute])


def apply(contract: Contract, changes: Mapping[str, Any]) -> Contract:
    """The contract with these changes, which `check` has passed."""
    parameters = dict(contract.parameters)
    for name, attributes in changes.get("parameters", {}).items():
        parameters[name] = replace(parameters[name], **{key: _frozen(key, value) for key, value in attributes.items()})
    errors = dict(contract.errors)
    for name, attributes in changes.get("errors", {}).items():
        errors[name] = replace(errors[name], **attributes)
    limits = {**contract.limits, **changes.get("limits", {})}
    return replace(contract, parameters=parameters, errors=errors, limits=limits)


def _frozen(attribute: str, value: Any) -> Any:
    if attribute == "values":
        return tuple(value)
    if attribute == "when":
        return {name: tuple(values) for name, values in value.items()}
    return value


def _mapping(where: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise UserError(where, "write a mapping", "请写映射")
    return value


def _known(where: str, name: Any, known: Mapping[str, Any]) -> None:
    if name not in known:
        raise unknown(where, name, known)


def _hold(where: str, value: Any, shape: _Shape) -> None:
    if not shape[0](value):
        raise UserError(where, f"write {shape[1]}", f"请写{shape[2]}")
