"""`junit.xml` of a proof: a test case is a fault or a variation, its class the clause or what leaves it open."""

from __future__ import annotations

from collections.abc import Sequence

from biztoken.model import Json
from biztoken.reporting.prove_sentence import proof_sentence
from biztoken.reporting.prove_view import Record, counted, unexpected
from biztoken.reporting.testcases import TestCase, document
from biztoken.reporting.texts import in_language, listed, say

_OUTCOMES = {
    "killed": "passed",
    "clean": "passed",
    "survived": "failure",
    "false_alarm": "failure",
    "failed": "error",
    "equivalent": "skipped",
    "not_run": "skipped",
}


def proof_xml(record: Record, lang: str) -> str:
    """The proof as one test suite: survived and false_alarm fail, failed is an error, the rest passes or is skipped."""
    rows = [_case(row, row["clause"], lang) for row in record["faults"]]
    rows += [_case(row, row["freedom"] or "variation", lang) for row in record["variations"]]
    return document("biztoken prove", record["seconds"], record["started"], _facts(record, lang), rows)


def _facts(record: Record, lang: str) -> dict[str, object]:
    counts = record["counts"]
    return {
        "verdict": proof_sentence(record, lang),
        "seed": record["seed"],
        "scope": record["scope"],
        "complete": str(record["complete"]).lower(),
        "case_set": record["case_set"],
        "faults.killed": counts["faults"]["killed"],
        "faults.counted": counted(record),
        "faults.equivalent": counts["faults"]["equivalent"],
        "own_clause": counts["own_clause"],
        **{f"gate.{rule['id']}": str(rule["kept"]).lower() for rule in record["gate"]},
        **{f"version.{name}": version for name, version in record["versions"].items()},
    }


def _case(row: Json, classname: str, lang: str) -> TestCase:
    outcome = say(f"prove.outcome.{row['outcome']}", lang)
    message = in_language(row["reason"], lang) or say("list.label", lang, name=outcome, text=row[lang])
    text = "\n".join([row[lang], *_broken(row["broken"], lang), *_warned(row, lang)])
    kept = row["directory"]
    text += "\n" + say("prove.records", lang, directory=kept) if kept else ""
    return TestCase(
        row["id"], classname, _OUTCOMES[row["outcome"]], row["outcome"], float(row["seconds"]), message, text
    )


def _broken(entries: Sequence[Json], lang: str) -> list[str]:
    return [
        say("list.of", lang, text=say("list.label", lang, name=entry["clause"], text=told), ids=_cases(entry, lang))
        for entry in entries
        for told in [in_language(entry["received"], lang)]
    ]


def _cases(entry: Json, lang: str) -> str:
    return listed(entry["cases"], lang, len(entry["cases"]))


def _warned(row: Json, lang: str) -> list[str]:
    names = unexpected(row) if "warned" in row else []
    told = listed(names, lang, len(names))
    return [say("list.label", lang, name=say("prove.warned_not", lang), text=told)] if names else []
