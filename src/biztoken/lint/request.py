"""The fields of a request, however they were sent, and what is odd about how: never refuses, always tells."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

from biztoken.contract import Contract
from biztoken.lint.advice import Remark, shown
from biztoken.multipart import MAX_PARTS, Form, Part, parse
from biztoken.received import Received

_LOOK = 65_536  # bytes in which the first part of a form begins
_ESCAPED = 1_048_576  # bytes whose escapes are read: each takes a hundred bytes of memory
# A line of dashes and more, then headers of which one is a Content-Disposition.
_FIRST_PART = re.compile(
    rb"(?:\A|(?<=\n))--([^\r\n]+)\r?\n(?:[^\r\n:]{1,80}:[^\r\n]*\r?\n){0,8}?content-disposition:", re.IGNORECASE
)
_ONLY_STAR = re.compile(r"\A(?!.*\bfilename=).*\bfilename\*=", re.IGNORECASE | re.DOTALL)
_OF_THE_END = frozenset({"multipart-unterminated", "body-not-multipart", "field-name-corrupted"})
_TOLD = {
    "multipart-unterminated": "multipart-unterminated",
    "lf-line-endings": "lf-line-endings",
    "part-not-form-data": "part-not-form-data",
    "boundary-over-70": "boundary-over-70",
    "too-many-parts": "too-many-parts",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field as it was sent. `origin`: part, form (urlencoded), json or query; `part`: where it is one."""

    name: str
    value: bytes
    origin: str
    part: Part | None = None

    @property
    def text(self) -> str | None:
        """The value as UTF-8, None where it is none."""
        try:
            return self.value.decode()
        except UnicodeDecodeError:
            return None

    @property
    def filename(self) -> str | None:
        return None if self.part is None else self.part.filename

    @property
    def transfer_encoding(self) -> str:
        """The Content-Transfer-Encoding of the part, in lower case."""
        headers = () if self.part is None else self.part.headers
        return next((value for key, value in headers if key.lower() == "content-transfer-encoding"), "").lower()


@dataclass(frozen=True, slots=True)
class Request:
    """`fields` in the order sent, body first; `remarks` on how. `form`: part, form, json, query or None.

    `is_open`: whether more would have come, so that nothing can be said to be missing.
    """

    fields: tuple[Field, ...]
    remarks: tuple[Remark, ...]
    form: str | None
    is_open: bool = False


def read_request(received: Received, contract: Contract) -> Request:
    """Take a request apart. Pure; never raises."""
    path, _, query = received.target.partition("?")
    remarks: list[Remark] = []
    if received.method.upper() != "POST":
        remarks.append(Remark("not-post", values={"method": shown(received.method)}))
    if unquote(re.sub(r"\A\w+://[^/]*", "", path)) != contract.path:
        remarks.append(Remark("wrong-path", values={"path": shown(path), "due": contract.path}))
    asked = _pairs(query.encode("utf-8", "surrogateescape"), "query")
    known = [field for field in asked if field.name in contract.parameters]
    if known:
        names = ", ".join(dict.fromkeys(field.name for field in known))
        remarks.append(Remark("fields-in-query", values={"names": names}))
    fields: list[Field] = []
    form = None
    is_short = not received.whole or bool(received.left)
    is_open = is_short
    if received.body or not (known or remarks or is_short):
        fields, form, more = _body(received, contract)
        is_open = is_short and (form != "part" or any(remark.id == "multipart-unterminated" for remark in more))
        if is_open:
            # What is there last was cut off, and so were its end and its closing boundary.
            fields = fields[:-1]
            more = [remark for remark in more if remark.id not in _OF_THE_END]
        remarks += more
    remarks += _incomplete(received)
    return Request((*fields, *known), tuple(remarks), form or ("query" if known else None), is_open)


def _incomplete(received: Received) -> list[Remark]:
    """Told where the length of the body is not the one that was told."""
    if received.left:
        told = [name for name in ("content-length", "transfer-encoding") if received.header(name) is not None]
        variant = "more" if told else "no-length"
        return [Remark("body-incomplete", variant=variant, values={"left": f"{received.left:,}"})]
    return [] if received.whole or received.is_cut else [Remark("body-incomplete")]


_Read = tuple[list[Field], str | None, list[Remark]]


def _body(received: Received, contract: Contract) -> _Read:
    """The fields of a body, their form, and the remarks on it."""
    told = received.header("content-type") or ""
    media = told.partition(";")[0].strip(" \t").lower()
    body = received.body
    if not body:
        return [], None, [Remark("body-not-multipart", variant="empty")]
    if media.startswith("multipart/"):
        return _multipart(told, media, body, contract)
    boundary = _first_boundary(body)
    if boundary:
        fields, form, remarks = _parts(*_recovered(body, boundary), body)
        wrong = {"application/x-www-form-urlencoded": "urlencoded-body", "application/json": "json-body"}.get(media)
        values = {"media": shown(media) or "-"}
        first = [Remark("boundary-missing", variant="other-type" if media else "no-type", values=values)]
        first += [Remark(wrong, variant="told")] if wrong else []
        return fields, form, [*first, *remarks]
    return _other(body, media, contract)


