"""A target file is taken as it is meant: what it may say, what it refers to, and what no record may carry."""

from pathlib import Path

import pytest
import yaml

from biztoken.errors import UserError
from biztoken.settings import PICTURES, ROLES, Target, make_target, read_target

URL = "https://faceid.example:8443/faceid/v3/sdk/get_biz_token"
KEY = {"api_key": "key", "api_secret": "secret"}
LEAST = {"url": URL, "keys": {"active": KEY}}


def target(data: object, environment=None, *, path: Path = Path("target.yaml")) -> Target:
    """The target that this data makes."""
    return make_target(data, path, environment or {})


def test_least_file_is_enough():
    """Only the URL and the active key are required; the rest is unknown, or has its default."""
    made = target(LEAST)

    assert (made.url, made.name) == (URL, "faceid.example:8443")
    assert made.keys["active"].api_key == "key"
    assert made.keys["active"].api_secret.reveal() == "secret"
    assert (made.timeout, made.max_rate, made.cacert, made.proxy) == (30.0, None, None, None)
    assert (made.concurrency_limit, made.single_use_sign, made.person) == (None, None, None)
    assert (dict(made.permits), dict(made.pictures), made.is_mock) == ({}, {}, False)


def test_full_file_is_read(tmp_path):
    """Every key that the format has is taken as it was written."""
    for name in ("ca.pem", *PICTURES):
        (tmp_path / name).touch()
    data = {
        "name": "staging",
        "url": URL,
        "keys": {role: {"api_key": f"key-{role}", "api_secret": f"secret-{role}"} for role in ROLES},
        "permits": {"comparison_type": [0, "1"], "liveness_type": ["meglive"]},
        "concurrency_limit": 5,
        "single_use_sign": False,
        "pictures": {name: name for name in PICTURES},
        "person": {"idcard_name": "张三", "idcard_number": "990101199003071233"},
        "timeout": 12,
        "max_rate": 2.5,
        "cacert": "ca.pem",
        "proxy": "http://user:pass%40word@proxy.example:3128",
    }
    path = tmp_path / "target.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True), "utf-8")

    made = read_target(path, {})

    assert (made.name, made.concurrency_limit, made.single_use_sign) == ("staging", 5, False)
    assert {role: key.api_key for role, key in made.keys.items()} == {role: f"key-{role}" for role in ROLES}
    assert dict(made.permits) == {"comparison_type": ("0", "1"), "liveness_type": ("meglive",)}
    assert dict(made.pictures) == {name: tmp_path / name for name in PICTURES}
    assert made.person == ("张三", "990101199003071233")
    assert (made.timeout, made.max_rate, made.cacert) == (12.0, 2.5, tmp_path / "ca.pem")
    assert made.proxy == "http://user:pass%40word@proxy.example:3128"


def test_null_concurrency_limit_is_unknown():
    """Null says that nobody knows the limit, as does no line at all."""
    assert target(LEAST | {"concurrency_limit": None}).concurrency_limit is None


def test_paths_are_relative_to_the_file(tmp_path, monkeypatch):
    """A path in the file is meant beside the file, wherever the command is run."""
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "face.jpg").touch()
    path = tmp_path / "target.yaml"
    path.write_text(yaml.safe_dump(LEAST | {"pictures": {"face": "files/face.jpg"}}), "utf-8")
    monkeypatch.chdir("/")

    assert read_target(path, {}).pictures["face"] == tmp_path / "files" / "face.jpg"


def test_absolute_and_home_paths_stay(tmp_path, monkeypatch):
    """An absolute path is itself, and ~ is the user's home."""
    (tmp_path / "ca.pem").touch()
    monkeypatch.setenv("HOME", str(tmp_path))

    absolute = target(LEAST | {"cacert": str(tmp_path / "ca.pem")}, path=Path("/elsewhere/target.yaml"))
    home = target(LEAST | {"cacert": "~/ca.pem"}, path=Path("/elsewhere/target.yaml"))

    assert absolute.cacert == home.cacert == tmp_path / "ca.pem"


ENVIRONMENT = {"API_KEY": "the key", "API_SECRET": "the secret", "NAME": "李四", "NUMBER": "990101199003071233"}


def test_values_come_from_the_environment():
    """`env:NAME` stands for a variable in keys and in the person, so that no secret need stand in a file."""
    made = target(
        {
            "url": URL,
            "keys": {"active": {"api_key": "env:API_KEY", "api_secret": "env:API_SECRET"}},
            "person": {"idcard_name": "env:NAME", "idcard_number": "env:NUMBER"},
        },
        ENVIRONMENT,
    )

    assert made.keys["active"].api_key == "the key"
    assert made.keys["active"].api_secret.reveal() == "the secret"
    assert made.person == ("李四", "990101199003071233")


def test_proxy_comes_from_the_environment():
    """A proxy may hold a password, so it may come from a variable as well."""
    made = target(LEAST | {"proxy": "env:PROXY"}, {"PROXY": "http://user:word@proxy.example:3128"})

    assert made.proxy == "http://user:word@proxy.example:3128"


@pytest.mark.parametrize("environment", [{}, {"API_SECRET": ""}], ids=["missing", "empty"])
def test_missing_variable_is_told(environment):
    """The sentence names the field and the variable, and says what to do; it shows nothing else."""
    keys = {"active": {"api_key": "key", "api_secret": "env:API_SECRET"}}

    with pytest.raises(UserError) as caught:
        target({"url": URL, "keys": keys}, environment)

    assert caught.value.what == "keys.active.api_secret: env:API_SECRET"
    assert "export it or write the value" in caught.value.hint


def test_private_texts_are_all_that_no_record_may_carry():
    """Every secret, the person and the password of the proxy; no api_key, which is no secret."""
    made = target(
        {
            "url": URL,
            "keys": {"active": KEY, "denied": {"api_key": "other", "api_secret": "second"}},
            "person": {"idcard_name": "张三", "idcard_number": "990101199003071233"},
            "proxy": "http://user:word@proxy.example:3128",
        }
    )

    assert set(made.private_texts()) == {"secret", "second", "张三", "990101199003071233", "word"}


def test_password_in_the_url_is_private():
    """Credentials that someone puts into the URL are as secret as those of the proxy."""
    made = target(LEAST | {"url": "https://user:word-of-url@faceid.example/get_biz_token"})

    assert "word-of-url" in made.private_texts()


def test_quoted_password_of_the_proxy_is_private_in_both_spellings():
    """A password with %40 is sent as @, so a record may meet it in either form."""
    made = target(LEAST | {"proxy": "http://user:pass%40word@proxy.example:3128"})

    assert {"pass%40word", "pass@word"} <= set(made.private_texts())


def test_target_cannot_print_its_secrets():
    """The repr of a target shows no secret."""
    assert "'secret'" not in repr(target(LEAST))


@pytest.mark.parametrize(
    ("url", "is_loopback"),
    [
        ("http://127.0.0.1:8080/x", True),
        ("http://127.8.8.8/x", True),
        ("http://localhost:1/x", True),
        ("http://LOCALHOST/x", True),
        ("http://[::1]:8080/x", True),
        ("https://api.megvii.com/x", False),
        ("http://10.0.0.1/x", False),
        ("http://127.0.0.1.example.com/x", False),
        ("http://localhost.example.com/x", False),
    ],
)
def test_loopback_is_this_machine_only(url, is_loopback):
    """Only a target on this machine is fuzzed without being asked for."""
    assert target(LEAST | {"url": url}).is_loopback is is_loopback
