"""Derived cases of each shape of parameter, typed by hand from docs/cases.md and the vendor's page."""

from dataclasses import replace

import pytest

from biztoken import contract as contracts
from biztoken.cases import Case, derived_cases

CONTRACT = contracts.load()

# id | clause | where | difference from the control | what must follow
DERIVED = {
    "sign": """
        sign-missing-kyc-meglive | SIGN-REQUIRED | 1 meglive | sign removed | MISSING_ARGUMENTS: sign
        sign-missing-compare-raw_image | SIGN-REQUIRED | 0 raw_image | sign removed | MISSING_ARGUMENTS: sign
        sign-empty | SIGN-EMPTY | | sign = "" | MISSING_ARGUMENTS: sign, BAD_ARGUMENTS: sign, AUTHENTICATION_ERROR, \
AUTHORIZATION_ERROR: *
    """,
    "sign_version": """
        sign-version-missing-kyc-meglive | SIGN-VERSION-REQUIRED | 1 meglive | sign_version removed | \
MISSING_ARGUMENTS: sign_version
        sign-version-missing-compare-raw_image | SIGN-VERSION-REQUIRED | 0 raw_image | sign_version removed | \
MISSING_ARGUMENTS: sign_version
        sign-version-empty | SIGN-VERSION-EMPTY | | sign_version = "" | MISSING_ARGUMENTS: sign_version, \
BAD_ARGUMENTS: sign_version
        sign-version-hmac_sha1 | SIGN-VERSION-VALUES | | sign_version = "hmac_sha1" | accepted
        sign-version-unknown | SIGN-VERSION-VALUES | | sign_version = "no_such_value" | BAD_ARGUMENTS: sign_version
        sign-version-number | SIGN-VERSION-VALUES | | sign_version = "1" | BAD_ARGUMENTS: sign_version
        sign-version-other-case | SIGN-VERSION-VALUES | | sign_version = "HMAC_SHA1" | BAD_ARGUMENTS: sign_version
    """,
    "liveness_type": """
        liveness-type-missing-kyc-meglive | LIVENESS-TYPE-REQUIRED | 1 meglive | liveness_type removed | \
MISSING_ARGUMENTS: liveness_type
        liveness-type-missing-compare-raw_image | LIVENESS-TYPE-REQUIRED | 0 raw_image | liveness_type removed | \
MISSING_ARGUMENTS: liveness_type
        liveness-type-empty | LIVENESS-TYPE-EMPTY | | liveness_type = "" | MISSING_ARGUMENTS: liveness_type, \
BAD_ARGUMENTS: liveness_type
        liveness-type-unknown | LIVENESS-TYPE-VALUES | | liveness_type = "no_such_value" | BAD_ARGUMENTS: liveness_type
        liveness-type-number | LIVENESS-TYPE-VALUES | | liveness_type = "1" | BAD_ARGUMENTS: liveness_type
        liveness-type-other-case | LIVENESS-TYPE-VALUES | | liveness_type = "MEGLIVE" | BAD_ARGUMENTS: liveness_type
    """,
    "comparison_type": """
        comparison-type-missing-kyc-meglive | COMPARISON-TYPE-REQUIRED | 1 meglive | comparison_type removed | \
MISSING_ARGUMENTS: comparison_type
        comparison-type-missing-compare-raw_image | COMPARISON-TYPE-REQUIRED | 0 raw_image | comparison_type removed | \
MISSING_ARGUMENTS: comparison_type
        comparison-type-empty | COMPARISON-TYPE-EMPTY | | comparison_type = "" | MISSING_ARGUMENTS: comparison_type, \
BAD_ARGUMENTS: comparison_type
        comparison-type-2 | COMPARISON-TYPE-VALUES | | comparison_type = "2" | BAD_ARGUMENTS: comparison_type
        comparison-type-minus-1 | COMPARISON-TYPE-VALUES | | comparison_type = "-1" | BAD_ARGUMENTS: comparison_type
        comparison-type-letters | COMPARISON-TYPE-VALUES | | comparison_type = "true" | BAD_ARGUMENTS: comparison_type
    """,
    "idcard_number": """
        idcard-number-missing-kyc-meglive | IDCARD-NUMBER-REQUIRED | 1 meglive | idcard_number removed | \
MISSING_ARGUMENTS: idcard_number
        idcard-number-missing-kyc-still | IDCARD-NUMBER-REQUIRED | 1 still | idcard_number removed | \
MISSING_ARGUMENTS: idcard_number
        idcard-number-missing-kyc-flash | IDCARD-NUMBER-REQUIRED | 1 flash | idcard_number removed | \
MISSING_ARGUMENTS: idcard_number
        idcard-number-missing-kyc-raw_image | IDCARD-NUMBER-REQUIRED | 1 raw_image | idcard_number removed | \
MISSING_ARGUMENTS: idcard_number
        idcard-number-empty | IDCARD-NUMBER-EMPTY | 1 | idcard_number = "" | MISSING_ARGUMENTS: idcard_number, \
BAD_ARGUMENTS: idcard_number
        idcard-number-not-needed | IDCARD-NUMBER-REQUIRED | 0 | control | accepted
        idcard-number-18-characters | IDCARD-NUMBER-LENGTH | 1 | control | accepted
        idcard-number-17-characters | IDCARD-NUMBER-LENGTH-REFUSED | 1 | idcard_number = "99010119900101123" | \
BAD_ARGUMENTS: idcard_number
        idcard-number-19-characters | IDCARD-NUMBER-LENGTH-REFUSED | 1 | idcard_number = "9901011990010112345" | \
BAD_ARGUMENTS: idcard_number
    """,
    "image_ref1": """
        image-ref1-missing-compare-meglive | IMAGE-REF1-REQUIRED | 0 meglive | image_ref1 removed | \
MISSING_ARGUMENTS: image_ref1
        image-ref1-missing-compare-still | IMAGE-REF1-REQUIRED | 0 still | image_ref1 removed | \
MISSING_ARGUMENTS: image_ref1
        image-ref1-missing-compare-flash | IMAGE-REF1-REQUIRED | 0 flash | image_ref1 removed | \
MISSING_ARGUMENTS: image_ref1
        image-ref1-missing-compare-raw_image | IMAGE-REF1-REQUIRED | 0 raw_image | image_ref1 removed | \
MISSING_ARGUMENTS: image_ref1
        image-ref1-empty | IMAGE-REF1-EMPTY | 0 | image_ref1 = picture empty | MISSING_ARGUMENTS: image_ref1, \
BAD_ARGUMENTS: image_ref1, IMAGE_ERROR_UNSUPPORTED_FORMAT: image_ref1
        image-ref1-not-needed | IMAGE-REF1-REQUIRED | 1 | control | accepted
    """,
    "image": """
        image-missing-kyc-raw_image | IMAGE-REQUIRED | 1 raw_image | image removed | MISSING_ARGUMENTS: image
        image-missing-compare-raw_image | IMAGE-REQUIRED | 0 raw_image | image removed | MISSING_ARGUMENTS: image
        image-empty | IMAGE-EMPTY | raw_image | image = picture empty | MISSING_ARGUMENTS: image, \
BAD_ARGUMENTS: image, IMAGE_ERROR_UNSUPPORTED_FORMAT: image
        image-not-needed | IMAGE-REQUIRED | meglive/still/flash | control | accepted
    """,
    "biz_no": """
        biz-no-absent | BIZ-NO-OPTIONAL | | control | accepted
        biz-no-128-bytes-ascii | BIZ-NO-LENGTH | | biz_no = "uuuuuuuuuuuu…" (128 characters, 128 bytes) | accepted
        biz-no-129-bytes-ascii | BIZ-NO-LENGTH | | biz_no = "uuuuuuuuuuuu…" (129 characters, 129 bytes) | \
BAD_ARGUMENTS: biz_no
        biz-no-128-bytes-two-byte | BIZ-NO-LENGTH | | biz_no = "жжжжжжжжжжжж…" (64 characters, 128 bytes) | \
accepted
        biz-no-129-bytes-two-byte | BIZ-NO-LENGTH | | biz_no = "жжжжжжжжжжжж…" (65 characters, 129 bytes) | \
BAD_ARGUMENTS: biz_no
        biz-no-128-bytes-cjk | BIZ-NO-LENGTH | | biz_no = "好好好好好好好好好好好好…" (44 characters, 128 bytes) | \
accepted
        biz-no-129-bytes-cjk | BIZ-NO-LENGTH | | biz_no = "好好好好好好好好好好好好…" (43 characters, 129 bytes) | \
BAD_ARGUMENTS: biz_no
        biz-no-128-bytes-four-byte | BIZ-NO-LENGTH | | \
biz_no = "𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷…" (32 characters, 128 bytes) | \
accepted
        biz-no-129-bytes-four-byte | BIZ-NO-LENGTH | | \
biz_no = "𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷…" (33 characters, 129 bytes) | \
BAD_ARGUMENTS: biz_no
        biz-no-very-long | BIZ-NO-LENGTH | | biz_no = "uuuuuuuuuuuu…" (2560 characters, 2560 bytes) | \
BAD_ARGUMENTS: biz_no
    """,
    "liveness_timeout": """
        liveness-timeout-absent | LIVENESS-TIMEOUT-OPTIONAL | meglive/still | control | accepted
    """
    + "".join(
        f"""
        liveness-timeout-5-{kind} | LIVENESS-TIMEOUT-RANGE | {kind} | liveness_timeout = "5" | accepted
        liveness-timeout-32-{kind} | LIVENESS-TIMEOUT-RANGE | {kind} | liveness_timeout = "32" | accepted
        liveness-timeout-60-{kind} | LIVENESS-TIMEOUT-RANGE | {kind} | liveness_timeout = "60" | accepted
        liveness-timeout-4-{kind} | LIVENESS-TIMEOUT-RANGE-REFUSED | {kind} | liveness_timeout = "4" | \
BAD_ARGUMENTS: liveness_timeout
        liveness-timeout-61-{kind} | LIVENESS-TIMEOUT-RANGE-REFUSED | {kind} | liveness_timeout = "61" | \
BAD_ARGUMENTS: liveness_timeout
        liveness-timeout-huge-{kind} | LIVENESS-TIMEOUT-RANGE-REFUSED | {kind} | \
liveness_timeout = "100000000000000000000" | BAD_ARGUMENTS: liveness_timeout
        liveness-timeout-letters-{kind} | LIVENESS-TIMEOUT-NUMBER | {kind} | liveness_timeout = "abc" | \
BAD_ARGUMENTS: liveness_timeout
        liveness-timeout-digits-and-letters-{kind} | LIVENESS-TIMEOUT-NUMBER | {kind} | liveness_timeout = "5x" | \
BAD_ARGUMENTS: liveness_timeout
    """
        for kind in ("meglive", "still")
    ),
    "face_quality_threshold": """
        face-quality-threshold-absent | FACE-QUALITY-THRESHOLD-OPTIONAL | raw_image | control | accepted
        face-quality-threshold-0 | FACE-QUALITY-THRESHOLD-RANGE | raw_image | face_quality_threshold = "0" | \
accepted, LOW_QUALITY
        face-quality-threshold-50 | FACE-QUALITY-THRESHOLD-RANGE | raw_image | face_quality_threshold = "50" | \
accepted, LOW_QUALITY
        face-quality-threshold-100 | FACE-QUALITY-THRESHOLD-RANGE | raw_image | face_quality_threshold = "100" | \
accepted, LOW_QUALITY
        face-quality-threshold-minus-1 | FACE-QUALITY-THRESHOLD-RANGE | raw_image | face_quality_threshold = "-1" | \
BAD_ARGUMENTS: face_quality_threshold
        face-quality-threshold-101 | FACE-QUALITY-THRESHOLD-RANGE | raw_image | face_quality_threshold = "101" | \
BAD_ARGUMENTS: face_quality_threshold
        face-quality-threshold-huge | FACE-QUALITY-THRESHOLD-RANGE | raw_image | \
face_quality_threshold = "100000000000000000000" | BAD_ARGUMENTS: face_quality_threshold
        face-quality-threshold-letters | FACE-QUALITY-THRESHOLD-NUMBER | raw_image | face_quality_threshold = "abc" | \
BAD_ARGUMENTS: face_quality_threshold
        face-quality-threshold-digits-and-letters | FACE-QUALITY-THRESHOLD-NUMBER | raw_image | \
face_quality_threshold = "0x" | BAD_ARGUMENTS: face_quality_threshold
    """,
    "eyes_close_detection": """
        eyes-close-detection-absent | EYES-CLOSE-DETECTION-OPTIONAL | still/flash | control | accepted
    """
    + "".join(
        f"""
        eyes-close-detection-0-{kind} | EYES-CLOSE-DETECTION-VALUES | {kind} | eyes_close_detection = "0" | accepted
        eyes-close-detection-1-{kind} | EYES-CLOSE-DETECTION-VALUES | {kind} | eyes_close_detection = "1" | accepted
        eyes-close-detection-2-{kind} | EYES-CLOSE-DETECTION-VALUES-REFUSED | {kind} | eyes_close_detection = "2" | \
BAD_ARGUMENTS: eyes_close_detection
        eyes-close-detection-minus-1-{kind} | EYES-CLOSE-DETECTION-VALUES-REFUSED | {kind} | \
eyes_close_detection = "-1" | BAD_ARGUMENTS: eyes_close_detection
        eyes-close-detection-letters-{kind} | EYES-CLOSE-DETECTION-VALUES-REFUSED | {kind} | \
eyes_close_detection = "true" | BAD_ARGUMENTS: eyes_close_detection
    """
        for kind in ("still", "flash")
    ),
    "security_level": """
        security-level-absent | SECURITY-LEVEL-OPTIONAL | | control | accepted
        security-level-1 | SECURITY-LEVEL-VALUES | | security_level = "1" | accepted
        security-level-2 | SECURITY-LEVEL-VALUES | | security_level = "2" | accepted
        security-level-3 | SECURITY-LEVEL-VALUES | | security_level = "3" | accepted
        security-level-4 | SECURITY-LEVEL-VALUES | | security_level = "4" | accepted
        security-level-0 | SECURITY-LEVEL-VALUES-REFUSED | | security_level = "0" | BAD_ARGUMENTS: security_level
        security-level-5 | SECURITY-LEVEL-VALUES-REFUSED | | security_level = "5" | BAD_ARGUMENTS: security_level
        security-level-minus-1 | SECURITY-LEVEL-VALUES-REFUSED | | security_level = "-1" | BAD_ARGUMENTS: security_level
        security-level-letters | SECURITY-LEVEL-VALUES-REFUSED | | security_level = "true" | \
BAD_ARGUMENTS: security_level
    """,
}


