"""Signatures agree with answers that are not ours, and a spoilt one is never sound by accident."""

import base64
import binascii
import hmac
import string
from random import Random

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from biztoken import contract as contracts
from biztoken.cases import load_cases
from biztoken.signing import AGE, SPOILS, VALIDITY, Key, Secret, make_sign, new_random, raw_text, sign_text

VECTORS = yaml.safe_load((contracts.bundled("openapi") / "signature-vectors.yaml").read_text("utf-8"))
NOW = 1_700_000_000
KEY = Key("ICVvC_xUs6177WEtyUNwIH8J6NfGu50t", Secret("UjYGdN9CBZKsDBLB5-5v3DykPXY6dw3q"))
CASES = [case for case in load_cases(contracts.load()) if case.sign]
TEXTS = st.text(string.ascii_letters + string.digits + "_-", min_size=8, max_size=40)
KEYS = st.builds(Key, TEXTS, TEXTS.map(Secret))
RANDOMS = st.text(string.digits, min_size=1, max_size=10)
TIMES = st.integers(0, 10**10)
without_deadline = settings(deadline=None, max_examples=25)


def each(cases):
    """Cases as parameters of a test, by id."""
    return [pytest.param(case, id=case.id) for case in cases]


def is_sound(sign: str, key: Key = KEY) -> bool:
    """Whether a strict reader takes the sign for one of this key. Written from the vendor's page alone."""
    try:
        both = base64.b64decode(sign, validate=True)
        digest, raw = both[:20], both[20:].decode()
    except (binascii.Error, UnicodeDecodeError):
        return False
    due = hmac.digest(key.api_secret.reveal().encode(), raw.encode(), "sha1")
    return raw.startswith(f"a={key.api_key}&b=") and hmac.compare_digest(due, digest)


def fields(sign: str) -> dict[str, str]:
    """The text of a sign, taken apart."""
    raw = base64.b64decode(sign, validate=True)[20:].decode()
    return dict(pair.split("=", maxsplit=1) for pair in raw.split("&"))


def made(how: dict | None = None, *, key: Key = KEY, seed: int = 0) -> str:
    """A sign made at NOW."""
    return make_sign(key, now=NOW, rng=Random(seed), how=how)


def test_the_vendors_answer_typed_by_hand():
    """The sign that the vendor's page prints comes out: it has a + in it, and its random part starts with 0."""
    raw = raw_text("ICVvC_xUs6177WEtyUNwIH8J6NfGu50t", 1530762218, 1530762118, "0799687066")

    sign = sign_text(raw, Secret("UjYGdN9CBZKsDBLB5-5v3DykPXY6dw3q"))

    assert raw == "a=ICVvC_xUs6177WEtyUNwIH8J6NfGu50t&b=1530762218&c=1530762118&d=0799687066"
    assert sign == (
        "SPzLRbDBgTGC2A8YdDaa7Jrny+5hPUlDVnZDX3hVczYxNzdXRXR5VU53SUg4SjZOZkd1NTB0"
        "JmI9MTUzMDc2MjIxOCZjPTE1MzA3NjIxMTgmZD0wNzk5Njg3MDY2"
    )


@pytest.mark.parametrize("vector", VECTORS, ids=[f"{vector['source']}-{vector['api_key']}" for vector in VECTORS])
def test_known_answer(vector):
    """Text, digest and sign of each published vector come out."""
    raw = raw_text(vector["api_key"], vector["expire_time"], vector["current_time"], vector["random"])
    sign = sign_text(raw, Secret(vector["api_secret"]))

    assert raw == vector["raw"]
    assert base64.b64decode(sign)[:20].hex() == vector["digest"]
    assert sign == vector["sign"]


@without_deadline
@given(KEYS, TIMES, TIMES, RANDOMS)
def test_sign_is_read_back(key, expire, now, random):
    """20 bytes of digest, then the text: a strict reader finds both, and every field as it was."""
    sign = sign_text(raw_text(key.api_key, expire, now, random), key.api_secret)

    assert is_sound(sign, key)
    assert fields(sign) == {"a": key.api_key, "b": str(expire), "c": str(now), "d": random}


@without_deadline
@given(KEYS, st.integers())
def test_made_sign_is_sound_and_lasts(key, seed):
    """A sign with nothing asked of it is sound, made now, valid for ten minutes, with ten random digits."""
    sign = make_sign(key, now=NOW, rng=Random(seed))

    read = fields(sign)

    assert is_sound(sign, key)
    assert (read["b"], read["c"]) == (str(NOW + VALIDITY), str(NOW))
    assert len(read["d"]) == 10
    assert read["d"].isdecimal()


