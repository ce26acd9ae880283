"""`summary.md` of a search for the limit: the answer, what it is compared with, every burst, in about a screen."""

from __future__ import annotations

from collections.abc import Iterator

from biztoken.model import Json
from biztoken.reporting.figures import duration
from biztoken.reporting.limit_view import PURPOSES, bars, limit_sentence, others, reasons
from biztoken.reporting.load_summary import head, notes
from biztoken.reporting.load_view import again, milliseconds
from biztoken.reporting.markdown import code, table, text
from biztoken.reporting.records import Run
from biztoken.reporting.summary import broken_clauses
from biztoken.reporting.texts import say
from biztoken.reporting.view import failures

_ROWS = 25


def limit_md(run: Run, lang: str) -> str:
    """The answer for the step summary of a CI job, in GitHub flavoured Markdown."""
    record = run.result
    compared = [
        say("list.label", lang, name=say(f"limit.bar.{bar.kind}", lang), text=f"**{bar.value}**")
        for bar in bars(record)
    ]
    parts = [
        head(record, limit_sentence(record, lang), lang),
        say("limit.summary.ran", lang, n=record["requests"], took=duration(record["seconds"])),
        "\n".join(f"- {line}" for line in compared),
        *broken_clauses(say("failures.title", lang), failures(record), lang),
        *_bursts(record, lang),
        notes(record, lang),
        say("list.label", lang, name=say("repeat.title", lang), text=code(" ".join(again(record)), 1000)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _bursts(record: Json, lang: str) -> Iterator[str]:
    bursts = record["bursts"]
    if not bursts:
        return
    names = ("number", "purpose", "n", "ok", "refused", "other", "spread", "baseline", "why")
    rows = [
        [
            str(number),
            purpose(burst["purpose"], lang),
            *(str(value) for value in (burst["n"], burst["ok"], burst["refused"], others(burst))),
            milliseconds(burst["spread_ms"]),
            milliseconds(burst["baseline_ms"]),
            text(why),
        ]
        for number, (burst, why) in enumerate(zip(bursts[:_ROWS], reasons(record, lang), strict=False), start=1)
    ]
    yield f"### {say('limit.bursts.title', lang)}"
    yield table([say(f"limit.burst.{name}", lang) for name in names], rows)
    if len(bursts) > _ROWS:
        yield say("summary.more", lang, n=len(bursts) - _ROWS)


def purpose(name: str, lang: str) -> str:
    """What a burst was for, in words; Markdown."""
    return say(f"limit.purpose.{name}", lang) if name in PURPOSES else text(name)