def rows(text: str) -> list[list[str]]:
    """The lines of a table, each taken apart."""
    return [[cell.strip() for cell in line.split(" |")] for line in text.splitlines() if line.strip()]


def row(case: Case) -> list[str]:
    """A case as a line of the table."""
    where = " ".join("/".join(values) for values in case.where.values())
    difference = "control" if case.is_control else case.difference()
    due = ["accepted"] * (case.expected.kind == "accepted") + [one.told() for one in case.expected.alternatives]
    assert case.expected.kind in ("accepted", "refused")
    assert case.expected.clause == case.clause
    return [case.id, case.clause, where, difference, ", ".join(due)]


def about(name: str) -> list[Case]:
    """The derived cases of one parameter, in their order."""
    slugs = [f"{other.replace('_', '-')}-" for other in CONTRACT.parameters]
    own = f"{name.replace('_', '-')}-"
    return [
        case for case in derived_cases(CONTRACT) if own == max(filter(case.id.startswith, slugs), key=len, default="")
    ]


@pytest.mark.parametrize("name", DERIVED)
def test_cases_of_a_parameter(name):
    """Each parameter has exactly the cases that its data implies, under ids that never change."""
    assert [row(case) for case in about(name)] == rows(DERIVED[name])


@pytest.mark.parametrize("name", DERIVED)
def test_derived_case_is_of_the_family_of_arguments(name):
    """A derived case is about one field, in the family `arguments`, in every plan, and owns or presumes nothing."""
    for case in about(name):
        assert (case.family, case.plan, case.needs, case.presumes) == ("arguments", "quick", (), ())
        assert {*case.drop, *case.set} == (set() if case.is_control else {name})
        assert (case.expected.own, case.expected.witness) == (False, False)


