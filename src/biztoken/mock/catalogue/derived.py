"""Faults that the contract's own data implies: each bound, list, row and reason with the mistakes it invites."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from biztoken.contract import Contract, ErrorRow, Parameter
from biztoken.mock.catalogue.entry import NamedFault
from biztoken.mock.faults import Fault
from biztoken.model import Level

HTML = {"body": "<html><body>Bad Gateway</body></html>", "content_type": "text/html"}
# A status that a careless server gives instead.
_OTHER_STATUS = {400: 422, 403: 401, 404: 400}
_OTHER_NAME, _OTHER_DETAIL = "INVALID_REQUEST", "request"


def derived(contract: Contract) -> Iterator[NamedFault]:
    """Every fault that can be derived, each for a clause that is judged."""
    for parameter in contract.parameters.values():
        yield from _presence(parameter, contract)
        yield from _values(parameter, contract)
        yield from _bounds(parameter, contract)
        yield from _lengths(parameter, contract)
    for row in contract.errors.values():
        yield from _row(row, contract)
    for reason in (reason for row in contract.errors.values() for reason in row.reasons):
        yield from _reason(reason, contract)


def _named(id_: str, clause: str, when: Mapping[str, Any], change: Mapping[str, Any], en: str, zh: str) -> NamedFault:
    return NamedFault(Fault(id_, change, when, clause=clause), en, zh)


def _altered(parameter: Parameter, **changes: Any) -> dict[str, Any]:
    return {"contract": {"parameters": {parameter.name: changes}}}


def _presence(parameter: Parameter, contract: Contract) -> Iterator[NamedFault]:
    name, slug = parameter.name, _slug(parameter.name)
    if parameter.required_when is None:
        where = {field: values[0] for field, values in parameter.when.items()}
        change = _altered(parameter, required_when=where)
        clause = contract.clause_id(name, "optional")
        yield _named(f"{slug}-demanded", clause, {}, change, f"{name} is demanded", f"强制要求 {name}")
        return
    clause = contract.clause_id(name, "required")
    when = {"error": "MISSING_ARGUMENTS", "detail": name}
    for cause, en, zh in (("missing", "without", "缺少"), ("empty", "with an empty", "空的")):
        rule = "required" if cause == "missing" else "empty"
        told = f"a request {en} {name} is accepted", f"接受{zh} {name} 的请求"
        id_ = f"{slug}-{cause}-accepted"
        yield _named(id_, contract.clause_id(name, rule), when | {"cause": cause}, {"accept": True}, *told)
    if parameter.required_when:
        told = f"{name} is required in every request", f"任何请求都要求 {name}"
        yield _named(f"{slug}-always-required", clause, {}, _altered(parameter, required_when={}), *told)


def _values(parameter: Parameter, contract: Contract) -> Iterator[NamedFault]:
    if not parameter.values:
        return
    name, slug = parameter.name, _slug(parameter.name)
    last, refused = parameter.values[-1], contract.clause_id(name, "values", refused=True)
    if len(parameter.values) > 1:
        change = _altered(parameter, values=list(parameter.values[:-1]))
        clause = contract.clause_id(name, "values")
        yield _named(f"{slug}-{last}-refused", clause, {}, change, f"{name} {last} is refused", f"拒绝 {name} {last}")
    if all(value.isdigit() for value in parameter.values):
        more = str(max(map(int, parameter.values)) + 1)
    else:
        more = parameter.values[0].upper()
    change = _altered(parameter, values=[*parameter.values, more])
    yield _named(f"{slug}-{more}-accepted", refused, {}, change, f"{name} {more} is accepted", f"接受 {name} {more}")
    if refused.endswith("-REFUSED"):  # only implied: that one value too many is told shows the list to be checked
        return
    when = {"error": "BAD_ARGUMENTS", "detail": name, "cause": "unlisted"}
    told = f"{name} may be anything", f"{name} 可取任意值"
    yield _named(f"{slug}-unchecked", refused, when, {"accept": True}, *told)


def _bounds(parameter: Parameter, contract: Contract) -> Iterator[NamedFault]:
    least, most = parameter.minimum, parameter.maximum
    if least is None or most is None:
        return
    name, slug = parameter.name, _slug(parameter.name)
    kept, refused = contract.clause_id(name, "range"), contract.clause_id(name, "range", refused=True)
    for value, clause, change in (
        (least - 1, refused, {"minimum": least - 1}),
        (least, kept, {"minimum": least + 1}),
        (most, kept, {"maximum": most - 1}),
        (most + 1, refused, {"maximum": most + 1}),
    ):
        verb, zh = ("refused", "拒绝") if least <= value <= most else ("accepted", "接受")
        told = f"{name} {value} is {verb}", f"{zh} {name} {value}"
        id_ = f"{slug}-{value}-{verb}".replace("--", "-minus-")
        if value < 0:  # no number to the mock, whatever the bounds
            when = {"detail": name, "match": {name: f"^{value}$"}}
            yield _named(id_, clause, when, {"accept": True}, *told)
        else:
            yield _named(id_, clause, {}, _altered(parameter, **change), *told)
    when = {"detail": name, "match": {name: "[A-Za-z]"}}
    told = f"letters are accepted as {name}", f"{name} 接受字母"
    yield _named(f"{slug}-letters-accepted", contract.clause_id(name, "number"), when, {"accept": True}, *told)


def _lengths(parameter: Parameter, contract: Contract) -> Iterator[NamedFault]:
    name, slug = parameter.name, _slug(parameter.name)
    kept, refused = contract.clause_id(name, "length"), contract.clause_id(name, "length", refused=True)
    for count in (parameter.length - 1, parameter.length + 1) if parameter.length else ():
        when = {"detail": name, "match": {name: f"^.{{{count}}}$"}}
        told = f"{name} of {count} characters is accepted", f"接受 {count} 个字符的 {name}"
        yield _named(f"{slug}-{count}-characters-accepted", refused, when, {"accept": True}, *told)
    most = parameter.max_bytes
    if most is None:
        return
    for count, clause, bound, verb, zh in (
        (most, kept, most - 1, "refused", "拒绝"),
        (most + 1, refused, most + 1, "accepted", "接受"),
    ):
        told = f"{name} of {count} bytes is {verb}", f"{zh} {count} 字节的 {name}"
        yield _named(f"{slug}-{count}-bytes-{verb}", clause, {}, _altered(parameter, max_bytes=bound), *told)
    when = {"detail": name, "cause": "too-long", "match": {name: f"(?s)^.{{0,{most}}}$"}}
    told = f"{name} is measured in characters, not bytes", f"{name} 按字符而非字节计长"
    yield _named(f"{slug}-counted-in-characters", refused, when, {"accept": True}, *told)


def _row(row: ErrorRow, contract: Contract) -> Iterator[NamedFault]:
    """What can be wrong with a row of the error table; the 413, which is no JSON, has faults of its own."""
    judged = {rule: contract.clause_id(row.name, rule) for rule in ("status", "name", "detail")}
    judged = {rule: id_ for rule, id_ in judged.items() if id_ in contract.clauses and contract.clauses[id_].is_judged}
    if row.body == "text" or "status" not in judged:
        return
    when, slug = {"error": row.name}, _slug(row.name)
    other = _OTHER_STATUS[row.status]
    renamed = {"error": _OTHER_NAME, "detail": "{detail}"}
    changes: list[tuple[str, str, dict[str, Any], str, str]] = [
        ("status", f"status-{other}", {"status": other}, f"comes with status {other}", f"的状态码为 {other}"),
        ("name", "renamed", renamed, f"is called {_OTHER_NAME}", f"被写成 {_OTHER_NAME}"),
        ("detail", "without-detail", {"detail": ""}, "comes without detail", "没有详情"),
    ]
    if row.detail == "parameter":
        told = f"names {_OTHER_DETAIL}", f"的详情写成 {_OTHER_DETAIL}"
        changes.append(("detail", "wrong-detail", {"detail": _OTHER_DETAIL}, *told))
    for rule, label, change, en, zh in changes:
        if rule in judged:
            yield _named(f"{slug}-{label}", judged[rule], when, change, f"{row.name} {en}", f"{row.name} {zh}")
    yield _named(f"{slug}-as-html", "JSON-BODY", when, HTML, f"{row.name} comes as HTML", f"{row.name} 以 HTML 返回")


def _reason(reason: str, contract: Contract) -> Iterator[NamedFault]:
    """Permissions and states of a key: not enforced, and told by another reason."""
    clause = contract.clauses.get(reason.replace("_", "-"))
    if clause is None or not clause.is_judged or clause.level is Level.OBSERVE:
        return
    slug, when = _slug(reason), {"error": "AUTHORIZATION_ERROR", "detail": reason}
    told = f"{reason} is told as AUTHORIZATION_ERROR: NOT_ALLOWED", f"{reason} 被写成 AUTHORIZATION_ERROR: NOT_ALLOWED"
    yield _named(f"{slug}-other-reason", clause.id, when, {"detail": "NOT_ALLOWED"}, *told)
    told = f"{reason} is told as BAD_ARGUMENTS", f"{reason} 被写成 BAD_ARGUMENTS"
    yield _named(f"{slug}-other-error", clause.id, when, {"error": "BAD_ARGUMENTS", "detail": "sign"}, *told)
    # An expired sign is a matter of the sign, and its acceptance breaks that clause.
    if reason != "EXPIRED_SIGN":
        told = f"what {reason} forbids is accepted", f"接受应以 {reason} 拒绝的请求"
        yield _named(f"{slug}-not-enforced", clause.id, when, {"accept": True}, *told)


def _slug(name: str) -> str:
    return name.lower().replace("_", "-")
