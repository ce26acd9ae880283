"""Are the latencies that `biztoken load` tells the true ones, with and without a target that stalls?

    python bench/load_truth.py [--seconds 150] [--rounds 1] [--only calm|stalls] [--out FILE]

Calm: a mock whose service time has a known distribution, under arrivals and under users; p50, p95 and p99 must be
within 3 % or 2 ms of the distribution's own. Stalls: the mock is stopped (SIGSTOP) for 2 s every 30 s. What the
percentiles of a schedule that waits for nobody must be follows from the stalls as they were; `arrivals` must be within
3 % of it at p95 and p99. Beside it, at the same time and the same target, ten users of locust with
`constant_throughput` send as many.

Exits with 1 where a figure is out of bounds. It wants a quiet machine: on a busy one it says that the generator lagged.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

NAMES = ("p50", "p95", "p99")
SHARES = dict(zip(NAMES, (0.5, 0.95, 0.99), strict=True))
NORMAL = statistics.NormalDist()
# Service times: as the mock takes them, and their quantiles in milliseconds.
DISTRIBUTIONS = {
    "uniform(40ms,160ms)": lambda share: 40 + 120 * share,
    "normal(100ms,15ms)": lambda share: 100 + 15 * NORMAL.inv_cdf(share),
    "exp(60ms)": lambda share: -60 * math.log(1 - share),
}
STALL, PERIOD = 2.0, 30.0
# Few enough that what waited is answered within some milliseconds once a stall is over: the stall alone is to be seen.
RATE, SERVICE = 20, 10.0  # per second; milliseconds
# Arrivals are 50 ms apart. Stalls that all began at one moment between two of them would delay as many by equal times,
# and a percentile of what was truly waited be off by up to 10 %; so each begins a fifth of that later.
SHIFT = 1 / RATE / 5  # seconds
CALM_RATE = 200
CLOSE, SLACK_MS = 0.03, 2.0
QUIET = ["--json", "--only-summary", "--loglevel", "ERROR"]
QUESTION = {"en": "Are the latencies true?", "zh": "延迟是否真实？"}
CUSTOMERS = """
from itertools import count

from locust import FastHttpUser, constant_throughput, task

from biztoken.embedded import mock_target
from biztoken.load.forge import Forge
from biztoken.load.profile import read
from biztoken.wire import Endpoint

USERS, numbers = 10, count()


class Customer(FastHttpUser):
    wait_time = constant_throughput(2)

    def on_start(self):
        target, profile = mock_target(self.host), read("steps")  # that sends one kind of request
        endpoint, number = Endpoint(target.url), next(numbers)
        self.forge = Forge(target, endpoint, profile, seed=1, run="truth", index=number, count=USERS, contract=None)

    @task
    def ask(self):
        data = self.forge.next()[1].bytes()
        data = data if isinstance(data, bytes) else b"".join(data)
        head, _, body = data.partition(b"\\r\\n\\r\\n")
        kind = next(line for line in head.decode().split("\\r\\n") if line.lower().startswith("content-type"))
        self.client.post("", data=body, headers={"Content-Type": kind.partition(": ")[2]}, name="customer")
