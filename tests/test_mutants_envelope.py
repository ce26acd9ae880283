"""How a finding about any reply reads, and which clauses a sound reply keeps whatever was asked."""

import pytest
from judging import accepted, exchange, failure, findings, kept, refused, success

LISTED = accepted("VERBOSE-VALUES")
TOO_LONG = refused("UUID-LENGTH", "BAD_ARGUMENTS: uuid")
RAW = {"liveness_type": "raw_image", "return_faces": "1"}
BAD_UUID = "BAD_ARGUMENTS: uuid"
TEXT = "a string that is not empty"
PLAUSIBLE = "0 to 116 ms, the time the caller waited"

# A reply, what was to follow, and the findings beside the case's own clause: clause, aspect, what was due, what came.
REPLIES = {
    "no JSON": (
        exchange(200, b"ok"),
        LISTED,
        [("JSON-BODY", "body", "a JSON object", "status 200, a body that is none")],
    ),
    "another status": (success(201), LISTED, [("SUCCESS-STATUS", "status", "status 200", "status 201")]),
    "an error beside the token": (
        success(error="LOW_QUALITY"),
        LISTED,
        [("ERROR-ABSENT", "field", "no error field", 'error "LOW_QUALITY"')],
    ),
    "no token": (
        success(200, "biz_token"),
        LISTED,
        [("BIZ-TOKEN-PRESENCE", "field", "biz_token", "no biz_token")],
    ),
    "an empty token": (success(biz_token=""), LISTED, [("BIZ-TOKEN-TYPE", "type", TEXT, "empty")]),
    "a number for the token": (success(biz_token=7), LISTED, [("BIZ-TOKEN-TYPE", "type", TEXT, "a int")]),
    "no error": (
        failure(400, None, "error"),
        TOO_LONG,
        [("ERROR-PRESENCE", "field", "error", "status 400 without error")],
    ),
    "a number for the error": (failure(400, 17), TOO_LONG, [("ERROR-TYPE", "field", "a string", "error 17")]),
    "prose for the error": (
        failure(400, "uuid 太长"),
        TOO_LONG,
        [("ERROR-GRAMMAR", "field", "NAME or NAME: detail", 'error "uuid 太长"')],
    ),
    "another status of an error": (
        failure(422, BAD_UUID),
        TOO_LONG,
        [("BAD-ARGUMENTS-STATUS", "status", "BAD_ARGUMENTS with status 400", "status 422")],
    ),
    "no request_id": (
        success(200, "request_id"),
        LISTED,
        [("REQUEST-ID-PRESENCE", "missing", "request_id", "no request_id")],
    ),
    "no request_id beside an error": (
        failure(400, BAD_UUID, "request_id"),
        TOO_LONG,
        [("REQUEST-ID-ON-ERROR", "missing", "request_id", "no request_id")],
    ),
    "a list for request_id": (success(request_id=[]), LISTED, [("REQUEST-ID-TYPE", "type", TEXT, "a list")]),
    "no time_used": (
        failure(400, BAD_UUID, "time_used"),
        TOO_LONG,
        [("TIME-USED-ON-ERROR", "missing", "time_used", "no time_used")],
    ),
    "a fraction for time_used": (
        success(time_used=18.5),
        LISTED,
        [("TIME-USED-TYPE", "type", "an integer", "time_used is a float")],
    ),
    "a negative time_used": (
        success(time_used=-1),
        LISTED,
        [("TIME-USED-PLAUSIBLE", "negative", PLAUSIBLE, "time_used -1")],
    ),
    "a time_used that is too long": (
        success(time_used=117),
        LISTED,
        [("TIME-USED-PLAUSIBLE", "too long", PLAUSIBLE, "time_used 117")],
    ),
    "faces that nobody asked for": (
        success(faces=[]),
        LISTED,
        [("FACES-ABSENT", "field", "no faces", "faces, though not asked for")],
    ),
    "no faces": (success(form=RAW), LISTED, [("FACES-SUCCESS", "missing", "faces", "no faces")]),
    "a number for the faces": (
        success(form=RAW, faces=2),
        LISTED,
        [("FACES-TYPE", "type", "a list", "faces is a int")],
    ),
}


@pytest.mark.parametrize(("one", "expected", "due"), REPLIES.values(), ids=REPLIES)
def test_finding_of_any_reply_reads_alone(one, expected, due):
    """A finding names its clause and aspect, what was due and what came, in words that stay the same."""
    told = [(found.clause, found.aspect, found.expected, found.received) for found in findings(one, expected)]

    assert told == due


SUCCESS = {
    *("JSON-BODY", "SUCCESS-STATUS", "ERROR-ABSENT", "BIZ-TOKEN-PRESENCE", "BIZ-TOKEN-TYPE"),
    *("REQUEST-ID-PRESENCE", "REQUEST-ID-TYPE", "TIME-USED-PRESENCE", "TIME-USED-TYPE", "TIME-USED-PLAUSIBLE"),
}
FAILURE = {
    *("JSON-BODY", "ERROR-PRESENCE", "ERROR-TYPE", "ERROR-GRAMMAR", "BAD-ARGUMENTS-STATUS"),
    *("REQUEST-ID-ON-ERROR", "REQUEST-ID-TYPE", "TIME-USED-ON-ERROR", "TIME-USED-TYPE", "TIME-USED-PLAUSIBLE"),
}


def test_sound_success_keeps_every_clause_about_it():
    """A sound acceptance shows these clauses kept beside the case's own, and no other."""
    assert kept(success(), LISTED) == SUCCESS | {"FACES-ABSENT", "VERBOSE-VALUES"}
    assert kept(success(form=RAW, faces=[]), LISTED) == SUCCESS | {"FACES-SUCCESS", "FACES-TYPE", "VERBOSE-VALUES"}


def test_sound_refusal_keeps_every_clause_about_it():
    """A sound refusal shows these clauses kept beside the case's own and its error's row, and no other."""
    row = {"BAD-ARGUMENTS-NAME", "BAD-ARGUMENTS-DETAIL"}

    assert kept(failure(400, BAD_UUID), TOO_LONG) == FAILURE | row | {"FACES-ABSENT", "UUID-LENGTH"}


def test_instant_reply_is_plausible():
    """A target may say that it took no time at all."""
    assert "TIME-USED-PLAUSIBLE" in kept(success(time_used=0), LISTED)
