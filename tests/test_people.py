"""Synthetic people have numbers of the right form that no real person can have, the same for the same seed."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biztoken.people import checksum, make_number, make_person


@pytest.mark.parametrize(
    ("first17", "last"),
    [
        ("11010519491231002", "X"),  # the example of GB 11643
        ("34052419800101001", "X"),  # an example that is often printed
        ("44052418800101001", "4"),  # GB 11643, a woman born in 1880
        ("0" * 17, "1"),
    ],
)
def test_checksum_of_known_numbers(first17, last):
    """The last character is that of GB 11643, X standing for ten."""
    assert checksum(first17) == last


@settings(deadline=None, max_examples=50)
@given(st.text("0123456789", min_size=17, max_size=17), st.integers(0, 16), st.integers(1, 9))
def test_checksum_sees_every_changed_digit(first17, position, step):
    """One digit that differs changes the check character."""
    digit = str((int(first17[position]) + step) % 10)
    other = first17[:position] + digit + first17[position + 1 :]

    assert checksum(other) != checksum(first17)


@settings(deadline=None, max_examples=50)
@given(st.integers())
def test_number_has_the_form_of_an_id(seed):
    """18 characters: an area that is assigned to no place, a date of birth, a serial and a check character."""
    number = make_number(Random(seed))

    assert len(number) == 18
    assert number.startswith("990101")
    assert 1950 <= int(number[6:10]) < 2000
    assert 1 <= int(number[10:12]) <= 12
    assert 1 <= int(number[12:14]) <= 28
    assert number[17] == checksum(number[:17])


@pytest.mark.parametrize("last", "0123456789X")
def test_number_ends_as_asked(last):
    """Every check character can be had, in a number that is right."""
    number = make_number(Random(5), last=last)

    assert number[-1] == last == checksum(number[:17])


def test_same_seed_is_the_same_person():
    """A run can be repeated with the same people."""
    assert make_person(7) == make_person(7)


def test_other_seeds_are_other_people():
    """Runs with other seeds have other people."""
    people = [make_person(seed) for seed in range(20)]

    assert len({person.number for person in people}) == 20
    assert len({person.name for person in people}) > 10


def test_person_is_chinese():
    """Names have characters of several bytes, as those of real requests do."""
    names = [make_person(seed).name for seed in range(20)]

    assert all(2 <= len(name) <= 4 for name in names)
    assert all("\u4e00" <= char <= "\u9fff" for name in names for char in name)
