"""What a reply earns where a request is to be refused or accepted: which clause is kept and which one pays."""

import pytest
from judging import CONTRACT, accepted, broken, exchange, failure, findings, kept, refused, success

from biztoken.judge import judge

TOO_LONG = refused("UUID-LENGTH", "BAD_ARGUMENTS: uuid")
HTML = b"<html>Bad Gateway</html>"
REFUSALS = {
    "as printed": (failure(400, "BAD_ARGUMENTS: uuid"), set()),
    "no space after the colon": (failure(400, "BAD_ARGUMENTS:uuid"), set()),
    "spaces around the colon": (failure(400, "BAD_ARGUMENTS :  uuid"), set()),
    "a space and no colon": (failure(400, "BAD_ARGUMENTS uuid"), set()),
    "more fields than are known": (failure(400, "BAD_ARGUMENTS: uuid", message="too long", code=7), set()),
    "a token beside the error": (failure(400, "BAD_ARGUMENTS: uuid", biz_token="1,2"), set()),
    "accepted": (success(), {"UUID-LENGTH"}),
    "another parameter": (failure(400, "BAD_ARGUMENTS: biz_no"), {"BAD-ARGUMENTS-DETAIL"}),
    "no parameter": (failure(400, "BAD_ARGUMENTS"), {"BAD-ARGUMENTS-DETAIL"}),
    "more than the parameter": (failure(400, "BAD_ARGUMENTS: uuid is too long"), {"BAD-ARGUMENTS-DETAIL"}),
    "another name": (failure(400, "MISSING_ARGUMENTS: uuid"), {"UUID-LENGTH"}),
    "an unknown name": (failure(400, "TOO_LONG: uuid"), {"UUID-LENGTH"}),
    "another status": (failure(403, "BAD_ARGUMENTS: uuid"), {"BAD-ARGUMENTS-STATUS"}),
    "status 200": (failure(200, "BAD_ARGUMENTS: uuid"), {"BAD-ARGUMENTS-STATUS"}),
    "status 500": (failure(500, "BAD_ARGUMENTS: uuid"), {"BAD-ARGUMENTS-STATUS"}),
    "glued": (failure(400, "BAD_ARGUMENTSuuid"), {"ERROR-GRAMMAR"}),
    "small letters": (failure(400, "bad_arguments: uuid"), {"ERROR-GRAMMAR"}),
    "prose": (failure(400, "the uuid is too long"), {"ERROR-GRAMMAR"}),
    "an empty error": (failure(400, ""), {"ERROR-GRAMMAR"}),
    "a number for the error": (failure(400, 400), {"ERROR-TYPE"}),
    "a list for the error": (failure(400, ["BAD_ARGUMENTS"]), {"ERROR-TYPE"}),
    "no error": (failure(400, None, "error"), {"ERROR-PRESENCE"}),
    "null for the error": (failure(400, None), {"ERROR-PRESENCE"}),
    "no request_id": (failure(400, "BAD_ARGUMENTS: uuid", "request_id"), {"REQUEST-ID-ON-ERROR"}),
    "no time_used": (failure(400, "BAD_ARGUMENTS: uuid", "time_used"), {"TIME-USED-ON-ERROR"}),
    "a server error": (failure(500, "INTERNAL_ERROR"), {"UUID-LENGTH"}),
    "HTML": (exchange(400, HTML), {"JSON-BODY"}),
    "a list": (exchange(400, []), {"JSON-BODY"}),
    "a text": (exchange(400, "BAD_ARGUMENTS: uuid"), {"JSON-BODY"}),
    "nothing": (exchange(400, b""), {"JSON-BODY"}),
    "HTML of a server error": (exchange(502, HTML), {"JSON-BODY", "UUID-LENGTH"}),
    "413 for a small request": (exchange(413, b"Request Entity Too Large"), {"REQUEST-ENTITY-TOO-LARGE-LIMIT"}),
}


@pytest.mark.parametrize(("one", "due"), REFUSALS.values(), ids=REFUSALS)
def test_reply_where_a_refusal_is_due(one, due):
    """One difference from the refusal that is due breaks the one clause that is about it."""
    assert broken(one, TOO_LONG) == due


LISTED = accepted("VERBOSE-VALUES")
ACCEPTANCES = {
    "as printed": (success(), set()),
    "more fields than are known": (success(message="ok", code=0), set()),
    "refused": (failure(400, "BAD_ARGUMENTS: verbose"), {"VERBOSE-VALUES"}),
    "refused for want of a right": (failure(403, "AUTHORIZATION_ERROR: DENIED"), {"VERBOSE-VALUES"}),
    "refused with an unknown name": (failure(400, "NO_SUCH_THING"), {"VERBOSE-VALUES"}),
    "refused with status 200": (failure(200, "BAD_ARGUMENTS: verbose"), {"VERBOSE-VALUES", "BAD-ARGUMENTS-STATUS"}),
    "a server error": (failure(500, "INTERNAL_ERROR"), {"VERBOSE-VALUES"}),
    "HTML of a server error": (exchange(502, HTML), {"JSON-BODY", "VERBOSE-VALUES"}),
    "HTML": (exchange(200, HTML), {"JSON-BODY"}),
    "another status": (success(201), {"SUCCESS-STATUS"}),
    "an error beside the token": (success(error="LOW_QUALITY"), {"ERROR-ABSENT"}),
    "null for the error": (success(error=None), {"ERROR-ABSENT"}),
    "an empty error": (success(error=""), {"ERROR-ABSENT"}),
    "no token": (success(200, "biz_token"), {"BIZ-TOKEN-PRESENCE"}),
    "null for the token": (success(biz_token=None), {"BIZ-TOKEN-TYPE"}),
    "an empty token": (success(biz_token=""), {"BIZ-TOKEN-TYPE"}),
    "a number for the token": (success(biz_token=7), {"BIZ-TOKEN-TYPE"}),
    "413 for a small request": (exchange(413, b"Request Entity Too Large"), {"REQUEST-ENTITY-TOO-LARGE-LIMIT"}),
}


