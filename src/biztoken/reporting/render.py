"""A directory of records to the reports that people and pipelines open."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from biztoken.errors import UserError
from biztoken.reporting.badge import badge, badge_of_capacity, svg
from biztoken.reporting.html import index_html
from biztoken.reporting.junit import junit_xml
from biztoken.reporting.limit_junit import limit_xml
from biztoken.reporting.limit_page import limit_html
from biztoken.reporting.limit_summary import limit_md
from biztoken.reporting.load_junit import load_xml
from biztoken.reporting.load_page import load_html
from biztoken.reporting.load_summary import load_md
from biztoken.reporting.prove_junit import proof_xml
from biztoken.reporting.prove_matrix import matrix
from biztoken.reporting.prove_page import proof_html
from biztoken.reporting.prove_summary import proof_md
from biztoken.reporting.records import Run, load
from biztoken.reporting.result import LIMIT, LOAD, PROVE, kind_of, write_whole
from biztoken.reporting.summary import summary_md


def render(directory: Path, lang: str) -> None:
    """Write `index.html`, `summary.md` and `junit.xml` beside the records; read nothing else, change no record.

    A run gets its badge, too, and a proof of the suite `matrix.json`.
    """
    run = load(directory)
    reports = _REPORTS.get(kind_of(run.result), _of_a_target)(run, lang)
    for name, text in reports.items():
        try:
            write_whole(directory / name, text)
        except OSError as problem:
            hint = f"cannot be written ({problem.strerror}); make the directory writable or copy it elsewhere"
            zh = f"无法写入（{problem.strerror}）；请让目录可写，或复制到别处"
            raise UserError(str(directory / name), hint, zh) from None


def _of_a_target(run: Run, lang: str) -> dict[str, str]:
    texts = {
        "index.html": index_html(run, lang),
        "summary.md": summary_md(run, lang),
        "junit.xml": junit_xml(run, lang),
    }
    return texts | _badges(badge(run.result, lang))


def _of_a_proof(run: Run, lang: str) -> dict[str, str]:
    return {
        "index.html": proof_html(run.result, lang),
        "summary.md": proof_md(run.result, lang),
        "junit.xml": proof_xml(run.result, lang),
        "matrix.json": json.dumps(matrix(run.result), ensure_ascii=False, indent=1) + "\n",
    }


def _of_a_load(run: Run, lang: str) -> dict[str, str]:
    texts = {"index.html": load_html(run, lang), "summary.md": load_md(run, lang), "junit.xml": load_xml(run, lang)}
    return texts | _badges(badge_of_capacity(run.result, lang))


def _of_a_limit(run: Run, lang: str) -> dict[str, str]:
    texts = {"index.html": limit_html(run, lang), "summary.md": limit_md(run, lang), "junit.xml": limit_xml(run, lang)}
    return texts | _badges(badge_of_capacity(run.result, lang))


def _badges(told: Mapping[str, Any]) -> dict[str, str]:
    return {"badge.json": json.dumps(told, ensure_ascii=False) + "\n", "badge.svg": svg(told)}


_REPORTS: Mapping[str, Callable[[Run, str], dict[str, str]]] = {
    PROVE: _of_a_proof,
    LOAD: _of_a_load,
    LIMIT: _of_a_limit,
}
