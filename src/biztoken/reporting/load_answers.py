"""What a load was made to find out, in words and in every language. Pure."""

from __future__ import annotations

from biztoken.model import Json
from biztoken.reporting.load_view import milliseconds, plain
from biztoken.reporting.texts import both

Words = dict[str, str]


def model_told(record: Json) -> list[Words]:
    """Where throughput stops rising: a limit, a range, none, or that it cannot be told; empty without a model."""
    model = record["model"]
    if not model:
        return []
    service = milliseconds(model["service_ms"])
    least, greatest = model["limit_range"] or (None, None)
    values = {"service": service, "limit": plain(model["limit"]), "least": plain(least), "greatest": plain(greatest)}
    told = [both(f"load.model.{model['says']}", **values)]
    if model["says"] == "none" and model["knee"]:
        told.append(both("load.model.knee", knee=plain(model["knee"])))
    return told


def recovery_told(record: Json) -> list[Words]:
    """When all was as before after a crowd, or why that cannot be told; empty for another profile than a spike."""
    ms = record["recovery_ms"]
    if record["profile"]["analysis"] != "spike":
        return []
    if ms is not None:
        return [both("picture.recovery.lead", seconds=f"{ms / 1000:.1f}")]
    return [both("load.recovery.none" if record["complete"] and not record["stopped"] else "load.recovery.cut")]


def knees(record: Json) -> list[float]:
    """Where pictures mark the knee: at one place, at both ends of a range, or nowhere."""
    model = record["model"] or {"limit_range": None, "knee": None}
    return sorted(set(model["limit_range"] or [])) or ([model["knee"]] if model["knee"] else [])
