"""A client that runs already drills itself by five verbs over HTTP, on this machine only."""

from __future__ import annotations

import http.client
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
RUNNING = ROOT / "tests" / "clients" / "running.py"
EXAMPLES = {"python": [sys.executable, "client.py"], "node": ["node", "client.mjs"], "php": ["php", "client.php"]}


@dataclass
class Server:
    """A server of drills."""

    process: subprocess.Popen[str]
    url: str
    directory: Path

    def call(self, verb: str, said: Any = None, *, method: str = "", host: str = "") -> tuple[int, dict[str, Any]]:
        """One call: status and answer."""
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=30)
        body = said if isinstance(said, bytes) else None if said is None else json.dumps(said).encode()
        headers = {"Host": host} if host else {}
        try:
            connection.request(method or ("GET" if said is None else "POST"), f"/{verb}", body, headers)
            reply = connection.getresponse()
            return reply.status, json.loads(reply.read())
        finally:
            connection.close()

    @property
    def result(self) -> dict[str, Any]:
        return json.loads((self.directory / "result.json").read_text("utf-8"))


@pytest.fixture
def serving(tmp_path, monkeypatch):
    """Serve drills, with these options."""
    monkeypatch.setenv("CLIENT_TIMEOUT", "2")

    @contextmanager
    def serve(*options: str) -> Iterator[Server]:
        out = tmp_path / "out"
        command = [sys.executable, "-m", "biztoken", "drill", "--serve", "--timeout", "12", "--out", str(out), *options]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        try:
            yield Server(process, process.stdout.readline().split()[-1], out)
        finally:
            process.terminate()
            process.communicate(timeout=60)

    return serve


def run(server: Server, kind: str) -> int:
    """Let a client of ours go through all drills."""
    command = [sys.executable, str(RUNNING), server.url, kind]
    return subprocess.run(command, capture_output=True, timeout=120, check=False).returncode


def test_sound_client_passes(serving):
    """The exit code is told to the client and by the command, and the record is that of a run."""
    with serving() as server:
        told = run(server, "sound")
        code = server.process.wait(60)
    broken = [row["id"] for row in server.result["clauses"] if row["verdict"] in ("FAIL", "WARN")]

    assert (told, code, broken) == (0, 0, [])
    assert server.result["executed"] == server.result["planned"]


@pytest.mark.parametrize(
    ("kind", "select", "expected"),
    [
        ("no-retry", "server-error-twice", "CLIENT-RETRY"),
        ("takes-any-200", "page-with-200", "CLIENT-FAIL-CLOSED"),
        ("same-sign-on-retry", "sign-expired-once", "CLIENT-NEW-SIGN"),
        ("no-verification", "certificate", "CLIENT-CERTIFICATE"),
    ],
)
def test_habit_is_named(serving, kind, select, expected):
    """What the journal shows needs no exit status."""
    with serving("--select", select) as server:
        run(server, kind)
        server.process.wait(60)

    assert [row["id"] for row in server.result["clauses"] if row["verdict"] in ("FAIL", "WARN")] == [expected]


def test_verbs_tell_what_is_on(serving):
    """Each drill in its order, how far the client is, and the end."""
    with serving("--select", "slow") as server:
        _, listed = server.call("list")
        _, begun = server.call("start", {})
        _, first = server.call("next", {})
        _, status = server.call("status")
        _, second = server.call("next", {"outcome": "success"})
        _, done = server.call("next", {"outcome": "success"})

    assert [row["id"] for row in listed["drills"]] == ["success", "slow"]
    assert set(begun) == {"url", "api_key", "api_secret", "cacert", "timeout", "drills"}
    assert (first["drill"], first["left"], first["url"]) == ("success", 1, begun["url"])
    assert (status["drill"], status["requests"], status["left"]) == ("success", 0, 1)
    # Nothing was sent in the control: the rest proves nothing, and is not played.
    assert second == done == {"done": True}


def test_report_before_the_end_is_incomplete(serving):
    """What was not played is said to be missing."""
    with serving() as server:
        server.call("start", {})
        server.call("next", {})
        _, report = server.call("report", {})
        code = server.process.wait(60)

    assert (report["exit_code"], report["complete"], code) == (3, False, 3)


@pytest.mark.parametrize(
    ("call", "status"),
    [
        ({"verb": "nothing"}, 404),
        ({"verb": "next"}, 405),
        ({"verb": "list", "said": {}}, 405),
        ({"verb": "next", "said": b"no json"}, 400),
        ({"verb": "next", "said": [1]}, 400),
        ({"verb": "next", "said": {"outcome": "perhaps"}}, 400),
        ({"verb": "next", "said": {"output": 3}}, 400),
        ({"verb": "next", "said": b" " * 2_000_000}, 413),
        ({"verb": "next", "said": {}}, 409),
        ({"verb": "list", "host": "elsewhere.example:80"}, 403),
        ({"verb": "list", "method": "PUT"}, 501),
    ],
)
def test_misuse_is_told(serving, call, status):
    """One sentence, and the server goes on."""
    with serving("--select", "slow") as server:
        try:
            got = server.call(**call)
        except (ConnectionError, ValueError) as problem:  # closed while so much was still being sent; no JSON
            got = (status, {"error": str(problem)})
        after = server.call("list")

    assert got[0] == status
    assert got[1]["error"]
    assert after[0] == 200


def test_ctrl_c_leaves_a_record(serving):
    """Whoever gives up has a report of what there was."""
    with serving() as server:
        server.call("start", {})
        server.process.terminate()
        code = server.process.wait(60)

    assert code == 3
    assert server.result["reason"]["en"] == "The client did not ask for the report."


@pytest.mark.parametrize("language", EXAMPLES)
def test_example_is_a_sound_client(serving, language):
    """What docs/drill/ has is the whole protocol, and a client that passes it."""
    program, script = EXAMPLES[language]
    if shutil.which(program) is None:
        pytest.skip("no such interpreter")  # bench/drill_examples.py runs them all
    with serving() as server:
        command = [program, str(ROOT / "docs" / "drill" / script), server.url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
        server.process.wait(60)

    assert done.stdout.startswith("conformant"), done.stdout + done.stderr
    assert done.returncode == 0
