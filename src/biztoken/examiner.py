"""Judges the requests that a mock gets, each by itself and beside those just before it, for the mock's page."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from biztoken import contract
from biztoken.lint import LEVELS, Advice, Step, lint, lint_steps, step
from biztoken.mock import keys
from biztoken.received import Received

_BESIDE = 12  # requests that are looked at together


class Examiner:
    """Call it with each request and the status of its answer, in the order in which they came, from one thread."""

    def __init__(self, key_file: Path | None = None, contract_directory: Path | None = None) -> None:
        known = keys.load(key_file) if key_file else keys.demo()
        self._keys = {key.api_key: key.api_secret for key in known.values()}
        self._contract = contract.load(contract_directory)
        self._before: deque[Step] = deque(maxlen=_BESIDE)

    def __call__(self, received: Received, status: int | None) -> list[Mapping[str, Any]]:
        """The findings, the worst first, as JSON."""
        found = lint(received, self._contract, self._keys, received.at)
        self._before.append(step(received, status, found, self._contract))
        found = [*found, *lint_steps(list(self._before), self._contract)[-1]]
        return [_told(advice) for advice in sorted(found, key=lambda advice: LEVELS.index(advice.level))]


def _told(advice: Advice) -> dict[str, Any]:
    return {
        "id": advice.id,
        "level": advice.level,
        "field": advice.field,
        "clause": advice.clause,
        "message": {lang: advice.message(lang) for lang in ("en", "zh")},
        **{part: dict(getattr(advice, part)) for part in ("sent", "says", "why", "fix")},
    }
