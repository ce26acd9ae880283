"""The mock as a process of its own beside the suite, and the target that it makes."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from biztoken.errors import UserError
from biztoken.mock.keys import demo_keys
from biztoken.settings import Target
from biztoken.signing import Key, Secret

DEMO_CONCURRENCY = 5  # what demo-keys.yaml grants the active key


def mock_target(url: str) -> Target:
    """A mock of ours at that URL as a target, with every demo key."""
    keys = {role: Key(api_key, Secret(secret)) for role, (api_key, secret) in demo_keys().items()}
    return Target(
        name="embedded mock",
        url=url,
        keys=keys,
        concurrency_limit=DEMO_CONCURRENCY,
        single_use_sign=True,
        is_mock=True,
    )


class EmbeddedMock:
    """A mock on a free port, started at once; `url` waits until it answers.

    `more`: further options of `biztoken mock`. `rack`: every fault and variation of its catalogue is served, too,
    each under its name before the path.
    It ends with `close`, or with this process, however that ends.
    """

    def __init__(self, contract: Path | None = None, *, rack: bool = False, more: Sequence[str] = ()) -> None:
        command = [sys.executable, "-m", "biztoken", "mock", "--port", "0", "--stop-with-stdin"]
        command += ["--contract", str(contract)] if contract else []
        command += [*(["--rack"] if rack else []), *more]
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    @cached_property
    def url(self) -> str:
        """The endpoint's URL."""
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        match = re.search(r"https?://\S+", self._process.stdout.readline())
        if match is None:
            raise UserError(
                "the embedded mock",
                "it did not start; run `biztoken mock` to see why",
                "未能启动；请运行 biztoken mock 查看原因",
            )
        return match.group()

    def target(self) -> Target:
        """The mock as a target, with every demo key."""
        return mock_target(self.url)

    def close(self) -> None:
        """Stop the mock and wait for it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(timeout=10)
        if self._process.stdout is not None:
            self._process.stdout.close()
