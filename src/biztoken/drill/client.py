"""A client started as a command: its environment, its output kept within bounds, its end, by itself or by us."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from biztoken.drill.seen import Ending
from biztoken.errors import UserError

KEPT = 512 * 1024  # bytes of each stream, half from its beginning and half from its end
_LAST_WORDS = 1.0  # seconds for what a program that has ended left in its pipes, or its children hold open
_PIECE = 65_536
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy", "no_proxy")
# What common TLS libraries read the authorities from that they trust.
_AUTHORITIES = ("BIZTOKEN_CACERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")


def find_program(command: Sequence[str]) -> None:
    """UserError where the command can not be started."""
    name = command[0]
    if shutil.which(name):
        return
    what = f"COMMAND {name}"
    if Path(name).is_file() and os.sep in name:
        raise UserError(
            what, "it is not executable; make it so, or name its interpreter", "不可执行；请加上执行权限，或写明解释器"
        )
    raise UserError(what, "there is no such program; give its path", "没有这个程序；请给出路径")


def environment(
    given: Mapping[str, str], url: str, api_key: str, api_secret: str, authority: Path | None
) -> dict[str, str]:
    """What a client finds in its environment: the given one without proxies, and where and as whom to call."""
    kept = {name: value for name, value in given.items() if name.lower() not in _PROXIES}
    told = {"BIZTOKEN_URL": url, "BIZTOKEN_API_KEY": api_key, "BIZTOKEN_API_SECRET": api_secret}
    trusted = dict.fromkeys(_AUTHORITIES, str(authority)) if authority else {}
    return {**kept, **trusted, **told, "NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}


@dataclass(slots=True)
class _Tail:
    """The beginning and the end of a stream, read to its end."""

    stream: IO[bytes]
    head: bytearray = field(default_factory=bytearray)
    rest: bytearray = field(default_factory=bytearray)
    left_out: int = 0

    def read(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # closed under it, when its time was over
            while piece := os.read(self.stream.fileno(), _PIECE):
                room = KEPT // 2 - len(self.head)
                self.head += piece[:room]
                self.rest += piece[room:]
                if len(self.rest) > KEPT:
                    self.left_out += len(self.rest) - KEPT // 2
                    del self.rest[: -KEPT // 2]

    @property
    def text(self) -> str:
        """What was kept; how much is left out stands between."""
        gap = f"\n… ({self.left_out} bytes left out)\n".encode() if self.left_out else b""
        return bytes(self.head + gap + self.rest).decode("utf-8", "replace")


class Client:
    """A running command in a process group of its own, so that its children end with it."""

    def __init__(self, command: Sequence[str], variables: Mapping[str, str]) -> None:
        self._began = time.monotonic()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the user's own command
                command,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as problem:
            why = problem.strerror
            hint = f"it cannot be started ({why}); name its interpreter first"
            raise UserError(f"COMMAND {command[0]}", hint, f"无法启动（{why}）；请在前面写明解释器") from None
        streams = (self._process.stdout, self._process.stderr)
        self._tails = [_Tail(stream) for stream in streams if stream is not None]
        self._readers = [threading.Thread(target=tail.read, daemon=True) for tail in self._tails]
        for reader in self._readers:
            reader.start()

    def wait(self, changed: threading.Event, is_too_much: Callable[[], bool], limit: float) -> Ending:
        """Wait for its end, and bring it about after `limit` seconds or as soon as it is too much.

        `changed` is set whenever that may have become so, or when somebody wants all to end.
        """
        watcher = threading.Thread(target=self._watch, args=(changed,), daemon=True)
        watcher.start()
        stopped = ""
        while self._process.poll() is None:
            left = self._began + limit - time.monotonic()
            if left <= 0 or is_too_much():
                stopped = "requests" if left > 0 else "time"
                break
            changed.wait(left)
            changed.clear()
        seconds = time.monotonic() - self._began
        self.kill()
        watcher.join()
        status = None if stopped else self._process.returncode
        return Ending(seconds, status, None if stopped else status == 0, self._words(), stopped)

    def kill(self) -> None:
        """End it and all its children."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _watch(self, changed: threading.Event) -> None:
        self._process.wait()
        changed.set()

    def _words(self) -> str:
        """Standard output, then standard error."""
        over = time.monotonic() + _LAST_WORDS
        for reader in self._readers:
            reader.join(max(0.0, over - time.monotonic()))
        for reader, tail in zip(self._readers, self._tails, strict=True):
            if not reader.is_alive():  # what escaped from the process group may hold a pipe open
                tail.stream.close()
        return "\n".join(text for tail in self._tails if (text := tail.text))
