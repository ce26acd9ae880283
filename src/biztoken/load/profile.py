"""A load profile: a question, the stages that answer it, what passing means, and when to stop early."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from biztoken import contract as contracts
from biztoken.contract import Contract, bundled
from biztoken.errors import UserError
from biztoken.load.conditions import NUMBERS, Condition, hold_metric, names_of, parse, parse_limit
from biztoken.model import Json
from biztoken.shape import hold
from biztoken.verdicts import Text

KINDS = ("kyc", "compare", "compare_two", "raw_image")
OTHERS = "others"  # among the failures of a profile: every outcome that it does not name
BACK_OFF = 1.0  # seconds, jittered, before a user that was refused for concurrency sends again
DRAIN = 10.0  # seconds that requests under way at the end are waited for
MOST_IN_FLIGHT = 1000  # of the open model: what arrives beyond waits, and is told as late


@dataclass(frozen=True, slots=True)
class Stage:
    """Some whole seconds with so many requests in flight (closed), or arriving each second (open)."""

    seconds: int
    in_flight: int | None = None
    rate: float | None = None

    @property
    def level(self) -> float:
        return float(self.in_flight if self.in_flight is not None else self.rate or 0)

    def as_json(self) -> Json:
        name, value = ("in_flight", self.in_flight) if self.in_flight is not None else ("rate", self.rate)
        return {"seconds": self.seconds, name: value}


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile, checked. `mix`: kinds of requests by weight. `failures`: how many of which outcomes may come."""

    name: str
    question: Text
    model: str
    stages: tuple[Stage, ...]
    requests_min: int
    passing: tuple[Condition, ...] = ()
    failures: Mapping[str, Condition] = field(default_factory=dict)
    stop_when: tuple[Condition, ...] = ()
    written: Mapping[str, Any] = field(default_factory=dict)
    arrivals: str = "fixed"
    analysis: str = "none"
    mix: Mapping[str, float] = field(default_factory=lambda: {"kyc": 1.0})
    pictures: str = "same"
    back_off: float = BACK_OFF
    drain: float = DRAIN
    most_in_flight: int = MOST_IN_FLIGHT

    @property
    def differs(self) -> bool:
        """Whether the bytes of pictures differ from request to request."""
        return self.pictures == "fresh"

    @property
    def is_open(self) -> bool:
        return self.model == "open"

    @property
    def seconds(self) -> int:
        return sum(stage.seconds for stage in self.stages)

    @property
    def peak(self) -> float:
        """The highest level of its stages: requests in flight, or arrivals per second."""
        return max(stage.level for stage in self.stages)

    def as_json(self) -> Json:
        """The profile as records show it."""
        return {
            "name": self.name,
            "model": self.model,
            "question": self.question.as_json(),
            "stages": [stage.as_json() for stage in self.stages],
            "passing": dict(self.written),
            "stop_when": {condition.metric: str(condition) for condition in self.stop_when},
            "arrivals": self.arrivals if self.is_open else None,
            "analysis": self.analysis,
            "mix": dict(self.mix),
            "pictures": self.pictures,
        }

    def as_data(self) -> Json:
        """The profile as a file would write it: what `make` takes, for a worker elsewhere."""
        return {
            "name": self.name,
            "question": self.question.as_json(),
            "model": self.model,
            **({"arrivals": self.arrivals} if self.is_open else {}),
            "analysis": self.analysis,
            "stages": [stage.as_json() for stage in self.stages],
            "mix": dict(self.mix),
            "pictures": self.pictures,
            "back_off": self.back_off,
            "drain": self.drain,
            "most_in_flight": self.most_in_flight,
            "passing": dict(self.written),
            "stop_when": [str(condition) for condition in self.stop_when],
        }

    def scaled(
        self, *, in_flight: int | None = None, rate: float | None = None, seconds: float | None = None
    ) -> Profile:
        """The same profile with another peak, or another length in all; of less, fewer requests must end.

        UserError, naming the option, for a peak of the other model or more than a profile may ask for.
        """
        stages = self.stages
        _check_scale(in_flight, rate, seconds, 86_400 * len(stages))
        for option, value, is_open in (("--users", in_flight, False), ("--rate", rate, True)):
            if value is not None and is_open is not self.is_open:
                other = ("--users", "--rate")[self.is_open]
                raise UserError(
                    f"{option} {value:g}",
                    f"the profile {self.name} has the {self.model} model; give {other}",
                    f"方案 {self.name} 是 {self.model} 模型；请用 {other}",
                )
        if in_flight is not None:
            share = in_flight / self.peak
            stages = tuple(replace(s, in_flight=max(1, round(s.level * share)) if s.level else 0) for s in stages)
        if rate is not None:
            stages = tuple(replace(stage, rate=stage.level * rate / self.peak) for stage in stages)
        if seconds is not None:
            share = seconds / self.seconds
            stages = tuple(replace(stage, seconds=max(1, round(stage.seconds * share))) for stage in stages)
        # Of a shorter or lower load fewer requests end.
        share = min(1.0, _area(stages) / _area(self.stages))
        least = max(1, math.ceil(self.requests_min * share))
        return replace(self, stages=stages, requests_min=least, written={**self.written, "requests_min": least})