def _multipart(told: str, media: str, body: bytes, contract: Contract) -> _Read:
    remarks = []
    if media != "multipart/form-data":
        remarks.append(Remark("body-not-multipart", variant="other-multipart", values={"media": shown(media)}))
    form = parse(told, body)
    lost = {"boundary-missing", "boundary-not-found"} & set(form.problems)
    if not lost:
        fields, kind, more = _parts(form, _first_boundary(body), body)
        return fields, kind, remarks + more
    boundary = _first_boundary(body)
    if "boundary-missing" in lost:
        remarks.append(Remark("boundary-missing"))
    elif boundary:
        remarks.append(Remark("boundary-missing", variant="mismatch"))
    if boundary:
        fields, kind, more = _parts(*_recovered(body, boundary), body)
        return fields, kind, remarks + more
    fields, kind, _ = _other(body, "", contract, is_told=False)
    variant = {"form": "urlencoded", "json": "json"}.get(kind or "")
    return fields, kind, [*remarks, Remark("body-not-multipart", variant=variant)]


def _first_boundary(body: bytes) -> bytes:
    """The boundary that a body uses, whatever its header says; empty where it is no form."""
    found = _FIRST_PART.search(body, 0, _LOOK)
    return found[1].rstrip(b" \t") if found else b""


def _recovered(body: bytes, boundary: bytes) -> tuple[Form, bytes]:
    quoted = boundary.decode("latin-1").replace("\\", "\\\\").replace('"', '\\"')
    return parse(f'multipart/form-data; boundary="{quoted}"', body), boundary


def _parts(form: Form, boundary: bytes, body: bytes) -> _Read:
    marker = b"\n--" + boundary
    if boundary and any(marker in part.body for part in form.parts):
        # The first delimiter ends in CRLF and a later one in LF: read by LF, all parts are there again. A line that
        # is like one, in a picture say, makes no part with a name.
        by_lf, _ = _recovered(body.replace(b"--" + boundary + b"\r\n", b"--" + boundary + b"\n", 1), boundary)
        if len(by_lf.parts) > len(form.parts) and all(part.name for part in by_lf.parts):
            form = by_lf
    remarks = [Remark(_TOLD[problem]) for problem in form.problems if problem in _TOLD]
    # Not so for boundaries of dashes, which stand in many a text.
    if re.search(rb"\w{6}", boundary) and any(b"--" + boundary in part.body for part in form.parts):
        remarks.append(Remark("boundary-inside-part"))
    fields = []
    for part in form.parts:
        if any(key.lower() == "content-disposition" and _ONLY_STAR.search(value) for key, value in part.headers):
            remarks.append(Remark("filename-star", part.name))
        if not part.name:
            remarks.append(Remark("field-name-corrupted", variant="absent"))
        else:
            fields.append(Field(part.name, part.body, "part", part))
    return fields, "part", remarks


def _other(body: bytes, media: str, contract: Contract, *, is_told: bool = True) -> _Read:
    """A body that is no multipart form: JSON, urlencoded, or anything; `is_told`: its header does not deny it.

    Without one field that the contract knows there is nothing in it to judge.
    """
    document = _json(body)
    if document is not None or media.endswith("json"):
        fields = [Field(name, value, "json") for name, value in _flat(document)]
        is_known = any(field.name in contract.parameters for field in fields)
        return (fields, "json", [Remark("json-body")]) if is_known else ([], None, [Remark("json-body")])
    # What is sent as multipart nobody decodes, so that a + in it is not lost by that.
    pairs = _pairs(body.strip(b"\r\n") if is_told else body.strip(b"\r\n").replace(b"+", b"%2B"), "form")
    is_known = any(field.name in contract.parameters for field in pairs)
    if media == "application/x-www-form-urlencoded" or (is_known and _is_urlencoded(body)):
        return (pairs, "form", [Remark("urlencoded-body")]) if is_known else ([], None, [Remark("urlencoded-body")])
    return [], None, [Remark("body-not-multipart", values={"media": shown(media) or "-"})]


def _is_urlencoded(body: bytes) -> bool:
    """Whether a body is pairs of names and values and nothing else. Of too many pairs the first are looked at."""
    data = body.rstrip()
    pairs = data.removesuffix(b"&").split(b"&", MAX_PARTS)[:MAX_PARTS]
    return not re.search(rb"\s", data) and all(pair.find(b"=") > 0 for pair in pairs)


def _pairs(data: bytes, origin: str) -> list[Field]:
    """The fields of urlencoded bytes, as every server reads them: a bare + is a space. The first ones of too many."""
    found = []
    for pair in data.split(b"&", MAX_PARTS)[:MAX_PARTS]:
        name, _, value = pair.partition(b"=")
        if name:
            text = unescaped(name.replace(b"+", b" ")).decode("utf-8", "replace")
            found.append(Field(text, unescaped(value.replace(b"+", b" ")), origin))
    return found


def unescaped(value: bytes) -> bytes:
    """Bytes without their percent escapes; of very many bytes, the first of them."""
    return unquote_to_bytes(value[:_ESCAPED]) + value[_ESCAPED:]


def _json(body: bytes) -> Any:
    """The document of a body; None where it is no JSON object or list."""
    if body.lstrip()[:1] not in (b"{", b"["):
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _flat(document: Any) -> Iterable[tuple[str, bytes]]:
    """The members of an object as texts, of other kinds than texts as JSON. The first ones of too many."""
    members = islice(document.items(), MAX_PARTS) if isinstance(document, dict) else ()
    for name, value in members:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield name, text.encode("utf-8", "surrogatepass")
