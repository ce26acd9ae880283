"""How cases are read from files and checked, how their difference is told, and what a sound request carries."""

from dataclasses import replace
from pathlib import Path

import pytest

from biztoken import contract as contracts
from biztoken.cases import FAMILIES, Branch, Case, Samples, all_branches, load_cases, sound_form
from biztoken.cases.case import show
from biztoken.cases.written import read_file
from biztoken.errors import UserError
from biztoken.judge import Alternative, Expected
from biztoken.people import Person
from biztoken.pictures import Pictures
from biztoken.signing import SPOILS

CONTRACT = contracts.load()
SAMPLES = Samples(Person("张三", "990101199003071233"), Pictures(), 7)
KYC, COMPARE = Branch("1", "meglive"), Branch("0", "raw_image")


def written(place: Path, text: str, family: str = "arguments") -> list[Case]:
    """The cases of a file of this family with this content."""
    path = place / f"{family}.yaml"
    path.write_text(text, "utf-8")
    return list(read_file(path, CONTRACT))


def loaded(place: Path, text: str, family: str = "arguments") -> tuple[Case, ...]:
    """All cases, with those of one file in the place of our own."""
    written(place, text, family)
    return load_cases(CONTRACT, place)


def test_shortest_row_is_a_case_with_every_default(tmp_path):
    """A row needs an id, a clause and what must follow; the rest is what docs/cases.md says of a key that is absent."""
    assert written(tmp_path, "- {id: a, clause: UUID-LENGTH, expect: accepted}") == [
        Case(
            id="a",
            clause="UUID-LENGTH",
            family="arguments",
            expected=Expected("accepted", "UUID-LENGTH", (), own=False, witness=False),
            where={},
            base={},
            set={},
            drop=(),
            key="active",
            sign=None,
            method="POST",
            path=None,
            body="form-data",
            filler=None,
            repeat_field=None,
            is_control=False,
            plan="quick",
            needs=(),
            presumes=(),
        )
    ]


def test_every_key_of_a_row_reaches_its_case(tmp_path):
    """What a row says stands in the case, lists as tuples; the name of the file is the family."""
    row = """
- id: a
  clause: UUID-LENGTH
  expect: {error: BAD_ARGUMENTS, detail: uuid}
  where: {comparison_type: ["0"], liveness_type: [still, flash]}
  base: {verbose: "0"}
  set: {uuid: "x"}
  drop: [biz_no, image]
  key: no_verify
  sign: {spoil: short}
  method: GET
  path: other
  body: urlencoded
  filler: body_refused
  repeat_field: uuid
  is_control: true
  plan: full
  needs: [concurrency_limit]
  presumes: [UUID-REQUIRED, UUID-EMPTY]
  own: true
  witness: true
"""

    assert written(tmp_path, row, "images") == [
        Case(
            id="a",
            clause="UUID-LENGTH",
            family="images",
            expected=Expected(
                "refused", "UUID-LENGTH", (Alternative("BAD_ARGUMENTS", "uuid"),), own=True, witness=True
            ),
            where={"comparison_type": ("0",), "liveness_type": ("still", "flash")},
            base={"verbose": "0"},
            set={"uuid": "x"},
            drop=("biz_no", "image"),
            key="no_verify",
            sign={"spoil": "short"},
            method="GET",
            path="other",
            body="urlencoded",
            filler=21_000_000,
            repeat_field="uuid",
            is_control=True,
            plan="full",
            needs=("concurrency_limit", "keys.no_verify"),
            presumes=("UUID-REQUIRED", "UUID-EMPTY"),
        )
    ]


BAD = Alternative("BAD_ARGUMENTS", "sign")
EXPECTATIONS = {
    "accepted": Expected("accepted", "SIGN-KEY"),
    "observe": Expected("observe", "SIGN-KEY"),
    "accepted, witness: true": Expected("accepted", "SIGN-KEY", witness=True),
    "{error: BAD_ARGUMENTS, detail: sign}": Expected("refused", "SIGN-KEY", (BAD,)),
    "{error: LOW_QUALITY}, own: true": Expected("refused", "SIGN-KEY", (Alternative("LOW_QUALITY"),), own=True),
    "{error: LOW_QUALITY}, witness: true": Expected("refused", "SIGN-KEY", (Alternative("LOW_QUALITY"),), witness=True),
    "{status: 400}": Expected("refused", "SIGN-KEY", (Alternative(None, None, 400),)),
    '[{error: BAD_ARGUMENTS, detail: sign}, {error: AUTHORIZATION_ERROR, detail: "*"}]': Expected(
        "refused", "SIGN-KEY", (BAD, Alternative("AUTHORIZATION_ERROR", "*"))
    ),
    "{other_than: {error: BAD_ARGUMENTS, detail: sign}}": Expected("other", "SIGN-KEY", (BAD,)),
    "{other_than: [{error: BAD_ARGUMENTS, detail: sign}, {status: 400}]}": Expected(
        "other", "SIGN-KEY", (BAD, Alternative(None, None, 400))
    ),
}


