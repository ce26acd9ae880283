"""The mock's own reading of signs."""

from __future__ import annotations

import base64
import hmac
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from biztoken.contract import bundled
from biztoken.mock import signature
from biztoken.mock.state import State

VECTORS = yaml.safe_load(Path(bundled("openapi"), "signature-vectors.yaml").read_text("utf-8"))
NOW = 1_700_000_000


def make(text: bytes, secret: str = "s") -> bytes:
    """A sign of any text."""
    return base64.b64encode(hmac.digest(secret.encode(), text, "sha1") + text)


def make_times(expires: int, made: int) -> signature.Signed:
    """A sign with these times, read."""
    signed = signature.read(make(f"a=k&b={expires}&c={made}&d=1".encode()))
    assert signed
    return signed


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["source"] + "-" + vector["api_key"])
def test_known_answer_is_read_and_genuine(vector: dict[str, Any]) -> None:
    """Every published or independently made sign is read as what it was made of, and is genuine."""
    signed = signature.read(vector["sign"].encode())

    assert signed is not None
    assert signed.digest.hex() == vector["digest"]
    assert signed.text.decode() == vector["raw"]
    assert (signed.api_key, signed.expires, signed.made) == (
        vector["api_key"],
        vector["expire_time"],
        vector["current_time"],
    )
    assert signature.is_genuine(signed, vector["api_secret"])
    assert not signature.is_genuine(signed, vector["api_secret"] + "x")


@pytest.mark.parametrize(
    "text",
    [
        b"a=k&b=1&c=2",
        b"a=k&b=1&c=2&d=",
        b"a=k&b=1&c=2&d=12345678901",
        b"a=k&b=1&c=2&d=1x",
        b"b=1&a=k&c=2&d=1",
        b"a=k&b=&c=2&d=1",
        b"a=k&b=-1&c=2&d=1",
        b"a=k&b=1.5&c=2&d=1",
        b"a=k&b=1&c=2&d=1\n",
        b"a=k&b=1&c=2&d=\xd9\xa1",
        b"a=\xff&b=1&c=2&d=1",
        b"",
    ],
)
def test_text_of_another_form_is_not_read(text: bytes) -> None:
    """The four fields stand in their order and are what they should be, or the sign cannot be decoded."""
    assert signature.read(make(text)) is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda sign: sign.rstrip(b"="),
        lambda sign: sign + b"=",
        lambda sign: sign[:10] + b"\n" + sign[10:],
        lambda sign: b" " + sign,
        lambda sign: sign.replace(b"+", b"-").replace(b"/", b"_"),
        lambda sign: sign[:-3] + b"\xff==",
        lambda sign: sign[:-3] + bytes([sign[-3] + 1]) + b"==",
    ],
)
def test_only_standard_base64_is_read(spoil: Any) -> None:
    """Missing or extra padding, line breaks, the URL-safe alphabet and stray bits are no standard base64."""
    sign = b"SPzLRbDBgTGC2A8YdDaa7Jrny+5hPUlDVnZDX3hVczYxNzdXRXR5VU53SUg4SjZOZkd1NTB0JmI9MTUmYz0xNDEmZD0w"
    sign = base64.b64encode(base64.b64decode(sign) + b"1")
    assert sign.endswith(b"==")
    assert signature.read(sign)

    assert signature.read(spoil(sign)) is None


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_fail(sign: bytes) -> None:
    """Whatever is sent as a sign is read or refused, never an error."""
    assert signature.read(sign) is None or base64.b64decode(sign)


@given(
    st.text(st.characters(exclude_characters="&", exclude_categories=["Cs"]), max_size=40),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    st.integers(0, 10**20 - 1),
    st.integers(0, 10**20 - 1),
    st.text("0123456789", min_size=1, max_size=10),
)
def test_what_is_signed_is_read_back(api_key: str, secret: str, expires: int, made: int, drawn: str) -> None:
    """Any key, secret, times and digits come back as they were signed; any changed byte is noticed."""
    text = f"a={api_key}&b={expires}&c={made}&d={drawn}".encode()

    signed = signature.read(make(text, secret))

    assert signed is not None
    assert (signed.api_key, signed.expires, signed.made, signed.text) == (api_key, expires, made, text)
    assert signature.is_genuine(signed, secret)
    assert not signature.is_genuine(signed._replace(text=text + b"0"), secret)


@given(st.integers(1, 2 * NOW), st.integers(0, 2 * NOW), st.floats(0, 2 * NOW))
def test_expiry_is_what_the_times_say(expires: int, made: int, now: float) -> None:
    """A sign lives while now is before its expiry, and only if that is after it was made."""
    assert signature.has_expired(make_times(expires, made), now) is not (now < expires and made < expires)


def test_remembered_signs_are_bounded() -> None:
    """A second use is noticed; what is remembered does not grow for ever."""
    state = State(remembered=2)

    assert [state.is_first_use(digest) for digest in (b"1", b"1", b"2", b"3", b"3")] == [True, False, True, True, False]
    assert state.is_first_use(b"1"), "the oldest of more than two was forgotten"
