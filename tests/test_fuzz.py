"""The fuzz views stay within the contract, draw the same everywhere, and say truly what is broken."""

import hashlib
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from biztoken import contract as contracts
from biztoken import fuzz
from biztoken.client import SIGN
from biztoken.fuzz import Broken, Drawn, Picture, drawing
from biztoken.fuzz.views import PICTURES

CONTRACT = contracts.load()
VIEWS = fuzz.views(CONTRACT)
EXAMPLES = 10
FACE = Picture("face")
KYC = {
    "sign": SIGN,
    "sign_version": "hmac_sha1",
    "liveness_type": "meglive",
    "comparison_type": "1",
    "idcard_name": "张三",
    "idcard_number": "990101199003071233",
}
COMPARE = {
    "sign": SIGN,
    "sign_version": "hmac_sha1",
    "liveness_type": "raw_image",
    "comparison_type": "0",
    "uuid": "user-1",
    "image_ref1": FACE,
    "image": FACE,
}
# Prints the digest of what each view named on the command line draws, the network being out of reach.
DRAW = """
import hashlib, socket, sys
socket.socket.connect = None
sys.path[:0] = sys.argv[3:]
if sys.argv[3:]:
    import literals
from biztoken import contract, fuzz
known = {view.id: view for view in fuzz.views(contract.load())}
for name in sys.argv[2].split():
    drawn = repr(list(fuzz.draw(known[name], examples=int(sys.argv[1]), seed=7)))
    print(name, hashlib.sha256(drawn.encode()).hexdigest())
"""


@pytest.fixture(scope="module")
def drawn() -> dict[str, list[Drawn]]:
    """What every view draws, by its id."""
    return {view.id: list(fuzz.draw(view, examples=EXAMPLES, seed=7)) for view in VIEWS}


def form(base: dict, **changes: object) -> tuple:
    """The base with fields changed; None takes one away."""
    return tuple((name, value) for name, value in {**base, **changes}.items() if value is not None)


def read(base: dict, **changes: object) -> Drawn:
    """A request as `interpret` would read it."""
    sent = form(base, **changes)
    return Drawn(sent, fuzz.faults_of(sent, CONTRACT), fuzz.oddities_of(sent, CONTRACT), "by hand")


def test_there_is_one_view_for_each_kind_of_request():
    """Both comparison types meet all four liveness types, each in a view of its own."""
    liveness = ("meglive", "still", "flash", "raw_image")

    assert {view.id for view in VIEWS} == {f"fuzz-{kind}-{name}" for kind in ("kyc", "compare") for name in liveness}


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.id)
def test_view_holds_what_applies_and_nothing_else(view):
    """A view has exactly the parameters that have an effect there, and asks for exactly the required ones."""
    known = CONTRACT.parameters.values()

    assert set(view.properties) == {parameter.name for parameter in known if parameter.applies(view.fixed)}
    assert set(view.body["required"]) == {parameter.name for parameter in known if parameter.is_required(view.fixed)}
    assert not {"if", "allOf", "oneOf", "anyOf"} & set(view.body)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.id)
def test_sound_draws_satisfy_the_published_schema(view, drawn):
    """What a view draws as sound is valid by the published Request schema, conditions included."""
    published = jsonschema.Draft202012Validator(CONTRACT.document["components"]["schemas"]["Request"])
    sound = [one for one in drawn[view.id] if one.positive]

    assert len(sound) > 20
    for one in sound:
        published.validate({name: str(value) for name, value in one.form})


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.id)
def test_view_draws_sound_and_unsound_requests_and_none_twice(view, drawn):
    """Coverage and fuzzing both take part, and both give requests that the contract accepts and refuses."""
    requests = drawn[view.id]

    for phase in ("coverage", "fuzzing"):
        some = [one for one in requests if one.description.startswith(phase)]
        assert any(one.positive for one in some)
        assert any(one.broken and not one.observe for one in some)
    assert len({one.form for one in requests}) == len(requests)
    assert sum(one.description.startswith("fuzzing") for one in requests) == EXAMPLES


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.id)
def test_every_boundary_of_a_number_is_drawn_alone(view, drawn):
    """Both bounds come up as sound, one beyond either as the only fault."""
    for parameter in CONTRACT.parameters.values():
        if not parameter.is_number or not parameter.applies(view.fixed):
            continue
        sound = {dict(one.form).get(parameter.name) for one in drawn[view.id] if one.positive}
        alone = [one for one in drawn[view.id] if one.broken == (Broken(parameter.name, "range"),)]
        beyond = {dict(one.form)[parameter.name] for one in alone}
        assert {str(parameter.minimum), str(parameter.maximum)} <= sound
        assert {str(parameter.minimum - 1), str(parameter.maximum + 1)} <= beyond


