"""The sound request of a branch, and what it is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from biztoken.cases.case import Branch
from biztoken.contract import Contract, Parameter
from biztoken.people import Person
from biztoken.pictures import Pictures


@dataclass(frozen=True, slots=True)
class Samples:
    """What sound requests are made of."""

    person: Person
    pictures: Pictures
    seed: int

    def legal(self, parameter: Parameter) -> Any:
        """A legal value of a parameter, as a case would write it."""
        if parameter.picture:
            return {"picture": "face"}
        if parameter.name in ("idcard_name", "idcard_number"):
            return self.person.name if parameter.name == "idcard_name" else self.person.number
        if parameter.values:
            return parameter.default or parameter.values[0]
        if parameter.minimum is not None:
            return parameter.default or str(parameter.minimum)
        if parameter.length is not None:
            return "1" * parameter.length
        return f"biztoken-{self.seed}"


def sound_form(branch: Branch, contract: Contract, samples: Samples) -> dict[str, Any]:
    """The smallest sound request of a branch: what is required, and nothing else."""
    form: dict[str, Any] = {}
    for parameter in contract.parameters.values():
        if parameter.name in branch.fixed:
            form[parameter.name] = branch.fixed[parameter.name]
        elif parameter.is_required(branch.fixed):
            form[parameter.name] = samples.legal(parameter)
    return form
