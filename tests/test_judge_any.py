"""Whatever comes back, the judge says something sensible: it never raises, and a sound reply earns no finding."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judging import CONTRACT, SOUND, TOKEN

from biztoken.cases import load_cases
from biztoken.judge import Alternative, Expected, judge
from biztoken.model import Exchange, Level, Reply
from biztoken.reading import Outcome, read

CASES = load_cases(CONTRACT)
EXPECTED = sorted({case.expected for case in CASES}, key=repr)
NAMES = sorted(CONTRACT.errors)
REASONS = CONTRACT.errors["AUTHORIZATION_ERROR"].reasons
DETAILS = ["sign", "uuid", "image", "image_ref1", "image_ref2", "no_such_thing", *REASONS]
thorough = settings(deadline=None, max_examples=200)

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
lists = st.lists(scalars, max_size=3)
values = scalars | lists | st.dictionaries(st.text(max_size=9), scalars | lists, max_size=3)
errors = st.builds(
    "{}{}{}".format, st.sampled_from(NAMES), st.sampled_from(["", ": ", ":", " ", " :"]), st.sampled_from(DETAILS)
)
objects = st.fixed_dictionaries(
    {},
    optional={
        "error": errors | values,
        "biz_token": st.text() | values,
        "request_id": st.text() | values,
        "time_used": st.integers() | values,
        "faces": values,
    },
)
bodies = st.binary(max_size=60) | (objects | values).map(lambda body: json.dumps(body).encode())
forms = st.fixed_dictionaries(
    {},
    optional={
        "return_faces": st.sampled_from(["0", "1", "2"]),
        "liveness_type": st.sampled_from(["raw_image", "still"]),
    },
)


def exchange(status: int, body: bytes, form: dict) -> Exchange:
    """An exchange that took 100 ms."""
    return Exchange(1, tuple(form.items()), 900, 5.0, 5.1, Reply(status, (), body))


def told(alternative: Alternative, spacing: str) -> tuple[int, str]:
    """Status and text of an error that is legal by this alternative."""
    if alternative.error is None:
        return alternative.status, "BAD_ARGUMENTS: image"
    row = CONTRACT.errors[alternative.error]
    detail = {"*": "DENIED", None: ""}.get(alternative.detail, alternative.detail)
    return row.status, f"{row.name}{spacing}{detail}" if detail else row.name


@thorough
@given(st.integers(100, 599), bodies, forms, st.sampled_from(EXPECTED))
def test_judge_never_raises(status, body, form, expected):
    """Any status, any bytes, any JSON, for any expectation of any case: known clauses, short findings, no exception."""
    for check in judge(exchange(status, body, form), expected, CONTRACT):
        assert check.clause in CONTRACT.clauses
        if check.finding:
            assert check.finding.clause == check.clause
            assert check.finding.received != check.finding.expected
            assert len(check.finding.received) < 400


@thorough
@given(st.integers(100, 599), bodies)
def test_reading_never_raises(status, body):
    """A reply of any status and any bytes can be read, and an acceptance has a good status."""
    reading = read(Reply(status, (), body))

    assert reading.outcome in Outcome
    assert reading.outcome is not Outcome.ACCEPTED or status < 300
    assert (reading.outcome is Outcome.REFUSED) == bool(reading.name)


REFUSALS = [expected for expected in EXPECTED if expected.kind == "refused"]
ALTERNATIVES = [
    pytest.param(expected, alternative, id=f"{expected.clause}-{alternative.told()}")
    for expected in REFUSALS
    for alternative in expected.alternatives
]


@pytest.mark.parametrize(("expected", "alternative"), ALTERNATIVES)
def test_sound_refusal_earns_no_finding(expected, alternative):
    """Each legal refusal of each case, in each legal spelling, keeps the case's own clause and breaks nothing."""
    for spacing in (": ", ":", " : ", " "):
        status, error = told(alternative, spacing)
        body = json.dumps(SOUND | {"error": error, "message": "more"}).encode()

        checks = judge(exchange(status, body, {}), expected, CONTRACT)

        assert [check.finding for check in checks if check.finding] == []
        assert expected.clause in {check.clause for check in checks}


@settings(deadline=None)
@given(st.sampled_from([expected for expected in EXPECTED if expected.kind == "accepted"]), st.integers(0, 100))
def test_sound_acceptance_earns_no_finding(expected, time_used):
    """A sound reply, more fields or not, keeps the clause of each case that is to be accepted."""
    body = json.dumps(SOUND | TOKEN | {"time_used": time_used, "more": {"fields": [1]}}).encode()

    checks = judge(exchange(200, body, {}), expected, CONTRACT)

    assert [check.finding for check in checks if check.finding] == []
    assert expected.clause in {check.clause for check in checks}


def is_legal(expected: Expected, status: int, name: str, detail: str) -> bool:
    """Whether a refusal is one of those that are due, told with a status that it may have."""
    rows = [CONTRACT.errors[name]] if name in CONTRACT.errors else []
    return any(
        (alternative.error is None and status == alternative.status)
        or (alternative.error == name and alternative.detail in (None, detail))
        or (alternative.error == name and not detail and CONTRACT.errors[name].detail == "optional")
        or (alternative.error == name and alternative.detail == "*" and detail)
        for alternative in expected.alternatives
    ) and all(row.status == status for row in rows)


@pytest.mark.parametrize("expected", REFUSALS, ids=lambda expected: expected.clause)
def test_every_other_refusal_breaks_a_clause_that_counts(expected):
    """Of all errors of the table with all details, each one that is not due is charged to a clause that can fail."""
    lost = []
    for name, row in CONTRACT.errors.items():
        for detail in ("", *DETAILS) if row.body == "json" else ():
            body = json.dumps(SOUND | {"error": f"{name}: {detail}" if detail else name}).encode()
            checks = judge(exchange(row.status, body, {}), expected, CONTRACT)
            charged = [CONTRACT.clauses[check.clause] for check in checks if check.finding]
            counts = any(clause.level is not Level.OBSERVE for clause in charged)
            if not counts and not expected.witness and not is_legal(expected, row.status, name, detail):
                lost.append(f"{row.status} {name}: {detail}")

    assert lost == []


@pytest.mark.parametrize("expected", REFUSALS, ids=lambda expected: expected.clause)
def test_acceptance_where_refusal_is_due_breaks_the_clause_or_is_unseen(expected):
    """A target that accepts everything breaks each rule that refuses; only a witness leaves it to others."""
    body = json.dumps(SOUND | TOKEN).encode()

    checks = judge(exchange(200, body, {}), expected, CONTRACT)

    broken = {check.clause for check in checks if check.finding}
    assert broken == (set() if expected.witness else {expected.clause})


def test_expectations_are_of_known_kinds():
    """The judge knows what to do with each expectation that a case has."""
    known = {"accepted", "refused", "other", "observe", "too-large", "not-too-large"}

    assert {expected.kind for expected in EXPECTED} == known
    assert [
        expected for expected in EXPECTED if expected.kind in ("refused", "other") and not expected.alternatives
    ] == []
    assert judge(exchange(200, b"{}", {}), Expected("observe", "PRECEDENCE"), CONTRACT) == []
