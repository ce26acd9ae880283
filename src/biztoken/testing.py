"""For the tests of an integrator: the mock as a pytest fixture, there in milliseconds.

Import `mock_endpoint` into conftest.py or a test, or name it there: `pytest_plugins = ["biztoken.testing"]`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest

from biztoken.lint import Advice, lint, lint_steps, step
from biztoken.mock.journal import Entry
from biztoken.mock.local import LocalMock
from biztoken.people import Person, make_person
from biztoken.pictures import Pictures

__all__ = ["Entry", "MockEndpoint", "mock_endpoint", "person", "picture"]


class MockEndpoint(LocalMock):
    """A mock for the time of a test; what is sent to it stays in this process.

    `url`, `api_key`, `api_secret`; `answer_next`, `answer_always`; `entries`, `wait_for`; `clear`.
    """

    @property
    def environment(self) -> dict[str, str]:
        """URL, key and secret as variables, for a client that is a process of its own."""
        return {
            "BIZTOKEN_URL": self.url,
            "BIZTOKEN_API_KEY": self.api_key,
            "BIZTOKEN_API_SECRET": self.api_secret,
        }

    @property
    def findings(self) -> list[Advice]:
        """What lint finds wrong with the requests that came, each by itself and all in sequence; no mere advice."""
        entries = [entry for entry in self.entries if entry.received.method and entry.kept]
        secrets = {key.api_key: key.api_secret for key in self.keys.values()}
        alone = [lint(entry.judged, self.contract, secrets, entry.at) for entry in entries]
        steps = [
            step(entry.judged, entry.status, found, self.contract) for entry, found in zip(entries, alone, strict=True)
        ]
        together = lint_steps(steps, self.contract)
        pairs = zip(alone, together, strict=True)
        return [advice for one, beside in pairs for advice in (*one, *beside) if advice.counts]


@pytest.fixture
def mock_endpoint() -> Iterator[MockEndpoint]:
    """A mock of its own for each test, on a free port of this machine."""
    with MockEndpoint() as running:
        yield running


def person(seed: int = 0) -> Person:
    """A synthetic person: `name`, and a `number` of 18 characters that nobody can have."""
    return make_person(seed)


def picture(name: str = "face") -> bytes:
    """A JPEG with one face; or another of the names in docs/cases.md, such as two-faces, no-face or blurred-3."""
    return _pictures().get(name).data


@cache
def _pictures() -> Pictures:
    return Pictures()
