"""What both made of the same faults and variations: records -> figures and tables. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import mean, median
from typing import Any

from biztoken.contract import Clause, Contract
from biztoken.mock.catalogue import NamedFault

Row = dict[str, Any]

GROUPS = (
    "signature",
    "arguments",
    "pictures",
    "reply envelope",
    "error table",
    "permissions",
    "uploads",
    "concurrency",
    "intermittent",
)
_COUNTING = {"every", "after", "after_error", "probability"}
_REPLY = {"request_id", "time_used", "biz_token", "error", "faces"}
_OF_ARGUMENTS = {"required", "values", "range", "number", "length", "encoding"}


def group_of(fault: NamedFault, contract: Contract) -> str:
    """The group of a fault: what it concerns, or that it shows only now and then."""
    clause = contract.clauses[fault.clause]
    reasons = {reason for row in contract.errors.values() for reason in row.reasons}
    if _COUNTING & set(fault.fault.when):
        return "intermittent"
    if "above_in_flight" in fault.fault.when or clause.subject == "CONCURRENCY_LIMIT_EXCEEDED":
        return "concurrency"
    if clause.subject in ("sign", "EXPIRED_SIGN") and clause.rule != "required":
        return "signature"
    if clause.subject in reasons:
        return "permissions"
    if clause.subject == "Request Entity Too Large":
        return "uploads"
    return _by_rule(clause, contract)


def _by_rule(clause: Clause, contract: Contract) -> str:
    if (
        clause.rule == "json"
        or (clause.subject in _REPLY and clause.rule != "grammar")
        or clause.id == "SUCCESS-STATUS"
    ):
        return "reply envelope"
    if clause.subject in contract.errors or clause.subject == "error":
        return "error table"
    if clause.subject in contract.parameters and clause.rule not in _OF_ARGUMENTS:
        return "pictures"
    return "arguments"


def totals(faults: Sequence[Row], variations: Sequence[Row]) -> Row:
    """The figures of the table, of whatever was measured on both sides."""
    both = [row for row in faults if row["ours"] and row["alone"]]
    varied = [row for row in variations if row["ours"] and row["alone"]]
    caught = [row["alone"]["first"] for row in both if row["alone"]["caught"]]
    whole = [row["alone"] for row in [*both, *varied] if row["alone"]["first"] is None]
    return {
        "groups": [_group(name, [row for row in both if row["group"] == name]) for name in GROUPS],
        "faults": len(both),
        "variations": len(varied),
        "ours": {
            "caught": sum(row["ours"]["caught"] for row in both),
            "false_alarms": sum(row["ours"]["false_alarm"] for row in varied),
            "requests": _mean(row["ours"]["requests"] for row in both),
            "seconds": _mean(row["ours"]["seconds"] for row in both),
        },
        "alone": {
            "caught": len(caught),
            "false_alarms": sum(row["alone"]["false_alarm"] for row in varied),
            "requests": _mean(row["requests"] for row in whole),
            "seconds": _mean(row["seconds"] for row in whole),
            "first": median(caught) if caught else None,
        },
        "only_ours": [row["id"] for row in both if row["ours"]["caught"] and not row["alone"]["caught"]],
        "only_alone": [row["id"] for row in both if row["alone"]["caught"] and not row["ours"]["caught"]],
        "false_alarms": [row["id"] for row in varied if row["alone"]["false_alarm"]],
    }


def _group(name: str, rows: Sequence[Row]) -> Row:
    return {
        "name": name,
        "faults": len(rows),
        "ours": sum(row["ours"]["caught"] for row in rows),
        "alone": sum(row["alone"]["caught"] for row in rows),
    }


def _mean(values: Iterable[float]) -> float | None:
    found = list(values)
    return round(mean(found), 1) if found else None


def tables(record: Mapping[str, Any]) -> str:
    """The comparison in Markdown."""
    found, drawing = record["totals"], record["drawing"]
    ours, alone = found["ours"], found["alone"]
    groups = [[row["name"], row["faults"], row["ours"], row["alone"]] for row in found["groups"] if row["faults"]]
    groups.append(["all", found["faults"], ours["caught"], alone["caught"]])
    figures = [
        ["faults caught", _of(ours["caught"], found["faults"]), _of(alone["caught"], found["faults"])],
        ["false alarms", *(_of(side["false_alarms"], found["variations"]) for side in (ours, alone))],
        ["requests for each target, mean", _told(ours["requests"]), _told(alone["requests"])],
        ["seconds for each target, mean", _told(ours["seconds"]), _told(alone["seconds"])],
        ["seconds for one target, with drawing", "the same", _told(drawing["one_target"])],
        ["requests until the first failure, median", "–", _told(alone["first"])],
    ]
    parts = [
        _table(["group of faults", "faults", "biztoken", "schemathesis alone"], groups),
        _table(["", "biztoken", "schemathesis alone"], figures),
    ]
    return "\n".join(parts)


def _of(part: int, whole: int) -> str:
    return f"{part} of {whole}"


def _told(value: float | None) -> str:
    return "–" if value is None else f"{value:g}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join("| " + " | ".join(map(str, line)) + " |\n" for line in lines)
