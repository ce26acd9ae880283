"""The pictures of a load: what came of the requests over time, how fast, where more brings no more. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from operator import itemgetter

from markupsafe import Markup

from biztoken.model import Json
from biztoken.reporting.load_answers import knees
from biztoken.reporting.load_plot import Axis, Line, draw, fitting, linear, logarithmic, number, times
from biztoken.reporting.load_view import KINDS, boundaries, length, mean, most, per_second, percentile, shown, spans

_PERCENTILES = ("p99", "p95", "p50")
_VARYING = 1.5  # the busiest second against the quietest, from which on goodput against load tells something

_Seen = Callable[[Json], float | None]
_Joined = Callable[[Sequence[float | None]], float | None]


@dataclass(frozen=True, slots=True)
class Figure:
    """One picture: `id` is the key of its texts, `keys` are what its lines show, `values` what its texts say."""

    id: str
    drawing: Markup
    keys: tuple[str, ...]
    values: Mapping[str, object] = field(default_factory=dict)


def figures(record: Json) -> list[Figure]:
    """The pictures that this run has something for, in the order of a page."""
    record = {**record, "series": shown(record)}
    made = (_steps, _step_latency, _goodput, _traffic, _in_flight, _latency, _refused, _recovery, _health, _lag)
    return [figure for make in made for figure in make(record)] if record["series"] else []


# --- over time


def _traffic(record: Json) -> Iterator[Figure]:
    """What came of the requests, second by second."""
    width, groups = spans(record["series"])
    is_open = record["profile"]["model"] == "open"
    lines = [_over_time("offered", groups, lambda row: row["offered"])] if is_open else []
    kinds = [kind for kind in KINDS if any(per_second(row, kind) for row in record["series"])]
    lines += [_over_time(kind, groups, partial(per_second, kind=kind)) for kind in kinds]
    yield _timed(record, "traffic", lines, linear(_top(lines)), {"n": width})


def _in_flight(record: Json) -> Iterator[Figure]:
    lines = [_over_time("in_flight", spans(record["series"])[1], itemgetter("in_flight"))]
    if any(value for _, value in lines[0].points):
        yield _timed(record, "in_flight", lines, linear(_top(lines), count=3), height=170)


def _latency(record: Json) -> Iterator[Figure]:
    yield from _percentiles(record, "latency", "ok")


def _refused(record: Json) -> Iterator[Figure]:
    yield from _percentiles(record, "refusals", "refused", 190)


def _percentiles(record: Json, name: str, kind: str, height: int = 260) -> Iterator[Figure]:
    """p50, p95 and p99 over time; of a point that tells of several seconds the worst of them."""
    width, groups = spans(record["series"])
    lines = [_over_time(key, groups, partial(percentile, kind=kind, name=key), most) for key in _PERCENTILES]
    if _values(lines):
        yield _timed(record, name, lines, fitting(_values(lines)), {"n": width}, height)


def _recovery(record: Json) -> Iterator[Figure]:
    """The end of the crowd and when all was as before, over the latency of what was accepted."""
    ends = boundaries(record)
    if record["recovery_ms"] is None or not ends:
        return
    # The crowd ends where the highest stage does.
    levels = [stage.get("in_flight", stage.get("rate", 0)) for stage in record["profile"]["stages"]]
    end = ends[min(levels.index(max(levels)), len(ends) - 1)]
    back = end + record["recovery_ms"] / 1000
    _, groups = spans(record["series"])
    lines = [_over_time("p95", groups, partial(percentile, kind="ok", name="p95"), most)]
    y = fitting(_values(lines))
    lines += [_mark("crowd_ends", end, y), _mark("recovered", back, y)]
    values = {"seconds": f"{record['recovery_ms'] / 1000:.1f}"}
    yield Figure("recovery", draw(lines, times(len(record["series"])), y, 210), _kinds(lines), values)


def _health(record: Json) -> Iterator[Figure]:
    lines = [_over_time("cpu", spans(record["series"])[1], itemgetter("cpu"), most)]
    if _values(lines):
        y = linear(max(1.0, _top(lines)), count=4)
        yield _timed(record, "cpu", [*lines, Line("full", [(0, 1), (len(record["series"]), 1)])], y, height=150)


def _lag(record: Json) -> Iterator[Figure]:
    _, groups = spans(record["series"])
    wanted = (("hub_lag", "hub_lag_ms"), ("late", "late_ms"))
    made = [_over_time(kind, groups, itemgetter(key), most) for kind, key in wanted]
    lines = [line for line in made if _values([line])]
    if lines:
        yield _timed(record, "lag", lines, fitting(_values(lines)), height=150)


# --- over load


def _goodput(record: Json) -> Iterator[Figure]:
    """Accepted against sent per second, each second a dot; on the diagonal everything was accepted."""
    busy = [row for row in record["series"] if row["sent"]]
    points = [(float(row["sent"]), float(per_second(row, "ok"))) for row in busy]
    sent = sorted(at for at, _ in points)
    if len(points) < 3 or sent[-1] < _VARYING * sent[len(sent) // 20]:
        return
    top = linear(sent[-1])
    lines = [Line("diagonal", [(0, 0), (top.most, top.most)]), Line("second", points, dots=True, joined=False)]
    yield Figure("goodput", draw(lines, top, linear(max(value for _, value in points))), _kinds(lines))


def _steps(record: Json) -> Iterator[Figure]:
    """Throughput against concurrency, with the knee."""
    rows = record["steps"]
    if len(rows) < 2:
        return
    x = logarithmic([row["concurrency"] for row in rows])
    y = linear(max(row["rate_ok"] + row["rate_refused"] for row in rows))
    lines = list(_along(rows, ("rate_refused", "rate_ok"), ("refused", "ok")))
    lines += _knee(record, y)
    yield Figure("throughput", draw(lines, x, y), _kinds(lines), _of_knee(record))


def _step_latency(record: Json) -> Iterator[Figure]:
    rows = record["steps"]
    lines = list(_along(rows, _PERCENTILES, _PERCENTILES)) if len(rows) > 1 else []
    if _values(lines):
        y = fitting(_values(lines))
        lines += _knee(record, y)
        x = logarithmic([row["concurrency"] for row in rows])
        yield Figure("step_latency", draw(lines, x, y), _kinds(lines), _of_knee(record))


def _along(rows: Sequence[Json], names: Sequence[str], kinds: Sequence[str]) -> Iterator[Line]:
    """A line for each quantity; steps that the generator did not hold are dots beside it."""
    sound = [row for row in rows if not row["alarms"]]
    doubtful = [row for row in rows if row["alarms"]]
    for name, kind in zip(names, kinds, strict=True):
        if any(row[name] for row in rows):
            yield Line(kind, [(row["concurrency"], row[name]) for row in sound], dots=True)
    points = [(row["concurrency"], row[name]) for row in doubtful for name in names if row[name]]
    if points:
        yield Line("doubtful", points, dots=True, joined=False)


def _knee(record: Json, y: Axis) -> list[Line]:
    return [_mark("knee", knee, y) for knee in knees(record)]


def _of_knee(record: Json) -> dict[str, object]:
    return {"knee": "–".join(number(knee) for knee in knees(record)) or "–"}


# --- what all are made of


def _over_time(kind: str, groups: Sequence[Sequence[Json]], seen: _Seen, of_several: _Joined = mean) -> Line:
    """What is seen of each second; `of_several` makes one number of a group of them."""
    points = [(rows[0]["t"], of_several([seen(row) for row in rows])) for rows in groups]
    return Line(kind, points, dots=len(groups) < 3)


def _timed(
    record: Json,
    name: str,
    lines: Sequence[Line],
    y: Axis,
    values: Mapping[str, object] | None = None,
    height: int = 260,
) -> Figure:
    """Lines over the seconds of the run, with where its stages change."""
    seconds = max(row["t"] for row in record["series"]) + 1
    ends = [_mark("stage", end, y) for end in (*boundaries(record), length(record)) if end < seconds]
    return Figure(name, draw([*ends, *lines], times(seconds), y, height), _kinds([*lines, *ends]), values or {})


def _mark(kind: str, at: float, y: Axis) -> Line:
    return Line(kind, [(at, y.least), (at, y.most)])


def _values(lines: Sequence[Line]) -> list[float]:
    return [value for line in lines for _, value in line.points if value is not None]


def _top(lines: Sequence[Line]) -> float:
    return max(_values(lines), default=1.0)


def _kinds(lines: Sequence[Line]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line.kind for line in lines))
