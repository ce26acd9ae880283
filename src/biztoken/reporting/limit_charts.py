"""The pictures of a search for the limit: every burst, and when the replies of some came. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from biztoken.model import Json
from biztoken.reporting.limit_view import others
from biztoken.reporting.load_charts import Figure
from biztoken.reporting.load_plot import Line, draw, linear, marked, stack
from biztoken.reporting.load_view import kind_of

_TIMED = ("over", "back-to-back", "confirm-L+1")
_SHOWN = 2  # bursts whose replies are shown one by one
_DOTS = 1200  # of one picture
_LABELLED = 24  # columns that have room for their numbers


def figures(record: Json) -> list[Figure]:
    """The pictures that this search has something for, in the order of a page."""
    return [*_bursts(record), *_replies(record["bursts"])]


def _bursts(record: Json) -> Iterator[Figure]:
    """Each burst as a column of what was admitted, refused and otherwise answered."""
    bursts = record["bursts"]
    if not bursts:
        return
    rows = [_pieces(burst) for burst in bursts]
    columns = {kind: [row.get(kind, 0) for row in rows] for kind in ("ok", "refused", "other", "failed", "not_counted")}
    pieces = {kind: values for kind, values in columns.items() if any(values)}
    every = 1 + (len(bursts) - 1) // _LABELLED
    names = [str(number) if (number - 1) % every == 0 else "" for number in range(1, len(bursts) + 1)]
    limit, y = record["limit"]["value"], linear(max(burst["n"] for burst in bursts))
    yield Figure("bursts", stack(names, pieces, y if limit is None else marked(y, limit)), tuple(pieces))


def _pieces(burst: Json) -> dict[str, int]:
    """What came of a burst, by kind. One that was not released together says nothing, and is not taken apart."""
    strange = others(burst)
    if not burst["valid"] and not strange:
        return {"not_counted": burst["n"]}
    failed = sum(count for name, count in burst["other"].items() if kind_of(name) == "failed")
    return {"ok": burst["ok"], "refused": burst["refused"], "other": strange - failed, "failed": failed}


def _replies(bursts: Sequence[Json]) -> Iterator[Figure]:
    """When each reply of a burst came, in the order in which they came."""
    timed = [
        (number, burst)
        for purpose in _TIMED
        for number, burst in enumerate(bursts, start=1)
        if burst["purpose"] == purpose and burst["valid"] and len(burst["ended_ms"]) > 1
    ]
    for number, burst in timed[:_SHOWN]:
        ended = sorted(burst["ended_ms"], key=lambda row: row[1])[:_DOTS]
        found: dict[str, list[tuple[float, float]]] = {}
        for place, (status, moment, *_) in enumerate(ended, start=1):
            found.setdefault(_kind(str(status)), []).append((moment, place))
        lines = [Line(kind, points, dots=True, joined=False) for kind, points in sorted(found.items())]
        drawing = draw(lines, linear(ended[-1][1], count=8), linear(len(ended), count=4), 190)
        yield Figure("replies", drawing, tuple(line.kind for line in lines), {"number": number, "n": burst["n"]})


def _kind(status: str) -> str:
    """What a reply of a burst was; there a bare 403 is the refusal that is looked for."""
    return "refused" if status == "403" else kind_of(status)
