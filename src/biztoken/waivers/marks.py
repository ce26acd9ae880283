"""What waivers do to the rows of a result, and which of them are stale. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from biztoken.model import Json, Verdict
from biztoken.reporting.texts import LANGUAGES, in_language
from biztoken.verdicts import Text
from biztoken.waivers.file import Waiver

_BROKEN = (Verdict.FAIL, Verdict.WARN)
_JUDGED = (*_BROKEN, Verdict.PASS, Verdict.OBSERVED)
_NAMED = 5  # stale waivers that the reason names


def apply(
    clauses: Sequence[Json], cases: Sequence[Json], waivers: Sequence[Waiver], *, whole: bool
) -> tuple[list[Json], list[Json]]:
    """The rows `clauses` of result.json with what is waived marked, and the rows `waivers`.

    `cases`: the rows of that name. `whole`: whether all cases that can break a clause were executed; otherwise
    a waiver of a clause may have missed its finding, and is not called stale.
    """
    marked = [_marked(row, waivers) for row in clauses]
    verdicts = {row["id"]: row["verdict"] for row in (*clauses, *cases)}
    return marked, [_row(waiver, marked, verdicts, whole=whole) for waiver in waivers]


def stale(rows: Sequence[Json]) -> Text | None:
    """Why waivers turn the run red, None where none does."""
    ids = [row["id"] for row in rows if row["state"] == "stale"]
    if not ids:
        return None
    named, more = ids[:_NAMED], " …" if len(ids) > _NAMED else ""
    return Text(
        f"These waivers fit no finding any more, remove them: {', '.join(named)}{more}.",
        f"以下豁免已没有对应的问题，请删除：{'、'.join(named)}{more}。",
    )


def _marked(row: Json, waivers: Sequence[Waiver]) -> Json:
    """A row of a clause; only what is broken can be waived."""
    if row["verdict"] not in _BROKEN or not row["findings"]:
        return row
    findings = [_of_waiver(row["id"], finding, waivers) for finding in row["findings"]]
    is_waived = all(finding.get("waived") for finding in findings)
    return {**row, "findings": findings, "verdict": str(Verdict.WAIVED) if is_waived else row["verdict"]}


def _of_waiver(clause: str, finding: Json, waivers: Sequence[Waiver]) -> Json:
    fitting = [waiver for waiver in waivers if _fits(waiver, clause, finding)]
    of_clause = [waiver for waiver in fitting if waiver.clause]
    # The same finding of several cases is recorded once: waiving one case must not hide the others.
    if not of_clause and {waiver.case for waiver in fitting} != _cases_of(finding):
        return finding
    return {**finding, "waived": (of_clause or fitting)[0].id}


def _fits(waiver: Waiver, clause: str, finding: Json) -> bool:
    is_of_it = waiver.clause == clause if waiver.clause else waiver.case in _cases_of(finding)
    # The page shows a finding in either language, and whoever copies it from there means the same.
    return is_of_it and any(waiver.finding in in_language(finding["received"], lang) for lang in LANGUAGES)


def _cases_of(finding: Json) -> set[str | None]:
    """Every case that showed a finding; None stands for those that the record does not name."""
    known = {finding["case"], *finding.get("cases", ())}
    return known if finding.get("cases") or finding.get("count", 1) == 1 else {*known, None}


def _row(waiver: Waiver, clauses: Sequence[Json], verdicts: Mapping[str, str], *, whole: bool) -> Json:
    broken = [row for row in clauses if row["verdict"] in (*_BROKEN, Verdict.WAIVED)]
    fitting = [finding for row in broken for finding in row["findings"] if _fits(waiver, row["id"], finding)]
    is_judged = verdicts.get(waiver.name) in _JUDGED and (whole or waiver.case is not None)
    return {
        "id": waiver.id,
        "clause": waiver.clause,
        "case": waiver.case,
        "finding": waiver.finding,
        "reason": waiver.reason,
        "owner": waiver.owner,
        "expires": waiver.expires.isoformat(),
        "state": "applied" if fitting else "stale" if is_judged else "not-met",
        "findings": sum(bool(finding.get("waived")) for finding in fitting),
    }
