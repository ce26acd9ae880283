"""Sample loads for the tests of the reports, made by a small model of a target, and the rule that they are records."""

import math
import random
from collections import Counter

import pytest
from naming import unnamed
from test_reporting_sample import HOSTILE, clause, exchange, finding, result

from biztoken.reporting.result import problems

OK, REFUSED = "200", "403 CONCURRENCY_LIMIT_EXCEEDED"
EXIT_CODES = {"passed": 0, "not-passed": 1, "no-verdict": 2, "incomplete": 3}
FOUR = ("p50", "p95", "p99", "max")


def text(english, chinese):
    """A text in both languages."""
    return {"en": english, "zh": chinese}


def told(rng, count, middle):
    """A number of replies and their latencies about a middle, in milliseconds."""
    rough = [middle * factor * rng.uniform(0.94, 1.08) for factor in (1, 1.35, 1.7, 2.3)]
    return {"count": count} | dict(zip(FOUR, (round(one, 3) for one in sorted(rough)), strict=True))


def second(rng, number, level, *, limit=20, service=0.05, is_open=False, failures=()):
    """One second of a target that admits `limit` at once and takes `service` seconds."""
    wanted = level if is_open else min(level, limit) / service
    ok = max(0, round(wanted * rng.uniform(0.96, 1.03)))
    refused = 0 if is_open else round(max(0, level - limit) * 4 * rng.uniform(0.9, 1.1))
    outcomes = {OK: told(rng, ok, service * 1000 * (1 + level / 400))} if ok else {}
    if refused:
        outcomes[REFUSED] = told(rng, refused, 1.4)
    outcomes |= {name: told(rng, count, 30) for name, count in failures}
    failed = sum(count for name, count in failures if not name[0].isdigit())
    ended = sum(row["count"] for row in outcomes.values())
    row = {"t": number, "in_flight": round(level * service if is_open else level * 0.98, 2), "offered": ended}
    row |= {"sent": ended, "answered": ended - failed, "failed": failed, "by_outcome": outcomes}
    row |= {"cpu": round(min(1, 0.06 + ended / 4000), 3), "hub_lag_ms": round(rng.uniform(0.1, 0.4), 3)}
    row |= {"held_s": 0.0, "again": 0}
    return row | {"late_ms": round(rng.uniform(0.4, 2.5), 3) if is_open else None}


def profile(name, stages, *, is_open=False, **more):
    """A profile as records show it."""
    row = {"name": name, "model": "open" if is_open else "closed", "stages": stages, "analysis": "none"}
    row |= {"arrivals": "fixed" if is_open else None, "mix": {"kyc": 1.0}, "pictures": "same"}
    row |= {"question": text(f"What does {name} show?", f"{name} 说明什么？"), "passing": {"requests_min": 200}}
    return row | {"stop_when": {"violations": "violations > 100"}} | more


def check(name, due, seen, kept=True):
    """A passing condition and what became of it."""
    row = text(f"{name} at most {due}", f"{name} 不超过 {due}")
    return {"id": name} | row | {"due": due, "seen": seen, "kept": kept}


def load(verdict, described, series, checks=(), clauses=(), **more):
    """A whole record of a load, its numbers made from its seconds."""
    counts = Counter()
    for row in series:
        counts.update({name: one["count"] for name, one in row["by_outcome"].items()})
    sent, failed = sum(row["sent"] for row in series), sum(row["failed"] for row in series)
    middles = [row["by_outcome"][OK] for row in series if OK in row["by_outcome"]]
    numbers = {name: max((one[name] for one in middles), default=None) for name in ("p50", "p95", "p99", "max")}
    whole = result(clauses=clauses, kind="load", requests=sent, seconds=float(len(series)), plan=None)
    whole |= {"verdict": verdict, "exit_code": EXIT_CODES[verdict]}
    whole |= {"options": {"profile": described["name"], "target": "staging.yaml", "out": "report"}}
    rate = round(counts[OK] / max(len(series), 1), 2)
    whole["load"] = {"sent": sent, "answered": sent - failed, "failed": failed, "in_flight_at_end": 0}
    whole["load"] |= {"rate_per_s": rate, "latency_ms": {"p90": numbers["p50"]} | numbers, "by_outcome": dict(counts)}
    whole |= {"profile": described, "checks": list(checks), "series": list(series), "steps": [], "model": None}
    whole |= {
        "recovery_ms": None,
        "drift": None,
        "stopped": None,
        "tokens": {"seen": counts[OK], "repeated": 0, "unconfirmed": 0},
    }
    whole["tokens"]["bytes_each"] = 12.4
    whole["generator"] = {"cpu": 0.31, "hub_lag_ms": {"p50": 0.2, "p99": 0.9}, "late_ms": None, "n_max": 1400}
    whole["generator"]["pace_per_s"] = {"local": 15000}
    workers = [worker("local", sent) | {"answered": sent - failed, "failed": failed}]
    whole["generator"] |= {"socket_errors": 0, "alarms": [], "workers": workers}
    return whole | more


