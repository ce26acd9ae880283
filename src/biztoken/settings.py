"""The target file: what is under test, and with which keys. Checked whole before the first request."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

from biztoken.errors import UserError
from biztoken.shape import hold
from biztoken.signing import Key, Secret

ROLES = (
    "active",
    "discontinued",
    "denied",
    "ip_not_allowed",
    "retries_exhausted",
    "quota_reached",
    "no_verify",
    "no_data_source",
)
PICTURES = ("face", "two_faces", "no_face", "low_quality", "turned")
# The hosts of the vendor by region, as documented on faceid.com (China) and global.faceid.com (the others).
REGIONS: Mapping[str, str] = {
    "china": "api.megvii.com",
    "singapore": "api-sgp.megvii.com",
    "indonesia": "api-idn.megvii.com",
}

_PATH = "/faceid/v3/sdk/get_biz_token"
_EXAMPLE = f"https://{REGIONS['china']}{_PATH}"
_TEXT = {"type": "string", "minLength": 1}
_KEY = {
    "type": "object",
    "required": ["api_key", "api_secret"],
    "additionalProperties": False,
    "properties": {"api_key": _TEXT, "api_secret": _TEXT},
}
_VALUES = {"type": "array", "items": {"type": ["string", "integer"]}}
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["keys"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string"},
        "url": {"type": "string", "pattern": "^https?://[^/]+"},
        "keys": {
            "type": "object",
            "required": ["active"],
            "additionalProperties": False,
            "properties": dict.fromkeys(ROLES, _KEY),
        },
        "region": {"enum": list(REGIONS)},
        "permits": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"comparison_type": _VALUES, "liveness_type": _VALUES},
        },
        "concurrency_limit": {"type": ["integer", "null"], "minimum": 1},
        "single_use_sign": {"type": "boolean"},
        "pictures": {
            "type": "object",
            "additionalProperties": False,
            "properties": {name: {"type": "string"} for name in PICTURES},
        },
        "person": {
            "type": "object",
            "required": ["idcard_name", "idcard_number"],
            "additionalProperties": False,
            "properties": {"idcard_name": _TEXT, "idcard_number": _TEXT},
        },
        "timeout": {"type": "number", "exclusiveMinimum": 0},
        "max_rate": {"type": "number", "exclusiveMinimum": 0},
        "allow_load": {"type": "boolean"},
        "max_requests": {"type": "integer", "minimum": 1},
        "cacert": {"type": "string"},
        "proxy": {"type": "string", "pattern": "^(http://[^/]|env:.)"},
    },
}
# What each value must look like, as a person would say it.
_FORMS = {
    "url": (f"a full URL such as {_EXAMPLE}", f"完整的 URL，例如 {_EXAMPLE}"),
    "region": (f"one of {', '.join(REGIONS)}", f" {'、'.join(REGIONS)} 之一"),
    "proxy": ("a URL such as http://proxy.example:3128", "URL，例如 http://proxy.example:3128"),
    "concurrency_limit": ("a whole number from 1, or null", "从 1 起的整数，或 null"),
    "single_use_sign": ("true or false", " true 或 false"),
    "timeout": ("seconds, more than 0", "大于 0 的秒数"),
    "max_rate": ("requests per second, more than 0", "大于 0 的每秒请求数"),
    "allow_load": ("true or false", " true 或 false"),
    "max_requests": ("a whole number from 1", "从 1 起的整数"),
}


@dataclass(frozen=True, slots=True)
class Target:
    """The endpoint under test. `timeout` in seconds, `max_rate` in requests per second, `max_in_flight` at once.

    `allow_load`: its owner permits load tests, of `max_requests` at most each.
    """

    name: str
    url: str
    keys: Mapping[str, Key]
    permits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    concurrency_limit: int | None = None
    single_use_sign: bool | None = None
    pictures: Mapping[str, Path] = field(default_factory=dict)
    person: tuple[str, str] | None = None
    timeout: float = 30.0
    max_rate: float | None = None
    cacert: Path | None = None
    proxy: str | None = None
    is_mock: bool = False
    max_in_flight: int | None = None
    allow_load: bool = False
    max_requests: int | None = None

    @property
    def is_loopback(self) -> bool:
        host = urlsplit(self.url).hostname or ""
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    def facts(self) -> dict[str, Any]:
        """What a judge must know of the target when it is no longer there; nothing private."""
        return {
            "name": self.name,
            "url": without_password(self.url),
            "roles": list(self.keys),
            "permits": {name: list(values) for name, values in self.permits.items()},
            "concurrency_limit": self.concurrency_limit,
            "single_use_sign": self.single_use_sign,
            "pictures": list(self.pictures),
            "max_rate": self.max_rate,
            "max_in_flight": self.max_in_flight,
            "is_mock": self.is_mock,
        }

    def private_texts(self) -> list[str]:
        """Every text that no record may carry."""
        secrets = [key.api_secret.reveal() for key in self.keys.values()]
        passwords = [password for url in (self.url, self.proxy or "") if (password := urlsplit(url).password)]
        return [*secrets, *(self.person or ()), *passwords, *map(unquote, passwords)]


def target_of_facts(facts: Mapping[str, Any], picture: Path) -> Target:
    """The target of a recorded run, to which nothing can be sent: its keys are names, its own pictures `picture`."""
    return Target(
        name=facts["name"],
        url=facts["url"],
        keys={role: Key(f"key-{role}", Secret("not known to a judge")) for role in facts["roles"]},
        permits={name: tuple(values) for name, values in facts["permits"].items()},
        concurrency_limit=facts["concurrency_limit"],
        single_use_sign=facts["single_use_sign"],
        pictures=dict.fromkeys(facts["pictures"], picture),
        max_rate=facts["max_rate"],
        max_in_flight=facts["max_in_flight"],
        is_mock=facts["is_mock"],
    )


def without_password(url: str) -> str:
    """A URL as it may be shown."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


