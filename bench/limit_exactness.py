"""How exact `biztoken limit` is: against the mock, whose limit is known. See README.md.

python bench/limit_exactness.py --out reports/limit-exactness --limits 5,20 --times 3
"""

from __future__ import annotations

import argparse
import datetime
import io
import ipaddress
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from PIL import Image

from biztoken.contract import bundled

LIMITS = (1, 2, 5, 20, 100, 500)
SERVICES = ("20ms", "200ms", "uniform(20ms,200ms)")
BODIES, SCHEMES, PROCESSES = ("none", "60k"), ("http", "https"), (1, 2)
TIMES = 10
PICTURE = 58_000  # bytes that it has at least
LONGEST = 300  # seconds that one run may take
FAULTS: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "quota": ("quota", [{"id": "quota", "change": {"per_second": 20, "concurrency": None}}]),
    "late": ("late-release", [{"id": "late", "change": {"hold_slot": "60ms"}}]),
}
KEY = {"api_key": "bench", "api_secret": "bench-secret"}


@dataclass(frozen=True, slots=True)
class Cell:
    """One combination. `fault` names what the target does instead of a plain limit."""

    limit: int
    service: str
    body: str
    scheme: str
    processes: int
    fault: str = ""

    def __str__(self) -> str:
        name = f"{self.fault or 'L'} {self.limit}"
        return f"{name}, {self.service}, picture {self.body}, {self.scheme}, {self.processes} process(es)"

    @property
    def is_excepted(self) -> bool:
        """Where nothing is promised but that the answer is not wrong."""
        return self.limit >= 500 and self.service == "20ms" and (self.scheme == "https" or self.processes > 1)

    def most_refused(self, times: int) -> float:
        """How many of so many runs may tell nothing."""
        return times if self.is_excepted else times / 4 if self.limit >= 500 else times / 10


def main() -> int:
    """Measure the cells that are asked for; 0 if each is as it should be, 3 if interrupted."""
    options = arguments()
    options.out.mkdir(parents=True, exist_ok=True)
    cells = list(chosen(options))
    report = options.out / "exactness.json"
    rows: list[dict[str, Any]] = json.loads(report.read_text("utf-8")) if report.exists() else []
    deadline = time.monotonic() + options.seconds if options.seconds else None
    with tempfile.TemporaryDirectory(prefix="biztoken-bench-") as place:
        bench = Bench(Path(place), options.out)
        try:
            for cell in cells:
                done = [row for row in rows if row["cell"] == str(cell)]
                left = options.times - sum(row["runs"] for row in done)
                if left > 0:
                    rows.append(bench.measure(cell, left, deadline))
                    print(line(rows[-1]), flush=True)
                    report.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
                if deadline and time.monotonic() > deadline:
                    break
        except KeyboardInterrupt:
            return 3
    merged = list(merge(rows))
    (options.out / "exactness.md").write_text(table(merged), "utf-8")
    print(table(merged))
    return int(any(not row["good"] for row in merged))


def chosen(options: argparse.Namespace) -> Iterator[Cell]:
    """The cells that the options select."""
    if not options.only_faults:
        for limit, *rest in product(
            options.limits, options.services, options.bodies, options.schemes, options.processes
        ):
            yield Cell(limit, *rest)
    if options.faults or options.only_faults:
        for fault, service in product(FAULTS, ("20ms", "200ms")):
            yield Cell(20, service, "none", "http", 1, fault)


