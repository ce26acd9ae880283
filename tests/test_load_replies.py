"""Under load a reply earns what it earns in a check, however many of its kind came before."""

import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judging import CONTRACT, SOUND, TOKEN, exchange, failure, success

from biztoken.judge import judge
from biztoken.load import replies as module
from biztoken.load.replies import SHAPES, TOLERATED, Inspector, Seen, outcome_of
from biztoken.load.tokens import Tokens
from biztoken.model import Exchange, Reply
from biztoken.reading import read

NAMES = sorted(CONTRACT.errors)
thorough = settings(deadline=None, max_examples=400)


@pytest.fixture
def memories(tmp_path):
    """Memories for biz_token and request_id."""
    made = {name: Tokens(tmp_path / name) for name in ("tokens", "request_ids")}
    yield made
    for memory in made.values():
        memory.close()


def told(seen) -> set[str]:
    """The clauses that an exchange breaks."""
    return {finding.clause for finding in seen.findings}


def look(inspector: Inspector, one: Exchange) -> Seen:
    """What one exchange shows."""
    (seen,) = inspector.look([one])
    return seen


def judged(inspector: Inspector, one: Exchange) -> tuple[list, Counter[str]]:
    """What the judge itself says of an exchange: findings, and clauses kept."""
    checks = judge(one, inspector.expected(read(one.reply)), CONTRACT)
    return [check.finding for check in checks if check.finding], Counter(
        check.clause for check in checks if not check.finding
    )


# --- the fast way and the judge agree

scalars = st.none() | st.booleans() | st.integers(-2, 300) | st.floats(allow_nan=False) | st.text(max_size=5)
values = scalars | st.lists(scalars, max_size=2) | st.dictionaries(st.text(max_size=3), scalars, max_size=2)
errors = st.builds(
    "{}{}{}".format,
    st.sampled_from([*NAMES, "SOMETHING_ELSE", "LIMIT_REACHED", "Bad request"]),
    st.sampled_from(["", ": ", ":", " "]),
    st.sampled_from(["", "sign", "uuid", "LIMIT_REACHED", "DENIED", "image"]),
)
# Sound replies with members changed, dropped and added: near the sound ones, where a slip would be.
bodies = st.builds(
    lambda base, changes, drops: {name: value for name, value in (base | changes).items() if name not in drops},
    st.sampled_from([SOUND | TOKEN, SOUND]),
    st.dictionaries(st.sampled_from(["request_id", "biz_token", "time_used", "faces", "more"]), values, max_size=2)
    | st.builds(lambda error: {"error": error}, errors | values)
    | st.builds(lambda error, faces: {"error": error, "faces": faces}, errors, values),
    st.sets(st.sampled_from(["request_id", "biz_token", "time_used"]), max_size=2),
)
SPELLINGS = (
    json.dumps,
    lambda body: json.dumps(body, indent=1),
    lambda body: json.dumps(body) + " ",
    lambda body: " " + json.dumps(body),
    lambda body: "\ufeff" + json.dumps(body),
    lambda body: json.dumps(body) + "x",
    lambda body: json.dumps(body)[:-1] + ', "error": null}',
    lambda body: json.dumps(body)[:-1] + ', "biz_token": "other"}',
    lambda body: json.dumps([body]),
)
texts = st.builds(lambda body, spell: spell(body).encode(), bodies, st.sampled_from(SPELLINGS)) | st.binary(max_size=9)
forms = st.fixed_dictionaries(
    {},
    optional={
        "return_faces": st.sampled_from(["0", "1", "2"]),
        "liveness_type": st.sampled_from(["raw_image", "still"]),
    },
)
statuses = st.sampled_from([200, 200, 201, 302, 400, 403, 404, 413, 429, 500, 502, 503])
exchanges = st.builds(
    lambda status, body, form, waited: Exchange(
        1, tuple(form.items()), 900, 5.0, 5.0 + waited, Reply(status, (), body)
    ),
    statuses,
    texts,
    forms,
    st.sampled_from([0.0, 0.1, 0.25]),
)


@thorough
@given(
    st.lists(exchanges, min_size=1, max_size=12),
    st.sampled_from([(), ("AUTHORIZATION_ERROR: DENIED", "LIMIT_REACHED")]),
)
def test_every_reply_is_judged_as_by_the_judge(series, tolerated):
    """Whatever replies come, in whatever order, each earns the findings of the judge, and as many clauses are kept."""
    inspector = Inspector(CONTRACT, tolerated=tolerated)
    kept: Counter[str] = Counter()
    for one in (*series, *series):  # the second time what was seen is known
        findings, clauses = judged(inspector, one)
        kept += clauses
        seen = look(inspector, one)

        assert list(seen.findings) == findings
        assert seen.outcome == outcome_of(read(one.reply), CONTRACT)
    assert inspector.taken() == kept


