"""One request as the mock sees it, from its first byte to its answer: what rules and faults may ask about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from biztoken.contract import Contract
from biztoken.mock.faces import Look
from biztoken.mock.fields import Fields
from biztoken.mock.keys import Key
from biztoken.mock.rulebook import Rulebook, Section
from biztoken.mock.signature import Signed

if TYPE_CHECKING:
    from biztoken.mock.plan import Plan


class Refusal(NamedTuple):
    """A rule that was broken. `error`: name of the contract's row; `cause`: which side of the rule, as a slug."""

    error: str
    detail: str = ""
    cause: str = ""


_NO_FIELDS = Fields()


class Call:
    """Filled in step by step. `refusal` is None while nothing is wrong.

    `after_error`: whether the reply before told of an error.
    `in_flight`: slots taken by all keys when this call took its own, that one included.
    `plan`: the faults that may apply. `threshold`: least quality asked for; None where `image` was not looked at.
    """

    __slots__ = (
        "_section", "after_error", "book", "fields", "headers", "http_version", "in_flight", "key", "looks",
        "method", "path", "plan", "refusal", "signed", "slot", "started", "threshold",
    )  # fmt: skip

    def __init__(self, scope: Mapping[str, Any], book: Rulebook, started: float, *, after_error: bool = False) -> None:
        self.started = started
        self.after_error = after_error
        self.book = book
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.http_version: str = scope["http_version"]
        self.headers: list[tuple[bytes, bytes]] = scope["headers"]
        self.fields = _NO_FIELDS
        self._section: Section | None = None
        self.signed: Signed | None = None
        self.key: Key | None = None
        self.slot: str | None = None
        self.in_flight = 0
        self.looks: dict[str, Look] = {}
        self.threshold: int | None = None
        self.refusal: Refusal | None = None
        self.plan: Plan | None = None

    @property
    def contract(self) -> Contract:
        return self.book.contract

    @property
    def section(self) -> Section:
        """What counts for its fields, which must have been read."""
        if self._section is None:
            self._section = self.book.section(self.fields.texts)
        return self._section

    def header(self, name: bytes) -> bytes | None:
        """The first header of this lower-case name."""
        for key, value in self.headers:
            if key == name:
                return value
        return None
