"""The requests of a view: what schemathesis generates, read as what goes over the wire."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import chain, zip_longest
from random import Random
from typing import TYPE_CHECKING, Any

from biztoken.fuzz.forms import ID_NUMBER, Drawn, Form, Picture, faults_of, oddities_of
from biztoken.fuzz.views import PICTURES, View
from biztoken.people import make_name, make_number

if TYPE_CHECKING:
    import schemathesis

    Case = schemathesis.Case[Any]

DEFAULT_EXAMPLES = 20  # 890 requests in eight views, drawn in 4 s; with 50 it is 1130 in 6 s


def draw(view: View, *, examples: int = DEFAULT_EXAMPLES, seed: int = 0) -> Iterator[Drawn]:
    """The requests of a view, none twice: first each boundary and omission, then `examples` at random.

    The random ones are sound and unsound by turns and never odd, which would cost a request and judge
    nothing. The same view, number and seed give the same requests in every process. No network is
    used, nothing is printed, nothing stays on disk. Not safe for threads.
    """
    key = (view.id, json.dumps(view.schema, sort_keys=True), examples, seed)
    if key not in _DRAWN:
        _DRAWN[key] = tuple(_draw(view, examples, seed))
    yield from _DRAWN[key]


# Drawn once in a process: the plan counts them, and a proof sends them many times.
Drawings = dict[tuple[str, str, int, int], tuple[Drawn, ...]]
_DRAWN: Drawings = {}


def drawn() -> Drawings:
    """All that this process has drawn, for another one to `take_over`."""
    return dict(_DRAWN)


def take_over(drawings: Drawings) -> None:
    """Have what another process has drawn: to draw it again takes seconds."""
    _DRAWN.update(drawings)


def _draw(view: View, examples: int, seed: int) -> Iterator[Drawn]:
    from biztoken.fuzz import generator  # noqa: PLC0415  # half a second that only fuzzing has to pay

    found: dict[Form, Drawn] = {}

    def is_new(case: Case) -> bool:
        drawn = interpret(case, view)
        if drawn is None or drawn.oddities or drawn.form in found:
            return False
        found[drawn.form] = drawn
        return True

    with generator.reproducible():
        for case in generator.coverage(view):
            drawn = interpret(case, view)
            if drawn is not None:
                found.setdefault(drawn.form, drawn)
        ends = [len(found)]
        for mode, count in (("positive", examples - examples // 2), ("negative", examples // 2)):
            generator.fuzz(view, mode, count, Random(f"{seed}/{view.id}/{mode}").getrandbits(64), is_new)
            ends.append(len(found))
    in_order = list(found.values())
    yield from in_order[: ends[0]]
    yield from _by_turns(in_order[ends[0] : ends[1]], in_order[ends[1] :])


def interpret(case: Case, view: View) -> Drawn | None:
    """The request that a case stands for; None for one that no form-data POST in UTF-8 can express.

    What is not a string is sent as its JSON text: the wire knows no types, and its text is what is judged.
    """
    if case.method != "POST" or not isinstance(case.body, dict) or "Content-Type" in (case.headers or {}):
        return None
    form: Form = tuple((name, _on_the_wire(name, value, view)) for name, value in case.body.items())
    try:
        "".join(chain.from_iterable((name, value) for name, value in form if isinstance(value, str))).encode()
    except UnicodeEncodeError:
        return None
    return Drawn(form, faults_of(form, view.contract), oddities_of(form, view.contract), _description(case))


def _on_the_wire(name: str, value: Any, view: View) -> str | Picture:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = _a_person(name, text, view)
    known = view.contract.parameters.get(name)
    return PICTURES.get(text, text) if known is not None and known.picture else text


def _a_person(name: str, text: str, view: View) -> str:
    """A synthetic person's name or number in place of a drawn one that would do.

    The contract does not say that a target takes what nobody can be called, or a number whose checksum is wrong.
    """
    if name == "idcard_name" and text.strip():
        return make_name(Random(text))
    length = view.contract.parameters[name].length if name == "idcard_number" else None
    if length is not None and len(text) == length and ID_NUMBER.fullmatch(text):
        return make_number(Random(text))
    return text


def _description(case: Case) -> str:
    if case.meta is None:
        return ""
    told = getattr(case.meta.phase.data, "description", None) or case.meta.generation.mode.value
    return f"{case.meta.phase.name.value}: {told}"


def _by_turns(*groups: Iterable[Drawn]) -> Iterator[Drawn]:
    return (drawn for turn in zip_longest(*groups) for drawn in turn if drawn is not None)
