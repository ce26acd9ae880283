"""Plots as SVG that a page can hold: drawn by pygal, coloured by the style of the page, without a script. Pure."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from xml.etree.ElementTree import Element

import pygal
from markupsafe import Markup
from pygal.style import Style

# pygal hooks into every later import of the process, for maps that nobody draws here, in a way Python warns of.
sys.meta_path[:] = [finder for finder in sys.meta_path if finder.__class__.__module__ != "pygal"]

_WIDTH = 1000  # of the drawing; the page scales it
_LETTERS = 13
_STEPS = (1, 2, 5, 10)
_SERIES = re.compile(r"\bserie-(\d+)\b")
_NUMBER = re.compile(r"-?\d+\.\d{2,}")

Point = tuple[float, float | None]


@dataclass(frozen=True, slots=True)
class Line:
    """Points joined by a line, or dots; None for y breaks it. `kind` is its class in the page's style."""

    kind: str
    points: Sequence[Point]
    dots: bool = False
    joined: bool = True


@dataclass(frozen=True, slots=True)
class Axis:
    """From `least` to `most`, with labels at `ticks`; a logarithmic one begins above 0."""

    least: float
    most: float
    ticks: Sequence[float]
    told: Callable[[float], str]
    log: bool = False
    marked: float | None = None  # a tick that stands out

    def at(self, value: float) -> float:
        """Where a value lies, in the units that are drawn."""
        return math.log10(max(value, self.least)) if self.log else value

    def value(self, place: float) -> float:
        """The value at a place."""
        return 10**place if self.log else place


def number(value: float) -> str:
    """A number at an axis: 0.5, 20, 1,500."""
    return f"{value:,.0f}" if value >= 100 else f"{value:g}"


def clock(value: float) -> str:
    """Seconds at an axis: 20 s, 5 min, 1:30 h."""
    if value >= 3600:
        return f"{int(value // 3600)}:{int(value % 3600 // 60):02} h"
    return f"{value / 60:g} min" if value >= 60 else f"{value:g} s"


def linear(most: float, told: Callable[[float], str] = number, count: int = 5, *, least: float = 0) -> Axis:
    """From `least` to just above `most`, with some `count` round labels."""
    span = (most - least) or 1.0
    rough = span / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(one * power for one in _STEPS if one * power >= rough * (1 - 1e-9))
    ends = max(1, math.ceil((most - least) / step - 1e-9))
    return Axis(least, least + ends * step, [round(least + step * index, 9) for index in range(ends + 1)], told)


def marked(axis: Axis, value: float) -> Axis:
    """The axis with one more label, which stands out; those that would touch it are left out."""
    room = (axis.most - axis.least) / 20
    ticks = [tick for tick in axis.ticks if abs(tick - value) > room]
    return replace(axis, ticks=sorted([*ticks, value]), marked=value)


def logarithmic(values: Sequence[float], told: Callable[[float], str] = number) -> Axis:
    """Around all that is above 0, with labels at 1, 2 and 5 of each decade, or at the decades where those are many."""
    real = [value for value in values if value > 0] or [1.0]
    low, high = math.floor(math.log10(min(real))), math.ceil(math.log10(max(real)) + 1e-9)
    marks = (1, 2, 5) if high - low <= 3 else (1,)
    ticks = [round(mark * 10.0**power, 9) for power in range(low, high + 1) for mark in marks]
    least = max((tick for tick in ticks if tick <= min(real)), default=ticks[0])
    most = min((tick for tick in ticks if tick >= max(real)), default=ticks[-1])
    most = most if most > least else least * 10
    return Axis(least, most, [tick for tick in ticks if least <= tick <= most], told, log=True)


