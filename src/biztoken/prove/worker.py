"""A process that runs trials one after another, with what they share made once."""

from __future__ import annotations

import gc
import multiprocessing
import os
import shutil
import signal
import threading
from dataclasses import dataclass, field, replace
from multiprocessing.connection import wait
from pathlib import Path

from biztoken import fuzz
from biztoken.cases import Case
from biztoken.check import play, play_again
from biztoken.contract import Contract, load
from biztoken.mock.catalogue import Catalogue, catalogue
from biztoken.model import Json
from biztoken.pictures import Pictures
from biztoken.prove.gate import MOST_OTHERS
from biztoken.prove.outcome import row_of
from biztoken.prove.trials import Trial
from biztoken.reporting import render, write_result
from biztoken.settings import Target
from biztoken.suite import Options, Suite

FUZZ_EXAMPLES = 2  # for each view, beside every boundary and omission
_GARBAGE = 100_000  # objects between two looks for cycles: at the usual 700 they take a tenth of the time
_AS_IT_SHOULD_BE = ("killed", "clean")


@dataclass(frozen=True, slots=True)
class Bench:
    """What every trial of a process shares. `target`: the mock, `runs`: the directory for their records."""

    contract: Contract
    catalogue: Catalogue
    pictures: Pictures
    target: Target
    runs: Path
    seed: int
    contract_directory: Path | None
    collected: dict[str, list[Case]] = field(default_factory=dict)  # the cases of each plan


_bench: list[Bench] = []


def start(
    target: Target, runs: Path, seed: int, contract_directory: Path | None, drawings: fuzz.Drawings | None = None
) -> None:
    """Make ready, once in each process. `drawings`: what the parent has drawn for all."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is interrupted too, and says when to stop
    threading.Thread(target=_end_with_parent, daemon=True).start()
    fuzz.take_over(drawings or {})
    contract = load(contract_directory)
    pictures = Pictures(seed=seed)
    gc.set_threshold(_GARBAGE)
    _bench.append(Bench(contract, catalogue(contract), pictures, target, runs, seed, contract_directory))


def run(trial: Trial) -> Json:
    """Run the suite against the mock with the entries of a trial: its row.

    The records stay only where the outcome is not as it should be.
    """
    bench = _bench[0]
    directory = bench.runs / trial.id
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    # Without fuzzing the core plan is everything: what the full one has beside it, pairs of defects, judges nothing.
    plan = "full" if trial.fuzz else "core"
    options = Options(out=directory, plan=plan, seed=bench.seed, fuzz=FUZZ_EXAMPLES, contract=bench.contract_directory)
    bench.pictures.rewind()
    suite = Suite(
        options, bench.contract, _target(bench.target, trial), directory, pictures=bench.pictures, is_rehearsed=True
    )
    try:
        _play(suite, bench.collected)
    finally:
        suite.close()
    levels = {clause.id: str(clause.level) for clause in bench.contract.clauses.values()}
    row = row_of(trial, bench.catalogue, levels, suite.result)
    if row["outcome"] in _AS_IT_SHOULD_BE and row.get("own", True) and row.get("others", 0) <= MOST_OTHERS:
        shutil.rmtree(directory)
    else:
        write_result(directory, suite.result)
        render(directory, "en")
        row["directory"] = f"{bench.runs.name}/{trial.id}"
    return row


def _play(suite: Suite, collected: dict[str, list[Case]]) -> None:
    """Run a suite: by pytest the first time, and then the cases that it `collected` for that plan."""
    plan = suite.options.plan
    cases = collected.get(plan)
    errors = play(suite) if cases is None else play_again(suite, cases)
    if not suite.result:
        raise RuntimeError(errors or "the suite did not run")
    collected[plan] = suite.planned


def _target(mock: Target, trial: Trial) -> Target:
    """The mock that has the entries of a trial: their names stand before the path."""
    scheme, _, rest = mock.url.partition("://")
    host, _, path = rest.partition("/")
    limit = trial.concurrency_limit or mock.concurrency_limit
    return replace(mock, name=trial.id, url=f"{scheme}://{host}/{trial.id}/{path}", concurrency_limit=limit)


def _end_with_parent() -> None:
    """Killed as it may be, the parent leaves no process behind."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
