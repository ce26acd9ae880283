"""Cases: what each changes in a sound request, and what must follow.

Hand-written ones stand in conformance/cases/*.yaml (format: docs/cases.md); the rest is derived from
the contract: required, empty, listed values, bounds, lengths.

    load_cases(contract)                     all of them but fuzzing, in the order of a run
    sound_form(branch, contract, samples)    what their controls are made of
"""

from biztoken.cases.case import FAMILIES, PLANS, Branch, Case, all_branches
from biztoken.cases.collection import load_cases
from biztoken.cases.derived import derived_cases
from biztoken.cases.samples import Samples, sound_form

__all__ = [
    "FAMILIES",
    "PLANS",
    "Branch",
    "Case",
    "Samples",
    "all_branches",
    "derived_cases",
    "load_cases",
    "sound_form",
]
