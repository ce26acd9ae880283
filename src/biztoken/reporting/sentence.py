"""The verdict of a run in one sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from biztoken.model import Json
from biztoken.reporting.limit_view import limit_sentence
from biztoken.reporting.load_sentence import load_sentence
from biztoken.reporting.prove_sentence import proof_sentence
from biztoken.reporting.result import LIMIT, LOAD, PROVE, kind_of
from biztoken.reporting.texts import LANGUAGES, listed, say

_NAMED = 5
_MISSING = ("WAIVED", "HARNESS", "NOT_RUN", "UNTESTABLE")


def verdict_sentence(result: Mapping[str, Any], lang: str) -> str:
    """One sentence without a full stop: the verdict, on how many clauses it stands, and what was left out."""
    own = _KINDS.get(kind_of(result))
    if own:
        return own(result, lang)
    return _SENTENCES[result["verdict"]](result, lang) + _scope(result, lang)


def verdict_sentences(result: Mapping[str, Any]) -> dict[str, str]:
    """The verdict sentence in every language: {en, zh}."""
    return {lang: verdict_sentence(result, lang) for lang in LANGUAGES}


def is_judged(result: Mapping[str, Any], clause: Mapping[str, Any]) -> bool:
    """Whether the clause counts: not excluded, applicable, and one that this kind of run can see."""
    sees_clients = result["kind"] in {"lint", "drill"}
    is_other_side = clause.get("side") == "client" and not sees_clients
    return not clause.get("excluded") and clause["verdict"] != "NOT_APPLICABLE" and not is_other_side


def is_broken(result: Mapping[str, Any], clause: Mapping[str, Any]) -> bool:
    """Whether the clause fails the run: FAIL, or a warning where the run is strict."""
    return clause["verdict"] == "FAIL" or (clause["verdict"] == "WARN" and bool(result.get("strict")))


def _musts(result: Mapping[str, Any]) -> list[Json]:
    return [row for row in result.get("clauses", ()) if row["level"] == "MUST" and is_judged(result, row)]


def _conformant(result: Mapping[str, Any], lang: str) -> str:
    musts = _musts(result)
    if not musts:
        return say("sentence.conformant", lang)
    kept = sum(clause["verdict"] == "PASS" for clause in musts)
    if kept == len(musts):
        sentence = say("sentence.conformant_all", lang, n=kept)
    else:
        sentence = say("sentence.conformant_in", lang, n=len(musts), kept=kept) + _missing(musts, lang)
    warnings = sum(clause["verdict"] == "WARN" for clause in result["clauses"])
    return sentence + (say("sentence.warned", lang, n=warnings) if warnings else "")


def _missing(musts: Sequence[Json], lang: str) -> str:
    numbers = {verdict: sum(clause["verdict"] == verdict for clause in musts) for verdict in _MISSING}
    return "".join(say(f"sentence.of.{verdict}", lang, n=n) for verdict, n in numbers.items() if n)


def _not_conformant(result: Mapping[str, Any], lang: str) -> str:
    told, stale = _broken(result, lang), _stale(result, lang)
    if told:
        sentence = say(
            "sentence.not_conformant", lang, what=say("sentence.and", lang).join(filter(None, (told, stale)))
        )
    else:
        sentence = say("sentence.only_stale", lang, what=stale) if stale else say("sentence.not_conformant_bare", lang)
    return sentence if result["complete"] else sentence + say("sentence.and_stopped", lang, **_extent(result))


def _broken(result: Mapping[str, Any], lang: str) -> str:
    broken = [clause for clause in result.get("clauses", ()) if is_broken(result, clause)]
    musts = [clause["id"] for clause in broken if clause["level"] == "MUST"]
    others = [clause["id"] for clause in broken if clause["level"] != "MUST"]
    parts = []
    if musts:
        parts.append(say("sentence.broken", lang, n=len(musts), ids=listed(musts, lang, _NAMED)))
    if others:
        parts.append(say("sentence.broken_should", lang, n=len(others), ids=listed(others, lang, _NAMED)))
    return say("sentence.and", lang).join(parts)


def _stale(result: Mapping[str, Any], lang: str) -> str:
    """Waivers that turn the run red, since they fit nothing any more."""
    ids = [row["clause"] or row["case"] for row in result.get("waivers") or () if row["state"] == "stale"]
    return say("sentence.stale", lang, n=len(ids), ids=listed(ids, lang, _NAMED)) if ids else ""


def _no_verdict(result: Mapping[str, Any], lang: str) -> str:
    reason = result.get("reason")
    return say("sentence.no_verdict", lang, why=_clause_of(reason, lang) if reason else say("reason.unknown", lang))


def _incomplete(result: Mapping[str, Any], lang: str) -> str:
    told = _broken(result, lang)
    parts = [say("sentence.incomplete", lang, **_extent(result))]
    if result.get("reason"):
        parts.append(_clause_of(result["reason"], lang))
    if told:
        parts.append(say("sentence.so_far", lang, what=told))
    return say("list.clauses", lang).join(parts)


def _extent(result: Mapping[str, Any]) -> dict[str, int]:
    return {"n": result.get("planned", 0), "executed": result.get("executed", 0)}


def _clause_of(text: Mapping[str, str], lang: str) -> str:
    return text[lang].strip().rstrip(".。")


def _scope(result: Mapping[str, Any], lang: str) -> str:
    if result.get("scope") != "partial":
        return ""
    options = result.get("options") or {}
    parts = []
    if result.get("plan") == "quick":
        parts.append(say("scope.plan", lang, plan=result["plan"]))
    if options.get("select"):
        parts.append(say("scope.select", lang, select=options["select"]))
    if not parts:
        return say("scope.partial_bare", lang)
    return say("scope.partial", lang, what=say("list.separator", lang).join(parts))


_SENTENCES: Mapping[str, Callable[[Mapping[str, Any], str], str]] = {
    "conformant": _conformant,
    "not-conformant": _not_conformant,
    "no-verdict": _no_verdict,
    "incomplete": _incomplete,
}
_KINDS: Mapping[str, Callable[[Mapping[str, Any], str], str]] = {
    PROVE: proof_sentence,
    LOAD: load_sentence,
    LIMIT: limit_sentence,
}
