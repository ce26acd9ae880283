"""Curl lines that send a recorded request again: byte for byte from the journal, or anew with a new sign. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

_PLAIN = re.compile(r"[\w.:/@%+=,-]+", re.ASCII)
_UNSAFE = re.compile(r"[^\x20-\x7e\u00a0-\ud7ff\ue000-\ufefe\uff00-\uffee]")
_SUFFIX = {"JPEG": "jpg", "PNG": "png", "GIF": "gif", "BMP": "bmp", "TIFF": "tiff", "WEBP": "webp"}


def again(request: Mapping[str, Any], origin: str, entries: str) -> str:
    """The same bytes once more. `origin`: scheme and host of the mock; `entries`: where the control API has them."""
    url = origin + request["target"]
    kind = next((value for name, value in request["headers"] if name.lower() == "content-type"), None)
    pieces = ["curl -sS -i"]
    if request["body"]["kind"] != "none":
        told = quoted(f"Content-Type: {kind}") if kind else "Content-Type:"
        source = quoted(f"{entries}/{request['id']}/body")
        pieces = [f"curl -sS {source} | {pieces[0]} -H {told} --data-binary @-"]
    if request["method"] != ("GET" if request["body"]["kind"] == "none" else "POST"):
        pieces.append(f"-X {quoted(request['method'])}")
    return " ".join([*pieces, quoted(url)])


def anew(request: Mapping[str, Any], origin: str) -> str | None:
    """The same form with a sign of now; None where there was no form. What is private becomes a variable."""
    if request["body"]["kind"] not in ("multipart", "urlencoded") or not request["parts"]:
        return None
    url = origin + urlsplit(request["target"]).path
    return " ".join(["curl -sS -i", *(_field(part) for part in request["parts"] if part["name"]), quoted(url)])


def quoted(text: str) -> str:
    """`text` as one word of a POSIX shell; what cannot be printed is left out."""
    text = _UNSAFE.sub("", text)
    return text if _PLAIN.fullmatch(text) else "'" + text.replace("'", "'\"'\"'") + "'"


def _field(part: Mapping[str, Any]) -> str:
    name = part["name"]
    if name == "sign":
        return '-F sign="$(biztoken sign)"'
    if "picture" in part:
        suffix = _SUFFIX.get(part["picture"]["format"] or "", "bin")
        return "-F " + quoted(f"{name}=@{_word(name)}.{suffix}")
    if part["is_redacted"] or part["value"] is None:
        return f'--form-string {quoted(name)}="${_word(name).upper()}"'
    return "--form-string " + quoted(f"{name}={part['value']}")


def _word(name: str) -> str:
    word = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_")
    return word if word and not word[0].isdigit() else f"field_{word}"
