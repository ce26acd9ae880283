"""The contract's data agrees with tables typed by hand from the vendor's page, version 1.0.1, and not from the YAML.

Both sides of every check are derived from openapi/, so a slip there would be invisible to both but for these tables.
"""

from dataclasses import dataclass

import pytest

from biztoken import contract as contracts
from biztoken.contract import Parameter

CONTRACT = contracts.load()
ALWAYS, NEVER = {}, None
KYC, COMPARE, RAW = {"comparison_type": "1"}, {"comparison_type": "0"}, {"liveness_type": "raw_image"}
MEGLIVE = {"liveness_type": {"meglive"}}
IN_RAW = {"liveness_type": {"raw_image"}}


@dataclass(frozen=True, slots=True)
class Row:
    """One field as the page has it. `range`: both ends legal; `exactly`: characters; `at_most`: bytes of UTF-8."""

    name: str
    required: dict | None
    values: set = frozenset()
    range: tuple | None = None
    default: str | None = None
    exactly: int | None = None
    at_most: int | None = None
    is_file: bool = False
    when: dict | None = None


# In the order of the page.
ROWS = (
    Row("sign", ALWAYS),
    Row("sign_version", ALWAYS, {"hmac_sha1"}),
    Row("liveness_type", ALWAYS, {"meglive", "still", "flash", "raw_image"}),
    Row("comparison_type", ALWAYS, {"0", "1"}),
    Row("idcard_name", KYC, when={"comparison_type": {"1"}}),
    Row("idcard_number", KYC, exactly=18, when={"comparison_type": {"1"}}),
    # Stands twice on the page: optional for KYC, required (the first one) for a comparison.
    Row("image_ref1", COMPARE, is_file=True),
    Row("image_ref2", NEVER, is_file=True),
    Row("uuid", COMPARE, at_most=128, when={"comparison_type": {"0"}}),
    Row("biz_no", NEVER, default="", at_most=128),
    # Its default depends on the kind of liveness: see below.
    Row("liveness_timeout", NEVER, range=(5, 60), when={"liveness_type": {"meglive", "still"}}),
    Row("liveness_action_count", NEVER, range=(1, 3), default="3", when=MEGLIVE),
    Row("face_replace_detection", NEVER, {"0", "1"}, default="1", when=MEGLIVE),
    Row("eyes_close_detection", NEVER, {"0", "1"}, default="0", when={"liveness_type": {"still", "flash"}}),
    Row("flash_liveness_timeout", NEVER, range=(60, 180), default="120", when={"liveness_type": {"flash"}}),
    Row("image", RAW, is_file=True, when=IN_RAW),
    Row("fail_when_multiple_faces", NEVER, {"0", "1"}, default="1", when=IN_RAW),
    Row("face_quality_threshold", NEVER, range=(0, 100), default="30", when=IN_RAW),
    Row("return_faces", NEVER, {"0", "1"}, default="0", when=IN_RAW),
    Row("verbose", NEVER, {"0", "1"}, default="1"),
    Row("security_level", NEVER, {"1", "2", "3", "4"}, default="2"),
    Row("force_compare", NEVER, {"0", "1"}, default="0"),
    Row("multi_oriented_detection", NEVER, {"0", "1"}, default="1"),
    Row("liveness_level", NEVER, {"0", "1", "2"}, default="0"),
    Row("maximum_brightness", NEVER, {"0", "1"}, default="0"),
    Row("get_liveness_video", NEVER, {"0", "1", "2", "3"}, default="0"),
    Row("device_risk", NEVER, {"0", "1"}, default="0"),
    Row("multiple_faces_detection", NEVER, {"0", "1"}, default="0"),
)
OPEN_WHEN = {"maximum_brightness"}  # has a test of its own

# name, status, what follows the name, how the page prints it, body
NONE, PARAMETER, REASON = "nothing", "parameter", "reason"
ERRORS = (
    ("MISSING_ARGUMENTS", 400, PARAMETER, "MISSING_ARGUMENTS: uuid", "json"),
    ("BAD_ARGUMENTS", 400, PARAMETER, "BAD_ARGUMENTS: uuid", "json"),
    ("IMAGE_ERROR_UNSUPPORTED_FORMAT", 400, PARAMETER, "IMAGE_ERROR_UNSUPPORTED_FORMAT:uuid", "json"),
    ("NO_FACE_FOUND", 400, PARAMETER, "NO_FACE_FOUND:uuid", "json"),
    # The page glues the parameter to the name; docs/decisions.md gives it a colon.
    ("INVALID_IMAGE_SIZE", 400, PARAMETER, "INVALID_IMAGE_SIZE:uuid", "json"),
    ("LOW_QUALITY", 400, NONE, "LOW_QUALITY", "json"),
    ("MULTIPLE_FACES", 400, NONE, "MULTIPLE_FACES", "json"),
    ("AUTHENTICATION_ERROR", 403, NONE, "AUTHENTICATION_ERROR", "json"),
    ("AUTHORIZATION_ERROR", 403, REASON, "AUTHORIZATION_ERROR: uuid", "json"),
    ("CONCURRENCY_LIMIT_EXCEEDED", 403, NONE, "CONCURRENCY_LIMIT_EXCEEDED", "json"),
    ("API_NOT_FOUND", 404, NONE, "API_NOT_FOUND", "json"),
    ("Request Entity Too Large", 413, NONE, "Request Entity Too Large", "text"),
    ("INTERNAL_ERROR", 500, NONE, "INTERNAL_ERROR", "json"),
)
REASONS = {
    "API_KEY_BE_DISCONTINUED",
    "IP_NOT_ALLOWED",
    "LIMIT_REACHED",
    "MORE_RETRY_TIMES",
    "NO_VERIFY_PERMISSION",
    "NO_DATA_SOURCE_PERMISSION",
    "DENIED",
    "EXPIRED_SIGN",
    "INVALID_SIGN",
}


