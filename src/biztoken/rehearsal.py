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

from biztoken import certificate
from biztoken.cases import load_cases
from biztoken.changes import find_baseline
from biztoken.check import play
from biztoken.contract import Contract
from biztoken.embedded import EmbeddedMock
from biztoken.errors import UserError
from biztoken.model import Json
from biztoken.pricing import ceiling
from biztoken.recording import Recording
from biztoken.reporting import Progress
from biztoken.resuming import may_go_on
from biztoken.settings import Target, read_target
from biztoken.suite import Options, Suite, checked

LATENCIES = (0.1, 0.3, 1.0)  # seconds a request may take, for which the time is told
_CONTROLS = "controls"


@dataclass(frozen=True, slots=True)
class Price:
    """What a plan costs. `requests`, `tokens` by section; `sent_bytes` in all; `at_most` requests, whatever happens.

    `covered`: by level, how many clauses it shows, of how many that are judged. `budget`: how many requests the user's
    own bound leaves, None where there is none.
    """

    cases: int
    requests: Mapping[str, int]
    tokens: Mapping[str, int]
    sent_bytes: int
    at_most: int
    rate: float | None
    covered: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    budget: int | None = None

    @property
    def total(self) -> int:
        return sum(self.requests.values())

    def seconds(self, latency: float) -> float:
        """How long it takes where each request takes so long; they go one after another but for the bursts."""
        return max(self.total * latency, self.total / self.rate if self.rate else 0.0)


def rehearse(options: Options) -> Price:
    """Play the plan of `options` against a mock that stands for its target. Nothing is sent to the target itself.

    Of a run that goes on, what is left of it. UserError as the run itself would raise it.
    """
    options, recording, contract, _ = checked(options)
    progress = Progress(lang=options.lang)
    with tempfile.TemporaryDirectory(prefix="biztoken-") as place:
        directory = Path(place)
        with _stand_in(options, contract, directory) as (target, rate, fuzz, real):
            _hold(options, recording, contract, real)
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
    left = remaining(counted, recording.rows if recording else ())
    done, sent = (len(recording.finished), recording.sent) if recording else (0, 0)
    at_most = ceiling(len(counted), target) + (len(recording.dropped) if recording else 0) - sent
    budget = None if options.budget is None else max(0, options.budget - sent)
    at_most = max(0, at_most if budget is None else min(at_most, budget))
    price = priced(left, families, len(suite.planned) - done, at_most, rate)
    return replace(price, covered=covered(suite.result["counts"]), budget=budget)


def _hold(options: Options, recording: Recording | None, contract: Contract, real: Target) -> None:
    """UserError where the run itself would be refused for its baseline or its target."""
    if recording is not None and options.resume is not None:
        known = certificate.case_set(load_cases(contract))
        may_go_on(options.resume, known, real, is_embedded=options.target is None)
    if options.baseline is not None:
        find_baseline(options.baseline, {"url": real.url, "mock": real.is_mock})


def remaining(rows: Iterable[Json], recorded: Iterable[Json]) -> list[Json]:
    """The exchanges of a whole run without those that a stopped one has recorded and need not send again. Pure."""
    done = Counter((row["case"], row["role"]) for row in recorded)
    left = []
    for row in rows:
        key = (row["case"], row["role"])
        if done[key]:
            done[key] -= 1
        else:
            left.append(row)
    return left


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
        ends = f"budget 只剩 {price.budget} 个请求，运行会在中途停止。"
    else:
        ends = f"The budget leaves {price.budget} requests, and ends the run on its way."
    more = [ends] if price.budget is not None and price.budget < price.total else []
    if zh:
        return "\n".join([
            f"{price.cases} 个用例，符合契约的接口恰好收到 {price.total} 个请求；"
            f"无论如何不超过 {price.at_most} 个（重发与复核）。",
            *lines,
            f"覆盖的条款：{shown}",
            f"上传 {volume}；预计用时（按每个请求的耗时）：{times}",
            *more,
        ])  # fmt: skip
    return "\n".join([
        f"{price.cases} cases: exactly {price.total} requests to a conformant endpoint, "
        f"never more than {price.at_most} to any (repetitions, confirmations).",
        *lines,
        f"clauses covered: {shown}",
        f"upload {volume}; time by what one request takes: {times}",
        *more,
    ])  # fmt: skip


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


# The mock as target, the rate of the real one, fuzzing examples, and the real one.
_StandIn = tuple[Target, float | None, int | None, Target]


@contextmanager
def _stand_in(options: Options, contract: Contract, directory: Path) -> Iterator[_StandIn]:
    """A mock with the keys, the limit and the permissions that the target file tells of."""
    if options.target is None:
        mock = EmbeddedMock(options.contract)
        try:
            target = mock.target()
            here = replace(target, max_in_flight=_at_once(options, options.rate))
            yield here, options.rate, options.fuzz, target
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
        yield replace(here, max_rate=None, max_in_flight=_at_once(options, rate)), rate, fuzz, told_of
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
