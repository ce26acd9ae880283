"""What of a request may be shown and kept: no secret, no signature, no identity. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from biztoken.contract import Contract, Parameter

REDACTED = "<redacted>"
PRIVATE = frozenset({"sign", "idcard_name", "idcard_number"})
_LEAST = 6  # bytes of UTF-8; what is shorter stands everywhere and betrays nothing
_MOST = 100  # unknown fields whose texts are looked for elsewhere
_SHOWN = 200  # characters of a text
_READ = 262_144  # characters of a text that are cleaned: of its private texts enough to fill what is shown
_NAME = 64  # characters of a field's name
_SECRET_HEADER = re.compile(r"auth|cookie|secret|token|password|api-?key|sign", re.IGNORECASE)
_ID_NUMBER = re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)|(?<!\d)\d{15}(?!\d)")
_CODE = re.compile(r"[A-Za-z0-9+/_]{60,}={0,2}")  # a signature, a key, a picture in base64
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


class Cleaner:
    """Takes the private texts of one request, and secrets, out of whatever is shown of it."""

    def __init__(self, private: Iterable[str]) -> None:
        telling = {text for text in private if len(text.encode("utf-8", "replace")) >= _LEAST}
        self._private = sorted(telling, key=len, reverse=True)

    def clean(self, text: str) -> str:
        """The text without anything private, percent escapes read; what cannot be printed is replaced."""
        if "%" in text:
            plain = unquote(text)
            kept = self._clean(plain)
            return self._clean(text) if kept == plain else kept
        return self._clean(text)

    def _clean(self, text: str) -> str:
        for private in self._private:
            text = text.replace(private, REDACTED)
        text = _CODE.sub(lambda match: f"<{len(match[0])} characters>", _ID_NUMBER.sub(REDACTED, text))
        return _CONTROL.sub("\ufffd", text)

    def short(self, text: str) -> str:
        """The same, cut where it is long."""
        kept = self.clean(text[:_READ])
        return kept if len(kept) <= _SHOWN else f"{kept[:_SHOWN]}… ({len(text)} characters)"

    def name(self, text: str) -> str:
        """The name of a field."""
        kept = self.clean(text)
        return kept if len(kept) <= _NAME else f"{kept[:_NAME]}…"

    def header(self, name: str, value: str) -> str:
        """The value of a header."""
        if _SECRET_HEADER.search(name):
            return REDACTED
        # A boundary is long, and no secret.
        kept = _CONTROL.sub("\ufffd", value) if name.lower() == "content-type" else self.clean(value)
        return self.short(kept) if len(kept) > _SHOWN else kept


def shown(name: str, text: str, contract: Contract, cleaner: Cleaner) -> dict[str, Any]:
    """A text field as it may be shown: `value`, or, where `is_redacted`, only its `characters`."""
    parameter = contract.parameters.get(name)
    record: dict[str, Any] = {"characters": len(text)}
    if parameter is not None and name not in PRIVATE and (_is_free(parameter) or _is_harmless(text)):
        value = cleaner.short(text)
        return record | {"value": value, "is_redacted": REDACTED in value}
    # Whoever misspells a field sends under the wrong name what is private under the right one.
    return record | {"value": None if text else "", "is_redacted": bool(text)}


def private_texts(
    fields: Iterable[tuple[str, str]], known: Mapping[str, Parameter], secrets: Collection[str]
) -> set[str]:
    """What must not be shown anywhere: the secrets, what private fields say, and what unknown fields say."""
    pairs = list(fields)
    named = [text for name, text in pairs if name in PRIVATE]
    return {*secrets, *named, *[text for name, text in pairs if name not in known][:_MOST]}


def _is_free(parameter: Parameter) -> bool:
    """Whether the caller may put into it what they like."""
    return not parameter.values and not parameter.is_number and not parameter.picture


def _is_harmless(text: str) -> bool:
    return len(text) <= 32 and text.isascii()
