"""What was not accepted, laid out: errors by status, failures of transport beside them, what was sent again. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from biztoken.reporting.load_view import Record, outcomes

_ROWS, _STATUSES = 30, 8  # as many as a page has room for; the outcomes are whole elsewhere
_HELD = 0.05  # of the time of requests, from which on it is told that they waited for leave to be sent


@dataclass(frozen=True, slots=True)
class Errors:
    """`statuses`: the columns. `rows`: an error's name, empty where none was told, and its count for each status.

    `transport`: why no reply came, and how often.
    """

    statuses: tuple[str, ...]
    rows: tuple[tuple[str, tuple[int, ...], int], ...]
    transport: tuple[tuple[str, int], ...]


def errors(record: Record) -> Errors | None:
    """All that was not accepted, the most frequent first; None where all was."""
    table: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    transport, by_status = [], defaultdict[str, int](int)
    for row in outcomes(record):
        if row.kind == "failed":
            transport.append((row.name, row.count))
        elif row.kind != "ok":
            status, _, name = row.name.partition(" ")
            table[name][status] += row.count
            by_status[status] += row.count
    if not table and not transport:
        return None
    statuses = tuple(sorted(sorted(by_status, key=lambda status: -by_status[status])[:_STATUSES]))
    rows = [(name, tuple(found[status] for status in statuses), sum(found.values())) for name, found in table.items()]
    rows.sort(key=lambda row: (-row[2], row[0]))
    return Errors(statuses, tuple(rows[:_ROWS]), tuple(transport[:_ROWS]))


def amplification(record: Record) -> tuple[int, str] | None:
    """How many requests were sent once more, and what the target got for each that was meant; None where none was."""
    again = sum(row.get("again") or 0 for row in record["series"])
    sent = record["load"]["sent"]
    return (again, f"{(sent + again) / sent:.2f}") if again and sent else None


def is_held(record: Record) -> bool:
    """Whether requests waited for leave of the target file's max_rate so long that it bounded the load."""
    held = sum(row.get("held_s") or 0.0 for row in record["series"])
    return bool(held > _HELD * (held + sum(row["in_flight"] for row in record["series"])))