def test_byte_limits_are_drawn_on_both_sides(drawn):
    """Sound with 128 bytes, broken with 129, and some texts are too long in bytes though not in characters."""
    for name, limit in (("uuid", 128), ("biz_no", 128)):
        every = [(dict(one.form).get(name), one) for one in drawn["fuzz-compare-still"]]
        sizes = {(len(value.encode()), one.positive) for value, one in every if value is not None}
        assert {(limit, True), (limit + 1, False)} <= sizes
    texts = [
        dict(one.form)[broken.parameter]
        for requests in drawn.values()
        for one in requests
        for broken in one.broken
        if broken.kind == "length" and CONTRACT.parameters[broken.parameter].max_bytes
    ]
    assert any(len(text) <= 128 for text in texts)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.id)
def test_every_required_parameter_is_left_out_once(view, drawn):
    """Each required parameter is missing alone in some request, and every listed value is drawn as sound."""
    requests = drawn[view.id]

    for name in view.body["required"]:
        assert any(one.broken == (Broken(name, "missing"),) for one in requests), name
    for name, schema in view.properties.items():
        values = {dict(one.form).get(name) for one in requests if one.positive}
        assert {PICTURES.get(value, value) for value in schema.get("enum", ())} <= values, name


def test_no_text_goes_out_that_utf8_cannot_hold(drawn):
    """Every name and text of every request can be encoded."""
    for requests in drawn.values():
        for one in requests:
            "".join(name + value for name, value in one.form if isinstance(value, str)).encode()


def test_every_judged_request_pays_to_a_clause_that_exists(drawn):
    """Each expectation names a clause of the contract, and a refusal says which errors are legal."""
    for requests in drawn.values():
        for one in requests:
            due = fuzz.expectation(one, CONTRACT)
            if due.kind == "observe":
                assert one.observe
                continue
            assert CONTRACT.clauses[due.clause].is_judged
            assert (due.kind == "accepted") == one.positive
            assert due.kind == "accepted" or due.alternatives


