"""What a signature says where a case asks for something: its times, its characters, and what is spoilt in it."""

import base64
from itertools import count
from random import Random

import pytest

from biztoken.signing import SPOILS, VALIDITY, Key, Secret, make_sign, raw_text, sign_text

NOW = 1_700_000_000
DAY = 86_400
KEY = Key("ICVvC_xUs6177WEtyUNwIH8J6NfGu50t", Secret("UjYGdN9CBZKsDBLB5-5v3DykPXY6dw3q"))


def fields(sign: str) -> dict[str, str]:
    """The text of a sign, taken apart."""
    raw = base64.b64decode(sign, validate=True)[20:].decode()
    return dict(pair.split("=", maxsplit=1) for pair in raw.split("&"))


def is_tame(sign: str) -> bool:
    """Whether a sign has neither of the characters that targets trip over."""
    return not {"+", "/"} & set(sign)


@pytest.mark.parametrize(
    ("expire", "due"),
    [("long-expired", (NOW - 30 * DAY, NOW - 60 * DAY)), ("far", (NOW + 400 * DAY, NOW))],
)
def test_distant_times_are_as_documented(expire, due):
    """`long-expired` is over since a month and `far` lasts 400 days, as docs/cases.md says."""
    read = fields(make_sign(KEY, now=NOW, rng=Random(0), how={"expire": expire}))

    assert (int(read["b"]), int(read["c"])) == due


def test_sign_with_nothing_asked_of_it_is_tame():
    """A target that trips over +, / or a leading zero does so in their own cases only: no other sign has them."""
    signs = [make_sign(KEY, now=NOW, rng=Random(seed)) for seed in range(200)]

    assert all(map(is_tame, signs))
    assert {fields(sign)["d"][0] for sign in signs} == set("123456789")


@pytest.mark.parametrize(("expire", "due"), [(None, NOW + VALIDITY), ("single-use", 0), ("equal", None)])
@pytest.mark.parametrize("random", ["0", "7", "0000000042", "9999999999", "1234567890"])
def test_given_digits_move_only_the_time_of_making(random, expire, due):
    """Where the digits are given the sign is made as many seconds earlier as it takes to be tame, and no more."""
    sign = make_sign(KEY, now=NOW, rng=Random(0), how={"random": random} | ({"expire": expire} if expire else {}))

    texts = (raw_text(KEY.api_key, NOW - late if due is None else due, NOW - late, random) for late in count())
    assert sign == next(one for one in (sign_text(text, KEY.api_secret) for text in texts) if is_tame(one))


def test_signs_of_given_digits_are_not_all_of_the_first_moment():
    """The test above is about something: some of these digits need another moment."""
    made = {fields(make_sign(KEY, now=NOW, rng=Random(0), how={"random": str(digit)}))["c"] for digit in range(40)}

    assert len(made) > 1


@pytest.mark.parametrize("last", ["0", "1", "9"])
def test_other_text_differs_in_its_last_digit(last):
    """`digest-of-other-text` is a whole sign whose text differs by one digit from the one that was signed."""
    raw = raw_text(KEY.api_key, NOW + 1, NOW, f"12345{last}")

    spoilt = base64.b64decode(SPOILS["digest-of-other-text"](KEY, raw))

    digest, text = spoilt[:20], spoilt[20:].decode()
    assert digest == base64.b64decode(sign_text(raw, KEY.api_secret))[:20]
    assert text[:-1] == raw[:-1]
    assert text[-1] != last
    assert text[-1].isdigit()


def test_moved_expiry_is_later():
    """`expiry-moved` claims a minute more than was signed and is whole otherwise."""
    raw = raw_text(KEY.api_key, NOW + 1, NOW, "7")

    spoilt = base64.b64decode(SPOILS["expiry-moved"](KEY, raw))

    assert spoilt[:20] == base64.b64decode(sign_text(raw, KEY.api_secret))[:20]
    assert spoilt[20:].decode() == raw_text(KEY.api_key, NOW + 61, NOW, "7")


@pytest.mark.parametrize("api_key", [KEY.api_key, str(NOW), "a", "7"])
def test_unknown_key_says_so_and_changes_nothing_else(api_key):
    """`unknown-key` replaces the key by one that says that it is none; times and digits stay, whatever the key is."""
    raw = raw_text(api_key, NOW + 1, NOW, "7")

    read = fields(SPOILS["unknown-key"](Key(api_key, KEY.api_secret), raw))

    assert read.pop("a").startswith("no-such-key-")
    assert read == {"b": str(NOW + 1), "c": str(NOW), "d": "7"}


def test_secret_prints_as_a_sign_of_one():
    """A secret shows as `Secret(…)` and nothing else."""
    assert repr(Secret("top-secret")) == "Secret(…)"
