"""The verdict as a badge: what shields.io reads at an endpoint, and a small drawing of our own. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from biztoken.reporting.load_doubts import doubts
from biztoken.reporting.sentence import is_judged
from biztoken.reporting.texts import say

LABEL = "get_biz_token"
_COLOURS = {"conformant": "green", "not-conformant": "red", "no-verdict": "lightgrey", "incomplete": "yellow"}
_CAPACITY = {"passed": "green", "not-passed": "red", "no-verdict": "lightgrey", "incomplete": "yellow"}
# Colour, by the name that shields.io gives it: ground and ink of our drawing, 4.5 to 1 or more apart.
_PAINT = {
    "green": ("#17663a", "#fff"),
    "red": ("#b42318", "#fff"),
    "lightgrey": ("#586273", "#fff"),
    "yellow": ("#f2c037", "#1b2230"),
}
_NARROW, _WIDE = frozenset("fijlrtI!.,:;|/()[]' "), frozenset("mwMW@%")
_PAD = 7  # pixels on each side of a text


def badge(result: Mapping[str, Any], lang: str) -> dict[str, Any]:
    """What badge.json says, by the schema of shields.io for endpoints.

    A conformant run tells how many MUST clauses were kept, of how many: one that left clauses out cannot look whole.
    """
    verdict = result["verdict"]
    message = say(f"compare.verdict.{verdict}", lang)
    if verdict == "conformant":
        message += _share(result)
    return {"schemaVersion": 1, "label": LABEL, "message": message, "color": _COLOURS[verdict]}


def badge_of_capacity(result: Mapping[str, Any], lang: str) -> dict[str, Any]:
    """The same of a load, with its profile, or of a limit, with its number; green only without a reservation."""
    verdict, kind = result["verdict"], result["kind"]
    message = say(f"badge.{verdict}", lang)
    if kind == "limit" and result["limit"]["value"] is not None:
        message = say("badge.limit", lang, n=result["limit"]["value"]) + ("" if verdict == "passed" else f" {message}")
    colour = "yellow" if verdict == "passed" and doubts(result) else _CAPACITY[verdict]
    name = result["profile"]["name"] if kind == "load" else kind
    return {"schemaVersion": 1, "label": f"{LABEL} {name}"[:60], "message": message, "color": colour}


def svg(told: Mapping[str, Any]) -> str:
    """What `badge` made, drawn: one line of SVG that needs no font, file or style beside it."""
    label, message = escape(told["label"]), escape(told["message"])
    ground, ink = _PAINT[told["color"]]
    left, right = _width(told["label"]), _width(told["message"])
    whole, name = left + right, f"{label}: {message}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="20" role="img" aria-label="{name}">'
        f"<title>{name}</title>"
        f'<clipPath id="r"><rect width="{whole}" height="20" rx="3"/></clipPath>'
        f'<g clip-path="url(#r)"><rect width="{left}" height="20" fill="#3b4350"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{ground}"/></g>'
        '<g font-family="Verdana,DejaVu Sans,PingFang SC,Microsoft YaHei,Noto Sans CJK SC,sans-serif" font-size="11">'
        f"{_text(label, _PAD, left, '#fff')}{_text(message, left + _PAD, right, ink)}</g></svg>\n"
    )


def _share(result: Mapping[str, Any]) -> str:
    """Kept of judged MUST clauses; empty for the record of a version that kept no clauses."""
    musts = [row for row in result.get("clauses", ()) if row["level"] == "MUST" and is_judged(result, row)]
    kept = sum(row["verdict"] == "PASS" for row in musts)
    return f" {kept}/{len(musts)}" if musts else ""


def _text(escaped: str, x: int, width: int, ink: str) -> str:
    # Whichever font the reader has, the text takes the room that was measured for it.
    room = f'textLength="{width - 2 * _PAD}" lengthAdjust="spacingAndGlyphs"'
    return f'<text x="{x}" y="14" fill="{ink}" {room}>{escaped}</text>'


def _width(text: str) -> int:
    """Pixels that a text and the room beside it take, by the widths of Verdana at 11 pixels."""
    return round(sum(map(_advance, text))) + 2 * _PAD


def _advance(letter: str) -> float:
    if letter >= "\u2e80":  # ideographs and what stands between them are square
        return 11.0
    if letter in _NARROW:
        return 4.2
    return 10.0 if letter in _WIDE else 7.0
