"""What is to be proven: a trial is one run of the suite against the mock with some entries of its catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random

from _pytest.mark.expression import Expression  # the syntax of --select, so that it is learned once

from biztoken.contract import Contract
from biztoken.errors import UserError
from biztoken.mock.catalogue import Catalogue, Variation

COMBINATIONS = 8
COMBINED = 5  # variations at once


@dataclass(frozen=True, slots=True)
class Trial:
    """One run. `names`: entries of the catalogue. `fuzz`: whether fuzzing is part of it.

    `concurrency_limit`: what the target's key grants, None for as much as ever.
    """

    names: tuple[str, ...]
    kind: str  # fault, variation or combination
    fuzz: bool
    concurrency_limit: int | None = None

    @property
    def id(self) -> str:
        return "+".join(self.names)


def plan(catalogue: Catalogue, contract: Contract, *, only: str = "", seed: int = 0) -> list[Trial]:
    """All trials, the longest first; `only`: an expression over ids, clauses, subjects and the words fault, variation.

    UserError for one that is none, or that fits nothing.
    """
    wanted = _expression(only)
    trials = [*_varied(catalogue, seed), *_faulty(catalogue)]
    chosen = [trial for trial in trials if wanted is None or _fits(wanted, trial, catalogue, contract)]
    if not chosen:
        hint = "nothing fits; give ids of `biztoken mock --faults` or of clauses"
        raise UserError(f"--only {only}", hint, "没有匹配项；请给出 `biztoken mock --faults` 中的名称或条款 id")
    return chosen


def combinations(variations: Mapping[str, Variation], seed: int) -> Iterator[tuple[str, ...]]:
    """Random sets of variations, at most one of those that settle what others do as well in each."""
    rng = Random(seed)
    free = [entry.id for entry in variations.values() if not entry.alone]
    alone = [entry.id for entry in variations.values() if entry.alone]
    for _ in range(COMBINATIONS):
        yield (rng.choice(alone), *rng.sample(free, COMBINED - 1))


def _varied(catalogue: Catalogue, seed: int) -> Iterator[Trial]:
    for names in combinations(catalogue.variations, seed):
        yield Trial(names, "combination", fuzz=False)
    for name in catalogue.variations:
        yield Trial((name,), "variation", fuzz=True)


def _faulty(catalogue: Catalogue) -> list[Trial]:
    trials = [
        Trial((fault.id,), "fault", fault.fuzz, fault.concurrency_limit)
        for fault in catalogue.faults.values()
        if not fault.equivalent
    ]
    return sorted(trials, key=lambda trial: not trial.fuzz)


def _expression(text: str) -> Expression | None:
    try:
        return Expression.compile(text) if text.strip() else None
    except SyntaxError:
        hint = "write names joined by and, or, not"
        raise UserError(f"--only {text}", hint, "请用 and、or、not 连接名称") from None


def _fits(wanted: Expression, trial: Trial, catalogue: Catalogue, contract: Contract) -> bool:
    words = {trial.kind, *trial.names}
    for name in trial.names:
        fault = catalogue.faults.get(name)
        clause = contract.clauses[fault.clause] if fault else None
        words |= {clause.id, clause.subject, clause.section} if clause else {catalogue.variations[name].freedom}
    text = {word.lower() for word in words}

    def is_said(name: str, /, **_: object) -> bool:
        return any(name.lower() in word for word in text)

    return wanted.evaluate(is_said)
