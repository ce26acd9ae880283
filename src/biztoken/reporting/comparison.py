"""Runs side by side, for people: a page, a summary and lines on the terminal, all made of the record alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from biztoken.errors import UserError
from biztoken.model import Json
from biztoken.reporting.exchanges import Shown, shown
from biztoken.reporting.markdown import cell, line, prose, text
from biztoken.reporting.page import page
from biztoken.reporting.printable import one_line, printable
from biztoken.reporting.result import write_whole
from biztoken.reporting.texts import LANGUAGES, in_language, say

_ROWS = 50
_RECEIVED = 3  # texts of one clause and run, in a cell


def render_comparison(record: Json, directory: Path, lang: str) -> None:
    """Write `comparison.json`, `index.html` and `summary.md` into a directory, made where it is not there.

    UserError where that is the directory of a run, whose own reports have the same names.
    """
    if (directory / "result.json").exists():
        hint = "it is the directory of a run, whose reports would be lost; give another one"
        raise UserError(f"--out {directory}", hint, "这是一次运行的目录，其报告会被覆盖；请换一个目录")
    texts = {
        "comparison.json": json.dumps(record, ensure_ascii=False, indent=1) + "\n",
        "index.html": comparison_html(record, lang),
        "summary.md": comparison_md(record, lang),
    }
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, written in texts.items():
            write_whole(directory / name, written)
    except OSError as problem:
        hint = f"cannot be written ({problem.strerror}); give another directory"
        raise UserError(f"--out {directory}", hint, f"无法写入（{problem.strerror}）；请换一个目录") from None


def print_comparison(record: Json, lang: str = "en", console: Console | None = None) -> None:
    """Print what differs, the sentence last. Standard output unless told otherwise."""
    out = console or Console()
    for told in _lines(record, lang):
        out.print(told, soft_wrap=isinstance(told, Text), highlight=False)


def comparison_sentence(record: Json, lang: str) -> str:
    """How many clauses differ, of how many."""
    if not record["clauses"]:
        return say("compare.same", lang, n=record["compared"])
    return say("compare.differs", lang, n=record["compared"], differing=len(record["clauses"]))


def comparison_html(record: Json, lang: str) -> str:
    """The page; it opens in `lang` and carries the other language with it."""
    sentences = {tag: _capital(comparison_sentence(record, tag)) for tag in LANGUAGES}
    facts = {
        "result": {"verdict": "differs" if record["clauses"] else "same"},
        "record": record,
        "sentence": sentences,
        "titles": {tag: say("compare.title", tag, sentence=told) for tag, told in sentences.items()},
        "sides": sides,
        "received": received,
        "is_repeated": is_repeated,
    }
    return page("compare.html.j2", lang, facts, styles=("page.css", "compare.css"), scripts=("page.js",))


def comparison_md(record: Json, lang: str) -> str:
    """The comparison in about a screen, in GitHub flavoured Markdown."""
    mark = "⚠️" if record["clauses"] else "✅"
    parts = [f"## {mark} {text(_capital(comparison_sentence(record, lang)))}", _runs_md(record, lang)]
    parts += ["\n".join("- " + prose(in_language(note, lang)) for note in record["notes"])]
    if record["clauses"]:
        heads = [say("clause", lang), *(text(run["run"]) for run in record["runs"])]
        rows = [line(heads), line(["---"] * len(heads))]
        rows += [line(_cells(clause, lang)) for clause in record["clauses"][:_ROWS]]
        left = len(record["clauses"]) - _ROWS
        parts += ["\n".join(rows), say("summary.more", lang, n=left) if left > 0 else ""]
    return "\n\n".join(part for part in parts if part) + "\n"


def received(told: Mapping[str, Any], lang: str) -> list[str]:
    """What one run received against a clause or observed unlike another, or why nothing is known."""
    told_once = {in_language(finding["received"], "en"): finding["received"] for finding in told["findings"]}
    texts = [in_language(words, lang) for words in (*told_once.values(), *told.get("observed", ()))]
    why = in_language(told["reason"], lang)
    return texts or ([why] if why else [])


def sides(case: Mapping[str, Any]) -> list[Shown | None]:
    """The exchanges of a case, one for each run: fields that differ from those of the first are marked."""
    first = next((exchange for exchange in case["exchanges"] if exchange), None)
    return [
        shown(exchange, first if exchange is not first else None) if exchange else None
        for exchange in case["exchanges"]
    ]


def is_repeated(exchange: Shown, before: Sequence[Shown | None]) -> bool:
    """Whether the first of the exchanges before sent the same, but for where to."""
    first = next((each for each in before if each), None)
    return first is not None and _sent(exchange) == _sent(first)


def _sent(exchange: Shown) -> tuple[object, ...]:
    fields = tuple((row.name, row.value) for row in exchange.fields if row.mark != "removed")
    return exchange.method, exchange.note, fields


def _runs_md(record: Json, lang: str) -> str:
    heads = [say(key, lang) for key in ("compare.run", "page.against", "page.started", "compare.verdict")]
    rows = [
        [
            text(run["run"]),
            f"{text((run['target'] or {}).get('name', ''))} {cell((run['target'] or {}).get('url', ''))}",
            text(str(run["started"] or "")[:19].replace("T", " ")),
            say(f"compare.verdict.{run['verdict']}", lang),
        ]
        for run in record["runs"]
    ]
    return "\n".join([line(heads), line(["---"] * len(heads)), *map(line, rows)])


def _cells(clause: Json, lang: str) -> Iterator[str]:
    yield f"**{text(clause['id'])}**<br>{text(clause[lang])}"
    for told in clause["runs"]:
        texts = [cell(words) for words in received(told, lang)[:_RECEIVED]]
        yield "<br>".join([f"**{say('verdict.' + told['verdict'], lang)}**", *texts])


def _lines(record: Json, lang: str) -> Iterator[Text | Padding]:
    names = [one_line(run["run"], 60) for run in record["runs"]]
    for clause in record["clauses"]:
        yield Text()
        yield _indented(Text.assemble((one_line(clause["id"]), "bold"), "  ", one_line(clause[lang])), 2)
        for name, told in zip(names, clause["runs"], strict=True):
            head = Text.assemble((say("list.label", lang, name=name, text=""), "dim"), _verdict(told, lang))
            yield _indented(head, 4)
            yield from (_indented(Text(one_line(words)), 6) for words in received(told, lang)[:_RECEIVED])
        for case in clause["cases"]:
            yield from _case(case, names, lang)
    yield Text()
    for note in record["notes"]:
        yield Text(one_line(in_language(note, lang), 600), "yellow")
    style = "bold yellow" if record["clauses"] else "bold green"
    yield Text(_capital(comparison_sentence(record, lang)), style)


def _verdict(told: Mapping[str, Any], lang: str) -> str:
    return say(f"verdict.{told['verdict']}", lang)


def _case(case: Json, names: list[str], lang: str) -> Iterator[Text | Padding]:
    yield _indented(Text(say("compare.exchanges", lang, case=one_line(case["case"])), "dim"), 4)
    for name, exchange in zip_longest(names, sides(case)):
        if exchange is None:
            told = say("compare.no_exchange", lang)
        else:
            body = " ".join(exchange.body.split())
            told = f"{exchange.status} {body}" if exchange.status else exchange.failure
        yield _indented(Text(say("list.label", lang, name=name, text=one_line(told, 200)), "cyan"), 6)


def _capital(told: str) -> str:
    return printable(told[:1].upper() + told[1:])


def _indented(told: Text, left: int) -> Padding:
    return Padding(told, (0, 0, 0, left), expand=False)
