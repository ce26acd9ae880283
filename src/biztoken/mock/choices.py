"""Answers that somebody chose: for the next requests, in order, or for all until further notice."""

from __future__ import annotations

import json
import random
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Any

import yaml

from biztoken.contract import Contract, ErrorRow
from biztoken.errors import UserError
from biztoken.mock import faults
from biztoken.mock.catalogue import Catalogue, catalogue, split
from biztoken.mock.faults import Fault
from biztoken.mock.plan import Plan
from biztoken.mock.spelling import unknown

# SUCCESS: whatever the request is like. USUAL: what the contract says of the request.
SUCCESS, USUAL = "success", "usual"
_TOLD = {
    SUCCESS: ("a biz_token, whatever the request", "不论请求如何，都返回 biz_token"),
    USUAL: ("what the contract says of the request", "按契约应答"),
}
MOST = 10_000
_NAME_SHOWN = 120  # characters
Answer = str | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Choosable:
    """An answer that can be chosen by name. `group`: plain, error, line, fault or variation.

    `status`: of an error; `clause`: what a fault breaks, or which freedom a variation uses.
    """

    name: str
    group: str
    en: str
    zh: str
    status: int | None = None
    clause: str | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """A chosen answer; `faults` are all that the mock does beside what the contract says."""

    name: str
    faults: tuple[Fault, ...]


class Choices:
    """What is chosen; read by the server for each request to the endpoint; changed from any thread.

    A chosen answer takes the place of the faults that the mock has anyway. One request uses it up, whether or not it
    shows: a fault that forgives an expired sign needs one.
    """

    def __init__(self, contract: Contract, rng: random.Random | None = None) -> None:
        self._contract = contract
        self._rng = rng or random.Random()
        self._next: deque[tuple[Chosen, Plan]] = deque()
        self._always: tuple[Chosen, Plan] | None = None

    @property
    def next(self) -> list[Chosen]:
        """What the next requests get."""
        return [chosen for chosen, _ in self._next.copy()]

    @property
    def always(self) -> Chosen | None:
        """What all others get, None for the usual."""
        always = self._always
        return always[0] if always else None

    def answer_next(self, *answers: Answer) -> None:
        """Add answers to those for the next requests. UserError where one is no answer; then none is added."""
        ready = [self._ready(answer) for answer in answers]
        if len(self._next) + len(ready) > MOST:
            raise UserError("answers", f"at most {MOST} can wait; clear them first", f"最多排队 {MOST} 个；请先清除")
        self._next.extend(ready)

    def answer_always(self, answer: Answer) -> None:
        """Choose the answer for all requests that no other is chosen for."""
        self._always = self._ready(answer)

    def clear(self) -> None:
        """Back to the usual."""
        self._next.clear()
        self._always = None

    def clear_always(self) -> None:
        """Back to the usual for all that no other answer is chosen for."""
        self._always = None

    def take(self) -> tuple[Chosen, Plan] | None:
        """What a request gets that has just come; None for the usual."""
        try:
            return self._next.popleft()
        except IndexError:
            return self._always

    @cached_property
    def catalogue(self) -> Catalogue:
        """The faults and variations that can be chosen by name."""
        return catalogue(self._contract)

    @cached_property
    def presets(self) -> Mapping[str, tuple[Fault, Choosable]]:
        """What can go wrong on the line, and what later versions may bring."""
        rows = yaml.safe_load(files(__package__).joinpath("presets.yaml").read_text("utf-8"))
        parsed = faults.parse([{"id": row["id"], "change": row["change"]} for row in rows], self._contract)
        return {
            fault.id: (fault, Choosable(fault.id, "line", row["en"], row["zh"]))
            for fault, row in zip(parsed, rows, strict=True)
        }

    @cached_property
    def choosable(self) -> list[Choosable]:
        """Every answer that has a name."""
        plain = [Choosable(name, "plain", *told) for name, told in _TOLD.items()]
        known = self.catalogue
        broken = [Choosable(row.id, "fault", row.en, row.zh, None, row.clause) for row in known.faults.values()]
        free = [Choosable(row.id, "variation", row.en, row.zh, None, row.freedom) for row in known.variations.values()]
        return [*plain, *_errors(self._contract), *(entry for _, entry in self.presets.values()), *broken, *free]

    def _ready(self, answer: Answer) -> tuple[Chosen, Plan]:
        chosen = self.read(answer)
        return chosen, Plan(chosen.faults, self._rng)

    def read(self, answer: Answer) -> Chosen:
        """A name or a mapping as a chosen answer. UserError where it is none."""
        if isinstance(answer, Mapping):
            return _written(answer, self._contract)
        if not isinstance(answer, str):  # a test in Python may hand in anything
            kind = type(answer).__name__
            raise UserError(
                "answers", f"an answer is a name or a mapping, no {kind}", f"应答应为名称或映射，而不是 {kind}"
            )
        if answer in (SUCCESS, USUAL):
            return Chosen(answer, (Fault(SUCCESS, {"accept": True}),) if answer == SUCCESS else ())
        name, colon, detail = answer.partition(":")
        row = self._contract.errors.get(name.strip())
        if row is not None:
            change = {"error": row.name, "detail": detail.strip() if colon else usual_detail(row)}
            return Chosen(answer, (Fault(answer, change),))
        if answer in self.presets:
            return Chosen(answer, (self.presets[answer][0],))
        known, names = self.catalogue, split(answer)
        if all(part in known.faults or part in known.variations for part in names):
            return Chosen(answer, known.arm(names))
        raise unknown(f"answer {answer}", answer, [entry.name for entry in self.choosable])


def _errors(contract: Contract) -> Iterator[Choosable]:
    """Every error of the contract, those that tell a reason once for each."""
    told = contract.document["paths"][contract.path]["post"]["x-errors"]
    for row in told:
        for reason in row.get("reasons", ()):
            yield Choosable(f"{row['name']}: {reason['name']}", "error", reason["en"], reason["zh"], row["status"])
        if not row.get("reasons"):
            yield Choosable(row["name"], "error", row["en"], row["zh"], row["status"])


def usual_detail(row: ErrorRow) -> str:
    """What an error is told with where nobody says; no endpoint leaves out what the contract prints."""
    if row.detail == "reason":
        return row.reasons[0]
    if row.detail != "parameter":
        return ""
    return "sign" if row.name.endswith("_ARGUMENTS") else "image_ref1"


def _written(entry: Mapping[str, Any], contract: Contract) -> Chosen:
    """A fault as in a file of faults, or only what it changes."""
    whole = dict(entry) if "change" in entry else {"change": dict(entry)}
    (fault,) = faults.parse([{"id": "chosen", **whole}], contract)
    named = fault.id if "id" in whole else json.dumps(fault.change, ensure_ascii=False, default=str)
    return Chosen(named[:_NAME_SHOWN], (fault,))
