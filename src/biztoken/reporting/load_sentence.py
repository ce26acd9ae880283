"""The verdict of a load in one sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from biztoken.reporting.figures import duration
from biztoken.reporting.load_doubts import doubted
from biztoken.reporting.load_view import Record, broken, count_of, kept, milliseconds
from biztoken.reporting.texts import listed, say

_NAMED = 4


def load_sentence(record: Record, lang: str) -> str:
    """One sentence without a full stop: the verdict, what it stands on or what speaks against it."""
    return _SENTENCES[record["verdict"]](record, lang)


def _passed(record: Record, lang: str) -> str:
    told, count = doubted(record, lang), len(kept(record))
    if told:
        return say("load.sentence.doubted", lang, n=count, doubts=told) + _numbers(record, lang)
    return say("load.sentence.passed", lang, n=count) + _numbers(record, lang)


def _not_passed(record: Record, lang: str) -> str:
    told = [_clauses(record, lang), _conditions(record, lang)]
    what = say("sentence.and", lang).join(filter(None, told)) or _reason(record, lang)
    whole = say("load.sentence.not_passed", lang, what=what) + _numbers(record, lang)
    return say("list.clauses", lang).join(filter(None, [whole, doubted(record, lang)]))


def _no_verdict(record: Record, lang: str) -> str:
    return say("sentence.no_verdict", lang, why=_reason(record, lang) or say("reason.unknown", lang))


def _incomplete(record: Record, lang: str) -> str:
    took, sent = duration(record["seconds"]), record["load"]["sent"]
    told = [say("load.sentence.incomplete", lang, took=took, n=sent), _reason(record, lang)]
    against = _clauses(record, lang)
    told += [say("sentence.so_far", lang, what=against)] if against else []
    return say("list.clauses", lang).join(filter(None, told))


def _clauses(record: Record, lang: str) -> str:
    names = [clause["id"] for clause in record["clauses"] if clause["verdict"] == "FAIL"]
    return say("sentence.broken", lang, n=len(names), ids=listed(names, lang, _NAMED)) if names else ""


def _conditions(record: Record, lang: str) -> str:
    names = [row["id"] for row in broken(record)]
    return say("load.sentence.broken", lang, n=len(names), ids=listed(names, lang, _NAMED)) if names else ""


def _numbers(record: Record, lang: str) -> str:
    load = record["load"]
    numbers = {"ok": count_of(record, "ok"), "n": load["sent"], "rate": milliseconds(load["rate_per_s"])}
    p95 = load["latency_ms"]["p95"]
    return say("load.sentence.told", lang, **numbers) + (
        say("load.sentence.p95", lang, p95=milliseconds(p95)) if p95 is not None else ""
    )


def _reason(record: Record, lang: str) -> str:
    text = str((record["reason"] or {}).get(lang, "")).strip().rstrip(".。")
    return text[:1].lower() + text[1:]


_SENTENCES: Mapping[str, Callable[[Record, str], str]] = {
    "passed": _passed,
    "not-passed": _not_passed,
    "no-verdict": _no_verdict,
    "incomplete": _incomplete,
}
