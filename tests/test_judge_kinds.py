"""What a reply earns for signatures, reasons and pictures, for witnesses, and for what is too large."""

import pytest
from judging import accepted, alternative, broken, exchange, failure, findings, kept, refused, success

from biztoken.judge import Expected

INVALID = refused("SIGN-SIGNATURE", "AUTHENTICATION_ERROR", "AUTHORIZATION_ERROR: INVALID_SIGN")
UNKNOWN_KEY = refused("SIGN-KEY", "AUTHENTICATION_ERROR", "AUTHORIZATION_ERROR: *")
UNDECODABLE = refused("SIGN-FORM", "BAD_ARGUMENTS: sign", "AUTHENTICATION_ERROR", "AUTHORIZATION_ERROR: *")
EXPIRED = refused("SIGN-EXPIRY", "AUTHORIZATION_ERROR: EXPIRED_SIGN")
SIGNATURES = {
    "one error for a bad signature": (INVALID, failure(403, "AUTHENTICATION_ERROR"), set()),
    "the other error": (INVALID, failure(403, "AUTHORIZATION_ERROR: INVALID_SIGN"), set()),
    "the other, without a space": (INVALID, failure(403, "AUTHORIZATION_ERROR:INVALID_SIGN"), set()),
    "accepted": (INVALID, success(), {"SIGN-SIGNATURE"}),
    "status 401": (INVALID, failure(401, "AUTHENTICATION_ERROR"), {"AUTHENTICATION-ERROR-STATUS"}),
    "the other with status 401": (
        INVALID,
        failure(401, "AUTHORIZATION_ERROR: INVALID_SIGN"),
        {"AUTHORIZATION-ERROR-STATUS"},
    ),
    "a bad argument for a bad signature": (INVALID, failure(400, "BAD_ARGUMENTS: sign"), {"SIGN-SIGNATURE"}),
    # INVALID-SIGN is only observed: charged there, this would be lost.
    "another reason for a bad signature": (INVALID, failure(403, "AUTHORIZATION_ERROR: DENIED"), {"SIGN-SIGNATURE"}),
    "expired for a bad signature": (INVALID, failure(403, "AUTHORIZATION_ERROR: EXPIRED_SIGN"), {"SIGN-SIGNATURE"}),
    "no reason for a bad signature": (
        INVALID,
        failure(403, "AUTHORIZATION_ERROR"),
        {"AUTHORIZATION-ERROR-DETAIL"},
    ),
    "any reason for an unknown key": (UNKNOWN_KEY, failure(403, "AUTHORIZATION_ERROR: ACCOUNT_DISCONTINUED"), set()),
    "no reason for an unknown key": (
        UNKNOWN_KEY,
        failure(403, "AUTHORIZATION_ERROR"),
        {"AUTHORIZATION-ERROR-DETAIL"},
    ),
    "unknown key accepted": (UNKNOWN_KEY, success(), {"SIGN-KEY"}),
    "undecodable as a bad argument": (UNDECODABLE, failure(400, "BAD_ARGUMENTS: sign"), set()),
    "undecodable as a bad signature": (UNDECODABLE, failure(403, "AUTHENTICATION_ERROR"), set()),
    "undecodable with any reason": (UNDECODABLE, failure(403, "AUTHORIZATION_ERROR: INVALID_SIGN"), set()),
    "undecodable as another argument": (UNDECODABLE, failure(400, "BAD_ARGUMENTS: uuid"), {"BAD-ARGUMENTS-DETAIL"}),
    "undecodable as missing": (UNDECODABLE, failure(400, "MISSING_ARGUMENTS: sign"), {"SIGN-FORM"}),
    "expired": (EXPIRED, failure(403, "AUTHORIZATION_ERROR: EXPIRED_SIGN"), set()),
    "expired and accepted": (EXPIRED, success(), {"SIGN-EXPIRY"}),
    "expired as invalid": (EXPIRED, failure(403, "AUTHORIZATION_ERROR: INVALID_SIGN"), {"EXPIRED-SIGN"}),
    "expired as a bad signature": (EXPIRED, failure(403, "AUTHENTICATION_ERROR"), {"EXPIRED-SIGN"}),
}


@pytest.mark.parametrize(("expected", "one", "due"), SIGNATURES.values(), ids=SIGNATURES)
def test_reply_to_a_bad_signature(expected, one, due):
    """Either error will do for a bad signature; a wrong reason breaks a clause that is judged."""
    assert broken(one, expected) == due


