"""The api_keys a mock knows: from a file, or the built-in demo keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from biztoken.errors import UserError
from biztoken.mock.spelling import no_yaml, unknown, unreadable

STATES = ("active", "discontinued", "denied", "ip_not_allowed", "retries_exhausted")
DEMO_FILE = Path(__file__).with_name("demo-keys.yaml")


@dataclass(frozen=True, slots=True)
class Key:
    """One api_key. `quota`: calls in all, `concurrency`: calls at once, None without end.

    `verify`: may compare faces; `data_source`: may use KYC verification; `role` names a demo key.
    """

    api_key: str
    api_secret: str = field(repr=False)
    state: str = "active"
    quota: int | None = None
    verify: bool = True
    data_source: bool = True
    concurrency: int | None = None
    role: str | None = None


_NAMES = tuple(entry.name for entry in fields(Key))


def load(path: Path) -> dict[str, Key]:
    """Read `keys: [{api_key, api_secret, …}]`; by api_key, in the order of the file."""
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as problem:
        raise unreadable(f"keys file {path}", problem) from None
    except yaml.YAMLError as problem:
        raise no_yaml(f"keys file {path}", problem) from None
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not entries or set(document) != {"keys"}:
        hint = "write `keys:` and below it a list of {api_key, api_secret}"
        raise UserError(f"keys file {path}", hint, "请写 `keys:`，其下为 {api_key, api_secret} 的列表")
    keys: dict[str, Key] = {}
    for number, entry in enumerate(entries, 1):
        key = _key(f"{path}, key {number}", entry)
        if key.api_key in keys:
            hint = f"api_key {key.api_key} stands there twice; remove one"
            raise UserError(f"{path}, key {number}", hint, f"api_key {key.api_key} 重复出现；请删去一个")
        keys[key.api_key] = key
    return keys


def demo() -> dict[str, Key]:
    """The built-in keys by api_key: one for each thing that can befall a key."""
    return load(DEMO_FILE)


def demo_keys() -> dict[str, tuple[str, str]]:
    """(api_key, api_secret) of the built-in keys by role, as a target file names them."""
    return {key.role or key.api_key: (key.api_key, key.api_secret) for key in demo().values()}


def _key(where: str, entry: Any) -> Key:
    if not isinstance(entry, Mapping):
        raise UserError(where, "write a mapping with api_key and api_secret", "请写含 api_key 和 api_secret 的映射")
    for name in entry:
        if name not in _NAMES:
            raise unknown(f"{where}: {name}", name, _NAMES)
    for name in ("api_key", "api_secret"):
        if not isinstance(entry.get(name), str) or not entry[name]:
            raise UserError(f"{where}: {name}", "it is required; write a text in quotes", "必填；请写带引号的文本")
    # The signed text separates its fields by &, so such a key could never be read from a sign.
    if "&" in entry["api_key"]:
        raise UserError(f"{where}: api_key", "it may not contain &; correct it", "不能含有 &；请改正")
    for name, value in entry.items():
        _check(f"{where}: {name}", name, value)
    return Key(**entry)


def _check(where: str, name: str, value: Any) -> None:
    if name == "state" and value not in STATES:
        raise unknown(f"{where} {value}", value, STATES)
    if name in ("verify", "data_source") and not isinstance(value, bool):
        raise UserError(where, "write true or false", "请写 true 或 false")
    if name in ("quota", "concurrency") and value is not None and (type(value) is not int or value < 0):
        raise UserError(where, "write a whole number, or null for no limit", "请写整数，或写 null 表示不限")
    if name == "role" and value is not None and not isinstance(value, str):
        raise UserError(where, "write a text", "请写文本")
