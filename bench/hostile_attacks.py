"""Attacks on a server: each opens connections to it, sends bytes that no sound client would, and reads what comes.

An attack is a function of `Round`. It is bounded in bytes, connections and time, and draws from the round's own chance.
"""

from __future__ import annotations

import base64
import gzip
import hmac
import random
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from hostile_pictures import BOMBS, MEGABYTE, PORTRAIT

PATH = "/faceid/v3/sdk/get_biz_token"
BOUNDARY = "----7d1f3a5c9e"
KYC = {"liveness_type": "meglive", "comparison_type": "1", "idcard_name": "张三", "idcard_number": "990101199003071237"}
COMPARE = {"liveness_type": "still", "comparison_type": "0", "uuid": "user-1"}
Content = str | bytes


@dataclass(slots=True)
class Round:
    """One attack on `address`. `seconds`: it should be over by then. `size`: 1, or less for a short trial.

    `statuses`: how often each status came. `replies`: heads of those that must be looked at.
    """

    address: tuple[str, int]
    rng: random.Random
    seconds: float
    idle: int
    size: float = 1.0
    connections: int = 0
    sent: int = 0
    statuses: Counter[int | str] = field(default_factory=Counter)
    replies: list[bytes] = field(default_factory=list)
    ends: float = field(init=False)

    def __post_init__(self) -> None:
        self.ends = time.monotonic() + self.seconds

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self.ends

    def many(self, count: int) -> int:
        """So many, or fewer in a short trial."""
        return max(2, int(count * self.size))

    def connect(self, timeout: float = 5.0) -> socket.socket:
        connection = socket.create_connection(self.address, timeout=timeout)
        self.connections += 1
        return connection

    def send(self, connection: socket.socket, data: bytes) -> bool:
        """Send until the other side has had enough; whether all went."""
        try:
            connection.sendall(data)
        except OSError:
            return False
        self.sent += len(data)
        return True

    def read(self, connection: socket.socket, seconds: float = 2.0, most: int = MEGABYTE) -> bytes:
        """What comes until the connection ends or nothing comes for so long; counted by status."""
        data = b""
        with suppress(OSError):
            connection.settimeout(min(seconds, max(0.1, self.ends - time.monotonic())))
            while len(data) < most and (more := connection.recv(65536)):
                data += more
        self.note(data)
        return data

    def note(self, data: bytes) -> None:
        """Count the replies in `data`."""
        found = 0
        for piece in data.split(b"HTTP/1.1 ")[1:]:
            status = int(piece[:3]) if piece[:3].isdigit() else 0
            found += 1
            self.statuses[status] += 1
            if status not in (100, 200, 400, 403, 404, 413):
                self.replies.append(piece[:300])
        if not found:
            self.statuses["none"] += 1

    def once(self, data: bytes, seconds: float = 2.0) -> bytes:
        """Send on a connection of its own and read what comes."""
        with self.connect() as connection:
            self.send(connection, data)
            return self.read(connection, seconds)


def sign(life: int = 3600) -> str:
    """A sound sign of the demo key."""
    now = int(time.time())
    text = f"a=demo-active&b={now + life}&c={now}&d={random.randrange(10**10):010d}"
    digest = hmac.digest(b"demo-secret-of-active", text.encode(), "sha1")
    return base64.b64encode(digest + text.encode()).decode()


def form(fields: dict[str, Content], boundary: str = BOUNDARY) -> bytes:
    """A form; bytes are files."""
    body = b""
    for name, value in {"sign": sign(), "sign_version": "hmac_sha1", **fields}.items():
        extra = '; filename="a.jpg"\r\nContent-Type: image/jpeg' if isinstance(value, bytes) else ""
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n'.encode()
        body += (value if isinstance(value, bytes) else value.encode()) + b"\r\n"
    return body + f"--{boundary}--\r\n".encode()


def head(length: int | None, *extra: str, boundary: str = BOUNDARY, path: str = PATH) -> bytes:
    """The head of a POST; without a length it is chunked."""
    size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    kind = f"Content-Type: multipart/form-data; boundary={boundary}"
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: mock", size, kind, *extra, "", ""]).encode()


def post(body: bytes, *extra: str, boundary: str = BOUNDARY) -> bytes:
    return head(len(body), "Connection: close", *extra, boundary=boundary) + body


def sound(fields: dict[str, Content] | None = None) -> bytes:
    return post(form(KYC if fields is None else fields))


