"""Tiny endpoints, each wrong in one plain way: what no suite may ever call conformant.

They know nothing of the contract but the shape of its replies, and share nothing with the mock.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from random import Random
from typing import Any

PATH = "/faceid/v3/sdk/get_biz_token"


class Request(BaseHTTPRequestHandler):
    """One request. `read` takes its body off the wire, `reply` and its kin answer."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one piece: else each answer would wait 40 ms for an acknowledgement
    server: Server

    def do_POST(self) -> None:
        self.body: bytes | None = None
        self.server.behave(self)

    do_GET = do_PUT = do_POST  # noqa: N815 - the names that http.server looks for

    def read(self) -> bytes:
        """The body, taken off the wire once."""
        if self.body is None:
            self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        return self.body

    def reply(self, status: int, body: Mapping[str, Any] | str, **headers: str) -> None:
        """Answer with JSON, or with a text as it is."""
        self.read()
        is_text = isinstance(body, str)
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if is_text else "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def hang_up(self) -> None:
        """Close the connection after whatever was sent."""
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """Serves one behaviour; `stopped` is set when it ends, for those who wait."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, behave: Callable[[Request], None]) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.behave = behave
        self.stopped = threading.Event()

    def handle_error(self, *_: object) -> None:
        """A client that goes away is no news."""


def accepted() -> dict[str, Any]:
    """A sound reply, new each time."""
    return {"request_id": str(uuid.uuid4()), "time_used": 0, "biz_token": str(uuid.uuid4())}


def refused(error: str) -> dict[str, Any]:
    """An error of this text, new each time."""
    return {"request_id": str(uuid.uuid4()), "time_used": 0, "error": error}


def always(status: int, make: Callable[[], Mapping[str, Any] | str], **headers: str) -> Callable[[Request], None]:
    """The same answer to everything."""
    return lambda request: request.reply(status, make(), **headers)


CANNED: tuple[tuple[int, Callable[[], Mapping[str, Any]]], ...] = (
    (200, accepted),
    (400, lambda: refused("MISSING_ARGUMENTS: uuid")),
    (400, lambda: refused("BAD_ARGUMENTS: sign_version")),
    (400, lambda: refused("NO_FACE_FOUND: image_ref1")),
    (403, lambda: refused("AUTHENTICATION_ERROR")),
)


def at_random() -> Callable[[Request], None]:
    """Any of the canned answers."""
    rng = Random(1)

    def behave(request: Request) -> None:
        status, make = rng.choice(CANNED)
        request.reply(status, make())

    return behave


def hang(request: Request) -> None:
    """Take the request and never answer."""
    request.read()
    request.server.stopped.wait()
    request.hang_up()


def close_mid_body(request: Request) -> None:
    """Promise more than is sent."""
    request.read()
    body = json.dumps(accepted()).encode()
    request.send_response(200)
    request.send_header("Content-Type", "application/json")
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body[: len(body) // 2])
    request.hang_up()


def close_at_once(request: Request) -> None:
    """Take the request and close."""
    request.read()
    request.hang_up()


def now_and_then_500() -> Callable[[Request], None]:
    """Accept everything, but for each seventh request."""
    numbers = count(1)

    def behave(request: Request) -> None:
        if next(numbers) % 7:
            request.reply(200, accepted())
        else:
            request.reply(500, refused("INTERNAL_ERROR"))

    return behave


def sound_at_first(requests: int) -> Callable[[Request], None]:
    """Accept so many requests, then refuse everything."""
    numbers = count(1)

    def behave(request: Request) -> None:
        if next(numbers) <= requests:
            request.reply(200, accepted())
        else:
            request.reply(400, refused("BAD_ARGUMENTS: sign_version"))

    return behave


@dataclass(frozen=True, slots=True)
class Miniature:
    """An endpoint, the exit code that it must earn, fields of the target file and the options of the run."""

    make: Callable[[], Callable[[Request], None]]
    code: int
    target: Mapping[str, Any] = field(default_factory=dict)
    options: tuple[str, ...] = ("--plan", "core")


MINIATURES = {
    "always 200": Miniature(lambda: always(200, accepted), 1),
    "always 400": Miniature(lambda: always(400, lambda: refused("BAD_ARGUMENTS: sign_version")), 2),
    "always 403 AUTHORIZATION_ERROR": Miniature(lambda: always(403, lambda: refused("AUTHORIZATION_ERROR: DENIED")), 2),
    "always 403 AUTHENTICATION_ERROR": Miniature(lambda: always(403, lambda: refused("AUTHENTICATION_ERROR")), 2),
    "always 401": Miniature(lambda: always(401, lambda: refused("UNAUTHORIZED")), 2),
    "random": Miniature(at_random, 1),
    "HTML for JSON": Miniature(lambda: always(200, lambda: "<!doctype html><h1>It works!</h1>"), 2),
    "hangs": Miniature(lambda: hang, 2, {"timeout": 0.3}),
    "closes mid-body": Miniature(lambda: close_mid_body, 2),
    "500 now and then": Miniature(
        now_and_then_500, 1, options=("--select", "not images and not sequences and not fuzz")
    ),
    "closes at once": Miniature(lambda: close_at_once, 2),
    "redirects": Miniature(lambda: always(302, lambda: "", Location=PATH + "/"), 2),
    "sound once": Miniature(lambda: sound_at_first(1), 1),
    "sound to the probes": Miniature(lambda: sound_at_first(8), 1),
}


@contextmanager
def serving(behave: Callable[[Request], None]) -> Iterator[str]:
    """The URL of an endpoint that behaves so, until the block ends."""
    with Server(behave) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}{PATH}"
        finally:
            server.stopped.set()
            server.shutdown()
            thread.join()
