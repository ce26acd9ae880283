"""`biztoken load`: checks what the user chose, finds the target, and leads the load or takes part in one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from biztoken import contract as contracts
from biztoken.contract import bundled
from biztoken.embedded import EmbeddedMock
from biztoken.load.control import ORPHANED
from biztoken.load.guard import fit_in, fit_workers, permit
from biztoken.load.launch import LOG, complaint, started
from biztoken.load.leading import Leading, orderly
from biztoken.load.options import PORT, Options, check, setup_of
from biztoken.load.profile import read
from biztoken.load.run import LoadRun
from biztoken.settings import Target, read_target
from biztoken.suite import make_directory
from biztoken.verdicts import Text

SERVICE = "50ms"  # of the embedded mock: without a service time nothing would ever be in flight together


def load(options: Options) -> int:
    """Run a load to its end and return the exit code. UserError for a mistake in the options."""
    check(options)
    if options.worker is not None:
        return _work(options)
    rules = contracts.load(options.contract)
    profile = read(options.profile, rules).scaled(in_flight=options.users, rate=options.rate, seconds=options.seconds)
    target = read_target(options.target) if options.target else None
    if target is not None:
        fit_in(profile, permit(target))
        fit_workers(permit(target), options.expect_workers if options.master else options.processes)
    directory = make_directory(options.out, "load")
    with _target(options, target) as found:
        run = LoadRun(profile, rules, permit(found), strict=options.strict)
        return Leading(options, found, directory, run).lead()


@contextmanager
def _target(options: Options, target: Target | None) -> Iterator[Target]:
    """The target of the file, or an embedded mock until the block ends."""
    if target is not None:
        yield target
        return
    keys = bundled("load") / "mock-keys.yaml"
    mock = EmbeddedMock(options.contract, more=("--keys", str(keys), "--latency", SERVICE))
    try:
        yield replace(mock.target(), concurrency_limit=None)
    finally:
        mock.close()


def _work(options: Options) -> int:
    """Be a worker until the master says that all is done."""
    assert options.target is not None  # noqa: S101 - checked before
    permit(read_target(options.target))
    directory = make_directory(options.out, "worker")
    arguments = ["--worker", "--master-host", str(options.worker), "--master-port", str(options.port or PORT)]
    arguments += ["--otel"] if options.otel else []
    setup = setup_of(options, None)
    sys.stderr.write(f"{waiting_for_master(options).as_json()[options.lang]}\n")
    with started([(arguments, setup)], directory / LOG) as (process,), orderly():
        try:
            code = process.process.wait()
        except KeyboardInterrupt:
            process.stop()  # what is under way is waited for, and told; a second Ctrl-C waits for nothing
            process.process.wait()
            return 3
    if code == ORPHANED:
        sys.stderr.write(f"{without_master(options).as_json()[options.lang]}\n")
        return 3
    if code:
        raise complaint(directory / LOG, code)
    return 0


def waiting_for_master(options: Options) -> Text:
    """What a worker says when it begins to wait."""
    host, port = options.worker, options.port or PORT
    return Text(
        f"Taking part in the load of the master at {host}:{port}, once it is there; Ctrl-C ends it.",
        f"等待并加入 {host}:{port} 处 master 的压测；按 Ctrl-C 结束。",
    )


def without_master(options: Options) -> Text:
    """What a worker says when it ends because its master is gone."""
    host, port = options.worker, options.port or PORT
    return Text(
        f"The master at {host}:{port} is gone: nothing more was sent, and what was not told yet is in no report.",
        f"{host}:{port} 处的 master 已不在：已停止发送，尚未报告的内容不会出现在任何报告中。",
    )
