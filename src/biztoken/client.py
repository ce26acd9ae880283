"""The suite's own client: encodes, signs at send time, sends, and records every exchange."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from random import Random
from urllib.parse import urlencode, urlsplit

from urllib3.fields import RequestField

from biztoken.budget import Budget
from biztoken.burst import Shot, Volley, fire
from biztoken.errors import HarnessError
from biztoken.evidence import Evidence
from biztoken.model import Exchange, Form, Json, Reply, Upload
from biztoken.recording import Recording
from biztoken.settings import Target
from biztoken.signing import Key, make_sign
from biztoken.wire import Connection, Endpoint

SIGN = "@@sign@@"  # stands in a form for the signature that is made when it is sent
FORGIVEN = 3  # kept connections closed under a request, before that is a habit


class NotRecordedError(Exception):
    """A request that would have to be sent, where none may be."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to send. `sign` spoils the signature (see signing.make_sign); `how` is the transport's oddity."""

    form: Form
    key: str = "active"
    sign: Mapping[str, str] | None = None
    method: str = "POST"
    path: str | None = None
    body: str = "form-data"  # or urlencoded, json, or a name in ODD_FORMS


class Client:
    """Sends requests to one target, one after another over one connection where the target keeps it.

    With a `recording` each request is first answered from it, and sent only where it holds no more; where the client
    is not `live`, NotRecordedError.
    """

    def __init__(
        self,
        target: Target,
        evidence: Evidence,
        *,
        seed: int = 0,
        budget: Budget | None = None,
        recording: Recording | None = None,
        live: bool = True,
    ) -> None:
        self.target = target
        self.budget = budget or Budget()
        self._recording = recording
        self._live = live
        self.endpoint = Endpoint(target.url, target.timeout, target.cacert, target.proxy)
        self._evidence = evidence
        self._rng = Random(seed)
        self._ids = count(recording.last_id + 1 if recording else 1)
        self._connection: Connection | None = None
        self._closes_idle = False
        self._reopened = 0
        self._next_slot = 0.0
        self._bursts = count(1)

    @property
    def sent(self) -> int:
        """Requests sent so far, those of the recording included."""
        return self.budget.spent

    def send(self, request: Request, *, case: str, role: str, attempt: int = 1) -> Exchange:
        """Send a request and record the exchange; its `failure` says why there is no reply.

        OutOfBudgetError where it would be one too many.
        """
        recorded = self._recorded(request, case, role)
        if recorded is not None:
            return recorded
        form = self.signed(request)
        return self._send(request, form, self.encode(request, form), case=case, role=role, attempt=attempt)

    def send_bytes(
        self, request: Request, form: Form, data: bytes, *, case: str, role: str, attempt: int = 1
    ) -> Exchange:
        """Send the bytes of a request made before."""
        recorded = self._recorded(request, case, role)
        # Nobody sends these bytes a second time, so a kept connection gets its second chance here.
        return recorded or self._send(request, form, data, case=case, role=role, attempt=attempt, again=True)

    def burst(self, requests: Sequence[Request], *, case: str, role: str) -> tuple[list[Exchange], float]:
        """Send requests at the same moment: their exchanges, and the seconds over which they were spread.

        HarnessError where they cannot be sent.
        """
        forms = [request.form for request in requests]
        recorded = self._recording.take_burst(case, role, forms, "") if self._recording else None
        if recorded is not None:
            return recorded
        signed, encoded = self.ready(requests)
        volley = fire(self.endpoint, encoded)
        told = self.told_of(volley)
        exchanges = []
        for request, form, shot in zip(requests, signed, volley.shots, strict=True):
            exchange = self.exchange_of(request, form, shot)
            self.record(exchange, request, case=case, role=role, burst=told)
            exchanges.append(exchange)
        return exchanges, volley.spread

    def ready(self, requests: Sequence[Request]) -> tuple[list[Form], list[bytes]]:
        """The forms and the bytes of requests that are about to be sent, signed now; they count as sent."""
        self._allow(len(requests))
        signed = [self.signed(request) for request in requests]
        return signed, [self.encode(request, form) for request, form in zip(requests, signed, strict=True)]

    def told_of(self, volley: Volley) -> Json:
        """What records say of a burst: which it was, and over how many milliseconds it was spread."""
        return {"number": next(self._bursts), "spread_ms": round(volley.spread * 1000, 3)}

    def exchange_of(self, request: Request, form: Form, shot: Shot) -> Exchange:
        """A shot as an exchange. It began with its first byte: time_used may count from there."""
        times = (shot.opened, shot.ended)
        return self._exchange(request, form, shot.sent, times, shot.reply, shot.failure)

    def wait(self, seconds: float) -> None:
        """Wait, unless all that follows was recorded."""
        if self._live:
            time.sleep(seconds)  # quotas and slots come back with time; there is no event

    def _recorded(self, request: Request, case: str, role: str) -> Exchange | None:
        if self._recording is None:
            return None
        return self._recording.take(case, role, request.form, request.method, _note(request))

    def _allow(self, requests: int) -> None:
        if not self._live:
            raise NotRecordedError
        self.budget.take(requests)

    def _send(
        self, request: Request, form: Form, data: bytes, *, case: str, role: str, attempt: int, again: bool = False
    ) -> Exchange:
        self._allow(1)
        self.pace()
        started = time.monotonic()
        reply: Reply | None = None
        failure = None
        try:
            reply = self._transmit(request.method, data, again=again)
        except HarnessError as problem:
            failure = f"{problem.reason}: {problem}"
        times = (started, time.monotonic())
        exchange = self._exchange(request, form, len(data), times, reply, failure)
        self.record(exchange, request, case=case, role=role, attempt=attempt)
        return exchange

    def _exchange(
        self,
        request: Request,
        form: Form,
        sent_bytes: int,
        times: tuple[float, float],
        reply: Reply | None,
        failure: str | None,
    ) -> Exchange:
        """The exchange of a request that was sent."""
        return Exchange(
            next(self._ids), form, sent_bytes, *times, reply, failure, method=request.method, note=_note(request)
        )

    def record(
        self, exchange: Exchange, request: Request, *, case: str, role: str, attempt: int = 1, burst: Json | None = None
    ) -> None:
        """Append an exchange to the evidence."""
        url = self.url(request.path)
        self._evidence.exchange(exchange, url=url, case=case, role=role, attempt=attempt, burst=burst)

    def signed(self, request: Request) -> Form:
        """The form with a fresh signature in its place."""
        key = self._signing_key(request)
        return tuple(
            (name, make_sign(key, now=int(time.time()), rng=self._rng, how=request.sign) if value == SIGN else value)
            for name, value in request.form
        )

    def _signing_key(self, request: Request) -> Key:
        """The key of a request; a case may ask for the secret of another one."""
        key = self.target.keys[request.key]
        if (request.sign or {}).get("secret") != "of-another-key":
            return key
        other = next(other for role, other in self.target.keys.items() if role != request.key)
        return Key(key.api_key, other.api_secret)

    def encode(self, request: Request, form: Form) -> bytes:
        """The whole request as bytes."""
        return encode_request(self.endpoint, self.url(request.path), request, form, self._rng)

    def url(self, path: str | None = None) -> str:
        """The target's URL, or one beside it: `path` replaces its last segment."""
        if path is None:
            return self.target.url
        parts = urlsplit(self.target.url)
        return parts._replace(path=parts.path.rpartition("/")[0] + "/" + path, query="").geturl()

    def pace(self) -> None:
        """Wait until the target's `max_rate` allows one more request."""
        if self.target.max_rate is None:
            return
        now = time.monotonic()
        time.sleep(max(0.0, self._next_slot - now))  # a rate is a matter of time: there is no event to wait for
        self._next_slot = max(now, self._next_slot) + 1 / self.target.max_rate

    def _transmit(self, method: str, data: bytes, *, again: bool) -> Reply:
        """Send and read on the kept connection, or on a new one.

        A target that closes idle connections without a word may close one just as a request is on its way: that says
        nothing about the request, which is sent `again`. One on this machine that is never seen to do so, and does it
        for more than FORGIVEN requests, drops them; elsewhere what lies between may close them, too.
        """
        if self._connection is not None and self._connection.is_open and not self._connection.is_idle():
            self._closes_idle = True
            self._connection.close()
        if self._connection is not None and self._connection.is_open:
            try:
                return self._connection.exchange(method, data)
            except HarnessError as problem:
                if problem.reason != "closed":
                    raise
                self._reopened += 1
                is_chance = again or self._closes_idle or not self.target.is_loopback
                if self._reopened > FORGIVEN and not is_chance:
                    raise
        self._connection = Connection(self.endpoint)
        return self._connection.exchange(method, data)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()


