"""The keys file and the latency of the mock."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from biztoken.errors import UserError
from biztoken.mock import keys, latency


def write(tmp_path: Path, text: str) -> Path:
    """A keys file of this text."""
    path = tmp_path / "keys.yaml"
    path.write_text(text, "utf-8")
    return path


def test_demo_keys_cover_every_role() -> None:
    """The built-in keys stand for each thing that can befall a key, in the order of a target file."""
    roles = keys.demo_keys()

    assert list(roles) == [
        "active",
        "discontinued",
        "denied",
        "ip_not_allowed",
        "retries_exhausted",
        "quota_reached",
        "no_verify",
        "no_data_source",
    ]
    assert all(pair[0] == f"demo-{role}" and pair[1] for role, pair in roles.items())
    assert keys.demo()["demo-active"].concurrency == 5
    assert keys.demo()["demo-quota_reached"].quota == 0


def test_key_needs_no_more_than_two_entries(tmp_path: Path) -> None:
    """A key with only api_key and api_secret is active, without limits, with all permissions."""
    (key,) = keys.load(write(tmp_path, "keys: [{api_key: k, api_secret: s}]")).values()

    assert key == keys.Key("k", "s", "active", None, True, True, None)
    assert "s'" not in repr(key)


@pytest.mark.parametrize(
    ("text", "named", "hint"),
    [
        ("keys: [{api_key: k, api_secret: s, qouta: 1}]", "key 1: qouta", "quota"),
        ("keys: [{api_key: k, api_secret: s, state: activ}]", "key 1: state", "active"),
        ("keys: [{api_key: k, api_secret: s, quota: -1}]", "key 1: quota", "whole number"),
        ("keys: [{api_key: k, api_secret: s, verify: 1}]", "key 1: verify", "true or false"),
        ("keys: [{api_key: k}]", "key 1: api_secret", "required"),
        ("keys: [{api_key: 'a&b', api_secret: s}]", "key 1: api_key", "&"),
        ("keys: [{api_key: k, api_secret: s}, {api_key: k, api_secret: t}]", "key 2", "twice"),
        ("keys: [{api_key: k, api_secret: s}]\nmore: 1", "keys file", "keys:"),
        ("keys: []", "keys file", "keys:"),
        ("keys: [x]", "key 1", "mapping"),
        ("[", "keys file", "YAML"),
    ],
)
def test_bad_keys_file_is_told_in_one_sentence(tmp_path: Path, text: str, named: str, hint: str) -> None:
    """A mistake names the entry as the user wrote it and the way out, and no secret."""
    with pytest.raises(UserError) as raised:
        keys.load(write(tmp_path, text))

    assert named in raised.value.what
    assert hint in raised.value.hint
    assert "\n" not in str(raised.value)
    assert raised.value.zh


def test_missing_keys_file_is_told(tmp_path: Path) -> None:
    """A file that is not there is the user's mistake."""
    with pytest.raises(UserError, match="cannot be read"):
        keys.load(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("text", "kind", "values"),
    [
        ("20ms", "constant", (0.02,)),
        ("0.02", "constant", (0.02,)),
        ("1.5 s", "constant", (1.5,)),
        ("uniform(10ms,50ms)", "uniform", (0.01, 0.05)),
        ("normal( 50ms , 10ms )", "normal", (0.05, 0.01)),
        ("exp(30ms)", "exp", (0.03,)),
    ],
)
def test_latency_is_read(text: str, kind: str, values: tuple[float, ...]) -> None:
    """Durations and distributions are read as written; seconds where there is no unit."""
    assert latency.parse(text) == latency.Latency(kind, pytest.approx(values))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["", "fast", "-1", "20m", "uniform(10ms)", "uniform(2,1)", "gauss(1,2)", "exp(x)", "nan"]
)
def test_bad_latency_is_told(text: str) -> None:
    """What is no duration is the user's mistake."""
    with pytest.raises(UserError, match="latency") as raised:
        latency.parse(text)
    assert raised.value.zh


@pytest.mark.parametrize("text", ["20ms", "uniform(0,50ms)", "normal(5ms,50ms)", "exp(30ms)", "exp(0)"])
def test_latency_is_never_negative_and_repeats_with_its_seed(text: str) -> None:
    """Draws depend on the seed alone, and none is negative."""
    pace = latency.parse(text)

    draws = [pace.draw(rng) for rng in [random.Random(3)] for _ in range(200)]

    assert min(draws) >= 0
    assert draws == [pace.draw(rng) for rng in [random.Random(3)] for _ in range(200)]
