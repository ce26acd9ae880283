"""Cases: what each changes in a sound request, and what must follow.

Hand-written ones stand in conformance/cases/*.yaml (format: docs/cases.md); the rest is derived from
the contract: required, empty, listed values, bounds, lengths.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from biztoken.contract import Contract, Parameter, bundled
from biztoken.errors import UserError
from biztoken.judge import Alternative, Expected
from biztoken.people import Person
from biztoken.pictures import Pictures
from biztoken.signing import SPOILS

PLANS = ("quick", "core", "full")
# In the order of a run: what may exhaust a target or leave it in a bad state comes last.
FAMILIES = (
    *("probe", "signature", "arguments", "images", "reply", "permissions", "protocol"),
    *("sequences", "fuzz", "uploads", "concurrency"),
)
_FAMILY_ORDER = {family: rank for rank, family in enumerate(FAMILIES)}


@dataclass(frozen=True, slots=True)
class Branch:
    """One of the eight combinations of comparison and liveness type."""

    comparison_type: str
    liveness_type: str

    @property
    def fixed(self) -> dict[str, str]:
        return {"comparison_type": self.comparison_type, "liveness_type": self.liveness_type}

    def __str__(self) -> str:
        return f"{'kyc' if self.comparison_type == '1' else 'compare'}-{self.liveness_type}"


@dataclass(frozen=True, slots=True)
class Case:
    """One defect and what must follow, stated as the difference from its control.

    `where` limits the branch, in order of preference. `base` is set in the control too.
    `is_control`: the control itself is judged. `plan`: the smallest plan that runs it.
    `filler`: bytes that the body is padded to with an unknown field. `play`: for what data cannot say,
    a function (run, case, branch) -> CaseResult. `requests`: about how many it sends itself, given
    the concurrency limit.
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
    play: Callable[[Any, Case, Branch], Any] | None = field(default=None, compare=False)
    requests: Callable[[int | None], int] = field(default=lambda _limit: 1, compare=False)

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


def load_cases(contract: Contract, directory: Path | None = None) -> tuple[Case, ...]:
    """All cases but fuzzing, families in order. UserError for a case file that is wrong."""
    place = directory or bundled("conformance") / "cases"
    written = [case for path in sorted(place.glob("*.yaml")) for case in _read_file(path, contract)]
    cases = [*derived_cases(contract), *written]
    _check_ids(cases, contract)
    return tuple(sorted(cases, key=lambda case: _FAMILY_ORDER.get(case.family, len(FAMILIES))))


def expected_requests(cases: Iterable[Case], contract: Contract, limit: int | None) -> int:
    """About how many requests the cases send on a target that permits every branch, their controls included."""
    probes = {("probe", branch, "[]") for branch in all_branches(contract)}
    controls = {(case.family, next(case.branches(contract)), repr(sorted(case.base.items()))) for case in cases}
    return len(probes | controls) + sum(case.requests(limit) for case in cases if not case.is_control)


def _check_ids(cases: Iterable[Case], contract: Contract) -> None:
    seen: set[str] = set()
    for case in cases:
        if case.id in seen:
            raise UserError(f"case {case.id}", "two cases have this id; rename one")
        if case.clause not in contract.clauses:
            raise UserError(f"case {case.id}: clause {case.clause}", "clauses.yaml has no such clause; add it there")
        if contract.clauses[case.clause].excluded:
            raise UserError(f"case {case.id}: clause {case.clause}", "this clause is excluded; drop the case")
        seen.add(case.id)


_KEYS = frozenset(
    (
        *("id", "clause", "expect", "where", "base", "set", "drop", "key", "sign", "method", "path", "body"),
        *("filler", "repeat_field", "is_control", "plan", "needs", "own", "witness"),
    )
)
_READ_APART = frozenset(("expect", "own", "witness", "where", "drop", "needs", "filler"))


def _read_file(path: Path, contract: Contract) -> Iterator[Case]:
    for row in yaml.safe_load(path.read_text("utf-8")) or ():
        unknown = set(row) - _KEYS
        if unknown:
            raise UserError(f"{path.name}: {row.get('id')}", f"the key {min(unknown)} is unknown; see docs/cases.md")
        yield _case(row, path.stem, contract)


def _case(row: Mapping[str, Any], family: str, contract: Contract) -> Case:
    rest = {key: value for key, value in row.items() if key not in _READ_APART}
    if (spoil := (row.get("sign") or {}).get("spoil")) and spoil not in SPOILS:
        raise UserError(f"case {row['id']}: sign.spoil {spoil}", f"known are {', '.join(SPOILS)}")
    key = row.get("key", "active")
    return Case(
        family=family,
        expected=_expected(row, contract),
        where={name: tuple(values) for name, values in row.get("where", {}).items()},
        drop=tuple(row.get("drop", ())),
        needs=tuple(row.get("needs", ())) + ((f"keys.{key}",) if key != "active" else ()),
        filler=contract.limits[row["filler"]] if "filler" in row else None,
        **rest,
    )


