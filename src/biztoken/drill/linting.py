"""What lint finds in the requests of a drill, as points and notes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from biztoken.contract import Contract
from biztoken.drill.point import Point
from biztoken.drill.seen import Sent
from biztoken.lint import Advice, lint, lint_sequence
from biztoken.mock.keys import Key
from biztoken.model import Level
from biztoken.verdicts import Text

REQUEST, LASTING = "CLIENT-REQUEST", "CLIENT-LASTING"
_KEPT = {REQUEST: "breaks", LASTING: "report"}  # by a request without a finding of that level
_FIX = Text("{id}: {sent} Fix: {fix}", "{id}：{sent}修改：{fix}")
_JUDGED = ("hammering", "resent-after-400")
# Where the contract's own clause is about what an endpoint does, one about what a client does is charged.
_CLAUSES = {"secret-on-the-wire": "CLIENT-SECRET"}


class Linting:
    """Lint over all requests of a run. The same finding is told in the same words each time, so that it is one."""

    def __init__(self, contract: Contract, key: Key) -> None:
        self._contract = contract
        self._keys = {key.api_key: key.api_secret}
        self._told: dict[tuple[str, str | None], Advice] = {}

    def look(self, sent: Sequence[Sent]) -> tuple[tuple[Point, ...], tuple[tuple[str, Text], ...]]:
        """What breaks a clause or will not last, and advice, of one drill's requests."""
        found = [self._told.setdefault((advice.id, advice.field), advice) for advice in self._found(sent)]
        points = [self._point(advice) for advice in found if advice.counts]
        levels = {advice.level for advice in found}
        if sent:
            points += [Point(clause) for clause, level in _KEPT.items() if level not in levels]
        notes = [(REQUEST, _told(advice)) for advice in found if not advice.counts]
        return tuple(points), tuple(notes)

    def _found(self, sent: Sequence[Sent]) -> Iterator[Advice]:
        whole = [request for request in sent if request.received.whole]
        for request in whole:
            yield from lint(request.received, self._contract, self._keys, request.at)
        # Of a sequence the drills judge themselves what they bring about: only what breaks the contract is added.
        for told in lint_sequence([(request.received, request.status) for request in whole], self._contract):
            yield from (advice for advice in told if advice.level == "breaks" and advice.id not in _JUDGED)

    def _point(self, advice: Advice) -> Point:
        return Point(self._clause(advice), advice.id, Text(**advice.says), _told(advice))

    def _clause(self, advice: Advice) -> str:
        if advice.id in _CLAUSES:
            return _CLAUSES[advice.id]
        if advice.level != "breaks":
            return LASTING
        clause = self._contract.clauses.get(advice.clause or "")
        is_charged = clause is not None and clause.side != "server" and clause.level is not Level.OBSERVE
        return clause.id if clause is not None and is_charged and not clause.excluded else REQUEST


def _told(advice: Advice) -> Text:
    told = {
        lang: getattr(_FIX, lang).format(id=advice.id, sent=advice.sent[lang], fix=advice.fix[lang])
        for lang in ("en", "zh")
    }
    return Text(**told)
