"""What was seen of a client in one drill: its requests with their answers, its connections, its end and its words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from biztoken.model import Reply
from biztoken.reading import Outcome, Reading, read
from biztoken.received import Received

ANSWERED = "answered"  # the end of a request whose whole answer was sent


@dataclass(frozen=True, slots=True)
class Sent:
    """One request and its answer. `at`, `ended`: seconds since the epoch, `ended` None while it is under way.

    `end`: answered, cut (the endpoint closed the connection), gone (the client did) or None. `fields`: the first of
    each name, a file as bytes. `raw`: the whole of it as on the wire.
    """

    received: Received
    fields: Mapping[str, str | bytes]
    at: float
    ended: float | None = None
    end: str | None = None
    status: int | None = None
    answer: bytes = b""
    answer_headers: tuple[tuple[str, str], ...] = ()
    raw: bytes = field(default=b"", repr=False)

    @property
    def reading(self) -> Reading | None:
        """The answer taken apart, None where no whole one was sent."""
        if self.end != ANSWERED or self.status is None:
            return None
        return read(Reply(self.status, self.answer_headers, self.answer))

    @property
    def is_granted(self) -> bool:
        """Whether it was answered with a biz_token, whole."""
        reading = self.reading
        if reading is None or reading.data is None:
            return False
        return reading.outcome is Outcome.ACCEPTED and bool(reading.data.get("biz_token"))

    @property
    def told(self) -> str:
        """The answer in a few words of the contract."""
        reading = self.reading
        if reading is None:
            return ""
        text = reading.error or ("biz_token" if self.is_granted else "")
        return f"{reading.status} {text}".strip()

    def text(self, name: str) -> str:
        """A field's text, empty where there is none."""
        value = self.fields.get(name)
        return value if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection to the endpoint. `size`: bytes that the client sent.

    `opening`: tls (the client began a handshake), clear (it sent something in the clear), or nothing.
    """

    opening: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True)
class Ending:
    """How a client ended. `status`: its exit status, negative for a signal, None where it was stopped by us.

    `succeeded`: whether it says that it has a biz_token, None where it does not say. `stopped`: why it was stopped:
    "" where it was not, time (its time was over), requests (it sent more than anybody needs).
    """

    seconds: float
    status: int | None = None
    succeeded: bool | None = None
    output: str = ""
    stopped: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything seen in a drill. `connections`: those of drills that look at the line, else empty."""

    ending: Ending
    sent: tuple[Sent, ...] = ()
    connections: tuple[Connection, ...] = ()

    @property
    def is_granted(self) -> bool:
        """Whether the client was given a biz_token."""
        return any(request.is_granted for request in self.sent)

    @property
    def is_silent(self) -> bool:
        """Whether nothing reached the endpoint."""
        return not self.sent and not any(connection.size for connection in self.connections)
