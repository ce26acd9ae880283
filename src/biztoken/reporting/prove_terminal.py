"""What `biztoken prove` leaves on the terminal: what is to be mended, the numbers, the verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.padding import Padding
from rich.text import Text

from biztoken.model import Json
from biztoken.reporting.printable import one_line, printable
from biztoken.reporting.prove_sentence import proof_sentence
from biztoken.reporting.prove_summary import figures
from biztoken.reporting.prove_view import Record, again, breaks, open_faults, open_variations, unexpected
from biztoken.reporting.texts import in_language, listed, say

_SHOWN = 10
_IDS = 8
_STYLES = {"proven": "bold green", "not-proven": "bold red"}

Line = Text | Padding


def proof_lines(record: Record, lang: str) -> Iterator[Line]:
    """The proof line by line, the verdict last."""
    yield from _items(open_faults(record), "prove.open.faults", record, lang)
    yield from _items(open_variations(record), "prove.open.variations", record, lang)
    if breaks(record):
        yield Text(f"\n{say('prove.gate.not_kept_title', lang)}", "bold")
    for rule in breaks(record):
        yield _indented(Text.assemble((one_line(rule["id"]), "bold red"), "  ", one_line(rule[lang])), 2)
        if rule["items"]:
            yield _indented(Text(listed([one_line(item) for item in rule["items"]], lang, _IDS), "dim"), 4)
    yield Text()
    for name, told in figures(record, lang):
        yield Text.assemble((say("list.label", lang, name=name, text=""), "dim"), told)
    sentence = proof_sentence(record, lang)
    yield Text()
    yield Text(one_line(sentence[:1].upper() + sentence[1:], 1000), _STYLES.get(record["verdict"], "bold yellow"))


def _items(rows: Sequence[Json], title: str, record: Record, lang: str) -> Iterator[Line]:
    if rows:
        yield Text(f"\n{say(title, lang)}", "bold")
    for row in rows[:_SHOWN]:
        yield _indented(Text.assemble((one_line(row["id"]), "bold red"), "  ", one_line(row[lang])), 2)
        outcome = say(f"prove.outcome.{row['outcome']}", lang)
        yield _indented(Text(say("list.label", lang, name=outcome, text=_told(row, lang))), 4)
        yield Text(f"    {printable(' '.join(again(record, row)))}", "cyan")
    left = len(rows) - _SHOWN
    if left > 0:
        yield _indented(Text(say("prove.summary.more", lang, n=left)), 2)


def _told(row: Json, lang: str) -> str:
    """What became of it in one line: the clauses broken, or why nothing was."""
    names = [entry["clause"] for entry in row["broken"]]
    names += unexpected(row) if "warned" in row else []
    why = in_language(row["reason"], lang)
    clauses = names or ([row["clause"]] if "clause" in row else [])
    return one_line(why, 600) or listed([one_line(name) for name in clauses], lang, _IDS)


def _indented(text: Text, left: int) -> Padding:
    return Padding(text, (0, 0, 0, left), expand=False)
