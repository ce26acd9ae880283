"""Levels are those of docs/decisions.md, typed by hand."""

import pytest

from biztoken import contract as contracts
from biztoken.model import Level

CONTRACT = contracts.load()

# The refusal follows only from a list of values or a range.
SHOULD_REFUSE = {
    ("verbose", "values"),
    ("security_level", "values"),
    ("liveness_level", "values"),
    ("force_compare", "values"),
    ("device_risk", "values"),
    ("maximum_brightness", "values"),
    ("get_liveness_video", "values"),
    ("face_replace_detection", "values"),
    ("eyes_close_detection", "values"),
    ("multiple_faces_detection", "values"),
    ("liveness_timeout", "range"),
    ("liveness_action_count", "range"),
    ("idcard_number", "length"),
}
# Stated as BAD_ARGUMENTS, or decided.
MUST_REFUSE = {
    ("comparison_type", "values"),
    ("face_quality_threshold", "range"),
    ("face_quality_threshold", "number"),
    ("flash_liveness_timeout", "range"),
    ("flash_liveness_timeout", "number"),
    ("liveness_timeout", "number"),
    ("liveness_action_count", "number"),
    ("return_faces", "values"),
    ("multi_oriented_detection", "values"),
    ("sign_version", "values"),
    ("uuid", "length"),
    ("biz_no", "length"),
    ("liveness_type", "values"),
    ("fail_when_multiple_faces", "values"),
}
OTHER_SHOULDS = {
    "SIGN-SINGLE-USE",
    "IMAGE-DECODABLE-NAME",
    "IMAGE-SIZE-NAME",
    "MULTI-ORIENTED-DETECTION-OFF",
    # Not ruled; the text of a 413 is what gateways rewrite.
    "REQUEST-ENTITY-TOO-LARGE-NAME",
    # What follows for callers from an error's meaning, or from care, and is spelt out nowhere.
    *(f"CLIENT-{name}" for name in ("BACK-OFF", "LASTING", "NEW-SIGN", "NO-REPEAT")),
    *(f"CLIENT-{name}" for name in ("NOT-JSON", "PRIVATE", "UNKNOWN-FIELDS")),
    # What the page recommends to callers.
    "CLIENT-UUID",
    "CLIENT-BIZ-NO",
}
OBSERVED = {
    "PRECEDENCE",
    "OTHER-LIVENESS-FIELDS",
    "OTHER-BODIES",
    "MULTIPART-FORMS",
    "OTHER-METHODS",
    "SIGN-EQUAL-TIMES",
    "NUMBER-FORMS",
    "DUPLICATE-FIELDS",
    "PICTURE-AS-TEXT",
    "BIZ-TOKEN-IN-ERROR",
    "PICTURE-TRUNCATED",
    "IMAGE-TURNED",
    "FACES-REFERENCE",
    "REQUEST-ENTITY-TOO-LARGE-BETWEEN",
    "SIGN-VALIDITY",
}
EXCLUDED = {"BIZ-NO-ECHO", "BIZ-TOKEN-SINGLE-USE", "BIZ-TOKEN-EXPIRY", "VERBOSE-DEFAULT"}
MUSTS = {
    # A refusal that is stated in words, and what pictures must bring about.
    "SIGN-SIGNATURE",
    "SIGN-OTHER-SECRET",
    "SIGN-EXPIRY",
    "SIGN-KEY",
    "SIGN-FORM",
    "IMAGE-DECODABLE",
    "IMAGE-SIZE",
    "IMAGE-FACE",
    "IMAGE-REF1-DECODABLE",
    "IMAGE-REF2-SIZE",
    "IMAGE-REF2-LARGEST",
    "NO-FACE-FOUND-FIRST",
    "MULTI-ORIENTED-DETECTION-TURNED",
    "MULTI-ORIENTED-DETECTION-DEFAULT",
    "FACE-QUALITY-THRESHOLD-JUDGED",
    "FACE-QUALITY-THRESHOLD-DEFAULT",
    "FAIL-WHEN-MULTIPLE-FACES-DEFAULT",
    "FACES-ABSENT",
    "FACES-NO-FACE-FOUND",
    "BIZ-TOKEN-UNIQUE",
    "REQUEST-ID-ON-ERROR",
    "TIME-USED-ON-ERROR",
    "TIME-USED-PLAUSIBLE",
    "REQUEST-ENTITY-TOO-LARGE-STATUS",
    "REQUEST-ENTITY-TOO-LARGE-LIMIT",
    "CONCURRENCY-LIMIT-EXCEEDED-STATUS",
    "CLIENT-UNKNOWN-ERROR",
}


@pytest.mark.parametrize(("subject", "rule"), sorted(SHOULD_REFUSE))
def test_refusal_that_a_list_implies_is_a_should(subject, rule):
    """The refusal warns; that every listed value is accepted stays a MUST, in a row of its own."""
    refused = CONTRACT.clauses[CONTRACT.clause_id(subject, rule, refused=True)]
    accepted = CONTRACT.clauses[CONTRACT.clause_id(subject, rule)]

    assert refused is not accepted
    assert (refused.level, accepted.level) == (Level.SHOULD, Level.MUST)


@pytest.mark.parametrize(("subject", "rule"), sorted(MUST_REFUSE))
def test_refusal_that_is_stated_is_a_must(subject, rule):
    """One row says what is accepted and what is refused, and breaking either side fails."""
    refused = CONTRACT.clauses[CONTRACT.clause_id(subject, rule, refused=True)]

    assert refused is CONTRACT.clauses[CONTRACT.clause_id(subject, rule)]
    assert refused.level is Level.MUST


def test_no_other_refusal_has_a_level_of_its_own():
    """Only the refusals that docs/decisions.md lists are no MUST."""
    apart = {clause.id for clause in CONTRACT.clauses.values() if clause.id.endswith("-REFUSED")}

    assert apart == {CONTRACT.clause_id(subject, rule, refused=True) for subject, rule in SHOULD_REFUSE}


def test_no_other_clause_is_a_should():
    """Whatever docs/decisions.md does not soften is a MUST or only observed."""
    shoulds = {clause.id for clause in CONTRACT.clauses.values() if clause.level is Level.SHOULD}

    assert shoulds == OTHER_SHOULDS | {CONTRACT.clause_id(*row, refused=True) for row in SHOULD_REFUSE}


@pytest.mark.parametrize("clause", sorted(OBSERVED))
def test_what_the_contract_leaves_open_is_observed(clause):
    """Where the contract is silent nothing is judged."""
    assert CONTRACT.clauses[clause].level is Level.OBSERVE


@pytest.mark.parametrize("clause", sorted(MUSTS))
def test_what_is_decided_is_a_must(clause):
    """Breaking it fails a run, or a client."""
    assert CONTRACT.clauses[clause].level is Level.MUST


@pytest.mark.parametrize("clause", sorted(EXCLUDED))
def test_what_cannot_be_seen_is_excluded(clause):
    """The echo of biz_no, the life of a token and the default of verbose never show in this reply."""
    assert CONTRACT.clauses[clause].excluded


@pytest.mark.parametrize("parameter", ["sign", "uuid", "idcard_name", "image", "image_ref1", "liveness_type"])
def test_empty_required_field_must_be_refused(parameter):
    """An empty value of a required field is as wrong as none."""
    clause = CONTRACT.clauses[CONTRACT.clause_id(parameter, "empty")]

    assert clause.level is Level.MUST
