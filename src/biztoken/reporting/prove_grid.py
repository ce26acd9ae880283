"""The kill matrix as a picture: where its bands, columns and cells lie. Pure geometry, in pixels of a wide screen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from biztoken.model import Json
from biztoken.reporting.prove_view import Record, Row, subjects

_PAGE = 1070  # width of the page's text
_MARGIN = 170  # for the names of subjects
_SMALLEST, _LARGEST = 2.0, 14.0  # pixels of a cell
_LETTERS = 9.5  # height of a name


@dataclass(frozen=True, slots=True)
class Band:
    """The rows of one subject; its name is shown where the one above leaves it room."""

    name: str
    y: float
    height: float
    is_named: bool


@dataclass(frozen=True, slots=True)
class Cell:
    """One fault on one clause. `kind` is other off the diagonal; on it own, missed, open or quiet."""

    x: float
    y: float
    kind: str
    clause: str
    fault: str


@dataclass(frozen=True, slots=True)
class Grid:
    """The picture: its sizes, the bands from top to bottom, and the cells, those on the diagonal last."""

    width: float
    height: float
    left: float
    cell: float
    bands: tuple[Band, ...]
    cells: tuple[Cell, ...]


def grid(record: Record) -> Grid | None:
    """Clauses that anything breaks as rows, faults as columns, both in order of the contract; None without faults."""
    shown = _shown(record)
    faults = [fault for _, group in shown for row in group for fault in row.faults]
    if not faults:
        return None
    cell = round(min(_LARGEST, max(_SMALLEST, (_PAGE - _MARGIN) / len(faults))), 2)
    names = [row.clause["id"] for _, group in shown for row in group]
    lines = {name: round(number * cell, 2) for number, name in enumerate(names)}
    cells = sorted(_cells(faults, lines, cell), key=lambda one: one.kind != "other")
    width, height = round(_MARGIN + cell * len(faults), 2), round(cell * len(names), 2)
    return Grid(width, height, _MARGIN, cell, tuple(_bands(shown, cell)), tuple(cells))


def _shown(record: Record) -> list[tuple[str, list[Row]]]:
    """The subjects without clauses that nothing breaks, which would be empty lines; the list below names them."""
    hit = {entry["clause"] for fault in record["faults"] for entry in fault["broken"]}
    groups = (
        (name, [row for row in group if row.faults or row.clause["id"] in hit]) for name, group in subjects(record)
    )
    return [(name, group) for name, group in groups if group]


def _bands(shown: Sequence[tuple[str, list[Row]]], cell: float) -> Iterator[Band]:
    above, last = 0.0, -_LETTERS
    for name, group in shown:
        height = round(cell * len(group), 2)
        middle = above + height / 2
        has_room = middle - last >= _LETTERS
        yield Band(name, round(above, 2), height, has_room)
        above, last = above + height, middle if has_room else last


def _cells(faults: Sequence[Json], lines: Mapping[str, float], cell: float) -> Iterator[Cell]:
    for column, fault in enumerate(faults):
        x, own = round(_MARGIN + column * cell, 2), fault["clause"]
        yield Cell(x, lines[own], _kind(fault), own, fault["id"])
        for entry in fault["broken"]:
            if entry["clause"] != own and entry["clause"] in lines:
                yield Cell(x, lines[entry["clause"]], "other", entry["clause"], fault["id"])


def _kind(fault: Json) -> str:
    if fault["outcome"] == "killed":
        return "own" if fault["own"] else "missed"
    return "open" if fault["outcome"] in {"survived", "failed"} else "quiet"
