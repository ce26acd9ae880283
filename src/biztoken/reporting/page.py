"""What the pages of all kinds of run share: templates, both languages side by side, one file that loads nothing."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from biztoken.model import Verdict
from biztoken.reporting import view
from biztoken.reporting.exchanges import further_exchanges, shown_exchanges
from biztoken.reporting.figures import duration
from biztoken.reporting.printable import one_line, printable, shortened
from biztoken.reporting.texts import LANGUAGES, both, in_language, section_name, template

_TEMPLATES = Path(__file__).parent / "templates"
_TAGS = {"en": "en", "zh": "zh-Hans"}
_VERDICTS = (*Verdict, "EXCLUDED", "CLIENT")
_MARKS = {
    "FAIL": "✕",
    "WARN": "!",
    "WAIVED": "~",
    "HARNESS": "⚙",
    "NOT_RUN": "○",
    "UNTESTABLE": "?",
    "PASS": "✓",
    "OBSERVED": "●",
    "NOT_APPLICABLE": "–",
    "EXCLUDED": "–",
    "CLIENT": "–",
}


def page(name: str, lang: str, facts: Mapping[str, object], *, styles: Sequence[str], scripts: Sequence[str]) -> str:
    """The template `name` filled with `facts`, opening in `lang`; styles and scripts are files beside it."""
    style = _joined(styles)
    script = _joined(scripts).replace("LABELS", _labels())
    return (
        _environment()
        .get_template(name)
        .render(
            **facts,
            lang=lang,
            tags=_TAGS,
            style=Markup(style),  # noqa: S704 - our own files, not the target's text
            script=Markup(script),  # noqa: S704
            style_hash=_hash(style),
            script_hash=_hash(script),
        )
    )


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
        further=further_exchanges,
        repeat_of=view.repeat_command,
        shown_verdict=view.shown_verdict,
        last_passed=view.last_passed,
        waived_findings=view.waived_findings,
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


def _coded(text: str) -> Markup:
    """Text escaped, with what stands between backquotes as an element."""
    parts = str(escape(text)).split("`")
    if len(parts) % 2:
        parts = [f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts)]
        return Markup("".join(parts))  # noqa: S704 - escaped above
    return escape(text)


def _labels() -> str:
    labels = {key: both(key) for key in ("copy", "copied", "contract.filter", "prove.filter")}
    return str(labels).replace("<", "")


def _joined(names: Sequence[str]) -> str:
    return "".join((_TEMPLATES / name).read_text("utf-8") for name in names)


def _hash(text: str) -> str:
    return "sha256-" + b64encode(hashlib.sha256(text.encode()).digest()).decode()