FACTS = frozenset(Target("", "", {}).facts())  # what the facts of a target are, by name


def read_target(path: Path, environment: Mapping[str, str] = os.environ) -> Target:
    """Read and check a target file. UserError names the field and the way out."""
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as problem:
        reason = getattr(problem, "strerror", None) or "not UTF-8"
        raise UserError(
            f"--target {path}",
            f"cannot be read ({reason}); give the path of a YAML file",
            f"无法读取（{reason}）；请给出 YAML 文件的路径",
        ) from None
    except (yaml.YAMLError, ValueError) as problem:  # ValueError: a date that is none
        mark = getattr(problem, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        line_zh = f"第 {mark.line + 1} 行：" if mark else ""
        # What YAML says of it quotes the file, and may quote a secret.
        raise UserError(
            f"--target {path}", f"{line}this is no YAML; correct that line", f"{line_zh}不是合法的 YAML；请改正这一行"
        ) from None
    return make_target(data, path, environment)


def make_target(data: Any, path: Path, environment: Mapping[str, str] = os.environ) -> Target:
    """A target from the data of a file; paths in it are relative to that file."""
    hold(data, SCHEMA, str(path), _due)
    for name in ("url", "proxy"):
        _check_url(f"{path}: {name}", _resolve(name, data.get(name) or "", environment), name)
    _check_path(f"{path}: url", data.get("url") or "")
    url = _url(data, path)
    for name in ("timeout", "max_rate"):
        _check_finite(f"{path}: {name}", data.get(name, 1.0), name)
    keys = {
        role: Key(
            _resolve(f"keys.{role}.api_key", key["api_key"], environment),
            Secret(_resolve(f"keys.{role}.api_secret", key["api_secret"], environment)),
        )
        for role, key in data["keys"].items()
    }
    person = data.get("person")
    proxy = data.get("proxy")
    return Target(
        name=data.get("name") or urlsplit(url).netloc.rpartition("@")[2],
        url=url,
        keys=keys,
        permits={name: tuple(map(str, values)) for name, values in data.get("permits", {}).items()},
        concurrency_limit=int(limit) if (limit := data.get("concurrency_limit")) is not None else None,
        single_use_sign=data.get("single_use_sign"),
        pictures={name: _file(f"pictures.{name}", path, value) for name, value in data.get("pictures", {}).items()},
        person=(
            _resolve("person.idcard_name", person["idcard_name"], environment),
            _resolve("person.idcard_number", person["idcard_number"], environment),
        )
        if person
        else None,
        timeout=float(data.get("timeout", 30.0)),
        max_rate=data.get("max_rate"),
        allow_load=data.get("allow_load", False),
        max_requests=int(most) if (most := data.get("max_requests")) is not None else None,
        cacert=_file("cacert", path, data["cacert"]) if "cacert" in data else None,
        proxy=_resolve("proxy", proxy, environment) if proxy else None,
    )


def _check_path(what: str, url: str) -> None:
    """What no request line may hold: it would be sent as it stands, and what came back would say nothing."""
    parts = urlsplit(url)
    if not (parts.path + parts.query).isascii() or any(letter.isspace() for letter in url):
        hint = "it holds a blank or a letter outside ASCII; write it percent-encoded, a blank as %20"
        raise UserError(what, hint, "含有空白或非 ASCII 字符；请写成百分号编码，空格为 %20")


def _due(place: str, rules: Mapping[str, Any]) -> tuple[str, str]:
    kind = rules.get("type", "other")
    return _FORMS.get(place, (f"of type {kind}", f"{kind} 类型"))


def _url(data: Mapping[str, Any], path: Path) -> str:
    """The endpoint's URL, which either key may say; where both do, they must mean the same host."""
    url, region = data.get("url"), data.get("region")
    if url is None and region is None:
        raise UserError(
            f"{path}: url", "this key is missing; add it, or region in its place", "缺少这个键；请补上，或改写 region"
        )
    if region is None:
        return str(url)
    host = REGIONS[region]
    if url is not None and urlsplit(url).hostname != host:
        raise UserError(
            f"{path}: region",
            f"{region} is {host}, but url names another host; keep one of the two",
            f"{region} 的主机是 {host}，而 url 是另一个主机；请只保留其中一个",
        )
    return str(url or f"https://{host}{_PATH}")


def _check_url(what: str, url: str, name: str) -> None:
    """A URL that urllib or the socket would stumble over is told before anything is sent."""
    try:
        parts = urlsplit(url)
        _ = parts.port
        (parts.hostname or "").encode("idna")
    except (ValueError, UnicodeError):
        raise UserError(
            what, f"this is no URL; it must be {_FORMS[name][0]}", f"不是合法的 URL；应为{_FORMS[name][1]}"
        ) from None


def _check_finite(what: str, value: float, name: str) -> None:
    if not math.isfinite(value):
        form, zh = _FORMS[name]
        raise UserError(what, f"this value does not fit; it must be {form}", f"取值不合要求；应为{zh}")


def _resolve(field_name: str, value: str, environment: Mapping[str, str]) -> str:
    if not value.startswith("env:"):
        return value
    name = value.removeprefix("env:")
    if not environment.get(name):
        raise UserError(f"{field_name}: {value}", _no_variable(name), f"环境变量 {name} 不存在；请导出或直接写值")
    return environment[name]


def _no_variable(name: str) -> str:
    return f"the environment has no {name}; export it or write the value"


def _file(field_name: str, target_file: Path, value: str) -> Path:
    try:
        path = target_file.parent / Path(value).expanduser()
        is_file = path.is_file()
    except (OSError, RuntimeError):  # no such user, too long a name
        path, is_file = Path(value), False
    if not is_file:
        raise UserError(
            f"{field_name}: {value}", f"there is no file {path}; correct the path", f"文件 {path} 不存在；请改正路径"
        )
    return path
