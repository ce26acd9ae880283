"""What must follow a drawn request: (drawn, contract) -> expectation. Pure."""

from __future__ import annotations

from biztoken.contract import Contract
from biztoken.fuzz.forms import Broken, Drawn
from biztoken.judge import Alternative, Expected
from biztoken.model import Level

SOUND = "FORM-DATA"  # the clause that a complete and sound form is accepted


def expectation(drawn: Drawn, contract: Contract) -> Expected:
    """What the judge asks of the reply.

    With several faults any of them may be named; a MUST among them makes the refusal due and pays for it.
    """
    if drawn.oddities:
        return Expected("observe", drawn.oddities[0].clause)
    tolerated = _tolerated(drawn, contract)
    if not drawn.broken:
        return Expected("accepted", SOUND, tolerated)
    clauses = [_clause(broken, contract) for broken in drawn.broken]
    due = [clause for clause in clauses if clause in contract.clauses]
    if not due:
        return Expected("observe", "")
    must = [clause for clause in due if contract.clauses[clause].level is Level.MUST]
    alternatives = [alternative for broken in drawn.broken for alternative in _alternatives(broken)]
    return Expected("refused", (must or due)[0], (*alternatives, *tolerated))


def clause_against(drawn: Drawn, parameter: str, contract: Contract) -> str:
    """The clause that pays when a sound request is refused with an error that names `parameter`."""
    known = contract.parameters.get(parameter)
    if known is None:
        return SOUND
    if known.name not in dict(drawn.form):
        rule = "optional"
    elif known.picture:
        rule = "format"
    elif known.values:
        rule = "values"
    elif known.is_number:
        rule = "range"
    else:
        rule = "length" if known.length is not None or known.max_bytes is not None else "encoding"
    clause = contract.clause_id(known.name, rule)
    return clause if clause in contract.clauses else SOUND


def _clause(broken: Broken, contract: Contract) -> str:
    rule = "required" if broken.kind == "missing" else broken.kind
    return contract.clause_id(broken.parameter, rule, refused=True)


def _alternatives(broken: Broken) -> list[Alternative]:
    """The legal refusals of one fault (docs/decisions.md)."""
    missing = Alternative("MISSING_ARGUMENTS", broken.parameter)
    bad = Alternative("BAD_ARGUMENTS", broken.parameter)
    unsigned = [Alternative("AUTHENTICATION_ERROR"), Alternative("AUTHORIZATION_ERROR", "*")]
    if broken.kind == "missing":
        return [missing]
    named = [missing, bad] if broken.kind == "empty" else [bad]
    return [*named, *unsigned] if broken.parameter == "sign" else named


def _tolerated(drawn: Drawn, contract: Contract) -> tuple[Alternative, ...]:
    """Errors that legal values may bring about: a picture's score may lie below any threshold but the least."""
    at_fault = {broken.parameter for broken in drawn.broken}
    known = [(contract.parameters[name], value) for name, value in drawn.form if name not in at_fault]
    return tuple(
        Alternative(parameter.may_answer)
        for parameter, value in known
        if parameter.may_answer and value != str(parameter.minimum)
    )
