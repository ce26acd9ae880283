"""What a run recorded, read so that it can be played again: for a run that goes on, or a judge that looks anew."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from biztoken.errors import UserError
from biztoken.evidence import field_record
from biztoken.model import Exchange, Form, Json, Reply
from biztoken.redaction import REDACTED

_NOT_UTF8 = b"\xff"  # stands before a body that was not UTF-8, so that it is none again
_NEVER_DROPPED = "control-"  # controls belong to many cases; what begins so was sent for a family


class Recording:
    """Exchanges by the case and the role for which they were sent, in their order; each is given out once.

    `sent`: requests of the whole record. `finished`: verdicts by case. `dropped`: ids of exchanges that count for
    nothing but the budget. `last_id`: of the exchanges.
    """

    def __init__(self, exchanges: Iterable[Json], finished: Mapping[str, str], dropped: Iterable[int] = ()) -> None:
        rows = list(exchanges)
        left_out = set(dropped)
        self.finished = dict(finished)
        self.dropped = left_out
        self.sent = len(rows)
        self.last_id = max((row["id"] for row in rows), default=0)
        self.rows = [row for row in rows if row["id"] not in left_out]
        self._waiting: dict[tuple[str, str], deque[Json]] = {}
        for row in self.rows:
            self._waiting.setdefault((row["case"], row["role"]), deque()).append(row)

    def take(self, case: str, role: str, form: Form, method: str, note: str) -> Exchange | None:
        """The next exchange of a case and role, as if it had just come; None where there is none for this request."""
        waiting = self._waiting.get((case, role))
        if not waiting or not _is_same(waiting[0], form):
            return None
        return _exchange(waiting.popleft(), form, method, note)

    def take_burst(self, case: str, role: str, forms: Iterable[Form], note: str) -> tuple[list[Exchange], float] | None:
        """The exchanges of the next burst, and the seconds over which it was spread."""
        waiting = self._waiting.get((case, role))
        if not waiting or "burst" not in waiting[0]:
            return None
        burst = waiting[0]["burst"]
        taken = []
        for form in forms:
            if not waiting or waiting[0].get("burst") != burst:
                return None
            taken.append(_exchange(waiting.popleft(), form, "POST", note))
        return taken, burst["spread_ms"] / 1000


def read_recording(directory: Path, *, unfinished: bool = False) -> Recording:
    """The record of a run. `unfinished`: of cases without a verdict, too, else only of those that have one.

    UserError where there is none.
    """
    exchanges = list(_lines(directory / "evidence.ndjson"))
    finished = {row["id"]: row["verdict"] for row in _lines(directory / "cases.ndjson")}
    if not unfinished:
        finished = {case: verdict for case, verdict in finished.items() if verdict != "HARNESS"}
    if not exchanges:
        raise UserError(
            f"{directory}",
            "it holds no recorded exchanges; give the directory of a run",
            "其中没有记录的交互；请给出一次运行的目录",
        )
    dropped = {id_ for row in _lines(directory / "resumes.ndjson") for id_ in row["dropped"]}
    if not unfinished:
        dropped |= {row["id"] for row in exchanges if not _is_kept(row, finished)}
    return Recording(exchanges, finished, dropped)


def _is_kept(row: Json, finished: Mapping[str, str]) -> bool:
    """Whether a case is done with: a case that met trouble of ours or of the network is run again."""
    if row["case"].startswith(_NEVER_DROPPED):
        return row["reply"] is not None
    return row["case"] in finished


def _lines(path: Path) -> Iterator[Json]:
    """The lines of a file of records; the last one may be torn."""
    try:
        text = path.read_text("utf-8", errors="replace")
    except FileNotFoundError:
        return
    except OSError as problem:
        hint = f"it cannot be read ({problem.strerror})"
        raise UserError(str(path), hint, f"无法读取（{problem.strerror}）") from None
    for line in text.splitlines():
        try:
            row: Any = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            yield row


def _is_same(row: Json, form: Form) -> bool:
    """Whether a request was recorded with these fields; what is never recorded is not compared."""
    recorded = [_comparable(field) for field in row["request"]["fields"]]
    return recorded == [_comparable(field_record(name, value)) for name, value in form]


def _comparable(field: Json) -> tuple[str, Any]:
    value = field.get("value")
    if field["name"] == "sign" or REDACTED in str(value):
        return field["name"], None
    return field["name"], field["picture"]["sha256"] if "picture" in field else value


def _exchange(row: Json, form: Form, method: str, note: str) -> Exchange:
    told = row["reply"]
    reply = None
    if told is not None:
        body = told["body"].encode("utf-8", "surrogatepass")
        body = body if told.get("utf8", True) else _NOT_UTF8 + body
        reply = Reply(told["status"], tuple(told["headers"].items()), body)
    ended = row["elapsed_ms"] / 1000
    return Exchange(row["id"], form, row["request"]["bytes"], 0.0, ended, reply, row["failure"], method, note)