@thorough
@given(st.lists(exchanges, max_size=12), st.integers(1, 5))
def test_several_at_once_are_judged_as_one_by_one(series, size):
    """In whatever portions replies come, each shows the same, tokens told before included, and as much is kept."""
    one_by_one, portions = (Inspector(CONTRACT, tokens=Tokens(), request_ids=Tokens()) for _ in range(2))
    alone = [look(one_by_one, one) for one in (*series, *series)]
    together = [
        seen
        for start in range(0, 2 * len(series), size)
        for seen in portions.look((*series, *series)[start : start + size])
    ]

    assert together == alone
    assert portions.taken() == one_by_one.taken()


def test_many_shapes_are_judged_as_well(monkeypatch):
    """A target whose errors are all different is judged as well, and fills no memory."""
    monkeypatch.setattr(module, "SHAPES", 10)
    inspector = Inspector(CONTRACT)
    for number in range(100):
        seen = look(inspector, failure(400, f"BAD_ARGUMENTS: field{number}"))
        assert told(seen) == {"FORM-DATA"}

    assert len(inspector._shapes) == 10
    assert inspector.taken()["REQUEST-ID-ON-ERROR"] == 100
    assert SHAPES >= 100


# --- what a target may do wrong

BROKEN = {
    "request_id is missing": (success(200, "request_id"), "REQUEST-ID-PRESENCE"),
    "request_id is empty": (success(request_id=""), "REQUEST-ID-TYPE"),
    "request_id is a number": (success(request_id=7), "REQUEST-ID-TYPE"),
    "biz_token is missing": (success(200, "biz_token"), "BIZ-TOKEN-PRESENCE"),
    "biz_token has another name": (success(200, "biz_token", token="1531397038"), "BIZ-TOKEN-PRESENCE"),
    "biz_token is null": (success(biz_token=None), "BIZ-TOKEN-TYPE"),
    "biz_token is empty": (success(biz_token=""), "BIZ-TOKEN-TYPE"),
    "time_used is missing": (success(200, "time_used"), "TIME-USED-PRESENCE"),
    "time_used is a text": (success(time_used="18"), "TIME-USED-TYPE"),
    "time_used is a truth": (success(time_used=True), "TIME-USED-TYPE"),
    "time_used is a fraction": (success(time_used=1.5), "TIME-USED-TYPE"),
    "time_used is negative": (success(time_used=-1), "TIME-USED-PLAUSIBLE"),
    "time_used is longer than it took": (success(time_used=117), "TIME-USED-PLAUSIBLE"),
    "faces nobody asked for": (success(faces=[]), "FACES-ABSENT"),
    "a success with an error": (success(error=""), "ERROR-ABSENT"),
    "a success with 201": (success(201), "SUCCESS-STATUS"),
    "a page": (exchange(200, b"<html>busy</html>"), "JSON-BODY"),
    "a page with 500": (exchange(500, b"<html>error</html>"), "JSON-BODY"),
    "a list": (exchange(200, []), "JSON-BODY"),
    "a sound request is refused": (failure(400, "BAD_ARGUMENTS: uuid"), "FORM-DATA"),
    "a wrong status": (failure(429, "CONCURRENCY_LIMIT_EXCEEDED"), "CONCURRENCY-LIMIT-EXCEEDED-STATUS"),
    "a status that is not documented": (failure(429, "TOO_MANY_REQUESTS"), "FORM-DATA"),
    "a limit without time_used": (failure(403, "CONCURRENCY_LIMIT_EXCEEDED", "time_used"), "TIME-USED-ON-ERROR"),
    "a small body is too large": (exchange(413, b"Request Entity Too Large"), "REQUEST-ENTITY-TOO-LARGE-LIMIT"),
}


@pytest.mark.parametrize(("one", "clause"), BROKEN.values(), ids=BROKEN)
def test_mistake_is_found_among_sound_replies(one, clause):
    """A reply that differs in one thing from the sound ones before and after breaks exactly that clause."""
    inspector = Inspector(CONTRACT)
    before = look(inspector, success())
    seen = [look(inspector, one) for _ in range(2)]
    after = look(inspector, success())

    assert [told(each) for each in (before, *seen, after)] == [set(), {clause}, {clause}, set()]


