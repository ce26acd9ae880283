"""A case as a value, the branches that it may run in, and the words for its one difference."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from biztoken.contract import Contract
from biztoken.judge import Expected
from biztoken.settings import Target

PLANS = ("quick", "core", "full")
# In the order of a run: what may exhaust a target or leave it in a bad state comes last.
FAMILIES = (
    *("probe", "signature", "arguments", "images", "reply", "permissions", "protocol"),
    *("sequences", "fuzz", "uploads", "concurrency"),
)


@dataclass(frozen=True, slots=True)
class Branch:
    """One of the eight combinations of comparison and liveness type."""

    comparison_type: str
    liveness_type: str

    @property
    def fixed(self) -> dict[str, str]:
        return {"comparison_type": self.comparison_type, "liveness_type": self.liveness_type}

    def is_within(self, permits: Mapping[str, tuple[str, ...]]) -> bool:
        """Whether a target file's `permits` leaves it; what that does not name it leaves."""
        return all(value in permits.get(name, (value,)) for name, value in self.fixed.items())

    def __str__(self) -> str:
        return f"{'kyc' if self.comparison_type == '1' else 'compare'}-{self.liveness_type}"


def all_branches(contract: Contract) -> list[Branch]:
    """The combinations of comparison and liveness type that the contract lists."""
    comparison, liveness = contract.parameters["comparison_type"], contract.parameters["liveness_type"]
    return [Branch(*pair) for pair in product(comparison.values, liveness.values)]


@dataclass(frozen=True, slots=True)
class Case:
    """One defect and what must follow, stated as the difference from its control.

    `where` limits the branch, in order of preference. `base` is set in the control too.
    `is_control`: the control itself is judged. `plan`: the smallest plan that runs it.
    `presumes`: clauses without which the reply says nothing of this one; broken, they leave the case untestable.
    `filler`: bytes that the body is padded to with an unknown field. `play`: for what data cannot say,
    a function (run, case, branch) -> CaseResult. `requests`: how many it sends itself to a conformant
    target.
    """

    id: str
    clause: str
    family: str
    expected: Expected
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    base: Mapping[str, Any] = field(default_factory=dict)
    set: Mapping[str, Any] = field(default_factory=dict)
    drop: tuple[str, ...] = ()
    key: str = "active"
    sign: Mapping[str, str] | None = None
    method: str = "POST"
    path: str | None = None
    body: str = "form-data"
    filler: int | None = None
    repeat_field: str | None = None
    is_control: bool = False
    plan: str = "quick"
    needs: tuple[str, ...] = ()
    presumes: tuple[str, ...] = ()
    play: Callable[[Any, Case, Branch], Any] | None = field(default=None, compare=False)
    requests: Callable[[Target], int] = field(default=lambda _target: 1, compare=False)

    def branches(self, contract: Contract) -> Iterator[Branch]:
        """The branches it may run in, the preferred one first."""
        comparison, liveness = contract.parameters["comparison_type"], contract.parameters["liveness_type"]
        for pair in product(
            self.where.get("comparison_type", comparison.values), self.where.get("liveness_type", liveness.values)
        ):
            yield Branch(*pair)

    def difference(self) -> str:
        """The one difference from the control, in words."""
        changes = [f"{name} removed" for name in self.drop]
        changes += [f"{name} = {show(value)}" for name, value in self.set.items()]
        changes += [f"sign {key} {value}" for key, value in (self.sign or {}).items()]
        changes += [f"key {self.key}"] if self.key != "active" else []
        changes += [f"method {self.method}"] if self.method != "POST" else []
        changes += [f"path …/{self.path}"] if self.path else []
        changes += [f"body {self.body}"] if self.body != "form-data" else []
        changes += [f"body of {self.filler:,} bytes"] if self.filler else []
        changes += [f"{self.repeat_field} sent twice"] if self.repeat_field else []
        return ", ".join(changes) or "none: this is the control"


def show(value: Any) -> str:
    """A field's value for people: short, with its bytes where it is long."""
    if isinstance(value, Mapping):
        return f"picture {value['picture']}" if "picture" in value else "a synthetic person's"
    text = str(value)
    return f'"{text}"' if len(text) <= 24 else f'"{text[:12]}…" ({len(text)} characters, {len(text.encode())} bytes)'