def _expected(row: Mapping[str, Any], contract: Contract) -> Expected:
    expect = row["expect"]
    if isinstance(expect, str):
        return Expected(expect, row["clause"], witness=row.get("witness", False))
    kind = "other" if "other_than" in expect else "refused"
    expect = expect["other_than"] if kind == "other" else expect
    rows = expect if isinstance(expect, list) else [expect]
    alternatives = tuple(Alternative(item.get("error"), item.get("detail"), item.get("status")) for item in rows)
    for alternative in alternatives:
        if alternative.error and alternative.error not in contract.errors:
            raise UserError(f"case {row['id']}: {alternative.error}", "the error table has no such name; correct it")
    return Expected(kind, row["clause"], alternatives, row.get("own", False), row.get("witness", False))


# --- derived from the contract ---------------------------------------------------------------------------


def derived_cases(contract: Contract) -> Iterator[Case]:
    """Every case that the contract's own data implies."""
    for branch in all_branches(contract):
        clause = contract.clause_id("liveness_type" if branch.comparison_type == "1" else "comparison_type", "values")
        where = {name: (value,) for name, value in branch.fixed.items()}
        yield Case(f"probe-{branch}", clause, "probe", Expected("accepted", clause), where, is_control=True)
    for parameter in contract.parameters.values():
        yield from _presence(parameter, contract)
        yield from _values(parameter, contract)
        yield from _number(parameter, contract)
        yield from _text_length(parameter, contract)


def all_branches(contract: Contract) -> list[Branch]:
    """The combinations of comparison and liveness type that the contract lists."""
    comparison, liveness = contract.parameters["comparison_type"], contract.parameters["liveness_type"]
    return [Branch(*pair) for pair in product(comparison.values, liveness.values)]


def _slug(parameter: Parameter) -> str:
    return parameter.name.replace("_", "-")


def _accepted(
    parameter: Parameter, rule: str, contract: Contract, id_: str, where: Mapping[str, tuple[str, ...]], **more: Any
) -> Case:
    clause = contract.clause_id(parameter.name, rule)
    tolerated = (Alternative(parameter.may_answer),) if parameter.may_answer else ()
    return Case(id_, clause, "arguments", Expected("accepted", clause, tolerated), where, _beside(parameter), **more)


def _refused(
    parameter: Parameter, rule: str, contract: Contract, id_: str, where: Mapping[str, tuple[str, ...]], value: str
) -> Case:
    clause = contract.clause_id(parameter.name, rule, refused=True)
    due = Expected("refused", clause, (Alternative("BAD_ARGUMENTS", parameter.name),))
    return Case(id_, clause, "arguments", due, where, _beside(parameter), {parameter.name: value})


def _beside(parameter: Parameter) -> dict[str, Any]:
    return {parameter.beside: {"picture": "face"}} if parameter.beside else {}


def _presence(parameter: Parameter, contract: Contract) -> Iterator[Case]:
    slug = _slug(parameter)
    if parameter.required_when is None:
        clause = contract.clause_id(parameter.name, "optional")
        due = Expected("accepted", clause)
        yield Case(f"{slug}-absent", clause, "arguments", due, dict(parameter.when), is_control=True)
        return
    clause = contract.clause_id(parameter.name, "required")
    missing = Expected("refused", clause, (Alternative("MISSING_ARGUMENTS", parameter.name),))
    for branch in _required_branches(parameter, contract):
        where = {name: (value,) for name, value in branch.fixed.items()}
        yield Case(f"{slug}-missing-{branch}", clause, "arguments", missing, where, drop=(parameter.name,))
    yield _empty(parameter, contract)
    for name, value in parameter.required_when.items():
        others = tuple(other for other in contract.parameters[name].values if other != value)
        due = Expected("accepted", clause)
        yield Case(f"{slug}-not-needed", clause, "arguments", due, {name: others}, is_control=True)


def _required_branches(parameter: Parameter, contract: Contract) -> list[Branch]:
    """Where it is required: every branch of a conditional one, two that differ in both types of the others."""
    branches = [branch for branch in all_branches(contract) if parameter.is_required(branch.fixed)]
    return branches if parameter.required_when else [branches[0], branches[-1]]