@pytest.mark.parametrize("name", ["request_id", "biz_token", "time_used", "error"])
def test_each_wrong_value_is_told_as_by_the_judge(name):
    """Though replies of one kind came before, which differ in nothing but a value that is wrong."""
    inspector = Inspector(CONTRACT)
    values = (5, 6, 0, -1, 5.5, 6.5, 0.0, "", "5", "six", None, True, False, [], [5], ["6"], {}, {"5": 6})
    ones = [success(**{name: value}) for value in values]

    assert [list(look(inspector, one).findings) for one in ones] == [judged(inspector, one)[0] for one in ones]


def test_sound_replies_earn_nothing():
    """A success, however its members vary, is `200`; and the clauses that it keeps are counted."""
    inspector = Inspector(CONTRACT)
    seen = [look(inspector, success(request_id=f"r{n}", biz_token=f"t{n}", time_used=n)) for n in range(100)]

    assert {(each.outcome, each.findings) for each in seen} == {("200", ())}
    assert inspector.taken()["BIZ-TOKEN-TYPE"] == 100
    assert inspector.taken() == Counter()


@pytest.mark.parametrize("name", TOLERATED)
def test_documented_errors_of_load_are_no_findings(name):
    """The concurrency limit and a server error, told as the contract says, break nothing and are no success."""
    inspector = Inspector(CONTRACT)
    seen = look(inspector, failure(CONTRACT.errors[name].status, name))

    assert (seen.outcome, seen.findings) == (f"{CONTRACT.errors[name].status} {name}", ())
    assert "FORM-DATA" not in inspector.taken()


def test_refusals_of_the_key_may_be_tolerated():
    """What a key earns by its state is no finding where it was said so before; with another reason it is."""
    inspector = Inspector(CONTRACT, tolerated=("AUTHORIZATION_ERROR: LIMIT_REACHED",))

    assert told(look(inspector, failure(403, "AUTHORIZATION_ERROR: LIMIT_REACHED"))) == set()
    assert told(look(inspector, failure(403, "AUTHORIZATION_ERROR: DENIED"))) == {"FORM-DATA"}
    assert told(look(Inspector(CONTRACT), failure(403, "AUTHORIZATION_ERROR: LIMIT_REACHED"))) == {"FORM-DATA"}


def test_a_server_error_of_another_name_is_left_to_the_profile():
    """How many 5xx may come is not for one reply to say; its form is judged."""
    inspector = Inspector(CONTRACT)

    assert told(look(inspector, failure(503, "SERVICE_BUSY"))) == set()
    assert told(look(inspector, failure(503, "SERVICE_BUSY", "request_id"))) == {"REQUEST-ID-ON-ERROR"}


def test_faces_are_looked_at_where_they_were_asked_for():
    """The same reply is sound for one request and not for another."""
    inspector = Inspector(CONTRACT)
    asked = {"return_faces": "1", "liveness_type": "raw_image"}

    for _ in range(2):
        assert told(look(inspector, success(form=asked))) == {"FACES-SUCCESS"}
        assert told(look(inspector, success(form=asked, faces=[]))) == set()
        assert told(look(inspector, success(form=asked, faces={}))) == {"FACES-TYPE"}
        assert told(look(inspector, success())) == set()


# --- what must not come twice


def test_repeated_token_is_a_finding(memories):
    """A biz_token told before breaks its clause, and only it; so does a request_id."""
    inspector = Inspector(CONTRACT, **memories)
    seen = [
        look(inspector, success(request_id=request_id, biz_token=token))
        for request_id, token in [("r1", "t1"), ("r2", "t2"), ("r3", "t1"), ("r2", "t4"), ("r1", "t1")]
    ]

    both = {"BIZ-TOKEN-UNIQUE", "REQUEST-ID-UNIQUE"}
    assert [told(each) for each in seen] == [set(), set(), {"BIZ-TOKEN-UNIQUE"}, {"REQUEST-ID-UNIQUE"}, both]
    assert seen[2].findings[0].received == "a biz_token told before"
    kept = inspector.taken()
    assert (kept["BIZ-TOKEN-UNIQUE"], kept["REQUEST-ID-UNIQUE"]) == (3, 3)


