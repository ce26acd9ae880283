"""The fixture for integrators' own tests: a mock in milliseconds, used as they would use it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from mock_service import BOUNDARY, KYC, RAW, body

from biztoken import testing
from biztoken.testing import MockEndpoint, person, picture

mock_endpoint = testing.mock_endpoint  # as `from biztoken.testing import mock_endpoint` does
ROOT = Path(__file__).resolve().parents[1]
HEADERS = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def send(mock: MockEndpoint, **more: str | bytes) -> requests.Response:
    """A sound request, changed."""
    someone = person(1)
    fields = KYC | {"idcard_name": someone.name, "idcard_number": someone.number} | more
    return requests.post(mock.url, data=body(fields), headers=HEADERS, timeout=20)


def test_answers_are_chosen_and_requests_read_back(mock_endpoint: MockEndpoint) -> None:
    """Nothing else is needed: no process, no port, no waiting."""
    mock_endpoint.answer_next("INTERNAL_ERROR", "success")

    statuses = [send(mock_endpoint).status_code for _ in range(2)]

    assert statuses == [500, 200]
    assert [entry.status for entry in mock_endpoint.entries] == [500, 200]
    assert mock_endpoint.entries[0].fields["liveness_type"] == "meglive"


def test_each_test_gets_a_mock_of_its_own(mock_endpoint: MockEndpoint) -> None:
    """What an earlier test did is not there."""
    assert mock_endpoint.entries == []
    assert mock_endpoint.choices.next == []


def test_findings_say_what_the_client_does_wrong(mock_endpoint: MockEndpoint) -> None:
    """None for a sound request; the mistake, where there is one."""
    send(mock_endpoint)
    assert mock_endpoint.findings == []

    send(mock_endpoint, bizno="1")
    assert [finding.id for finding in mock_endpoint.findings] == ["unknown-field"]


def test_people_and_pictures_are_good_enough_for_the_mock(mock_endpoint: MockEndpoint) -> None:
    """With them a request succeeds, and with other pictures it fails as it should."""
    assert send(mock_endpoint, **(RAW | {"image": picture()})).status_code == 200
    assert send(mock_endpoint, **(RAW | {"image": picture("two-faces")})).json()["error"] == "MULTIPLE_FACES"


def test_a_client_that_is_a_process_gets_its_environment(mock_endpoint: MockEndpoint) -> None:
    """URL, key and secret, by the names that other commands use."""
    program = "import os; print(*(os.environ['BIZTOKEN_' + name] for name in ('URL', 'API_KEY', 'API_SECRET')))"
    done = subprocess.run(
        [sys.executable, "-c", program], env=mock_endpoint.environment, capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == [mock_endpoint.url, mock_endpoint.api_key, mock_endpoint.api_secret]


@pytest.mark.parametrize("name", ["docs/client.md", "docs/client.zh.md"])
def test_the_example_of_the_document_runs(tmp_path: Path, name: str) -> None:
    """Copied into a file, with the plugin named, it is a test that passes, and fails where the client is wrong."""
    (example,) = [
        block
        for block in re.findall(r"^```python\n(.*?)^```$", (ROOT / name).read_text("utf-8"), re.MULTILINE | re.DOTALL)
        if "mock_endpoint" in block
    ]
    (tmp_path / "test_client.py").write_text(example, "utf-8")
    wrong = example.replace('"CONCURRENCY_LIMIT_EXCEEDED", "success"', '"CONCURRENCY_LIMIT_EXCEEDED", "INTERNAL_ERROR"')
    (tmp_path / "test_wrong.py").write_text(wrong, "utf-8")

    codes = [
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", file],
            check=False,
            cwd=tmp_path,
            capture_output=True,
        ).returncode
        for file in ("test_client.py", "test_wrong.py")
    ]

    assert wrong != example
    assert codes == [0, 1]


def test_it_is_a_plugin_too(tmp_path: Path) -> None:
    """Named in conftest.py, every test of a directory has the fixture."""
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["biztoken.testing"]\n', "utf-8")
    (tmp_path / "test_it.py").write_text(
        "def test_it(mock_endpoint):\n    assert mock_endpoint.url.startswith('http://127.0.0.1:')\n", "utf-8"
    )

    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, check=False, cwd=tmp_path)

    assert done.returncode == 0
