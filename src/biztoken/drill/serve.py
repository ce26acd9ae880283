"""Drills for a client that runs already: a tiny protocol over HTTP on this machine, five verbs, JSON both ways.

list    GET   every drill, in the order in which they come
start   POST  begin, or begin anew
next    POST  {"outcome": "success" | "failure", "output": "…"} of the drill that is on; the next one, or {"done": true}
status  GET   what the drill that is on has seen
report  POST  the outcome as with next; the verdict. The server ends
"""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from biztoken.drill.certificates import make_certificate
from biztoken.drill.played import Played
from biztoken.drill.portraits import Portraits
from biztoken.drill.run import Drill, Options
from biztoken.errors import UserError
from biztoken.model import Json
from biztoken.reporting import print_summary
from biztoken.verdicts import Text

_MOST_BYTES = 1024 * 1024  # of what a client hands in
_IDLE = 3600.0  # seconds without a call after which nobody is there any more
_VERBS = {"list": "GET", "start": "POST", "next": "POST", "status": "GET", "report": "POST"}
_LEFT = Text("The client did not ask for the report.", "客户端没有请求 report。")


class MisuseError(Exception):
    """A call that the protocol does not have: `status` of HTTP, and what to do."""

    def __init__(self, status: int, hint: str) -> None:
        super().__init__(hint)
        self.status = status


def serve(options: Options, port: int) -> int:
    """Serve the drills once, say what was found and return the exit code. UserError for a mistake in the options."""
    if options.command:
        raise UserError(
            "--serve", "the client runs already; leave the COMMAND out", "客户端已在运行；请不要再写启动命令"
        )
    run = Drill.prepare(options)
    with TemporaryDirectory(prefix="biztoken-drill-") as place, ExitStack() as stack:
        certificates = {name: make_certificate(Path(place), name, run.started) for name in ("trusted", "untrusted")}
        played = stack.enter_context(Played(run, certificates, Portraits()))
        server = _listen(port, played)
        print(f"biztoken drill: http://127.0.0.1:{server.server_address[1]}", flush=True)  # noqa: T201
        try:
            _until_over(server, played)
        except KeyboardInterrupt:
            run.reason = _LEFT
        finally:
            server.server_close()
    code = int(run.result["exit_code"]) if played.is_over.is_set() else run.finish()
    print_summary(run.directory, options.lang)
    return code


def _until_over(server: ThreadingHTTPServer, played: Played) -> None:
    """Answer until the report was asked for, or nobody has called for long."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    thread = threading.Thread(target=server.serve_forever, name="drill", daemon=True)
    thread.start()
    try:
        while not played.is_over.wait(_IDLE):
            if not played.was_called():
                raise KeyboardInterrupt
    finally:
        server.shutdown()
        thread.join()


def _listen(port: int, played: Played) -> ThreadingHTTPServer:
    verbs: Mapping[str, Callable[[Json], Json]] = {
        "list": lambda _said: played.list(),
        "start": lambda _said: played.start(),
        "next": lambda said: _next(played, said),
        "status": lambda _said: played.status(),
        "report": played.report,
    }
    handler = type("Handler", (_Handler,), {"verbs": verbs})
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        server.daemon_threads = False  # the last answer is written before the server is gone
        return server
    except OSError as problem:
        why = problem.strerror
        hint = f"it cannot be used ({why}); choose another, or 0 for any"
        raise UserError(f"--port {port}", hint, f"无法使用（{why}）；请换一个，或用 0 任选") from None


def _next(played: Played, said: Json) -> Json:
    if not played.has_begun:
        raise MisuseError(409, "call POST /start first")
    return played.next(said)


class _Handler(BaseHTTPRequestHandler):
    """One call of the protocol."""

    verbs: Mapping[str, Callable[[Json], Json]]
    protocol_version = "HTTP/1.1"
    timeout = 30  # seconds for a call that does not come to its end

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        try:
            told, status = self._called(), 200
        except MisuseError as problem:
            told, status = {"error": str(problem)}, problem.status
        body = json.dumps(told, ensure_ascii=False).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def _called(self) -> Json:
        said = self._body()
        # A page of another site could reach this address under a name of its own.
        host = (self.headers.get("Host") or "").rpartition(":")[0] or self.headers.get("Host")
        if host not in ("127.0.0.1", "localhost"):
            raise MisuseError(403, "call 127.0.0.1")
        verb = self.path.partition("?")[0].strip("/")
        if verb not in _VERBS:
            raise MisuseError(404, f"known: {', '.join(f'{method} /{name}' for name, method in _VERBS.items())}")
        if self.command != _VERBS[verb]:
            raise MisuseError(405, f"call {_VERBS[verb]} /{verb}")
        return self.verbs[verb](said)

    def _body(self) -> Json:
        length = self.headers.get("Content-Length") or "0"
        if not length.isdigit() or int(length) > _MOST_BYTES:
            self.close_connection = True
            raise MisuseError(413, f"send at most {_MOST_BYTES} bytes, with their Content-Length")
        try:
            said: Any = json.loads(self.rfile.read(int(length)) or b"{}")
        except ValueError:
            raise MisuseError(400, 'send JSON such as {"outcome": "failure", "output": "…"}') from None
        if not isinstance(said, dict):
            raise MisuseError(400, "send a JSON object")
        outcome, output = said.get("outcome"), said.get("output", "")
        if outcome not in (None, "success", "failure") or not isinstance(output, str):
            raise MisuseError(400, "outcome is success or failure, output a text")
        return said

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the library gives it
        """Say nothing of calls."""
