"""The account of a drill run: everything that result.json says, made of the book."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from biztoken import waivers
from biztoken.account import versions
from biztoken.changes import percentiles
from biztoken.drill.across import are_new, beside
from biztoken.drill.book import Book
from biztoken.drill.scenario import Scenario
from biztoken.model import Json, Level, Verdict
from biztoken.verdicts import CALLER, LEFT_OUT, NEVER_SEEN, Text, counts_of, exit_code, judged_clauses, verdict_word
from biztoken.waivers import Waiver

_NEVER_SEEN = Text("No drill of this run showed it.", "本次演练没有能体现这一条的情形。")
_NAMES = {"CLIENT-UUID": "uuid", "CLIENT-BIZ-NO": "biz_no"}


@dataclass(frozen=True, slots=True)
class Facts:
    """What the result says of a run beside the book. `command`: None for a client that ran already."""

    command: Sequence[str] | None
    options: Mapping[str, object]
    started: datetime
    is_partial: bool
    strict: bool
    waivers: tuple[Waiver, ...] = ()


def result_of(
    book: Book, facts: Facts, planned: Sequence[Scenario], *, complete: bool, seconds: float, reason: Text | None
) -> Json:
    """result.json, with nothing private in it. `reason`: why nothing can be said, or why the run ended early."""
    cases = [book.results[scenario.id] for scenario in planned if scenario.id in book.results]
    partial = facts.is_partial or not complete
    found, causes = judged_clauses(book.contract, book.tally, cases, strict=facts.strict, partial=partial, sides=CALLER)
    clauses = [_clause(row, book, partial=partial) for row in found if _counts(row)]
    case_rows = [{**case.as_json(), **book.rows.get(case.id, {})} for case in cases]
    clean: list[Json] = [book.redact(row) for row in clauses]
    rows, waived = waivers.apply(clean, case_rows, facts.waivers, whole=not partial)
    stale = waivers.stale(waived)
    control = book.results.get(planned[0].id)
    code = exit_code(
        rows,
        planned=len(planned),
        executed=len(cases),
        sound_controls=int(control is not None and control.verdict is Verdict.PASS),
        troubled=any(case.verdict is Verdict.HARNESS for case in cases),
        stale=stale is not None,
    )
    told = reason or stale
    times = [
        1000 * (request.ended - request.at) for seen in book.starts.values() for request in seen.sent if request.ended
    ]
    result: Json = {
        "schema_version": "1.0",
        "kind": "drill",
        "verdict": verdict_word(code),
        "exit_code": code,
        "complete": complete,
        "scope": "partial" if facts.is_partial else "full",
        "planned": len(planned),
        "executed": len(cases),
        "requests": book.sent,
        "seconds": round(seconds, 3),
        "seed": None,
        "plan": None,
        "strict": facts.strict,
        "started": facts.started.isoformat(timespec="seconds"),
        "target": {"name": _name(facts.command), "url": "", "mock": False},
        "versions": versions(book.contract),
        "options": dict(facts.options),
        "reason": told.as_json() if told else None,
        "counts": counts_of(rows),
        "causes": [_cause(cause, book.texts) for cause in causes],
        "waivers": waived,
        "baseline": None,
        "latency_ms": percentiles(times),
        "notes": [],
        "clauses": rows,
        "cases": case_rows,
    }
    return book.redact(result)


def _name(command: Sequence[str] | None) -> str:
    return shlex.join(command) if command else "a client that runs already"


def _counts(row: Json) -> bool:
    """The clauses of clients, and of the others those that a request broke."""
    return bool(row["side"] == "client" or row["findings"])


def _observations(row: Json, book: Book) -> list[Json]:
    """What was seen of a clause. Where several drills are for it, each by the drill that it was seen in."""
    seen = book.notes.get(row["id"], [])
    if row["level"] != Level.OBSERVE or len({drill for drill, _ in seen}) < 2:
        return [text.as_json() for _, text in seen]
    return [Text(f"{drill}: {text.en}", f"{drill}：{text.zh}").as_json() for drill, text in seen]


def _clause(row: Json, book: Book, *, partial: bool) -> Json:
    """A row with its texts in both languages, and what no drill can show told as such."""
    notes = _observations(row, book)
    row = {**row, "findings": [_finding(finding, book.texts) for finding in row["findings"]], "observations": notes}
    if row["level"] == Level.OBSERVE and not notes:
        return {**row, "verdict": str(Verdict.NOT_RUN), "reason": LEFT_OUT.as_json()}
    if row["findings"] or row["verdict"] not in (Verdict.UNTESTABLE, Verdict.NOT_RUN):
        return row
    why = beside(book.starts).get(row["id"])
    if why:
        is_new = row["id"] in _NAMES and are_new(book.starts, _NAMES[row["id"]])
        if row["id"] == "CLIENT-BIZ-NO" and is_new:
            return {**row, "verdict": str(Verdict.PASS), "reason": None}
        return {**row, "verdict": str(Verdict.NOT_APPLICABLE), "reason": why.as_json()}
    has_case = any(case.clause == row["id"] for case in book.results.values())
    never = _NEVER_SEEN if not partial else LEFT_OUT
    is_borrowed = not has_case or row["reason"] == NEVER_SEEN.as_json()
    return {**row, "reason": never.as_json()} if is_borrowed else row


def _finding(finding: Json, texts: Mapping[str, Text]) -> Json:
    told = {key: _both(finding[key], texts) for key in ("expected", "received", "difference")}
    return {**finding, **told}


def _both(text: str, texts: Mapping[str, Text]) -> object:
    known = texts.get(text)
    return known.as_json() if known else text


def _cause(cause: Json, texts: Mapping[str, Text]) -> Json:
    known = texts.get(cause["received"])
    return {**cause, "zh": cause["zh"].replace(cause["received"], known.zh)} if known else cause


def directory_of(path: str | Path | None) -> str | None:
    """A path as records have it."""
    return str(path) if path is not None else None