def truncated(this: Round) -> None:
    """Sound requests that end too early: closed, half closed, or reset."""
    whole = sound(COMPARE | {"image_ref1": PORTRAIT})
    for _ in range(this.many(60)):
        with this.connect() as connection:
            this.send(connection, whole[: this.rng.randrange(len(whole))])
            end = this.rng.choice(("close", "half", "reset"))
            if end == "half":
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_WR)
                this.read(connection, 0.2)
            elif end == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def oversized(this: Round) -> None:
    """Bodies far over the limit, with a length or in chunks, read early or never."""
    size = int(this.rng.choice((21, 40, 70)) * MEGABYTE * this.size)
    piece = bytes(256 * 1024)
    with this.connect() as connection:
        is_chunked = this.rng.random() < 0.5
        this.send(connection, head(None if is_chunked else size))
        sent = 0
        while sent < size and not this.is_over:
            data = b"%x\r\n%s\r\n" % (len(piece), piece) if is_chunked else piece
            if not this.send(connection, data):
                break
            sent += len(piece)
        this.read(connection, 3)


def slow(this: Round) -> None:
    """A request in single bytes, and what is left of it at once."""
    whole = sound()
    with this.connect() as connection:
        for number in range(this.many(400)):
            if not this.send(connection, whole[number : number + 1]):
                break
            time.sleep(0.002)  # the attack is that each byte comes by itself
        this.send(connection, whole[this.many(400) :])
        this.read(connection)


