"""Which of two defects an endpoint told, for a reader: the order, and the pairs that it does not explain. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from biztoken.model import Json
from biztoken.reporting.markdown import text
from biztoken.reporting.printable import printable
from biztoken.reporting.texts import LANGUAGES, kind_of_defect, say

Told = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Order:
    """Each in both languages. `layers`: what is told before all of the next; empty where the pairs contradict.

    `contradicting`: each pair in that case. `unsteady`: pairs not told the same each time; `others`: pairs of which
    neither was told.
    """

    layers: tuple[Told, ...]
    contradicting: tuple[Told, ...]
    unsteady: tuple[Told, ...]
    others: tuple[Told, ...]


def order(result: Json) -> Order | None:
    """What the record says of it; None for a run that sent no pairs."""
    told = result.get("precedence")
    if not told:
        return None
    pairs = told["pairs"]
    won = [pair for pair in pairs if pair["winner"] in (pair["first"], pair["second"])]
    return Order(
        layers=tuple(_each(layer) for layer in told["layers"] or ()),
        contradicting=tuple(_before(pair) for pair in won) if not told["layers"] else (),
        unsteady=tuple(_seen(pair) for pair in pairs if pair["winner"] is None),
        others=tuple(_seen(pair) for pair in pairs if pair["winner"] is not None and pair not in won),
    )


def order_md(result: Json, lang: str) -> list[str]:
    """The same as paragraphs of a `summary.md`, none where there are no pairs."""
    told = order(result)
    if told is None:
        return []
    chain = say("precedence.then", lang).join(text(layer[lang]) for layer in told.layers)
    parts = [chain or say("precedence.none", lang)]
    for name, rows in (("contradicting", told.contradicting), ("unsteady", told.unsteady), ("others", told.others)):
        if rows:
            lines = [f"- {text(row[lang])}" for row in rows]
            parts += [say(f"precedence.{name}", lang), "\n".join(lines)]
    return [f"### {say('precedence.title', lang)}", *parts]


def _each(kinds: Sequence[str]) -> Told:
    return {lang: say("list.separator", lang).join(_kind(kind, lang) for kind in kinds) for lang in LANGUAGES}


def _before(pair: Json) -> Told:
    later = pair["second"] if pair["winner"] == pair["first"] else pair["first"]
    return {
        lang: say("precedence.before", lang, first=_kind(pair["winner"], lang), second=_kind(later, lang))
        for lang in LANGUAGES
    }


def _seen(pair: Json) -> Told:
    return {
        lang: say(
            "precedence.pair",
            lang,
            first=_kind(pair["first"], lang),
            second=_kind(pair["second"], lang),
            seen=say("list.separator", lang).join(_kind(kind, lang) for kind in dict.fromkeys(pair["seen"])),
        )
        for lang in LANGUAGES
    }


def _kind(kind: str, lang: str) -> str:
    return printable(kind_of_defect(kind, lang))
