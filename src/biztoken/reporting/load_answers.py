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


def knees(record: Json) -> list[float]:
    """Where pictures mark the knee: at one place, at both ends of a range, or nowhere."""
    model = record["model"] or {"limit_range": None, "knee": None}
    return sorted(set(model["limit_range"] or [])) or ([model["knee"]] if model["knee"] else [])
