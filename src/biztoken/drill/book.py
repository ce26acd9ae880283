"""The book of a run: what each drill showed, as checks, as cases and as lines of the record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from biztoken.contract import Contract
from biztoken.drill.judging import ended
from biztoken.drill.point import Judgement, Point
from biztoken.drill.scenario import Scenario
from biztoken.drill.seen import Seen, Sent
from biztoken.evidence import Evidence
from biztoken.model import Exchange, Form, Json, Level, Reply, Upload, Verdict
from biztoken.multipart import parse
from biztoken.redaction import REDACTED, SIGN, Redactor
from biztoken.verdicts import CaseResult, Tally, Text

_SHOWN = 4_000  # characters of what a client printed
_PRIVATE = ("idcard_name", "idcard_number")
_FAILURES = {"cut": "the endpoint ended the connection", "gone": "the client ended the connection", "": "no answer"}


@dataclass(slots=True)
class Book:
    """Written by one thread. `results`: what each drill earned; `rows`: what else the record says of it."""

    contract: Contract
    directory: Path
    secret: str
    tally: Tally = field(default_factory=Tally)
    results: dict[str, CaseResult] = field(default_factory=dict)
    starts: dict[str, Seen] = field(default_factory=dict)
    rows: dict[str, Json] = field(default_factory=dict)
    texts: dict[str, Text] = field(default_factory=dict)  # what findings say, by its English
    notes: dict[str, list[tuple[str, Text]]] = field(default_factory=dict)
    private: dict[str, str] = field(default_factory=dict)  # each private text and what to call it
    _ids: Iterator[int] = field(default_factory=lambda: count(1))
    _redactor: Redactor = field(init=False)
    _evidence: Evidence = field(init=False)

    def __post_init__(self) -> None:
        self.private[self.secret] = "api_secret"
        self._redactor = Redactor([self.secret])
        self._evidence = Evidence(self.directory, [self.secret])

    @property
    def sent(self) -> int:
        """How many requests are in it."""
        return sum(len(seen.sent) for seen in self.starts.values())

    def enter(self, scenario: Scenario, seen: Seen, judgement: Judgement) -> CaseResult:
        """Write down a drill that was played."""
        self._learn(seen.sent)
        ids = tuple(self._exchange(scenario, request, number) for number, request in enumerate(seen.sent, 1))
        self.texts[scenario.title.en] = scenario.title
        for point in judgement.points:
            self.take(point, scenario, ids)
        for clause, text in judgement.notes:
            self.notes.setdefault(clause, []).append((scenario.id, text))
        earned = self._earned(scenario, judgement)
        why_not = judgement.why_not if earned in (Verdict.UNTESTABLE, Verdict.NOT_APPLICABLE) else None
        result = CaseResult(scenario.id, scenario.clause, scenario.family, earned, why_not, ids, seen.ending.seconds)
        self.starts[scenario.id] = seen
        self.rows[scenario.id] = self.redact(_row(scenario, seen, judgement))
        self._record(result, judgement)
        return result

    def leave(self, scenario: Scenario, verdict: Verdict, reason: Text) -> CaseResult:
        """Write down a drill that was not played, or to no end."""
        result = CaseResult(scenario.id, scenario.clause, scenario.family, verdict, reason)
        self._record(result, Judgement(()))
        return result

    def take(self, point: Point, scenario: Scenario, exchanges: tuple[int, ...]) -> None:
        """Add a point to the tally."""
        check = point.check
        if check.finding is None or point.expected is None or point.received is None:
            self.tally.kept[point.clause] += 1
            return
        self.texts |= {text.en: text for text in (point.expected, point.received)}
        self.tally.charge(check.finding, scenario.id, scenario.title.en, exchanges[-1:])

    def redact(self, value: Json) -> Json:
        """The same without anything private that was learnt so far."""
        clean: Json = self._evidence.redact(self._redactor.redact(value))
        return clean

    def close(self) -> None:
        """No more is written."""
        self._evidence.close()

    def _learn(self, sent: Iterable[Sent]) -> None:
        """What was sent must stand in no record, and clients print it, too."""
        found: dict[str, str] = {}
        for request in sent:
            found |= {text: name for name in _PRIVATE if (text := request.text(name))}
            if request.text("sign"):
                self._redactor.learn(request.text("sign"), SIGN)
                self.private.setdefault(request.text("sign"), "sign")
        if found.keys() - self.private.keys():
            self.private |= found
            texts = [text for text, name in self.private.items() if name != "sign"]
            self._redactor = Redactor(texts)
            for text, name in self.private.items():
                self._redactor.learn(text, SIGN if name == "sign" else REDACTED)

    def _exchange(self, scenario: Scenario, request: Sent, attempt: int) -> int:
        number = next(self._ids)
        ended = request.ended or request.at
        reply = Reply(request.status, request.answer_headers, request.answer) if request.status is not None else None
        exchange = Exchange(
            number,
            _form(request),
            len(request.raw),
            request.at,
            ended,
            reply,
            failure=_FAILURES.get(request.end or ""),
            method=request.received.method,
        )
        scheme, host = "https" if scenario.is_https else "http", request.received.header("host") or "127.0.0.1"
        # What a client writes into its query may be private, and no record needs it.
        path, query, _ = request.received.target.partition("?")
        url = f"{scheme}://{host}{path}" + (f"?{REDACTED}" if query else "")
        self._evidence.exchange(exchange, url=url, case=scenario.id, role="client", attempt=attempt)
        return number

    def _earned(self, scenario: Scenario, judgement: Judgement) -> Verdict:
        level = self.contract.clauses[scenario.clause].level
        own = [point for point in judgement.points if point.clause == scenario.clause]
        if any(not point.is_kept for point in own):
            return Verdict.FAIL if level is Level.MUST else Verdict.WARN
        if own:
            return Verdict.PASS
        if judgement.is_beside:
            return Verdict.NOT_APPLICABLE
        if level is Level.OBSERVE and judgement.notes:
            return Verdict.OBSERVED
        return Verdict.UNTESTABLE

    def _record(self, result: CaseResult, judgement: Judgement) -> None:
        self.results[result.id] = result
        findings = [
            {"clause": point.clause, "expected": point.expected.as_json(), "received": point.received.as_json()}
            for point in judgement.points
            if point.expected and point.received
        ]
        self._evidence.case(self.redact({**result.as_json(), "findings": findings}))


def _row(scenario: Scenario, seen: Seen, judgement: Judgement) -> Json:
    """How the client ended in a drill, and what it printed."""
    told = ended(seen.ending)
    output = seen.ending.output
    if len(output) > _SHOWN:
        output = f"{output[: _SHOWN // 2]}\n…\n{output[-_SHOWN // 2 :]}"
    return {
        "title": scenario.title.as_json(),
        "ended": {"en": told["end"], "zh": told["end_zh"]},
        "exit_status": seen.ending.status,
        "requests": len(seen.sent),
        "notes": [text.as_json() for _, text in judgement.notes],
        "output": output,
    }


def _form(request: Sent) -> Form:
    """The parts of a request as fields; of a body that is no form there are none."""
    parts = parse(request.received.header("content-type") or "", request.received.body).parts
    found: list[tuple[str, str | Upload]] = []
    for part in parts:
        name = part.name or ""
        if part.filename is None:
            found.append((name, part.body.decode("utf-8", "replace")))
        else:
            label = part.filename or name
            found.append((name, Upload(label, part.body, part.filename, part.content_type)))
    return tuple(found)
