"""What changed since the baseline, for a reader. Pure; None for a run that was held against none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from biztoken.model import Json
from biztoken.reporting.markdown import text
from biztoken.reporting.printable import one_line
from biztoken.reporting.texts import LANGUAGES, listed, say

KINDS = ("newly_broken", "fixed", "newly_untestable", "no_longer_executed", "new_clauses", "gone_clauses")
_IDS = 12


@dataclass(frozen=True, slots=True)
class Moved:
    """One clause that changed; `after` is None for one that only came or went, `received` what is new of it."""

    clause: str
    before: str | None
    after: str | None
    received: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Since:
    """The changes of each kind that has any, and the latency where it is known of both runs."""

    lead: Mapping[str, str]
    groups: Mapping[str, tuple[Moved, ...]]
    shift: str | None
    latency: Mapping[str, str]

    @property
    def is_nothing(self) -> bool:
        """Whether all is as it was."""
        return not self.groups and self.shift in {None, "same"}


def since(result: Json) -> Since | None:
    """What the record says of the time since its baseline."""
    told = result["baseline"]
    if not told:
        return None
    groups = {kind: tuple(_rows(told.get(kind) or ())) for kind in KINDS}
    latency = told.get("latency_ms")
    return Since(
        {lang: _lead(told, lang) for lang in LANGUAGES},
        {kind: rows for kind, rows in groups.items() if rows},
        latency["shift"] if latency else None,
        {lang: _latency(latency, lang) for lang in LANGUAGES} if latency else {},
    )


def since_md(result: Json, lang: str) -> list[str]:
    """The changes as paragraphs of a `summary.md`, none where there is no baseline."""
    told = since(result)
    if told is None:
        return []
    lines = ["- " + say("list.label", lang, name=f"**{name}**", text=ids) for name, ids in lines_of(told, lang)]
    nothing = say("since.nothing", lang) if told.is_nothing else ""
    return [f"### {say('since.title', lang)}", text(told.lead[lang], 600), nothing, "\n".join(lines)]


def lines_of(told: Since, lang: str, *, plain: bool = False) -> list[tuple[str, str]]:
    """Each kind of change with the ids of its clauses, in one line; `plain`: not escaped for Markdown."""
    shown = one_line if plain else text
    rows = [
        (
            say("list.of", lang, text=say(f"since.{kind}", lang), ids=len(moved)),
            listed([shown(_named(row, lang)) for row in moved], lang, _IDS),
        )
        for kind, moved in told.groups.items()
    ]
    return rows + ([(say("since.latency", lang), told.latency[lang])] if told.latency else [])


def _named(row: Moved, lang: str) -> str:
    """The clause; one whose new deviation is waived says so."""
    return (
        say("list.of", lang, text=row.clause, ids=say("verdict.WAIVED", lang)) if row.after == "WAIVED" else row.clause
    )


def _rows(rows: Iterable[str | Json]) -> Iterable[Moved]:
    for row in rows:
        if isinstance(row, str):
            yield Moved(row, None, None, ())
        else:
            yield Moved(row["clause"], row["before"], row["after"], tuple(row.get("received") or ()))


def _lead(told: Json, lang: str) -> str:
    if told.get("started"):
        return say("since.lead_dated", lang, run=told["run"], date=str(told["started"])[:10])
    return say("since.lead", lang, run=told["run"])


def _latency(latency: Json, lang: str) -> str:
    before, after = latency["before"], latency["after"]
    return say(
        "since.latency.told",
        lang,
        shift=say(f"since.latency.{latency['shift']}", lang),
        p50_before=f"{before['p50']:.0f}",
        p95_before=f"{before['p95']:.0f}",
        p50=f"{after['p50']:.0f}",
        p95=f"{after['p95']:.0f}",
    )
