"""What a request costs the generator: requests per second of one process, against a sink that answers at once.

Compared in one interleaved run: wrk with signatures made before, locust's FastHttpUser with `files=`, and a locust user
with the rig of `biztoken load`, which signs each request, judges each reply and counts both. What counts is what the
sink answered. Needs Linux and cc; wrk is the Debian package of that name.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from generator_users import BODIES, signed_requests

HERE = Path(__file__).resolve().parent
PATH = "/faceid/v3/sdk/get_biz_token"
CONNECTIONS = 20
ROTATED = 64  # requests that wrk sends in turn
WARM_UP = 0.7  # seconds
GENERATORS = ("wrk", "FastUser", "LeanUser")
WANTED = {"fields": (3.0, 0.12), "picture": (3.0, 0.3)}  # of FastHttpUser, of wrk


class Sink:
    """The server of sink.c, with its counter."""

    def __init__(self, place: Path) -> None:
        program = place / "sink"
        subprocess.run(["cc", "-O2", "-o", program, HERE / "sink.c"], check=True)
        self._process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{self._line()}{PATH}"

    def _line(self) -> int:
        return int(self._process.stdout.readline())

    def answered(self) -> int:
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._line()

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()


def lua(url: str, body: str) -> str:
    """A script for wrk that sends requests made before, in turn. Every byte is a decimal escape."""
    texts = ",".join(
        '"' + "".join(f"\\{byte:03d}" for byte in data) + '"' for data in signed_requests(url, body, ROTATED)
    )
    return f"local all = {{{texts}}}\nlocal at = 0\nfunction request() at = at % #all + 1; return all[at] end\n"


def command(generator: str, url: str, body: str, place: Path) -> list[str]:
    if generator == "wrk":
        script = place / f"{body}.lua"
        if not script.exists():
            script.write_text(lua(url, body))
        return ["wrk", "-t1", f"-c{CONNECTIONS}", "-d600s", "-s", str(script), url]
    users = str(CONNECTIONS)
    only_summary = ["--only-summary", "--headless", "-u", users, "-r", users]
    return [
        sys.executable,
        "-m",
        "locust",
        "-f",
        str(HERE / "generator_users.py"),
        *only_summary,
        "--host",
        url,
        generator,
    ]


@contextmanager
def running(arguments: list[str], body: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "BIZTOKEN_BENCH_BODY": body, "TMPDIR": str(log.parent)}
    with log.open("ab") as out:
        process = subprocess.Popen(arguments, stdout=out, stderr=out, env=environment)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def rate(sink: Sink, generator: str, body: str, seconds: float, place: Path) -> float:
    """Requests per second that the sink answered, once the generator was under way."""
    before = sink.answered()
    with running(command(generator, sink.url, body, place), body, place / f"{generator}.log") as process:
        while sink.answered() == before:
            if process.poll() is not None:
                raise SystemExit(f"{generator} ended: {(place / f'{generator}.log').read_text('utf-8')[-2000:]}")
            time.sleep(0.05)  # the generator starts: its first request can only be asked for
        time.sleep(WARM_UP)  # the rate of a generator that runs is asked for, so its first seconds are let pass
        first, began = sink.answered(), time.monotonic()
        time.sleep(seconds)  # what the sink answers in so many seconds is the figure
        last, ended = sink.answered(), time.monotonic()
        if process.poll() is not None:
            raise SystemExit(f"{generator} ended: {(place / f'{generator}.log').read_text('utf-8')[-2000:]}")
    return (last - first) / (ended - began)


def report(rates: dict[str, dict[str, list[float]]]) -> dict[str, object]:
    rows: dict[str, object] = {}
    for body, of in rates.items():
        middle = {name: median(values) for name, values in of.items()}
        row = {"requests_per_s": {name: round(value) for name, value in middle.items()}, "all": of}
        ours = middle.get("LeanUser")
        for name in ("FastUser", "wrk"):
            if ours and name in middle:
                row[f"of_{name}"] = round(ours / middle[name], 3)
        rows[body] = row
        told = "  ".join(f"{name} {value:,.0f}/s" for name, value in middle.items())
        least = dict(zip(("of_FastUser", "of_wrk"), WANTED[body], strict=True))
        ratios = "  ".join(f"{name} {row[name]} (wanted {wanted})" for name, wanted in least.items() if name in row)
        print(f"{body:8s} {told}  {ratios}")
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="measured time of each generator in each round")
    parser.add_argument("--only", action="append", choices=GENERATORS, help="generators; default all that are there")
    parser.add_argument("--body", action="append", choices=BODIES, help="bodies; default both")
    parser.add_argument("--out", type=Path, help="a JSON file for the figures")
    options = parser.parse_args()
    generators = options.only or [name for name in GENERATORS if name != "wrk" or shutil.which("wrk")]
    rates = {body: {name: [] for name in generators} for body in options.body or BODIES}
    with tempfile.TemporaryDirectory(prefix="biztoken-bench-") as directory:
        place = Path(directory)
        sink = Sink(place)
        try:
            for _ in range(options.rounds):
                for body, of in rates.items():
                    for name, values in of.items():
                        values.append(rate(sink, name, body, options.seconds, place))
        finally:
            sink.close()
    rows = report(rates)
    if options.out:
        options.out.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
    kept = [
        row.get(f"of_{name}", wanted) >= wanted
        for body, row in rows.items()
        for name, wanted in zip(("FastUser", "wrk"), WANTED[body], strict=True)
    ]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
