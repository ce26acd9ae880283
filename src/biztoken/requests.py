"""Requests as they go on the wire, made of forms that name pictures and people, and of a case's one difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from biztoken.cases import Case, Samples
from biztoken.client import SIGN, Client, Request
from biztoken.model import Form, Upload, Value
from biztoken.people import make_number


def fill(form: Mapping[str, Any], samples: Samples) -> Form:
    """A form's values as they go on the wire: pictures and people by name, None for a field that is not sent."""
    present = {name: value for name, value in form.items() if value is not None}
    return tuple(
        (name, SIGN if name == "sign" and value != "" else _filled(value, samples)) for name, value in present.items()
    )


def _filled(value: Any, samples: Samples) -> Value:
    if isinstance(value, Mapping):
        if "picture" in value:
            return samples.pictures.get(value["picture"])
        return make_number(Random(samples.seed), last=str(value["number_ending"]))
    return value if isinstance(value, Upload) else str(value)


def make_request(case: Case, control: Mapping[str, Any], samples: Samples, client: Client) -> Request:
    """The case's request: the form of its control with the one difference."""
    form = dict(control) | dict(case.set)
    fields = [field for field in fill(form, samples) if field[0] not in case.drop]
    if case.repeat_field:
        fields.append((case.repeat_field, str(form[case.repeat_field])))
    if case.filler:
        fields.append(("filler", "x" * _room(fields, case.filler, client)))
    return Request(tuple(fields), case.key, case.sign, case.method, case.path, case.body)


def _room(fields: Sequence[tuple[str, Value]], total: int, client: Client) -> int:
    """How long a filler makes the body `total` bytes long."""
    empty = Request((*fields, ("filler", "")))
    _, _, body = client.encode(empty, client.signed(empty)).partition(b"\r\n\r\n")
    return total - len(body)
