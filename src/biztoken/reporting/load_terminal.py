"""What `biztoken load` leaves on the terminal: broken clauses, conditions, the generator's alarms, the verdict."""

from __future__ import annotations

from collections.abc import Iterator

from rich.padding import Padding
from rich.text import Text

from biztoken.model import Json
from biztoken.reporting.load_answers import model_told, recovery_told
from biztoken.reporting.load_doubts import doubts
from biztoken.reporting.load_sentence import load_sentence
from biztoken.reporting.load_view import outcomes, plain
from biztoken.reporting.printable import one_line
from biztoken.reporting.records import Run
from biztoken.reporting.texts import say

STYLES = {"not-passed": "bold red"}
_KEPT = {True: ("✓", "green"), False: ("✕", "bold red"), None: ("?", "yellow")}

Line = Text | Padding


def load_lines(run: Run, lang: str) -> Iterator[Line]:
    """What is said after the broken clauses, the verdict last."""
    record = run.result
    yield Text(f"\n{say('load.outcomes.title', lang)}", "bold")
    for row in outcomes(record)[:12]:
        yield indented(Text.assemble(f"{row.count:>9}  ", one_line(row.name, 120), (f"  {row.share} %", "dim")))
    if record["checks"]:
        yield Text(f"\n{say('load.checks.title', lang)}", "bold")
    for row in record["checks"]:
        mark, style = _KEPT[row["kept"]]
        seen = say("list.label", lang, name=say("load.checks.seen", lang), text=one_line(plain(row["seen"]), 80))
        yield indented(Text.assemble((mark, style), " ", one_line(row[lang]), "  ", (seen, "dim")))
    for words in (*model_told(record), *recovery_told(record)):
        yield Text(f"\n{one_line(words[lang], 600)}")
    for alarm in record["generator"]["alarms"]:
        yield Text(one_line(alarm[lang], 600), "yellow")
    yield from closing(record, load_sentence(record, lang), lang)


def closing(record: Json, sentence: str, lang: str) -> Iterator[Line]:
    """The notes, and the verdict on a line of its own; one with a reservation is not green."""
    if record["notes"]:
        yield Text(f"\n{say('notes.title', lang)}", "bold")
    for note in record["notes"]:
        yield indented(Text(one_line(note[lang], 600)))
    yield Text()
    is_green = record["verdict"] == "passed" and not doubts(record)
    style = "bold green" if is_green else STYLES.get(record["verdict"], "bold yellow")
    yield Text(one_line(sentence[:1].upper() + sentence[1:], 1000), style)


def indented(text: Text, left: int = 2) -> Padding:
    """A line moved to the right, and its rest, too, where it is long."""
    return Padding(text, (0, 0, 0, left), expand=False)