def each(rows):
    """The rows as parameters of a test, by name."""
    return [pytest.param(row, id=row.name) for row in rows]


def told(parameter: Parameter) -> Row:
    """A parameter of the contract as a row of the table."""
    required = parameter.required_when
    return Row(
        parameter.name,
        None if required is None else dict(required),
        set(parameter.values),
        None if parameter.minimum is None else (parameter.minimum, parameter.maximum),
        parameter.default,
        parameter.length,
        parameter.max_bytes,
        parameter.picture is not None,
        {name: set(values) for name, values in parameter.when.items()} or None,
    )


def test_the_table_has_every_parameter_once():
    """The page has 28 parameters, and the contract has these and no others."""
    names = [row.name for row in ROWS]

    assert len(names) == len(set(names)) == 28
    assert set(CONTRACT.parameters) == set(names)


@pytest.mark.parametrize("row", each(row for row in ROWS if row.name not in OPEN_WHEN))
def test_parameter_is_as_typed_by_hand(row):
    """Whether it is required, its values, range, default and lengths, and where it has an effect, are the page's."""
    assert told(CONTRACT.parameters[row.name]) == row


def test_maximum_brightness_is_as_typed_by_hand():
    """Its values and default are the page's, and it acts with action and silent liveness only (the page's note)."""
    row = told(CONTRACT.parameters["maximum_brightness"])

    assert (row.values, row.default, row.required) == ({"0", "1"}, "0", NEVER)
    assert row.when == {"liveness_type": {"meglive", "still"}}


def test_default_of_liveness_timeout_depends_on_the_liveness():
    """Action liveness has 10 seconds for each action, silent liveness 60: no one default fits both."""
    schema = CONTRACT.document["components"]["schemas"]["Request"]["properties"]["liveness_timeout"]

    assert schema["x-defaults"] == {"meglive": "10", "still": "60"}
    assert CONTRACT.parameters["liveness_timeout"].default is None


def test_only_four_parameters_are_numbers():
    """A number is due in four fields; junk in a code such as 0 or 1 is an unlisted value."""
    numbers = {name for name, parameter in CONTRACT.parameters.items() if parameter.is_number}

    assert numbers == {
        "liveness_timeout",
        "liveness_action_count",
        "flash_liveness_timeout",
        "face_quality_threshold",
    }


def test_only_image_is_the_picture_to_be_judged():
    """The two others are references, which are turned and never counted."""
    pictures = {name: parameter.picture for name, parameter in CONTRACT.parameters.items() if parameter.picture}

    assert pictures == {"image": "probe", "image_ref1": "reference", "image_ref2": "reference"}


REQUIRED = {
    "0": {"sign", "sign_version", "liveness_type", "comparison_type", "uuid", "image_ref1"},
    "1": {"sign", "sign_version", "liveness_type", "comparison_type", "idcard_name", "idcard_number"},
}


@pytest.mark.parametrize("liveness", ["meglive", "still", "flash", "raw_image"])
@pytest.mark.parametrize("comparison", ["0", "1"])
def test_each_combination_requires_what_the_page_says(comparison, liveness):
    """A request of a combination must carry the four common fields, those of its comparison, and image if raw."""
    form = {"comparison_type": comparison, "liveness_type": liveness}

    required = {name for name, parameter in CONTRACT.parameters.items() if parameter.is_required(form)}

    assert required == REQUIRED[comparison] | ({"image"} if liveness == "raw_image" else set())


def test_the_error_table_has_every_row_once():
    """The page has 13 rows of errors."""
    assert list(CONTRACT.errors) == [row[0] for row in ERRORS]


@pytest.mark.parametrize(("name", "status", "follows", "printed", "body"), ERRORS, ids=[row[0] for row in ERRORS])
def test_error_is_as_typed_by_hand(name, status, follows, printed, body):
    """Status, what follows the name, spelling and kind of body of each error are the page's."""
    row = CONTRACT.errors[name]

    assert (row.status, row.told("uuid"), row.body) == (status, printed, body)
    # Where the page prints nothing after the name, something is tolerated, but for the plain text.
    assert row.detail in {PARAMETER: ("parameter",), REASON: ("reason",), NONE: ("optional", "none")}[follows]


def test_reasons_are_as_typed_by_hand():
    """AUTHORIZATION_ERROR has nine reasons, and no other error has any."""
    reasons = {name: set(row.reasons) for name, row in CONTRACT.errors.items() if row.reasons}

    assert reasons == {"AUTHORIZATION_ERROR": REASONS}
    assert len(CONTRACT.errors["AUTHORIZATION_ERROR"].reasons) == len(REASONS)


def test_limits_are_as_typed_by_hand():
    """A side of 4096 pixels is legal; 20 MB may mean 20,000,000 or 20,971,520 bytes (docs/decisions.md)."""
    assert CONTRACT.limits["picture_side"] == 4096
    assert CONTRACT.limits["body_legal"] == 19_900_000
    assert CONTRACT.limits["body_refused"] == 21_000_000
    assert 20_000_000 <= CONTRACT.limits["body"] <= 20_971_520


def test_endpoint_is_as_typed_by_hand():
    """One path, one method, version 1.0.1."""
    assert (CONTRACT.path, CONTRACT.version) == ("/faceid/v3/sdk/get_biz_token", "1.0.1")
    assert list(CONTRACT.document["paths"][CONTRACT.path]) == ["post"]
