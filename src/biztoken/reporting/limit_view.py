"""A search for the limit arranged for a reader: the sentence, what is compared, the bursts. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from biztoken.model import Json
from biztoken.reporting.load_view import Record, milliseconds
from biztoken.reporting.texts import in_language, say

# Names of purposes and kinds that have a phrase; another is shown as it is.
PURPOSES = ("search", "over", "confirm-L", "confirm-L+1", "back-to-back")
KINDS = (
    *("in-flight", "late-release", "quota", "per-connection", "none-up-to"),
    *("generator-bound", "other-refusals", "unanswered", "unsteady", "ceiling", "untold"),
)


@dataclass(frozen=True, slots=True)
class Bar:
    """One of the quantities that are compared. `kind`: found, contracted or needed; `width`: of 1000."""

    kind: str
    value: str
    width: float


def limit_sentence(record: Record, lang: str) -> str:
    """One sentence without a full stop: the answer, and where it differs the contracted limit."""
    told = _clean(record["sentence"], lang) or _clean(record["reason"], lang) or say("reason.unknown", lang)
    contracted, missing = record["contracted"], _missing(record, lang)
    match record["verdict"]:
        case "no-verdict":
            return say("sentence.no_verdict", lang, why=_begun(told))
        case "incomplete":
            return say("limit.sentence.incomplete", lang, why=_begun(_clean(record["reason"], lang) or told))
        case "not-passed" if contracted and contracted["kept"] is False:
            return say("limit.sentence.not_kept", lang, told=_begun(told)) + missing
        case "not-passed":
            return say("load.sentence.not_passed", lang, what=_begun(told)) + missing
    return told + (say("limit.sentence.kept", lang, n=contracted["limit"]) if contracted else "") + missing


def is_enough(record: Record) -> bool | None:
    """Whether the limit is enough at the peak that was asked for; None where none was, or that cannot be told."""
    planner = record["planner"]
    if not planner or planner["margin"] is None:
        return None
    told = planner.get("enough")
    return planner["margin"] > 0 if told is None else bool(told)


def recovery(record: Record) -> str | None:
    """The recovery in milliseconds, as the sentence has it; None where there is none."""
    ms = record["limit"]["recovery_ms"]
    return None if ms is None else "<1" if ms < 1 else f"{ms:,.0f}"


def bars(record: Record) -> list[Bar]:
    """What was found, what is contracted and what a peak needs, as lengths; none where nothing was found."""
    rows: list[tuple[str, float]] = []
    if record["limit"]["value"] is not None:
        rows.append(("found", record["limit"]["value"]))
    if record["contracted"]:
        rows.append(("contracted", record["contracted"]["limit"]))
    if record["planner"] and record["planner"]["needed"] is not None:
        rows.append(("needed", record["planner"]["needed"]))
    longest = max((value for _, value in rows), default=0)
    return [Bar(kind, milliseconds(value), round(1000 * value / longest, 1)) for kind, value in rows if longest]


def reasons(record: Record, lang: str) -> list[str]:
    """Why each burst is not counted, the same reason one after the other told once; empty for one that is."""
    told: list[str] = []
    before = ""
    for burst in record["bursts"]:
        why = "" if burst["valid"] else in_language(burst["why"], lang) or say("limit.invalid", lang)
        told.append(say("limit.same", lang) if why and why == before else why)
        before = why
    return told


def others(burst: Record) -> int:
    """Requests of a burst that were neither admitted nor refused for concurrency."""
    return sum(int(count) for count in burst["other"].values())


def _missing(record: Record, lang: str) -> str:
    """The end of a sentence where the limit is not enough."""
    if is_enough(record) is not False:
        return ""
    planner = record["planner"]
    return say("limit.sentence.not_enough", lang, needed=milliseconds(planner["needed"]))


def _clean(text: Json | None, lang: str) -> str:
    return str((text or {}).get(lang, "")).strip().rstrip(".。")


def _begun(text: str) -> str:
    """The text within a sentence: a first word that is not a name begins small."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]
