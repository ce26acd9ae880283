"""Faults of a mock, each of which must break exactly the clauses that it is said to break."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from conftest import Ahead, Cli, Outcome
from test_e2e_check import page_text

# Pictures and the burst take most of the time of a run; what concerns neither is tested without them.
DOCUMENTS = ("--plan", "quick", "--select", "not images and not sequences and not concurrency")
QUICK = ("--plan", "quick")
TOKEN = "1795460573,mock-00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True, slots=True)
class Fault:
    """What a mock does wrong and what that earns: the clauses that FAIL, those that WARN, the exit code."""

    change: Mapping[str, Any]
    when: Mapping[str, Any]
    fails: frozenset[str] = frozenset()
    warns: frozenset[str] = frozenset()
    code: int = 1
    times: int | None = None
    options: tuple[str, ...] = DOCUMENTS


def breaks(*clauses: str, change: Mapping[str, Any], when: Mapping[str, Any] | None = None, **more: Any) -> Fault:
    """A fault that breaks these clauses, all of them MUST."""
    return Fault(change, when or {}, frozenset(clauses), **more)


FAULTS = {
    "wrong status": breaks(
        "MISSING-ARGUMENTS-STATUS", when={"error": "MISSING_ARGUMENTS"}, change={"status": 422}
    ),
    "detail missing": breaks("BAD-ARGUMENTS-DETAIL", when={"error": "BAD_ARGUMENTS"}, change={"detail": ""}),
    "request_id missing on errors": breaks(
        "REQUEST-ID-ON-ERROR", when={"outcome": "failure"}, change={"drop": ["request_id"]}
    ),
    "request_id missing on errors, as one name": breaks(
        "REQUEST-ID-ON-ERROR", when={"outcome": "failure"}, change={"drop": "request_id"}
    ),
    "time_used a string": breaks("TIME-USED-TYPE", change={"set": {"time_used": "12"}}),
    "time_used too large": breaks("TIME-USED-PLAUSIBLE", change={"set": {"time_used": 3_600_000}}),
    "biz_token repeated": breaks("BIZ-TOKEN-UNIQUE", when={"outcome": "success"}, change={"set": {"biz_token": TOKEN}}),
    "expired sign accepted": breaks("SIGN-EXPIRY", "EXPIRED-SIGN", when={"cause": "expired"}, change={"accept": True}),
    "reason wrong": breaks("EXPIRED-SIGN", when={"detail": "EXPIRED_SIGN"}, change={"detail": "INVALID_SIGN"}),
    "name wrong": breaks(
        "NO-FACE-FOUND-NAME",
        when={"error": "NO_FACE_FOUND"},
        change={"error": "FACE_NOT_FOUND"},
        options=(*QUICK, "--select", "images or reply"),
    ),
    "faces unasked": breaks("FACES-ABSENT", when={"lacks": "return_faces"}, change={"set": {"faces": []}}),
    "uuid of 129 bytes": breaks("UUID-LENGTH", change={"contract": {"parameters": {"uuid": {"max_bytes": 129}}}}),
    "closed for one field": breaks(
        "LIVENESS-ACTION-COUNT-RANGE", when={"match": {"liveness_action_count": "^3$"}}, change={"close": "before"}
    ),
    "413 as JSON": breaks(
        "REQUEST-ENTITY-TOO-LARGE-BODY",
        when={"cause": "too-large"},
        change={"body": '{"error": "Request Entity Too Large"}', "content_type": "application/json"},
        options=("--select", "uploads"),
    ),
    "500 for one field": breaks(
        "LIVENESS-ACTION-COUNT-RANGE",
        when={"match": {"liveness_action_count": "^3$"}},
        change={"error": "INTERNAL_ERROR"},
    ),
    "500 in every tenth": breaks("INTERNAL-ERROR", when={"every": 10}, change={"error": "INTERNAL_ERROR"}),
    "HTML in every twentieth": breaks(
        "JSON-BODY", when={"every": 20}, change={"body": "<html>Bad Gateway</html>", "content_type": "text/html"}
    ),
    "should": Fault(
        {"accept": True}, {"detail": "verbose"}, warns=frozenset({"VERBOSE-VALUES-REFUSED"}), code=0
    ),
    "500 once": Fault({"error": "INTERNAL_ERROR"}, {"after": 40}, code=0, times=1),
    "busy twice": Fault(
        {"error": "CONCURRENCY_LIMIT_EXCEEDED"}, {"match": {"biz_no": "^.$"}}, code=0, times=2
    ),
    "busy for ever": Fault(
        {"error": "CONCURRENCY_LIMIT_EXCEEDED"},
        {"match": {"biz_no": "^.$"}},
        code=3,
        options=("--select", "BIZ-NO-LENGTH"),
    ),
    "status 200 on every error": Fault({"status": 200}, {"outcome": "failure"}),
}