"""


@dataclass(frozen=True)
class Row:
    """One percentile: what is true, what was told, and whether that is close enough."""

    case: str
    name: str
    due: float
    told: float
    slack: float

    @property
    def is_close(self) -> bool:
        return abs(self.told - self.due) <= max(CLOSE * self.due, self.slack)

    def text(self) -> str:
        off = 100 * (self.told / self.due - 1)
        mark = "" if self.is_close else "  OUT OF BOUNDS"
        return f"{self.case:44} {self.name}  due {self.due:8.1f} ms  told {self.told:8.1f} ms  {off:+6.1f} %{mark}"


@contextmanager
def mock(place: Path, latency: str) -> Iterator[tuple[str, int]]:
    """A mock with that service time that admits as many as come: its URL and its process."""
    keys = place / "keys.yaml"
    keys.write_text("keys: [{api_key: demo-active, api_secret: demo-secret-of-active}]\n")
    options = ["--port", "0", "--keys", str(keys), "--latency", latency, "--seed", "1", "--stop-with-stdin"]
    process = subprocess.Popen(
        [sys.executable, "-m", "biztoken", "mock", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process.stdout.readline().split()[-1], process.pid
    finally:
        process.stdin.close()
        process.wait()


def load_command(place: Path, url: str) -> list[str]:
    """The command that loads a mock at that URL, so far."""
    keys = {"active": {"api_key": "demo-active", "api_secret": "demo-secret-of-active"}}
    (place / "target.yaml").write_text(yaml.safe_dump({"url": url, "keys": keys}))
    return [sys.executable, "-m", "biztoken", "load", "--target", str(place / "target.yaml")]


def load(place: Path, url: str, name: str, profile: dict) -> dict:
    """Run `biztoken load` with a profile, and give its result."""
    passing = {"requests_min": 100, "failures": {"others": 0}}
    data = {"name": name, "question": QUESTION, "mix": {"kyc": 1}, "passing": passing, **profile}
    (place / f"{name}.yaml").write_text(yaml.safe_dump(data, allow_unicode=True))
    command = [*load_command(place, url), "--profile", str(place / f"{name}.yaml"), "--out", str(place / name)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode not in (0, 2):
        sys.exit(f"{name}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    result = json.loads((place / name / "result.json").read_text("utf-8"))
    if result["reason"]:
        print(f"  {name}: {result['reason']['en']}")
    return result


def calm(place: Path, seconds: int) -> list[Row]:
    """Known distributions, in both models."""
    rows = []
    for latency, quantile in DISTRIBUTIONS.items():
        stages = {
            "open": {"model": "open", "arrivals": "poisson", "stages": [{"seconds": seconds, "rate": CALM_RATE}]},
            "closed": {"model": "closed", "stages": [{"seconds": seconds, "in_flight": 20}]},
        }
        with mock(place, latency) as (url, _):
            for model, profile in stages.items():
                result = load(place, url, f"calm-{model}", profile)
                told, number = result["load"]["latency_ms"], result["load"]["by_outcome"]["200"]
                for name, share in SHARES.items():
                    # A sample is not its distribution: twice the standard error of its quantile is granted.
                    step = quantile(min(share + 0.005, 0.9999)) - quantile(share - 0.005)
                    error = 2 * math.sqrt(share * (1 - share) / number) * step / 0.01
                    rows.append(
                        Row(f"{latency}, {model}, n = {number}", name, quantile(share), told[name], SLACK_MS + error)
                    )
    return rows


def stalling(pid: int, stop: threading.Event, stalls: list[float]) -> None:
    """Stop a process for two seconds of every thirty; the lengths as they were."""
    while not stop.wait((PERIOD - STALL) / 2 + SHIFT):
        os.kill(pid, signal.SIGSTOP)
        began = time.monotonic()
        time.sleep(STALL)  # the stall itself: the mock stands still for so long
        os.kill(pid, signal.SIGCONT)
        stalls.append(time.monotonic() - began)
        if stop.wait((PERIOD - STALL) / 2):
            return


def stalled_quantile(stalls: list[float], seconds: float, share: float) -> float:
    """The quantile of latency, in ms, of a schedule that waits for nobody.

    Each stall delays what is due in it, and what was due so short a time before that it is still in service.
    """
    low, high = 0.0, max(stalls) + SERVICE / 1000
    for _ in range(60):
        middle = (low + high) / 2
        beyond = sum(max(0.0, stall + SERVICE / 1000 - middle) for stall in stalls) / seconds
        low, high = (middle, high) if beyond > 1 - share else (low, middle)
    return low * 1000 + SERVICE


def stalls(place: Path, seconds: int) -> tuple[list[Row], float]:
    """Arrivals against the stalling mock, and the p95 of ten users of locust beside them."""
    (place / "users.py").write_text(CUSTOMERS)
    stop, lengths = threading.Event(), []
    with mock(place, f"{SERVICE:g}ms") as (url, pid):
        crowd = ["--headless", "-u", "10", "-r", "10", "--host", url, "-t", f"{seconds + 6}s"]
        users = subprocess.Popen(
            [sys.executable, "-m", "locust", "-f", str(place / "users.py"), *crowd, *QUIET],
            stdout=subprocess.PIPE,
            text=True,
        )
        first = threading.Timer(6, lambda: stalling(pid, stop, lengths))  # approach and calibration are over by then
        first.start()
        stages = [{"seconds": seconds, "rate": RATE}]
        result = load(place, url, "stalls", {"model": "open", "arrivals": "fixed", "stages": stages})
        stop.set()
        first.join()
        told = json.loads(users.communicate()[0])
    times = {float(ms): number for row in told for ms, number in row["response_times"].items()}
    rows = [
        Row(
            f"{len(lengths)} stalls of 2 s in {seconds} s",
            name,
            stalled_quantile(lengths, seconds, SHARES[name]),
            result["load"]["latency_ms"][name],
            0.0,
        )
        for name in ("p95", "p99")
    ]
    return rows, quantile_of(times, 0.95)


def quantile_of(times: dict[float, int], share: float) -> float:
    """The quantile of counted values."""
    left = share * sum(times.values())
    for value in sorted(times):
        left -= times[value]
        if left <= 0:
            return value
    return max(times)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=150, help="of each stalling load; a calm one takes a tenth")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", choices=["calm", "stalls"])
    parser.add_argument("--out", type=Path, help="write the figures there, too")
    options = parser.parse_args()
    rows: list[Row] = []
    users: list[float] = []
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory(prefix="biztoken-truth-") as name:
            place = Path(name)
            if options.only != "stalls":
                rows += calm(place, max(10, options.seconds // 10))
            if options.only != "calm":
                found, p95 = stalls(place, options.seconds)
                rows += found
                users.append(p95)
    for row in rows:
        print(row.text())
    for p95 in users:
        print(f"ten users of locust beside it: p95 {p95:.0f} ms")
    if options.out:
        told = [{"case": row.case, "name": row.name, "due": row.due, "told": row.told} for row in rows]
        options.out.write_text(json.dumps({"rows": told, "users_p95_ms": users}, indent=1) + "\n")
    return 0 if all(row.is_close for row in rows) and all(p95 < 50 for p95 in users) else 1


if __name__ == "__main__":
    sys.exit(main())
