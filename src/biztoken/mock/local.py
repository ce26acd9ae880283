"""The mock in a thread of this process, on a free port, for tests and drills: there in milliseconds, gone as fast."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from types import TracebackType
from typing import Self

import uvicorn
from uvicorn.server import ServerState

from biztoken.contract import Contract, load
from biztoken.errors import UserError
from biztoken.mock import faults as vocabulary
from biztoken.mock.app import App
from biztoken.mock.choices import Answer, Choices
from biztoken.mock.faults import Fault
from biztoken.mock.gallery import Gallery
from biztoken.mock.journal import Entry, Journal
from biztoken.mock.keys import Key, demo
from biztoken.mock.plan import Plan
from biztoken.mock.tap import Tap, Taped, tapped

_MOST_BYTES = 256 * 1024 * 1024
_KEEP_ALIVE_SECONDS = 65
_START_SECONDS = 30
_ACTIVE = "active"
Tls = Path | tuple[Path, Path]


@dataclass(frozen=True, slots=True)
class _Running:
    thread: threading.Thread
    loop: asyncio.AbstractEventLoop
    stop: asyncio.Event


class LocalMock:
    """A mock between `start` and `stop`, or in a `with` block.

    `keys`: by api_key, without them the demo keys; the first active one is `api_key`. `faults`: ids of the catalogue,
    or faults as in a file. `tls`: certificate and key in PEM, or one file with both. `contract`: what `contract.load`
    gives. `journal`: one of your own; the usual one keeps 2,000 entries and 256 MiB. `gallery`: one that others use,
    too, and that its owner closes.

    Its methods may be called from any thread, before and while it runs.
    """

    def __init__(
        self,
        *,
        keys: Mapping[str, Key] | None = None,
        faults: Sequence[Answer | Fault] = (),
        tls: Tls | None = None,
        contract: Contract | None = None,
        journal: Journal | None = None,
        single_use: bool = True,
        seed: int = 0,
        gallery: Gallery | None = None,
    ) -> None:
        self.contract = contract or load()
        self.keys = dict(demo() if keys is None else keys)
        self.journal = journal or Journal(most_bytes=_MOST_BYTES)
        self.choices = Choices(self.contract, random.Random(seed))
        self._tls = (tls, tls) if isinstance(tls, Path) else tls
        plan = _plan(faults, self.choices, self.contract, seed)
        self._gallery = gallery or Gallery()
        self._owns_gallery = gallery is None
        self._app = App(
            self.contract,
            self.keys,
            plan=plan,
            rng=random.Random(seed),
            single_use=single_use,
            gallery=self._gallery,
            choices=self.choices,
        )
        self._running: _Running | None = None
        self._port = 0
        self._failure: BaseException | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # --- where it is, and who may call it

    @property
    def url(self) -> str:
        """The URL of the endpoint."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._port}{self.contract.path}"

    @property
    def api_key(self) -> str:
        """A key that may make every call."""
        return self._key.api_key

    @property
    def api_secret(self) -> str:
        """Its secret."""
        return self._key.api_secret

    @property
    def _key(self) -> Key:
        return next((key for key in self.keys.values() if key.state == _ACTIVE), next(iter(self.keys.values())))

    # --- what it answers

    def answer_next(self, *answers: Answer) -> None:
        """Choose the answers of the next requests to the endpoint, in order, after those chosen already.

        An answer is the name of an error (`INTERNAL_ERROR`), with or without what it tells (`NO_FACE_FOUND: image`);
        `success`, whatever the request; `usual`, what the contract says of it; an id of the catalogue of faults and
        variations; or a mapping of changes as in a file of faults (`{"status": 502, "body": "<html>"}`).
        """
        self.choices.answer_next(*answers)

    def answer_always(self, answer: Answer) -> None:
        """Choose the answer of all requests that no other was chosen for, until `clear`."""
        self.choices.answer_always(answer)

    def clear(self) -> None:
        """Back to the usual answers, and to an empty journal."""
        self.choices.clear()
        self.journal.clear()

    # --- what came

    @property
    def entries(self) -> list[Entry]:
        """Every request since the last `clear`, also one that is under way or broke off, the oldest first."""
        return self.journal.entries

    def wait_for(self, count: int, timeout: float = 10) -> list[Entry]:
        """The entries once so many have ended, be it answered or broken off; TimeoutError after so many seconds."""
        return self.journal.wait_for(count, timeout)

    # --- its life

    def start(self) -> None:
        """Listen, and answer from now on. UserError where the certificate cannot be used."""
        config = self._config()
        listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
        self._port = listener.getsockname()[1]
        ready = threading.Event()
        thread = threading.Thread(target=self._serve, args=(config, listener, ready), name="mock", daemon=True)
        thread.start()
        if not ready.wait(_START_SECONDS) or self._failure:
            listener.close()
            raise RuntimeError("the mock did not start") from self._failure

    def stop(self) -> None:
        """Close every connection, answered or not, and wait for the end."""
        running, self._running = self._running, None
        if running is not None:
            running.loop.call_soon_threadsafe(running.stop.set)
            running.thread.join()
        if self._owns_gallery:
            self._gallery.close()

    def _config(self) -> uvicorn.Config:
        certificate, key = self._tls or (None, None)
        config = uvicorn.Config(
            Taped(self._app),
            http=Tap,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            log_level="critical",
            access_log=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            ssl_certfile=certificate,
            ssl_keyfile=key,
        )
        try:
            config.load()
        except OSError as problem:
            hint = f"they cannot be used ({problem.__class__.__name__}); give two PEM files that belong together"
            raise UserError(f"tls {certificate}, {key}", hint, "无法使用；请给出一对匹配的 PEM 文件") from None
        return config

    def _serve(self, config: uvicorn.Config, listener: socket.socket, ready: threading.Event) -> None:
        try:
            asyncio.run(self._run(config, listener, ready))
        except BaseException as problem:  # the thread that started this one tells it
            self._failure = problem
            ready.set()

    async def _run(self, config: uvicorn.Config, listener: socket.socket, ready: threading.Event) -> None:
        """A server of uvicorn's protocol. uvicorn's own looks ten times a second whether it shall stop."""
        loop, state, stop = asyncio.get_running_loop(), ServerState(), asyncio.Event()
        protocol = tapped(self.journal)

        def connect() -> asyncio.Protocol:
            state.default_headers[:] = [(b"date", formatdate(usegmt=True).encode())]
            return protocol(config, state, {}, loop)

        server = await loop.create_server(connect, sock=listener, ssl=config.ssl)
        self._running = _Running(threading.current_thread(), loop, stop)
        ready.set()
        await stop.wait()
        server.close()
        for connection in [*state.connections]:
            connection.transport.abort()
        # A turn of the loop tells the connections that they are lost, and their requests that nobody waits.
        await asyncio.sleep(0)
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*state.tasks, return_exceptions=True)


def _plan(faults: Sequence[Answer | Fault], choices: Choices, contract: Contract, seed: int) -> Plan | None:
    """The faults that the mock has anyway."""
    armed: list[Fault] = []
    for fault in faults:
        if isinstance(fault, Fault):
            vocabulary.check(fault, contract)
            armed.append(fault)
        else:
            armed += choices.read(fault).faults
    return Plan(armed, random.Random(seed)) if armed else None
