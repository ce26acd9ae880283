"""Beside `biztoken prove`: what schemathesis alone catches of the same faults. See README.md.

python bench/schemathesis_alone.py --out reports/comparison
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import comparison
import configured

from biztoken.contract import Contract, load
from biztoken.embedded import EmbeddedMock
from biztoken.mock.catalogue import Catalogue, catalogue
from biztoken.prove.trials import Trial, plan
from biztoken.settings import Target

Row = dict[str, Any]
WRITE_EVERY = 10.0  # seconds


def main() -> int:
    """Run both and compare. 0: done, 3: interrupted."""
    options = arguments()
    options.out.mkdir(parents=True, exist_ok=True)
    contract = load()
    known = catalogue(contract)
    trials = [trial for trial in plan(known, contract, only=options.only) if trial.kind != "combination"]
    storage = tempfile.mkdtemp(prefix="biztoken-bench-")
    os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = storage  # else it keeps tables in the working directory
    os.environ.pop("PYTEST_ADDOPTS", None)
    proof = None if options.proof else prove(options)
    run = Comparison(options, contract, known, trials)
    try:
        run.measure()
        if proof is not None:
            say("waiting for biztoken prove")
            proof.wait()
    except KeyboardInterrupt:
        if proof is not None:
            proof.wait()  # it was interrupted as well
        return 3
    finally:
        run.write()
        shutil.rmtree(storage, ignore_errors=True)
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="EXPR", help="as of biztoken prove")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes of either side (default: 1)")
    parser.add_argument("--examples", type=int, default=50, metavar="N", help="random cases of a view (default: 50)")
    parser.add_argument("--single", type=int, default=3, metavar="N", help="targets timed with drawing (default: 3)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="directory of the comparison")
    parser.add_argument("--proof", type=Path, metavar="DIR", help="read this proof instead of making one")
    return parser.parse_args()


def prove(options: argparse.Namespace) -> subprocess.Popen[bytes]:
    """`biztoken prove` of the same selection, beside us, so that both meet the same load."""
    command = [sys.executable, "-m", "biztoken", "prove", "--jobs", str(options.jobs), "--out", options.out / "proof"]
    command += ["--only", options.only] if options.only else []
    with (options.out / "prove.log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log)


# --- in a process of schemathesis

_bench: list[configured.Bench] = []


def start(target: Target, examples: int) -> None:
    """Draw the cases, once in each process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is interrupted too, and says when to stop
    _bench.append(configured.Bench(load(), target, examples))


def describe() -> Row:
    """What was drawn, and what the sound mock made of it."""
    bench = _bench[0]
    return {
        "cases": len(bench.cases),
        "seconds": round(bench.seconds, 1),
        "sound": bench.sound.as_dict() | {"findings": len(bench.known)},
    }


def visit(name: str, tolerated: tuple[str, ...]) -> Row:
    return _bench[0].visit(name, tolerated=tolerated).as_dict()