def _note(request: Request) -> str:
    """What was unusual about how a request was made."""
    notes = [f"key {request.key}"] if request.key != "active" else []
    notes += [f"body {request.body}"] if request.body != "form-data" else []
    made = " ".join(f"{key}={value}" for key, value in (request.sign or {}).items())
    return " ".join([*notes, f"sign {made}"] if made else notes)


def encode_request(endpoint: Endpoint, url: str, request: Request, form: Form, rng: Random) -> bytes:
    """A whole request for a URL as bytes, its form as given."""
    pieces, content_type = _encode_body(request.body, form, rng)
    head = f"{request.method} {endpoint.request_target(url)} HTTP/1.1\r\n"
    head += f"Host: {endpoint.host}\r\nUser-Agent: biztoken\r\nAccept: */*\r\nContent-Type: {content_type}\r\n"
    if endpoint.parts.scheme == "http":
        head += "".join(f"{name}: {value}\r\n" for name, value in endpoint.proxy_headers())
    head += f"Content-Length: {sum(map(len, pieces))}\r\n\r\n"
    return b"".join((head.encode(), *pieces))  # in one go: a body may be 20 MB long


def _encode_body(kind: str, form: Form, rng: Random) -> tuple[Sequence[bytes], str]:
    """The pieces of the body, and its media type."""
    if kind == "urlencoded":
        return [urlencode(_texts(form)).encode()], "application/x-www-form-urlencoded"
    boundary = f"biztoken{rng.getrandbits(96):024x}"
    if kind in ODD_FORMS:
        body, content_type = ODD_FORMS[kind](form, boundary)
        return [body], content_type
    delimiter = f"--{boundary}\r\n".encode()
    pieces = []
    for name, value in form:
        if isinstance(value, Upload):
            head, data = _part_head(name, value.filename, value.media_type or "application/octet-stream"), value.data
        else:
            head, data = _part_head(name, None, None), value.encode("utf-8", "surrogatepass")
        pieces += [delimiter, head, data, b"\r\n"]
    return [*pieces, f"--{boundary}--\r\n".encode()], f"multipart/form-data; boundary={boundary}"


