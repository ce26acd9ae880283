"""`biztoken check --dry-run`: the plan played against the mock, so that its price is counted and nobody is called."""

from __future__ import annotations

import json
import math
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import yaml

from biztoken import contract as contracts
from biztoken.check import play
from biztoken.contract import Contract
from biztoken.embedded import EmbeddedMock
from biztoken.errors import UserError
from biztoken.model import Json
from biztoken.pricing import ceiling
from biztoken.reporting import Progress
from biztoken.settings import Target, read_target
from biztoken.suite import Options, Suite

LATENCIES = (0.1, 0.3, 1.0)  # seconds a request may take, for which the time is told
_CONTROLS = "controls"


@dataclass(frozen=True, slots=True)
class Price:
    """What a plan costs. `requests`, `tokens` by section; `sent_bytes` in all; `at_most` requests, whatever happens.

    `covered`: by level, how many clauses it shows, of how many that are judged.
    """

    cases: int
    requests: Mapping[str, int]
    tokens: Mapping[str, int]
    sent_bytes: int
    at_most: int
    rate: float | None
    covered: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.requests.values())

    def seconds(self, latency: float) -> float:
        """How long it takes where each request takes so long; they go one after another but for the bursts."""
        return max(self.total * latency, self.total / self.rate if self.rate else 0.0)


def rehearse(options: Options) -> Price:
    """Play the plan of `options` against a mock that stands for its target. Nothing is sent to the target itself."""
    contract = contracts.load(options.contract)
    progress = Progress(lang=options.lang)
    with tempfile.TemporaryDirectory(prefix="biztoken-") as place:
        directory = Path(place)
        with _stand_in(options, contract, directory) as (target, rate, fuzz):
            plain = replace(options, out=directory / "run", fuzz=fuzz, budget=None)
            (directory / "run").mkdir()
            suite = Suite(plain, contract, target, directory / "run", is_rehearsed=True)
            suite.on_plan = lambda cases, _requests: progress.start(cases)
            suite.on_case = lambda result: progress.advance(result.verdict)
            try:
                errors = play(suite)
            finally:
                suite.close()
                progress.stop()
        if suite.problem or not suite.result:
            raise suite.problem or UserError("conformance", f"it did not run ({errors})", "未能运行")
        lines = (directory / "run" / "evidence.ndjson").read_text("utf-8").split("\n")
        rows = [json.loads(line) for line in lines if line]
    families = {case.id: case.family for case in suite.planned}
    counted = without_repeated_bursts(rows)
    price = priced(counted, families, len(suite.planned), ceiling(len(counted), target), rate)
    return replace(price, covered=covered(suite.result["counts"]))


def covered(counts: Json) -> dict[str, tuple[int, int]]:
    """By level, how many clauses a run showed, of how many that are judged. Pure."""
    levels = {level: counts.get(level, {}) for level in ("MUST", "SHOULD")}
    return {
        level: (numbers.get("PASS", 0), sum(numbers.values()) - numbers.get("EXCLUDED", 0))
        for level, numbers in levels.items()
    }


def without_repeated_bursts(rows: Sequence[Json]) -> list[Json]:
    """The exchanges without the bursts that were fired again, as they are where this machine is busy. Pure.

    Two bursts of the same size never follow one another otherwise.
    """
    sizes = Counter(_burst(row) for row in rows)
    numbers = sorted(number for number in sizes if number)
    again = {one for one, other in pairwise(numbers) if sizes[one] == sizes[other]}
    return [row for row in rows if _burst(row) not in again]


def _burst(row: Json) -> int:
    number: int = row.get("burst", {}).get("number", 0)
    return number


def priced(rows: Iterable[Json], families: Mapping[str, str], cases: int, at_most: int, rate: float | None) -> Price:
    """Count the recorded exchanges of a rehearsal. Pure."""
    requests: Counter[str] = Counter()
    tokens: Counter[str] = Counter()
    sent = 0
    for row in rows:
        section = families.get(row["case"], _CONTROLS) if row["role"] != "control" else _CONTROLS
        requests[section] += 1
        tokens[section] += '"biz_token"' in (row["reply"] or {"body": ""})["body"]
        sent += row["request"]["bytes"]
    return Price(cases, requests, tokens, sent, at_most, rate)