def fitting(values: Sequence[float], told: Callable[[float], str] = number) -> Axis:
    """Logarithmic where the values are far apart, so that small ones can be seen, else linear from 0."""
    real = [value for value in values if value > 0]
    is_wide = bool(real) and max(real) > 20 * sorted(real)[len(real) // 20]
    return logarithmic(values, told) if is_wide else linear(max(real, default=1.0), told)


def times(seconds: float) -> Axis:
    """Seconds of a run, labelled every round time."""
    steps = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400)
    step = next((one for one in steps if seconds / one <= 10), 28800)
    count = int(seconds // step)
    return Axis(0, max(seconds, 1), [step * index for index in range(count + 1)], clock)


def draw(lines: Sequence[Line], x: Axis, y: Axis, height: int = 260) -> Markup:
    """The lines between two axes. Each is a group of class `series` and its kind; numbers at the axes are all text."""
    chart = pygal.XY(
        **_frame(y, height),
        allow_interruptions=True,
        show_x_guides=False,
        xrange=(x.at(x.least), x.at(x.most)),
        x_labels=[x.at(tick) for tick in x.ticks],
        x_value_formatter=lambda place: x.told(_rounded(x.value(place))),
    )
    drawn = [part for line in lines for part in (line, *_alone(line))]
    for line in drawn:
        points = [(x.at(at), None if value is None else y.at(value)) for at, value in line.points]
        chart.add(line.kind, points, show_dots=line.dots, stroke=line.joined)
    return _rendered(chart, [line.kind for line in drawn], y.marked is not None)


def _alone(line: Line) -> list[Line]:
    """The points of a line that have no neighbour to be joined to, as dots: else nobody would see them."""
    if line.dots:
        return []
    around = [None, *(value for _, value in line.points), None]
    points = [
        point
        for point, before, after in zip(line.points, around, around[2:], strict=False)
        if point[1] is not None and before is None and after is None
    ]
    return [Line(line.kind, points, dots=True, joined=False)] if points else []


def stack(columns: Sequence[str], pieces: Mapping[str, Sequence[float]], y: Axis, height: int = 260) -> Markup:
    """Columns of pieces upon each other, each kind of piece a group of class `series` and its kind."""
    chart = pygal.StackedBar(**_frame(y, height), x_labels=list(columns), spacing=6)
    for kind, values in pieces.items():
        chart.add(kind, list(values))
    return _rendered(chart, list(pieces), y.marked is not None)


def _frame(y: Axis, height: int) -> dict[str, Any]:
    return {
        "width": _WIDTH,
        "height": height,
        "style": Style(font_family="inherit", label_font_size=_LETTERS, major_label_font_size=_LETTERS),
        "js": [],
        "css": [],
        "show_legend": False,
        "dots_size": 3,
        "margin": 6,
        "margin_right": 26,
        "truncate_label": -1,
        "range": (y.at(y.least), y.at(y.most)),
        "y_labels": [y.at(tick) for tick in y.ticks],
        "y_labels_major": [] if y.marked is None else [y.at(y.marked)],
        "value_formatter": lambda place: y.told(_rounded(y.value(place))),
        "disable_xml_declaration": True,
        "no_data_text": "",
    }


def _rendered(chart: Any, kinds: Sequence[str], is_marked: bool) -> Markup:
    chart.add_xml_filter(lambda root: _cleaned(root, kinds, is_marked))
    text = _NUMBER.sub(lambda match: f"{float(match[0]):.1f}", chart.render(is_unicode=True))
    return Markup(text)  # noqa: S704 - numbers and names of our own


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")


def _cleaned(root: Element, kinds: Sequence[str], is_marked: bool) -> Element:
    """The drawing without script, style and what only a script would use; series named by what they show."""
    root.attrib.pop("id", None)
    root.set("class", "plot marked" if is_marked else "plot")
    root.set("aria-hidden", "true")
    for parent in list(root.iter()):
        for child in list(parent):
            if not _is_shown(child):
                parent.remove(child)
        parent.attrib.pop("style", None)
        if match := _SERIES.search(parent.get("class", "")):
            parent.set("class", f"series {kinds[int(match[1])]}")
    return root


def _is_shown(element: Element) -> bool:
    """Whether it is to be seen; pygal's comments, styles, scripts and what its tooltips are made of are not."""
    if not isinstance(element.tag, str) or element.tag in {"defs", "title"}:
        return False
    if element.tag == "desc":
        # Browsers show a title where the pointer rests, without a script.
        element.tag = "title"
        return element.get("class") == "value"
    classes = element.get("class", "")
    return not ("text-overlay" in classes or "tooltip-overlay" in classes or classes in {"titles", "background"})
