"""Synthetic people. No real person can have these ID numbers: their area code is assigned to no place."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

UNASSIGNED_AREA = "990101"  # GB/T 2260 assigns no area that starts with 99
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


@dataclass(frozen=True, slots=True)
class Person:
    """A name and an 18-character ID number."""

    name: str
    number: str


def checksum(first17: str) -> str:
    """The eighteenth character of an ID number (GB 11643, ISO 7064 mod 11-2): a digit or X."""
    total = sum(int(digit) * weight for digit, weight in zip(first17, _WEIGHTS, strict=True))
    return "10X98765432"[total % 11]


def make_person(seed: int) -> Person:
    """The person for a seed: always the same."""
    from faker import Faker  # noqa: PLC0415 - it takes 0.2 s that --help need not pay

    faker = Faker("zh_CN")
    faker.seed_instance(seed)
    name = str(faker.name())
    return Person(name, make_number(Random(seed)))


def make_number(rng: Random, last: str | None = None) -> str:
    """An ID number with an unassigned area code; `last` asks for that check character."""
    while True:
        birthday = f"{rng.randrange(1950, 2000)}{rng.randrange(1, 13):02d}{rng.randrange(1, 29):02d}"
        first17 = f"{UNASSIGNED_AREA}{birthday}{rng.randrange(1000):03d}"
        if last is None or checksum(first17) == last:
            return first17 + checksum(first17)


SURNAMES, GIVEN = "赵钱孙李周吴郑王欧阳司马𠮷", "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超"


def make_name(rng: Random) -> str:
    """A name of two or three characters, one of which may take four bytes of UTF-8."""
    return rng.choice(SURNAMES) + "".join(rng.choices(GIVEN, k=rng.choice((1, 2))))