def pipelined(this: Round) -> None:
    """Thousands of requests in one go; the answers are read late, or not at all."""
    kept = head(len(form(KYC))) + form(KYC)
    one = this.rng.choice((b"GET / HTTP/1.1\r\n\r\n", kept, head(0), b"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx"))
    count = this.many(min(100_000, 4 * MEGABYTE // len(one)))
    with this.connect() as connection:
        connection.settimeout(0.5)
        this.send(connection, one * count)
        if this.rng.random() < 0.7:
            this.read(connection, 1, most=30 * MEGABYTE)


def null_bytes(this: Round) -> None:
    """Null bytes in every place."""
    whole = sound()
    for _ in range(this.many(60)):
        data = bytearray(whole)
        for _ in range(this.rng.choice((1, 1, 10, 100))):
            data.insert(this.rng.randrange(this.rng.choice((30, 300, len(data)))), 0)
        this.once(bytes(data), 0.3)


def many_parts(this: Round) -> None:
    """A form of 100,000 parts, with and without names."""
    part = this.rng.choice(
        (b"", b'Content-Disposition: form-data; name="a"\r\n', b'Content-Disposition: form-data; name="sign"\r\n')
    )
    body = (b"--" + BOUNDARY.encode() + b"\r\n" + part + b"\r\nx\r\n") * this.many(100_000)
    this.once(post(body + b"--" + BOUNDARY.encode() + b"--\r\n"), 10)


def odd_parts(this: Round) -> None:
    """Forms that are hard to read: delimiters that are none, huge headers, folds, quotes, forms in forms."""
    size = int(this.rng.choice((1, 5, 19)) * MEGABYTE * this.size)
    b = b"--b"
    disposition = b'Content-Disposition: form-data; name="'
    shapes: tuple[Callable[[], bytes], ...] = (
        lambda: b"\r\n--b" * (size // 5),
        lambda: b"\n--bX" * (size // 5),
        lambda: b + b"\r\n" + b"\r\n--b-" * (size // 6),
        lambda: b + b"\r\n" + b"-" * size,
        lambda: b + b"\r\n" + b" \r\n" * (size // 3),
        lambda: b + b"\r\n" + b"A: b\r\n" * (size // 6) + b"\r\nx\r\n--b--",
        lambda: b + b"\r\n" + disposition + b'\\"' * (size // 2) + b"\r\n\r\nx\r\n--b--",
        lambda: b + b"\r\n" + disposition + b'"; a="' * (size // 6) + b"\r\n\r\nx\r\n--b--",
        lambda: b + b"\r\n" + disposition + b'"' + b";" * (size // 2) + b"=" * (size // 2) + b"\r\n\r\nx\r\n--b--",
        lambda: b"".join(b"--b\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n" % n for n in range(size // 60)),
        lambda: (b"--b\r\n" + disposition + b'a"\r\n' + b" fold\r\n" * 2000 + b"\r\nx\r\n") * (size // 15_000),
        lambda: b"--b\r\n" + disposition + b'sign"\r\n\r\n' + b"A" * size + b"\r\n--b--",
        lambda: b"\r\n" * (size // 2),
    )
    boundary = this.rng.choice(("b", "b", "b", "-" * 70, "b" * 5000))
    body = this.rng.choice(shapes)()
    this.once(
        post(body if boundary == "b" else body.replace(b"--b", b"--" + boundary.encode())[:size], boundary=boundary), 20
    )


def pictures(this: Round) -> None:
    """Pictures that are small on the wire and large when opened, or that lie about themselves."""
    bombs = list(this.rng.sample(BOMBS, 4))
    for first, second in zip(bombs[::2], bombs[1::2], strict=True):
        this.once(
            sound(COMPARE | {"image_ref1": first(this.rng, this.size), "image_ref2": second(this.rng, this.size)}), 20
        )


def gzipped(this: Round) -> None:
    """A body that is a bomb if it were unpacked."""
    bomb = gzip.compress(bytes(this.many(200 * MEGABYTE)), 1)
    this.once(post(bomb, "Content-Encoding: gzip"), 5)


def idle(this: Round) -> None:
    """Thousands of connections that say nothing, or only a little; sound requests among them."""
    few = this.rng.choice((b"", b"", b"P", b"POST " + PATH.encode() + b" HTTP/1.1\r\nHost: mock\r\n"))
    held: list[socket.socket] = []
    try:
        for _ in range(this.idle):
            connection = this.connect(10)
            held.append(connection)
            this.send(connection, few)
            if this.is_over:
                break
        this.note(this.once(sound(), 10))
    finally:
        for connection in held:
            connection.close()


def header_flood(this: Round) -> None:
    """Heads without end: many headers, long ones, long targets, after the body too."""
    start = b"POST " + PATH.encode() + b" HTTP/1.1\r\nHost: mock\r\n"
    chunked = head(None) + b"1\r\nx\r\n"
    kinds = (
        (start, b"a: b\r\n"),
        (start, b"a" * 100),
        (start + b"a: ", b"b" * 100),
        (b"GET /", b"a" * 100),
        (b"", b"\r\n"),
        (chunked + b"0\r\n", b"a: b\r\n"),
        (chunked + b"0\r\na: ", b"b" * 100),
        (chunked + b"5;", b"e" * 100),
        (start, b" fold\r\n"),
    )
    before, piece = this.rng.choice(kinds)
    block = piece * (100_000 // len(piece))
    with this.connect() as connection:
        going = this.send(connection, before)
        for _ in range(this.many(400)):
            if not going or this.is_over:
                break
            going = this.send(connection, block)
        this.read(connection, 1)


def bad_chunks(this: Round) -> None:
    """Chunked bodies that are wrong."""
    body = form(KYC)
    size = b"%x" % len(body)
    ends = (b"0\r\n\r\n", b"0\r\n", b"", b"0\r\nA: b\r\n\r\n", b"00000000000000000000\r\n\r\n")
    for _ in range(this.many(60)):
        told = this.rng.choice(
            (
                size,
                b"-" + size,
                b"+" + size,
                b"0x" + size,
                b"f" * 16,
                b"f" * 40,
                b" " + size,
                size + b" ",
                size + b"\n",
                b"g",
                b"",
                size + b";a=" + b"b" * 50_000,
                b"%x" % (len(body) - 1),
                b"%x" % (len(body) + 9),
            )
        )
        after = this.rng.choice((b"\r\n", b"\r\n", b"\n", b"", b"xx"))
        this.once(head(None) + told + b"\r\n" + body + after + this.rng.choice(ends), 0.3)
    small = b"".join(b"1\r\nx\r\n" for _ in range(this.many(100_000)))
    this.once(head(None) + small * 3 + b"0\r\n\r\n", 10)


def smuggled(this: Round) -> None:
    """Requests whose end two readers would see in different places."""
    body = form(KYC)
    inner = b"GET /smuggled HTTP/1.1\r\nHost: mock\r\n\r\n"
    for lines in (
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 5"),
        ("Content-Length: 5", f"Content-Length: {len(body)}"),
        (f"Content-Length: {len(body)}, {len(body)}",),
        ("Transfer-Encoding: xchunked",),
        ("Transfer-Encoding: chunked, identity",),
        ("Transfer-Encoding : chunked",),
        ("Transfer-Encoding:\x0bchunked",),
        (" Transfer-Encoding: chunked", f"Content-Length: {len(body)}"),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
        ("Content-Length: 0x5",),
        (f"Content-Length: {len(body)}\rTransfer-Encoding: chunked",),
        ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", f"Content-Length: {len(body)}"),
        ("Connection: upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAA"),
    ):
        start = f"POST {PATH} HTTP/1.1\r\nHost: mock\r\nContent-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
        data = start.encode() + "\r\n".join(lines).encode() + b"\r\n\r\n"
        chunk = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        this.once(data + this.rng.choice((body, chunk, b"0\r\n\r\n")) + inner, 0.3)


def absurd_length(this: Round) -> None:
    """Lengths that cannot be."""
    for length in (
        "-1",
        "+5",
        "9" * 30,
        "18446744073709551616",
        "18446744073709551615",
        "9223372036854775807",
        "1e9",
        "",
        " ",
        "5 5",
        "٣",
        "00000000000000000005",
        "20971521",
        "4294967297",
    ):
        data = f"POST {PATH} HTTP/1.1\r\nHost: mock\r\nContent-Length: {length}\r\n\r\nhello".encode()
        this.once(data, 0.3)


def other_protocols(this: Round) -> None:
    """What is no HTTP/1.1: versions of old and new, TLS, other protocols' first bytes."""
    hello = bytes.fromhex("16030100a5010000a10303") + this.rng.randbytes(162)
    for data in (
        b"GET /\r\n",
        b"GET / HTTP/0.9\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET / HTTP/2.0\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9),
        hello,
        b"SSH-2.0-x\r\n",
        b"\x00\x00\x00\x08\x04\xd2\x16\x2f",
        b"EHLO x\r\n",
        b"CONNECT mock:443 HTTP/1.1\r\nHost: mock\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\n\r\n",
        b"\r\n" * 1000,
        b"PROXY TCP4 1.1.1.1 1.1.1.1 1 1\r\n",
        b"POST http://mock" + PATH.encode() + b" HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        b"GET /%ff%00%zz HTTP/1.1\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\n\r\n",
        b"GET //[::1 HTTP/1.1\r\n\r\n",
        b"GET  / HTTP/1.1\r\n\r\n",
        this.rng.randbytes(5000),
    ):
        this.once(data, 0.3)


def mutated(this: Round) -> None:
    """Sound requests with bytes changed, cut out and doubled."""
    for _ in range(this.many(150)):
        data = bytearray(sound(this.rng.choice((KYC, COMPARE | {"image_ref1": PORTRAIT[:3000]}))))
        for _ in range(this.rng.choice((1, 2, 5, 40))):
            at = this.rng.randrange(len(data))
            how = this.rng.randrange(4)
            if how == 0:
                data[at] = this.rng.randrange(256)
            elif how == 1:
                del data[at : at + this.rng.choice((1, 10, 200))]
            elif how == 2:
                data[at:at] = data[at : at + this.rng.choice((1, 10, 200))]
            else:
                data[at:at] = this.rng.choice(
                    (b"\r\n", b"\0", b"--" + BOUNDARY.encode(), b'"', b"\xff\xfe", b";", b"%22")
                )
            if not data:
                break
        this.once(bytes(data), 0.1)


def loris(this: Round) -> None:
    """Hundreds of requests that go on in drops, heads and bodies, while others want to be served."""
    whole = sound()
    held = [this.connect() for _ in range(this.many(500))]
    starts = [this.rng.choice((20, 100, 250)) for _ in held]
    try:
        for connection, start in zip(held, starts, strict=True):
            this.send(connection, whole[:start])
        for step in range(1000):
            if this.is_over:
                break
            for connection, start in zip(held, starts, strict=True):
                this.send(connection, whole[start + step : start + step + 1])
            this.note(this.once(sound(), 5))
            time.sleep(0.2)  # the attack is that it goes on slowly
    finally:
        for connection in held:
            connection.close()


def half_bodies(this: Round) -> None:
    """Dozens of large bodies that never come to their end, all kept open."""
    piece = bytes(MEGABYTE)
    held: list[socket.socket] = []
    try:
        for _ in range(this.many(80)):
            connection = this.connect()
            held.append(connection)
            this.send(connection, head(int(19.9 * MEGABYTE)))
            for _ in range(19):
                if this.is_over or not this.send(connection, piece):
                    break
        this.note(this.once(sound(), 10))
    finally:
        for connection in held:
            connection.close()


def never_reads(this: Round) -> None:
    """Clients that send requests and take no answer."""
    held: list[socket.socket] = []
    try:
        for _ in range(this.many(50)):
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            connection.settimeout(0.2)
            connection.connect(this.address)
            this.connections += 1
            held.append(connection)
            this.send(connection, b"GET / HTTP/1.1\r\n\r\n" * 20_000)
        this.note(this.once(sound(), 10))
    finally:
        for connection in held:
            connection.close()


def impatient(this: Round) -> None:
    """Sound requests with pictures by the dozen, whose senders leave before the answer."""
    held = []
    for number in range(this.many(40)):
        connection = this.connect()
        held.append(connection)
        this.send(connection, sound(COMPARE | {"image_ref1": PORTRAIT + bytes(number)}))
    for connection in held:
        connection.close()


def bad_signs(this: Round) -> None:
    """Signs and values that are hard to read."""
    values = (
        b"=" * 100_000,
        b"A" * MEGABYTE,
        b"\xff" * 1000,
        b"\0" * 1000,
        base64.b64encode(b"x" * 20 + b"a=" + b"&b=1" * 50_000),
        b"A===" * 1000,
    )
    for value in values:
        fields: dict[str, Content] = dict(KYC)
        fields |= {"liveness_timeout": "9" * 10_000, "idcard_number": "９" * 18, "biz_no": "\u202e" * 1000}
        body = form(fields).replace(sign()[:20].encode(), value, 1)
        this.once(post(body + value), 1)
        this.once(
            post(b'--%s\r\nContent-Disposition: form-data; name="sign"\r\n\r\n%s\r\n' % (BOUNDARY.encode(), value)), 1
        )


def control(this: Round) -> None:
    """Junk where the mock is told what to do."""
    for path in (
        "/_biztoken",
        "/_biztoken/",
        "/_biztoken/../" + "a" * 5000,
        "/_biztoken/entries/99999999999999999999",
        "/_biztoken/%00",
        "/_biztoken?" + "a=b&" * 5000,
    ):
        for method in ("GET", "POST", "DELETE", "PUT"):
            body = this.rng.choice((b"", b"{", b"[" * 100_000, b'{"a":' * 20_000, b"\xff" * 100, b"null"))
            data = f"{method} {path} HTTP/1.1\r\nHost: mock\r\nConnection: close\r\nContent-Type: application/json\r\n"
            reply = b""
            with this.connect() as connection:
                this.send(connection, data.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body)
                connection.settimeout(1)
                with suppress(OSError):
                    reply = connection.recv(65536)
            # The control path has statuses of its own; only that of a bug is none of them.
            this.statuses["control"] += 1
            if reply.startswith(b"HTTP/1.1 500"):
                this.replies.append(reply[:300])


def costly_fields(this: Round) -> None:
    """Fields that cost a judge of requests much, where the mock keeps a journal: names, numbers, members, signs."""
    size = this.many(19 * MEGABYTE)
    told = b"POST " + PATH.encode() + b" HTTP/1.1\r\nHost: mock\r\nConnection: close\r\nContent-Type: "
    members = b"{" + b",".join(b'"k%d":1' % number for number in range(size // 12)) + b"}"
    for kind, body in (
        (b"application/x-www-form-urlencoded", b"sign=1&a" + b"-" * min(size, 200_000) + b"a=1"),
        (b"text/plain", b"sign=1&" + b"a=b&" * (size // 4) + b" x"),
        (b"application/json", members),
    ):
        this.once(told + kind + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body, 5)
    this.once(sound(COMPARE | {"image_ref1": "1," * (size // 2) + "x"}), 5)
    odd = base64.b64encode(bytes(20) + b"a=;b=;c=" * 600).decode()
    this.once(sound(KYC | {"sign": odd}), 5)


ATTACKS: tuple[Callable[[Round], None], ...] = (
    truncated,
    oversized,
    slow,
    pipelined,
    null_bytes,
    many_parts,
    odd_parts,
    pictures,
    gzipped,
    idle,
    header_flood,
    bad_chunks,
    smuggled,
    absurd_length,
    other_protocols,
    mutated,
    loris,
    half_bodies,
    never_reads,
    impatient,
    bad_signs,
    control,
    costly_fields,
)