def test_two_signs_of_one_moment_differ():
    """The random part keeps signs of the same second apart."""
    rng = Random(0)

    assert len({make_sign(KEY, now=NOW, rng=rng) for _ in range(50)}) == 50


def test_random_part_keeps_its_leading_zeros():
    """Ten digits always, however small the number."""
    assert {len(new_random(Random(seed))) for seed in range(300)} == {10}
    assert any(new_random(Random(seed)).startswith("0") for seed in range(300))


@pytest.mark.parametrize(
    ("expire", "due"),
    [("single-use", ("0", NOW)), ("expired", (str(NOW - AGE), NOW - 2 * AGE)), ("equal", (str(NOW), NOW))],
)
def test_expiry_as_asked(expire, due):
    """0 for single use; a day ago, and made before that, for expired; equal times for equal. All are signed soundly."""
    sign = made({"expire": expire})

    assert (fields(sign)["b"], int(fields(sign)["c"])) == due
    assert is_sound(sign)


@pytest.mark.parametrize("random", ["0000000042", "0000000000", "7", "9999999999"])
def test_random_part_as_asked(random):
    """The digits come as they were given: a string, never a number."""
    assert fields(made({"random": random}))["d"] == random


@pytest.mark.parametrize("contains", ["+", "/", "+/"])
@without_deadline
@given(st.integers(0, 500))
def test_sign_contains_what_is_asked(contains, seed):
    """A sign that must contain + or / contains them, and is sound."""
    sign = made({"contains": contains}, seed=seed)

    assert set(contains) <= set(sign)
    assert is_sound(sign)


@pytest.mark.parametrize("length", [30, 31, 32])
@pytest.mark.parametrize("case", each(case for case in CASES if "contains" in case.sign))
def test_sign_of_a_case_contains_what_it_asks(case, length):
    """What a case wants in the sign is there whatever the length of the api_key, or the case would test nothing."""
    key = Key("k" * length, Secret("secret"))

    before_it_is_spoilt = {name: value for name, value in case.sign.items() if name != "spoil"}
    assert set(case.sign["contains"]) <= set(made(before_it_is_spoilt, key=key))


@pytest.mark.parametrize("name", SPOILS)
@without_deadline
@given(KEYS, TIMES, RANDOMS)
def test_spoilt_sign_is_not_sound(name, key, expire, random):
    """Whatever is spoilt, a strict reader who knows the key refuses the sign."""
    raw = raw_text(key.api_key, expire, NOW, random)
    # Nothing can be spoilt in a sign that has neither.
    assume(name != "url-safe" or set("+/") & set(sign_text(raw, key.api_secret)))

    assert not is_sound(SPOILS[name](key, raw), key)


@pytest.mark.parametrize("case", each(case for case in CASES if "spoil" in case.sign))
def test_sign_of_a_spoilt_case_is_never_sound(case):
    """A case that spoils its sign sends a spoilt one every time, and not only by luck."""
    signs = [made(case.sign, seed=seed) for seed in range(40)]

    assert [sign for sign in signs if is_sound(sign)] == []


@pytest.mark.parametrize("name", ["digest-first-byte", "digest-middle-byte", "digest-last-byte"])
def test_flipped_digest_differs_in_one_bit(name):
    """A comparison that stops early or starts late shows: the text is whole, and one bit of the digest is not."""
    raw = raw_text(KEY.api_key, NOW + 1, NOW, "7")
    sound, spoilt = (base64.b64decode(sign) for sign in (sign_text(raw, KEY.api_secret), SPOILS[name](KEY, raw)))

    differing = [(a ^ b).bit_count() for a, b in zip(sound, spoilt, strict=True)]

    assert sum(differing) == 1
    assert differing.index(1) == {"first": 0, "middle": 10, "last": 19}[name.split("-")[1]]


@pytest.mark.parametrize("name", ["not-base64", "short", "no-text", "not-utf8"])
def test_undecodable_sign_has_no_text(name):
    """What SIGN-FORM is about is no base64, or has no text of UTF-8 after 20 bytes."""
    spoilt = SPOILS[name](KEY, raw_text(KEY.api_key, NOW + 1, NOW, "7"))

    try:
        text = base64.b64decode(spoilt, validate=True)[20:].decode()
    except (binascii.Error, UnicodeDecodeError):
        text = ""

    assert text == ""


def test_secret_cannot_print():
    """Neither a secret nor a key that holds one shows its text."""
    secret = Secret("top-secret")
    key = Key("key", secret)

    shown = f"{secret} {secret!r} {key} {key!r} {[secret]}"

    assert "top-secret" not in shown
    assert "Secret(…)" in shown
    assert secret.reveal() == "top-secret"
