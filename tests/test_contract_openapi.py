"""The OpenAPI document is one that any tool takes, and its examples keep the rules that it states."""

import re

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from biztoken import contract as contracts
from biztoken.reading import split_error

CONTRACT = contracts.load()
OPERATION = CONTRACT.document["paths"][CONTRACT.path]["post"]
REQUESTS = OPERATION["requestBody"]["content"]["multipart/form-data"]["examples"]
REPLIES = [
    pytest.param(status, media_type, content["schema"], example["value"], id=f"{status}-{name}")
    for status, response in OPERATION["responses"].items()
    for media_type, content in response["content"].items()
    for name, example in content["examples"].items()
]


def validator(schema):
    """A validator of a schema of the document, whose references are resolved in it."""
    return Draft202012Validator({**schema, "components": CONTRACT.document["components"]})


FAILURES = [param for param in REPLIES if param.values[0] != "200"]
REQUEST = validator({"$ref": "#/components/schemas/Request"})


def legal(parameter, value):
    """Whether a text keeps the bounds and lengths that OpenAPI has no word for."""
    if parameter.is_number and not parameter.minimum <= int(value) <= parameter.maximum:
        return False
    return parameter.max_bytes is None or len(value.encode()) <= parameter.max_bytes


def test_the_document_is_valid_openapi():
    """openapi-spec-validator has nothing to say."""
    validate(CONTRACT.document)


@pytest.mark.parametrize(("status", "media_type", "schema", "value"), REPLIES)
def test_example_of_a_reply_keeps_its_schema(status, media_type, schema, value):
    """Every example of a reply is valid against the schema beside it."""
    assert list(validator(schema).iter_errors(value)) == []


@pytest.mark.parametrize(("status", "media_type", "schema", "value"), FAILURES)
def test_example_of_an_error_stands_under_its_status(status, media_type, schema, value):
    """The error that an example tells is one of the table, with that status and as the table prints it."""
    text = value if media_type == "text/plain" else value["error"]
    name, detail = (text, "") if text in CONTRACT.errors else split_error(text)

    row = CONTRACT.errors[name]

    assert row.status == int(status)
    assert row.told(detail) == text
    assert detail in {"parameter": CONTRACT.parameters, "reason": row.reasons}.get(row.detail, {""})


def test_every_error_has_an_example():
    """Each row of the error table is shown under its status."""
    told = [value if isinstance(value, str) else value["error"] for *_, value in (param.values for param in FAILURES)]
    shown = {text if text in CONTRACT.errors else split_error(text)[0] for text in told}

    assert shown == set(CONTRACT.errors)


@pytest.mark.parametrize("name", REQUESTS)
def test_example_of_a_request_is_sound(name):
    """Every example of a request has what its combination requires, only known fields, and legal values."""
    form = REQUESTS[name]["value"]

    assert list(REQUEST.iter_errors(form)) == []
    assert set(form) <= set(CONTRACT.parameters)
    assert [field for field in form if not CONTRACT.parameters[field].applies(form)] == []
    assert [field for field, value in form.items() if not legal(CONTRACT.parameters[field], value)] == []


@pytest.mark.parametrize("name", REQUESTS)
def test_schema_and_contract_agree_on_what_is_required(name):
    """A field may be left out for a JSON Schema validator exactly where it may for the contract."""
    form = REQUESTS[name]["value"]

    refused = {left for left in form if not REQUEST.is_valid({key: form[key] for key in form if key != left})}

    assert refused == {field for field in form if CONTRACT.parameters[field].is_required(form)}


@pytest.mark.parametrize("liveness", CONTRACT.parameters["liveness_type"].values)
@pytest.mark.parametrize("comparison", CONTRACT.parameters["comparison_type"].values)
def test_examples_show_each_choice(comparison, liveness):
    """Each kind of comparison and each kind of liveness stands in some example."""
    forms = [example["value"] for example in REQUESTS.values()]

    assert comparison in {form["comparison_type"] for form in forms}
    assert liveness in {form["liveness_type"] for form in forms}


LEGAL = [
    "LOW_QUALITY",
    "MISSING_ARGUMENTS: uuid",
    "BAD_ARGUMENTS:uuid",
    "BAD_ARGUMENTS :uuid",
    "BAD_ARGUMENTS  :  uuid is too long",
    "INVALID_IMAGE_SIZEimage_ref1",
    "INVALID_IMAGE_SIZEimage_ref2",
    "INVALID_IMAGE_SIZEimage",
    "INVALID_IMAGE_SIZE: image",
    "BALANCE_NOT_ENOUGH",
]
ILLEGAL = [
    "",
    "bad_arguments: uuid",
    "BAD",
    "BAD_ARGUMENTS:",
    "BAD_ARGUMENTS: ",
    "BAD_ARGUMENTSuuid",
    "NO_FACE_FOUNDimage",
    "INVALID_IMAGE_SIZEimage_ref3",
    "INVALID_IMAGE_SIZEuuid",
    "error BAD_ARGUMENTS: uuid",
    "1BAD_ARGUMENTS",
]


@pytest.mark.parametrize(("text", "kept"), [*((text, True) for text in LEGAL), *((text, False) for text in ILLEGAL)])
def test_error_pattern_is_the_published_grammar(text, kept):
    """A name in capitals, then nothing or a colon and a detail; glued only to the image size (docs/decisions.md)."""
    assert bool(re.match(CONTRACT.error_pattern, text)) is kept


def test_people_in_examples_are_synthetic():
    """No ID number of an example has an area code that is assigned to a place."""
    numbers = [example["value"].get("idcard_number", "99") for example in REQUESTS.values()]

    assert {number[:2] for number in numbers} == {"99"}
