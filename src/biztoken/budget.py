"""How many requests a run may send: a hard ledger, across repetitions and resumed runs."""

from __future__ import annotations

from dataclasses import dataclass

from biztoken.verdicts import Text


class OutOfBudgetError(Exception):
    """The next request would be one too many. `reason` is told in the records."""

    def __init__(self, reason: Text) -> None:
        super().__init__(reason.en)
        self.reason = reason


@dataclass(slots=True)
class Budget:
    """`spent` requests of `most`; None for no end. `chosen`: whether the user set it, or the price of the plan."""

    most: int | None = None
    spent: int = 0
    chosen: bool = False

    def take(self, count: int = 1) -> None:
        """Spend before sending. OutOfBudgetError where it is not there."""
        if self.most is not None and self.spent + count > self.most:
            raise OutOfBudgetError(self._reason())
        self.spent += count

    def _reason(self) -> Text:
        if self.chosen:
            return Text(
                f"The budget of {self.most} requests is spent (budget).", f"请求预算 {self.most} 已用完（budget）。"
            )
        return Text(
            f"The plan never sends more than {self.most} requests (budget).",
            f"本计划最多发送 {self.most} 个请求（budget）。",
        )
