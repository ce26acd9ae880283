"""Every mistake in a target file is told in one sentence that names the field and a way out, before any request."""

from pathlib import Path

import pytest

from biztoken.errors import UserError
from biztoken.settings import Target, read_target

GOOD = """\
url: https://faceid.example/faceid/v3/sdk/get_biz_token
keys:
  active: {api_key: key, api_secret: top-secret}
"""
# What is added to a good file, the field that the sentence must name, and what it must say of the way out.
ADDED = {
    "unknown key": ("conurrency_limit: 3", "conurrency_limit", "did you mean concurrency_limit?"),
    "unknown key, near": ("time_out: 3", "time_out", "did you mean timeout?"),
    "unknown key, far": ("xyz: 3", "xyz", "known here: name, url, keys"),
    "unknown key that is a number": ("7: 3", "7", "known here"),
    "unknown key that is a truth value": ("on: 3", "True", "known here"),
    "unknown picture": ("pictures: {twofaces: a.jpg}", "pictures.twofaces", "did you mean two_faces?"),
    "unknown permit": ("permits: {liveness: [still]}", "permits.liveness", "did you mean liveness_type?"),
    "unknown field of the person": ("person: {name: 张三}", "person", "idcard_name"),
    "half a person": ("person: {idcard_name: 张三}", "person.idcard_number", "add it"),
    "number of the person without quotes": (
        "person: {idcard_name: 张三, idcard_number: 990101199003071233}",
        "person.idcard_number",
        "string",
    ),
    "permits that are no list": ("permits: {liveness_type: still}", "permits.liveness_type", "array"),
    "limit of zero": ("concurrency_limit: 0", "concurrency_limit", "a whole number from 1, or null"),
    "limit that is a text": ("concurrency_limit: many", "concurrency_limit", "a whole number from 1, or null"),
    "limit that is true": ("concurrency_limit: true", "concurrency_limit", "a whole number from 1, or null"),
    "switch that is a text": ("single_use_sign: 'no'", "single_use_sign", "true or false"),
    "timeout of zero": ("timeout: 0", "timeout", "seconds, more than 0"),
    "timeout with a unit": ("timeout: 30s", "timeout", "seconds, more than 0"),
    "timeout that never ends": ("timeout: .inf", "timeout", "seconds"),
    "timeout that is no number": ("timeout: .nan", "timeout", "seconds"),
    "rate below zero": ("max_rate: -1", "max_rate", "requests per second, more than 0"),
    "proxy without a scheme": ("proxy: proxy.example:3128", "proxy", "http://proxy.example:3128"),
    "proxy over https": ("proxy: https://proxy.example:3128", "proxy", "http://proxy.example:3128"),
    "proxy with a port that is none": ("proxy: http://proxy.example:port", "proxy", "http://proxy.example:3128"),
    "CA that is not there": ("cacert: gone.pem", "cacert: gone.pem", "correct the path"),
    "CA that is a directory": ("cacert: .", "cacert: .", "correct the path"),
    "picture that is not there": ("pictures: {face: gone.jpg}", "pictures.face: gone.jpg", "correct the path"),
    "picture of nobody": ("pictures: {face: ~no-such-user/face.jpg}", "pictures.face", "correct the path"),
    "picture with an endless name": (f"pictures: {{face: {'a' * 5000}}}", "pictures.face", "correct the path"),
    "name that is null": ("name: null", "name", "string"),
    "pictures that are null": ("pictures:", "pictures", "object"),
}
# Whole files, each with what the sentence must name and say.
WHOLE = {
    "empty file": ("", "target.yaml", "object"),
    "a text": ("just a text", "target.yaml", "object"),
    "a list": ("- url", "target.yaml", "object"),
    "no url": ("keys: {active: {api_key: k, api_secret: s}}", "url", "add it"),
    "no keys": ("url: http://x/y", "keys", "add it"),
    "no active key": (
        "url: http://x/y\nkeys: {denied: {api_key: k, api_secret: s}}",
        "keys.active",
        "add it",
    ),
    "unknown role": (
        "url: http://x/y\nkeys: {active: {api_key: k, api_secret: s}, discontinue: {api_key: k, api_secret: s}}",
        "keys.discontinue",
        "did you mean discontinued?",
    ),
    "no secret": ("url: http://x/y\nkeys: {active: {api_key: k}}", "keys.active.api_secret", "add it"),
    "misspelt secret": (
        "url: http://x/y\nkeys: {active: {api_key: k, secret: s, api_secret: s}}",
        "keys.active.secret",
        "did you mean api_secret?",
    ),
    "key that is a number": (
        "url: http://x/y\nkeys: {active: {api_key: 12, api_secret: s}}",
        "keys.active.api_key",
        "string",
    ),
    "key that is null": ("url: http://x/y\nkeys: {active: null}", "keys.active", "object"),
    "url without a scheme": ("url: x/y\nkeys: {active: {api_key: k, api_secret: s}}", "url", "a full URL such as"),
    "url of a file": ("url: file:///x\nkeys: {active: {api_key: k, api_secret: s}}", "url", "a full URL such as"),
    "url without a host": ("url: http:///y\nkeys: {active: {api_key: k, api_secret: s}}", "url", "a full URL"),
    "url with half an address": ("url: 'http://[::1/y'\nkeys: {active: {api_key: k, api_secret: s}}", "url", "a full URL"),
    "url with a port that is none": (
        "url: http://host:port/y\nkeys: {active: {api_key: k, api_secret: s}}",
        "url",
        "a full URL",
    ),
    "url with a port out of range": (
        "url: http://host:99999/y\nkeys: {active: {api_key: k, api_secret: s}}",
        "url",
        "a full URL",
    ),
    "url with a space": ("url: 'http://ho st/y'\nkeys: {active: {api_key: k, api_secret: s}}", "url", "a full URL"),
    "url with a host that is no name": (
        "url: http://a..b/y\nkeys: {active: {api_key: k, api_secret: s}}",
        "url",
        "a full URL",
    ),
    "broken YAML": ("url: http://x/y\nkeys: {active: [\n", "--target", "line "),
    "tab for a space": ("keys:\n\tactive: 1", "--target", "line 2"),
    "a date that is none": ("name: 2024-13-45", "--target", "YAML"),
    "a tag for Python": ("url: !!python/object:os.system {}", "--target", "line 1"),
}


