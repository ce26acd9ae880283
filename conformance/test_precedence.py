"""Which of two defects in one request is told. Nothing is judged: the contract states no order."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

from biztoken.client import Request
from biztoken.model import Verdict
from biztoken.precedence import pair, winner
from biztoken.pytest_plugin import sequence
from biztoken.reading import read
from biztoken.requests import fill

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from biztoken.cases import Branch, Case
    from biztoken.runner import Run
    from biztoken.verdicts import CaseResult

TIMES = 2  # each pair, to see whether the answer is always the same
WHERE = {"comparison_type": ("0",), "liveness_type": ("meglive", "still", "flash")}
# Each defect by itself; no two of them need the same field, but for the sign, which can be spoilt in two ways at once.
DEFECTS: Mapping[str, Mapping[str, Any]] = {
    "sign": {"sign": {"spoil": "wrong-secret"}},
    "expired": {"sign": {"expire": "expired"}},
    "permission": {"key": "denied"},
    "missing": {"form": {"uuid": None}},
    "value": {"form": {"biz_no": "b" * 129}},
    "picture": {"form": {"image_ref1": {"picture": "not-a-picture"}}},
    "face": {"form": {"image_ref2": {"picture": "no-face"}}},
}
OF_KEY = "permission"
PAIRS = [pair_ for pair_ in combinations(DEFECTS, 2) if OF_KEY not in pair_]
PAIRS_OF_KEY = [pair_ for pair_ in combinations(DEFECTS, 2) if OF_KEY in pair_]


@sequence("precedence", "PRECEDENCE", where=WHERE, plan="full", requests=lambda _: TIMES * len(PAIRS))
def test_precedence(run: Run, case: Case, branch: Branch) -> CaseResult:
    """Every pair of defects that any key can show."""
    return explore(run, case, branch, PAIRS)


@sequence(
    "precedence-of-key",
    "PRECEDENCE",
    where=WHERE,
    plan="full",
    needs=("keys.denied",),
    requests=lambda _: TIMES * len(PAIRS_OF_KEY),
)
def test_precedence_of_key(run: Run, case: Case, branch: Branch) -> CaseResult:
    """Every pair with a key that may not call the API."""
    return explore(run, case, branch, PAIRS_OF_KEY)


def explore(run: Run, case: Case, branch: Branch, pairs: Sequence[tuple[str, str]]) -> CaseResult:
    """Send each pair and record what came."""
    form = run.controls.get(branch, {}, "sequences").form
    for first, second in pairs:
        one, two = DEFECTS[first], DEFECTS[second]
        fields = fill({**form, **one.get("form", {}), **two.get("form", {})}, run.samples)
        sign = {**one.get("sign", {}), **two.get("sign", {})}
        request = Request(fields, one.get("key") or two.get("key") or "active", sign or None)
        seen = []
        for _ in range(TIMES):
            exchange = run.sender.persist(request, case.id, "probe")
            seen.append(winner(first, second, read(exchange.reply)) if exchange.reply else "no reply")
        run.ledger.pairs.append(pair(first, second, seen))
        run.ledger.tally.observations[case.clause].append(f"{first} and {second}: {' or '.join(dict.fromkeys(seen))}")
    return run.result(case, Verdict.OBSERVED)