def _area(stages: Sequence[Stage]) -> float:
    return sum(stage.seconds * stage.level for stage in stages)


def _check_scale(in_flight: float | None, rate: float | None, seconds: float | None, longest: int) -> None:
    """What a profile may not say, an option may not either."""
    for option, value, most in (
        ("--users", in_flight, 10_000),
        ("--rate", rate, 100_000),
        ("--seconds", seconds, longest),
    ):
        if value is not None and not 0 < value <= most:
            raise UserError(
                f"{option} {value:g}", f"give a number above 0, up to {most}", f"请给出大于 0 且不超过 {most} 的数"
            )


def names() -> list[str]:
    """The profiles that come with the program."""
    return sorted(path.stem for path in (bundled("load") / "profiles").glob("*.yaml"))


def find(name: str) -> Path:
    """The file of a profile: one that comes with the program by its name, else a path. UserError for neither."""
    known = names()
    if name in known:
        return bundled("load") / "profiles" / f"{name}.yaml"
    path = Path(name)
    if path.is_file():
        return path
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"give a YAML file or one of {', '.join(known)}"
    zh = f"是否应为 {near[0]}？" if near else f"请给出 YAML 文件，或 {'、'.join(known)} 之一"
    raise UserError(f"--profile {name}", f"there is no such profile; {hint}", f"没有这个方案；{zh}")