def test_where_a_case_may_run_names_the_type():
    """`where` limits comparison_type or liveness_type, each by its own name."""
    cases = {case.id: case for case in derived_cases(CONTRACT)}

    assert cases["uuid-empty"].where == {"comparison_type": ("0",)}
    assert cases["uuid-very-long"].where == {"comparison_type": ("0",)}
    assert cases["idcard-number-17-characters"].where == {"comparison_type": ("1",)}
    assert cases["uuid-not-needed"].where == {"comparison_type": ("1",)}
    assert cases["image-not-needed"].where == {"liveness_type": ("meglive", "still", "flash")}
    assert cases["image-missing-kyc-raw_image"].where == {"comparison_type": ("1",), "liveness_type": ("raw_image",)}
    assert cases["liveness-timeout-5-still"].where == {"liveness_type": ("still",)}


def test_parameter_that_acts_on_a_picture_comes_with_one():
    """`multi_oriented_detection` has an effect on a reference picture only, which its controls then carry."""
    cases = [case for case in about("multi_oriented_detection") if not case.is_control]

    assert len(cases) == 5
    assert [case.base for case in cases] == [{"image_ref1": {"picture": "face"}}] * 5
    assert {repr(case.base) for case in about("verbose")} == {"{}"}


def test_probes_are_the_eight_combinations():
    """Each combination has a probe of its own, which shows the liveness type for KYC and the comparison type else."""
    told = [(case.id, case.clause, case.where) for case in derived_cases(CONTRACT) if case.family == "probe"]

    assert told == [
        (
            f"probe-{word}-{kind}",
            f"{subject}-TYPE-VALUES",
            {"comparison_type": (value,), "liveness_type": (kind,)},
        )
        for value, word, subject in (("1", "kyc", "LIVENESS"), ("0", "compare", "COMPARISON"))
        for kind in ("meglive", "still", "flash", "raw_image")
    ]