@pytest.mark.parametrize(("text", "due"), EXPECTATIONS.items())
def test_what_must_follow_is_read(tmp_path, text, due):
    """`expect` is read as docs/cases.md has it: a word, a refusal, a list of them, or anything but a refusal."""
    (case,) = written(tmp_path, f"- {{id: a, clause: SIGN-KEY, expect: {text}}}")

    assert case.expected == due


def test_file_without_a_row_has_no_case(tmp_path):
    """An empty file is no mistake."""
    assert written(tmp_path, "# nothing yet\n") == []


ROW = "- {id: a, clause: UUID-LENGTH, expect: accepted"
MISTAKES = {
    "an unknown key": (
        f"{ROW}, zoom: 1, colour: 2}}",
        "arguments.yaml: a",
        "the key colour is unknown; see docs/cases.md",
    ),
    "an unknown key of a row without an id": (
        "- {clause: UUID-LENGTH, colour: 1}",
        "arguments.yaml: None",
        "the key colour is unknown; see docs/cases.md",
    ),
    "an unknown way to spoil": (
        f"{ROW}, sign: {{spoil: sideways}}}}",
        "case a: sign.spoil sideways",
        "known are " + ", ".join(SPOILS),
    ),
    "an unknown error": (
        "- {id: a, clause: UUID-LENGTH, expect: [{error: LOW_QUALITY}, {error: TOO_LONG}]}",
        "case a: TOO_LONG",
        "the error table has no such name; correct it",
    ),
    "an unknown clause that is presumed": (
        f"{ROW}, presumes: [UUID-EMPTY, NO-SUCH]}}",
        "case a: presumes NO-SUCH",
        "clauses.yaml has no such clause; correct it",
    ),
    "a key that is missing": (
        "- {id: a, clause: UUID-LENGTH}",
        "arguments.yaml: a",
        "the key expect is missing; see docs/cases.md",
    ),
    "every key missing": ("- {set: {uuid: x}}", "arguments.yaml: None", "the key id is missing; see docs/cases.md"),
    "an unknown filler": (
        f"{ROW}, filler: no_such}}",
        "arguments.yaml: a: filler no_such",
        "known limits are " + ", ".join(CONTRACT.limits),
    ),
    "an unknown clause": (
        "- {id: a, clause: NO-SUCH, expect: accepted}",
        "case a: clause NO-SUCH",
        "clauses.yaml has no such clause; add it there",
    ),
    "an excluded clause": (
        "- {id: a, clause: BIZ-NO-ECHO, expect: accepted}",
        "case a: clause BIZ-NO-ECHO",
        "this clause is excluded; drop the case",
    ),
    "one id twice": (f"{ROW}}}\n{ROW}}}", "case a", "two cases have this id; rename one"),
    "the id of a derived case": (
        "- {id: uuid-empty, clause: UUID-LENGTH, expect: accepted}",
        "case uuid-empty",
        "two cases have this id; rename one",
    ),
}


@pytest.mark.parametrize(("text", "what", "hint"), MISTAKES.values(), ids=MISTAKES)
def test_mistake_in_a_case_file_is_named(tmp_path, text, what, hint):
    """Whoever writes a case wrongly is told which case it is, what is wrong with it and what to do."""
    with pytest.raises(UserError) as caught:
        loaded(tmp_path, text)

    assert (caught.value.what, caught.value.hint) == (what, hint)


def test_known_way_to_spoil_is_no_mistake(tmp_path):
    """Every name in the list of ways to spoil a signature is taken, and so is a signature that is not spoilt."""
    rows = [f"- {{id: a-{name}, clause: SIGN-FORM, sign: {{spoil: {name}}}, expect: accepted}}" for name in SPOILS]
    rows += ["- {id: b, clause: SIGN-FORM, sign: {expire: far}, expect: accepted}"]

    assert len(written(tmp_path, "\n".join(rows))) == len(SPOILS) + 1


def test_families_run_in_their_order(tmp_path):
    """Cases run family by family: probes first, then by the list of families; one that is not listed comes last."""
    for number, family in enumerate(("unlisted", "uploads", "signature", "images")):
        written(tmp_path, f"- {{id: a-{number}, clause: UUID-LENGTH, expect: accepted}}", family)

    order = list(dict.fromkeys(case.family for case in load_cases(CONTRACT, tmp_path)))

    assert order == ["probe", "signature", "arguments", "images", "uploads", "unlisted"]
    assert [family for family in FAMILIES if family in order] == order[:-1]


def test_cases_of_a_family_keep_their_order(tmp_path):
    """Within a family derived cases come first, then the rows as they stand in the file."""
    cases = loaded(tmp_path, "\n".join(f"- {{id: {id_}, clause: UUID-LENGTH, expect: accepted}}" for id_ in "cab"))

    assert [case.id for case in cases[-3:]] == ["c", "a", "b"]
    assert all(case.family in ("probe", "arguments") for case in cases)


def test_bundled_cases_are_loaded_by_default():
    """Without a directory the cases are those that ship with the suite, derived and written."""
    ids = {case.id for case in load_cases(CONTRACT)}

    assert {"probe-kyc-still", "uuid-empty", "quality-at-100", "image-undecodable"} <= ids


