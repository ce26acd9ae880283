"""Does the memory of the generator or of the mock grow under a steady load, and is every reply judged?

    python bench/load_soak.py [--seconds 1800] [--rate 20] [--out DIRECTORY]

`biztoken load --profile soak` against a mock of its own. Every ten seconds the resident memory of the mock, of locust
and of the command is read; the first third is warm-up. A slope is within noise where it is smaller than twice its
standard error, or would add less than one MB an hour. The generator may also add the 16 bytes for each biz_token and
request_id that it remembers; the command keeps a row for each second, which is told, not judged. Exits with 1 where a
slope is too steep, or a reply was not judged.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from load_truth import load_command, mock

EVERY = 10.0  # seconds between two looks
LITTLE = 1.0  # MB an hour
TOKEN = 2 * 16  # bytes that the biz_token and the request_id of a request take at most


def resident(pid: int) -> float:
    """The resident memory of a process in MB; 0 where it is gone."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
    except OSError:
        return 0.0
    return 0.0


def child_of(pid: int) -> int:
    """The locust process that a command started; 0 before it did."""
    for place in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid and b"locust" in (place / "cmdline").read_bytes():
                return int(place.name)
        except OSError:
            continue
    return 0


def slope(points: list[tuple[float, float]]) -> tuple[float, float]:
    """MB an hour by least squares over the last two thirds, and its standard error."""
    kept = points[len(points) // 3 :]
    hours, held = (np.array(column) for column in zip(*kept, strict=True))
    hours = hours / 3600
    spread = hours - hours.mean()
    rise = float((spread * (held - held.mean())).sum() / (spread**2).sum())
    left = held - held.mean() - rise * spread
    return rise, float(np.sqrt((left**2).sum() / (len(kept) - 2) / (spread**2).sum()))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=1800)
    parser.add_argument("--rate", type=float, default=20.0)
    parser.add_argument("--out", type=Path, default=Path("reports/soak"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    seen: dict[str, list[tuple[float, float]]] = {"mock": [], "generator": [], "command": []}
    with mock(options.out, "20ms") as (url, mock_pid):
        command = load_command(options.out, url)
        command += ["--profile", "soak", "--seconds", str(options.seconds), "--rate", str(options.rate)]
        with (options.out / "load.log").open("w") as log:
            process = subprocess.Popen([*command, "--out", str(options.out / "load")], stdout=log, stderr=log)
            began = time.monotonic()
            while process.poll() is None:
                now = time.monotonic() - began
                pids = {"mock": mock_pid, "generator": child_of(process.pid), "command": process.pid}
                for name, pid in pids.items():
                    if pid and (held := resident(pid)):
                        seen[name].append((now, held))
                time.sleep(EVERY)  # memory is looked at in equal steps of time
    result = json.loads((options.out / "load" / "result.json").read_text("utf-8"))
    totals = result["load"]
    judged = next(row["checks"] for row in result["clauses"] if row["id"] == "JSON-BODY")
    unjudged = totals["answered"] - judged
    rows = {}
    is_flat = True
    for name, points in seen.items():
        rise, error = slope(points)
        granted = LITTLE + (TOKEN * options.rate * 3600 / 1e6 if name == "generator" else 0.0)
        flat = abs(rise) <= max(2 * error, granted)
        is_flat &= flat or name == "command"
        rows[name] = {"mb": round(points[-1][1], 1), "mb_per_h": round(rise, 3), "error": round(error, 3), "flat": flat}
        print(f"{name:10} {points[-1][1]:7.1f} MB  {rise:+7.3f} MB/h +- {2 * error:.3f}  {'flat' if flat else 'GROWS'}")
    print(f"sent {totals['sent']}, answered {totals['answered']}, failed {totals['failed']}, unjudged {unjudged}")
    print(f"verdict {result['verdict']}, drift {result['drift']}, late {result['generator']['late_ms']}")
    told = {"seconds": options.seconds, "rate": options.rate, "memory": rows, "unjudged": unjudged, "load": totals}
    (options.out / "soak.json").write_text(json.dumps(told, indent=1) + "\n")
    return 0 if is_flat and not unjudged else 1


if __name__ == "__main__":
    sys.exit(main())
