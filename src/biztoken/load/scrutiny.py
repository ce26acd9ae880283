"""How a generator looks at replies: judged, tokens compared, findings counted, exchanges recorded; told bit by bit.

Everything is told once, as what came since the last time; a lost worker loses no more than that.
"""

from __future__ import annotations

import base64
import tempfile
from collections import Counter, deque
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from biztoken import contract as contracts
from biztoken.evidence import Evidence
from biztoken.load.forge import person_of
from biztoken.load.health import is_shortage
from biztoken.load.replies import Inspector, Seen, Sent, whole
from biztoken.load.tokens import MEMBERS, Tokens, hash_of
from biztoken.model import Exchange, Finding, Json
from biztoken.reading import read
from biztoken.settings import Target, without_password

EXCHANGES_KEPT = 5  # of each clause, with one generator: enough to see what happens, few enough to read
RECENT = 500  # exchanges that are remembered: what is told twice is mostly told twice at once
UNIQUE = {clause: member for member, clause in MEMBERS.values()}


def member_of(exchange: Sent | Exchange, name: str) -> str | None:
    """A text in the reply of an exchange; None where there is none."""
    data = read(exchange.reply).data if exchange.reply else None
    value = data.get(name) if data else None
    return value if isinstance(value, str) else None


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
        place = Path(self._place.name)
        self._memories = {name: Tokens(place / name, reports=tells_tokens) for name in ("tokens", "request_ids")}
        self._tells_tokens = tells_tokens
        self._inspector = Inspector(
            contracts.load(contract), tokens=self._memories["tokens"], request_ids=self._memories["request_ids"]
        )
        self._recent: deque[Sent | Exchange] = deque(maxlen=RECENT)
        self._found: dict[tuple[str, str, str, str], _Found] = {}
        self._recorded: Counter[str] = Counter()
        self._shortages = 0

    def look(self, several: Sequence[Sent | Exchange]) -> list[Seen]:
        """Judge exchanges; what is wrong with them is counted, and recorded while its clause has few records."""
        found = self._inspector.look(several)
        for exchange, seen in zip(several, found, strict=True):
            if exchange.failure and is_shortage(exchange.failure):
                self._shortages += 1
            for finding in seen.findings:
                self._count(finding, whole(exchange))
            self._recent.append(exchange)
        return found

    def _count(self, finding: Finding, exchange: Exchange) -> None:
        key = (finding.clause, finding.aspect, finding.received, finding.folds_to or "")
        found = self._found.setdefault(key, _Found(finding))
        found.count += 1
        if self._recorded[finding.clause] < EXCHANGES_KEPT:
            self._recorded[finding.clause] += 1
            if finding.clause in UNIQUE and (earlier := self._earlier(UNIQUE[finding.clause], exchange)):
                found.records.append(self._record(earlier))
            found.records.append(self._record(exchange))

    def _record(self, exchange: Exchange) -> Json:
        return self._evidence.record(exchange, url=self._url, case="load", role="load", attempt=1)

    def _earlier(self, member: str, exchange: Exchange) -> Exchange | None:
        """The last of the recent exchanges that told the same, before it; None where that was longer ago."""
        value = member_of(exchange, member)
        same = (one for one in reversed(self._recent) if member_of(one, member) == value)
        return next((whole(one) for one in same), None)

    def shown(self, kind: str, hashes: Collection[int]) -> list[Json]:
        """The records of recent exchanges that told what has one of these hashes: a few, and none of them twice."""
        member, clause = MEMBERS[kind]
        wanted, found = set(hashes), []
        for exchange in reversed(self._recent):
            value = member_of(exchange, member)
            if value is None or self._recorded[clause] >= EXCHANGES_KEPT:
                continue
            if (number := hash_of(value.encode("utf-8", "surrogatepass"))) in wanted:
                wanted.discard(number)
                self._recorded[clause] += 1
                found.append(self._record(whole(exchange)))
        return found

    def told(self) -> Json:
        """What came since this was last asked."""
        found, self._found = self._found, {}
        shortages, self._shortages = self._shortages, 0
        return {
            "findings": [asdict(row.finding) | {"count": row.count, "records": row.records} for row in found.values()],
            "kept": dict(self._inspector.taken()),
            "shortages": shortages,
            **{name: self._told_of(memory) for name, memory in self._memories.items()},
        }

    def _told_of(self, memory: Tokens) -> Json:
        return {
            "seen": memory.seen,
            "repeated": memory.repeated,
            "unconfirmed": memory.unconfirmed,
            "bytes": memory.nbytes,
            "fresh": base64.b64encode(memory.taken()).decode() if self._tells_tokens else "",
        }

    def stored(self, kind: str, hashes: Collection[int]) -> dict[int, list[str]]:
        """What came with these hashes."""
        return self._memories[kind].with_hashes(hashes)

    def close(self) -> None:
        """Leave nothing on disk."""
        for memory in self._memories.values():
            memory.close()
        self._place.cleanup()
