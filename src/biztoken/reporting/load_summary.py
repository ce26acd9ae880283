"""`summary.md` of a load: verdict, numbers, conditions, broken clauses, how requests ended, in about a screen."""

from __future__ import annotations

from collections.abc import Iterator

from biztoken.model import Json
from biztoken.reporting.figures import duration
from biztoken.reporting.load_answers import model_told, recovery_told
from biztoken.reporting.load_doubts import doubts
from biztoken.reporting.load_sentence import load_sentence
from biztoken.reporting.load_view import again, outcomes, plain
from biztoken.reporting.markdown import cell, code, prose, table, text
from biztoken.reporting.records import Run
from biztoken.reporting.summary import broken_clauses
from biztoken.reporting.texts import say
from biztoken.reporting.view import failures, warnings

MARKS = {"passed": "✅", "not-passed": "❌", "no-verdict": "⚠️", "incomplete": "⚠️"}
_DOUBTED = "⚠️"
_KEPT = {True: "✅", False: "❌", None: "⚠️"}
_ROWS = 15


def load_md(run: Run, lang: str) -> str:
    """The load for the step summary of a CI job, in GitHub flavoured Markdown."""
    record = run.result
    parts = [
        head(record, load_sentence(record, lang), lang),
        _ran(record, lang),
        *(prose(words[lang]) for words in (*model_told(record), *recovery_told(record))),
        *_checks(record, lang),
        *broken_clauses(say("failures.title", lang), failures(record), lang),
        *broken_clauses(say("warnings.title", lang), warnings(record), lang),
        *_outcomes(record, lang),
        *("- " + prose(alarm[lang]) for alarm in record["generator"]["alarms"]),
        notes(record, lang),
        say("list.label", lang, name=say("repeat.title", lang), text=code(" ".join(again(record)), 1000)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def notes(record: Json, lang: str) -> str:
    """What else there is to say, one line for each; empty where there is nothing."""
    if not record["notes"]:
        return ""
    told = "\n".join("- " + prose(note[lang]) for note in record["notes"])
    return f"### {say('notes.title', lang)}\n\n{told}"


def head(record: Json, sentence: str, lang: str) -> str:
    """The verdict as a heading, and which target it is of; one with a reservation is not green."""
    target = record["target"]
    of = say("summary.target", lang, name=text(target.get("name", "")), url=code(target.get("url", "")))
    mark = _DOUBTED if record["verdict"] == "passed" and doubts(record) else MARKS[record["verdict"]]
    return f"## {mark} {text(sentence[:1].upper() + sentence[1:], 600)}\n\n{of}"


def _ran(record: Json, lang: str) -> str:
    load, profile = record["load"], text(record["profile"]["name"])
    took = duration(record["seconds"])
    sums = {key: load[key] for key in ("sent", "answered", "failed")} | {"left": load["in_flight_at_end"]}
    ran = say("load.summary.ran", lang, n=load["sent"], took=took, profile=profile)
    return f"{ran}  \n{say('load.account', lang, **sums)}"


def _checks(record: Json, lang: str) -> Iterator[str]:
    if not record["checks"]:
        return
    heads = ["", *(say(f"load.checks.{key}", lang) for key in ("condition", "due", "seen"))]
    rows = [
        [_KEPT[row["kept"]], text(row[lang]), text(plain(row["due"])), text(plain(row["seen"]))]
        for row in record["checks"]
    ]
    yield f"### {say('load.checks.title', lang)}"
    yield table(heads, rows)


def _outcomes(record: Json, lang: str) -> Iterator[str]:
    rows = outcomes(record)
    if not rows:
        return
    heads = [say(f"load.outcomes.{key}", lang) for key in ("outcome", "kind", "count", "share")]
    yield f"### {say('load.outcomes.title', lang)}"
    yield table(
        heads,
        [[cell(row.name), say(f"load.key.{row.kind}", lang), str(row.count), f"{row.share} %"] for row in rows[:_ROWS]],
    )
    if len(rows) > _ROWS:
        yield say("summary.more", lang, n=len(rows) - _ROWS)
