"""Files with the bytes of requests, linted: the shell around what is pure."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from biztoken.contract import load
from biztoken.errors import UserError
from biztoken.lint.advice import LEVELS, Advice
from biztoken.lint.judge import lint
from biztoken.lint.keys import load_keys
from biztoken.lint.sequence import lint_steps, step
from biztoken.lint.told import findings_told
from biztoken.received import Received, read_received

MOST_BYTES = 64 * 1024 * 1024  # of one file; the endpoint takes 20 MB


@dataclass(frozen=True, slots=True)
class Linted:
    """A file and the findings of its request, the worst first."""

    file: str
    findings: tuple[Advice, ...]

    @property
    def counts(self) -> bool:
        """Whether something is above advice."""
        return any(advice.counts for advice in self.findings)

    def as_json(self, lang: str) -> str:
        """One line of ASCII: {file, findings: [{id, level, message}]}."""
        rows = [{"id": advice.id, "level": advice.level, "message": advice.message(lang)} for advice in self.findings]
        return json.dumps({"file": self.file, "findings": rows})

    def told(self, lang: str) -> str:
        """What a person reads."""
        return findings_told(self.file.encode("utf-8", "backslashreplace").decode(), self.findings, lang)


def lint_files(
    files: Sequence[Path],
    keys: Path | None = None,
    now: float | None = None,
    contract: Path | None = None,
    *,
    is_sequence: bool = False,
) -> list[Linted]:
    """Lint each file; as a sequence, also what only their order shows. UserError for what cannot be read."""
    known = load_keys(keys) if keys else None
    rules = load(contract)
    requests = [_request(path) for path in files]
    found = [lint(received, rules, known, now) for received in requests]
    if is_sequence:
        more = lint_steps(
            [step(received, None, told, rules) for received, told in zip(requests, found, strict=True)], rules
        )
        found = [_sorted([*first, *second]) for first, second in zip(found, more, strict=True)]
    return [Linted(str(path), tuple(findings)) for path, findings in zip(files, found, strict=True)]


def _sorted(findings: list[Advice]) -> list[Advice]:
    return sorted(findings, key=lambda advice: LEVELS.index(advice.level))


def _request(path: Path) -> Received:
    try:
        if str(path) == "-":
            data = sys.stdin.buffer.read(MOST_BYTES + 1)
        else:
            with path.open("rb") as file:
                data = file.read(MOST_BYTES + 1)
    except OSError as problem:
        reason = problem.strerror or problem.__class__.__name__
        raise UserError(
            str(path), f"it cannot be read ({reason}); give another path", f"无法读取（{reason}）；请换一个路径"
        ) from None
    if len(data) > MOST_BYTES:
        raise UserError(str(path), "it is larger than 64 MB; give one request", "大于 64 MB；请给出一次请求")
    return read_received(data, str(path))
