"""HTTP/1.1 over a plain socket: sends and reads at once, so that a reply that comes early is not lost.

Real servers answer a body that is too large before it is all sent, and close. A client that
first sends and then reads finds a reset connection instead of that reply.
"""

from __future__ import annotations

import base64
import select
import socket
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

import h11

from biztoken.errors import HarnessError
from biztoken.model import Reply

CHUNK = 65_536
LARGEST_REPLY = 8 * 1024 * 1024  # bytes; a get_biz_token reply has some hundred
# Seconds. A signal that comes just before a system call does not end the call; Python heeds it when the call returns.
LONGEST_WAIT = 0.25


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where requests go. `timeout` in seconds, for connecting and for each whole exchange."""

    url: str
    timeout: float = 30.0
    cacert: Path | None = None
    proxy: str | None = None

    @property
    def parts(self) -> SplitResult:
        return urlsplit(self.url)

    @property
    def host(self) -> str:
        """The Host header."""
        return self.parts.netloc.rpartition("@")[2]

    @property
    def address(self) -> tuple[str, int]:
        parts = self.parts
        return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)

    def proxy_headers(self) -> list[tuple[str, str]]:
        """The login of the proxy, where it has one."""
        proxy = urlsplit(self.proxy or "")
        if not proxy.username:
            return []
        login = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
        return [("Proxy-Authorization", f"Basic {base64.b64encode(login.encode()).decode()}")]

    def request_target(self, url: str) -> str:
        """What the request line names: the whole URL for a proxy that is to fetch it, else the path."""
        parts = urlsplit(url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return url if self.proxy and parts.scheme == "http" else path


def trust(endpoint: Endpoint) -> ssl.SSLContext:
    """What a certificate is held to. Reading it takes milliseconds: whoever opens many connections makes it once."""
    try:
        return ssl.create_default_context(cafile=str(endpoint.cacert) if endpoint.cacert else None)
    except (ssl.SSLError, OSError) as problem:
        raise HarnessError("tls", f"no TLS connection ({problem.__class__.__name__})") from None


class Connection:
    """One connection, warm or not. After `is_open` turns false only `close` is legal.

    `context`: of `trust`, where it was made before.
    """

    def __init__(self, endpoint: Endpoint, context: ssl.SSLContext | None = None) -> None:
        self._endpoint = endpoint
        self._context = context
        self._deadline = time.monotonic() + endpoint.timeout
        self.is_open = True
        self._was_cut = False
        self.socket = self._connect()

    def _connect(self) -> socket.socket:
        endpoint = self._endpoint
        proxy = urlsplit(endpoint.proxy) if endpoint.proxy else None
        address = (proxy.hostname or "", proxy.port or 80) if proxy else endpoint.address
        try:
            plain = socket.create_connection(address, timeout=endpoint.timeout)
        except OSError as problem:
            is_unknown = isinstance(problem, socket.gaierror)
            reason = "proxy" if proxy else "dns" if is_unknown else "connect"
            told = f"the host {address[0]} is unknown" if is_unknown else f"no connection to {address[0]}:{address[1]}"
            raise HarnessError(reason, told if is_unknown else f"{told} ({problem})") from None
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if proxy and endpoint.parts.scheme == "https":
                self._tunnel(plain, proxy)
            wrapped = self._secure(plain) if endpoint.parts.scheme == "https" else plain
        except BaseException:
            plain.close()
            raise
        wrapped.setblocking(False)
        return wrapped

    def _tunnel(self, plain: socket.socket, proxy: SplitResult) -> None:
        host, port = self._endpoint.address
        try:
            answer = self._ask_proxy(plain, f"{host}:{port}")
        except OSError as problem:
            raise HarnessError("proxy", f"the proxy {proxy.hostname} does not answer ({problem})") from None
        if answer.split(b" ", 2)[1:2] != [b"200"] or b"\r\n\r\n" not in answer:
            told = answer.splitlines()[0].decode("latin-1") if answer else "nothing"
            raise HarnessError("proxy", f"the proxy {proxy.hostname} refused ({told})")

    def _ask_proxy(self, plain: socket.socket, place: str) -> bytes:
        """The head of the proxy's answer to CONNECT, as far as it came."""
        login = "".join(f"{name}: {value}\r\n" for name, value in self._endpoint.proxy_headers())
        plain.sendall(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n{login}\r\n".encode())
        answer = b""
        while b"\r\n\r\n" not in answer and len(answer) < CHUNK:
            data = plain.recv(CHUNK)
            if not data:
                break
            answer += data
        return answer

    def _secure(self, plain: socket.socket) -> socket.socket:
        try:
            context = self._context or trust(self._endpoint)
            return context.wrap_socket(plain, server_hostname=self._endpoint.address[0])
        except ssl.SSLCertVerificationError as problem:
            raise HarnessError("tls", f"the certificate is not trusted ({problem.verify_message})") from None
        except (ssl.SSLError, OSError) as problem:
            raise HarnessError("tls", f"no TLS connection ({problem.__class__.__name__})") from None

    def exchange(self, method: str, data: bytes) -> Reply:
        """Send the bytes of a whole request and read its reply, both at once. HarnessError where none comes."""
        self._deadline = time.monotonic() + self._endpoint.timeout
        parser = ReplyParser(method)
        unsent = memoryview(data)
        try:
            while True:
                readable, writable = self._wait(bool(unsent))
                if writable and unsent:
                    unsent = self._send(unsent)
                if readable and self._receive(parser):
                    break
        except HarnessError:
            self.close()
            raise
        if unsent or self._was_cut or not parser.keeps_alive:
            self.close()
        return parser.reply()

    def is_alive(self) -> bool:
        """Whether it may carry another request: nothing came but what TLS keeps to itself."""
        try:
            self.socket.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            return False
        return False

    def is_idle(self) -> bool:
        """Whether nothing came since the last reply; what came would be the end, or no answer to us."""
        readable, _, _ = select.select([self.socket], [], [], 0)
        return not readable

    def _wait(self, wants_to_send: bool) -> tuple[bool, bool]:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise HarnessError("timeout", f"no reply within {self._endpoint.timeout:g} s")
        if isinstance(self.socket, ssl.SSLSocket) and self.socket.pending():
            return True, wants_to_send
        wanted = [self.socket] if wants_to_send else []
        readable, writable, _ = select.select([self.socket], wanted, [], min(left, LONGEST_WAIT))
        return bool(readable), bool(writable)

    def _send(self, unsent: memoryview) -> memoryview:
        try:
            return unsent[self.socket.send(unsent[: CHUNK * 4]) :]
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return unsent
        except OSError:
            self._was_cut = True
            return unsent[:0]  # the target closed its side; its reply may be there to read

    def _receive(self, parser: ReplyParser) -> bool:
        try:
            data = self.socket.recv(CHUNK)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        except OSError:
            data = b""
        return parser.feed(data)

    def close(self) -> None:
        self.is_open = False
        self.socket.close()


class ReplyParser:
    """Reads one reply from the bytes of a connection, 1xx replies skipped."""

    def __init__(self, method: str) -> None:
        self._parser = h11.Connection(h11.CLIENT)
        # The request went out by other means; the parser needs only its method, to know how the reply ends.
        self._parser.send(h11.Request(method=method, target="/", headers=[("Host", "target")]))
        self._parser.send(h11.EndOfMessage())
        self._head: h11.Response | None = None
        self._body = bytearray()
        self._seen = 0

    def feed(self, data: bytes) -> bool:
        """Take bytes (none: the connection ended); true once the reply is whole."""
        self._seen += len(data)
        if self._seen > LARGEST_REPLY:
            raise HarnessError("protocol", f"the reply is longer than {LARGEST_REPLY} bytes")
        try:
            self._parser.receive_data(data)
            while True:
                event = self._parser.next_event()
                if event is h11.NEED_DATA:
                    return False
                if isinstance(event, h11.Response):
                    self._head = event
                elif isinstance(event, h11.Data):
                    self._body += event.data
                elif isinstance(event, h11.EndOfMessage):
                    return True
                elif isinstance(event, h11.ConnectionClosed):
                    raise HarnessError("closed", "the connection was closed before a reply")
        except h11.RemoteProtocolError as problem:
            if data:
                raise HarnessError("protocol", f"the reply is no HTTP ({problem})") from None
            reason = "truncated" if self._head or self._seen else "closed"
            text = "in the middle of the reply" if reason == "truncated" else "before a reply"
            raise HarnessError(reason, f"the connection was closed {text}") from None

    @property
    def keeps_alive(self) -> bool:
        return self._parser.their_state is h11.DONE and self._parser.our_state is h11.DONE

    def reply(self) -> Reply:
        """The whole reply; only after `feed` said so."""
        assert self._head is not None  # noqa: S101 - `feed` returned true
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in self._head.headers)
        return Reply(self._head.status_code, headers, bytes(self._body))
