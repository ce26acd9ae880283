"""The keys that lint judges signs with: a file for the mock, or a target file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from biztoken.errors import UserError


def load_keys(path: Path, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """api_secret by api_key.

    Reads `keys: [{api_key, api_secret}]`, the mock's form, and `keys: {role: {api_key, api_secret}}`, that of a target
    file; a value that begins with `env:` comes from the environment. What else the file says is passed over.
    """
    what = f"keys file {path}"
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as problem:
        reason = getattr(problem, "strerror", None) or "not UTF-8"
        raise UserError(
            what, f"it cannot be read ({reason}); give another path", f"无法读取（{reason}）；请换一个路径"
        ) from None
    except (yaml.YAMLError, RecursionError):
        raise UserError(what, "it is no YAML; correct it", "不是合法的 YAML；请改正") from None
    entries = document.get("keys") if isinstance(document, Mapping) else None
    if isinstance(entries, list):
        named = {f"key {number}": entry for number, entry in enumerate(entries, 1)}
    elif isinstance(entries, Mapping):
        named = {str(name): entry for name, entry in entries.items()}
    else:
        named = {}
    if not named:
        raise UserError(
            what,
            "write `keys:` and below it a list of {api_key, api_secret}",
            "请写 `keys:`，其下为 {api_key, api_secret} 的列表",
        )
    return dict(_pair(f"{path}, {name}", entry, environment) for name, entry in named.items())


def _pair(where: str, entry: Any, environment: Mapping[str, str]) -> tuple[str, str]:
    texts = []
    for name in ("api_key", "api_secret"):
        text = entry.get(name) if isinstance(entry, Mapping) else None
        if not isinstance(text, str) or not text:
            raise UserError(f"{where}: {name}", "it is required; write a text in quotes", "必填；请写带引号的文本")
        if text.startswith("env:"):
            variable = text.removeprefix("env:")
            text = environment.get(variable, "")
            if not text:
                raise UserError(
                    f"{where}: {variable}", "the environment has no such variable; export it", "环境变量不存在；请导出"
                )
        texts.append(text)
    return texts[0], texts[1]
