"""`result.json`: the record of what a run found. Written whole or not at all, checked when read."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from biztoken.errors import UserError
from biztoken.model import Json

NAME = "result.json"
SCHEMA_VERSION = "1.0"
PROVE = "prove"
LOAD, LIMIT = "load", "limit"
_SCHEMAS = {kind: f"{kind}.schema.json" for kind in (PROVE, LOAD, LIMIT)}  # kinds with a schema of their own

# What a run made before a key existed is taken to have said.
_ABSENT: Mapping[str, Any] = {
    "kind": "check",
    "scope": "full",
    "planned": 0,
    "executed": 0,
    "requests": 0,
    "seconds": 0.0,
    "seed": None,
    "plan": None,
    "strict": False,
    "started": None,
    "target": {},
    "versions": {},
    "options": {},
    "environment": {},
    "reason": None,
    "counts": {},
    "causes": [],
    "notes": [],
    "waivers": [],
    "baseline": None,
    "latency_ms": None,
    "clauses": [],
    "cases": [],
}
_ABSENT_CLAUSE: Mapping[str, Any] = {
    "side": "server",
    "subject": "",
    "rule": "",
    "section": "",
    "checks": 0,
    "reason": None,
    "excluded": None,
    "observations": [],
    "findings": [],
    "last_passed": None,
}
_ABSENT_CASE: Mapping[str, Any] = {"family": "", "reason": None, "exchanges": [], "seconds": 0.0}
_ABSENT_FINDING: Mapping[str, Any] = {
    "case": "",
    "aspect": "",
    "difference": "",
    "exchanges": [],
    "cause": None,
    "count": 1,
    "waived": None,
}


@cache
def schema(kind: str = "check") -> Json:
    """The published JSON Schema of `result.json` of that kind of run."""
    name = _SCHEMAS.get(kind, "result.schema.json")
    document: Json = json.loads((Path(__file__).parent / name).read_text("utf-8"))
    return document


@cache
def _validator(kind: str) -> Draft202012Validator:
    # A load and a limit are a run like any other, and more.
    whole = Registry().with_resource(schema()["$id"], Resource.from_contents(schema()))
    return Draft202012Validator(schema(kind), format_checker=Draft202012Validator.FORMAT_CHECKER, registry=whole)


def problems(result: object) -> list[str]:
    """Where `result` departs from the schema of its kind, each as `path: what`; empty where it keeps it."""
    # Some 0.15 s of CPU for a run of 350 cases, hence `_own` below.
    validator = _validator(kind_of(result))
    errors = sorted(validator.iter_errors(result), key=lambda error: list(map(str, error.absolute_path)))
    return [f"{'/'.join(map(str, error.absolute_path)) or '(top)'}: {error.message[:200]}" for error in errors]


def kind_of(result: object) -> str:
    """Which kind of run a record tells of, as far as reports differ: prove, load, limit, or check for any other."""
    kind = result.get("kind") if isinstance(result, Mapping) else None
    return kind if isinstance(kind, str) and kind in _SCHEMAS else "check"


def is_proof(result: object) -> bool:
    """Whether a record tells of the suite itself instead of a target."""
    return isinstance(result, Mapping) and result.get("kind") == PROVE


def write_result(directory: Path, result: Mapping[str, Any]) -> Path:
    """Write `result.json` into `directory`, so that a reader never sees half of it. Returns its path."""
    path = directory / NAME
    text = json.dumps(result, ensure_ascii=False, indent=1) + "\n"
    write_whole(path, text)
    _own[path.resolve()] = text
    return path


# What this process wrote last: it is as the tests hold it to the schema, and needs no second look when read back.
_own: dict[Path, str] = {}


def write_whole(path: Path, text: str) -> None:
    """Replace the file in one step; a lone surrogate, which UTF-8 cannot hold, is written escaped."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode("utf-8", "backslashreplace"))
        # mkstemp's 0600 would hide a report from the web server of a CI.
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read_result(directory: Path) -> Json:
    """The record in `directory`, keys of later minor versions kept, missing ones filled in."""
    path = directory / NAME
    if not path.is_file():
        zh = f"其中没有 {NAME}；请给出一次运行的目录"
        raise UserError(str(directory), f"holds no {NAME}; name a directory that a run has written", zh)
    try:
        text = path.read_text("utf-8")
        result = json.loads(text)
    except (OSError, ValueError) as problem:
        hint = f"cannot be read ({problem.__class__.__name__}); restore the file or run again"
        zh = f"无法读取（{problem.__class__.__name__}）；请恢复该文件或重新运行"
        raise UserError(str(path), hint, zh) from None
    _check_version(path, result)
    filled = result if is_proof(result) else _filled(result)
    wrong = [] if _own.get(path.resolve()) == text else problems(filled)
    if wrong:
        zh = f"不符合 schema（{wrong[0]}）；请恢复该文件或重新运行"
        raise UserError(str(path), f"is not as the schema says at {wrong[0]}; restore the file or run again", zh)
    return filled


def _check_version(path: Path, result: object) -> None:
    version = result.get("schema_version") if isinstance(result, dict) else None
    if not isinstance(version, str) or not version.partition(".")[0].isdecimal():
        zh = "没有 schema_version，不是 biztoken 的记录；请给出另一个目录"
        raise UserError(str(path), "has no schema_version, so it is no record of biztoken; name another directory", zh)
    if int(version.partition(".")[0]) > int(SCHEMA_VERSION.partition(".")[0]):
        zh = f"由更新版本的 biztoken 写成（schema {version}）；请升级后再读取"
        raise UserError(str(path), f"was written by a newer biztoken (schema {version}); upgrade to read it", zh)


def _filled(result: Json) -> Json:
    whole = {**_ABSENT, **result}
    if isinstance(whole["clauses"], list):
        whole["clauses"] = [_filled_clause(row) for row in whole["clauses"]]
    if isinstance(whole["cases"], list):
        whole["cases"] = [filled_case(row) for row in whole["cases"]]
    return whole


def _filled_clause(row: object) -> Any:
    clause = _over(_ABSENT_CLAUSE, row)
    if isinstance(clause, dict) and isinstance(clause["findings"], list):
        clause["findings"] = [filled_finding(finding) for finding in clause["findings"]]
    return clause


def filled_case(case: object) -> Any:
    """A case with every key that a report looks at."""
    return _over(_ABSENT_CASE, case)


def filled_finding(finding: object) -> Any:
    """A finding with every key that a report looks at."""
    return _over(_ABSENT_FINDING, finding)


def _over(defaults: Mapping[str, Any], row: object) -> Any:
    return {**defaults, **row} if isinstance(row, dict) else row