def _empty(parameter: Parameter, contract: Contract) -> Case:
    clause = contract.clause_id(parameter.name, "empty")
    names = ["MISSING_ARGUMENTS", "BAD_ARGUMENTS"] + (["IMAGE_ERROR_UNSUPPORTED_FORMAT"] if parameter.picture else [])
    legal = [Alternative(name, parameter.name) for name in names]
    if parameter.name == "sign":
        legal += [Alternative("AUTHENTICATION_ERROR"), Alternative("AUTHORIZATION_ERROR", "*")]
    value = {"picture": "empty"} if parameter.picture else ""
    where = {name: (value,) for name, value in (parameter.required_when or {}).items()}
    due = Expected("refused", clause, tuple(legal))
    return Case(f"{_slug(parameter)}-empty", clause, "arguments", due, where, set={parameter.name: value})


def _places(parameter: Parameter) -> Iterator[tuple[str, Mapping[str, tuple[str, ...]]]]:
    """Each liveness type where it has an effect, with a suffix for ids; one place for those that have it everywhere."""
    liveness = parameter.when.get("liveness_type", ())
    if len(liveness) < 2:
        yield "", dict(parameter.when)
        return
    for value in liveness:
        yield f"-{value}", {**parameter.when, "liveness_type": (value,)}


def _values(parameter: Parameter, contract: Contract) -> Iterator[Case]:
    if not parameter.values:
        return
    slug = _slug(parameter)
    is_branch = parameter.name in ("comparison_type", "liveness_type")
    for suffix, where in _places(parameter):
        for value in () if is_branch else parameter.values:
            change = {"set": {parameter.name: value}}
            yield _accepted(parameter, "values", contract, f"{slug}-{value}{suffix}", where, **change)
        for label, value in _unlisted(parameter):
            yield _refused(parameter, "values", contract, f"{slug}-{label}{suffix}", where, value)


def _unlisted(parameter: Parameter) -> list[tuple[str, str]]:
    if all(value.isdigit() for value in parameter.values):
        following = str(max(map(int, parameter.values)) + 1)
        below = [("0", "0")] if "0" not in parameter.values else []
        return [*below, (following, following), ("minus-1", "-1"), ("letters", "yes")]
    return [("unknown", "no_such_value"), ("number", "1"), ("other-case", parameter.values[0].upper())]


def _number(parameter: Parameter, contract: Contract) -> Iterator[Case]:
    if parameter.minimum is None or parameter.maximum is None:
        return
    slug = _slug(parameter)
    for suffix, where in _places(parameter):
        for value in (parameter.minimum, (parameter.minimum + parameter.maximum) // 2, parameter.maximum):
            change = {"set": {parameter.name: str(value)}}
            yield _accepted(parameter, "range", contract, f"{slug}-{value}{suffix}", where, **change)
        for value in (parameter.minimum - 1, parameter.maximum + 1, 10**20):
            label = str(value).replace("-", "minus-") if value < 10**6 else "huge"
            yield _refused(parameter, "range", contract, f"{slug}-{label}{suffix}", where, str(value))
        for label, text in (("letters", "abc"), ("digits-and-letters", f"{parameter.minimum}x")):
            yield _refused(parameter, "number", contract, f"{slug}-{label}{suffix}", where, text)


def _text_length(parameter: Parameter, contract: Contract) -> Iterator[Case]:
    slug, where = _slug(parameter), dict(parameter.when)
    if parameter.length is not None:
        yield _accepted(parameter, "length", contract, f"{slug}-{parameter.length}-characters", where, is_control=True)
        for count in (parameter.length - 1, parameter.length + 1):
            text = "990101199001011234567890"[:count].ljust(count, "0")
            yield _refused(parameter, "length", contract, f"{slug}-{count}-characters", where, text)
    if parameter.max_bytes is None:
        return
    for script, char in (("ascii", "u"), ("cjk", "好"), ("four-byte", "𠮷")):
        for count in (parameter.max_bytes, parameter.max_bytes + 1):
            id_, text = f"{slug}-{count}-bytes-{script}", _of_bytes(char, count)
            if count <= parameter.max_bytes:
                yield _accepted(parameter, "length", contract, id_, where, set={parameter.name: text})
            else:
                yield _refused(parameter, "length", contract, id_, where, text)
    yield _refused(parameter, "length", contract, f"{slug}-very-long", where, "u" * parameter.max_bytes * 20)


def _of_bytes(char: str, count: int) -> str:
    """A text of exactly `count` bytes of UTF-8, as many of them `char` as fit."""
    size = len(char.encode())
    return char * (count // size) + "a" * (count % size)


# --- the sound request ----------------------------------------------------------------------------------


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
