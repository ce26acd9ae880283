"""Run the mock as a server of its own: check the options, listen, announce, stop when told."""

from __future__ import annotations

import contextlib
import gc
import ipaddress
import os
import random
import secrets
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import uvicorn

from biztoken import contract
from biztoken.contract import Contract
from biztoken.errors import UserError
from biztoken.mock import faults, keys, latency
from biztoken.mock.app import App
from biztoken.mock.archive import Archive
from biztoken.mock.bounds import Guard, allow_connections
from biztoken.mock.catalogue import catalogue, split
from biztoken.mock.choices import Choices
from biztoken.mock.chronicle import Lint
from biztoken.mock.desk import Desk
from biztoken.mock.direct import Direct
from biztoken.mock.faults import Fault
from biztoken.mock.gallery import Gallery
from biztoken.mock.keys import Key
from biztoken.mock.latency import Latency
from biztoken.mock.plan import Plan
from biztoken.mock.rack import Rack
from biztoken.mock.recorded import read_order

_BACKLOG = 2048
_LAST_PORT = 65535
_KEEP_ALIVE_SECONDS = 65
_GRACE_SECONDS = 1


@dataclass(frozen=True, slots=True)
class Options:
    """What a user may choose. `port` 0: any free one. `seed` None: a new one, told if chance plays a part.

    `journal`: a directory; with it come the journal, its page and the control API, which only this machine may use
    unless `public_journal`. `journal_raw`: requests are kept as they came, too. `lint`: judges requests for the page.

    `precedence`: a run whose order of checks the mock follows.
    `faults`: entries or a file of them; `named`: ids of the catalogue. `rack`: serve every entry of the catalogue, too,
    under a path of its own.
    """

    host: str = "127.0.0.1"
    port: int = 0
    keys: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    latency: str | None = None
    seed: int | None = None
    faults: Sequence[Fault] | Path = ()
    named: Sequence[str] = ()
    precedence: Path | None = None
    rack: bool = False
    contract: Path | None = None
    allow_public: bool = False
    single_use: bool = True
    journal: Path | None = None
    journal_raw: bool = False
    public_journal: bool = False
    lint: Lint | None = None


def serve(options: Options, *, announce: Callable[[str], None], stop_with_stdin: bool = False) -> None:
    """Serve until SIGINT, SIGTERM or, with `stop_with_stdin`, the end of standard input.

    `announce` gets the URL of the endpoint once it answers, then that of the journal's page, if there is one. Mistakes
    in the options raise UserError.
    """
    rules = contract.load(options.contract)
    choices = Choices(rules) if options.journal else None
    app = _app(options, rules, choices)
    served = _rack(options, rules, app, choices) if options.rack else app
    _check_tls(options)
    listener = _listen(options)
    desk = _desk(options, rules, choices)
    config = uvicorn.Config(
        desk.serve(served) if desk else served,
        http=desk.protocol if desk else Direct if served is app else Guard,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        ssl_certfile=options.tls_cert,
        ssl_keyfile=options.tls_key,
    )
    allow_connections()
    place = _place(options, listener)

    def tell() -> None:
        announce(f"{place}{rules.path}")
        if desk:
            announce(f"{place}{desk.path}")

    server = _Server(config, tell)
    if stop_with_stdin:
        threading.Thread(target=_wait_for_stdin, args=(server,), daemon=True).start()
    app.gallery.warm_up()
    gc.freeze()
    try:
        server.run([listener])
    finally:
        app.gallery.close()
        listener.close()
        if desk:
            desk.close()


