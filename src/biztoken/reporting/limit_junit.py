"""`junit.xml` of a search for the limit: a test case for the answer, the contracted limit, the need, each clause."""

from __future__ import annotations

from collections.abc import Iterator

from biztoken.model import Json
from biztoken.reporting.junit import clause_cases
from biztoken.reporting.limit_view import is_enough, limit_sentence
from biztoken.reporting.load_junit import noted, verdict_case
from biztoken.reporting.load_view import milliseconds
from biztoken.reporting.records import Run
from biztoken.reporting.testcases import TestCase, document
from biztoken.reporting.texts import say

_KEPT = {True: "passed", False: "failure", None: "skipped"}


def limit_xml(run: Run, lang: str) -> str:
    """The answer as one test suite. No verdict and an incomplete run are errors; what cannot be told is skipped."""
    record = run.result
    sentence = limit_sentence(record, lang)
    rows = [verdict_case(record, sentence, lang), *_compared(record, lang), *clause_cases(run, lang)]
    facts = _facts(record, sentence) | noted(record, lang)
    return document("biztoken limit", record["seconds"], record["started"], facts, rows)


def _compared(record: Json, lang: str) -> Iterator[TestCase]:
    """The contracted limit, and what a peak needs, against what was found."""
    contracted, planner = record["contracted"], record["planner"]
    found = milliseconds(record["limit"]["value"])
    if contracted:
        message = say("limit.compared.contracted", lang, n=contracted["limit"], found=found)
        yield _row("contracted-limit", contracted["kept"], message)
    if planner:
        message = say("limit.compared.needed", lang, n=milliseconds(planner["needed"]), found=found)
        yield _row("peak-needs", is_enough(record), message)


def _row(name: str, is_kept: bool | None, message: str) -> TestCase:
    return TestCase(name, "limit", _KEPT[is_kept], "LIMIT", 0.0, message, message)


def _facts(record: Json, sentence: str) -> dict[str, object]:
    limit = record["limit"]
    return {
        "verdict": sentence,
        "target": record["target"].get("url", ""),
        "seed": record["seed"],
        "complete": str(record["complete"]).lower(),
        **{f"limit.{name}": limit[name] for name in limit if not isinstance(limit[name], dict)},
        **{f"version.{name}": version for name, version in record["versions"].items()},
    }
