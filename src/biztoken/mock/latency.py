"""How long the mock takes to answer: a duration or a distribution of durations."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from biztoken.errors import UserError

_UNITS = {"": 1.0, "s": 1.0, "ms": 1e-3, "us": 1e-6}
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?|\.\d+)\s*(ms|us|s|)\s*")
_DISTRIBUTION = re.compile(r"\s*([a-z]+)\s*\(([^()]*)\)\s*")
_ARGUMENTS = {"uniform": 2, "normal": 2, "exp": 1}
_HINT = "write a duration such as 20ms or 0.02, or uniform(10ms,50ms), normal(50ms,10ms) or exp(30ms)"
_HINT_ZH = "请写时长，如 20ms 或 0.02，或写 uniform(10ms,50ms)、normal(50ms,10ms)、exp(30ms)"


@dataclass(frozen=True, slots=True)
class Latency:
    """`kind`: constant, uniform, normal or exp; `values`: its parameters in seconds."""

    kind: str = "constant"
    values: tuple[float, ...] = (0.0,)

    @property
    def is_random(self) -> bool:
        return self.kind != "constant"

    def draw(self, rng: random.Random) -> float:
        """One duration in seconds, never negative."""
        if self.kind == "uniform":
            return rng.uniform(*self.values)
        if self.kind == "normal":
            return max(0.0, rng.gauss(*self.values))
        if self.kind == "exp":
            return rng.expovariate(1 / self.values[0]) if self.values[0] else 0.0
        return self.values[0]


def parse(text: str) -> Latency:
    """Read a latency as written on the command line."""
    match = _DISTRIBUTION.fullmatch(text)
    if match is None:
        return Latency("constant", (duration(text),))
    kind, arguments = match[1], match[2].split(",")
    if _ARGUMENTS.get(kind) != len(arguments):
        raise UserError(f"latency {text}", _HINT, _HINT_ZH)
    values = tuple(duration(argument) for argument in arguments)
    if kind == "uniform" and values[0] > values[1]:
        raise UserError(f"latency {text}", "write the shorter duration first", "请把较短的时长写在前面")
    return Latency(kind, values)


def duration(text: str | float) -> float:
    """Seconds of `20ms`, `1.5s`, `0.02` or a number of seconds."""
    match = _DURATION.fullmatch(str(text))
    if match is None or isinstance(text, bool):
        raise UserError(f"latency {text}", _HINT, _HINT_ZH)
    return float(match[1]) * _UNITS[match[2]]
