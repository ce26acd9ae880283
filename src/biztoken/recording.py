"""What a run recorded, read so that it can be played again: for a run that goes on, or a judge that looks anew."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from biztoken.errors import UserError
from biztoken.evidence import BODY_KEPT, field_record
from biztoken.model import Exchange, Form, Json, Reply
from biztoken.reading import Outcome, read

_NOT_UTF8 = b"\xff"  # stands before a body that was not UTF-8, so that it is none again
_NEVER_DROPPED = "control-"  # controls belong to many cases; what begins so was sent for a family
_HIDDEN = re.compile(r"<redacted>|<sign>|<\d+ characters, sha256 ")  # stands for a text that no record shows


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
        waiting = self._waiting.get((case, role), deque())
        row = next((row for row in waiting if _is_same(row, form)), None)
        if row is None:
            return None
        waiting.remove(row)
        return None if _is_cut(row) else _exchange(row, form, method, note)

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

    With it, UserError where nothing was recorded; without it, the run goes on with its first request.
    """
    exchanges = list(_lines(directory / "evidence.ndjson", _is_exchange))
    finished = {row["id"]: row["verdict"] for row in _lines(directory / "cases.ndjson", _is_case)}
    if not unfinished:
        finished = {case: verdict for case, verdict in finished.items() if verdict != "HARNESS"}
    if unfinished and not exchanges:
        raise UserError(
            f"{directory}",
            "it holds no recorded exchanges; give the directory of a run",
            "其中没有记录的交互；请给出一次运行的目录",
        )
    dropped = {id_ for row in _lines(directory / "resumes.ndjson", _is_resume) for id_ in row["dropped"]}
    if not unfinished:
        cut = {row["case"] for row in exchanges if _is_cut(row)}
        finished = {case: verdict for case, verdict in finished.items() if case not in cut}
        # What stood in the way of every sound request may be mended by now.
        begins_anew = not finished and not any(map(_is_accepted, exchanges))
        dropped |= {row["id"] for row in exchanges if begins_anew or not _is_kept(row, finished)}
    return Recording(exchanges, finished, dropped)


def _is_accepted(row: Json) -> bool:
    """Whether a request was accepted."""
    reply = row["reply"]
    return reply is not None and read(Reply(reply["status"], (), reply["body"].encode())).outcome is Outcome.ACCEPTED


def _is_kept(row: Json, finished: Mapping[str, str]) -> bool:
    """Whether a case is done with: a case that met trouble of ours or of the network is run again."""
    if row["case"].startswith(_NEVER_DROPPED):
        return row["reply"] is not None and not _is_cut(row)
    return row["case"] in finished


def _is_exchange(row: Json) -> bool:
    """Whether a row has all that an exchange is read for."""
    request, reply = row.get("request"), row.get("reply", "none told")
    return (
        isinstance(row.get("id"), int)
        and all(isinstance(row.get(name), str) for name in ("case", "role"))
        and isinstance(row.get("elapsed_ms"), int | float)
        and "failure" in row
        and (isinstance(request, dict) and isinstance(request.get("fields"), list) and "bytes" in request)
        and (reply is None or (isinstance(reply, dict) and reply.keys() >= {"status", "headers", "body"}))
    )


def _is_case(row: Json) -> bool:
    return all(isinstance(row.get(name), str) for name in ("id", "verdict"))


def _is_resume(row: Json) -> bool:
    return isinstance(row.get("dropped"), list)


def _lines(path: Path, is_ours: Callable[[Json], bool]) -> Iterator[Json]:
    """The lines of a file of records; one without its end is torn. UserError for one that no run wrote."""
    try:
        text = path.read_text("utf-8", errors="replace")
    except FileNotFoundError:
        return
    except OSError as problem:
        hint = f"it cannot be read ({problem.strerror})"
        raise UserError(str(path), hint, f"无法读取（{problem.strerror}）") from None
    # Not splitlines: what a target says may hold other ends of lines.
    for number, line in enumerate(text.split("\n")[:-1], 1):
        try:
            row: Any = json.loads(line)
        except ValueError:
            continue
        if not isinstance(row, dict) or not is_ours(row):
            raise UserError(
                str(path),
                f"line {number} is no record of a run; restore the file or run again",
                f"第 {number} 行不是运行记录；请恢复该文件或重新运行",
            )
        yield row


def _is_same(row: Json, form: Form) -> bool:
    """Whether a request was recorded with these fields; what is never recorded is not compared."""
    fields = row["request"]["fields"]
    if len(fields) != len(form):
        return False
    return all(_is_like(told, field_record(name, value)) for told, (name, value) in zip(fields, form, strict=True))


def _is_like(recorded: Json, field: Json) -> bool:
    """Pictures by their name: a judge has only the names of those that are the user's own."""
    if recorded["name"] != field["name"] or ("picture" in recorded) != ("picture" in field):
        return False
    if "picture" in field:
        return bool(recorded["picture"]["label"] == field["picture"]["label"])
    if field["name"] == "sign" or _HIDDEN.search(recorded["value"]):
        return True
    # What is no text, half a surrogate pair, was written as a question mark.
    return bool(recorded["value"] == field["value"].encode("utf-8", "replace").decode())


def _is_cut(row: Json) -> bool:
    """Whether more of the reply came than was kept, so that it cannot be judged again."""
    return row["reply"] is not None and len(row["reply"]["body"]) >= BODY_KEPT


def _exchange(row: Json, form: Form, method: str, note: str) -> Exchange:
    told = row["reply"]
    reply = None
    if told is not None:
        body = told["body"].encode("utf-8", "surrogatepass")
        body = body if told.get("utf8", True) else _NOT_UTF8 + body
        reply = Reply(told["status"], tuple(told["headers"].items()), body)
    ended = row["elapsed_ms"] / 1000
    return Exchange(row["id"], form, row["request"]["bytes"], 0.0, ended, reply, row["failure"], method, note)
