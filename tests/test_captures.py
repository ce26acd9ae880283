"""Requests of stock clients as they were on the wire: what the mock answers to each, and what lint finds in each.

The captures are made by bench/captures/make.py; manifest.yaml says what each must bring about.
"""

from __future__ import annotations

import json
import socket
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from conftest import Cli

from biztoken.contract import load
from biztoken.lint import lint
from biztoken.mock.keys import demo_keys
from biztoken.received import read_received

CAPTURES = Path(__file__).resolve().parent / "captures"
MANIFEST = yaml.safe_load((CAPTURES / "manifest.yaml").read_text("utf-8"))
LARGEST = 3_000_000  # bytes that all captures may take in the repository


@dataclass(frozen=True, slots=True)
class Capture:
    """A row of the manifest."""

    file: str
    client: str
    version: str
    habit: str
    findings: list[str]
    status: int
    error: str | None

    @property
    def data(self) -> bytes:
        return (CAPTURES / self.file).read_bytes()


ROWS = [Capture(**row) for row in MANIFEST["captures"]]
EACH = pytest.mark.parametrize("capture", [pytest.param(row, id=row.file.removesuffix(".http")) for row in ROWS])


@pytest.fixture(scope="module")
def mock(cli: Cli) -> Iterator[tuple[str, int]]:
    """The address of a mock whose clock for signs shows the time of the captures."""
    ago = int(time.time()) - MANIFEST["at"]
    with cli.mock([{"id": "clock-of-the-captures", "change": {"skew": f"{ago}s"}}]) as url:
        parts = urlsplit(url)
        yield str(parts.hostname), parts.port or 0


@EACH
def test_mock_answers_as_a_sound_endpoint(mock: tuple[str, int], capture: Capture) -> None:
    """Sent again byte for byte, a request gets the answer that the contract has for it."""
    with socket.create_connection(mock, timeout=30) as connection:
        connection.sendall(capture.data)
        reply = HTTPResponse(connection)
        reply.begin()
        told = json.loads(reply.read())

    assert (reply.status, told.get("error")) == (capture.status, capture.error)
    assert ("biz_token" in told) is (capture.status == 200)


@EACH
def test_lint_finds_the_mistake_and_no_other(capture: Capture) -> None:
    """What counts is told of each faulty request, and nothing of a sound one but, at most, advice."""
    received = read_received(capture.data, capture.file)

    told = lint(received, load(), dict(demo_keys().values()), MANIFEST["at"])

    assert {advice.id for advice in told if advice.counts} == set(capture.findings)


def test_manifest_names_every_file_once() -> None:
    """No capture lies about unjudged, and none is missing."""
    assert sorted(row.file for row in ROWS) == sorted(path.name for path in CAPTURES.glob("*.http"))


def test_set_is_broad() -> None:
    """At least 60 requests of ten clients, neither half below two fifths; it stays small."""
    sound = sum(not row.findings for row in ROWS)

    assert len(ROWS) >= 60
    assert len({row.client for row in ROWS}) >= 10
    assert 0.4 <= sound / len(ROWS) <= 0.6
    assert sum(path.stat().st_size for path in CAPTURES.iterdir()) < LARGEST
    assert min(Counter(row.client for row in ROWS).values()) >= 2


def test_secret_is_on_the_wire_only_where_that_is_the_mistake() -> None:
    """The captures themselves tell no secret of the demo keys, but for those whose habit it is."""
    secrets = [secret.encode() for _, secret in demo_keys().values()]

    telling = {row.habit for row in ROWS if any(secret in row.data for secret in secrets)}

    assert telling == {"secret"}
