"""Which faults apply to a call: their conditions, their counts and their chances."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from biztoken.errors import UserError
from biztoken.mock import overrides
from biztoken.mock.call import Call
from biztoken.mock.conditions import WORDS, Stage
from biztoken.mock.faults import EARLY_CHANGES, RULE_CHANGES, Fault
from biztoken.mock.rulebook import Rulebook

_ACCEPT, _ANSWER = "accept", "answer"


class Armed:
    """A fault with its counters."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.met = 0
        self.applied = 0
        self._questions = [WORDS[name].ask(value) for name, value in fault.when.items() if name in WORDS]
        self._after: int = fault.when.get("after", 0)
        self._every: int = fault.when.get("every", 1)
        self._probability: float = fault.when.get("probability", 1)

    def applies(self, call: Call, rng: random.Random) -> bool:
        """Whether the fault applies now; counts."""
        if self.fault.times is not None and self.applied >= self.fault.times:
            return False
        if not all(ask(call) for ask in self._questions):
            return False
        self.met += 1
        if self.met <= self._after or (self.met - self._after) % self._every:
            return False
        if self._probability < 1 and rng.random() >= self._probability:
            return False
        self.applied += 1
        return True


class Plan:
    """All faults of a mock, asked at four moments of a call."""

    def __init__(self, faults: Sequence[Fault], rng: random.Random) -> None:
        self._rng = rng
        self._armed: dict[object, list[Armed]] = {Stage.ARRIVAL: [], Stage.BODY: [], _ACCEPT: [], _ANSWER: []}
        self._altered: dict[tuple[int, int], tuple[Rulebook, Rulebook]] = {}
        for fault in faults:
            self._armed[_moment(fault)].append(Armed(fault))

    def alter(self, call: Call, stage: Stage) -> dict[str, Any]:
        """Alter the contract for this call; other rules that faults alter are returned."""
        others: dict[str, Any] = {}
        for armed in self._armed[stage]:
            if armed.applies(call, self._rng):
                changes = armed.fault.change
                others |= {name: value for name, value in changes.items() if name != "contract"}
                if "contract" in changes:
                    call.book = self._book(call.book, armed.fault)
        return others

    def forgives(self, call: Call) -> bool:
        """Whether a fault lets `call.refusal` pass."""
        return any(armed.applies(call, self._rng) for armed in self._armed[_ACCEPT])

    def changes(self, call: Call) -> list[dict[str, Any]]:
        """What faults change in the answer that was decided, in the order of the file."""
        return [dict(armed.fault.change) for armed in self._armed[_ANSWER] if armed.applies(call, self._rng)]

    def _book(self, book: Rulebook, fault: Fault) -> Rulebook:
        # Kept with the book it was made of: an id alone may be given to another object later.
        known = self._altered.get((id(book), id(fault)))
        if known is None or known[0] is not book:
            known = book, Rulebook(overrides.apply(book.contract, fault.change["contract"]))
            self._altered[id(book), id(fault)] = known
        return known[1]


def _moment(fault: Fault) -> object:
    if "accept" in fault.change:
        return _ACCEPT
    if not any(name in RULE_CHANGES for name in fault.change):
        return _ANSWER
    stage = max((WORDS[name].stage for name in fault.when if name in WORDS), default=Stage.ARRIVAL)
    early = next((name for name in EARLY_CHANGES if name in fault.change), None)
    if "body" in fault.change.get("contract", {}).get("limits", {}):
        early = "contract.limits.body"
    if early and stage is not Stage.ARRIVAL:
        what = f"fault {fault.id}: change.{early}"
        raise UserError(
            what,
            "it is settled before the body is read; let `when` ask for method, path or header only",
            "读取请求体之前就已确定；`when` 只能用 method、path、header",
        )
    if stage is Stage.DECISION:
        late = next(name for name in fault.when if name in WORDS and WORDS[name].stage is stage)
        what = f"fault {fault.id}: when.{late}"
        raise UserError(
            what,
            "it is known only after the rules that the fault alters; leave it out",
            "要到所改规则之后才知道；请去掉",
        )
    return stage
