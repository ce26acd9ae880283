"""What a plan costs: counted, not guessed, so that a conformant target gets exactly as many requests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from biztoken.cases import Case, all_branches
from biztoken.contract import Contract
from biztoken.needs import missing_need
from biztoken.settings import Target

# What may be sent beyond the plan, to repeat what got no answer or met a busy target: one request in so many.
_REPEATED_SHARE = 4
_CONFIRMING_BURSTS = 5  # an unexpected answer to a burst is confirmed by heavier ones


def expected_requests(cases: Iterable[Case], contract: Contract, target: Target) -> int:
    """How many requests the cases send to a conformant target, their controls included."""
    return sum(requests_by_section(cases, contract, target).values())


def requests_by_section(cases: Iterable[Case], contract: Contract, target: Target) -> Counter[str]:
    """The same by family; `controls` are sound requests that prove nothing by themselves."""
    counted: Counter[str] = Counter()
    controls = {("probe", branch, "[]") for branch in all_branches(contract) if branch.is_within(target.permits)}
    for case in cases:
        branch = next((branch for branch in case.branches(contract) if branch.is_within(target.permits)), None)
        if missing_need(case, target) or branch is None:
            continue
        controls.add((case.family, branch, repr(sorted(case.base.items()))))
        if not case.is_control:
            counted[case.family] += case.requests(target)
    counted["controls"] = len(controls)
    return counted


def ceiling(requests: int, target: Target) -> int:
    """The most that a plan of so many requests may ever send, whatever the target does."""
    burst = (target.concurrency_limit or 0) + 1
    return requests + requests // _REPEATED_SHARE + _CONFIRMING_BURSTS * burst
