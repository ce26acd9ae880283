"""`index.html`: one self-contained page in both languages, to be read without JavaScript."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from biztoken.model import Json, Verdict
from biztoken.reporting import view
from biztoken.reporting.exchanges import shown_exchanges
from biztoken.reporting.printable import one_line, printable, shortened
from biztoken.reporting.records import Run
from biztoken.reporting.sentence import verdict_sentences
from biztoken.reporting.texts import LANGUAGES, both, in_language, section_name, template

_TEMPLATES = Path(__file__).parent / "templates"
_TAGS = {"en": "en", "zh": "zh-Hans"}
_VERDICTS = (*Verdict, "EXCLUDED", "CLIENT")
_MARKS = {
    "FAIL": "✕",
    "WARN": "!",
    "HARNESS": "⚙",
    "NOT_RUN": "○",
    "UNTESTABLE": "?",
    "PASS": "✓",
    "OBSERVED": "●",
    "NOT_APPLICABLE": "–",
    "EXCLUDED": "–",
    "CLIENT": "–",
}


def index_html(run: Run, lang: str) -> str:
    """The page; it opens in `lang` and carries the other language with it."""
    style = _source("page.css")
    script = _source("page.js").replace("LABELS", _labels())
    return (
        _environment()
        .get_template("index.html.j2")
        .render(
            **_facts(run.result),
            run=run,
            lang=lang,
            tags=_TAGS,
            style=Markup(style),  # noqa: S704 - our own files, not the target's text
            script=Markup(script),  # noqa: S704
            style_hash=_hash(style),
            script_hash=_hash(script),
        )
    )


def _facts(result: Json) -> dict[str, Any]:
    sentences = {tag: text[:1].upper() + text[1:] for tag, text in verdict_sentences(result).items()}
    failures, warnings = view.failures(result), view.warnings(result)
    places = _places("fail", failures) | _places("warn", warnings)
    cases: dict[str, list[Json]] = defaultdict(list)
    for case in result["cases"]:
        cases[case["clause"]].append(case)
    return {
        "result": result,
        "sentence": {tag: _linked(text, places) for tag, text in sentences.items()},
        "titles": {tag: _title(result, text, tag) for tag, text in sentences.items()},
        "failures": failures,
        "warnings": warnings,
        "places": places,
        "untestable": view.untested(result, "UNTESTABLE"),
        "not_run": view.untested(result, "NOT_RUN"),
        "undecided": view.untested(result, "HARNESS"),
        "trouble": view.troubled(result),
        "sections": view.sections(result),
        "cases_of": cases,
        "bar": _bar(result),
        "shown_counts": Counter(view.shown_verdict(result, clause) for clause in result["clauses"]),
        "repeat": view.repeat_command(result),
    }


def _places(kind: str, groups: Sequence[view.Group]) -> dict[str, str]:
    """The anchor of the first card that tells of a clause, by clause."""
    places: dict[str, str] = {}
    for number, group in enumerate(groups, start=1):
        for item in group.broken:
            places.setdefault(item.clause["id"], f"{kind}-{number}-{printable(item.clause['id'])}")
    return places


def _linked(sentence: str, places: Mapping[str, str]) -> Markup:
    """The sentence with each clause it names a link to what is told of it."""
    parts = re.split(r"([\w.-]+)", printable(sentence), flags=re.ASCII)
    link = Markup('<a href="#{0}">{1}</a>')
    return Markup("").join(link.format(places[part], part) if part in places else escape(part) for part in parts)


def _title(result: Json, sentence: str, lang: str) -> str:
    target = printable(result["target"].get("name") or result["target"].get("url") or "biztoken")
    return template("page.title", lang).format(kind=result["kind"], target=target, sentence=sentence)


def _bar(result: Json) -> list[dict[str, Any]]:
    """The MUST clauses by verdict as pieces of a bar 1000 wide."""
    numbers = Counter(clause["verdict"] for clause in view.judged(result) if clause["level"] == "MUST")
    pieces: list[dict[str, Any]] = []
    at = 0.0
    for verdict in ("FAIL", "HARNESS", "NOT_RUN", "UNTESTABLE", "WARN", "OBSERVED", "PASS"):
        if numbers[verdict]:
            width = 1000 * numbers[verdict] / numbers.total()
            pieces.append({"verdict": verdict, "n": numbers[verdict], "at": round(at, 2), "width": round(width, 2)})
            at += width
    return pieces


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(p=printable, one_line=one_line, short=shortened)
    environment.globals.update(
        t=phrase,
        both=bilingual,
        either=either,
        heading=lambda section: bilingual({lang: section_name(section, lang) for lang in LANGUAGES}),
        exchanges=shown_exchanges,
        repeat_of=view.repeat_command,
        shown_verdict=view.shown_verdict,
        duration=duration,
        verdicts=[str(verdict) for verdict in _VERDICTS],
        marks=_MARKS,
    )
    return environment


@lru_cache(maxsize=2048, typed=True)
def phrase(key: str, **values: object) -> Markup:
    """The phrase in both languages, one of which the page shows. Values are escaped, `code` in backquotes."""
    made = {lang: _coded(template(key, lang, values.get("n"))).format(**values) for lang in LANGUAGES}
    return bilingual(made)


def either(text: object, limit: int = 1000) -> Markup:
    """A text of a record that may have come in one language or in both, cut to `limit` characters."""
    return bilingual({lang: shortened(in_language(text, lang), limit) for lang in LANGUAGES})


def bilingual(texts: Mapping[str, str]) -> Markup:
    """A text in both languages; once, where they are equal. Text in backquotes is shown as code."""
    safe = {lang: text if isinstance(text, Markup) else _coded(printable(text)) for lang, text in texts.items()}
    if len({safe[lang] for lang in LANGUAGES}) == 1:
        return Markup(safe["en"])  # noqa: S704 - escaped above
    spans = (
        Markup('<span class="{0}" lang="{1}">{2}</span>').format(lang, _TAGS[lang], safe[lang]) for lang in LANGUAGES
    )
    return Markup("").join(spans)


def duration(seconds: float) -> str:
    """Seconds for people: 0.84 s, 12.3 s, 2 min 5 s."""
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"


def _coded(text: str) -> Markup:
    """Text escaped, with what stands between backquotes as an element."""
    parts = str(escape(text)).split("`")
    if len(parts) % 2:
        parts = [f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts)]
        return Markup("".join(parts))  # noqa: S704 - escaped above
    return escape(text)


def _labels() -> str:
    labels = {key: both(key) for key in ("copy", "copied", "contract.filter")}
    return str(labels).replace("<", "")


def _source(name: str) -> str:
    return (_TEMPLATES / name).read_text("utf-8")


def _hash(text: str) -> str:
    return "sha256-" + b64encode(hashlib.sha256(text.encode()).digest()).decode()
