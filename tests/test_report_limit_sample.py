"""Sample searches for the limit for the tests of the reports, and the rule that they are records."""

import random

import pytest
from test_report_load_sample import EXIT_CODES, text
from test_reporting_sample import HOSTILE, clause, finding, result

from biztoken.reporting.result import problems

SERVICE = 51.0  # milliseconds


def burst(purpose, n, limit, *, valid=True, timed=False, **more):
    """A burst of `n` against a target that admits `limit` at once."""
    rng = random.Random(n)
    ok = min(n, limit)
    row = {"n": n, "ok": ok, "refused": n - ok, "other": {}, "spread_ms": round(0.04 * n + rng.uniform(0, 0.4), 3)}
    row |= {"baseline_ms": SERVICE, "valid": valid, "why": None, "purpose": purpose, "ended_ms": []}
    if timed:
        row["ended_ms"] = [[200, round(SERVICE + rng.uniform(0, 6), 3)] for _ in range(ok)]
        row["ended_ms"] += [[403, round(1 + rng.uniform(0, 2), 3)] for _ in range(n - ok)]
    return row | more


def search(limit=20):
    """The bursts that find and confirm a limit."""
    late = text(
        "Released within 31 ms, more than half of the 51 ms that one takes.", "放行时间差 31 毫秒，超过 51 毫秒的一半。"
    )
    sizes = [n for n in (1, 2, 4, 8, 16) if n <= limit]
    rows = [burst("search", n, limit) for n in sizes]
    rows.append(burst("over", 32, limit, valid=False, why=late, spread_ms=31.0))
    rows.append(burst("over", 32, limit, timed=True))
    for _ in range(3):
        rows += [burst("confirm-L", limit, limit), burst("confirm-L+1", limit + 1, limit, timed=True)]
    return [*rows, burst("back-to-back", limit, limit, timed=True), burst("back-to-back", limit, limit, timed=True)]


def limit(verdict, value, bursts, clauses=(), *, kind="in-flight", contracted=None, **more):
    """A whole record of a search."""
    spent = sum(row["n"] for row in bursts)
    whole = result(clauses=clauses, kind="limit", requests=spent, seconds=4.1, plan=None)
    whole |= {"verdict": verdict, "exit_code": EXIT_CODES[verdict], "options": {"target": "staging.yaml"}}
    answer = {"value": value, "kind": kind, "confirmed": 3, "refused": 3, "recovery_ms": 12.4}
    whole |= {"limit": answer | {"false_refusals": 0, "false_refusals_of": 300}, "bursts": bursts}
    told = f"limit {value} ({value} of {value} admitted 3 times, the next refused 3 times), recovery 12 ms"
    whole |= {"sentence": text(told, f"并发上限 {value}（{value} 个全部放行 3 次，多一个被拒 3 次），恢复 12 毫秒")}
    whole |= {"contracted": None, "planner": None, "budget": {"most": 1000, "spent": spent}}
    if contracted:
        whole["contracted"] = {"limit": contracted, "kept": value == contracted}
    return whole | more


def found():
    """A limit of 20 where 20 are contracted, and a peak that needs less."""
    planner = {"arrivals_per_s": 250.0, "service_s": 0.051, "needed": 12.75, "found": 20, "margin": 7.25}
    return limit("passed", 20, search(), [clause("CONCURRENCY-LIMIT", checks=300)], contracted=20, planner=planner)


def short():
    """A limit of 12 where 20 are contracted, and a peak that needs more."""
    planner = {"arrivals_per_s": 250.0, "service_s": 0.08, "needed": 20.0, "found": 12, "margin": -8.0}
    told = [finding(1, "burst", received="12 of 20 admitted")]
    clauses = [clause("CONCURRENCY-LIMIT", "FAIL", findings=told)]
    return limit("not-passed", 12, search(12), clauses, contracted=20, planner=planner)


def narrow():
    """A limit as contracted that is not enough for the peak that was asked for."""
    planner = {"arrivals_per_s": 400.0, "service_s": 0.0605, "needed": 24.2, "found": 20, "margin": -4.2}
    why = text("The limit is not enough at the peak.", "并发上限在高峰时不够用。")
    clauses = [clause("CONCURRENCY-LIMIT", checks=300)]
    planned = planner | {"enough": False}
    whole = limit("not-passed", 20, search(), clauses, contracted=20, planner=planned, reason=why)
    whole["limit"]["recovery_ms"] = 0.1
    return whole


def quota():
    """Refusals of a quota per second, which is told from a limit."""
    why = text(
        "A quota per second: the second of two bursts got 3 of 20.",
        "按秒计的配额：连续两次中第二次只放行 20 个中的 3 个。",
    )
    bursts = [*search()[:-1], burst("back-to-back", 20, 3, timed=True)]
    return limit("no-verdict", None, bursts, kind="quota", sentence=why, reason=why)


def unlimited():
    """No limit up to what the budget allows, nothing contracted."""
    rows = [burst("search", n, 10**6) for n in (1, 2, 4, 8, 16, 32, 64)]
    told = text("no limit up to 64 in flight", "并发 64 以内没有上限")
    return limit("passed", None, rows, kind="none-up-to", sentence=told, budget=None)


def early():
    """A search that was stopped before its first burst."""
    why = text("Interrupted by Ctrl-C.", "被 Ctrl-C 中断。")
    nothing = text("", "")
    return limit("incomplete", None, [], complete=False, sentence=nothing, reason=why)


def hostile():
    """A search in which everything that others may write tries to break out."""
    why = text(HOSTILE, HOSTILE)
    odd = burst(HOSTILE, 3, 1, valid=False, why=why, other={HOSTILE: 1})
    row = burst("over", 3, 1, ended_ms=[[HOSTILE, 1.0], ["200", 2.0]])
    clauses = [clause("CONCURRENCY-LIMIT", "FAIL", findings=[finding(1, HOSTILE, received=HOSTILE)])]
    return limit("not-passed", 1, [odd, row], clauses, kind=HOSTILE, sentence=why, reason=why, notes=[why])


SAMPLES = {make.__name__: make for make in (found, short, narrow, quota, unlimited, early, hostile)}


@pytest.mark.parametrize("name", SAMPLES)
def test_sample_is_a_record(name):
    """The samples are records as the published schema describes them."""
    assert problems(SAMPLES[name]()) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("limit", "value"), "20"),
        (("bursts",), [{"n": 1}]),
        (("bursts", 0, "ended_ms"), [[200]]),
        (("contracted",), {"limit": 20}),
        (("planner",), {}),
        (("verdict",), "conformant"),
        (("sentence",), "limit 20"),
    ],
)
def test_schema_refuses_what_is_no_record_of_a_limit(path, value):
    """A slip of the writer is found."""
    whole = found()
    place = whole
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value

    assert problems(whole)
