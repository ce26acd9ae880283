"""How a finding reads: the clause that pays, the aspect that groups it, what was due and what came, word for word."""

import pytest
from judging import CONTRACT, accepted, exchange, failure, findings, kept, refused, success

from biztoken.finding import broken, quoted
from biztoken.judge import Alternative, Expected, judge
from biztoken.reading import Outcome, read

HTML = b"<html>Bad Gateway</html>"
LISTED = accepted("VERBOSE-VALUES")
TOO_LONG = refused("UUID-LENGTH", "BAD_ARGUMENTS: uuid")
EMPTY = refused("UUID-EMPTY", "MISSING_ARGUMENTS: uuid", "BAD_ARGUMENTS: uuid")
EXPIRED = refused("SIGN-EXPIRY", "AUTHORIZATION_ERROR: EXPIRED_SIGN")
INVALID = refused("SIGN-SIGNATURE", "AUTHENTICATION_ERROR", "AUTHORIZATION_ERROR: INVALID_SIGN")
ANY_REASON = refused("SIGN-KEY", "AUTHORIZATION_ERROR")
ANY_400 = refused("IMAGE-DECODABLE", "400")
TOO_LARGE = Expected("too-large", "REQUEST-ENTITY-TOO-LARGE-STATUS")
NOT_TOO_LARGE = Expected("not-too-large", "REQUEST-ENTITY-TOO-LARGE-LIMIT")
NOT_THAT = Expected(
    "other",
    "NO-VERIFY-PERMISSION",
    (Alternative("AUTHORIZATION_ERROR", "NO_VERIFY_PERMISSION"), Alternative("LOW_QUALITY")),
)
DUE_EMPTY = "MISSING_ARGUMENTS: uuid or BAD_ARGUMENTS: uuid"
NO_JSON = ("JSON-BODY", "body", "a JSON object", "status 500, a body that is none")

# A reply, what was to follow, and its findings: clause, aspect, what was due, what came.
RULES = {
    "accepted": (success(), EMPTY, [("UUID-EMPTY", "accepted", DUE_EMPTY, "status 200, accepted")]),
    "another name": (
        failure(400, "LOW_QUALITY"),
        EMPTY,
        [("UUID-EMPTY", "name", DUE_EMPTY, "status 400, LOW_QUALITY")],
    ),
    "another name for any reason": (
        failure(400, "BAD_ARGUMENTS: sign"),
        ANY_REASON,
        [("SIGN-KEY", "name", "AUTHORIZATION_ERROR", "status 400, BAD_ARGUMENTS: sign")],
    ),
    "another status for any error": (
        failure(403, "SOMETHING_ELSE"),
        ANY_400,
        [("IMAGE-DECODABLE", "status", "any error with status 400", "status 403")],
    ),
    "another detail": (
        failure(400, "BAD_ARGUMENTS: biz_no"),
        TOO_LONG,
        [("BAD-ARGUMENTS-DETAIL", "detail", "BAD_ARGUMENTS: uuid", "status 400, BAD_ARGUMENTS: biz_no")],
    ),
    "no detail": (
        failure(400, "BAD_ARGUMENTS"),
        TOO_LONG,
        [("BAD-ARGUMENTS-DETAIL", "detail", "BAD_ARGUMENTS: uuid", "BAD_ARGUMENTS without detail")],
    ),
    "another reason": (
        failure(403, "AUTHORIZATION_ERROR: DENIED"),
        EXPIRED,
        [("EXPIRED-SIGN", "reason", "AUTHORIZATION_ERROR: EXPIRED_SIGN", "status 403, AUTHORIZATION_ERROR: DENIED")],
    ),
    "refused": (
        failure(400, "BAD_ARGUMENTS: verbose"),
        LISTED,
        [("VERBOSE-VALUES", "refused", "accepted", "status 400, BAD_ARGUMENTS: verbose")],
    ),
    "a server error instead of an acceptance": (
        exchange(500, HTML),
        LISTED,
        [NO_JSON, ("VERBOSE-VALUES", "failed", "accepted", "status 500, no error told")],
    ),
    "a named server error instead of an acceptance": (
        failure(500, "INTERNAL_ERROR"),
        LISTED,
        [("VERBOSE-VALUES", "failed", "accepted", "status 500, INTERNAL_ERROR")],
    ),
    "a server error instead of a refusal": (
        exchange(500, HTML),
        EMPTY,
        [NO_JSON, ("UUID-EMPTY", "failed", DUE_EMPTY, "status 500, no error told")],
    ),
    "a named server error instead of a refusal": (
        failure(500, "INTERNAL_ERROR"),
        EMPTY,
        [("UUID-EMPTY", "failed", DUE_EMPTY, "status 500, INTERNAL_ERROR")],
    ),
    "the refusal that has no place": (
        failure(403, "AUTHORIZATION_ERROR: NO_VERIFY_PERMISSION"),
        NOT_THAT,
        [
            (
                "NO-VERIFY-PERMISSION",
                "refused",
                "no AUTHORIZATION_ERROR: NO_VERIFY_PERMISSION or LOW_QUALITY",
                "status 403, AUTHORIZATION_ERROR: NO_VERIFY_PERMISSION",
            )
        ],
    ),
    "the other refusal that has no place": (
        failure(400, "LOW_QUALITY"),
        NOT_THAT,
        [
            (
                "NO-VERIFY-PERMISSION",
                "refused",
                "no AUTHORIZATION_ERROR: NO_VERIFY_PERMISSION or LOW_QUALITY",
                "status 400, LOW_QUALITY",
            )
        ],
    ),
    "too large and accepted": (
        success(),
        TOO_LARGE,
        [("REQUEST-ENTITY-TOO-LARGE-STATUS", "status", "status 413", "status 200, accepted")],
    ),
    "too large in JSON": (
        exchange(413, {"error": "Request Entity Too Large"}),
        TOO_LARGE,
        [("REQUEST-ENTITY-TOO-LARGE-BODY", "body", "plain text", "a JSON body")],
    ),
    "too large in a text of JSON": (
        exchange(413, b'"Request Entity Too Large"'),
        TOO_LARGE,
        [("REQUEST-ENTITY-TOO-LARGE-BODY", "body", "plain text", "a JSON body")],
    ),
    "too large in other words": (
        exchange(413, "trop grand €".encode("cp1252")),
        TOO_LARGE,
        [("REQUEST-ENTITY-TOO-LARGE-NAME", "name", "Request Entity Too Large", '"trop grand �"')],
    ),
    "not too large and 413": (
        exchange(413, b"Request Entity Too Large"),
        NOT_TOO_LARGE,
        [("REQUEST-ENTITY-TOO-LARGE-LIMIT", "status", "no 413", "status 413")],
    ),
}


