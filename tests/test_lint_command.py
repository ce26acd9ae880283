"""The command `lint`: what it prints, its exit codes, and its keys."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from lint_requests import API_KEY, KYC, NOW, PATH, SECRET, body_of, parts_of, sign_of, text_of

from biztoken.cli import main
from biztoken.errors import UserError
from biztoken.lint.keys import load_keys
from biztoken.mock.keys import DEMO_FILE, demo

BOUNDARY = "boundary-of-tests"


def run(*arguments: object) -> tuple[int, str]:
    """Exit code and what was printed."""
    done = CliRunner().invoke(main, ["lint", *map(str, arguments)])
    return done.exit_code, done.output


def wire(**changes: str) -> bytes:
    """A request as bytes on the wire."""
    body = body_of(parts_of({**KYC, **changes}))
    head = f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """A file with a sound request."""
    (tmp_path / "sound.http").write_bytes(wire())
    return tmp_path / "sound.http"


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    """A file with an unlisted value and a sign of another secret."""
    (tmp_path / "faulty.http").write_bytes(wire(verbose="9", sign=sign_of(text_of(), "another")))
    return tmp_path / "faulty.http"


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A file with the key of the tests."""
    (tmp_path / "keys.yaml").write_text(f"keys: [{{api_key: {API_KEY}, api_secret: {SECRET}}}]")
    return tmp_path / "keys.yaml"


def test_sound_request_exits_0(sound: Path, keys: Path) -> None:
    """Nothing above advice."""
    assert run("--keys", keys, "--now", NOW, sound) == (0, f"{sound}: nothing to mend\n")


def test_findings_exit_1_and_are_told(faulty: Path, keys: Path) -> None:
    """Each with its id, its level and what to do, in either language."""
    code, out = run("--keys", keys, faulty)

    assert code == 1
    assert "breaks  sign-wrong-secret  [SIGN-SIGNATURE]" in out
    assert "report  value-out-of-list  [VERBOSE-VALUES-REFUSED]" in out
    assert "fix: Send one of: 0, 1." in out
    assert "修改：发送其中之一：0, 1。" in run("--lang", "zh", faulty)[1]


def test_json_has_one_line_for_each_file(sound: Path, faulty: Path) -> None:
    """{file, findings: [{id, level, message}]}, in the order of the command."""
    code, out = run("--json", sound, faulty)
    first, second = map(json.loads, out.splitlines())

    assert code == 1
    assert first == {"file": str(sound), "findings": []}
    assert [sorted(row) for row in second["findings"]] == [["id", "level", "message"]]
    assert (second["findings"][0]["id"], second["findings"][0]["level"]) == ("value-out-of-list", "report")


def test_chunked_request_is_read(tmp_path: Path) -> None:
    """The bytes may be chunked, as on the wire."""
    head, _, body = wire().partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.startswith(b"Content-Length")]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(body[at : at + 99]), body[at : at + 99]) for at in range(0, len(body), 99))
    (tmp_path / "chunked.http").write_bytes(
        b"\r\n".join([*lines, b"Transfer-Encoding: chunked"]) + b"\r\n\r\n" + chunks + b"0\r\n\r\n"
    )

    assert run(tmp_path / "chunked.http")[0] == 0


def test_sequence_is_judged_where_asked_for(sound: Path) -> None:
    """The same sign in two files is a finding of the second."""
    _, out = run("--json", "--sequence", sound, sound)

    assert run(sound, sound)[0] == 0
    assert [[row["id"] for row in json.loads(line)["findings"]] for line in out.splitlines()] == [[], ["sign-reused"]]


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"POST /x HTTP/1.1\r\nHost: a\r\n"])
def test_what_is_no_request_is_the_users_mistake(tmp_path: Path, content: bytes) -> None:
    """Exit 2 and one sentence that names the file."""
    (tmp_path / "other.http").write_bytes(content)

    code, out = run(tmp_path / "other.http")

    assert code == 2
    assert "other.http" in out
    assert "Traceback" not in out


def test_two_requests_in_a_file_are_the_users_mistake(tmp_path: Path, sound: Path) -> None:
    """A recording of a whole connection is told, not read as one odd request."""
    (tmp_path / "two.http").write_bytes(2 * sound.read_bytes())

    code, out = run(tmp_path / "two.http")

    assert code == 2
    assert "more than one request" in out


def test_missing_files_are_the_users_mistake(tmp_path: Path, sound: Path) -> None:
    """Request and keys alike."""
    assert run(tmp_path / "none.http")[0] == 2
    assert run("--keys", tmp_path / "none.yaml", sound)[0] == 2


def test_keys_of_the_mock_and_of_a_target_are_read(tmp_path: Path) -> None:
    """One file serves the mock, check and lint; a secret may come from the environment."""
    target = tmp_path / "target.yaml"
    target.write_text("url: http://127.0.0.1\nkeys:\n  active: {api_key: one, api_secret: env:ONE}\n")

    assert load_keys(DEMO_FILE) == {name: key.api_secret for name, key in demo().items()}
    assert load_keys(target, {"ONE": "secret"}) == {"one": "secret"}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("keys: []", "keys.yaml"),
        ("[1]", "keys.yaml"),
        ("keys: {a", "keys.yaml"),
        ("keys: [{api_key: a}]", "key 1: api_secret"),
        ("keys: [7]", "key 1: api_key"),
        ("keys: {active: {api_key: a, api_secret: env:NONE}}", "active: NONE"),
    ],
)
def test_mistake_in_the_keys_is_told_where_it_is(tmp_path: Path, text: str, named: str) -> None:
    """The sentence names the place as the user wrote it, in both languages."""
    (tmp_path / "keys.yaml").write_text(text)

    with pytest.raises(UserError) as caught:
        load_keys(tmp_path / "keys.yaml", {})

    assert named in str(caught.value)
    assert caught.value.zh


@pytest.mark.parametrize("now", ["nan", "inf", "-5", "1764000000000"])
@pytest.mark.parametrize("command", [["lint"], ["sign", "explain"]])
def test_time_that_is_none_is_the_users_mistake(command: list[str], now: str) -> None:
    """What is no number of seconds since 1970 would make every sign sound or expired."""
    done = CliRunner().invoke(main, [*command, f"--now={now}", "x"])

    assert done.exit_code == 2
    assert "--now" in done.output


@pytest.mark.parametrize("seconds", ["nan", "inf"])
def test_limit_that_is_none_is_the_users_mistake(seconds: str) -> None:
    """A drill ends."""
    done = CliRunner().invoke(main, ["drill", "--timeout", seconds, "--", "true"])

    assert done.exit_code == 2
    assert "--timeout" in done.output


def test_keys_that_are_nested_without_end_are_the_users_mistake(tmp_path: Path, sound: Path) -> None:
    """A file of brackets is no YAML of keys."""
    (tmp_path / "keys.yaml").write_text("[" * 100_000)

    assert run("--keys", tmp_path / "keys.yaml", sound)[0] == 2


def test_request_is_read_from_the_standard_input() -> None:
    """As curl and sign explain have it, - is no file."""
    done = CliRunner().invoke(main, ["lint", "-"], input=wire())

    assert (done.exit_code, done.output) == (0, "-: nothing to mend\n")
