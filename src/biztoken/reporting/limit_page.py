"""`index.html` of a search for the limit: the answer, the margin, and the evidence of each burst."""

from __future__ import annotations

from biztoken.reporting import limit_view
from biztoken.reporting.limit_charts import figures
from biztoken.reporting.load_page import STYLES, shared_facts
from biztoken.reporting.page import page
from biztoken.reporting.records import Run
from biztoken.reporting.texts import LANGUAGES


def limit_html(run: Run, lang: str) -> str:
    """The page; it opens in `lang` and carries the other language with it."""
    record = run.result
    told = [limit_view.reasons(record, tag) for tag in LANGUAGES]
    facts = shared_facts(run, {tag: limit_view.limit_sentence(record, tag) for tag in LANGUAGES}) | {
        "pictures": figures(record),
        "reasons": [dict(zip(LANGUAGES, pair, strict=True)) for pair in zip(*told, strict=True)],
        "bars": limit_view.bars(record),
        "view": limit_view,
        "valid": sum(bool(burst["valid"]) for burst in record["bursts"]),
    }
    return page("limit.html.j2", lang, facts, styles=STYLES, scripts=("page.js",))
