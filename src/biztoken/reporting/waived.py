"""What the reports say of waivers: which were applied, which are stale, which end soon. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from biztoken.model import Json
from biztoken.reporting.markdown import cell, prose, table, text
from biztoken.reporting.texts import both, say

NEAR = 14  # days before its end from which a waiver is pointed out
_STATES = ("stale", "applied", "not-met")


@dataclass(frozen=True, slots=True)
class Waived:
    """A waiver of a run. `left`: days from the run to its last day, None where the run has no date."""

    row: Json
    left: int | None

    @property
    def is_near(self) -> bool:
        """Whether it ends soon."""
        return self.left is not None and self.left <= NEAR

    @property
    def is_stale(self) -> bool:
        """Whether it fits nothing any more."""
        return bool(self.row["state"] == "stale")

    @property
    def name(self) -> str:
        """The clause or case that it names."""
        return str(self.row.get("clause") or self.row.get("case") or "")

    @property
    def ends(self) -> dict[str, str]:
        """Its last day, and how near that is where it is near."""
        day = str(self.row["expires"])
        if self.left is None or not self.is_near:
            return dict.fromkeys(("en", "zh"), day)
        near = both("waivers.left", n=self.left) if self.left else both("waivers.today")
        return {lang: say("list.of", lang, text=day, ids=told) for lang, told in near.items()}


def waivers(result: Json) -> list[Waived]:
    """The waivers of a run: the stale ones first, then by the day on which they end."""
    began = _day(str(result["started"] or ""))
    rows = [Waived(row, _left(row, began)) for row in result["waivers"]]
    return sorted(rows, key=lambda waiver: (_STATES.index(waiver.row["state"]), waiver.row["expires"]))


def alerts(result: Json) -> list[dict[str, str]]:
    """What must be done about waivers: the stale ones removed, those that excuse nothing widened, those near an end."""
    rows = waivers(result)
    stale = sum(row.is_stale for row in rows)
    near = sum(row.is_near and not row.is_stale for row in rows)
    shared = sum(row.row["state"] == "applied" and not row.row["findings"] for row in rows)
    told = [both("waivers.stale", n=stale)] if stale else []
    told += [both("waivers.shared", n=shared)] if shared else []
    return told + ([both("waivers.near", n=near, days=NEAR)] if near else [])


def waivers_md(result: Json, lang: str) -> list[str]:
    """The waivers as paragraphs of a `summary.md`, none where there is none."""
    rows = waivers(result)
    if not rows:
        return []
    heads = [say(f"waivers.{key}", lang) for key in ("state", "what", "reason", "owner", "expires")]
    cells = [
        [
            f"**{say('waivers.state.' + waiver.row['state'], lang)}**",
            f"{text(waiver.name)}<br>{cell(waiver.row['finding'])}",
            text(waiver.row["reason"]),
            text(waiver.row["owner"]),
            text(waiver.ends[lang]),
        ]
        for waiver in rows
    ]
    told = "\n".join(f"- {prose(alert[lang])}" for alert in alerts(result))
    return [f"### {say('waivers.title', lang)}", told, table(heads, cells)]


def waived_cases(result: Json) -> dict[str, str]:
    """Cases whose every finding is waived, each with the id of the waiver."""
    clauses = {clause["id"]: clause for clause in result["clauses"]}
    findings: dict[str, list[Json]] = {}
    for clause in result["clauses"]:
        for finding in clause["findings"]:
            for case in {finding["case"], *(finding.get("cases") or ())}:
                findings.setdefault(case, []).append(finding)
    found: dict[str, str] = {}
    for case in result["cases"]:
        own = clauses.get(case["clause"], {"verdict": "", "findings": []})
        told = own["findings"] if own["verdict"] == "WAIVED" else findings.get(case["id"], [])
        if case["verdict"] in {"FAIL", "WARN"} and told and all(finding.get("waived") for finding in told):
            found[case["id"]] = str((findings.get(case["id"]) or told)[0]["waived"])
    return found


def _left(row: Json, began: date | None) -> int | None:
    ends = _day(row["expires"])
    return (ends - began).days if ends and began else None


def _day(told: str) -> date | None:
    try:
        return date.fromisoformat(told[:10])
    except ValueError:
        return None
