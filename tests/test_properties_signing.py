"""The side that signs and the mock that reads share no code; what the one makes the other reads, and nothing else."""

import base64
import hmac
import string
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from urllib3.filepost import encode_multipart_formdata

from biztoken import multipart
from biztoken.mock import signature
from biztoken.signing import SPOILS, VALIDITY, Key, Secret, halves_of_hmac, make_sign, raw_text, sign_text

ALPHABET = (string.ascii_letters + string.digits + "+/").encode()
LAST_FREE_PLACE = 25  # of the base64 text: the last character of which all six bits are digest

sparingly = settings(derandomize=True, deadline=None, database=None, max_examples=25)
often = settings(sparingly, max_examples=100)

TEXTS = st.characters(exclude_characters="&", exclude_categories=["Cs"])
API_KEYS = st.text(TEXTS, max_size=40) | st.text(string.ascii_letters + string.digits + "_-?>~", max_size=40)
# HMAC pads a secret with zero bytes, so that one that ends in them is the same secret without.
SECRETS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=100)
TIMES = st.integers(0, 10**20 - 1)
RANDOMS = st.text(string.digits, min_size=1, max_size=10)
KEYS = st.builds(Key, st.text(string.ascii_letters + string.digits, min_size=8, max_size=40), SECRETS.map(Secret))
NOWS = st.integers(10**8, 10**10)


@st.composite
def signed(draw: st.DrawFn) -> tuple[bytes, str]:
    """A sound sign and the secret that it was made with."""
    secret = draw(SECRETS)
    raw = raw_text(draw(API_KEYS), draw(TIMES), draw(TIMES), draw(RANDOMS))
    return sign_text(raw, Secret(secret)).encode(), secret


def is_honoured(sign: bytes, secret: str) -> bool:
    """Whether the mock reads the sign and finds it genuine."""
    read = signature.read(sign)
    return read is not None and signature.is_genuine(read, secret)


@often
@given(API_KEYS, SECRETS, SECRETS, TIMES, TIMES, RANDOMS)
def test_sign_is_read_and_genuine_under_its_secret_alone(api_key, secret, other, expires, made, random):
    """Every field comes back as it was signed; the secret proves the sign, and no other secret does."""
    raw = raw_text(api_key, expires, made, random)

    read = signature.read(sign_text(raw, Secret(secret)).encode())

    assert read is not None
    assert (read.api_key, read.expires, read.made, read.text) == (api_key, expires, made, raw.encode())
    assert signature.is_genuine(read, secret)
    assert not signature.is_genuine(read, secret + "x")
    assert signature.is_genuine(read, other) is (other == secret)


