"""`index.html` of a proof: the verdict, what breaks it, the kill matrix, the variations. Both languages on one page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from biztoken.reporting import prove_view
from biztoken.reporting.figures import percent, proportion
from biztoken.reporting.html import linked
from biztoken.reporting.page import page
from biztoken.reporting.printable import printable
from biztoken.reporting.prove_grid import grid
from biztoken.reporting.prove_view import Record
from biztoken.reporting.sentence import verdict_sentences
from biztoken.reporting.texts import say


def proof_html(record: Record, lang: str) -> str:
    """The page; it opens in `lang` and carries the other language with it."""
    styles, scripts = ("page.css", "prove.css"), ("page.js", "prove.js")
    return page("prove.html.j2", lang, _facts(record), styles=styles, scripts=scripts)


def _facts(record: Record) -> dict[str, Any]:
    sentences = {tag: text[:1].upper() + text[1:] for tag, text in verdict_sentences(record).items()}
    anchors = _anchors(record)
    faults, variations = prove_view.open_faults(record), prove_view.open_variations(record)
    return {
        "result": record,
        "sentence": {tag: linked(text, anchors) for tag, text in sentences.items()},
        "titles": {tag: printable(say("prove.title", tag, sentence=text)) for tag, text in sentences.items()},
        "anchors": anchors,
        "breaks": prove_view.breaks(record),
        "open_faults": faults,
        "open_variations": variations,
        "clause_of": {clause["id"]: clause for clause in record["clauses"]},
        "subjects": prove_view.subjects(record),
        "shows": _shows(record),
        "grid": grid(record),
        "tables": (("variations", prove_view.single(record)), ("combinations", prove_view.combined(record))),
        "equivalents": prove_view.equivalents(record),
        "rate": percent(record["counts"]["faults"]["killed"], prove_view.counted(record)),
        "view": prove_view,
        "proportion": proportion,
        "as_json": as_json,
    }


def as_json(value: Mapping[str, Any]) -> str:
    """A condition or change of a fault on one line, as YAML and JSON both read it."""
    return json.dumps(value, ensure_ascii=False)


def _shows(record: Record) -> dict[str, int]:
    """How many faults, or clauses of the last, each way to filter the matrix leaves."""
    rows = prove_view.rows(record)
    return {
        "all": len(record["faults"]),
        "open": len(prove_view.open_faults(record)),
        "off": sum(map(prove_view.is_off_diagonal, record["faults"])),
        "bare": sum(row.is_bare for row in rows),
    }


def _anchors(record: Record) -> dict[str, str]:
    """Where the page tells of each clause, fault and variation, by id; of what is open in a card of its own."""
    shown = [row.clause["id"] for row in prove_view.rows(record)]
    anchors = {name: f"c-{printable(name)}" for name in shown}
    anchors |= {fault["id"]: f"f-{printable(fault['id'])}" for fault in record["faults"]}
    anchors |= {row["id"]: f"v-{printable(row['id'])}" for row in record["variations"]}
    rows = [*prove_view.open_faults(record), *prove_view.open_variations(record)]
    return anchors | {row["id"]: f"open-{printable(row['id'])}" for row in rows}