def read(text: str | bytes, tmp_path: Path) -> Target:
    """Read a target file with this content."""
    path = tmp_path / "target.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_target(path, {})


def sentence(text: str | bytes, tmp_path: Path) -> str:
    """What the user is told about a file; anything but a UserError fails the test."""
    with pytest.raises(UserError) as caught:
        read(text, tmp_path)
    return str(caught.value)


@pytest.mark.parametrize(("added", "names", "says"), ADDED.values(), ids=ADDED)
def test_mistake_in_a_field_is_told(tmp_path, added, names, says):
    """One sentence, with the file or the field as the user wrote it, and what to write instead."""
    told = sentence(GOOD + added, tmp_path)

    assert names in told
    assert says in told
    assert "\n" not in told
    assert "top-secret" not in told


@pytest.mark.parametrize(("text", "names", "says"), WHOLE.values(), ids=WHOLE)
def test_mistake_in_a_file_is_told(tmp_path, text, names, says):
    """So is a file that is none, or one that lacks what is required."""
    told = sentence(text, tmp_path)

    assert names in told
    assert says in told
    assert "\n" not in told


def test_good_file_has_no_mistake(tmp_path):
    """The file that the mistakes are added to is right in itself."""
    assert read(GOOD, tmp_path).keys["active"].api_key == "key"


@pytest.mark.parametrize("field", ["api_key", "api_secret"])
def test_empty_key_is_told_as_empty(tmp_path, field):
    """An empty text is of the right type: the sentence must say that it is empty, or nobody can mend it."""
    told = sentence(GOOD.replace({"api_key": "key, ", "api_secret": "top-secret"}[field], "'', "[: 4 - (field != "api_key") * 2]), tmp_path)

    assert f"keys.active.{field}" in told
    assert "empty" in told


@pytest.mark.parametrize("person", ["{idcard_name: '', idcard_number: '990101199003071233'}"])
def test_empty_person_is_told(tmp_path, person):
    """With an empty name no sound request of a KYC branch could be made, and the target would pay for it."""
    assert "person.idcard_name" in sentence(f"{GOOD}person: {person}\n", tmp_path)


def test_whole_number_of_the_limit_is_one(tmp_path):
    """2.0 is a whole number for JSON Schema: it is refused or read as 2, but never as a fraction that cannot count."""
    assert type(read(f"{GOOD}concurrency_limit: 2.0\n", tmp_path).concurrency_limit) is int


def test_file_that_is_not_there_is_told(tmp_path):
    """The sentence names the option and the path."""
    with pytest.raises(UserError) as caught:
        read_target(tmp_path / "gone.yaml", {})

    assert caught.value.what == f"--target {tmp_path / 'gone.yaml'}"
    assert "give the path of a YAML file" in caught.value.hint


def test_directory_is_told(tmp_path):
    """A directory is no file."""
    with pytest.raises(UserError, match="cannot be read"):
        read_target(tmp_path, {})


@pytest.mark.parametrize("text", [b"\xff\xfe\x00", "url: é".encode("latin-1")], ids=["binary", "latin-1"])
def test_file_that_is_not_utf8_is_told(tmp_path, text):
    """Another encoding is named as the reason."""
    assert "not UTF-8" in sentence(text, tmp_path)


@pytest.mark.parametrize(("added", "names", "says"), ADDED.values(), ids=ADDED)
def test_mistake_is_told_in_chinese(tmp_path, added, names, says):
    """Each sentence exists in Chinese as well, and names the same field."""
    with pytest.raises(UserError) as caught:
        read(GOOD + added, tmp_path)

    assert any("\u4e00" <= char <= "\u9fff" for char in caught.value.zh)
    assert caught.value.what in caught.value.told("zh")
