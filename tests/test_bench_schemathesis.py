"""The comparison with schemathesis alone is fair: its set-up knows the contract and calls nothing sound wrong."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from jsonschema import Draft202012Validator

from biztoken.contract import load
from biztoken.fuzz import views
from biztoken.mock.catalogue import catalogue

BENCH = Path(__file__).resolve().parents[1] / "bench"
CONTRACT = load()


@pytest.fixture(scope="module")
def comparison() -> Iterator[ModuleType]:
    """The module of the tables, which lies outside of the package."""
    sys.path.insert(0, str(BENCH))
    import comparison  # noqa: PLC0415

    yield comparison
    sys.path.remove(str(BENCH))


def side(**changes):
    """What one side made of a target."""
    return {"caught": True, "false_alarm": False, "requests": 10, "seconds": 1.0, "first": 4, **changes}


def test_every_fault_has_a_group(comparison):
    """No fault is missing from the table by groups, and no group is empty."""
    groups = {comparison.group_of(fault, CONTRACT) for fault in catalogue(CONTRACT).faults.values()}

    assert groups == set(comparison.GROUPS)


@pytest.mark.parametrize(
    ("id_", "group"),
    [
        ("sign-expired-accepted", "signature"),
        ("uuid-129-bytes-accepted", "arguments"),
        ("image-ref1-undecodable-accepted", "pictures"),
        ("quality-default-0", "pictures"),
        ("time-used-a-string", "reply envelope"),
        ("error-an-object", "intermittent"),
        ("no-face-found-wrong-detail", "error table"),
        ("limit-reached-not-enforced", "permissions"),
        ("too-large-as-json", "uploads"),
        ("biz-token-missing-above-8", "concurrency"),
    ],
)
def test_fault_is_in_the_group_that_a_reader_expects(comparison, id_, group):
    """A sample of each group."""
    assert comparison.group_of(catalogue(CONTRACT).faults[id_], CONTRACT) == group


def test_only_what_both_measured_is_compared(comparison):
    """A fault that one side has not come to counts for neither."""
    missed = side(caught=False, first=None, requests=100, seconds=3.0)
    faults = [
        {"id": "found", "group": "signature", "ours": side(), "alone": side()},
        {"id": "missed", "group": "signature", "ours": side(), "alone": missed},
        {"id": "waiting", "group": "signature", "ours": side(), "alone": None},
    ]
    varied = [{"id": "varied", "ours": side(), "alone": side(false_alarm=True)}]

    found = comparison.totals(faults, varied)

    assert found["groups"][0] == {"name": "signature", "faults": 2, "ours": 2, "alone": 1}
    assert found["only_ours"] == ["missed"]
    assert found["false_alarms"] == ["varied"]
    assert (found["alone"]["requests"], found["alone"]["first"]) == (100, 4)


def test_comparison_finds_plain_faults_and_no_others(tmp_path):
    """One command compares both; the sound mock gets no failure, a broken reply one, an expired sign none."""
    only = "expired-sign-other-error or request-id-a-number or colon-alone"
    command = [sys.executable, BENCH / "schemathesis_alone.py", "--only", only, "--examples", "2", "--single", "0"]

    subprocess.run([*command, "--out", tmp_path], cwd=tmp_path, check=True, capture_output=True, timeout=300)

    found = json.loads((tmp_path / "comparison.json").read_text("utf-8"))
    assert found["complete"]
    assert found["drawing"]["sound"]["findings"] == 0
    assert found["drawing"]["sound"]["accepted"] > 100
    assert found["totals"]["ours"]["caught"] == found["totals"]["faults"] == 2
    assert found["totals"]["only_ours"] == ["expired-sign-other-error"]
    assert found["totals"]["false_alarms"] == []
    assert found["totals"]["variations"] == 1
    assert "| all | 2 | 2 | 1 |" in (tmp_path / "comparison.md").read_text("utf-8")
    assert {path.name for path in tmp_path.iterdir()} == {"comparison.json", "comparison.md", "proof", "prove.log"}


def test_replies_may_tell_the_errors_of_their_status_and_no_others():
    """The pattern that schemathesis is given takes what the contract prints and refuses another name or parameter."""
    told = json.loads(
        subprocess.run(
            [sys.executable, "-c", _SCHEMA],
            cwd=BENCH,
            check=True,
            capture_output=True,
            text=True,
            timeout=120,
        ).stdout
    )
    pattern = {status: schema["properties"]["error"]["pattern"] for status, schema in told.items()}

    assert len(views(CONTRACT)) == 8
    for row in CONTRACT.errors.values():
        if row.body == "json":
            detail = {"parameter": "image", "reason": "DENIED"}.get(row.detail, "")
            assert re.search(pattern[str(row.status)], row.told(detail))
    for wrong in ("INVALID_REQUEST", "BAD_ARGUMENTS", "BAD_ARGUMENTS: request", "BAD_ARGUMENTS - uuid", "bad: uuid"):
        assert not re.search(pattern["400"], wrong)
    for schema in told.values():
        Draft202012Validator.check_schema(schema)


_SCHEMA = """
import json
from biztoken.contract import load
from biztoken.fuzz import views
import configured
document = configured.document(views(load())[0], with_formats=True)
(path,) = document["paths"].values()
replies = path["post"]["responses"]
told = {k: v["content"].get(configured.MEDIA) for k, v in replies.items() if int(k) >= 400}
print(json.dumps({k: media["schema"] for k, media in told.items() if media}))
"""
