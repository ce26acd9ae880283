"""What generators send: never the same picture where pictures are to differ, whoever sends it in whichever run."""

from itertools import chain

import pytest
from test_load_profile import changed
from test_load_template import ENDPOINT, KEY

from biztoken.load import profile
from biztoken.load.forge import Forge
from biztoken.model import Upload
from biztoken.settings import Target

TARGET = Target(name="t", url=ENDPOINT.url, keys={"active": KEY})


def pictures(run: str, index: int = 0, *, kind: str = "fresh") -> list[bytes]:
    """The first picture of each of fifty requests of one of two generators."""
    asked = profile.make(changed(pictures=kind, mix={"compare": 1, "raw_image": 1}), "own")
    forge = Forge(TARGET, ENDPOINT, asked, seed=0, run=run, index=index, count=2, contract=None)
    found = []
    for _ in range(50):
        _, template = forge.next()
        template.bytes()
        found.append(next(value.data for _, value in template.form(template.stamp) if isinstance(value, Upload)))
    return found


def test_pictures_that_differ_do_so_among_generators_and_runs():
    """A target that remembers pictures has seen none of them, though the seed is the same."""
    sent = list(chain(*(pictures(run, index) for run in ("one", "other") for index in (0, 1))))

    assert len(set(sent)) == len(sent) == 200


def test_pictures_that_are_the_same_are_so_in_every_run():
    """Then what a cache does is the same, too."""
    assert set(pictures("one", kind="same")) == set(pictures("other", 1, kind="same"))


@pytest.mark.parametrize("index", [0, 1])
def test_kinds_follow_the_seed_in_every_run(index):
    """Only what must not repeat does not."""
    asked = profile.make(changed(mix={"compare": 1, "kyc": 2}), "own")
    made = [Forge(TARGET, ENDPOINT, asked, seed=7, run=run, index=index, count=2, contract=None) for run in "ab"]

    assert [made[0].next()[0] for _ in range(30)] == [made[1].next()[0] for _ in range(30)]
