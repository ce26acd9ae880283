"""`biztoken prove`: the suite against every fault and every variation of the mock, and what that shows of the suite."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from biztoken import certificate, fuzz
from biztoken import contract as contracts
from biztoken.account import versions
from biztoken.cases import load_cases
from biztoken.embedded import EmbeddedMock
from biztoken.evidence import write_json
from biztoken.mock.catalogue import Catalogue, catalogue
from biztoken.model import Json, Level
from biztoken.prove import worker
from biztoken.prove.gate import counts, gate
from biztoken.prove.outcome import row_of
from biztoken.prove.trials import Trial, plan
from biztoken.reporting import Progress, print_summary, render
from biztoken.suite import make_directory

_WORDS = {0: "proven", 1: "not-proven", 3: "incomplete"}
JOBS = 4  # of each processor: a trial waits for more than half of its time
_WRITE_EVERY = 5.0  # seconds
_RUNS = "runs"


@dataclass(frozen=True, slots=True)
class Options:
    """What a user may choose. `jobs` None: as many trials at once as keep every processor busy."""

    jobs: int | None = None
    only: str = ""
    out: Path | None = None
    seed: int = 0
    lang: str = "en"
    contract: Path | None = None


@dataclass(slots=True)
class Proof:
    """What is known so far."""

    options: Options
    contract: contracts.Contract
    catalogue: Catalogue
    trials: list[Trial]
    jobs: int
    rows: dict[str, Json] = field(default_factory=dict)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    clock: float = field(default_factory=time.monotonic)
    reason: Json | None = None

    @property
    def levels(self) -> dict[str, str]:
        """The level of each clause."""
        return {clause.id: str(clause.level) for clause in self.contract.clauses.values()}

    def record(self) -> Json:
        """result.json."""
        levels = self.levels
        rows = {
            trial.id: self.rows.get(trial.id) or row_of(trial, self.catalogue, levels, None) for trial in self.trials
        }
        faults = [rows[id_] for id_ in self.catalogue.faults if id_ in rows]
        if not self.options.only:
            equivalent = (entry.id for entry in self.catalogue.faults.values() if entry.equivalent)
            faults += [row_of(Trial((id_,), "fault", fuzz=False), self.catalogue, levels, None) for id_ in equivalent]
        varied = [rows[trial.id] for trial in self.trials if trial.kind != "fault"]
        judged = [c for c in self.contract.clauses.values() if c.is_judged and c.level is not Level.OBSERVE]
        claimed = {row["clause"] for row in faults}
        wanted = judged if not self.options.only else [clause for clause in judged if clause.id in claimed]
        rules = gate(wanted, faults, varied)
        complete = len(self.rows) == len(self.trials)
        code = 3 if not complete else int(not all(rule["kept"] for rule in rules))
        return {
            "schema_version": "1.0",
            "kind": "prove",
            "verdict": _WORDS[code],
            "exit_code": code,
            "complete": complete,
            "scope": "partial" if self.options.only else "full",
            "planned": len(self.trials),
            "executed": len(self.rows),
            "requests": sum(row["requests"] for row in rows.values()),
            "controls": sum(row["controls"] for row in rows.values()),
            "seconds": round(time.monotonic() - self.clock, 1),
            "seed": self.options.seed,
            "jobs": self.jobs,
            "started": self.started.isoformat(timespec="seconds"),
            "only": self.options.only,
            "case_set": certificate.case_set(load_cases(self.contract)),
            "versions": versions(self.contract),
            "reason": self.reason,
            "counts": counts(wanted, faults, varied),
            "gate": rules,
            "clauses": [
                {
                    "id": clause.id,
                    "level": str(clause.level),
                    "subject": clause.subject,
                    "section": clause.section,
                    "en": clause.en,
                    "zh": clause.zh,
                    "excluded": dict(clause.excluded) if clause.excluded else None,
                    "faults": [row["id"] for row in faults if row["clause"] == clause.id],
                }
                for clause in self.contract.clauses.values()
                if clause.side != "client"
            ],
            "faults": faults,
            "variations": varied,
        }


def prove(options: Options) -> int:
    """Run every trial and write the kill matrix. UserError for a mistake in the options.

    A complete and flawless proof made in a checkout renews the certificate that ships with the package.
    """
    contract = contracts.load(options.contract)
    known = catalogue(contract)
    trials = plan(known, contract, only=options.only, seed=options.seed)
    directory = make_directory(options.out, "prove")
    jobs = options.jobs or JOBS * (os.cpu_count() or 1)
    proof = Proof(options, contract, known, trials, jobs)
    mock = EmbeddedMock(options.contract, rack=True)
    try:
        _run(proof, mock, directory)
    except KeyboardInterrupt:
        proof.reason = {"en": "It was interrupted.", "zh": "运行被中断。"}
    finally:
        mock.close()
    record = proof.record()
    write_json(directory / "result.json", record)
    render(directory, options.lang)
    print_summary(directory, options.lang)
    if record["exit_code"] == 0 and record["scope"] == "full" and options.contract is None:
        certificate.renew(record)
    return int(record["exit_code"])


def _run(proof: Proof, mock: EmbeddedMock, directory: Path) -> None:
    """Fill `proof.rows`; the records on disk are never more than some seconds behind."""
    options, progress = proof.options, Progress(lang=proof.options.lang, of="runs")
    arguments = (mock.target(), directory / _RUNS, options.seed, options.contract, _drawings(proof))
    write_json(directory / "result.json", proof.record())
    pool = ProcessPoolExecutor(
        proof.jobs, multiprocessing.get_context("spawn"), initializer=worker.start, initargs=arguments
    )
    waiting: dict[Future[Json], Trial] = {pool.submit(worker.run, trial): trial for trial in proof.trials}
    progress.start(len(waiting))
    written = time.monotonic()
    try:
        while waiting:
            done, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                trial = waiting.pop(future)
                row = proof.rows[trial.id] = _row(future, proof, trial)
                progress.advance(_PROGRESS[row["outcome"]])
            if time.monotonic() - written > _WRITE_EVERY:
                write_json(directory / "result.json", proof.record())
                written = time.monotonic()
    finally:
        progress.stop()
        pool.shutdown(wait=True, cancel_futures=True)


def _drawings(proof: Proof) -> fuzz.Drawings:
    """The requests of fuzzing, drawn once for all workers."""
    if any(trial.fuzz for trial in proof.trials):
        for view in fuzz.views(proof.contract):
            deque(fuzz.draw(view, examples=worker.FUZZ_EXAMPLES, seed=proof.options.seed), maxlen=0)
    return fuzz.drawn()


def _row(future: Future[Json], proof: Proof, trial: Trial) -> Json:
    """The row of a trial; one that this program could not run has failed, and the others go on."""
    try:
        return future.result()
    except Exception as problem:  # whatever it was, it is told in the record
        told = f"{problem.__class__.__name__}: {problem}"
        row = row_of(trial, proof.catalogue, proof.levels, None)
        reason = {"en": f"This program failed: {told}.", "zh": f"本程序出错：{told}。"}
        return row | {"outcome": "failed", "reason": reason}


_PROGRESS = {"killed": "PASS", "clean": "PASS", "survived": "FAIL", "false_alarm": "FAIL", "failed": "HARNESS"}

__all__ = ["Options", "prove"]
