"""A mock as a process of its own, and requests to it. Signs by itself: nothing is shared with the suite."""

from __future__ import annotations

import base64
import hmac
import io
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import requests
from PIL import Image, ImageFilter

PORTRAIT = Path(__file__).resolve().parents[1] / "conformance" / "portrait.jpg"
BOUNDARY = "----------------------------6c0b3f2a9d7e"
_RUN = """
import sys
from pathlib import Path
from biztoken.mock.server import Options, serve
serve(Options(**eval(sys.argv[1])), announce=lambda url: print(url, flush=True), stop_with_stdin=True)
"""
KYC = {
    "sign_version": "hmac_sha1",
    "liveness_type": "meglive",
    "comparison_type": "1",
    "idcard_name": "张三",
    "idcard_number": "990101199003071233",
}
COMPARE = {"sign_version": "hmac_sha1", "liveness_type": "still", "comparison_type": "0", "uuid": "user-1"}
RAW = KYC | {"liveness_type": "raw_image"}


def sign(
    role: str = "active", *, expires: int | None = None, secret: str | None = None, made: int | None = None
) -> str:
    """A sign of a demo key, made now; it expires in an hour unless `expires`, a time of the epoch, says otherwise."""
    now = int(time.time()) if made is None else made
    text = f"a=demo-{role}&b={now + 3600 if expires is None else expires}&c={now}&d={random.randrange(10**10):010d}"
    digest = hmac.digest((secret or f"demo-secret-of-{role}").encode(), text.encode(), "sha1")
    return base64.b64encode(digest + text.encode()).decode()


def body(fields: dict[str, str | bytes | None]) -> bytes:
    """A form; bytes are sent as files, None is not sent. A sign is added where there is none."""
    parts = []
    for name, value in ({"sign": sign()} | fields).items():
        if value is None:
            continue
        is_file = isinstance(value, bytes)
        extra = '; filename="a.jpg"\r\nContent-Type: image/jpeg' if is_file else ""
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n'
        parts.append(head.encode() + (value if is_file else value.encode()) + b"\r\n")
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


class Service:
    """A running mock."""

    def __init__(self, url: str, process: subprocess.Popen[str]) -> None:
        self.url = url
        self.process = process
        self.address = (str(urlsplit(url).hostname), urlsplit(url).port or 0)
        self._session = requests.Session()

    def post(self, fields: dict[str, str | bytes | None]) -> requests.Response:
        """Send a form over a connection that stays open."""
        headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        return self._session.post(self.url, data=body(fields), headers=headers, timeout=30)

    def tell(self, fields: dict[str, str | bytes | None]) -> tuple[int, str | None]:
        """(status, error) of a form."""
        reply = self.post(fields)
        return reply.status_code, reply.json().get("error")

    def connect(self) -> socket.socket:
        """A connection for bytes as they are."""
        return socket.create_connection(self.address, timeout=30)

    def request(self, fields: dict[str, str | bytes | None], *, version: str = "1.1", extra: str = "") -> bytes:
        """A request as it goes over the wire."""
        content = body(fields)
        return self.head(len(content), version=version, extra=extra) + content

    def head(self, length: int, *, version: str = "1.1", extra: str = "") -> bytes:
        """The head of a request whose body has `length` bytes; -1: a chunked one."""
        size = "Transfer-Encoding: chunked" if length < 0 else f"Content-Length: {length}"
        path = urlsplit(self.url).path
        kind = f"multipart/form-data; boundary={BOUNDARY}"
        return f"POST {path} HTTP/{version}\r\nHost: mock\r\n{size}\r\nContent-Type: {kind}\r\n{extra}\r\n".encode()

    def close(self) -> int:
        """Stop it; its exit code."""
        self._session.close()
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        code = self.process.wait(20)
        self.process.stdout.close()
        return code


@contextmanager
def running(**options: object) -> Iterator[Service]:
    """A mock with these options, until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", _RUN, repr(options).replace("PosixPath(", "Path(")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    service = Service(process.stdout.readline().strip(), process)
    try:
        yield service
    finally:
        service.close()


def read_reply(connection: socket.socket) -> bytes:
    """Everything until the other side closes."""
    chunks = []
    while chunk := connection.recv(65536):
        chunks.append(chunk)
    return b"".join(chunks)


def portrait(*, blur: float = 0, turn: int = 0, copies: int = 1, side: int = 300) -> Image.Image:
    """The portrait, changed in this order."""
    face = Image.open(PORTRAIT).convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
    face = face.filter(ImageFilter.GaussianBlur(blur)).rotate(turn)
    whole = Image.new("RGB", (side * copies, side))
    for number in range(copies):
        whole.paste(face, (side * number, 0))
    return whole


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    """The picture as a file."""
    stream = io.BytesIO()
    image.save(stream, kind, **({"quality": 95} if kind == "JPEG" else {}) | options)  # type: ignore[arg-type]
    return stream.getvalue()


FACE = encoded(portrait())
TWO_FACES = encoded(portrait(copies=2))
NO_FACE = encoded(Image.linear_gradient("L").resize((300, 300)))
NO_PICTURE = b"this is no picture"