def worker(name, sent, state="finished", in_flight=0):
    """What is told of one worker."""
    return {"id": name, "sent": sent, "answered": sent - in_flight, "failed": 0, "in_flight": in_flight, "state": state}


def steady(seconds=20):
    """Ten in flight, nothing wrong."""
    rng = random.Random(1)
    series = [second(rng, number, 10) for number in range(seconds)]
    checks = [
        check("requests_min", "200", "3960") | text("At least 200 requests", "请求数不少于 200"),
        check("p95", "1000 ms", "71.2 ms"),
        check("violations", "0", "0"),
    ]
    clauses = [clause("BIZ-TOKEN-UNIQUE", checks=3960), clause("REQUEST-ID", checks=3960)]
    return load("passed", profile("steady", [{"seconds": seconds, "in_flight": 10}]), series, checks, clauses)


def broken():
    """Ten in flight; a clause and a condition are broken, some requests got no reply."""
    rng = random.Random(2)
    oddities = [("500 INTERNAL_ERROR", 3), ("timeout", 2), ("502", 1)]
    series = [second(rng, number, 10, failures=oddities if number % 3 == 0 else ()) for number in range(20)]
    checks = [check("p95", "60 ms", "71.2 ms", False), check("violations", "0", "7", False)]
    checks += [check("p99", "2000 ms", None, None)]
    clauses = [
        clause("BIZ-TOKEN-UNIQUE", "FAIL", findings=[finding(1, "kyc", received="a biz_token told before", count=7)]),
        clause("REQUEST-ID", checks=3960),
    ]
    described = profile("steady", [{"seconds": 20, "in_flight": 10}])
    return load("not-passed", described, series, checks, clauses)


def broken_exchanges():
    """The evidence of `broken`."""
    return [exchange(1, "kyc", "load"), exchange(2, "kyc", "load")]


def steps(seconds=6):
    """More in flight with each step, up to and over a limit of 20; the last step was too much for the generator."""
    rng = random.Random(3)
    levels = (1, 2, 4, 8, 16, 32, 64)
    series, rows = [], []
    alarm = text("The generator used 0.97 of a core.", "压测端 CPU 占用 0.97 核。")
    for level in levels:
        part = [second(rng, len(series) + number, level) for number in range(seconds)]
        series += part
        ok = sum(row["by_outcome"][OK]["count"] for row in part) / seconds
        refused = sum(row["by_outcome"].get(REFUSED, {"count": 0})["count"] for row in part) / seconds
        row = {"concurrency": level, "seconds": seconds, "rate_ok": round(ok, 2), "rate_refused": round(refused, 2)}
        row |= {name: part[2]["by_outcome"][OK][name] for name in ("p50", "p95", "p99")}
        row |= {"mean": row["p50"], "refused_mean": 1.4 if refused else None}
        rows.append(row | {"in_flight_seen": level * 0.97, "alarms": [alarm] if level == levels[-1] else []})
    described = profile("steps", [{"seconds": seconds, "in_flight": level} for level in levels])
    model = {"says": "limit", "limit": 20, "limit_range": [20, 20], "service_ms": 50.4, "knee": 20, "usl": None}
    return load("passed", described, series, [check("violations", "0", "0")], steps=rows, model=model)


def spike():
    """Calm, a crowd, calm again, with some seconds of trouble after the crowd."""
    rng = random.Random(4)
    stages = [{"seconds": 10, "in_flight": 4}, {"seconds": 5, "in_flight": 60}, {"seconds": 15, "in_flight": 4}]
    levels = [stage["in_flight"] for stage in stages for _ in range(stage["seconds"])]
    slow = {15: 6, 16: 4, 17: 2.2, 18: 1.4}
    series = [second(rng, t, level, service=0.05 * slow.get(t, 1)) for t, level in enumerate(levels)]
    described = profile("spike", stages, analysis="spike")
    return load("passed", described, series, [check("violations", "0", "0")], recovery_ms=3640)