def told(price: Price, lang: str) -> str:
    """The price as people read it."""
    zh = lang == "zh"
    head = ("部分", "请求", "biz_token") if zh else ("section", "requests", "biz_tokens")
    rows = [(name, str(count), str(price.tokens.get(name, 0))) for name, count in price.requests.items()]
    rows.append(("合计" if zh else "total", str(price.total), str(sum(price.tokens.values()))))
    lines = [f"{name:<14}{count:>10}{token:>12}" for name, count, token in (head, *rows)]
    times = ", ".join(f"{_minutes(price.seconds(each))} @ {each * 1000:.0f} ms" for each in LATENCIES)
    volume = f"{price.sent_bytes / 1e6:.1f} MB"
    shown = ", ".join(f"{level} {kept}/{of}" for level, (kept, of) in price.covered.items())
    if zh:
        return "\n".join([
            f"{price.cases} 个用例，符合契约的接口恰好收到 {price.total} 个请求；"
            f"无论如何不超过 {price.at_most} 个（重发与复核）。",
            *lines,
            f"覆盖的条款：{shown}",
            f"上传 {volume}；预计用时（按每个请求的耗时）：{times}",
        ])  # fmt: skip
    return "\n".join([
        f"{price.cases} cases: exactly {price.total} requests to a conformant endpoint, "
        f"never more than {price.at_most} to any (repetitions, confirmations).",
        *lines,
        f"clauses covered: {shown}",
        f"upload {volume}; time by what one request takes: {times}",
    ])  # fmt: skip


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


_StandIn = tuple[Target, float | None, int | None]  # the mock as target, the rate of the real one, fuzzing examples


@contextmanager
def _stand_in(
    options: Options, contract: Contract, directory: Path
) -> Iterator[tuple[Target, float | None, int | None]]:
    """A mock with the keys, the limit and the permissions that the target file tells of."""
    if options.target is None:
        mock = EmbeddedMock(options.contract)
        try:
            yield replace(mock.target(), max_in_flight=_at_once(options, options.rate)), options.rate, options.fuzz
        finally:
            mock.close()
        return
    told_of = read_target(options.target)
    keys, faults = directory / "keys.yaml", directory / "faults.yaml"
    faults.write_text(yaml.safe_dump(_forbidden(told_of, contract)), "utf-8")
    keys.write_text(yaml.safe_dump({"keys": _keys(told_of)}), "utf-8")
    single_use = "--no-single-use" if told_of.single_use_sign is False else "--single-use"
    mock = EmbeddedMock(options.contract, more=("--keys", str(keys), "--faults", str(faults), single_use))
    rate = min((limit for limit in (told_of.max_rate, options.rate) if limit), default=None)
    fuzz = options.fuzz if options.fuzz is not None or told_of.is_loopback else 0
    try:
        demo = mock.target()
        known = {role: demo.keys[role] for role in told_of.keys}
        here = replace(told_of, url=demo.url, keys=known, cacert=None, proxy=None, is_mock=True)
        yield replace(here, max_rate=None, max_in_flight=_at_once(options, rate)), rate, fuzz
    finally:
        mock.close()


def _at_once(options: Options, rate: float | None) -> int | None:
    """How many requests may be in flight: a rate, which nobody waits for here, forbids bursts as well."""
    limits = (options.max_in_flight, None if rate is None else math.ceil(rate))
    return min((limit for limit in limits if limit is not None), default=None)


def _keys(target: Target) -> list[Json]:
    """The demo keys with the limit that the target's active key has."""
    from biztoken.mock.keys import DEMO_FILE  # noqa: PLC0415 - only here

    rows: list[Json] = yaml.safe_load(DEMO_FILE.read_text("utf-8"))["keys"]
    return [row | {"concurrency": target.concurrency_limit} if row["role"] == "active" else row for row in rows]


def _forbidden(target: Target, contract: Contract) -> list[Json]:
    """Faults by which the mock refuses what the target's keys may not do."""
    return [
        {
            "id": f"no-{name}-{value}",
            "when": {"match": {name: f"^{value}$"}, "outcome": "success"},
            "change": {"error": "AUTHORIZATION_ERROR", "detail": "DENIED"},
        }
        for name, values in target.permits.items()
        for value in contract.parameters[name].values
        if value not in values
    ]
