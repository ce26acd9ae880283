"""Servers of a few lines for the tests of the wire: each connection is handed to a function in a thread of its own."""

import datetime
import ipaddress
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PATH = "/faceid/v3/sdk/get_biz_token"
LONGEST = 5.0  # seconds that a server waits for a client before it gives up
Handler = Callable[[socket.socket, int], None]


@dataclass
class TinyServer:
    """A listener on a free port, which counts its connections."""

    handler: Handler
    tls: ssl.SSLContext | None = None
    connections: int = 0
    scheme: str = "http"
    threads: list[threading.Thread] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.scheme = "https" if self.tls else "http"
        self.url = f"{self.scheme}://127.0.0.1:{self.port}{PATH}"
        self.threads.append(threading.Thread(target=self._accept))
        self.threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.settimeout(LONGEST)
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection, self.connections))
            self.threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        # What a client does to a connection is no error of the server's.
        with suppress(OSError), connection:
            if self.tls is None:
                self.handler(connection, number)
                return
            with self.tls.wrap_socket(connection, server_side=True) as secured:
                self.handler(secured, number)

    def close(self) -> None:
        """Stop listening, and wait for every thread."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join()


@contextmanager
def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> Iterator[TinyServer]:
    """A server that runs while the block does."""
    server = TinyServer(handler, tls)
    try:
        yield server
    finally:
        server.close()


def read_request(connection: socket.socket) -> bytes:
    """Read one request to its end; empty where the client closed."""
    data = bytearray()
    end = -1
    while end < 0 or len(data) < end:
        piece = connection.recv(1_000_000)
        if not piece:
            return b""
        data += piece
        if end < 0 and (at := data.find(b"\r\n\r\n")) >= 0:
            end = at + 4 + content_length(bytes(data[:at]))
    return bytes(data)


def content_length(head: bytes) -> int:
    """What a head says of the length of its body."""
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return int(lengths[0]) if lengths else 0


def answer(status: int = 200, body: bytes = b"{}", *headers: str) -> bytes:
    """A whole reply."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def saying(data: bytes) -> Handler:
    """A handler that reads a request, sends these bytes, and closes."""

    def handle(connection: socket.socket, _number: int) -> None:
        read_request(connection)
        connection.sendall(data)

    return handle


def reset(connection: socket.socket) -> None:
    """Close with a reset, as a server does that has not read all."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def request(size: int = 0, *, target: str = PATH) -> bytes:
    """The bytes of a whole request with a body of this size."""
    return f"POST {target} HTTP/1.1\r\nHost: target\r\nContent-Length: {size}\r\n\r\n".encode() + b"x" * size


@dataclass(frozen=True)
class Authority:
    """A certificate authority of our own: `ca` is its certificate, `context` that of a server it vouches for."""

    ca: Path
    context: ssl.SSLContext


def make_authority(directory: Path, *, address: str = "127.0.0.1") -> Authority:
    """A new authority and a server's certificate for an address."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")])
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test server")])
    ca = _certificate(ca_name, ca_name, ca_key, ca_key, x509.BasicConstraints(ca=True, path_length=None))
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    certificate = _certificate(name, ca_name, key, ca_key, alternative)
    pem = serialization.Encoding.PEM
    (directory / "ca.pem").write_bytes(ca.public_bytes(pem))
    (directory / "server.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(pem)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "server.pem")
    return Authority(directory / "ca.pem", context)


def _certificate(subject, issuer, key, signing_key, extension) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(extension, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()), critical=False)
        .sign(signing_key, hashes.SHA256())
    )
