"""The last section of a check's reports: what its verdict rests on. Pure; None for a run that recorded none of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from biztoken.model import Json
from biztoken.reporting.figures import duration, proportion, share
from biztoken.reporting.markdown import prose, table, text
from biztoken.reporting.texts import LANGUAGES, in_language, listed, say
from biztoken.reporting.view import Untold, excluded, judged

_LEVELS = ("MUST", "SHOULD")
_REACHED = frozenset({"PASS", "FAIL", "WARN", "WAIVED", "OBSERVED"})
_IDS = 12


@dataclass(frozen=True, slots=True)
class Fact:
    """One number or name; `certificate.KEY` is what it is called, `value` its text in both languages."""

    key: str
    value: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Certificate:
    """`state` is proven, weak, part, changed or never: whether the cases of the run are those that were proven.

    `suite` tells how strong the checks are, nothing where they were never proven; `run` what this run reached.
    """

    state: str
    suite: tuple[Fact, ...]
    run: tuple[Fact, ...]
    excluded: tuple[Untold, ...]


def certificate(result: Json) -> Certificate | None:
    """What the record of a check says of its own worth; None for a record of an older version."""
    told = result.get("certificate")
    if not told:
        return None
    suite = tuple(_suite(told["suite"])) if told["suite"] else ()
    return Certificate(_state(result, told), suite, tuple(_run(result, told)), tuple(excluded(result)))


def certified(result: Json, lang: str) -> dict[str, str]:
    """The certificate as properties of a `junit.xml`, empty where there is none."""
    made = certificate(result)
    if made is None:
        return {}
    facts = {f"certificate.{fact.key}": fact.value[lang] for fact in made.suite + made.run}
    return {"certificate.state": made.state, **facts}


def certificate_md(result: Json, lang: str) -> list[str]:
    """The certificate as paragraphs of a `summary.md`, none where there is none."""
    made = certificate(result)
    if made is None:
        return []
    parts = [f"### {say('certificate.title', lang)}", prose(say(f"certificate.state.{made.state}", lang))]
    for place, facts in (("suite", made.suite), ("run", made.run)):
        rows = [[say(f"certificate.{fact.key}", lang), text(fact.value[lang])] for fact in facts]
        parts += [table([say(f"certificate.{place}", lang), ""], rows)] if rows else []
    reasons = [
        "- " + say("list.of", lang, text=prose(in_language(group.reason, lang)), ids=_ids(group, lang))
        for group in made.excluded
    ]
    return parts + ([f"**{say('certificate.excluded', lang)}**", "\n".join(reasons)] if reasons else [])


def _ids(group: Untold, lang: str) -> str:
    return listed([text(clause["id"]) for clause in group.clauses], lang, _IDS)


def _state(result: Json, told: Mapping[str, Any]) -> str:
    suite = told["suite"]
    if not suite:
        return "never"
    if suite["case_set"] != told["case_set"]:
        return "part" if result["scope"] == "partial" else "changed"
    faults = suite["faults"]
    is_killed = faults["killed"] + faults["equivalent"] == faults["planned"]
    is_clean = all(suite[kind]["clean"] == suite[kind]["planned"] for kind in ("variations", "combinations"))
    return "proven" if is_killed and is_clean else "weak"


def _suite(suite: Mapping[str, Any]) -> Iterator[Fact]:
    faults = suite["faults"]
    yield Fact("suite.kill_rate", share(faults["killed"], faults["planned"] - faults["equivalent"]))
    yield Fact("suite.equivalent", _same(faults["equivalent"]))
    yield Fact("suite.own_clause", proportion(suite["own_clause"], faults["killed"]))
    for level in _LEVELS:
        row = suite["clauses"][level]
        yield Fact(f"suite.{level.lower()}", proportion(row["killed"], row["of"]))
    for kind in ("variations", "combinations"):
        yield Fact(f"suite.{kind}", proportion(suite[kind]["clean"], suite[kind]["planned"]))
    yield Fact("suite.date", _same(str(suite["date"])[:19].replace("T", " ")))
    yield Fact("suite.requests", _same(suite["requests"]))
    yield Fact("suite.took", _same(duration(suite["seconds"])))
    yield Fact("suite.seed", _same(suite["seed"]))
    yield Fact("suite.versions", _versions(suite["versions"]))
    yield Fact("suite.case_set", _same(suite["case_set"]))


def _run(result: Json, told: Mapping[str, Any]) -> Iterator[Fact]:
    rows = judged(result)
    for level in _LEVELS:
        verdicts = [clause["verdict"] for clause in rows if clause["level"] == level]
        yield Fact(f"run.{level.lower()}", proportion(sum(verdict in _REACHED for verdict in verdicts), len(verdicts)))
    yield Fact("run.controls", _same(told["controls"]))
    yield Fact("run.untestable", _same(sum(clause["verdict"] == "UNTESTABLE" for clause in rows)))
    yield Fact("run.excluded", _same(sum(bool(clause["excluded"]) for clause in result["clauses"])))
    yield Fact("run.harness", _same(sum(case["verdict"] == "HARNESS" for case in result["cases"])))
    yield Fact("run.seed", _same("–" if result["seed"] is None else result["seed"]))
    yield Fact("run.versions", _versions(result["versions"]))
    yield Fact("run.case_set", _same(told["case_set"]))


def _versions(versions: Mapping[str, str | None]) -> dict[str, str]:
    names = [f"{name} {version}" for name, version in versions.items() if version]
    return {lang: listed(names, lang, len(names)) for lang in LANGUAGES}


def _same(value: object) -> dict[str, str]:
    return dict.fromkeys(LANGUAGES, str(value))
