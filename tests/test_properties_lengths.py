"""Lengths are bytes of UTF-8, for the mock and in the derived cases, whatever the bound and the characters."""

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from urllib3.filepost import encode_multipart_formdata

from biztoken import contract
from biztoken.cases import Branch, all_branches, derived_cases
from biztoken.mock.fields import Fields
from biztoken.mock.rulebook import Rulebook
from biztoken.multipart import parse

CONTRACT = contract.load()
BOUNDED = [parameter for parameter in CONTRACT.parameters.values() if parameter.max_bytes is not None]
BRANCHES = all_branches(CONTRACT)
SCRIPTS = {"ascii": 1, "two-byte": 2, "cjk": 3, "four-byte": 4}  # bytes of a character

often = settings(derandomize=True, deadline=None, database=None, max_examples=100)
sparingly = settings(often, max_examples=40)

# One alphabet for each number of bytes that a character of UTF-8 may have: chance would hardly take the first two.
CHARS = st.one_of(
    st.characters(max_codepoint=0x7F),
    st.characters(min_codepoint=0x80, max_codepoint=0x7FF),
    st.characters(min_codepoint=0x800, max_codepoint=0xFFFF, exclude_categories=["Cs"]),
    st.characters(min_codepoint=0x10000),
)


@st.composite
def texts(draw: st.DrawFn, bound: int) -> str:
    """A text that is not empty, mostly of about `bound` bytes, of characters of all sizes."""
    drawn = draw(st.text(CHARS, min_size=1, max_size=8))
    length = draw(st.integers(1, bound + 5) | st.sampled_from([bound, bound + 1, bound + 2, 20 * bound]))
    left = max(0, length - bytes_of(drawn))
    return drawn + drawn[0] * (left // bytes_of(drawn[0])) + "a" * (left % bytes_of(drawn[0]))


def bytes_of(text: str) -> int:
    """Bytes of UTF-8, counted by the table of RFC 3629 and not by Python's encoder."""
    return sum(1 + (ord(char) > 0x7F) + (ord(char) > 0x7FF) + (ord(char) > 0xFFFF) for char in text)


def flaw(name: str, text: str, branch: Branch, rulebook: Rulebook) -> str:
    """What the mock finds wrong with this text in a form that urllib3 wrote; empty where it finds nothing."""
    body, content_type = encode_multipart_formdata(branch.fixed | {name: text}, "0123456789abcdef")
    fields = Fields(parse(content_type, body).parts, rulebook.pictures)
    judged = rulebook.section(fields.texts).flaws.get(name)
    return judged(fields.parts[name], fields.texts.get(name)) if judged else ""


def place_of(parameter: contract.Parameter) -> Branch:
    """A branch where the parameter has an effect."""
    return next(branch for branch in BRANCHES if parameter.applies(branch.fixed))


def bounded_by(parameter: contract.Parameter, bound: int) -> contract.Contract:
    """The contract with another bound of this parameter."""
    changed = replace(parameter, max_bytes=bound)
    return replace(CONTRACT, parameters={**CONTRACT.parameters, parameter.name: changed})


def test_contract_bounds_two_parameters():
    """The properties below are about something: the two texts that the vendor's page bounds at 128 bytes."""
    assert {parameter.name: parameter.max_bytes for parameter in BOUNDED} == {"uuid": 128, "biz_no": 128}


@pytest.mark.parametrize("parameter", BOUNDED, ids=lambda parameter: parameter.name)
@often
@given(text=texts(128), branch=st.sampled_from(BRANCHES))
@example(text="好" * 42 + "ab", branch=BRANCHES[0])
@example(text="好" * 43, branch=BRANCHES[0])
@example(text="é" * 64, branch=BRANCHES[-1])
@example(text="𠮷" * 32, branch=BRANCHES[-1])
def test_mock_refuses_a_text_exactly_when_its_bytes_exceed_the_bound(parameter, text, branch):
    """Not characters count but bytes: over the bound a text is too long where it has an effect, else it is fine."""
    is_refused = bytes_of(text) > parameter.max_bytes and parameter.applies(branch.fixed)

    found = flaw(parameter.name, text, branch, Rulebook(CONTRACT))

    assert found == ("too-long" if is_refused else "")


@pytest.mark.parametrize("parameter", BOUNDED, ids=lambda parameter: parameter.name)
@often
@given(bound=st.integers(1, 600), data=st.data())
def test_any_other_bound_is_as_exact(parameter, bound, data):
    """The bound is the contract's, not the code's: another one moves the rule to exactly there."""
    text = data.draw(texts(bound))

    found = flaw(parameter.name, text, place_of(parameter), Rulebook(bounded_by(parameter, bound)))

    assert found == ("too-long" if bytes_of(text) > bound else "")


@pytest.mark.parametrize("parameter", BOUNDED, ids=lambda parameter: parameter.name)
@sparingly
@given(bound=st.integers(1, 600))
@example(bound=128)
@example(bound=1)
def test_derived_text_has_the_bytes_that_its_id_says(parameter, bound):
    """Each script has a text of the bound, which passes, and one of a byte more, which does not; the mock agrees."""
    changed = bounded_by(parameter, bound)
    rulebook = Rulebook(changed)
    slug = parameter.name.replace("_", "-")
    cases = {case.id: case for case in derived_cases(changed)}

    for script, size in SCRIPTS.items():
        for count, kind in ((bound, "accepted"), (bound + 1, "refused")):
            case = cases[f"{slug}-{count}-bytes-{script}"]
            text = case.set[parameter.name]
            assert bytes_of(text) == count
            assert sum(bytes_of(char) == size for char in text) >= count // size
            assert case.expected.kind == kind
            assert flaw(parameter.name, text, place_of(parameter), rulebook) == ("too-long" if count > bound else "")
    assert bytes_of(cases[f"{slug}-very-long"].set[parameter.name]) > bound + 1


@sparingly
@given(bounds=st.lists(st.integers(1, 600), min_size=len(BOUNDED), max_size=len(BOUNDED)))
def test_every_id_that_counts_bytes_is_true(bounds):
    """No derived case of any parameter has an id with a number of bytes that its text does not have."""
    changed = CONTRACT
    for parameter, bound in zip(BOUNDED, bounds, strict=True):
        known = {**changed.parameters, parameter.name: replace(parameter, max_bytes=bound)}
        changed = replace(changed, parameters=known)

    counted = [case for case in derived_cases(changed) if "-bytes-" in case.id]

    assert len(counted) == 2 * len(SCRIPTS) * len(BOUNDED)
    for case in counted:
        ((name, text),) = case.set.items()
        assert case.id.startswith(f"{name.replace('_', '-')}-{bytes_of(text)}-bytes-")