def test_repeated_token_among_several_at_once_is_a_finding(memories):
    """Of the same portion, or of one before; the first is none, and what has no reply stands in nobody's way."""
    inspector = Inspector(CONTRACT, **memories)
    lost = Exchange(1, (), 9, 0.0, 1.0, None, "timeout: no reply within 5 s")
    pairs = [("r1", "t1"), ("r2", "t1"), ("r2", "t3")]
    seen = inspector.look([lost, *(success(request_id=request_id, biz_token=token) for request_id, token in pairs)])
    seen += inspector.look([success(request_id="r5", biz_token="t5"), lost, success(request_id="r6", biz_token="t3")])

    both = {"BIZ-TOKEN-UNIQUE"}, {"REQUEST-ID-UNIQUE"}
    assert [told(each) for each in seen] == [set(), set(), *both, set(), set(), both[0]]
    assert (memories["tokens"].repeated, memories["request_ids"].repeated) == (2, 1)


def test_repeated_token_in_a_reply_that_is_broken_otherwise_is_a_finding(memories):
    """What else is wrong with a reply hides no repetition."""
    inspector = Inspector(CONTRACT, **memories)
    look(inspector, success(biz_token="t1"))
    seen = look(inspector, success(request_id="r2", biz_token="t1", time_used="18"))

    assert told(seen) == {"TIME-USED-TYPE", "BIZ-TOKEN-UNIQUE"}


@pytest.mark.parametrize(("name", "clause"), [("request_id", "REQUEST-ID-TYPE"), ("biz_token", "BIZ-TOKEN-TYPE")])
def test_what_is_empty_is_not_repeated(memories, name, clause):
    """It is wrong each time, and told as that."""
    inspector = Inspector(CONTRACT, **memories)
    seen = [
        look(inspector, success(**{"request_id": f"r{number}", "biz_token": f"t{number}", name: ""}))
        for number in range(2)
    ]

    assert [told(each) for each in seen] == [{clause}] * 2


def test_token_in_an_error_counts_for_nothing(memories):
    """As in a check, a biz_token beside an error is none; its request_id must be new all the same."""
    inspector = Inspector(CONTRACT, **memories)
    look(inspector, success(biz_token="t1"))
    seen = look(inspector, failure(403, "CONCURRENCY_LIMIT_EXCEEDED", biz_token="t1"))

    assert told(seen) == {"REQUEST-ID-UNIQUE"}
    assert memories["tokens"].seen == 1


# --- outcomes

OUTCOMES = {
    "200": success(),
    "201": success(201),
    "200 BAD_ARGUMENTS": failure(200, "BAD_ARGUMENTS: uuid"),
    "200 unreadable": exchange(200, b"<html>"),
    "403 CONCURRENCY_LIMIT_EXCEEDED": failure(403, "CONCURRENCY_LIMIT_EXCEEDED"),
    "429 CONCURRENCY_LIMIT_EXCEEDED": failure(429, "CONCURRENCY_LIMIT_EXCEEDED : more"),
    "403 AUTHORIZATION_ERROR: DENIED": failure(403, "AUTHORIZATION_ERROR:DENIED"),
    "403 AUTHORIZATION_ERROR": failure(403, "AUTHORIZATION_ERROR: WHATEVER"),
    "403 LIMIT_REACHED": failure(403, "LIMIT_REACHED"),
    "400 BAD_ARGUMENTS": failure(400, "BAD_ARGUMENTS: uuid"),
    "400 unknown error": failure(400, "NO_SUCH_THING"),
    "500": exchange(500, b"<html>"),
    "500 INTERNAL_ERROR": failure(500, "INTERNAL_ERROR"),
    "413": exchange(413, b"Request Entity Too Large"),
    "400": exchange(400, {"message": "no error member"}),
}


@pytest.mark.parametrize(("outcome", "one"), OUTCOMES.items(), ids=OUTCOMES)
def test_outcome_is_named(outcome, one):
    """Outcomes are few, tell successes from all else, and name what the contract names."""
    assert look(Inspector(CONTRACT), one).outcome == outcome


@pytest.mark.parametrize("reason", ["timeout", "closed", "send"])
def test_outcome_without_a_reply_is_its_reason(reason):
    """A request that got no reply is no finding of this kind; its reason is the outcome."""
    seen = look(Inspector(CONTRACT), Exchange(1, (), 9, 0.0, 1.0, None, f"{reason}: in more words"))

    assert (seen.outcome, seen.findings) == (reason, ())


def test_sound_replies_are_judged_once(monkeypatch):
    """What makes a sound reply cheap: the judge is asked for the first of its kind only."""
    calls = []
    monkeypatch.setattr(module, "judge", lambda *arguments: calls.append(1) or judge(*arguments))
    inspector = Inspector(CONTRACT)
    for number in range(50):
        look(inspector, success(request_id=str(number), biz_token=str(number), time_used=number))
        look(inspector, failure(403, "CONCURRENCY_LIMIT_EXCEEDED", request_id=f"r{number}"))

    assert len(calls) == 2
