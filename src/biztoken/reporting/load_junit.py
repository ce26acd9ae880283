"""`junit.xml` of a load: a test case for the run, for each condition of the profile, and for each clause."""

from __future__ import annotations

from collections.abc import Iterator

from biztoken.model import Json
from biztoken.reporting.junit import clause_cases
from biztoken.reporting.load_sentence import load_sentence
from biztoken.reporting.load_view import plain
from biztoken.reporting.records import Run
from biztoken.reporting.testcases import TestCase, document
from biztoken.reporting.texts import in_language, say

OUTCOMES = {"passed": "passed", "not-passed": "failure", "no-verdict": "error", "incomplete": "error"}
_KEPT = {True: "passed", False: "failure", None: "skipped"}


def load_xml(run: Run, lang: str) -> str:
    """The load as one test suite. No verdict and an incomplete run are errors; what cannot be told is skipped."""
    record = run.result
    sentence = load_sentence(record, lang)
    rows = [verdict_case(record, sentence, lang), *_conditions(record, lang), *clause_cases(run, lang)]
    facts = _facts(record, sentence) | noted(record, lang)
    return document("biztoken load", record["seconds"], record["started"], facts, rows)


def verdict_case(record: Json, sentence: str, lang: str) -> TestCase:
    """The run itself as a test case, so that one without a verdict is not green; reason and notes are its text."""
    outcome = OUTCOMES[record["verdict"]]
    told = "\n".join(filter(None, [in_language(record["reason"], lang), *noted(record, lang).values()]))
    name = f"biztoken {record['kind']}"
    return TestCase("verdict", name, outcome, record["verdict"], float(record["seconds"]), sentence, told)


def noted(record: Json, lang: str) -> dict[str, str]:
    """The notes, as properties of the suite."""
    return {f"note.{number}": note[lang] for number, note in enumerate(record["notes"], start=1)}


def _conditions(record: Json, lang: str) -> Iterator[TestCase]:
    for row in record["checks"]:
        due = say("list.label", lang, name=say("load.checks.due", lang), text=plain(row["due"]))
        seen = say("list.label", lang, name=say("load.checks.seen", lang), text=plain(row["seen"]))
        message = say("list.clauses", lang).join((row[lang], seen))
        text = "\n".join((row[lang], due, seen))
        yield TestCase(row["id"], record["profile"]["name"], _KEPT[row["kept"]], "CONDITION", 0.0, message, text)


def _facts(record: Json, sentence: str) -> dict[str, object]:
    load = record["load"]
    return {
        "verdict": sentence,
        "target": record["target"].get("url", ""),
        "profile": record["profile"]["name"],
        "seed": record["seed"],
        "complete": str(record["complete"]).lower(),
        **{name: load[name] for name in ("sent", "answered", "failed", "in_flight_at_end", "rate_per_s")},
        **{f"latency_ms.{name}": value for name, value in load["latency_ms"].items()},
        **{f"outcome.{name}": count for name, count in load["by_outcome"].items()},
        **{f"version.{name}": version for name, version in record["versions"].items()},
    }