@sparingly
@given(signed())
def test_any_flipped_bit_is_noticed(made):
    """Of digest and text no bit may differ: the sign is not read any more, or not genuine."""
    sign, secret = made
    whole = base64.b64decode(sign)

    for position in range(8 * len(whole)):
        flipped = bytearray(whole)
        flipped[position // 8] ^= 1 << position % 8
        assert not is_honoured(base64.b64encode(flipped), secret)


@sparingly
@given(signed(), st.data())
def test_any_other_character_is_noticed(made, data):
    """Of the base64 text no character may differ, the last one before the pad included."""
    sign, secret = made

    for position in range(len(sign)):
        other = data.draw(st.sampled_from(ALPHABET)) if position < len(sign) - 4 else None
        for char in ALPHABET if other is None else (other,):
            changed = sign[:position] + bytes([char]) + sign[position + 1 :]
            assert changed == sign or not is_honoured(changed, secret)


@sparingly
@given(signed())
def test_any_truncation_is_noticed(made):
    """A sign that lost any number of characters or of bytes, at either end, is not honoured."""
    sign, secret = made
    whole = base64.b64decode(sign)

    for length in range(1, len(sign) + 1):
        assert not is_honoured(sign[:-length], secret)
        assert not is_honoured(sign[length:], secret)
    for length in range(1, len(whole) + 1):
        assert not is_honoured(base64.b64encode(whole[:-length]), secret)
        assert not is_honoured(base64.b64encode(whole[length:]), secret)


@often
@given(signed())
def test_url_safe_alphabet_is_refused(made):
    """A sign in the URL-safe alphabet cannot be decoded, as soon as the alphabets differ in it by one character."""
    sign, _ = made
    assume({*b"+/"} & {*sign})

    assert signature.read(sign) is not None
    for one, other in ((b"+", b"-"), (b"/", b"_")):
        assert one not in sign or signature.read(sign.replace(one, other, 1)) is None
    assert signature.read(sign.translate(bytes.maketrans(b"+/", b"-_"))) is None


@often
@given(signed(), st.sampled_from([b" ", b"\t", b"\n", b"\r\n", b"\r", b"\f", b"\v", "\u3000".encode()]))
def test_white_space_is_refused_at_any_place(made, blank):
    """Line breaks as MIME encoders write them, and any other blank, before, in and after a sign make it unreadable."""
    sign, _ = made

    assert [place for place in range(len(sign) + 1) if signature.read(sign[:place] + blank + sign[place:])] == []


@often
@given(signed())
def test_wrong_pad_is_refused(made):
    """A sign without its pad, with half of it or with more than it needs cannot be decoded."""
    sign, _ = made
    bare = sign.rstrip(b"=")
    pads = {bare + b"=" * count for count in range(5)} - {sign}

    assert len(pads) == 4
    assert [spoilt for spoilt in pads if signature.read(spoilt)] == []


@often
@given(
    st.integers(1, 10**18), st.sampled_from([-1, 0, 1]), st.sampled_from([-1, -0.5, 0, 0.5, 1]), API_KEYS, st.booleans()
)
def test_expiry_is_exact_to_the_second(expires, life, late, api_key, long_made):
    """A sign lives until the second of its expiry, exclusively, and never if it was not made before that."""
    now = expires + late if expires < 2**50 else expires + int(late)
    made = 0 if long_made else max(0, expires - life)
    raw = raw_text(api_key, expires, made, "0")

    read = signature.read(sign_text(raw, Secret("s")).encode())

    assert read is not None
    assert signature.has_expired(read, now) is (now >= expires or made >= expires)


@often
@given(TIMES, TIMES, st.integers(0, 10**20) | st.floats(0, 1e20))
def test_expiry_is_what_the_times_say(expires, made, now):
    """The rule holds for any three moments, times in milliseconds and far beyond included."""
    read = signature.read(sign_text(raw_text("k", expires, made, "0"), Secret("s")).encode())

    assert read is not None
    assert signature.has_expired(read, now) is not (now < expires and made < expires)


@often
@given(signed(), st.text("0", max_size=9), st.text(string.digits, min_size=1, max_size=1))
def test_leading_zeros_of_the_random_part_survive(made, zeros, digit):
    """`d` is a digit string: with more or fewer zeros before it, it is another text and another digest."""
    _, secret = made
    texts = [zeros + digit, (zeros + digit).lstrip("0") or "0"]

    reads = [signature.read(sign_text(raw_text("k", 2, 1, text), Secret(secret)).encode()) for text in texts]

    assert [read and read.text.rpartition(b"&d=")[2].decode() for read in reads] == texts
    assert len({read.digest for read in reads if read}) == len(set(texts))


@often
@given(SECRETS, st.integers(0, LAST_FREE_PLACE), st.sampled_from("+/"), st.binary(min_size=1, max_size=20))
def test_plus_and_slash_survive_the_form_at_any_place(secret, place, char, boundary):
    """A + or / anywhere in the digest goes through a multipart form as it is; as a blank it would be no sign."""
    signs = (sign_text(raw_text("k", 2, 1, str(number)), Secret(secret)) for number in range(10_000))
    sign = next(sign for sign in signs if sign[place] == char)

    body, content_type = encode_multipart_formdata([("sign", sign)], boundary.hex())
    (part,) = multipart.parse(content_type, body).parts

    assert part.body.decode() == sign
    assert is_honoured(part.body, secret)
    assert not is_honoured(part.body.replace(char.encode(), b" "), secret)
    assert not is_honoured(part.body.replace(char.encode(), b""), secret)


@often
@given(st.text("?>~", min_size=20, max_size=40), SECRETS, TIMES)
def test_plus_and_slash_survive_in_the_text(api_key, secret, expires):
    """Base64 of the text after the digest may hold + and /, too: the key that brings them about comes back."""
    sign = sign_text(raw_text(api_key, expires, 0, "0"), Secret(secret)).encode()
    assume({*b"+/"} & {*sign[28:]})

    read = signature.read(sign)

    assert read is not None
    assert read.api_key == api_key
    assert signature.is_genuine(read, secret)


@pytest.mark.parametrize(
    ("expire", "lives_at"),
    [(None, [0, VALIDITY - 1]), ("far", [0, 86_400]), ("expired", []), ("long-expired", [])],
)
@sparingly
@given(key=KEYS, now=NOWS, seed=st.integers(), how=st.sampled_from([{}, {"contains": "+"}, {"random": "0000000042"}]))
def test_made_sign_lives_as_long_as_it_was_asked_to(expire, lives_at, key, now, seed, how):
    """Whatever else a case asks of its sign, the mock honours it until its time is over, and an expired one never."""
    wanted = how | ({"expire": expire} if expire else {})

    read = signature.read(make_sign(key, now=now, rng=Random(seed), how=wanted).encode())

    assert read is not None
    assert signature.is_genuine(read, key.api_secret.reveal())
    assert [moment for moment in lives_at if signature.has_expired(read, now + moment)] == []
    assert signature.has_expired(read, now + (10**9 if lives_at else 0))


@pytest.mark.parametrize("how", [{}, {"contains": "+"}, {"random": "7"}])
@pytest.mark.parametrize("expire", ["single-use", "equal"])
@sparingly
@given(key=KEYS, now=NOWS, seed=st.integers())
def test_expiry_that_is_one_exact_moment_stays_it(expire, how, key, now, seed):
    """A single-use sign says 0 and one of equal times the same twice, whatever else a case asks of its sign."""
    read = signature.read(make_sign(key, now=now, rng=Random(seed), how=how | {"expire": expire}).encode())

    assert read is not None
    assert read.expires == (0 if expire == "single-use" else read.made)
    assert signature.has_expired(read, now)


@pytest.mark.parametrize("name", SPOILS)
@sparingly
@given(key=KEYS, now=NOWS, seed=st.integers())
def test_mock_honours_no_spoilt_sign(name, key, now, seed):
    """What a case spoils the mock refuses for that: unreadable, of another key, or not genuine."""
    how = {"spoil": name} | ({"contains": "+/"} if name == "url-safe" else {})

    read = signature.read(make_sign(key, now=now, rng=Random(seed), how=how).encode())

    is_readable = name not in ("not-base64", "short", "no-text", "not-utf8", "url-safe")
    assert (read is not None) is is_readable
    if name == "unknown-key":
        assert read.api_key != key.api_key
    elif is_readable:
        assert read.api_key == key.api_key
        assert not signature.is_genuine(read, key.api_secret.reveal())


@often
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=100), st.binary(max_size=100))
def test_halves_make_an_hmac(secret, text):
    """Also under a secret that is longer than a block, which is hashed first."""
    inner, outer = halves_of_hmac(Secret(secret))
    inner.update(text)
    outer.update(inner.digest())

    assert outer.digest() == hmac.digest(secret.encode(), text, "sha1")
