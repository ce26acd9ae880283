"""Where a drill is played: an endpoint for it alone, the line to it, and the client that is started."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from biztoken.contract import Contract
from biztoken.drill.certificates import Certificate
from biztoken.drill.client import Client, environment
from biztoken.drill.judging import MOST_REQUESTS
from biztoken.drill.line import Line
from biztoken.drill.portraits import Portraits
from biztoken.drill.scenario import Scenario, grace
from biztoken.drill.seen import Connection, Seen, Sent
from biztoken.mock.gallery import Gallery
from biztoken.mock.journal import Entry
from biztoken.mock.keys import Key
from biztoken.mock.local import LocalMock


def make_key() -> Key:
    """A key that nobody knows but this run and its client."""
    return Key(f"drill-{secrets.token_hex(8)}", secrets.token_urlsafe(24))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A mock that plays one drill, and its `url`, for a client."""

    mock: LocalMock
    url: str
    line: Line | None = None

    @property
    def sent(self) -> tuple[Sent, ...]:
        """The requests so far, in the order in which they came."""
        return tuple(sent_of(entry) for entry in self.mock.entries)

    @property
    def connections(self) -> tuple[Connection, ...]:
        """How connections began, where the line looks."""
        return self.line.connections if self.line else ()


def sent_of(entry: Entry) -> Sent:
    """A request from the mock's journal."""
    return Sent(
        entry.received,
        entry.fields,
        entry.at,
        entry.ended,
        entry.end,
        entry.status,
        entry.answer,
        entry.answer_headers,
        entry.raw,
    )


def play(endpoint: LocalMock, scenario: Scenario) -> None:
    """Let a mock answer as the drill says."""
    endpoint.clear()
    endpoint.answer_next(*scenario.answers)
    if scenario.always is not None:
        endpoint.answer_always(scenario.always)


def open_endpoint(
    stack: ExitStack,
    scenario: Scenario,
    contract: Contract,
    key: Key,
    certificates: Mapping[str, Certificate],
    gallery: Gallery,
) -> Endpoint:
    """A mock that plays the drill until the stack is closed."""
    server = certificates[scenario.line].server if scenario.is_https else None
    mock = stack.enter_context(LocalMock(keys={key.api_key: key}, tls=server, contract=contract, gallery=gallery))
    play(mock, scenario)
    if not scenario.is_https:
        return Endpoint(mock, mock.url)
    port = urlsplit(mock.url).port or 0
    line = stack.enter_context(Line(port))
    return Endpoint(mock, mock.url.replace(f":{port}/", f":{line.port}/"), line)


@dataclass(slots=True)
class Stage:
    """What all drills of a run share. May be used by several threads; `stop` ends all clients and starts no more."""

    contract: Contract
    command: Sequence[str]
    timeout: float
    certificates: Mapping[str, Certificate]
    variables: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    key: Key = field(default_factory=make_key)
    gallery: Gallery = field(default_factory=Portraits)
    _clients: set[Client] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _is_over: bool = False

    def drill(self, scenario: Scenario) -> Seen | None:
        """Start the client in one drill and see it to its end; None where the run was stopped."""
        changed = threading.Event()
        with ExitStack() as stack:
            endpoint = open_endpoint(stack, scenario, self.contract, self.key, self.certificates, self.gallery)
            endpoint.mock.journal.listen.append(lambda _entry: changed.set())
            client = self._start(endpoint.url)
            if client is None:
                return None
            limit = self.timeout + grace(self.timeout)
            ending = client.wait(changed, lambda: len(endpoint.mock.entries) > MOST_REQUESTS, limit)
            with self._lock:
                self._clients.discard(client)
            return None if self._is_over else Seen(ending, endpoint.sent, endpoint.connections)

    def stop(self) -> None:
        """End every client that runs, and start no more."""
        with self._lock:
            self._is_over = True
            for client in self._clients:
                client.kill()

    def _start(self, url: str) -> Client | None:
        authority: Path | None = self.certificates["trusted"].authority
        variables = environment(self.variables, url, self.key.api_key, self.key.api_secret, authority)
        with self._lock:
            if self._is_over:
                return None
            client = Client(self.command, variables)
            self._clients.add(client)
        return client