def case(**fields) -> Case:
    """A case with this difference from its control."""
    return Case("a", "UUID-LENGTH", "arguments", Expected("accepted", "UUID-LENGTH"), **fields)


DIFFERENCES = {
    "none: this is the control": {},
    "uuid removed, biz_no removed": {"drop": ("uuid", "biz_no")},
    'uuid = "x", verbose = "2"': {"set": {"uuid": "x", "verbose": "2"}},
    "image = picture two-faces": {"set": {"image": {"picture": "two-faces"}}},
    "idcard_number = a synthetic person's": {"set": {"idcard_number": {"number_ending": "X"}}},
    "sign expire far, sign contains +": {"sign": {"expire": "far", "contains": "+"}},
    "key no_verify": {"key": "no_verify"},
    "method GET": {"method": "GET"},
    "path …/other": {"path": "other"},
    "body urlencoded": {"body": "urlencoded"},
    "body of 21,000,000 bytes": {"filler": 21_000_000},
    "uuid sent twice": {"repeat_field": "uuid"},
    'uuid removed, verbose = "2", sign spoil short, key other, method GET': {
        "drop": ("uuid",),
        "set": {"verbose": "2"},
        "sign": {"spoil": "short"},
        "key": "other",
        "method": "GET",
    },
}


@pytest.mark.parametrize(("due", "fields"), DIFFERENCES.items())
def test_difference_from_the_control_is_told(due, fields):
    """The one difference of a case reads in words; a control has none."""
    assert case(**fields).difference() == due


def test_long_value_is_told_by_its_beginning_and_its_length():
    """Up to 24 characters a value is told whole, beyond that by its first twelve, its characters and its bytes."""
    assert show("好" * 24) == f'"{"好" * 24}"'
    assert show("好" * 25) == f'"{"好" * 12}…" (25 characters, 75 bytes)'
    assert show(5) == '"5"'


def test_branches_of_a_case_come_in_the_order_of_preference():
    """A case may run in all eight combinations, KYC first, or where it says, the first named first."""
    every = [f"{word}-{kind}" for word in ("kyc", "compare") for kind in ("meglive", "still", "flash", "raw_image")]

    limited = case(where={"liveness_type": ("flash", "still"), "comparison_type": ("0",)})

    assert [str(branch) for branch in all_branches(CONTRACT)] == every
    assert list(case().branches(CONTRACT)) == all_branches(CONTRACT)
    assert list(limited.branches(CONTRACT)) == [Branch("0", "flash"), Branch("0", "still")]


def test_branch_fixes_both_types():
    """A branch stands for two fields of the form."""
    assert COMPARE.fixed == {"comparison_type": "0", "liveness_type": "raw_image"}


LEGAL = {
    "sign": "biztoken-7",
    "sign_version": "hmac_sha1",
    "idcard_name": "张三",
    "idcard_number": "990101199003071233",
    "uuid": "biztoken-7",
    "image": {"picture": "face"},
    "image_ref1": {"picture": "face"},
    "image_ref2": {"picture": "face"},
    "biz_no": "biztoken-7",
    "liveness_timeout": "5",
    "liveness_action_count": "3",
    "flash_liveness_timeout": "120",
    "face_quality_threshold": "30",
    "security_level": "2",
    "eyes_close_detection": "0",
    "get_liveness_video": "0",
}


@pytest.mark.parametrize(("name", "due"), LEGAL.items())
def test_legal_value_of_a_parameter(name, due):
    """Pictures show a face, persons are synthetic, the rest is its default, its first value or its least."""
    assert SAMPLES.legal(CONTRACT.parameters[name]) == due


def test_legal_value_of_an_exact_length_has_it():
    """Any other field of an exact length is filled with digits."""
    assert SAMPLES.legal(replace(CONTRACT.parameters["idcard_number"], name="other_number")) == "1" * 18


@pytest.mark.parametrize(
    ("branch", "due"),
    [
        (KYC, ["sign", "sign_version", "liveness_type", "comparison_type", "idcard_name", "idcard_number"]),
        (COMPARE, ["sign", "sign_version", "liveness_type", "comparison_type", "uuid", "image_ref1", "image"]),
    ],
    ids=str,
)
def test_sound_form_has_what_is_required_and_nothing_else(branch, due):
    """The control of a branch carries its two types and each required field with a legal value, in order."""
    form = sound_form(branch, CONTRACT, SAMPLES)

    assert list(form) == due
    assert form == {name: branch.fixed.get(name) or LEGAL[name] for name in due}


@pytest.mark.parametrize(
    ("permits", "within"),
    [
        ({}, True),
        ({"comparison_type": ("1",)}, True),
        ({"comparison_type": ("0",)}, False),
        ({"liveness_type": ("still", "meglive")}, True),
        ({"comparison_type": ("1",), "liveness_type": ("still",)}, False),
        ({"comparison_type": ()}, False),
    ],
)
def test_branch_is_within_what_is_permitted(permits, within):
    """A combination is left where each of its values is, and what is not named is left."""
    assert KYC.is_within(permits) is within
