"""Fuzzing as data: flat views of the published contract, what is drawn from them, and what must follow.

Schemathesis only generates. Sending, signing and judging are the suite's own, so that no finding ends
a view and every reply meets the same judge. Importing this package does not import schemathesis.

    views(contract)               one flat OpenAPI document for each kind of request
    draw(view, examples, seed)    the requests, the same for the same seed
    expectation(drawn, contract)  what must follow, for the judge
    clause_against(...)           the clause that pays when a sound request is refused
"""

from biztoken.fuzz.drawing import DEFAULT_EXAMPLES, Drawings, draw, drawn, interpret, take_over
from biztoken.fuzz.expectations import clause_against, expectation
from biztoken.fuzz.forms import Broken, Drawn, Form, Kind, Oddity, Picture, faults_of, oddities_of
from biztoken.fuzz.views import View, views

__all__ = [
    "DEFAULT_EXAMPLES",
    "Broken",
    "Drawings",
    "Drawn",
    "Form",
    "Kind",
    "Oddity",
    "Picture",
    "View",
    "clause_against",
    "draw",
    "drawn",
    "expectation",
    "faults_of",
    "interpret",
    "oddities_of",
    "take_over",
    "views",
]