def run(*arguments: str, cwd: Path, hash_seed: str) -> subprocess.CompletedProcess:
    """Draw in a process of its own."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    return subprocess.run(
        [sys.executable, "-c", DRAW, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=True
    )


def test_draws_are_the_same_in_every_process(tmp_path, drawn):
    """Neither hash seed, nor literals of other modules, nor views drawn before matter; nothing is left behind."""
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    here.mkdir()
    elsewhere.mkdir()
    words = [f"literal-{number}" for number in range(400)]
    (elsewhere / "literals.py").write_text(f"WORDS = {words!r}\nNUMBERS = {list(range(1000, 1400))!r}\n")
    names = ["fuzz-compare-raw_image", "fuzz-kyc-meglive"]

    first = run(str(EXAMPLES), " ".join(names), cwd=here, hash_seed="0")
    second = run(str(EXAMPLES), " ".join(reversed(names)), str(elsewhere), cwd=here, hash_seed="1")

    expected = {f"{name} {hashlib.sha256(repr(drawn[name]).encode()).hexdigest()}" for name in names}
    assert set(first.stdout.splitlines()) == expected
    assert set(second.stdout.splitlines()) == expected
    assert first.stderr == second.stderr == ""
    assert list(here.iterdir()) == []


def test_what_another_process_drew_is_taken_over(monkeypatch, drawn):
    """Requests that were drawn elsewhere are given out as they are, and schemathesis is not asked."""
    view = fuzz.views(CONTRACT)[0]
    known = fuzz.drawn()
    monkeypatch.setattr(drawing, "_DRAWN", {})
    monkeypatch.setattr(drawing, "_draw", lambda *_: pytest.fail("drawn again"))

    fuzz.take_over(pickle.loads(pickle.dumps(known)))

    assert list(fuzz.draw(view, examples=EXAMPLES, seed=7)) == drawn[view.id]


def test_another_seed_changes_the_random_part_only(drawn):
    """Coverage is the same for every seed, and all there is with no examples; fuzzing differs."""
    view = next(view for view in VIEWS if view.id == "fuzz-kyc-still")
    bounds = [one for one in drawn[view.id] if one.description.startswith("coverage")]

    assert list(fuzz.draw(view, examples=0, seed=1)) == bounds
    assert list(fuzz.draw(view, examples=EXAMPLES, seed=1))[: len(bounds)] == bounds
    assert list(fuzz.draw(view, examples=EXAMPLES, seed=1)) != drawn[view.id]


def test_import_does_not_load_schemathesis():
    """Only drawing pays for loading the generator."""
    code = "import sys, biztoken.fuzz; print('schemathesis' in sys.modules, 'hypothesis' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert told.split() == ["False", "False"]


@pytest.fixture(scope="module")
def changed(tmp_path_factory) -> contracts.Contract:
    """A copy of the contract with a parameter more and another range."""
    directory = tmp_path_factory.mktemp("openapi")
    for name in ("get_biz_token.yaml", "clauses.yaml"):
        document = yaml.safe_load((contracts.bundled("openapi") / name).read_text("utf-8"))
        if name == "get_biz_token.yaml":
            properties = document["components"]["schemas"]["Request"]["properties"]
            properties["zoom"] = {
                "type": "string",
                "x-minimum": 2,
                "x-maximum": 7,
                "x-when": {"liveness_type": ["flash"]},
            }
            properties["liveness_timeout"]["x-maximum"] = 45
        else:
            row = {**document[0], "id": "ZOOM-RANGE", "subject": "zoom", "rule": "range"}
            document.append(row)
        (directory / name).write_text(json.dumps(document), "utf-8")
    return contracts.load(directory)


def test_a_new_parameter_is_fuzzed_without_a_change_of_code(changed):
    """A parameter added to the contract is drawn where it applies, at and beyond its bounds, and is judged."""
    known = {view.id: view for view in fuzz.views(changed)}
    requests = list(fuzz.draw(known["fuzz-kyc-flash"], examples=0))

    assert {name for name, view in known.items() if "zoom" in view.properties} == {
        "fuzz-compare-flash",
        "fuzz-kyc-flash",
    }
    values = {(dict(one.form).get("zoom"), one.positive) for one in requests}
    assert {("1", False), ("2", True), ("7", True), ("8", False)} <= values
    beyond = next(one for one in requests if dict(one.form).get("zoom") == "8")
    assert fuzz.expectation(beyond, changed).clause == "ZOOM-RANGE"


def test_a_changed_range_moves_the_boundary(changed):
    """A bound edited in the contract is the bound that is drawn and the one that decides."""
    view = next(view for view in fuzz.views(changed) if view.id == "fuzz-kyc-still")
    values = {(dict(one.form).get("liveness_timeout"), one.positive) for one in fuzz.draw(view, examples=0)}

    assert {("45", True), ("46", False)} <= values


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"sign": None}, [("sign", "missing")]),
        ({"sign": "AAA"}, [("sign", "form")]),
        ({"sign": ""}, [("sign", "empty")]),
        ({"idcard_name": None, "idcard_number": ""}, [("idcard_name", "missing"), ("idcard_number", "empty")]),
        ({"comparison_type": None}, [("comparison_type", "missing")]),
        ({"comparison_type": "2"}, [("comparison_type", "values")]),
        ({"comparison_type": "0"}, [("uuid", "missing"), ("image_ref1", "missing")]),
        ({"liveness_type": "MEGLIVE"}, [("liveness_type", "values")]),
        (
            {"liveness_type": "none", "liveness_timeout": "4"},
            [("liveness_type", "values"), ("liveness_timeout", "range")],
        ),
        ({"liveness_timeout": "5"}, []),
        ({"liveness_timeout": "60"}, []),
        ({"liveness_timeout": "61"}, [("liveness_timeout", "range")]),
        ({"liveness_timeout": "-5"}, [("liveness_timeout", "range")]),
        ({"liveness_timeout": "9" * 5000}, [("liveness_timeout", "range")]),
        ({"liveness_timeout": "60.5"}, []),
        ({"liveness_timeout": "61.5"}, [("liveness_timeout", "range")]),
        ({"liveness_timeout": "9" * 5000 + ".5"}, [("liveness_timeout", "range")]),
        ({"liveness_timeout": "ten"}, [("liveness_timeout", "number")]),
        ({"liveness_timeout": "5 apples"}, [("liveness_timeout", "number")]),
        ({"liveness_timeout": "null"}, [("liveness_timeout", "number")]),
        ({"liveness_timeout": "[5, 6]"}, [("liveness_timeout", "number")]),
        ({"flash_liveness_timeout": "1"}, []),
        ({"verbose": "2"}, [("verbose", "values")]),
        ({"verbose": "true"}, [("verbose", "values")]),
        ({"biz_no": "x" * 128}, []),
        ({"biz_no": "x" * 129}, [("biz_no", "length")]),
        ({"biz_no": "好" * 42}, []),
        ({"biz_no": "好" * 43}, [("biz_no", "length")]),
        ({"idcard_number": "99010119900307123"}, [("idcard_number", "length")]),
        ({"idcard_number": "99010119900307123X"}, []),
        ({"multi_oriented_detection": "2"}, []),
        ({"multi_oriented_detection": "2", "image_ref1": FACE}, [("multi_oriented_detection", "values")]),
    ],
)
def test_faults_of_known_forms(changes, expected):
    """What is broken is read from the text that is sent, by the contract's own rules."""
    assert [(one.parameter, one.kind) for one in fuzz.faults_of(form(KYC, **changes), CONTRACT)] == expected


