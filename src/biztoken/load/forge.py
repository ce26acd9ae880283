"""The requests that a generator sends: each kind of the mix encoded once, and taken as often as its weight says."""

from __future__ import annotations

from itertools import accumulate
from pathlib import Path
from random import Random

from biztoken import contract as contracts
from biztoken.cases import Branch, Samples, sound_form
from biztoken.contract import Contract
from biztoken.load.pictures import first_of
from biztoken.load.profile import Profile
from biztoken.load.template import Template
from biztoken.model import Form
from biztoken.people import Person, make_person
from biztoken.pictures import Pictures
from biztoken.requests import fill
from biztoken.settings import Target
from biztoken.wire import Endpoint

# The combination of each kind of the mix, and what it sends beside what is required.
KINDS = {
    "kyc": (Branch("1", "meglive"), {}),
    "compare": (Branch("0", "meglive"), {}),
    "compare_two": (Branch("0", "meglive"), {"image_ref2": {"picture": "face"}}),
    "raw_image": (Branch("0", "raw_image"), {}),
}


def person_of(target: Target, seed: int) -> Person:
    """Whom requests are about: the target's person, or a synthetic one."""
    return Person(*target.person) if target.person else make_person(seed)


def form_of(kind: str, contract: Contract, samples: Samples) -> Form:
    """The sound request of a kind."""
    branch, more = KINDS[kind]
    return fill(sound_form(branch, contract, samples) | more | {"biz_no": "load"}, samples)


class Forge:
    """Makes the requests of a mix, each kind as often as its weight says.

    `index`: which of `count` generators asks; `run`: what tells this run from another. Pictures that differ do so from
    generator to generator and from run to run, too, whatever the seed.
    """

    def __init__(
        self,
        target: Target,
        endpoint: Endpoint,
        profile: Profile,
        *,
        seed: int,
        run: str,
        index: int,
        count: int,
        contract: Path | None,
    ) -> None:
        rules = contracts.load(contract)
        samples = Samples(person_of(target, seed), Pictures(target.pictures, seed), seed)
        self._rng = Random(f"forge/{seed}/{index}")
        kinds = list(profile.mix)
        self._templates = [
            (
                kind,
                Template(
                    endpoint,
                    form_of(kind, rules, samples),
                    target.keys["active"],
                    series=f"{kind}-{seed}-{index}",
                    rng=self._rng,
                    first=first_of(run, index * len(kinds) + place, count * len(kinds)),
                    differ=profile.differs,
                ),
            )
            for place, kind in enumerate(kinds)
        ]
        self._weights = list(accumulate(profile.mix.values()))

    def next(self) -> tuple[str, Template]:
        """The kind of the next request, and what makes it."""
        templates = self._templates
        if len(templates) == 1:
            return templates[0]
        return self._rng.choices(templates, cum_weights=self._weights)[0]
