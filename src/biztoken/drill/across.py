"""What only several starts of a client show: whether what should be new each time is. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from biztoken.drill import words
from biztoken.drill.point import Point
from biztoken.drill.seen import Seen
from biztoken.verdicts import Text

NEVER = {
    "CLIENT-SDK": Text("It happens on the phone, where no drill sees it.", "发生在手机上，演练看不到。"),
    "CLIENT-UUID": Text("No drill can tell one user from another.", "演练无法判断是否为同一用户。"),
    "CLIENT-BIZ-NO": Text(
        "No drill can tell whether the command was given its biz_no.", "演练无法判断 biz_no 是否由命令行给定。"
    ),
}
_UNSENT = Text("The client does not send it.", "客户端没有发送该参数。")


def across(starts: Mapping[str, Seen]) -> Iterator[tuple[str, Point]]:
    """(drill, point) for signs that stood in more than one start."""
    owners = _owners(starts, "sign")
    again = [drill for drills in owners.values() for drill in drills[1:]]
    if again:
        told = words.received("same-sign-starts")
        yield again[0], Point("CLIENT-NEW-SIGN", "same-sign", words.expected("new-sign"), told)
    elif len(owners) > 1:
        yield next(iter(starts)), Point("CLIENT-NEW-SIGN")


def beside(starts: Mapping[str, Seen]) -> dict[str, Text]:
    """Clauses that these drills cannot judge, with the reason: about the same user or business call, and the phone."""
    found = {"CLIENT-SDK": NEVER["CLIENT-SDK"]}
    for clause, name in (("CLIENT-UUID", "uuid"), ("CLIENT-BIZ-NO", "biz_no")):
        found[clause] = NEVER[clause] if _owners(starts, name) else _UNSENT
    return found


def are_new(starts: Mapping[str, Seen], name: str) -> bool:
    """Whether a field was another in each start that sent it, of which there were at least two."""
    owners = _owners(starts, name)
    return len(owners) > 1 and all(len(drills) == 1 for drills in owners.values())


def _owners(starts: Mapping[str, Seen], name: str) -> dict[str, Sequence[str]]:
    """The drills in which each value of a field was sent, in order."""
    owners: dict[str, list[str]] = {}
    for drill, seen in starts.items():
        for value in Counter(request.text(name) for request in seen.sent if request.text(name)):
            owners.setdefault(value, []).append(drill)
    return dict(owners)