@pytest.mark.parametrize(("one", "due"), ACCEPTANCES.values(), ids=ACCEPTANCES)
def test_reply_where_acceptance_is_due(one, due):
    """A sound request that is refused breaks its own rule; a reply that is odd breaks the clause about that."""
    assert broken(one, LISTED) == due


def test_sound_refusal_keeps_its_rule_and_its_row():
    """A right refusal shows four things: the rule, and the error's name, status and detail."""
    due = {"UUID-LENGTH", "BAD-ARGUMENTS-NAME", "BAD-ARGUMENTS-STATUS", "BAD-ARGUMENTS-DETAIL"}

    assert due <= kept(failure(400, "BAD_ARGUMENTS: uuid"), TOO_LONG)


def test_error_that_takes_no_detail_may_name_image():
    """LOW_QUALITY and MULTIPLE_FACES take no parameter in the table; `: image` is accepted."""
    for name in ("LOW_QUALITY", "MULTIPLE_FACES"):
        for error in (name, f"{name}: image", f"{name}:image"):
            assert broken(failure(400, error), refused("FACE-QUALITY-THRESHOLD-JUDGED", name)) == set()


def test_tolerated_error_keeps_the_rule():
    """A legal threshold may bring LOW_QUALITY about: that is no refusal of the threshold. Other errors are."""
    expected = accepted("FACE-QUALITY-THRESHOLD-RANGE", "LOW_QUALITY")

    assert broken(failure(400, "LOW_QUALITY"), expected) == set()
    assert broken(failure(400, "MULTIPLE_FACES"), expected) == {"FACE-QUALITY-THRESHOLD-RANGE"}


def test_empty_value_may_be_missing_or_bad():
    """An empty required field is MISSING or BAD, naming it; what is not said keeps no row of the other error."""
    expected = refused("UUID-EMPTY", "MISSING_ARGUMENTS: uuid", "BAD_ARGUMENTS: uuid")
    bad = failure(400, "BAD_ARGUMENTS: uuid")

    assert broken(failure(400, "MISSING_ARGUMENTS: uuid"), expected) == broken(bad, expected) == set()
    assert broken(failure(400, "MISSING_ARGUMENTS: biz_no"), expected) == {"MISSING-ARGUMENTS-DETAIL"}
    assert {clause for clause in kept(bad, expected) if clause.startswith("MISSING")} == set()


@pytest.mark.parametrize("error", ["INVALID_IMAGE_SIZEimage_ref1", "INVALID_IMAGE_SIZE:image_ref1"])
def test_image_size_may_be_glued(error):
    """The page prints the parameter glued to that one name; with a colon it is as good."""
    expected = refused("IMAGE-REF1-SIZE", "INVALID_IMAGE_SIZE: image_ref1")

    assert broken(failure(400, error), expected) == set()
    assert "INVALID-IMAGE-SIZE-DETAIL" in kept(failure(400, error), expected)


def test_glued_image_size_of_the_wrong_picture_is_a_wrong_detail():
    """A glued parameter is read as a detail."""
    expected = refused("IMAGE-REF1-SIZE", "INVALID_IMAGE_SIZE: image_ref1")

    assert broken(failure(400, "INVALID_IMAGE_SIZEimage_ref2"), expected) == {"INVALID-IMAGE-SIZE-DETAIL"}


def test_limit_of_concurrency_is_403():
    """429, as the vendor's verify page has it, fails here."""
    expected = refused("CONCURRENCY-LIMIT-EXCEEDED-LIMIT", "CONCURRENCY_LIMIT_EXCEEDED")

    assert broken(failure(403, "CONCURRENCY_LIMIT_EXCEEDED"), expected) == set()
    assert broken(failure(429, "CONCURRENCY_LIMIT_EXCEEDED"), expected) == {"CONCURRENCY-LIMIT-EXCEEDED-STATUS"}


def test_wrong_name_folds_to_the_row_of_the_error():
    """Should no reply ever get that name right, the row of the error pays, not each rule that expects it."""
    (finding,) = findings(failure(400, "WRONG_ARGUMENTS: uuid"), TOO_LONG)

    assert (finding.clause, finding.aspect, finding.folds_to) == ("UUID-LENGTH", "name", "BAD-ARGUMENTS-NAME")


def test_finding_tells_what_was_due_and_what_came():
    """Expected and received read alone, and are the same for the same mistake."""
    (finding,) = findings(success(), TOO_LONG)

    assert (finding.expected, finding.received) == ("BAD_ARGUMENTS: uuid", "status 200, accepted")


def test_nothing_is_judged_without_a_reply_or_where_only_observed():
    """No reply is no finding of the judge, and where the contract is silent nothing is judged."""
    no_reply = exchange(200, {}).__class__(1, (), 0, 0.0, 0.0, None, "timeout")

    assert judge(no_reply, TOO_LONG, CONTRACT) == []
    assert broken(exchange(500, HTML), TOO_LONG.__class__("observe", "PRECEDENCE")) == set()