class _Server(uvicorn.Server):
    """uvicorn, but it says when it is there, and ends without raising the signal that ended it again."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._started()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _app(options: Options, rules: Contract, choices: Choices | None) -> App:
    """The mock that the options ask for."""
    wanted = faults.load(options.faults, rules) if isinstance(options.faults, Path) else tuple(options.faults)
    if options.precedence:
        wanted += (read_order(options.precedence),)
    limit = None
    if options.named:
        known = catalogue(rules)
        wanted += known.arm(options.named)
        limit = known.concurrency_limit(options.named)
    for fault in wanted:
        faults.check(fault, rules)
    pace = latency.parse(options.latency) if options.latency else None
    seed = secrets.randbelow(2**32) if options.seed is None else options.seed
    if any("probability" in fault.when for fault in wanted) or (pace and pace.is_random):
        sys.stderr.write(f"biztoken mock: seed {seed}\n")
    return _made(options, rules, _granting(_keys(options), limit), wanted, random.Random(seed), pace, choices=choices)


def _rack(options: Options, rules: Contract, plain: App, choices: Choices | None) -> Rack:
    """Every entry of the catalogue beside the plain mock; all look at pictures through one gallery."""
    known, every = catalogue(rules), _keys(options)

    def make(name: str) -> App:
        names = split(name)
        chosen = _granting(every, known.concurrency_limit(names))
        gallery = Gallery(source=plain.gallery)
        return _made(options, rules, chosen, known.arm(names), random.Random(options.seed), None, gallery, choices)

    return Rack(plain, make)


def _made(
    options: Options,
    rules: Contract,
    chosen: dict[str, Key],
    wanted: Sequence[Fault],
    rng: random.Random,
    pace: Latency | None,
    gallery: Gallery | None = None,
    choices: Choices | None = None,
) -> App:
    plan = Plan(wanted, random.Random(rng.random())) if wanted else None
    return App(
        rules,
        chosen,
        latency=pace,
        plan=plan,
        rng=rng,
        single_use=options.single_use,
        gallery=gallery,
        choices=choices,
    )


def _desk(options: Options, rules: Contract, choices: Choices | None) -> Desk | None:
    """The journal with its page, where one is asked for."""
    if options.journal is None or choices is None:
        return None
    archive = Archive(options.journal, keeps_raw=options.journal_raw)
    return Desk(rules, _keys(options), choices, archive, lint=options.lint, is_public=options.public_journal)


def _keys(options: Options) -> dict[str, Key]:
    return keys.load(options.keys) if options.keys else keys.demo()


def _granting(known: dict[str, Key], limit: int | None) -> dict[str, Key]:
    """The keys; a fault that shows only with many requests at once gets a key that grants as many."""
    if limit is None:
        return known
    return {name: replace(key, concurrency=limit) if key.concurrency else key for name, key in known.items()}


def _check_tls(options: Options) -> None:
    if (options.tls_cert is None) is not (options.tls_key is None):
        missing = "tls-key" if options.tls_key is None else "tls-cert"
        raise UserError(
            missing,
            "a certificate and its key go together; give both or neither",
            "证书和私钥须成对给出；请都给或都不给",
        )
    if options.tls_cert is None or options.tls_key is None:
        return
    try:
        # A key with a passphrase would make OpenSSL ask the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(options.tls_cert, options.tls_key, lambda: b"")
    except (OSError, ssl.SSLError) as problem:
        what = f"tls-cert {options.tls_cert}, tls-key {options.tls_key}"
        hint = f"they cannot be used ({problem.__class__.__name__}); give two PEM files that belong together"
        raise UserError(what, hint, "无法使用；请给出一对匹配的 PEM 文件") from None


def _listen(options: Options) -> socket.socket:
    """A socket that listens, so that the URL is known before the server starts."""
    if not 0 <= options.port <= _LAST_PORT:
        raise UserError(
            f"port {options.port}",
            f"write a number from 1 to {_LAST_PORT}, or 0 for any",
            f"请写 1 到 {_LAST_PORT} 的数，或写 0 任选",
        )
    try:
        found = socket.getaddrinfo(options.host, options.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, OverflowError, UnicodeError):
        what = f"host {options.host}, port {options.port}"
        raise UserError(what, "there is no such address; use 127.0.0.1", "没有这个地址；请用 127.0.0.1") from None
    if not options.allow_public and not all(ipaddress.ip_address(entry[4][0]).is_loopback for entry in found):
        raise UserError(
            f"host {options.host}",
            "others could reach the mock there; use 127.0.0.1, or allow a public address",
            "其他人可以访问该地址；请用 127.0.0.1，或明确允许公开地址",
        )
    family, kind, protocol, _, address = found[0]
    # Without the protocol asyncio would not switch Nagle's algorithm off, and every second answer would take 40 ms.
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except (OSError, OverflowError) as problem:
        listener.close()
        reason = getattr(problem, "strerror", None) or "not possible"
        raise UserError(
            f"port {options.port}",
            f"it cannot be used ({reason}); choose another, or 0 for any",
            f"无法使用（{reason}）；请换一个，或用 0 任选",
        ) from None
    return listener


def _place(options: Options, listener: socket.socket) -> str:
    scheme = "https" if options.tls_cert else "http"
    host = f"[{options.host}]" if ":" in options.host else options.host
    return f"{scheme}://{host}:{listener.getsockname()[1]}"


def _wait_for_stdin(server: uvicorn.Server) -> None:
    """End the server with its parent: killed as it may be, its end of the pipe closes."""
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    server.should_exit = True
