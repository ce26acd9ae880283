"""A recorded request as a curl command that a shell can run. Redacted values become variables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from biztoken.reporting.printable import UNSAFE, one_line

_REDACTED = "<redacted>"
_CUT = re.compile(r"… \((\d+) characters\)\Z")  # how the records end a value that they cut
_LONGEST = 8000  # characters of a value: a report stays readable, and a command line short of the limits of systems
_SIGN = re.compile(r"<sign\b[^>]*>")
# curl gives a meaning to a leading @ < ( " or blank and to any semicolon in the value of -F.
_PLAIN = re.compile(r"[\w.:/+=,%-][\w.:/+=,% -]*(?<! )", re.ASCII)
_UNQUOTED = re.compile(r"[\w.:/+=,%@-]+", re.ASCII)


def curl(record: Mapping[str, Any]) -> str:
    """The request of an evidence record for a POSIX shell: comment lines, if any, then one command.

    `biztoken sign` gives the sign; "$IDCARD_NAME" and the like stand for values that were redacted;
    a picture is a file of the working directory named after its label.
    """
    return "\n".join([*comments(record), " ".join(command(record))])


def command(record: Mapping[str, Any]) -> list[str]:
    """The command alone, in pieces that a line should not break: each option with its value."""
    request = record["request"]
    fields = request.get("fields", [])
    pieces = ["curl -sS -i"]
    if request.get("method", "POST") != "POST" or not fields:
        pieces.append(f"-X {quoted(request.get('method', 'POST'))}")
    return [*pieces, *map(_part, fields), _single(request.get("url", ""))]


def comments(record: Mapping[str, Any]) -> list[str]:
    """What the command cannot say of the request, as comment lines of a shell."""
    request = record["request"]
    texts = [str(request["note"])] if request.get("note") else []
    for field in request.get("fields", []):
        name, value = str(field["name"]), str(field.get("value", ""))
        if _SIGN.fullmatch(value) and value != "<sign>":
            texts.append(f"{name}: {value[1:-1]}")
        if "=" in name:
            texts.append(f"curl ends a field name at its first =, so it cannot send {name}")
        cut = _CUT.search(value)
        if cut:
            texts.append(f"{name} had {cut[1]} characters; the record keeps the first {cut.start()}")
        if len(value) > _LONGEST:
            texts.append(f"{name} had {len(value)} characters; here are the first {_LONGEST}")
        if "\0" in name + value:
            texts.append(f"{name} contains NUL, which no command line can hold")
    return [f"# {one_line(text)}" for text in texts]


def quoted(text: str) -> str:
    """`text` as one word of a POSIX shell, whatever it contains; only NUL, which no argument can hold, is dropped."""
    text = text.replace("\0", "")
    if _UNQUOTED.fullmatch(text):
        return text
    if not UNSAFE.search(text):
        return _single(text)
    # $(…) takes away the newlines at the end.
    body = text.rstrip("\n")
    escaped = UNSAFE.sub(_octal, body.replace("\\", "\\\\"))
    return f"\"$(printf '%b' {_single(escaped)})\"" + (_single(text[len(body) :]) if body != text else "")


def variable(name: str) -> str:
    """The shell variable that stands for the redacted value of a field."""
    plain = re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")
    return plain if plain and not plain[0].isdigit() else f"FIELD_{plain}"


def _part(field: Mapping[str, Any]) -> str:
    name = str(field["name"])
    if "picture" in field:
        return "-F " + quoted(f"{name}={_file(field['picture'])}")
    value = str(field.get("value", ""))[:_LONGEST]
    if _SIGN.fullmatch(value):
        return f'-F {quoted(name)}="$(biztoken sign)"'
    if _REDACTED in value:
        return f"--form-string {_with_variable(name, value)}"
    flag = "-F" if not value or _PLAIN.fullmatch(value) else "--form-string"
    return f"{flag} {quoted(f'{name}={value}')}"


def _with_variable(name: str, value: str) -> str:
    stands_in = f'"${variable(name)}"'
    around = [quoted(text) if text else "" for text in value.split(_REDACTED)]
    return f"{quoted(name)}={stands_in.join(around)}"


def _file(picture: Mapping[str, Any]) -> str:
    filename = str(picture.get("filename") or "")
    stem = re.sub(r"[^\w.-]+", "-", str(picture.get("label") or "picture")).strip("-.") or "picture"
    suffix = PurePosixPath(filename).suffix
    path = stem if PurePosixPath(stem).suffix else stem + (suffix if re.fullmatch(r"\.\w+", suffix) else ".jpg")
    media_type = picture.get("media_type")
    told = f"@{path}" + (f";type={media_type}" if media_type else "")
    if picture.get("filename") is None or re.fullmatch(r"[\w.-]+", filename):
        return told
    escaped = filename.replace("\\", "\\\\").replace('"', '\\"')
    return f'{told};filename="{escaped}"'


def _single(text: str) -> str:
    return "'" + text.replace("'", "'\"'\"'") + "'"


def _octal(match: re.Match[str]) -> str:
    return "".join(f"\\0{byte:03o}" for byte in match[0].encode("utf-8", "surrogatepass"))
