"""Every mistake in a target file is told in one sentence that names the field and a way out, before any request."""

from pathlib import Path

import pytest

from biztoken.errors import UserError
from biztoken.settings import Target, read_target

URL = "url: https://faceid.example/faceid/v3/sdk/get_biz_token\n"
KEYS = "keys: {active: {api_key: key, api_secret: top-secret}}\n"
GOOD = URL + KEYS
LIMIT = "a whole number from 1, or null"
A_URL = "a full URL such as"
A_PROXY = "http://proxy.example:3128"

# What stands in the file, the field that the sentence must name, and what it must say of the way out.
MISTAKES = {
    # Keys
    "unknown key": (GOOD + "conurrency_limit: 3", "conurrency_limit", "did you mean concurrency_limit?"),
    "unknown key, near": (GOOD + "time_out: 3", "time_out", "did you mean timeout?"),
    "unknown key, far": (GOOD + "zzzz: 3", "zzzz", "known here: name, url, keys"),
    "unknown key that is a number": (GOOD + "7: 3", "7", "known here"),
    "unknown key that is a truth value": (GOOD + "on: 3", "True", "known here"),
    "unknown picture": (GOOD + "pictures: {twofaces: a.jpg}", "pictures.twofaces", "did you mean two_faces?"),
    "unknown permit": (GOOD + "permits: {liveness: [still]}", "permits.liveness", "did you mean liveness_type?"),
    "unknown role": (
        URL + "keys: {active: {api_key: k, api_secret: s}, discontinue: {api_key: k, api_secret: s}}",
        "keys.discontinue",
        "did you mean discontinued?",
    ),
    "misspelt secret": (
        URL + "keys: {active: {api_key: k, secret: s, api_secret: s}}",
        "keys.active.secret",
        "did you mean api_secret?",
    ),
    "no url": (KEYS, "url", "add it"),
    "no keys": (URL, "keys", "add it"),
    "no active key": (URL + "keys: {denied: {api_key: k, api_secret: s}}", "keys.active", "add it"),
    "no secret": (URL + "keys: {active: {api_key: k}}", "keys.active.api_secret", "add it"),
    "half a person": (GOOD + "person: {idcard_name: 张三}", "person.idcard_number", "add it"),
    "url with a blank": ("url: https://faceid.example/face id\n" + KEYS, "url", "percent-encoded"),
    "url with Chinese": ("url: https://faceid.example/人脸\n" + KEYS, "url", "percent-encoded"),
    # Values
    "key that is a number": (URL + "keys: {active: {api_key: 12, api_secret: s}}", "keys.active.api_key", "string"),
    "key that is null": (URL + "keys: {active: null}", "keys.active", "object"),
    "key that is empty": (URL + "keys: {active: {api_key: '', api_secret: s}}", "keys.active.api_key", "empty"),
    "secret that is empty": (URL + "keys: {active: {api_key: k, api_secret: ''}}", "keys.active.api_secret", "empty"),
    "number of a person without quotes": (
        GOOD + "person: {idcard_name: 张三, idcard_number: 990101199003071233}",
        "person.idcard_number",
        "string",
    ),
    "name of a person that is empty": (
        GOOD + "person: {idcard_name: '', idcard_number: '990101199003071233'}",
        "person.idcard_name",
        "empty",
    ),
    "permits that are no list": (GOOD + "permits: {liveness_type: still}", "permits.liveness_type", "array"),
    "limit of zero": (GOOD + "concurrency_limit: 0", "concurrency_limit", LIMIT),
    "limit that is a text": (GOOD + "concurrency_limit: many", "concurrency_limit", LIMIT),
    "limit that is true": (GOOD + "concurrency_limit: true", "concurrency_limit", LIMIT),
    "limit with a fraction": (GOOD + "concurrency_limit: 2.5", "concurrency_limit", LIMIT),
    "switch that is a text": (GOOD + "single_use_sign: 'no'", "single_use_sign", "true or false"),
    "timeout of zero": (GOOD + "timeout: 0", "timeout", "seconds, more than 0"),
    "timeout with a unit": (GOOD + "timeout: 30s", "timeout", "seconds, more than 0"),
    "timeout that never ends": (GOOD + "timeout: .inf", "timeout", "seconds"),
    "timeout that is no number": (GOOD + "timeout: .nan", "timeout", "seconds"),
    "rate below zero": (GOOD + "max_rate: -1", "max_rate", "requests per second, more than 0"),
    "leave that is a text": (GOOD + "allow_load: 'yes'", "allow_load", "true or false"),
    "ceiling of nothing": (GOOD + "max_requests: 0", "max_requests", "a whole number from 1"),
    "name that is null": (GOOD + "name: null", "name", "string"),
    "pictures that are null": (GOOD + "pictures:", "pictures", "object"),
    # Files
    "CA that is not there": (GOOD + "cacert: gone.pem", "cacert: gone.pem", "correct the path"),
    "CA that is a directory": (GOOD + "cacert: .", "cacert: .", "correct the path"),
    "picture that is not there": (GOOD + "pictures: {face: gone.jpg}", "pictures.face: gone.jpg", "correct the path"),
    "picture of nobody": (GOOD + "pictures: {face: ~no-such-user/a.jpg}", "pictures.face", "correct the path"),
    # Addresses
    "proxy without a scheme": (GOOD + "proxy: proxy.example:3128", "proxy", A_PROXY),
    "proxy over https": (GOOD + "proxy: https://proxy.example:3128", "proxy", A_PROXY),
    "proxy with a port that is none": (GOOD + "proxy: http://proxy.example:port", "proxy", A_PROXY),
    "url without a scheme": ("url: x/y\n" + KEYS, "url", A_URL),
    "url of a file": ("url: file:///x\n" + KEYS, "url", A_URL),
    "url without a host": ("url: http:///y\n" + KEYS, "url", A_URL),
    "url with half an address": ("url: 'http://[::1/y'\n" + KEYS, "url", A_URL),
    "url with a port that is none": ("url: http://host:port/y\n" + KEYS, "url", A_URL),
    "url with a port out of range": ("url: http://host:99999/y\n" + KEYS, "url", A_URL),
    "url with a host that is no name": ("url: http://a..b/y\n" + KEYS, "url", A_URL),
    # The file as a whole
    "empty file": ("", "target.yaml", "object"),
    "a text": ("just a text", "target.yaml", "object"),
    "a list": ("- url", "target.yaml", "object"),
    "broken YAML": (URL + "keys: {active: [\n", "--target", "line "),
    "tab for a space": ("keys:\n\tactive: 1", "--target", "line 2"),
    "a date that is none": (GOOD + "name: 2024-13-45", "--target", "YAML"),
    "a tag for Python": ("url: !!python/object:os.system {}", "--target", "line 1"),
    "another encoding": ("url: é".encode("latin-1"), "--target", "not UTF-8"),
}


def read(text: str | bytes, tmp_path: Path) -> Target:
    """Read a target file with this content."""
    path = tmp_path / "target.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_target(path, {})


@pytest.mark.parametrize(("text", "names", "says"), MISTAKES.values(), ids=MISTAKES)
def test_mistake_is_told(tmp_path, text, names, says):
    """One sentence, in both languages, with the field as the user wrote it and what to write instead."""
    with pytest.raises(UserError) as caught:
        read(text, tmp_path)

    # The directory bears the name of this test, which could be taken for what the sentence says.
    what = caught.value.what.replace(str(tmp_path), "")
    assert names in what
    assert says in caught.value.hint
    assert any("\u4e00" <= char <= "\u9fff" for char in caught.value.zh)
    assert "\n" not in f"{caught.value}{caught.value.zh}"
    assert "top-secret" not in f"{caught.value}{caught.value.zh}"


def test_good_file_has_no_mistake(tmp_path):
    """The file that the mistakes are added to is right in itself."""
    assert read(GOOD, tmp_path).keys["active"].api_key == "key"


def test_whole_number_of_the_limit_is_one(tmp_path):
    """2.0 is a whole number for JSON Schema; it is read as 2, since a float cannot count requests."""
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
