"""A run arranged for a reader: causes before clauses, clauses before cases. Pure."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from biztoken.model import Json
from biztoken.reporting.printable import printable
from biztoken.reporting.sentence import is_broken, is_judged
from biztoken.reporting.texts import both

_MISSED = frozenset({"FAIL", "WARN", "WAIVED", "HARNESS", "NOT_RUN", "UNTESTABLE"})


@dataclass(frozen=True, slots=True)
class Broken:
    """One clause and the findings against it that have one cause, what is waived left out."""

    clause: Json
    findings: tuple[Json, ...]

    @property
    def lead(self) -> Json | None:
        """The finding to show first, None where the record holds none."""
        return self.findings[0] if self.findings else None


@dataclass(frozen=True, slots=True)
class Group:
    """Clauses broken by one mistake; `cause` is None for a clause that stands alone."""

    cause: Json | None
    broken: tuple[Broken, ...]


@dataclass(frozen=True, slots=True)
class Untold:
    """Clauses without a verdict for one reason; `reason` is {en, zh}, None where none was recorded."""

    reason: Json | None
    clauses: tuple[Json, ...]


def failures(result: Json) -> list[Group]:
    """What fails the run: shared causes first, widest first, then single clauses in the order of the contract."""
    return _groups(result, lambda clause: is_broken(result, clause))


def warnings(result: Json) -> list[Group]:
    """What is broken and does not fail the run."""
    return _groups(result, lambda clause: clause["verdict"] == "WARN" and not is_broken(result, clause))


def untested(result: Json, verdict: str) -> list[Untold]:
    """Clauses of that verdict that count, by reason, the reason of most clauses first."""
    return _by_reason((clause for clause in judged(result) if clause["verdict"] == verdict), "reason")


def excluded(result: Json) -> list[Untold]:
    """Clauses that no reply can show, by reason, the reason of most clauses first."""
    return _by_reason((clause for clause in result["clauses"] if clause["excluded"]), "excluded")


def troubled(result: Json) -> list[tuple[Json | None, tuple[Json, ...]]]:
    """Cases that ended in trouble of the harness or the network, by reason."""
    by_reason: dict[str, list[Json]] = defaultdict(list)
    for case in result["cases"]:
        if case["verdict"] == "HARNESS":
            by_reason[(case["reason"] or {}).get("en", "")].append(case)
    return [(rows[0]["reason"], tuple(rows)) for rows in by_reason.values()]


def judged(result: Json) -> list[Json]:
    """The clauses that count, in the order of the contract."""
    return [clause for clause in result["clauses"] if is_judged(result, clause)]


def shown_verdict(result: Json, clause: Json) -> str:
    """The verdict that a reader sees: EXCLUDED and CLIENT for what this kind of run cannot judge."""
    if clause["excluded"]:
        return "EXCLUDED"
    if clause["side"] == "client" and not is_judged(result, clause):
        return "CLIENT"
    return str(clause["verdict"])


def waived_findings(clause: Json) -> list[Json]:
    """The findings against a clause that a waiver excuses."""
    return [finding for finding in clause["findings"] if finding["waived"]]


def last_passed(clause: Json) -> dict[str, str] | None:
    """When a clause that is not kept now was last seen true on the target; None where nothing is known."""
    told = clause["last_passed"]
    if not told or clause["excluded"] or clause["verdict"] not in _MISSED:
        return None
    return both("clause.last_passed", date=printable(told["date"]), run=printable(told["run"]))


def sections(result: Json) -> list[tuple[str, list[Json]]]:
    """Clauses by the heading of the contract that says them, both in order of appearance."""
    by_section: dict[str, list[Json]] = defaultdict(list)
    for clause in result["clauses"]:
        by_section[clause["section"]].append(clause)
    return list(by_section.items())


def repeat_command(result: Json, select: str | None = None) -> list[str]:
    """The command that makes the same run again, or only what `select` names of it: each option with its value."""
    options: Mapping[str, Any] = result["options"]
    if result["kind"] == "drill":
        return _drill_again(result, options, select)
    pieces = [f"biztoken {result['kind']}"]
    # A single case is repeated for itself, whatever the run was held against.
    run_only = () if select else ("waivers", "baseline")
    for name in ("target", "plan", "select", "require", *run_only, "fuzz"):
        value = select if name == "select" and select else options.get(name)
        value = result["plan"] if name == "plan" and value is None else value
        if value not in (None, "", [], ()):
            text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
            pieces.append(f"--{name} {shlex.quote(text)}")
    pieces += ["--strict"] if result["strict"] else []
    return pieces + ([f"--seed {result['seed']}"] if result["seed"] is not None else [])


def _drill_again(result: Json, options: Mapping[str, Any], select: str | None) -> list[str]:
    """The client's command comes last; a client that runs already is served its drills again."""
    pieces = ["biztoken drill"]
    run_only = () if select else ("waivers",)
    for name in ("select", "timeout", *run_only, "contract"):
        value = select if name == "select" and select else options.get(name)
        if value not in (None, "", [], ()):
            told = f"{value:g}" if isinstance(value, float) else str(value)
            pieces.append(f"--{name} {shlex.quote(told)}")
    pieces += ["--strict"] if result["strict"] else []
    command = options.get("command")
    return pieces + ([f"-- {shlex.join(map(str, command))}"] if command else ["--serve"])


def _by_reason(clauses: Iterable[Json], key: str) -> list[Untold]:
    rows_of: dict[str, list[Json]] = defaultdict(list)
    for clause in clauses:
        rows_of[(clause[key] or {}).get("en", "")].append(clause)
    groups = [Untold(rows[0][key], tuple(rows)) for rows in rows_of.values()]
    return sorted(groups, key=lambda group: -len(group.clauses))


def _groups(result: Json, is_wanted: Callable[[Json], bool]) -> list[Group]:
    wanted = [clause for clause in result["clauses"] if is_wanted(clause)]
    shared: list[Group] = []
    told: set[tuple[str, str]] = set()
    for cause in result["causes"]:
        broken = [_of_cause(clause, cause["id"]) for clause in wanted]
        broken = [item for item in broken if item.findings]
        if len(broken) > 1:
            shared.append(Group(cause, tuple(broken)))
            told.update((item.clause["id"], finding["id"]) for item in broken for finding in item.findings)
    shared.sort(key=lambda group: -len(group.broken))
    return shared + list(_alone(wanted, told))


def _open(clause: Json) -> list[Json]:
    return [finding for finding in clause["findings"] if not finding["waived"]]


def _of_cause(clause: Json, cause: str) -> Broken:
    return Broken(clause, tuple(finding for finding in _open(clause) if finding["cause"] == cause))


def _alone(clauses: Sequence[Json], told: set[tuple[str, str]]) -> Iterable[Group]:
    for clause in clauses:
        rest = tuple(finding for finding in _open(clause) if (clause["id"], finding["id"]) not in told)
        if rest or not clause["findings"]:
            yield Group(None, (Broken(clause, rest),))
