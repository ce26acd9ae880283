"""The exit code: 1 not conformant, 3 incomplete, 2 no verdict, 0 conformant, in this order."""

from functools import partial
from itertools import product

import pytest

from biztoken.verdicts import exit_code, missing_required, verdict_word


def rows(*verdicts: str, level: str = "MUST") -> list[dict]:
    """Rows of result.json with these verdicts, whose ids are C-0, C-1 and so on."""
    return [{"id": f"C-{n}", "level": level, "verdict": v, "excluded": None} for n, v in enumerate(verdicts)]


def code(*verdicts: str, planned: int = 9, executed: int = 9, controls: int = 5, level: str = "MUST", **more) -> int:
    """The exit code of a run that earned these."""
    return exit_code(rows(*verdicts, level=level), planned=planned, executed=executed, sound_controls=controls, **more)


# Each line of the issue, then the combinations in which one line beats another.
CODES = {
    "all passed": (partial(code, "PASS", "PASS"), 0),
    "passed, observed, not applicable": (partial(code, "PASS", "OBSERVED", "NOT_APPLICABLE"), 0),
    "a SHOULD warns": (partial(code, "PASS", "WARN"), 0),
    "some could not be tested": (partial(code, "PASS", "UNTESTABLE"), 0),
    "left out of a partial run": (partial(code, "PASS", "NOT_RUN"), 0),
    "a MUST failed": (partial(code, "PASS", "FAIL"), 1),
    "a MUST failed, interrupted": (partial(code, "FAIL", "NOT_RUN", executed=3), 1),
    "a MUST failed, stopped before any case": (partial(code, "FAIL", executed=0, stopped=True), 1),
    "a MUST failed, no sound control": (partial(code, "FAIL", controls=0), 1),
    "a MUST failed, and something of ours": (partial(code, "FAIL", "HARNESS"), 1),
    "a MUST failed, and what is required is not shown": (partial(code, "FAIL", "UNTESTABLE", required=("must",)), 1),
    "interrupted": (partial(code, "PASS", "NOT_RUN", executed=8), 3),
    "interrupted, no sound control": (partial(code, "UNTESTABLE", executed=8, controls=0), 3),
    "interrupted, something of ours": (partial(code, "HARNESS", executed=8), 3),
    "more executed than planned": (partial(code, "PASS", planned=8), 3),
    "no sound control": (partial(code, "UNTESTABLE", controls=0), 2),
    "no sound control though all passed": (partial(code, "PASS", controls=0), 2),
    "something of ours": (partial(code, "PASS", "HARNESS"), 2),
    "ours, and a required one not shown": (partial(code, "HARNESS", "UNTESTABLE", required=("must",)), 2),
    "no case at all": (partial(code, "NOT_RUN", planned=0, executed=0), 2),
    "no case at all and no control": (partial(code, planned=0, executed=0, controls=0), 2),
    "stopped before any case": (partial(code, "NOT_RUN", executed=0, stopped=True), 2),
    "required and shown": (partial(code, "PASS", required=("C-0",)), 0),
    "required and not shown": (partial(code, "PASS", "UNTESTABLE", required=("C-1",)), 3),
    "required and left out": (partial(code, "PASS", "NOT_RUN", required=("C-1",)), 3),
    "required and warned": (partial(code, "WARN", level="SHOULD", required=("C-0",)), 3),
    "something else required": (partial(code, "PASS", "UNTESTABLE", required=("C-0",)), 0),
    "every MUST required and shown": (partial(code, "PASS", "PASS", required=("must",)), 0),
    "every MUST required and one not shown": (partial(code, "PASS", "UNTESTABLE", required=("must",)), 3),
    "every MUST required and a SHOULD not shown": (partial(code, "UNTESTABLE", level="SHOULD", required=("must",)), 0),
}


@pytest.mark.parametrize(("run", "due"), CODES.values(), ids=CODES)
def test_exit_code(run, due):
    """A MUST that failed is 1 even if interrupted; else incomplete is 3, else no ground for a verdict is 2, else 0."""
    assert run() == due


@pytest.mark.parametrize(("failed", "complete", "grounded", "shown"), list(product((False, True), repeat=4)))
def test_every_combination(failed, complete, grounded, shown):
    """Failure, incompleteness, no ground and what is required are weighed in this order, in all combinations."""
    verdicts = ["PASS", *(["FAIL"] if failed else []), *([] if shown else ["UNTESTABLE"])]

    got = code(*verdicts, executed=9 if complete else 4, controls=5 if grounded else 0, required=("must",))

    assert got == (1 if failed else 3 if not complete else 2 if not grounded else 0 if shown else 3)


def test_excluded_clause_is_never_required_by_must():
    """`must` stands for what can be seen from outside."""
    excluded = {"id": "C-9", "level": "MUST", "verdict": "NOT_APPLICABLE", "excluded": {"en": "…", "zh": "…"}}

    assert missing_required([*rows("PASS"), excluded], ["must"]) == []


def test_missing_ones_are_named_in_order():
    """What is required and was not shown is named, in the order of the contract."""
    assert missing_required(rows("UNTESTABLE", "PASS", "NOT_RUN"), ["C-2", "C-1", "C-0"]) == ["C-0", "C-2"]


def test_words_of_the_codes():
    """Each code has its word in result.json."""
    assert [verdict_word(number) for number in range(4)] == ["conformant", "not-conformant", "no-verdict", "incomplete"]
