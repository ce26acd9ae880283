"""A directory of records to the reports that people and pipelines open."""

from __future__ import annotations

from pathlib import Path

from biztoken.errors import UserError
from biztoken.reporting.html import index_html
from biztoken.reporting.junit import junit_xml
from biztoken.reporting.records import load
from biztoken.reporting.result import write_whole
from biztoken.reporting.summary import summary_md


def render(directory: Path, lang: str) -> None:
    """Write `index.html`, `summary.md` and `junit.xml` beside the records; read nothing else, change no record."""
    run = load(directory)
    reports = {
        "index.html": index_html(run, lang),
        "summary.md": summary_md(run, lang),
        "junit.xml": junit_xml(run, lang),
    }
    for name, text in reports.items():
        try:
            write_whole(directory / name, text)
        except OSError as problem:
            hint = f"cannot be written ({problem.strerror}); make the directory writable or copy it elsewhere"
            zh = f"无法写入（{problem.strerror}）；请让目录可写，或复制到别处"
            raise UserError(str(directory / name), hint, zh) from None
