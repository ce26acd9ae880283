"""Starts locust processes, speaks to them, and ends them: none outlives the command."""

from __future__ import annotations

import os
import selectors
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from biztoken.contract import bundled
from biztoken.errors import UserError
from biztoken.load.control import STOP, VARIABLE, Line
from biztoken.model import Json

LOG = "locust.log"
GRACE = 10.0  # seconds that a process may take to end once it was told to
TICK = 0.25  # seconds after which a wait looks at the clock again
WAITS = 300  # seconds that a master waits for its workers, which may have to pull their image first


class Process:
    """One locust process and the line to it. It ends when this one does: its end of the line closes."""

    def __init__(self, arguments: Sequence[str], setup: Json, log: Path) -> None:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "locust", "-f", str(bundled("load") / "locustfile.py"), "--headless"]
        environment = {**os.environ, VARIABLE: str(theirs.fileno()), "PYTHONUNBUFFERED": "1"}
        with theirs, log.open("ab") as file:
            self.process = subprocess.Popen(  # noqa: S603 - our own command
                [*command, "--only-summary", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                pass_fds=[theirs.fileno()],
                env=environment,
                # Ctrl-C is for the command alone, which then asks for an orderly end.
                start_new_session=True,
            )
        self.line = Line(ours)
        self.line.tell(setup)

    def stop(self) -> None:
        """Ask it to send nothing more and to tell what is left."""
        self.line.tell({"do": STOP})

    def wait(self) -> None:
        """Wait for it to end by itself, but not for ever."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(GRACE)

    def close(self) -> None:
        """End it and wait for it."""
        self.line.socket.close()
        try:
            self.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def started(rows: Sequence[tuple[Sequence[str], Json]], log: Path) -> Iterator[list[Process]]:
    """Processes with these arguments and setups, until the block ends."""
    with ExitStack() as stack:
        processes = []
        for arguments, setup in rows:
            process = Process(arguments, setup, log)
            stack.callback(process.close)
            processes.append(process)
        yield processes


def follow(
    leader: Process, on_message: Callable[[Json], None], on_tick: Callable[[], None], is_over: Callable[[], bool]
) -> None:
    """Pass on what the leading process tells, and tick, until it is over or the process is gone."""
    with selectors.DefaultSelector() as selector:
        selector.register(leader.line.socket, selectors.EVENT_READ)
        while not is_over():
            if selector.select(TICK):
                chunk = leader.line.receive()
                if not chunk:
                    return
                for message in leader.line.feed(chunk):
                    on_message(message)
            on_tick()


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def complaint(log: Path, code: int | None = None) -> UserError:
    """What to say where locust ended by itself; `code`: its exit code, where that is known."""
    if code is not None and code < 0:
        return UserError("locust", f"it was killed by signal {-code}; see {log}", f"被信号 {-code} 终止；详见 {log}")
    lines = log.read_text("utf-8", "replace").splitlines() if log.is_file() else []
    said = [line.strip() for line in lines if line.strip()]
    last = next((line for line in reversed(said) if "/INFO/" not in line), "it said nothing")
    return UserError(
        "locust", f"it ended by itself ({last[:200]}); see {log}", f"已自行退出（{last[:200]}）；详见 {log}"
    )