class Bench:
    """Starts a mock for a cell and runs the command against it."""

    def __init__(self, place: Path, out: Path) -> None:
        self._place = place
        self._out = out
        make_certificate(place)
        make_picture(place / "picture.jpg")

    def measure(self, cell: Cell, times: int, deadline: float | None) -> dict[str, Any]:
        """A row: how often the answer was exact, refused with a reason, or wrong."""
        counts: Counter[str] = Counter()
        told: list[str] = []
        seconds: list[float] = []
        requests: list[int] = []
        with self._mock(cell) as url:
            target = self._target(cell, url)
            for _ in range(times):
                if deadline and time.monotonic() > deadline:
                    break
                began = time.monotonic()
                result = self._run(cell, target)
                seconds.append(time.monotonic() - began)
                requests.append(result["requests"])
                verdict = self._verdict(cell, result)
                counts[verdict] += 1
                if verdict != "exact":
                    told.append(
                        f"{verdict}: {result['limit']['kind']} {result['limit']['value']}: {result['sentence']['en']}"
                    )
        return {
            "cell": str(cell),
            "runs": len(seconds),
            **{name: counts[name] for name in ("exact", "refused", "wrong")},
            "seconds": seconds,
            "requests": requests,
            "told": told,
            "limit": cell.limit,
            "is_excepted": cell.is_excepted,
            "fault": cell.fault,
        }

    def _verdict(self, cell: Cell, result: dict[str, Any]) -> str:
        found = result["limit"]
        if cell.fault:
            return "exact" if found["kind"] == FAULTS[cell.fault][0] else "wrong"
        if found["value"] is None:
            return "refused"
        return "exact" if found["value"] == cell.limit and found["kind"] == "in-flight" else "wrong"

    def _run(self, cell: Cell, target: Path) -> dict[str, Any]:
        out = self._place / "run"
        command = [sys.executable, "-m", "biztoken", "limit", "--target", str(target), "--out", str(out)]
        command += ["--processes", str(cell.processes), "--picture" if cell.body == "60k" else "--no-picture"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, check=False)
        if done.returncode not in (0, 1, 2) or not (out / "result.json").exists():
            raise SystemExit(f"{cell}: {done.stderr}")
        return json.loads((out / "result.json").read_text("utf-8"))

    @contextmanager
    def _mock(self, cell: Cell) -> Iterator[str]:
        keys = self._place / "keys.yaml"
        keys.write_text(yaml.safe_dump({"keys": [{**KEY, "concurrency": cell.limit}]}), "utf-8")
        command = [sys.executable, "-m", "biztoken", "mock", "--port", "0", "--keys", str(keys), "--seed", "1"]
        command += ["--latency", cell.service, "--stop-with-stdin"]
        if cell.scheme == "https":
            command += ["--tls-cert", str(self._place / "cert.pem"), "--tls-key", str(self._place / "key.pem")]
        if cell.fault:
            path = self._place / "faults.yaml"
            path.write_text(yaml.safe_dump(FAULTS[cell.fault][1]), "utf-8")
            command += ["--faults", str(path)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield process.stdout.readline().split()[-1]
            finally:
                process.stdin.close()
                process.wait(timeout=30)

    def _target(self, cell: Cell, url: str) -> Path:
        path = self._place / "target.yaml"
        target = {"url": url, "keys": {"active": KEY}, "pictures": {"face": str(self._place / "picture.jpg")}}
        if cell.scheme == "https":
            target["cacert"] = str(self._place / "ca.pem")
        path.write_text(yaml.safe_dump(target), "utf-8")
        return path


def merge(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """One row for each cell, measured in pieces as it may have been."""
    names = list(dict.fromkeys(row["cell"] for row in rows))
    for name in names:
        parts = [row for row in rows if row["cell"] == name]
        first = parts[0]
        runs, refused, wrong = (sum(row[key] for row in parts) for key in ("runs", "refused", "wrong"))
        most = runs if first["is_excepted"] else max(1, runs / (4 if first["limit"] >= 500 else 10))
        seconds = sorted(second for row in parts for second in row["seconds"])
        requests = sorted(count for row in parts for count in row["requests"])
        yield {
            "cell": name,
            "runs": runs,
            "exact": sum(row["exact"] for row in parts),
            "refused": refused,
            "wrong": wrong,
            "seconds": seconds[len(seconds) // 2] if seconds else 0,
            "requests": requests[len(requests) // 2] if requests else 0,
            "good": not wrong and refused <= most,
            "told": [text for row in parts for text in row["told"]],
        }


def line(row: dict[str, Any]) -> str:
    """A row as it is printed while the next is measured."""
    text = f"{row['cell']}: {row['exact']} exact, {row['refused']} refused, {row['wrong']} WRONG of {row['runs']}"
    return "\n    ".join([text, *row["told"]])


def table(rows: list[dict[str, Any]]) -> str:
    """All cells as Markdown."""
    lines = ["| cell | runs | exact | refused | wrong | median s | median requests | |", "| --- " * 8 + "|"]
    for row in rows:
        numbers = [row[name] for name in ("runs", "exact", "refused", "wrong")]
        cells = [row["cell"], *numbers, f"{row['seconds']:.1f}", row["requests"], "" if row["good"] else "✗"]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    totals = [sum(row[name] for row in rows) for name in ("runs", "exact", "refused", "wrong")]
    return "\n".join([*lines, "| " + " | ".join(map(str, ["all", *totals, "", "", ""])) + " |"]) + "\n"


def make_picture(path: Path) -> None:
    """The portrait, large and grainy enough for some 58 kB."""
    with Image.open(bundled("conformance") / "portrait.jpg") as portrait:
        picture = portrait.convert("RGB")
    grain = Image.effect_noise(picture.size, 24).convert("RGB")
    picture = Image.blend(picture, grain, 0.08)
    for quality in range(60, 100):
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=quality)
        if len(out.getvalue()) >= PICTURE:
            break
    path.write_bytes(out.getvalue())


def make_certificate(place: Path) -> None:
    """A certificate for this machine that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bench")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    form = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (place / "key.pem").write_bytes(key.private_bytes(pem, *form))
    for name_of in ("cert.pem", "ca.pem"):
        (place / name_of).write_bytes(made.public_bytes(pem))


def arguments() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("reports/limit-exactness"))
    parser.add_argument("--limits", type=numbers, default=LIMITS, help="e.g. 1,20,500")
    parser.add_argument("--services", type=words, default=SERVICES, help="service times, separated by ;")
    parser.add_argument("--bodies", type=words, default=BODIES, help="none;60k")
    parser.add_argument("--schemes", type=words, default=SCHEMES, help="http;https")
    parser.add_argument("--processes", type=numbers, default=PROCESSES, help="1,2")
    parser.add_argument("--times", type=int, default=TIMES, help="runs of each cell, those of earlier calls included")
    parser.add_argument("--faults", action="store_true", help="also the quota and the slots that come back late")
    parser.add_argument("--only-faults", action="store_true", help="nothing but those")
    parser.add_argument("--seconds", type=float, help="begin no further run after so many")
    return parser.parse_args()


def numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(",")))


def words(text: str) -> tuple[str, ...]:
    return tuple(text.split(";"))


if __name__ == "__main__":
    sys.exit(main())
