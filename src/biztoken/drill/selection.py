"""Which drills an expression chooses."""

from __future__ import annotations

from collections.abc import Sequence

from _pytest.mark.expression import Expression  # the syntax of --select in `check`, so that it is learned once

from biztoken.contract import Contract
from biztoken.drill.scenario import CONTROL, Scenario
from biztoken.errors import UserError


def select(scenarios: Sequence[Scenario], text: str, contract: Contract) -> tuple[Scenario, ...]:
    """Those whose id, clause, subject or family fits, and always the control. UserError where none fits."""
    if not text.strip():
        return tuple(scenarios)
    try:
        wanted = Expression.compile(text)
    except SyntaxError:
        hint = "write names joined by and, or, not"
        raise UserError(f"--select {text}", hint, "请用 and、or、not 连接名称") from None
    fitting = [scenario for scenario in scenarios if _fits(wanted, scenario, contract)]
    if not fitting:
        raise UserError(
            f"--select {text}", "no drill fits; give ids of clauses or drills", "没有匹配的演练；请给出条款或演练的 id"
        )
    return tuple(scenario for scenario in scenarios if scenario in fitting or scenario.id == CONTROL)


def _fits(wanted: Expression, scenario: Scenario, contract: Contract) -> bool:
    words = (scenario.id, scenario.clause, scenario.family, contract.clauses[scenario.clause].subject)

    def is_said(name: str, /, **_: object) -> bool:
        return any(name.lower() in word.lower() for word in words)

    return wanted.evaluate(is_said)
