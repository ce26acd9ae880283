"""The vocabulary of a fault's `when`: each word is a question about a call.

Known on arrival: method, path, header. From the body: field, lacks, match, has_picture,
unknown_field. From the sign: key, signed.
From the decision: outcome, error, detail, cause, status, above_in_flight, faces, format, problem, quality_below,
turned, some_face_below_threshold. From the reply before: after_error. At any time: after, every, probability.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from biztoken.mock.call import Call

Question = Callable[[Call], bool]


class Stage(IntEnum):
    """When an answer to a question is known."""

    ARRIVAL = 0
    BODY = 1
    DECISION = 2


@dataclass(frozen=True, slots=True)
class Word:
    """One condition. `shape` says what its value may be; `ask` makes a question of a value."""

    stage: Stage
    shape: str
    ask: Callable[[Any], Question]


def _one_of(value: Any, told: Callable[[Call], Any]) -> Question:
    wanted = value if isinstance(value, list) else [value]
    return lambda call: told(call) in wanted


def _header(value: Mapping[str, str]) -> Question:
    wanted = [(name.lower().encode("latin-1"), re.compile(pattern)) for name, pattern in value.items()]
    return lambda call: all(rx.search((call.header(name) or b"").decode("latin-1")) for name, rx in wanted)


def _match(value: Mapping[str, str]) -> Question:
    wanted = [(name, re.compile(pattern)) for name, pattern in value.items()]
    return lambda call: all(name in call.fields.texts and rx.search(call.fields.texts[name]) for name, rx in wanted)


def _names(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def _has_picture(value: bool) -> Question:
    def ask(call: Call) -> bool:
        pictures = (name for name, parameter in call.contract.parameters.items() if parameter.picture)
        return any(call.fields.is_filled(name) for name in pictures) is value

    return ask


def _unknown_field(value: bool) -> Question:
    return lambda call: (not call.fields.parts.keys() <= call.contract.parameters.keys()) is value


def _key(value: Any) -> Question:
    wanted = _names(value)
    return lambda call: call.key is not None and (call.key.api_key in wanted or call.key.role in wanted)


def _signed(value: str) -> Question:
    pattern = re.compile(value)
    return lambda call: call.signed is not None and pattern.search(call.signed.text.decode("latin-1")) is not None


def _outcome(value: str) -> Question:
    return lambda call: (call.refusal is None) is (value == "success")


def _status(value: Any) -> Question:
    def told(call: Call) -> int:
        row = call.contract.errors.get(call.refusal.error) if call.refusal else None
        return row.status if row else 200

    return _one_of(value, told)


def _seen(value: Mapping[str, Any], told: Callable[[Any], Any]) -> Question:
    return lambda call: all(name in call.looks and told(call.looks[name]) == want for name, want in value.items())


def _quality_below(value: Mapping[str, int]) -> Question:
    def ask(call: Call) -> bool:
        seen = {name: call.looks[name].faces for name in value if name in call.looks}
        return all(seen.get(name) and seen[name][0].quality < least for name, least in value.items())

    return ask


def _turned(value: bool) -> Question:
    return lambda call: any(look.turned for look in call.looks.values()) is value


def _refusal(value: Any, part: str) -> Question:
    return _one_of(value, lambda call: getattr(call.refusal, part, None))


def _below(value: bool) -> Question:
    def ask(call: Call) -> bool:
        least = call.threshold
        faces = [face for look in call.looks.values() for face in look.faces]
        return (least is not None and any(face.quality < least for face in faces)) is value

    return ask


WORDS: Mapping[str, Word] = {
    "method": Word(Stage.ARRIVAL, "names", lambda value: _one_of(value, lambda call: call.method)),
    "path": Word(Stage.ARRIVAL, "names", lambda value: _one_of(value, lambda call: call.path)),
    "header": Word(Stage.ARRIVAL, "patterns", _header),
    "field": Word(Stage.BODY, "names", lambda value: lambda call: all(map(call.fields.is_filled, _names(value)))),
    "lacks": Word(Stage.BODY, "names", lambda value: lambda call: not any(map(call.fields.is_filled, _names(value)))),
    "match": Word(Stage.BODY, "patterns", _match),
    "has_picture": Word(Stage.BODY, "boolean", _has_picture),
    "unknown_field": Word(Stage.BODY, "boolean", _unknown_field),
    "after_error": Word(Stage.ARRIVAL, "boolean", lambda value: lambda call: call.after_error is value),
    "key": Word(Stage.DECISION, "names", _key),
    "signed": Word(Stage.DECISION, "pattern", _signed),
    "outcome": Word(Stage.DECISION, "outcome", _outcome),
    "error": Word(Stage.DECISION, "names", lambda value: _refusal(value, "error")),
    "detail": Word(Stage.DECISION, "names", lambda value: _refusal(value, "detail")),
    "cause": Word(Stage.DECISION, "names", lambda value: _refusal(value, "cause")),
    "status": Word(Stage.DECISION, "numbers", _status),
    "above_in_flight": Word(Stage.DECISION, "number", lambda value: lambda call: call.in_flight > value),
    "faces": Word(Stage.DECISION, "counts", lambda value: _seen(value, lambda look: len(look.faces))),
    "format": Word(Stage.DECISION, "texts", lambda value: _seen(value, lambda look: look.format)),
    "problem": Word(Stage.DECISION, "texts", lambda value: _seen(value, lambda look: look.problem)),
    "quality_below": Word(Stage.DECISION, "counts", _quality_below),
    "turned": Word(Stage.DECISION, "boolean", _turned),
    "some_face_below_threshold": Word(Stage.DECISION, "boolean", _below),
}  # fmt: skip
COUNTING = {"after": "number", "every": "number", "probability": "probability"}
