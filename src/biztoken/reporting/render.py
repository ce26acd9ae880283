"""A directory of records to the reports that people and pipelines open."""

from __future__ import annotations

import json
from pathlib import Path

from biztoken.errors import UserError
from biztoken.reporting.badge import badge, svg
from biztoken.reporting.html import index_html
from biztoken.reporting.junit import junit_xml
from biztoken.reporting.prove_junit import proof_xml
from biztoken.reporting.prove_matrix import matrix
from biztoken.reporting.prove_page import proof_html
from biztoken.reporting.prove_summary import proof_md
from biztoken.reporting.records import Run, load
from biztoken.reporting.result import is_proof, write_whole
from biztoken.reporting.summary import summary_md


def render(directory: Path, lang: str) -> None:
    """Write `index.html`, `summary.md` and `junit.xml` beside the records; read nothing else, change no record.

    A run gets its badge, too, and a proof of the suite `matrix.json`.
    """
    run = load(directory)
    reports = _of_a_proof(run, lang) if is_proof(run.result) else _of_a_target(run, lang)
    for name, text in reports.items():
        try:
            write_whole(directory / name, text)
        except OSError as problem:
            hint = f"cannot be written ({problem.strerror}); make the directory writable or copy it elsewhere"
            zh = f"无法写入（{problem.strerror}）；请让目录可写，或复制到别处"
            raise UserError(str(directory / name), hint, zh) from None


def _of_a_target(run: Run, lang: str) -> dict[str, str]:
    told = badge(run.result, lang)
    return {
        "index.html": index_html(run, lang),
        "summary.md": summary_md(run, lang),
        "junit.xml": junit_xml(run, lang),
        "badge.json": json.dumps(told, ensure_ascii=False) + "\n",
        "badge.svg": svg(told),
    }


def _of_a_proof(run: Run, lang: str) -> dict[str, str]:
    return {
        "index.html": proof_html(run.result, lang),
        "summary.md": proof_md(run.result, lang),
        "junit.xml": proof_xml(run.result, lang),
        "matrix.json": json.dumps(matrix(run.result), ensure_ascii=False, indent=1) + "\n",
    }