def read(name: str, contract: Contract | None = None) -> Profile:
    """The profile of that name or file, checked whole. UserError names what is wrong in it.

    `contract` knows the errors that a profile may name; None is the one that comes with the program.
    """
    path = find(name)
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as problem:
        reason = getattr(problem, "strerror", None) or "not UTF-8"
        raise UserError(
            f"--profile {name}",
            f"cannot be read ({reason}); give the path of a YAML file",
            f"无法读取（{reason}）；请给出 YAML 文件的路径",
        ) from None
    except (yaml.YAMLError, ValueError) as problem:
        mark = getattr(problem, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise UserError(where, "this is no YAML; correct that line", "不是合法的 YAML；请改正这一行") from None
    return make(data, str(path), contract)


def make(data: Any, where: str, contract: Contract | None = None) -> Profile:
    """A profile from the data of a file. UserError names what is wrong in it."""
    hold(data, schema(), where, _due)
    _check_numbers(data, where)
    names = names_of(contract or contracts.load())
    _check_levels(data, where)
    passing: dict[str, Any] = dict(data["passing"])
    signs = {"rate": ">="}
    conditions = tuple(
        Condition(name, signs.get(name, "<="), parse_limit(passing[name], name, f"{where}: passing.{name}"))
        for name in NUMBERS
        if name in passing
    )
    return Profile(
        name=data["name"],
        question=Text(data["question"]["en"], data["question"]["zh"]),
        model=data["model"],
        stages=tuple(Stage(row["seconds"], row.get("in_flight"), row.get("rate")) for row in data["stages"]),
        requests_min=passing["requests_min"],
        passing=conditions,
        failures=_failures(passing.get("failures", {}), f"{where}: passing.failures", names),
        stop_when=tuple(parse(text, f"{where}: stop_when", names) for text in data.get("stop_when", ())),
        written=passing,
        arrivals=data.get("arrivals", "fixed"),
        analysis=data.get("analysis", "none"),
        mix={name: float(weight) for name, weight in data.get("mix", {"kyc": 1}).items() if weight},
        pictures=data.get("pictures", "same"),
        back_off=float(data.get("back_off", BACK_OFF)),
        drain=float(data.get("drain", DRAIN)),
        most_in_flight=data.get("most_in_flight", MOST_IN_FLIGHT),
    )


def _failures(rows: Mapping[str, Any], where: str, names: Collection[str]) -> dict[str, Condition]:
    """How many of which outcomes may come. What nothing is said of may not."""
    for name in rows:
        if name != OTHERS:
            hold_metric(str(name), f"{where}.{name}", (*names, OTHERS))
    return {
        str(name): Condition(str(name), "<=", parse_limit(limit, str(name), f"{where}.{name}"))
        for name, limit in {**rows, OTHERS: rows.get(OTHERS, 0)}.items()
    }


def _check_levels(data: Mapping[str, Any], where: str) -> None:
    """Each stage says what its model needs and nothing else; something must be sent; some kind must weigh."""
    wanted, other = ("rate", "in_flight") if data["model"] == "open" else ("in_flight", "rate")
    for number, row in enumerate(data["stages"], 1):
        if wanted not in row or other in row:
            raise UserError(
                f"{where}: stages, stage {number}",
                f"the {data['model']} model states {wanted} in each stage; write it, and no {other}",
                f"{data['model']} 模型的每个阶段须写 {wanted}，不写 {other}",
            )
    if not any(row[wanted] for row in data["stages"]):
        raise UserError(f"{where}: stages", "no stage sends anything; raise a level", "没有任何阶段会发送请求；请调高")
    if "mix" in data and not any(data["mix"].values()):
        raise UserError(f"{where}: mix", "every weight is 0; raise one", "所有权重均为 0；请调高其一")
    if data["model"] == "open" and data.get("analysis") == "steps":
        raise UserError(
            f"{where}: analysis",
            "steps are steps of requests in flight; write model: closed, or another analysis",
            "steps 分析针对并发数；请改用 model: closed 或其他分析",
        )
    if data["model"] == "closed" and "arrivals" in data:
        raise UserError(
            f"{where}: arrivals",
            "the closed model has no arrivals; take the key out, or write model: open",
            "closed 模型没有到达过程；请删去该键，或改用 model: open",
        )


def _check_numbers(data: Mapping[str, Any], where: str) -> None:
    """No number is infinite, or none at all, which YAML can write."""
    rows = {"": data, "mix.": data.get("mix", {})}
    rows |= {f"stages.{number}.": row for number, row in enumerate(data["stages"])}
    for place, row in rows.items():
        for name, value in row.items():
            if isinstance(value, float) and not math.isfinite(value):
                raise UserError(f"{where}: {place}{name}", "this number must be finite", "须为有限的数")


@cache
def schema() -> Json:
    """The published JSON Schema of a profile."""
    document: Json = json.loads(Path(__file__).with_name("profile.schema.json").read_text("utf-8"))
    return document


def _due(_place: str, rules: Mapping[str, Any]) -> tuple[str, str]:
    """What a schema asks of a value, as a person would say it."""
    if "enum" in rules:
        return f"one of {', '.join(rules['enum'])}", f" {'、'.join(rules['enum'])} 之一"
    kinds = {"object": ("a mapping", "映射"), "array": ("a list", "列表"), "string": ("a text", "文字")}
    kind = rules.get("type", "string")
    if isinstance(kind, list):
        return "a number or a text such as 500 ms", "数字或如 500 ms 的文字"
    if kind in kinds:
        name = kinds[kind]
        return (name[0] + " with something in it", f"非空的{name[1]}") if "minItems" in rules else name
    least = rules.get("minimum", rules.get("exclusiveMinimum", 0))
    more = "more than " if "exclusiveMinimum" in rules else "from "
    most, most_zh = (f" to {rules['maximum']}", f"至 {rules['maximum']}") if "maximum" in rules else ("", "")
    noun, noun_zh = ("a whole number", "整数") if kind == "integer" else ("a number", "数")
    start = f"大于 {least}" if "exclusiveMinimum" in rules else f"从 {least} 起"
    return f"{noun} {more}{least}{most}", f"{start}{most_zh}的{noun_zh}"