@lru_cache(maxsize=256)
def _part_head(name: str, filename: str | None, content_type: str | None) -> bytes:
    """The headers of a part, and the blank line after them."""
    field = RequestField(name, b"", filename)
    field.make_multipart(content_type=content_type)
    return field.render_headers().encode()


def _texts(form: Form) -> list[tuple[str, str]]:
    return [(name, value) for name, value in form if isinstance(value, str)]


def _parts(form: Form, boundary: str, text_headers: str = "", newline: str = "\r\n") -> Iterable[bytes]:
    for name, value in form:
        head = f"--{boundary}{newline}"
        if isinstance(value, Upload):
            head += f'Content-Type: image/jpeg{newline}Content-Disposition: form-data; name="{name}"; filename="p.jpg"'
        else:
            head += f'Content-Disposition: form-data; name="{name}"{text_headers}'
        data = value.data if isinstance(value, Upload) else value.encode()
        yield f"{head}{newline}{newline}".encode() + data + newline.encode()


def _odd(
    *, prefix: bytes = b"", suffix: str = "", end: bytes = b"\r\n", text_headers: str = "", newline: str = "\r\n"
) -> Callable[[Form, str], tuple[bytes, str]]:
    def encode(form: Form, boundary: str) -> tuple[bytes, str]:
        boundary += suffix
        body = prefix + b"".join(_parts(form, boundary, text_headers, newline)) + f"--{boundary}--".encode() + end
        return body, f'multipart/form-data; boundary="{boundary}"'

    return encode


# Multipart as real clients send it: legal or common, and the contract says nothing about it.
ODD_FORMS: Mapping[str, Callable[[Form, str], tuple[bytes, str]]] = {
    "preamble": _odd(prefix=b"This is a message in several parts.\r\n"),
    "leading-newline": _odd(prefix=b"\r\n"),
    "dashed-boundary": _odd(suffix="-----"),
    "long-boundary": _odd(suffix="x" * 60),
    "no-final-newline": _odd(end=b""),
    "text-part-headers": _odd(text_headers="\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: 8bit"),
    "bare-newlines": _odd(newline="\n"),
}
