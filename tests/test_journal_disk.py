"""The journal on disk: complete up to a kill, bounded, readable by its owner alone, and gone on with afterwards."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
import requests
from conftest import wait_until
from mock_service import FACE, KYC, RAW, Service, read_reply, running, sign

from biztoken.errors import UserError
from biztoken.mock.archive import NAME, OLDER, Archive, read_archive

PATIENCE = 20


def control(service: Service, path: str) -> Any:
    """What the control API tells."""
    host, port = service.address
    reply = requests.get(f"http://{host}:{port}/_biztoken/api/{path}", timeout=PATIENCE)
    reply.raise_for_status()
    return reply.json()


def test_a_killed_mock_leaves_its_journal(tmp_path: Path) -> None:
    """What was answered is there with its answer, what was under way with the request; no word is private."""
    slow = [{"id": "never", "when": {"match": {"verbose": "1"}}, "change": {"close": "never"}}]
    (tmp_path / "faults.yaml").write_text(json.dumps(slow), "utf-8")
    with running(journal=tmp_path / "journal", faults=tmp_path / "faults.yaml") as service:
        for _ in range(20):
            service.post(KYC)
        service.post(RAW | {"image": FACE})
        with service.connect() as connection:
            connection.sendall(service.request(KYC | {"verbose": "1"}))
            wait_until(lambda: len(read_archive(tmp_path / "journal")) == 22)
            service.process.kill()
            service.process.wait()

    found = read_archive(tmp_path / "journal")
    assert sorted(found) == list(range(1, 23))
    assert [entry["answer"]["status"] for entry in found.values() if "answer" in entry] == [200] * 21
    assert "answer" not in found[22]
    assert found[22]["request"]["is_whole"]
    text = (tmp_path / "journal" / NAME).read_text("utf-8")
    assert KYC["idcard_number"] not in text
    assert KYC["idcard_name"] not in text


def test_a_torn_line_is_passed_over_and_stays_alone(tmp_path: Path) -> None:
    """What a kill cut in two takes nothing else with it: neither what came before nor what is written next."""
    archive = Archive(tmp_path)
    archive.write(1, "request", {"id": 1})
    archive.close()
    with (tmp_path / NAME).open("ab") as file:
        file.write(b'{"id": 2, "reque')
    again = Archive(tmp_path)
    again.write(3, "request", {"id": 3})
    again.close()

    assert list(read_archive(tmp_path)) == [1, 3]


@pytest.mark.parametrize(
    "line", ["", "null", "[]", "7", '{"id": 1}', '{"id": "1", "request": {}}', '{"id": 1, "x": 2}']
)
def test_foreign_lines_are_passed_over(tmp_path: Path, line: str) -> None:
    """A file that somebody wrote into is still read."""
    (tmp_path / NAME).write_text(f'{line}\n{{"id": 9, "request": {{}}}}\n', "utf-8")

    assert list(read_archive(tmp_path)) == [9]


def test_the_next_mock_goes_on(tmp_path: Path) -> None:
    """Entries of an earlier run are shown, without their bytes, and numbers go on."""
    with running(journal=tmp_path) as service:
        service.post(KYC)
        before = control(service, "entries")
    with running(journal=tmp_path) as service:
        service.post(KYC)
        after = control(service, "entries")

        assert [row["id"] for row in after["entries"]] == [1, 2]
        assert after["entries"][0] == before["entries"][0]
        assert after["cursor"] > before["cursor"]
        assert [control(service, f"entries/{number}")["has_bytes"] for number in (1, 2)] == [False, True]


def test_the_journal_is_bounded_on_disk(tmp_path: Path) -> None:
    """The newest are there, never more than the room that was given."""
    archive = Archive(tmp_path, most_bytes=20_000)
    for number in range(1, 501):
        archive.write(number, "request", {"id": number, "text": "x" * 100})
    archive.close()

    found = read_archive(tmp_path)
    assert max(found) == 500
    assert len(found) > 50
    assert sum((tmp_path / name).stat().st_size for name in (NAME, OLDER)) <= 20_000


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    """Directory and files are closed to others."""
    archive = Archive(tmp_path / "journal", keeps_raw=True)
    archive.write_raw(1, b"GET / HTTP/1.1\r\n\r\n")
    archive.close()

    assert (tmp_path / "journal").stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "journal").rglob("*"))


def test_raw_bytes_are_kept_only_when_asked_for(tmp_path: Path) -> None:
    """They hold everything, so they are there with --journal-raw alone, and as many as fit."""
    with running(journal=tmp_path / "plain") as service:
        service.post(KYC)
    with running(journal=tmp_path / "raw", journal_raw=True) as service, service.connect() as connection:
        sent = service.request(KYC | {"sign": sign()}, extra="Connection: close\r\n")
        connection.sendall(sent)
        read_reply(connection)
        kept = (tmp_path / "raw" / "raw" / "1.http").read_bytes()

    assert [path.name for path in (tmp_path / "plain").iterdir()] == [NAME]
    assert kept == sent


def test_raw_bytes_are_bounded(tmp_path: Path) -> None:
    """The oldest go, those of an earlier run first."""
    for start in (0, 100):
        archive = Archive(tmp_path, most_bytes=10_000, keeps_raw=True)
        for number in range(start, start + 100):
            archive.write_raw(number, b"x" * 1_000)
        archive.close()

    assert sorted(int(path.stem) for path in (tmp_path / "raw").iterdir()) == list(range(190, 200))


def test_a_directory_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """It is the user's mistake: one sentence with the option's name."""
    (tmp_path / "file").write_text("", "utf-8")

    with pytest.raises(UserError, match="--journal"):
        Archive(tmp_path / "file")


def test_what_never_became_a_request_is_written(tmp_path: Path) -> None:
    """Half a head and no HTTP at all: as far as they came."""
    with running(journal=tmp_path) as service:
        for junk in (b"POST /faceid HTT", b"\x16\x03\x01 no http\r\n\r\n"):
            with service.connect() as connection:
                connection.sendall(junk)
                connection.shutdown(socket.SHUT_WR)
                read_reply(connection)
        wait_until(lambda: sum("answer" in entry for entry in read_archive(tmp_path).values()) == 2)

    found = read_archive(tmp_path)
    assert [entry["answer"]["end"] for entry in found.values()] == ["gone", "answered"]
    assert [entry["request"]["method"] for entry in found.values()] == ["", ""]
