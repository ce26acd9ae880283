"""Attacks over raw sockets leave the mock as it was: a short trial of bench/hostile.py, and proof that it can fail."""

from __future__ import annotations

import random
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

BENCH = Path(__file__).resolve().parents[1] / "bench"
TRIAL = {"seconds": 60.0, "rounds": 23, "seed": 1, "idle": 300, "size": 0.02, "only": "", "options": []}


@pytest.fixture(scope="module")
def hostile() -> Iterator[ModuleType]:
    """The module of the attacks' rounds, which lies outside of the package."""
    sys.path.insert(0, str(BENCH))
    import hostile  # noqa: PLC0415

    yield hostile
    sys.path.remove(str(BENCH))


def attacked(hostile: ModuleType, *options: str, **changes: object):
    """What a trial saw."""
    mock = hostile.start(options)
    try:
        return hostile.attack(mock, Namespace(**TRIAL | changes))
    finally:
        mock.process.stdin.close()
        mock.process.wait(30)
        mock.process.stdout.close()


def test_every_attack_leaves_the_mock_as_it_was(hostile: ModuleType) -> None:
    """It lives, answers nothing that the contract does not have, and serves the next sound request."""
    tally = attacked(hostile)

    assert tally.broken == []
    assert tally.rounds.total() == len(hostile.ATTACKS) == TRIAL["rounds"]
    assert set(tally.rounds.values()) == {1}


def test_attacks_leave_a_mock_with_a_journal_as_it_was(hostile: ModuleType, tmp_path: Path) -> None:
    """What keeps and judges each request is as bounded as what answers it, in memory, in time and on disk."""
    tally = attacked(
        hostile, "--journal", str(tmp_path / "journal"), only="costly_fields,odd_parts,many_parts,mutated", rounds=4
    )

    assert tally.broken == []
    assert tally.rounds.total() == 4
    assert max(map(len, (tmp_path / "journal" / "journal.ndjson").read_bytes().splitlines())) < 2 * 1024 * 1024


def test_sound_request_that_is_refused_is_told(hostile: ModuleType, tmp_path: Path) -> None:
    """A mock that answers otherwise after an attack breaks the round."""
    faults = tmp_path / "faults.yaml"
    faults.write_text('[{id: odd, change: {status: 502, body: "<html>"}}]', "utf-8")

    tally = attacked(hostile, "--faults", str(faults), only="absurd_length", rounds=1)

    assert any("the contract does not have" in text for text in tally.broken)
    assert any("a sound request got" in text for text in tally.broken)


def test_memory_over_the_ceiling_is_told(hostile: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the mock held at most is compared with the ceiling."""
    monkeypatch.setattr(hostile, "CEILING", 10)

    tally = attacked(hostile, only="slow", rounds=1)

    assert any("it held" in text for text in tally.broken)


def test_mock_that_died_is_told(hostile: ModuleType) -> None:
    """Nothing is asked of a process that is gone."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait(30)
    this = hostile.Round(("127.0.0.1", 9), random.Random(0), 1.0, 1)

    broken, _ = hostile.after(hostile.Mock(process, this.address), this)

    assert broken == ["the mock died with 0"]
