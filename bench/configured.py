"""Schemathesis as its own documentation would have it set up for this endpoint, and what it makes of one target.

Everything here is its public API. Nothing of the suite judges: what counts is what its checks say.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from random import Random
from types import ModuleType
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis.core.failures import FailureGroup

from biztoken.client import SIGN
from biztoken.contract import Contract, ErrorRow, load
from biztoken.fuzz.generator import LETTERS
from biztoken.fuzz.views import NUMBER_FORMAT, PICTURES, TEXT_FORMAT, View, views
from biztoken.model import Level
from biztoken.pictures import Pictures
from biztoken.settings import Target
from biztoken.signing import VALIDITY, new_random, raw_text, sign_text

MEDIA = "application/json"
PHASES = ("coverage", "fuzzing")
# The rule of the contract that a keyword of a view stands for.
RULES = {
    "enum": "values",
    "minimum": "range",
    "maximum": "range",
    "minLength": "length",
    "maxLength": "length",
    "format": "length",
}
REQUIRED = {name for name, entry in load().parameters.items() if entry.required_when is not None}
TEXTS = {"uuid", "biz_no", "idcard_name"}


# --- what it is given


def document(view: View, *, with_formats: bool) -> dict[str, Any]:
    """The published contract for one branch: its flat form, and replies with the errors that each status may tell."""
    made = deepcopy(view.schema)
    (operation,) = (path["post"] for path in made["paths"].values())
    published = deepcopy(view.contract.document)
    (source,) = (path["post"] for path in published["paths"].values())
    operation["responses"] = source["responses"]
    for status, reply in operation["responses"].items():
        for content in reply["content"].values():
            content.pop("examples", None)
        if int(status) >= 400 and MEDIA in reply["content"]:
            reply["content"][MEDIA]["schema"] = _failure(published["components"]["schemas"]["Failure"], status, view)
    schemas = {name: schema for name, schema in published["components"]["schemas"].items() if name != "Request"}
    del schemas["Faces"]["items"]  # the contract states that there is a list, and nothing of what is in it
    made["components"] = {"schemas": schemas}
    for name, schema in _properties(operation).items():
        if view.contract.parameters[name].picture:
            schema["contentMediaType"] = "application/octet-stream"  # makes it a file part
        if not with_formats:
            schema.pop("format", None)
    return made


def _properties(operation: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = operation["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
    return found


def _failure(failure: Mapping[str, Any], status: str, view: View) -> dict[str, Any]:
    """A refusal whose error is one of those that the table has for this status."""
    rows = [row for row in view.contract.errors.values() if row.status == int(status) and row.body == "json"]
    pattern = "^(" + "|".join(_error(row, view.contract) for row in rows) + ")$"
    return {**failure, "properties": {**failure["properties"], "error": {"type": "string", "pattern": pattern}}}


def _error(row: ErrorRow, contract: Contract) -> str:
    # The contract is silent about a blank in place of the colon, and its table glues INVALID_IMAGE_SIZE to the picture.
    name, colon = re.escape(row.name), r"(\s*:\s*|\s+)"
    if row.detail == "parameter":
        between = r"(\s*:?\s*)" if row.name == "INVALID_IMAGE_SIZE" else colon
        return rf"{name}{between}({'|'.join(contract.parameters)})"
    # A reason may be one that the contract does not list, and what is told of LOW_QUALITY is not stated.
    return rf"{name}{colon}\S.*" if row.detail == "reason" else rf"{name}({colon}\S.*)?"


def loaded(view: View, phase: str, examples: int) -> Any:
    """The schema of a view, configured: strict statuses, both kinds of data, one phase."""
    # A field with a format of its own loses its longest legal length in the coverage phase (4.32.5).
    schema = schemathesis.openapi.from_dict(
        document(view, with_formats=phase == "fuzzing"), config=schemathesis.Config()
    )
    config = schema.config
    config.update(base_url="http://127.0.0.1:9")
    config.phases.update(phases=[phase])
    config.phases.coverage.unexpected_methods = set()
    config.generation.update(deterministic=True, max_examples=examples, allow_extra_parameters=False)
    config.checks.positive_data_acceptance.expected_statuses = ["200"]
    config.checks.negative_data_rejection.expected_statuses = ["400", "403"]
    return schema


def register_formats(contract: Contract) -> None:
    """Texts that are legal by their bytes; without them every text that is drawn would be ASCII or too long."""
    for view in views(contract):
        for schema in view.properties.values():
            kind, _, size = schema.get("format", "").rpartition("-")
            if kind == TEXT_FORMAT:
                schemathesis.openapi.format(schema["format"], _texts(int(size)))
            elif kind == NUMBER_FORMAT:
                schemathesis.openapi.format(schema["format"], st.from_regex(r"[0-9]{17}[0-9X]", fullmatch=True))


def _texts(limit: int) -> st.SearchStrategy[str]:
    texts = st.text(LETTERS, min_size=1, max_size=limit or 30)
    return texts.filter(lambda text: text == text.strip() and (not limit or len(text.encode()) <= limit))


# --- how it is signed


class LateBinding(requests.auth.AuthBase):
    """Puts a fresh signature and the pictures where schemathesis drew a word for them, after the case is made."""

    def __init__(self, target: Target, pictures: Pictures, seed: int = 0) -> None:
        self._key, self._rng = target.keys["active"], Random(seed)
        self._files = {word.encode(): pictures.get(picture.label).data for word, picture in PICTURES.items()}
        names = "|".join(["sign", *sorted({"image", "image_ref1", "image_ref2"})])
        words = "|".join(map(re.escape, [SIGN, *PICTURES]))
        self._part = re.compile(
            rf'(\r\nContent-Disposition: form-data; name="(?:{names})"[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n)'
            rf"({words})(?=\r\n--)".encode()
        )

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if isinstance(request.body, bytes):
            # The first boundary has no line break before it.
            bound = self._part.sub(lambda found: found[1] + self._value(found[2]), b"\r\n" + request.body)
            request.body = bound[2:]
            request.headers["Content-Length"] = str(len(request.body))
        return request

    def _value(self, word: bytes) -> bytes:
        if word == SIGN.encode():
            now = int(time.time())
            raw = raw_text(self._key.api_key, now + VALIDITY, now, new_random(self._rng))
            return sign_text(raw, self._key.api_secret).encode()
        return self._files[word]


# --- its checks, and one of those that its guide to custom checks invites


@schemathesis.check
def error_names_the_fault(_ctx: Any, response: Any, case: Any) -> None:
    """What is missing must be told as MISSING_ARGUMENTS, what is there must not, and an error must name the field.

    In its coverage phase schemathesis says which one field it spoilt.
    """
    told = wrong_field(case)
    if told is None or response.status_code != 400:
        return
    name, is_missing = told
    error = str(_json(response).get("error"))
    if is_missing and not error.startswith("MISSING_ARGUMENTS"):
        raise AssertionError("a missing field is not told as MISSING_ARGUMENTS")
    if not is_missing and case.body.get(name) and error.startswith("MISSING_ARGUMENTS"):
        raise AssertionError("a field that is there is told as MISSING_ARGUMENTS")
    if not re.search(rf"\b{name}$", error):
        raise AssertionError("the error does not name the field")


def wrong_field(case: Any) -> tuple[str, bool] | None:
    """The one field that a negative case of the coverage phase spoils, and whether it is left out."""
    if case.meta is None or case.meta.generation.mode.value != "negative" or case.meta.phase.name.value != "coverage":
        return None
    data = case.meta.phase.data
    missing = re.fullmatch(r"Missing required property: (\w+)", data.description or "")
    if missing:
        return missing[1], True
    spoilt = re.match(r"/properties/(\w+)", data.location or "")
    return (spoilt[1], False) if spoilt else None


@schemathesis.hook
def filter_case(_context: Any, case: Any) -> bool:
    """Leave out what proves nothing: cases that the contract is silent about, or that are wrong only by name.

    An optional field that is empty; an empty list, of which a form keeps nothing; a text that breaks only a
    format of ours, which says how to draw texts and forbids none.
    """
    body = case.body if isinstance(case.body, dict) else {}
    if any(value in ("", [], {}) and name not in REQUIRED for name, value in body.items()):
        return False
    changes = case.meta.phase.data.mutations if case.meta else ()
    return not changes or any(set(change.keywords) != {"format"} or change.parameter not in TEXTS for change in changes)


@schemathesis.hook
def filter_failure(_context: Any, failure: Any, case: Any, response: Any) -> bool:
    """LOW_QUALITY is a legal answer to a legal threshold."""
    asked = isinstance(case.body, dict) and "face_quality_threshold" in case.body
    return not (
        asked
        and type(failure).__name__ == "RejectedPositiveData"
        and response.status_code == 400
        and str(_json(response).get("error")).startswith("LOW_QUALITY")
    )


def _json(response: Any) -> dict[str, Any]:
    try:
        found = response.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


# --- drawing


def draw(contract: Contract, examples: int, visit: Callable[[Any], None]) -> None:
    """Let its own pytest plugin run a test for each view and phase, which shows its cases to `visit`."""
    register_formats(contract)

    def show(case: Any) -> None:
        visit(case)

    tests = {
        f"test_{number}_{phase}": loaded(view, phase, examples).parametrize()(show)
        for number, view in enumerate(views(contract))
        for phase in PHASES
    }
    alone = ["-c", "/dev/null", "--rootdir", ".", "-p", "no:terminal", "-p", "no:cacheprovider", "-W", "ignore"]
    code = pytest.main([*alone, __file__], plugins=[_Given(tests)])
    if code != 0:
        raise RuntimeError(f"schemathesis drew nothing: pytest ended with {code!r}")


class _Given:
    """A pytest plugin that fills the one module that is collected with tests made here."""

    def __init__(self, tests: Mapping[str, Any]) -> None:
        self._tests = tests

    def pytest_pycollect_makemodule(self, module_path: Any, parent: Any) -> Any:
        module = pytest.Module.from_parent(parent, path=module_path)
        holder = ModuleType("drawn")
        vars(holder).update(self._tests)
        module._getobj = lambda: holder
        return module


# --- one target


@dataclass(frozen=True, slots=True)
class Finding:
    """A check that failed. `clause`: the SHOULD that is all it may stand on, None where a MUST is broken."""

    title: str
    clause: str | None = None


@dataclass(slots=True)
class Seen:
    """What the checks said of a target. `first`: requests until the first finding that counts, None without one."""

    requests: int = 0
    accepted: int = 0
    first: int | None = None
    seconds: float = 0.0
    titles: list[str] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Bench:
    """The cases of all views, drawn once and sent to one target after another."""

    def __init__(self, contract: Contract, target: Target, examples: int) -> None:
        self._contract, self._target = contract, target
        self._pictures = Pictures()
        self.cases: list[Any] = []
        started = time.perf_counter()
        draw(contract, examples, self.cases.append)
        self.seconds = time.perf_counter() - started
        # What fails on the sound mock says nothing of a fault.
        self.known: set[tuple[int, str]] = set()
        self.sound = self.visit("", stop=False)
        self.known = self._met

    def visit(self, name: str, *, tolerated: tuple[str, ...] = (), stop: bool = True) -> Seen:
        """Send every case, or all up to the first finding that counts. Findings on SHOULDs `tolerated` do not."""
        seen, started = Seen(), time.perf_counter()
        self._met: set[tuple[int, str]] = set()
        with requests.Session() as session:
            session.auth = LateBinding(self._target, self._pictures)
            base = base_url(self._target.url, self._contract.path, name)
            for number, case in enumerate(self.cases):
                seen.requests += 1
                for finding in look(case, base, session, self._contract, seen):
                    self._met.add((number, finding.title))
                    if (number, finding.title) not in self.known:
                        _count(finding, seen, tolerated)
                if stop and seen.first is not None:
                    break
        seen.seconds = round(time.perf_counter() - started, 3)
        return seen


def visit_once(contract: Contract, target: Target, name: str, examples: int) -> Seen:
    """The same without reuse: every case is drawn, sent and checked as pytest does it, and nothing stops it."""
    seen, started = Seen(), time.perf_counter()
    with requests.Session() as session:
        session.auth = LateBinding(target, Pictures())
        base = base_url(target.url, contract.path, name)

        def send(case: Any) -> None:
            seen.requests += 1
            for finding in look(case, base, session, contract, seen):
                _count(finding, seen, ())

        draw(contract, examples, send)
    seen.seconds = round(time.perf_counter() - started, 3)
    return seen


def _count(finding: Finding, seen: Seen, tolerated: tuple[str, ...]) -> None:
    if finding.clause is not None and finding.clause not in seen.warned:
        seen.warned.append(finding.clause)
    if finding.clause is not None and finding.clause in tolerated:
        return
    seen.first = seen.first or seen.requests
    if finding.title not in seen.titles:
        seen.titles.append(finding.title)


def look(case: Any, base: str, session: requests.Session, contract: Contract, seen: Seen) -> Iterator[Finding]:
    """Send a case: each check that fails."""
    try:
        response = case.call(base_url=base, session=session, timeout=30)
    except requests.RequestException as problem:
        yield Finding(f"no reply: {type(problem).__name__}")
        return
    seen.accepted += response.status_code == 200
    try:
        case.validate_response(response)
    except FailureGroup as group:
        for failure in group.exceptions:
            clause = should(case, contract) if type(failure).__name__ == "AcceptedNegativeData" else None
            yield Finding(str(getattr(failure, "title", None) or failure), clause)


def should(case: Any, contract: Contract) -> str | None:
    """The clause that was to refuse the case, where that is only a SHOULD and all that is wrong with it."""
    data = case.meta.phase.data
    broken = {(change.parameter, word) for change in data.mutations for word in change.keywords or ("",)}
    place = re.fullmatch(r"/properties/(\w+)/(\w+)", data.location or "")
    broken |= {(place[1], place[2])} if place and not broken else set()
    ids = {contract.clause_id(name, RULES.get(word, "type"), refused=True) if name else "" for name, word in broken}
    levels = {contract.clauses[id_].level if id_ in contract.clauses else Level.MUST for id_ in ids}
    return min(ids) if levels == {Level.SHOULD} else None


def base_url(url: str, path: str, name: str) -> str:
    """The part of an endpoint's URL before the contract's path, for an entry of the rack."""
    return url.removesuffix(path) + (f"/{name}" if name else "")