@pytest.mark.parametrize(
    "changes",
    [
        *(
            {"liveness_timeout": odd}
            for odd in ("05", "+5", " 7", "7 ", "50.0", "5.5", "1_0", "1e1", "0x10", "５", "٧", "inf")
        ),
        {"verbose": "01"},
        {"verbose": "1.0"},
        {"verbose": ""},
        {"biz_no": " order"},
        {"biz_no": "a\x00b"},
        {"biz_no": "a\r\nb"},
        {"biz_no": "a\ufeffb"},
        {"idcard_name": "三" * 43},
        {"idcard_number": "一" * 18},
        {"idcard_number": "一" * 6},
        {"image_ref1": "not a file"},
        {"image_ref1": ""},
        {"flash_liveness_timeout": "120"},
        {"multi_oriented_detection": "2"},
        {"uuid": "user-1"},
        {"bizno": "order"},
    ],
    ids=repr,
)
def test_what_the_contract_is_silent_on_is_observed(changes):
    """Odd numbers, empty optional values, control characters, pictures as text and idle fields have no right answer."""
    one = read(KYC, **changes)

    assert one.observe
    assert not one.positive
    assert fuzz.expectation(one, CONTRACT).kind == "observe"


def test_repeated_fields_and_an_empty_form_are_observed():
    """Which of two fields counts, and what a form without any answers, is not stated."""
    twice = (*form(KYC), ("verbose", "1"), ("verbose", "0"))

    assert fuzz.oddities_of(twice, CONTRACT)[0].clause == "DUPLICATE-FIELDS"
    assert fuzz.oddities_of((), CONTRACT)[0].clause == "MULTIPART-FORMS"


@pytest.mark.parametrize(
    ("base", "changes", "kind", "clause", "told"),
    [
        (KYC, {}, "accepted", "FORM-DATA", []),
        (KYC, {"idcard_name": None}, "refused", "IDCARD-NAME-REQUIRED", ["MISSING_ARGUMENTS: idcard_name"]),
        (
            KYC,
            {"idcard_name": ""},
            "refused",
            "IDCARD-NAME-EMPTY",
            ["MISSING_ARGUMENTS: idcard_name", "BAD_ARGUMENTS: idcard_name"],
        ),
        (KYC, {"verbose": "9"}, "refused", "VERBOSE-VALUES-REFUSED", ["BAD_ARGUMENTS: verbose"]),
        (KYC, {"liveness_timeout": "x"}, "refused", "LIVENESS-TIMEOUT-NUMBER", ["BAD_ARGUMENTS: liveness_timeout"]),
        (
            KYC,
            {"verbose": "9", "biz_no": "x" * 129},
            "refused",
            "BIZ-NO-LENGTH",
            ["BAD_ARGUMENTS: biz_no", "BAD_ARGUMENTS: verbose"],
        ),
        (
            KYC,
            {"sign": "AAA"},
            "refused",
            "SIGN-FORM",
            ["BAD_ARGUMENTS: sign", "AUTHENTICATION_ERROR", "AUTHORIZATION_ERROR: *"],
        ),
        (COMPARE, {"face_quality_threshold": "0"}, "accepted", "FORM-DATA", []),
        (COMPARE, {"face_quality_threshold": "90"}, "accepted", "FORM-DATA", ["LOW_QUALITY"]),
        (
            COMPARE,
            {"face_quality_threshold": "101"},
            "refused",
            "FACE-QUALITY-THRESHOLD-RANGE",
            ["BAD_ARGUMENTS: face_quality_threshold"],
        ),
    ],
)
def test_expectations_of_known_forms(base, changes, kind, clause, told):
    """One fault has its own clause; of several a MUST pays; a legal threshold may bring LOW_QUALITY."""
    due = fuzz.expectation(read(base, **changes), CONTRACT)

    assert (due.kind, due.clause) == (kind, clause)
    assert sorted(alternative.told() for alternative in due.alternatives) == sorted(told)


def test_refused_sound_request_is_charged_to_the_named_parameter():
    """When a sound request is refused, the clause of the parameter that is blamed pays."""
    sound = read(COMPARE, liveness_type="meglive", image=None, liveness_timeout="60")

    charged = {
        name: fuzz.clause_against(sound, name, CONTRACT) for name in ("liveness_timeout", "biz_no", "image_ref1", "")
    }

    assert charged == {
        "liveness_timeout": "LIVENESS-TIMEOUT-RANGE",
        "biz_no": "BIZ-NO-OPTIONAL",
        "image_ref1": "IMAGE-REF1-FORMAT",
        "": "FORM-DATA",
    }