def test_either_error_shows_the_row_of_a_bad_signature():
    """AUTHORIZATION_ERROR: INVALID_SIGN stands for AUTHENTICATION_ERROR, and keeps its name and status."""
    shown = kept(failure(403, "AUTHORIZATION_ERROR: INVALID_SIGN"), INVALID)

    assert {"AUTHENTICATION-ERROR-NAME", "AUTHENTICATION-ERROR-STATUS", "SIGN-SIGNATURE"} <= shown


def test_legal_alternative_keeps_no_other_row():
    """A signature error for an undecodable sign does not show that BAD_ARGUMENTS is ever told right."""
    shown = kept(failure(403, "AUTHENTICATION_ERROR"), UNDECODABLE)

    assert {clause for clause in shown if clause.startswith("BAD-ARGUMENTS")} == set()


DENIED = refused("DENIED", "AUTHORIZATION_ERROR: DENIED")


@pytest.mark.parametrize(
    ("error", "due"),
    [
        ("AUTHORIZATION_ERROR: DENIED", set()),
        ("AUTHORIZATION_ERROR:DENIED", set()),
        ("AUTHORIZATION_ERROR: IP_NOT_ALLOWED", {"DENIED"}),
        ("AUTHORIZATION_ERROR: denied", {"DENIED"}),
        ("AUTHORIZATION_ERROR", {"AUTHORIZATION-ERROR-DETAIL"}),
        ("AUTHENTICATION_ERROR", {"DENIED"}),
    ],
)
def test_reason(error, due):
    """A wrong reason breaks the clause of the reason that was due, a missing one the row of the error."""
    assert broken(failure(403, error), DENIED) == due


def test_reason_is_shown_kept():
    """A right reason keeps its own clause and the row's detail."""
    shown = kept(failure(403, "AUTHORIZATION_ERROR: DENIED"), DENIED)

    assert {"DENIED", "AUTHORIZATION-ERROR-DETAIL", "AUTHORIZATION-ERROR-NAME"} <= shown


ANY_400 = refused("IMAGE-DECODABLE", "400")
ANY = {
    "the error of undecodable pictures": (failure(400, "IMAGE_ERROR_UNSUPPORTED_FORMAT:image"), set()),
    "another error of the table": (failure(400, "BAD_ARGUMENTS: image"), set()),
    "an error that is in no table": (failure(400, "SOMETHING_ELSE"), set()),
    "accepted": (success(), {"IMAGE-DECODABLE"}),
    "an unknown error with another status": (failure(403, "SOMETHING_ELSE"), {"IMAGE-DECODABLE"}),
    # The right status for those errors, but no 400.
    "a server error": (failure(500, "INTERNAL_ERROR"), {"IMAGE-DECODABLE"}),
    "a bad signature": (failure(403, "AUTHENTICATION_ERROR"), {"IMAGE-DECODABLE"}),
    # The wrong status of a known error is charged to its row, once.
    "the right error with another status": (
        failure(422, "IMAGE_ERROR_UNSUPPORTED_FORMAT:image"),
        {"IMAGE-ERROR-UNSUPPORTED-FORMAT-STATUS"},
    ),
}


@pytest.mark.parametrize(("one", "due"), ANY.values(), ids=ANY)
def test_any_error_with_a_status(one, due):
    """Where only the status is ruled any error of that status will do, and none of another."""
    assert broken(one, ANY_400) == due


NAMED_FIRST = refused("NO-FACE-FOUND-FIRST", "NO_FACE_FOUND: image_ref1", own=True, witness=True)


@pytest.mark.parametrize(
    ("one", "due"),
    [
        (failure(400, "NO_FACE_FOUND:image_ref1"), set()),
        (failure(400, "NO_FACE_FOUND:image_ref2"), {"NO-FACE-FOUND-FIRST"}),
        (failure(400, "NO_FACE_FOUND:image_ref1,image_ref2"), {"NO-FACE-FOUND-FIRST"}),
        (failure(400, "NO_FACE_FOUND"), {"NO-FACE-FOUND-FIRST"}),
        (failure(400, "LOW_QUALITY"), set()),
        (success(), set()),
    ],
    ids=["first", "second", "both", "none", "another error", "accepted"],
)
def test_witness_that_owns_its_detail(one, due):
    """A witness pays for the detail that it is about; a reply of another kind leaves it unseen, not broken."""
    assert broken(one, NAMED_FIRST) == due


