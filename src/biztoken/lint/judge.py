"""Judge one request: its form, its names, each field, what is missing, and what should never be there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from biztoken.contract import Contract, Parameter
from biztoken.lint.advice import LEVELS, Advice, Remark, put, shown
from biztoken.lint.names import intended, nearest
from biztoken.lint.pictures import judge_picture
from biztoken.lint.request import Field, Request, read_request
from biztoken.lint.secrets import find_secrets
from biztoken.lint.signature import Keys, judge_sign
from biztoken.lint.values import judge_value
from biztoken.received import Received

_MOST_DIGITS = 15  # of a length
_PERSONS = ("idcard_name", "idcard_number")
_SHORTEST, _LONGEST = 2, 200  # characters of a private text; one alone stands everywhere
_MOST_ALIKE = 20  # findings of one id; a request may have a thousand fields
_HTML_FIELDS = frozenset({"_charset_"})  # sent by browsers, and a part of HTML
_PICTURELESS = frozenset({"form", "json", "query"})  # forms of a request that carry no file


def lint(received: Received, contract: Contract, keys: Keys | None = None, now: float | None = None) -> list[Advice]:
    """What is wrong with a request, the worst first, else in the order met; no finding twice.

    `keys`: api_secret by api_key; without them the digest is not judged. `now`: seconds since the Unix epoch; without
    it the expiry is not. Pure; never raises, whatever the bytes are.
    """
    request = read_request(received, contract)
    remarks = [*request.remarks]
    if request.form is not None:
        remarks += _fields(request, contract, keys, now)
    size = _size(received)
    if size > contract.limits["body_legal"]:
        is_refused = size > contract.limits["body_refused"]
        values = {"size": f"{size:,}", "legal": f"{contract.limits['body_legal']:,}"}
        remarks.append(Remark("picture-too-large", None, "body", values, "breaks" if is_refused else "report", _BODY))
    remarks += find_secrets(received, request, keys or {})
    private = [secret for secret in (keys or {}).values() if secret] + _persons(request)
    told = [put(remark, contract, private) for remark in _once(remarks)]
    return sorted(told, key=lambda advice: LEVELS.index(advice.level))


_BODY = "REQUEST-ENTITY-TOO-LARGE-STATUS"


def _persons(request: Request) -> list[str]:
    """Name and ID number, as they were sent."""
    texts = [field.text or "" for field in request.fields if field.name in _PERSONS]
    return [text.strip() for text in texts if _SHORTEST <= len(text.strip()) <= _LONGEST]


def _size(received: Received) -> int:
    """Bytes of the body, by what its head tells where it was not read to its end."""
    told = received.header("content-length") or ""
    is_told = not received.whole and told.isascii() and told.isdigit() and len(told) <= _MOST_DIGITS
    return max(len(received.body), int(told) if is_told else 0)


def _once(remarks: list[Remark]) -> list[Remark]:
    """The first remark of each id and field; of an id that many fields have, the first ones."""
    first: dict[str, dict[str | None, Remark]] = {}
    for remark in remarks:
        first.setdefault(remark.id, {}).setdefault(remark.field, remark)
    found = []
    for of_id in first.values():
        kept = list(of_id.values())[:_MOST_ALIKE]
        found += [*kept[:-1], replace(kept[-1], more=len(of_id) - len(kept))]
    return found


def _fields(request: Request, contract: Contract, keys: Keys | None, now: float | None) -> Iterator[Remark]:
    known, spoilt = contract.parameters, set[str]()
    for field in request.fields:
        if field.name not in known:
            for remark in _name(field, contract):
                if remark.id == "field-name-corrupted":
                    spoilt.add(str((remark.values or {})["near"]))
                yield remark
    yield from _twice(request)
    first = {field.name: field for field in reversed(request.fields) if field.name in known}
    texts = {name: field.text or "" for name, field in first.items() if not known[name].picture and field.value}
    for name, field in first.items():
        yield from _field(field, known[name], texts, contract, keys, now)
    if not request.is_open:
        yield from _missing(request, first, texts, spoilt, contract)


def _name(field: Field, contract: Contract) -> Iterator[Remark]:
    """Told of a name that the contract does not have."""
    meant = intended(field.name, contract.parameters)
    if meant is not None:
        variant = None if meant else "beyond"
        yield Remark("field-name-corrupted", shown(field.name), variant, {"near": meant})
    elif field.name not in _HTML_FIELDS:
        near = nearest(field.name, contract.parameters)
        yield Remark("unknown-field", shown(field.name), "near" if near else None, {"near": near})


def _twice(request: Request) -> Iterator[Remark]:
    counted = Counter(field.name for field in request.fields if field.origin != "query")
    for name, times in counted.items():
        if times > 1:
            yield Remark("duplicate-field", shown(name), values={"times": times})


def _field(
    field: Field,
    parameter: Parameter,
    texts: Mapping[str, str],
    contract: Contract,
    keys: Keys | None,
    now: float | None,
) -> Iterator[Remark]:
    """What is wrong with one field that the contract has."""
    encoding = field.transfer_encoding
    if encoding == "base64":
        yield Remark("part-transfer-encoding-base64", field.name)
    elif encoding == "quoted-printable":
        harmless = b"=" not in field.value
        yield Remark("part-transfer-encoding-quoted-printable", field.name, level="advice" if harmless else None)
    if parameter.picture:
        yield from _picture(field, parameter, texts, contract)
        return
    yield from judge_value(field, parameter, texts, contract)
    if field.name == "sign" and field.value and encoding not in ("base64", "quoted-printable"):
        yield from judge_sign(field.value, keys, now)


def _picture(field: Field, parameter: Parameter, texts: Mapping[str, str], contract: Contract) -> Iterator[Remark]:
    for deciding, values in parameter.when.items():
        if texts.get(deciding, values[0]) not in values:
            told = {"sent": shown(texts[deciding]), "where": ", ".join(values)}
            yield Remark("other-liveness-type", field.name, None, told)
    is_optional = not parameter.is_required(texts)
    for remark in judge_picture(field, contract.limits["picture_side"]):
        if remark.id == "file-part-empty" and is_optional:
            # A web form sends an empty part for every file that nobody chose.
            yield replace(remark, level="report" if field.filename else "advice")
        elif remark.id in ("image-base64", "image-path-as-text") and field.origin == "json":
            # JSON has no other way to carry it: that is told of the body.
            yield replace(remark, level="advice")
        else:
            yield remark


def _missing(
    request: Request, first: Mapping[str, Field], texts: Mapping[str, str], spoilt: set[str], contract: Contract
) -> Iterator[Remark]:
    """Required parameters that did not come. Where another finding says why, this one is but advice."""
    has_picture = any(field.filename is not None and field.name not in texts for field in request.fields)
    for name, parameter in contract.parameters.items():
        field = first.get(name)
        if not parameter.is_required(texts) or (field is not None and (field.value or parameter.picture)):
            continue
        clause = contract.clause_id(name, "required")
        is_told = name in spoilt or (bool(parameter.picture) and request.form in _PICTURELESS)
        variant = "empty" if field is not None else None
        yield Remark(f"missing-{name}", name, variant, None, "advice" if is_told else None, clause)
        if parameter.picture and not has_picture and request.form == "part":
            yield Remark("lost-file-part", name, level="advice" if name in spoilt else None)
