"""The verdict of a proof in one sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from biztoken.reporting.prove_view import Record, breaks, ids
from biztoken.reporting.texts import listed, say

_NAMED = 4


def proof_sentence(record: Record, lang: str) -> str:
    """One sentence without a full stop: the verdict, the numbers it stands on or what speaks against it."""
    return _SENTENCES[record["verdict"]](record, lang) + _scope(record, lang)


def _proven(record: Record, lang: str) -> str:
    counts = record["counts"]
    variations = counts["variations"]["planned"] + counts["combinations"]["planned"]
    equivalent = counts["faults"]["equivalent"]
    parts = [say("prove.sentence.proven", lang, n=counts["faults"]["killed"])]
    parts += [say("prove.sentence.clean", lang, n=variations)] if variations else []
    parts += [say("prove.sentence.equivalent", lang, n=equivalent)] if equivalent else []
    return "".join(parts)


def _not_proven(record: Record, lang: str) -> str:
    told = _against(record, lang)
    return say("prove.sentence.not_proven", lang, what=told) if told else say("prove.sentence.not_proven_bare", lang)


def _against(record: Record, lang: str) -> str:
    """What speaks against a proof; the rules themselves only where no fault or variation says it better."""
    rows = [*record["faults"], *record["variations"]]
    parts = []
    for outcome, key in (("survived", "survived"), ("false_alarm", "alarmed"), ("failed", "failed")):
        names = [row["id"] for row in rows if row["outcome"] == outcome]
        if names:
            parts.append(say(f"prove.sentence.{key}", lang, n=len(names), ids=listed(names, lang, _NAMED)))
    broken = ids(breaks(record))
    if broken and not parts:
        parts.append(say("prove.sentence.gate", lang, n=len(broken), ids=listed(broken, lang, _NAMED)))
    return say("sentence.and", lang).join(parts)


def _no_verdict(record: Record, lang: str) -> str:
    return say("sentence.no_verdict", lang, why=_reason(record, lang) or say("reason.unknown", lang))


def _incomplete(record: Record, lang: str) -> str:
    parts = [say("prove.sentence.incomplete", lang, n=record["planned"], executed=record["executed"])]
    told = _against(record, lang) if record["executed"] else ""
    parts += [_reason(record, lang)] if record["reason"] else []
    parts += [say("prove.sentence.so_far", lang, what=told)] if told else []
    return say("list.clauses", lang).join(parts)


def _reason(record: Record, lang: str) -> str:
    return str((record["reason"] or {}).get(lang, "")).strip().rstrip(".。")


def _scope(record: Record, lang: str) -> str:
    if record["scope"] != "partial":
        return ""
    if not record["only"]:
        return say("prove.sentence.partial_bare", lang)
    return say("prove.sentence.partial", lang, only=record["only"])


_SENTENCES: Mapping[str, Callable[[Record, str], str]] = {
    "proven": _proven,
    "not-proven": _not_proven,
    "no-verdict": _no_verdict,
    "incomplete": _incomplete,
}