def test_witness_is_silent_about_other_replies():
    """The rule that failed has cases of its own, so a witness of something else does not charge it again."""
    wants_faces = accepted("FACES-SUCCESS", witness=True)
    wants_refusal = refused("FACES-LOW-QUALITY", "LOW_QUALITY", witness=True)

    assert broken(failure(400, "LOW_QUALITY"), wants_faces) == set()
    assert broken(success(), wants_refusal) == set()
    assert "FACES-LOW-QUALITY" not in kept(success(), wants_refusal)


def test_own_case_pays_for_a_wrong_name():
    """Where the contract leaves the name open the case's own clause pays, and folds into no row."""
    expected = refused("MULTI-ORIENTED-DETECTION-OFF", "NO_FACE_FOUND: image_ref1", own=True)

    (finding,) = findings(failure(400, "LOW_QUALITY"), expected)

    assert (finding.clause, finding.folds_to) == ("MULTI-ORIENTED-DETECTION-OFF", None)


@pytest.mark.parametrize(
    ("one", "due"),
    [
        (success(), set()),
        (failure(403, "AUTHORIZATION_ERROR: DENIED"), set()),
        (failure(400, "BAD_ARGUMENTS: uuid"), set()),
        (failure(403, "AUTHORIZATION_ERROR: NO_VERIFY_PERMISSION"), {"NO-VERIFY-PERMISSION"}),
        (failure(403, "AUTHORIZATION_ERROR:NO_VERIFY_PERMISSION"), {"NO-VERIFY-PERMISSION"}),
    ],
    ids=["accepted", "another reason", "another error", "that one", "that one without a space"],
)
def test_refusal_that_does_not_apply(one, due):
    """Where a refusal has no place only that very refusal breaks its clause; whatever else comes is no matter here."""
    expected = Expected("other", "NO-VERIFY-PERMISSION", (alternative("AUTHORIZATION_ERROR: NO_VERIFY_PERMISSION"),))

    assert broken(one, expected) == due


TOO_LARGE = Expected("too-large", "REQUEST-ENTITY-TOO-LARGE-STATUS")
PREFIX = "REQUEST-ENTITY-TOO-LARGE-"


@pytest.mark.parametrize(
    ("one", "due"),
    [
        (exchange(413, b"Request Entity Too Large"), set()),
        (exchange(413, b"413 request entity too large\n"), set()),
        (exchange(413, b"<html><h1>413 Request Entity Too Large</h1><hr>nginx</html>"), set()),
        (exchange(413, b"too big"), {"NAME"}),
        (exchange(413, b""), {"NAME"}),
        (exchange(413, {"error": "Request Entity Too Large"}), {"BODY"}),
        (exchange(400, b"Request Entity Too Large"), {"STATUS"}),
        (success(), {"STATUS"}),
        (failure(400, "BAD_ARGUMENTS: filler"), {"STATUS"}),
    ],
    ids=["text", "any case", "html", "other text", "empty", "json", "status 400", "accepted", "refused"],
)
def test_reply_to_what_is_too_large(one, due):
    """413 in plain text that says so; its fields and its media type are not judged."""
    assert {clause.removeprefix(PREFIX) for clause in broken(one, TOO_LARGE) if clause.startswith(PREFIX)} == due


def test_413_needs_no_field():
    """A 413 is exempt from being JSON, and from request_id and time_used."""
    assert broken(exchange(413, b"Request Entity Too Large"), TOO_LARGE) == set()


@pytest.mark.parametrize(
    ("one", "due"),
    [
        (success(), set()),
        (failure(400, "BAD_ARGUMENTS: filler"), set()),
        (exchange(413, b"Request Entity Too Large"), {"REQUEST-ENTITY-TOO-LARGE-LIMIT"}),
    ],
    ids=["accepted", "refused", "413"],
)
def test_reply_to_what_is_not_too_large(one, due):
    """A large but legal body must not get 413; whatever else comes is not this clause's business."""
    assert broken(one, Expected("not-too-large", "REQUEST-ENTITY-TOO-LARGE-LIMIT")) == due


def test_reason_that_is_none_keeps_no_clause():
    """A target cannot earn a clause by giving its id as the reason of a refusal."""
    earned = kept(failure(403, "AUTHORIZATION_ERROR: UUID_LENGTH"), UNKNOWN_KEY)

    assert "SIGN-KEY" in earned
    assert "UUID-LENGTH" not in earned
