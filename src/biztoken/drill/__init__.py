"""`biztoken drill`: a client judged by what it does when things go wrong."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from biztoken.drill.certificates import make_certificate
from biztoken.drill.judging import control_failed
from biztoken.drill.run import TIMEOUT, Drill, Options
from biztoken.drill.scenario import Scenario
from biztoken.drill.seen import Seen
from biztoken.drill.stage import Stage
from biztoken.errors import UserError
from biztoken.model import Verdict
from biztoken.reporting import Progress, print_summary
from biztoken.verdicts import CaseResult, Text

__all__ = ["TIMEOUT", "Options", "drill"]

_INTERRUPTED = Text("The run was interrupted.", "运行被中断。")
_TROUBLE = "The mock could not be played with: {problem}."
_TROUBLE_ZH = "模拟服务出错：{problem}。"


def drill(options: Options) -> int:
    """Start a command once in each drill, say what was found and return the exit code. UserError for a mistake."""
    if not options.command:
        hint = "give the command that starts your client once, after --; or --serve for one that runs already"
        raise UserError("COMMAND", hint, "请在 -- 之后写出启动客户端的命令；客户端已在运行时请用 --serve")
    run = Drill.prepare(options)
    progress = Progress(lang=options.lang)
    progress.start(len(run.planned))
    with TemporaryDirectory(prefix="biztoken-drill-") as place, _ends_as_ctrl_c():
        certificates = {name: make_certificate(Path(place), name, run.started) for name in ("trusted", "untrusted")}
        stage = Stage(run.contract, options.command, options.timeout, certificates, key=run.key)
        try:
            _play(run, stage, lambda result: progress.advance(result.verdict))
        except KeyboardInterrupt:
            run.reason = _INTERRUPTED
        except UserError as problem:
            run.give_up(problem)
            raise
        finally:
            stage.stop()
            progress.stop()
    code = run.finish()
    print_summary(run.directory, options.lang)
    return code


def _play(run: Drill, stage: Stage, on_result: Callable[[CaseResult], None]) -> None:
    """The control first; the others at once, if it did well."""
    control, *others = run.planned
    seen = stage.drill(control)
    if seen is None:
        return
    failed = control_failed(seen)
    if failed:
        on_result(run.enter(control, seen))
        run.reason = failed
        for scenario in others:
            on_result(run.book.leave(scenario, Verdict.UNTESTABLE, failed))
        return
    on_result(run.enter(control, seen))
    # The ones that wait come first: meanwhile the others have the processors.
    _play_all(run, stage, sorted(others, key=lambda scenario: not scenario.waits), on_result)


def _play_all(run: Drill, stage: Stage, scenarios: Sequence[Scenario], on_result: Callable[[CaseResult], None]) -> None:
    jobs = run.options.jobs or 2 * (os.cpu_count() or 1)
    pool = ThreadPoolExecutor(jobs, thread_name_prefix="drill")
    try:
        waiting: dict[Future[Seen | None], Scenario] = {pool.submit(stage.drill, row): row for row in scenarios}
        while waiting:
            done, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                on_result(_settled(run, waiting.pop(future), future))
    except BaseException:
        stage.stop()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _settled(run: Drill, scenario: Scenario, future: Future[Seen | None]) -> CaseResult:
    try:
        seen = future.result()
    except UserError:
        raise
    except Exception as problem:  # a fault of this program must not look like the client's
        told = f"{problem.__class__.__name__}: {problem}"
        reason = Text(_TROUBLE.format(problem=told), _TROUBLE_ZH.format(problem=told))
        return run.book.leave(scenario, Verdict.HARNESS, reason)
    if seen is None:
        raise KeyboardInterrupt
    return run.enter(scenario, seen)


@contextmanager
def _ends_as_ctrl_c() -> Iterator[None]:
    """SIGTERM ends a run as Ctrl-C does, with its report."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
