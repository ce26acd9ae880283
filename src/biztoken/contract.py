"""The contract as data, read from `openapi/`: the one source of every rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from biztoken.errors import UserError
from biztoken.model import Level


def bundled(name: str) -> Path:
    """The top-level directory `name`: at the repository root, or in the installed package."""
    here = Path(__file__).resolve().parent
    for place in (here / "_bundle" / name, here.parents[1] / name):
        if place.is_dir():
            return place
    raise UserError(
        name, "this installation lacks the directory; install biztoken again", "安装不完整，缺少该目录；请重新安装"
    )


@dataclass(frozen=True, slots=True)
class Parameter:
    """One field of the request.

    `values`: the listed values, empty where any text is legal. `minimum`, `maximum`: bounds, both
    legal, of a decimal number. `length`: characters exactly. `max_bytes`: bytes of UTF-8.
    `picture`: "probe", "reference" or None for text. `when`: it has an effect only there.
    `required_when`: required where all of these hold; {} always, None never.
    `may_answer`: an error that a legal value may bring about. `beside`: the parameter it acts on.
    """

    name: str
    values: tuple[str, ...]
    minimum: int | None
    maximum: int | None
    length: int | None
    max_bytes: int | None
    default: str | None
    picture: str | None
    when: Mapping[str, tuple[str, ...]]
    required_when: Mapping[str, str] | None
    may_answer: str | None
    beside: str | None

    @property
    def is_number(self) -> bool:
        return self.minimum is not None

    def is_required(self, form: Mapping[str, object]) -> bool:
        """Whether a request with these fields must carry the parameter."""
        wanted = self.required_when
        return wanted is not None and all(form.get(name) == value for name, value in wanted.items())

    def applies(self, form: Mapping[str, object]) -> bool:
        """Whether the parameter has an effect beside these fields."""
        return all(form.get(name) in values for name, values in self.when.items())


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One row of the error table. `detail`: parameter, reason, optional or none; `body`: json or text."""

    name: str
    status: int
    detail: str
    text: str
    body: str
    reasons: tuple[str, ...]
    en: str
    zh: str

    def told(self, detail: str = "") -> str:
        """The error as the contract prints it."""
        return self.text.format(detail=detail)


@dataclass(frozen=True, slots=True)
class Clause:
    """One normative sentence. `excluded` says, by language, why it cannot be seen from outside."""

    id: str
    level: Level
    side: str
    subject: str
    rule: str
    section: str
    en: str
    zh: str
    excluded: Mapping[str, str] | None

    @property
    def is_judged(self) -> bool:
        """Whether replies of an endpoint can keep or break it."""
        return self.excluded is None and self.side != "client"


@dataclass(frozen=True, slots=True, eq=False)
class Contract:
    """Everything that the files in `openapi/` say. Hashed as the object it is: what follows from it can be kept."""

    version: str
    path: str
    parameters: Mapping[str, Parameter]
    errors: Mapping[str, ErrorRow]
    limits: Mapping[str, int]
    error_pattern: str
    clauses: Mapping[str, Clause]
    document: Mapping[str, Any]

    def clause_id(self, subject: str, rule: str, *, refused: bool = False) -> str:
        """The id for a subject and a rule by the naming of clauses.yaml.

        A refusal with a level of its own stands in the row whose id ends in -REFUSED.
        """
        name = f"{subject}-{rule}".upper().replace("_", "-").replace(" ", "-")
        apart = f"{name}-REFUSED"
        return apart if refused and apart in self.clauses else name


@cache
def load(directory: Path | None = None) -> Contract:
    """Read the contract from `directory`, by default the one that ships with the package."""
    place = directory or bundled("openapi")
    document = _read(place / "get_biz_token.yaml")
    clauses = _read(place / "clauses.yaml")
    ((path, item),) = document["paths"].items()
    operation = item["post"]
    request = document["components"]["schemas"]["Request"]
    parameters = {name: _parameter(name, schema, request) for name, schema in request["properties"].items()}
    return Contract(
        version=document["info"]["version"],
        path=path,
        parameters=parameters,
        errors={row["name"]: _error_row(row) for row in operation["x-errors"]},
        limits=operation["x-limits"],
        error_pattern=document["components"]["schemas"]["Error"]["pattern"],
        clauses={row["id"]: _clause(row, parameters, operation["x-limits"]) for row in clauses},
        document=document,
    )


def _read(path: Path) -> Any:
    try:
        # The safe loader in C, where PyYAML was built with it: ten times as fast.
        return yaml.load(path.read_text("utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except (OSError, yaml.YAMLError) as problem:
        reason = problem.__class__.__name__
        raise UserError(
            str(path),
            f"the contract cannot be read ({reason}); restore the file",
            f"契约无法读取（{reason}）；请恢复该文件",
        ) from None


def _parameter(name: str, schema: Mapping[str, Any], request: Mapping[str, Any]) -> Parameter:
    exact = schema.get("minLength") if schema.get("minLength") == schema.get("maxLength") else None
    return Parameter(
        name=name,
        values=tuple(schema.get("enum", ())),
        minimum=schema.get("x-minimum"),
        maximum=schema.get("x-maximum"),
        length=exact,
        max_bytes=schema.get("x-max-bytes"),
        default=schema.get("default"),
        picture=schema.get("x-picture"),
        when={field: tuple(values) for field, values in schema.get("x-when", {}).items()},
        required_when=_required_when(name, request),
        may_answer=schema.get("x-may-answer"),
        beside=schema.get("x-beside"),
    )


def _required_when(name: str, request: Mapping[str, Any]) -> Mapping[str, str] | None:
    if name in request["required"]:
        return {}
    for rule in request["allOf"]:
        if name in rule["then"]["required"]:
            return {field: schema["const"] for field, schema in rule["if"]["properties"].items()}
    return None


def _error_row(row: Mapping[str, Any]) -> ErrorRow:
    reasons = tuple(reason["name"] for reason in row.get("reasons", ()))
    return ErrorRow(
        row["name"], row["status"], row["detail"], row["text"], row.get("body", "json"), reasons, row["en"], row["zh"]
    )


def _clause(row: Mapping[str, Any], parameters: Mapping[str, Parameter], limits: Mapping[str, int]) -> Clause:
    parameter = parameters.get(row["subject"])
    bounds = ("minimum", "maximum", "length", "max_bytes", "default")
    numbers = {**limits, **{name: getattr(parameter, name, None) for name in bounds}}
    return Clause(
        level=Level(row["level"]),
        excluded=row.get("excluded"),
        en=row["en"].format_map(numbers),
        zh=row["zh"].format_map(numbers),
        **{key: row[key] for key in ("id", "side", "subject", "rule", "section")},
    )
