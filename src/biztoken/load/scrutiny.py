"""How a generator looks at replies: judged, tokens compared, findings counted, exchanges recorded; told bit by bit.

Everything is told once, as what came since the last time; a lost worker loses no more than that.
"""

from __future__ import annotations

import base64
import tempfile
from collections import Counter
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path

from biztoken import contract as contracts
from biztoken.evidence import Evidence
from biztoken.load.forge import person_of
from biztoken.load.health import is_shortage
from biztoken.load.replies import Inspector, Seen
from biztoken.load.tokens import Tokens
from biztoken.model import Exchange, Finding, Json
from biztoken.settings import Target, without_password

EXCHANGES_KEPT = 5  # of each clause, with one generator: enough to see what happens, few enough to read


@dataclass(slots=True)
class _Found:
    """The same finding, as often as it came since it was told of; with the record of an exchange at times."""

    finding: Finding
    count: int = 0
    records: list[Json] = field(default_factory=list)


class Scrutiny:
    """Looks at every reply of one generator. `tells_tokens`: others send, too, and may be told the same token."""

    def __init__(self, target: Target, *, seed: int, contract: Path | None, tells_tokens: bool) -> None:
        person = person_of(target, seed)
        # A mock's keys, and a person made for it, are no secrets.
        is_open = target.is_mock and not target.person
        self._evidence = Evidence(None, [*target.private_texts(), person.name, person.number], is_open=is_open)
        self._url = without_password(target.url)
        self._place = tempfile.TemporaryDirectory(prefix="biztoken-load-")
        self._tokens = Tokens(Path(self._place.name) / "tokens", reports=tells_tokens)
        self._tells_tokens = tells_tokens
        self._inspector = Inspector(contracts.load(contract), tokens=self._tokens)
        self._found: dict[tuple[str, str, str, str], _Found] = {}
        self._recorded: Counter[str] = Counter()
        self._shortages = 0

    def look(self, exchange: Exchange) -> Seen:
        """Judge one exchange; what is wrong with it is counted, and recorded while its clause has few records."""
        seen = self._inspector.look(exchange)
        if exchange.failure and is_shortage(exchange.failure):
            self._shortages += 1
        for finding in seen.findings:
            self._count(finding, exchange)
        return seen

    def _count(self, finding: Finding, exchange: Exchange) -> None:
        key = (finding.clause, finding.aspect, finding.received, finding.folds_to or "")
        found = self._found.setdefault(key, _Found(finding))
        found.count += 1
        if self._recorded[finding.clause] < EXCHANGES_KEPT:
            self._recorded[finding.clause] += 1
            record = self._evidence.record(exchange, url=self._url, case="load", role="load", attempt=1)
            found.records.append(record)

    def told(self) -> Json:
        """What came since this was last asked."""
        found, self._found = self._found, {}
        shortages, self._shortages = self._shortages, 0
        tokens = self._tokens
        return {
            "findings": [asdict(row.finding) | {"count": row.count, "records": row.records} for row in found.values()],
            "kept": dict(self._inspector.taken()),
            "shortages": shortages,
            "tokens": {
                "seen": tokens.seen,
                "repeated": tokens.repeated,
                "unconfirmed": tokens.unconfirmed,
                "bytes": tokens.nbytes,
                "fresh": base64.b64encode(tokens.taken()).decode() if self._tells_tokens else "",
            },
        }

    def stored(self, hashes: Collection[int]) -> dict[int, list[str]]:
        """The tokens that came with these hashes."""
        return self._tokens.with_hashes(hashes)

    def close(self) -> None:
        """Leave nothing on disk."""
        self._tokens.close()
        self._place.cleanup()
