"""What a user may choose for a load, and what goes together."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from biztoken import __version__
from biztoken.contract import Contract
from biztoken.errors import UserError
from biztoken.model import Json
from biztoken.settings import Target, without_password

PORT = 5557  # that locust's master listens on


@dataclass(frozen=True, slots=True)
class Options:
    """What a user may choose. `users`, `rate`, `seconds`: another peak or length of the profile.

    `processes`: workers on this machine. `master`: workers come from elsewhere, `expect_workers` of them, to `bind` and
    `port`; `worker`: be one, of the master at that host.
    """

    target: Path | None = None
    profile: str = "steady"
    out: Path | None = None
    users: int | None = None
    rate: float | None = None
    seconds: float | None = None
    seed: int = 0
    strict: bool = False
    processes: int = 1
    master: bool = False
    expect_workers: int = 1
    worker: str | None = None
    bind: str = "*"
    port: int | None = None
    otel: bool = False
    contract: Path | None = None
    lang: str = "en"

    def as_json(self) -> Json:
        """The options, as records show them."""
        told = {name: getattr(self, name) for name in self.__slots__}
        return {name: str(value) if isinstance(value, Path) else value for name, value in told.items()}


def check(options: Options) -> None:
    """Options that contradict each other."""
    if options.master and options.worker is not None:
        raise UserError("--master", "give --master or --worker, not both", "不能同时是 worker；请二选一")
    if (options.master or options.worker is not None) and options.target is None:
        option = "--master" if options.master else "--worker"
        raise UserError(
            option,
            "several machines need a target that all can reach; give --target FILE",
            "多台机器需要共同可达的目标；请加 --target FILE",
        )
    if options.processes > 1 and (options.master or options.worker is not None):
        raise UserError(
            f"--processes {options.processes}",
            "it is for one machine alone; start one worker for each core instead",
            "它只用于单机；请改为每个核启动一个 worker",
        )
    if options.otel and not _has_otel():
        raise UserError(
            "--otel",
            "OpenTelemetry is not installed; pip install 'biztoken[otel]'",
            "未安装 OpenTelemetry；请执行 pip install 'biztoken[otel]'",
        )


def _has_otel() -> bool:
    """Whether what locust[otel] brings is installed: locust goes on without it."""
    return find_spec("opentelemetry") is not None and find_spec("opentelemetry.sdk") is not None


def sameness(target: Target, contract: Contract) -> Json:
    """What must be the same wherever a part of one load is sent from; no secret."""
    return {"url": without_password(target.url), "contract": contract.version, "version": __version__}


def hold_same(here: Json, there: Json) -> None:
    """UserError for the first difference between a worker and its master."""
    for name, value in there.items():
        if here.get(name) != value:
            raise UserError(
                f"{name} {here.get(name)}",
                f"the master has {value}; use the same on every machine",
                f"master 为 {value}；请在所有机器上保持一致",
            )


def setup_of(options: Options, mock: str | None) -> Json:
    """What a locust process must know of its part: paths and a seed, no secret."""
    paths = {
        name: str(path.resolve()) if path else None
        for name, path in (("target", options.target), ("contract", options.contract))
    }
    return {**paths, "mock": mock, "seed": options.seed, "otel": options.otel}