def halved():
    """Ten in flight, every condition kept; a worker was lost, and some requests never ended."""
    whole = steady(10)
    why = text("Worker w2 was lost.", "worker w2 失联。")
    whole["generator"]["workers"].append(worker("w2", 120, "lost", 3))
    whole["load"] |= {"sent": whole["load"]["sent"] + 3, "in_flight_at_end": 3}
    return whole | {"notes": [why]}


def arrivals(seconds=30):
    """Twenty arrivals a second; the generator was late, so there is no verdict."""
    rng = random.Random(5)
    series = [second(rng, number, 20, is_open=True) for number in range(seconds)]
    described = profile("arrivals", [{"seconds": seconds, "rate": 20}], is_open=True)
    why = text("The generator was the bottleneck.", "压测端是瓶颈。")
    whole = load("no-verdict", described, series, [check("p95", "1 s", "0.07 s", None)], reason=why)
    alarm = text("One arrival in a hundred was sent 61 ms late or later.", "有 1 % 的请求晚发 61 ms 以上。")
    lost = worker("worker-2", 120, "lost", 3)
    whole["generator"] |= {"alarms": [alarm], "late_ms": {"p50": 1.1, "p99": 61.0, "max": 88.2}}
    whole["generator"]["workers"].append(lost)
    return whole


def soak(hours=2):
    """An even load for hours."""
    rng = random.Random(6)
    series = [second(rng, t, 20, is_open=True, service=0.05 + 0.004 * math.sin(t / 900)) for t in range(3600 * hours)]
    drift = {"latency_ms_per_h": 0.4, "generator_mb_per_h": 0.02}
    described = profile("soak", [{"seconds": 3600 * hours, "rate": 20}], is_open=True)
    return load("passed", described, series, [check("p99", "2 s", "0.14 s")], drift=drift)


def early():
    """A load that was interrupted in its second second."""
    rng = random.Random(7)
    series = [second(rng, number, 10) for number in range(2)]
    why = text("Interrupted by Ctrl-C.", "被 Ctrl-C 中断。")
    described = profile("steady", [{"seconds": 20, "in_flight": 10}])
    return load("incomplete", described, series, complete=False, stopped=why, reason=why)


def nothing():
    """A load of which nothing came: no second, no reply."""
    why = text("No request was answered.", "没有任何请求得到应答。")
    described = profile("smoke", [{"seconds": 5, "in_flight": 1}])
    whole = load("no-verdict", described, [], reason=why)
    whole["generator"] |= {"cpu": None, "hub_lag_ms": None, "n_max": None, "workers": []}
    return whole


def hostile():
    """A load in which everything that others may write tries to break out."""
    rng = random.Random(8)
    series = [second(rng, number, 10, failures=[(f"400 {HOSTILE}", 1), (HOSTILE, 1)]) for number in range(3)]
    why = text(HOSTILE, HOSTILE)
    checks = [check(HOSTILE, HOSTILE, HOSTILE, False)]
    clauses = [clause("REQUEST-ID", "FAIL", findings=[finding(1, HOSTILE, received=HOSTILE, expected=HOSTILE)])]
    described = profile(HOSTILE, [{"seconds": 3, "in_flight": 10}], question=why)
    whole = load("not-passed", described, series, checks, clauses, stopped=why, notes=[why])
    whole["generator"] |= {"alarms": [why], "workers": [worker(HOSTILE, 1, "lost")]}
    return whole


SAMPLES = {make.__name__: make for make in (steady, broken, steps, spike, halved, arrivals, early, nothing, hostile)}


@pytest.mark.parametrize("name", SAMPLES)
def test_sample_is_a_record(name):
    """The samples are records as the published schema describes them, and have nothing that it does not name."""
    assert problems(SAMPLES[name]()) == []
    assert unnamed(SAMPLES[name]()) == []


def test_key_without_a_name_is_found():
    """Wherever it stands, and whichever schema names its neighbours."""
    whole = steady() | {"more": 1}
    whole["series"][3]["more"] = whole["series"][3]["by_outcome"][OK]["more"] = whole["target"]["more"] = 1

    assert sorted(unnamed(whole)) == ["/more", "/series[]/by_outcome/200/more", "/series[]/more", "/target/more"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("load", "sent"), -1),
        (("load", "latency_ms"), {}),
        (("profile", "model"), "ajar"),
        (("series",), [{"t": 0}]),
        (("checks",), [{"id": "p95"}]),
        (("generator", "workers"), [{}]),
        (("verdict",), "fast"),
        (("stopped",), "by hand"),
    ],
)
def test_schema_refuses_what_is_no_record_of_a_load(path, value):
    """A slip of the writer is found, in what is only here and in what every run records."""
    whole = steady()
    place = whole
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value

    assert problems(whole)
