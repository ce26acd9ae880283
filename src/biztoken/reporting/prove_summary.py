"""`summary.md` of a proof: verdict, numbers, rules, what to mend, in about a screen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from biztoken.reporting.figures import duration, proportion, share
from biztoken.reporting.markdown import cell, code, prose, table, text
from biztoken.reporting.prove_sentence import proof_sentence
from biztoken.reporting.prove_view import (
    Record,
    again,
    breaks,
    counted,
    equivalents,
    open_faults,
    open_variations,
    unexpected,
)
from biztoken.reporting.texts import in_language, listed, say

_ROWS = 25
_IDS = 12
_MARKS = {"proven": "✅", "not-proven": "❌", "no-verdict": "⚠️", "incomplete": "⚠️"}


def proof_md(record: Record, lang: str) -> str:
    """The proof for the step summary of a CI job, in GitHub flavoured Markdown."""
    sentence = proof_sentence(record, lang)
    command = code(" ".join(again(record)), 1000)
    parts = [
        f"## {_MARKS[record['verdict']]} {text(sentence[:1].upper() + sentence[1:], 600)}",
        _ran(record, lang),
        table(["", ""], [[name, told] for name, told in figures(record, lang)]),
        *_gate(record, lang),
        *_open(record, lang),
        *_equivalents(record, lang),
        say("list.label", lang, name=say("repeat.title", lang), text=command),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def figures(record: Record, lang: str) -> list[tuple[str, str]]:
    """The numbers that a proof stands on, each with its name."""
    counts = record["counts"]
    rows = [
        ("prove.rate", share(counts["faults"]["killed"], counted(record))),
        ("prove.clean", proportion(counts["variations"]["clean"], counts["variations"]["planned"])),
        ("prove.combined", proportion(counts["combinations"]["clean"], counts["combinations"]["planned"])),
        ("prove.own", proportion(counts["own_clause"], counts["faults"]["killed"])),
        ("prove.gate", proportion(len(record["gate"]) - len(breaks(record)), len(record["gate"]))),
    ]
    return [(say(key, lang), told[lang]) for key, told in rows]


def _ran(record: Record, lang: str) -> str:
    took = duration(record["seconds"])
    numbers = {"executed": record["executed"], "n": record["planned"], "requests": record["requests"]}
    return say("prove.summary.ran", lang, took=took, **numbers)


def _gate(record: Record, lang: str) -> list[str]:
    lines = ["- " + _rule(rule, lang) for rule in breaks(record)]
    return [f"### {say('prove.gate.not_kept_title', lang)}", "\n".join(lines)] if lines else []


def _rule(rule: Record, lang: str) -> str:
    items = listed([text(item) for item in rule["items"]], lang, _IDS)
    return say("list.of", lang, text=text(rule[lang]), ids=items) if items else text(rule[lang])


def _open(record: Record, lang: str) -> list[str]:
    rows = [*_faults(record, lang), *_alarms(record, lang)]
    if not rows:
        return []
    left = len(rows) - _ROWS
    heads = ["", say("prove.outcome", lang), say("prove.claims", lang), say("prove.received", lang)]
    more = say("prove.summary.more", lang, n=left) if left > 0 else ""
    return [f"### {say('prove.open.title', lang)}", table(heads, rows[:_ROWS]), more]


def _faults(record: Record, lang: str) -> Iterator[Sequence[str]]:
    for fault in open_faults(record):
        why = in_language(fault["reason"], lang) or say("prove.summary.none", lang)
        yield _row(fault, lang, fault["clause"], prose(why))


def _alarms(record: Record, lang: str) -> Iterator[Sequence[str]]:
    for row in open_variations(record):
        names = [entry["clause"] for entry in row["broken"]] or unexpected(row)
        received = cell(in_language(row["broken"][0]["received"], lang)) if row["broken"] else ""
        why = received or prose(in_language(row["reason"], lang))
        yield _row(row, lang, listed(names, lang, 3), why)


def _row(row: Record, lang: str, clauses: str, why: str) -> list[str]:
    told = f"**{text(row['id'])}**<br>{text(row[lang])}"
    return [told, say(f"prove.outcome.{row['outcome']}", lang), text(clauses), why]


def _equivalents(record: Record, lang: str) -> list[str]:
    lines = [
        "- " + say("list.label", lang, name=text(fault["id"]), text=prose(_why(fault, lang)))
        for fault in equivalents(record)
    ]
    return [f"### {say('prove.equivalents.title', lang)}", "\n".join(lines)] if lines else []


def _why(fault: Record, lang: str) -> str:
    return in_language(fault["reason"], lang) or say("reason.unknown", lang)
