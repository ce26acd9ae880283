"""`index.html` of a check: one self-contained page in both languages, to be read without JavaScript."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

from biztoken.model import Json
from biztoken.reporting import view
from biztoken.reporting.certificate import certificate
from biztoken.reporting.page import page
from biztoken.reporting.precedence import order
from biztoken.reporting.printable import printable
from biztoken.reporting.records import Run
from biztoken.reporting.sentence import verdict_sentences
from biztoken.reporting.since import since
from biztoken.reporting.texts import template
from biztoken.reporting.waived import alerts, waived_cases, waivers


def index_html(run: Run, lang: str) -> str:
    """The page; it opens in `lang` and carries the other language with it."""
    facts = _facts(run.result) | {"run": run}
    return page("index.html.j2", lang, facts, styles=("page.css",), scripts=("page.js", "check.js"))


def _facts(result: Json) -> dict[str, Any]:
    sentences = {tag: text[:1].upper() + text[1:] for tag, text in verdict_sentences(result).items()}
    failures, warnings = view.failures(result), view.warnings(result)
    places = places_of("fail", failures) | places_of("warn", warnings)
    cases: dict[str, list[Json]] = defaultdict(list)
    for case in result["cases"]:
        cases[case["clause"]].append(case)
    return {
        "result": result,
        "sentence": {tag: linked(text, places) for tag, text in sentences.items()},
        "titles": {tag: _title(result, text, tag) for tag, text in sentences.items()},
        "failures": failures,
        "warnings": warnings,
        "places": places,
        "untestable": view.untested(result, "UNTESTABLE"),
        "not_run": view.untested(result, "NOT_RUN"),
        "undecided": view.untested(result, "HARNESS"),
        "trouble": view.troubled(result),
        "sections": view.sections(result),
        "cases_of": cases,
        "bar": _bar(result),
        "shown_counts": Counter(view.shown_verdict(result, clause) for clause in result["clauses"]),
        "repeat": view.repeat_command(result),
        "certificate": certificate(result),
        "waivers": waivers(result),
        "alerts": alerts(result),
        "since": since(result),
        "order": order(result),
        "waived_cases": waived_cases(result),
        "clause_ids": {clause["id"] for clause in result["clauses"]},
    }


def linked(sentence: str, places: Mapping[str, str]) -> Markup:
    """The sentence with each id it names a link to the anchor where it is told of."""
    parts = re.split(r"([\w.-]+)", printable(sentence), flags=re.ASCII)
    link = Markup('<a href="#{0}">{1}</a>')
    return Markup("").join(link.format(places[part], part) if part in places else escape(part) for part in parts)


def places_of(kind: str, groups: Sequence[view.Group]) -> dict[str, str]:
    """The anchor of the first card that tells of a clause, by clause."""
    places: dict[str, str] = {}
    for number, group in enumerate(groups, start=1):
        for item in group.broken:
            places.setdefault(item.clause["id"], f"{kind}-{number}-{printable(item.clause['id'])}")
    return places


def _title(result: Json, sentence: str, lang: str) -> str:
    target = printable(result["target"].get("name") or result["target"].get("url") or "biztoken")
    return template("page.title", lang).format(kind=result["kind"], target=target, sentence=sentence)


def _bar(result: Json) -> list[dict[str, Any]]:
    """The MUST clauses by verdict as pieces of a bar 1000 wide."""
    numbers = Counter(clause["verdict"] for clause in view.judged(result) if clause["level"] == "MUST")
    pieces: list[dict[str, Any]] = []
    at = 0.0
    for verdict in ("FAIL", "HARNESS", "NOT_RUN", "UNTESTABLE", "WARN", "WAIVED", "OBSERVED", "PASS"):
        if numbers[verdict]:
            width = 1000 * numbers[verdict] / numbers.total()
            pieces.append({"verdict": verdict, "n": numbers[verdict], "at": round(at, 2), "width": round(width, 2)})
            at += width
    return pieces