def alone(target: Target, name: str, examples: int) -> Row:
    """One target, drawn for it and sent, in a process of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return configured.visit_once(load(), target, name, examples).as_dict()


# --- in ours


class Comparison:
    """What is known so far."""

    def __init__(
        self, options: argparse.Namespace, contract: Contract, known: Catalogue, trials: Sequence[Trial]
    ) -> None:
        self._options, self._contract, self._known, self._trials = options, contract, known, trials
        self._seen: dict[str, Row] = {}
        self._drawing: Row = {"one_target": None, "single": []}
        self._load = [os.getloadavg()[0]]
        self._clock = time.monotonic()

    def measure(self) -> None:
        """Every target with cases drawn once, then a few with cases of their own."""
        mock = EmbeddedMock(rack=True)
        spawn = multiprocessing.get_context("spawn")
        jobs, target = self._options.jobs, mock.target()
        pool = ProcessPoolExecutor(jobs, spawn, start, (target, self._options.examples))
        try:
            say("drawing cases")
            self._drawing |= pool.submit(describe).result()
            sound = self._drawing["sound"]
            say(f"{self._drawing['cases']} cases, {sound['findings']} findings on the sound mock")
            futures = {pool.submit(visit, trial.id, self._tolerated(trial)): trial for trial in self._trials}
            self._collect(futures)
            for name in ["", *self._missed()][: self._options.single]:
                with ProcessPoolExecutor(1, spawn) as single:
                    seen = single.submit(alone, target, name, self._options.examples).result()
                self._drawing["single"].append({"target": name or "sound", **seen})
            times = [row["seconds"] for row in self._drawing["single"]]
            self._drawing["one_target"] = round(median(times), 1) if times else None
        finally:
            pool.shutdown(cancel_futures=True)
            mock.close()

    def _tolerated(self, trial: Trial) -> tuple[str, ...]:
        return self._known.variations[trial.id].warns if trial.kind == "variation" else ()

    def _collect(self, futures: dict[Future[Row], Trial]) -> None:
        written = time.monotonic()
        for done, future in enumerate(as_completed(futures), 1):
            self._seen[futures[future].id] = future.result()
            self._tell(done, len(futures))
            if time.monotonic() - written > WRITE_EVERY:
                self.write()
                written = time.monotonic()

    def _tell(self, done: int, planned: int) -> None:
        left = (time.monotonic() - self._clock) / done * (planned - done)
        caught = sum(self._seen[t.id]["first"] is not None for t in self._trials if t.id in self._seen)
        if sys.stderr.isatty() or done % 10 == 0 or done == planned:
            end = "\r" if sys.stderr.isatty() and done < planned else "\n"
            told = f"{done} of {planned} targets, failures in {caught}; about {left / 60:.0f} min left   "
            print(told, end=end, file=sys.stderr, flush=True)

    def _missed(self) -> Iterator[str]:
        for trial in self._trials:
            if trial.kind == "fault" and trial.id in self._seen and self._seen[trial.id]["first"] is None:
                yield trial.id

    def write(self) -> None:
        """comparison.json and comparison.md, complete or not."""
        proof = read_proof((self._options.proof or self._options.out / "proof") / "result.json")
        self._load.append(os.getloadavg()[0])
        rows = [self._row(trial, proof["rows"].get(trial.id)) for trial in self._trials]
        faults = [row for row in rows if "group" in row]
        varied = [row for row in rows if "group" not in row]
        record = {
            "schema_version": "1.0",
            "kind": "comparison",
            "complete": all(row["ours"] and row["alone"] for row in rows),
            "only": self._options.only,
            "jobs": self._options.jobs,
            "examples": self._options.examples,
            "seconds": round(time.monotonic() - self._clock, 1),
            "machine": machine() | {"load": [round(min(self._load), 1), round(max(self._load), 1)]},
            "proof": {"jobs": proof["jobs"], "seconds": proof["seconds"]},
            "drawing": self._drawing,
            "totals": comparison.totals(faults, varied),
            "faults": faults,
            "variations": varied,
        }
        text = json.dumps(record, ensure_ascii=False, indent=1)
        (self._options.out / "comparison.json").write_text(text + "\n", "utf-8")
        (self._options.out / "comparison.md").write_text(comparison.tables(record), "utf-8")

    def _row(self, trial: Trial, ours: Row | None) -> Row:
        seen = self._seen.get(trial.id)
        if ours is not None and ours["outcome"] in ("not_run", "failed"):
            ours = None
        if trial.kind == "variation":
            return {
                "id": trial.id,
                "ours": ours and {"false_alarm": ours["outcome"] == "false_alarm", **took(ours)},
                "alone": seen and {"false_alarm": seen["first"] is not None, **seen},
            }
        fault = self._known.faults[trial.id]
        return {
            "id": trial.id,
            "clause": fault.clause,
            "level": str(self._contract.clauses[fault.clause].level),
            "group": comparison.group_of(fault, self._contract),
            "ours": ours and {"caught": ours["outcome"] == "killed", "own": ours["own"], **took(ours)},
            "alone": seen and {"caught": seen["first"] is not None, **seen},
        }


def took(row: Row) -> Row:
    return {"requests": row["requests"], "seconds": row["seconds"]}


def read_proof(path: Path) -> Row:
    """The rows of a proof by id; none of one that has not begun."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {"rows": {}, "jobs": None, "seconds": None}
    rows = {row["id"]: row for row in [*found["faults"], *found["variations"]]}
    return {"rows": rows, "jobs": found["jobs"], "seconds": found["seconds"]}


def machine() -> Row:
    """What the figures depend on."""
    packages = {name: version(name) for name in ("biztoken", "schemathesis", "hypothesis", "pytest", "requests")}
    return {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.system(), **packages}


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
