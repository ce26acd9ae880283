"""Flat views: one OpenAPI document without conditions for each kind of request the contract knows.

Generators cope badly with if/then: branches come up unevenly and parameters that have no effect are
drawn. Each view fixes the fields that conditions ask for and keeps only what applies then. Nothing is
ruled here: requirements, values and bounds come from the contract.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product

from biztoken.client import SIGN
from biztoken.contract import Contract, Parameter
from biztoken.fuzz.forms import Picture
from biztoken.model import Json

PICTURES = {"@@face.jpg@@": Picture("face"), "@@face.png@@": Picture("face.png")}
TEXT_FORMAT, NUMBER_FORMAT = "biztoken-text", "biztoken-id-number"  # then a hyphen and the limit, 0 for none
WORDS = {"comparison_type": {"0": "compare", "1": "kyc"}}


@dataclass(frozen=True, slots=True)
class View:
    """One branch of the contract. `fixed`: the fields pinned in it; `schema`: its OpenAPI document."""

    id: str
    fixed: Mapping[str, str]
    schema: Json = field(repr=False)
    contract: Contract = field(repr=False, compare=False)

    @property
    def properties(self) -> Json:
        """The schema of each field, by name."""
        found: Json = self.body["properties"]
        return found

    @property
    def body(self) -> Json:
        """The schema of the whole form."""
        (path,) = self.schema["paths"].values()
        found: Json = path["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
        return found


def views(contract: Contract) -> tuple[View, ...]:
    """One view for every combination of the fields that decide what else is required or has an effect."""
    deciding = sorted(_deciding(contract))
    choices = [contract.parameters[name].values for name in deciding]
    return tuple(_view(dict(zip(deciding, chosen, strict=True)), contract) for chosen in product(*choices))


def _deciding(contract: Contract) -> set[str]:
    asked = {name for parameter in contract.parameters.values() for name in parameter.when}
    asked |= {name for parameter in contract.parameters.values() for name in parameter.required_when or {}}
    return {name for name in asked if contract.parameters[name].required_when == {}}


def _view(fixed: dict[str, str], contract: Contract) -> View:
    applying = [parameter for parameter in contract.parameters.values() if parameter.applies(fixed)]
    form = {
        "type": "object",
        "properties": {parameter.name: _property(parameter, fixed) for parameter in applying},
        "required": [parameter.name for parameter in applying if parameter.is_required(fixed)],
        "additionalProperties": False,
    }
    words = [WORDS.get(name, {}).get(value, value) for name, value in fixed.items()]
    return View("-".join(["fuzz", *words]), fixed, _document(form, contract), contract)


def _property(parameter: Parameter, fixed: Mapping[str, str]) -> Json:
    listed = _listed(parameter, fixed)
    if listed:
        return {"type": "string", "enum": listed}
    if parameter.is_number:
        # As a string of digits the value one beyond a bound would never be drawn; it is sent as text all the same.
        return {"type": "integer", "minimum": parameter.minimum, "maximum": parameter.maximum}
    if parameter.length is not None:
        exact = {"minLength": parameter.length, "maxLength": parameter.length}
        return {"type": "string", "format": f"{NUMBER_FORMAT}-{parameter.length}", **exact}
    text = {"type": "string", "format": f"{TEXT_FORMAT}-{parameter.max_bytes or 0}", "minLength": 1}
    return text if parameter.max_bytes is None else {**text, "maxLength": parameter.max_bytes}


def _listed(parameter: Parameter, fixed: Mapping[str, str]) -> list[str]:
    if parameter.name in fixed:
        return [fixed[parameter.name]]
    if parameter.name == "sign":
        return [SIGN]
    return list(PICTURES) if parameter.picture else list(parameter.values)


def _document(form: Json, contract: Contract) -> Json:
    body = {"required": True, "content": {"multipart/form-data": {"schema": form}}}
    operation = {"requestBody": body, "responses": {"200": {"description": "accepted"}}}
    info = {"title": contract.document["info"]["title"], "version": contract.version}
    return {"openapi": contract.document["openapi"], "info": info, "paths": {contract.path: {"post": operation}}}