@pytest.mark.parametrize(("one", "expected", "due"), RULES.values(), ids=RULES)
def test_finding_of_a_rule_reads_alone(one, expected, due):
    """A finding names its clause and aspect, all that was due, and what came, in words that stay the same."""
    told = [(found.clause, found.aspect, found.expected, found.received) for found in findings(one, expected)]

    assert told == due


SHOWN = {
    "an acceptance": (success(), LISTED, {"VERBOSE-VALUES"}),
    "a reason": (
        failure(403, "AUTHORIZATION_ERROR: EXPIRED_SIGN"),
        EXPIRED,
        {"SIGN-EXPIRY", "EXPIRED-SIGN", "AUTHORIZATION-ERROR-NAME", "AUTHORIZATION-ERROR-DETAIL"},
    ),
    "a parameter": (
        failure(400, "BAD_ARGUMENTS: uuid"),
        TOO_LONG,
        {"UUID-LENGTH", "BAD-ARGUMENTS-NAME", "BAD-ARGUMENTS-DETAIL"},
    ),
    "an error of its own": (failure(403, "AUTHENTICATION_ERROR"), INVALID, {"SIGN-SIGNATURE"}),
    "what is not too large": (success(), NOT_TOO_LARGE, {"REQUEST-ENTITY-TOO-LARGE-LIMIT"}),
    "another refusal": (failure(400, "BAD_ARGUMENTS: uuid"), NOT_THAT, {"NO-VERIFY-PERMISSION"}),
}


@pytest.mark.parametrize(("one", "expected", "due"), SHOWN.values(), ids=SHOWN)
def test_sound_reply_shows_its_rule(one, expected, due):
    """A reply that is right keeps the clause of the case and what else it shows of the error."""
    assert due <= kept(one, expected)


def test_wrong_status_shows_no_status_kept():
    """An error with the wrong status breaks its status clause and never keeps it as well."""
    for error in ("AUTHENTICATION_ERROR", "AUTHORIZATION_ERROR: INVALID_SIGN"):
        assert "AUTHENTICATION-ERROR-STATUS" not in kept(failure(401, error), INVALID)


def test_optional_detail_may_be_left_out():
    """Where the table asks for no parameter, a case that names one accepts the error without it, and no other one."""
    expected = refused("FACE-QUALITY-THRESHOLD-JUDGED", "LOW_QUALITY: image")

    assert findings(failure(400, "LOW_QUALITY"), expected) == []
    assert findings(failure(400, "LOW_QUALITY: image"), expected) == []
    assert len(findings(failure(400, "LOW_QUALITY: image_ref1"), expected)) == 1


def test_witness_is_silent_about_a_server_error():
    """A server error shows nothing of what a witness is to bring about, however it is told."""
    wants_refusal = refused("FACES-LOW-QUALITY", "LOW_QUALITY", witness=True)
    wants_acceptance = accepted("FACES-SUCCESS", witness=True)

    for one in (exchange(500, {"request_id": "1", "time_used": 1, "error": "INTERNAL_ERROR"}), exchange(500, HTML)):
        clauses = {check.clause for due in (wants_refusal, wants_acceptance) for check in judge(one, due, CONTRACT)}
        assert clauses & {"FACES-LOW-QUALITY", "FACES-SUCCESS"} == set()


def test_what_is_told_stays_short():
    """A value is told in full up to 80 characters of JSON, what was received up to 240; more is cut."""
    assert quoted("好" * 78) == f'"{"好" * 78}"'
    assert quoted("好" * 79) == f'"{"好" * 78}…'
    assert [broken("UUID-LENGTH", "name", "x", "好" * count).finding.received for count in (240, 241)] == [
        "好" * 240,
        "好" * 239 + "…",
    ]


def test_value_nested_too_deeply_is_told_by_its_type():
    """A value that cannot be written as JSON is told by what it is, and raises nothing."""
    nested: list = []
    for _ in range(100_000):
        nested = [nested]

    assert quoted(nested) == "a list nested too deeply to be shown"


def test_status_300_is_no_acceptance():
    """Up to 299 a status may accept; a redirect does not, whatever its body says."""
    body = {"request_id": "1", "time_used": 1, "biz_token": "1,2"}

    assert [read(exchange(status, body).reply).outcome for status in (299, 300)] == [
        Outcome.ACCEPTED,
        Outcome.UNREADABLE,
    ]


def test_error_beside_a_token_is_kept():
    """A reply that accepts and tells an error is read as accepted, and the error's text is not lost."""
    reading = read(success(error="LOW_QUALITY").reply)

    assert (reading.outcome, reading.error) == (Outcome.ACCEPTED, "LOW_QUALITY")