def test_probe_judges_the_control_itself():
    """A probe has no defect: it is the sound request, to be accepted."""
    for case in derived_cases(CONTRACT):
        if case.family == "probe":
            assert row(case)[3:] == ["control", "accepted"]


def bounded(**bounds) -> list[Case]:
    """The cases of liveness_action_count with other data about it."""
    changed = replace(CONTRACT.parameters["liveness_action_count"], **bounds)
    cases = derived_cases(replace(CONTRACT, parameters={**CONTRACT.parameters, changed.name: changed}))
    return [case for case in cases if case.id.startswith("liveness-action-count-") and not case.is_control]


@pytest.mark.parametrize(("bounds", "due"), [({"minimum": None}, 0), ({"maximum": None}, 0), ({}, 8)])
def test_range_with_one_bound_is_no_range(bounds, due):
    """A number has cases only where the contract gives both of its bounds."""
    assert len(bounded(**bounds)) == due


@pytest.mark.parametrize("length", [18, 23, 24, 30])
def test_text_of_a_wrong_length_is_nobodys_number(length):
    """Whatever length is due, a shorter and a longer number are digits that begin with the area of no place."""
    changed = replace(CONTRACT.parameters["idcard_number"], length=length)
    cases = derived_cases(replace(CONTRACT, parameters={**CONTRACT.parameters, changed.name: changed}))

    texts = [case.set[changed.name] for case in cases if case.clause == "IDCARD-NUMBER-LENGTH-REFUSED"]

    assert [len(text) for text in texts] == [length - 1, length + 1]
    assert all(text.isdigit() and text.startswith("990101") for text in texts)


def test_numbers_of_six_digits_are_told_in_ids():
    """A value stands in its id up to 999999; beyond that the id says `huge`."""
    ids = [case.id.removeprefix("liveness-action-count-") for case in bounded(minimum=1, maximum=999_998)]

    assert ids[:6] == ["1", "499999", "999998", "0", "999999", "huge"]


def test_longest_texts_come_together():
    """All texts that have a greatest length are sent at once, each at its greatest, where all of them are fields."""
    case = next(case for case in derived_cases(CONTRACT) if case.id == "longest-texts")

    assert case.set == {"uuid": "u" * 128, "biz_no": "u" * 128}
    assert case.where == {"comparison_type": ("0",)}
    assert (case.clause, case.family, case.plan) == ("UUID-LENGTH", "arguments", "quick")
    assert (case.expected.kind, case.expected.clause) == ("accepted", "UUID-LENGTH")


def test_one_text_has_no_company():
    """Where only one text has a greatest length, its own cases say all."""
    parameters = {name: parameter for name, parameter in CONTRACT.parameters.items() if name != "uuid"}
    ids = {case.id for case in derived_cases(replace(CONTRACT, parameters=parameters))}

    assert "biz-no-128-bytes-ascii" in ids
    assert "longest-texts" not in ids
