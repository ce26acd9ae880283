"""What `biztoken limit` leaves on the terminal: what the limit is compared with, doubtful bursts, the answer."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from biztoken.reporting.limit_view import bars, limit_sentence
from biztoken.reporting.load_terminal import Line, closing, indented
from biztoken.reporting.printable import one_line
from biztoken.reporting.records import Run
from biztoken.reporting.texts import in_language, say


def limit_lines(run: Run, lang: str) -> Iterator[Line]:
    """What is said after the broken clauses, the answer last."""
    record = run.result
    for number, burst in enumerate(record["bursts"], start=1):
        if not burst["valid"]:
            why = in_language(burst["why"], lang) or say("limit.invalid", lang)
            told = say("limit.terminal.doubtful", lang, number=number, n=burst["n"], why=one_line(why, 400))
            yield indented(Text(told, "dim"))
    for bar in bars(record):
        yield Text.assemble(
            (say("list.label", lang, name=say(f"limit.bar.{bar.kind}", lang), text=""), "dim"), bar.value
        )
    yield from closing(record, limit_sentence(record, lang), lang)
