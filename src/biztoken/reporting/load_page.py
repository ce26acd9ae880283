"""`index.html` of a load: the verdict, what passing meant, what is broken, and pictures. Both languages on one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from biztoken.model import Json
from biztoken.reporting import load_view, view
from biztoken.reporting.figures import duration, percent
from biztoken.reporting.html import linked, places_of
from biztoken.reporting.load_answers import model_told, recovery_told
from biztoken.reporting.load_charts import figures
from biztoken.reporting.load_doubts import doubts
from biztoken.reporting.load_errors import amplification, errors, is_held
from biztoken.reporting.load_sentence import load_sentence
from biztoken.reporting.page import page
from biztoken.reporting.printable import printable
from biztoken.reporting.records import Run
from biztoken.reporting.texts import LANGUAGES, both, say

STYLES = ("page.css", "load.css")
_MANY = 5000  # tokens; of fewer most of the memory is what any number of them takes
_OF_THE_GENERATOR = ("cpu", "lag")


def load_html(run: Run, lang: str) -> str:
    """The page; it opens in `lang` and carries the other language with it."""
    facts = shared_facts(run, {tag: load_sentence(run.result, tag) for tag in LANGUAGES}) | _facts(run.result)
    return page("load.html.j2", lang, facts, styles=STYLES, scripts=("page.js",))


def shared_facts(run: Run, sentences: Mapping[str, str]) -> dict[str, Any]:
    """What the pages of a load and of a limit both show."""
    record = run.result
    whole = {tag: text[:1].upper() + text[1:] for tag, text in sentences.items()}
    broken, warned = view.failures(record), view.warnings(record)
    places = places_of("fail", broken) | places_of("warn", warned)
    return {
        "run": run,
        "result": record,
        "sentence": {tag: linked(text, places) for tag, text in whole.items()},
        "failures": broken,
        "warnings": warned,
        "places": places,
        "doubts": {doubt.kind: doubt.n for doubt in doubts(record)},
        "repeat": load_view.again(record),
        "ms": load_view.milliseconds,
        "plain": load_view.plain,
        "titles": {tag: printable(f"{record['kind']}: {text}") for tag, text in whole.items()},
    }


def _facts(record: Json) -> dict[str, Any]:
    made = figures(record)
    sentences = {tag: load_sentence(record, tag) for tag in LANGUAGES}
    named = record["profile"]["name"]
    return {
        "titles": {tag: printable(say("load.title", tag, profile=named, sentence=sentences[tag])) for tag in LANGUAGES},
        "pictures": [figure for figure in made if figure.id not in _OF_THE_GENERATOR],
        "health": [figure for figure in made if figure.id in _OF_THE_GENERATOR],
        "outcomes": load_view.outcomes(record),
        "errors": errors(record),
        "amplification": amplification(record),
        "is_held": is_held(record),
        "counts": {kind: load_view.count_of(record, kind) for kind in load_view.KINDS},
        "kept": load_view.kept(record),
        "broken_conditions": load_view.broken(record),
        "share": percent(load_view.count_of(record, "ok"), record["load"]["sent"]),
        "clauses_broken": sum(clause["verdict"] == "FAIL" for clause in record["clauses"]),
        "tells_memory": record["tokens"]["seen"] >= _MANY,
        "drift": _drift(record["drift"] or {}),
        "model_told": model_told(record),
        "stages": _stages(record["profile"]),
        "not_recovered": recovery_told(record) if record["recovery_ms"] is None else [],
    }


def _drift(drift: Json) -> list[tuple[str, str, float | None]]:
    """Each quantity that was watched: the key of its name, its growth per hour, and how far that may be off."""
    names = [
        name for name in ("latency_ms", "latency_p99_ms", "generator_mb") if drift.get(f"{name}_per_h") is not None
    ]
    return [(name, f"{drift[f'{name}_per_h']:+g}", drift.get(f"{name}_per_h_error")) for name in names]


def _stages(profile: Json) -> list[dict[str, str]]:
    """The stages in words, the same one after the other told once."""
    key = f"load.stage.{profile['model']}"
    levels: Sequence[tuple[float, float]] = [
        (stage.get("in_flight", stage.get("rate", 0)), stage["seconds"]) for stage in profile["stages"]
    ]
    return [both(key, level=f"{level:g}", took=duration(seconds)) for level, seconds in levels]
