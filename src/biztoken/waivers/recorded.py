"""The waivers of a recorded run, so that it can be judged again as it was."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from biztoken.model import Json
from biztoken.waivers.file import Waiver


def recorded(rows: Iterable[Json]) -> tuple[Waiver, ...]:
    """The waivers that the rows `waivers` of a result.json tell of, whether or not they have ended since. Pure."""
    return tuple(
        Waiver(
            row["clause"], row["case"], row["finding"], row["reason"], row["owner"], date.fromisoformat(row["expires"])
        )
        for row in rows
    )
