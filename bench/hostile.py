"""Attack a mock over raw sockets, and ask after each attack whether it is as it should be.

    python bench/hostile.py [--seconds 600] [--rounds N] [--seed N] [-- OPTIONS OF biztoken mock]

Every attack comes once, in random order, then by chance. After each: the process lives, its memory is under the
ceiling, no status came that the contract does not have, and a sound request is answered in time. Exit code 1 names
what broke.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from hostile_attacks import ATTACKS, COMPARE, Round, sound
from hostile_pictures import PORTRAIT

ROUND_SECONDS = 25.0  # that one attack may take
CEILING = 1500  # megabytes that the mock may hold at any time
ANSWERED = 5.0  # seconds in which a sound request must be answered after an attack
CONTROL_ANSWERS = 20.0  # seconds for the first sound requests, while pictures of an attack may still be looked at


@dataclass(slots=True)
class Tally:
    """What was seen in all rounds."""

    rounds: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int | str] = field(default_factory=Counter)
    connections: int = 0
    sent: int = 0
    peak: int = 0  # megabytes
    slowest: float = 0.0
    broken: list[str] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--rounds", type=int, default=100_000, help="never more attacks than these")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--idle", type=int, default=10_000, help="connections of the attack that keeps still")
    parser.add_argument(
        "--size", type=float, default=1.0, help="less than 1 for a short trial: fewer bytes and repetitions"
    )
    parser.add_argument("--only", default="", help="attacks, apart by commas")
    parser.add_argument("options", nargs="*", help="of biztoken mock")
    chosen = parser.parse_args()
    allow_many_files()
    mock = start(chosen.options)
    try:
        tally = attack(mock, chosen)
    finally:
        assert mock.process.stdin
        mock.process.stdin.close()
        code = mock.process.wait(30)
    if code:
        tally.broken.append(f"the mock ended with {code}")
    tell(tally, chosen.seed)
    return 1 if tally.broken else 0


@dataclass(frozen=True, slots=True)
class Mock:
    """A mock that runs by itself."""

    process: subprocess.Popen[str]
    address: tuple[str, int]

    def megabytes(self) -> int:
        """What it holds of memory, and held at most since the last question."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("utf-8")
        peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(peak.split()[1]) // 1000

    def forget_peak(self) -> None:
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5", "utf-8")


def start(options: Sequence[str] = ()) -> Mock:
    """A mock with these options."""
    line = [sys.executable, "-m", "biztoken", "mock", "--port", "0", "--stop-with-stdin", *options]
    process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    url = urlsplit(process.stdout.readline().split()[-1])
    return Mock(process, (str(url.hostname), url.port or 0))


def allow_many_files() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def attack(mock: Mock, chosen: argparse.Namespace) -> Tally:
    """All rounds."""
    tally, rng = Tally(), random.Random(chosen.seed)
    names = [name for name in chosen.only.split(",") if name]
    attacks = [entry for entry in ATTACKS if not names or entry.__name__ in names]
    ends = time.monotonic() + chosen.seconds
    first = rng.sample(attacks, len(attacks))
    for number in range(chosen.rounds):
        if time.monotonic() > ends or mock.process.poll() is not None:
            break
        entry = first[number] if number < len(first) else rng.choice(attacks)
        seconds = min(ROUND_SECONDS * chosen.size, ends - time.monotonic())
        this = Round(mock.address, random.Random(rng.random()), max(1.0, seconds), chosen.idle, chosen.size)
        mock.forget_peak()
        began = time.monotonic()
        try:
            entry(this)
        except OSError as problem:
            this.statuses[f"{problem.__class__.__name__}"] += 1
        took = time.monotonic() - began
        broken, waited = after(mock, this)
        tally.broken += [f"round {number}, {entry.__name__}: {text}" for text in broken]
        note(tally, entry.__name__, this, mock, waited)
        row = {"round": number, "attack": entry.__name__, "seconds": round(took, 1), "waited": round(waited, 3)}
        row |= {"megabytes": mock.megabytes() if mock.process.poll() is None else None, "statuses": dict(this.statuses)}
        print(json.dumps(row | {"broken": broken}), flush=True)
    return tally


def after(mock: Mock, this: Round) -> tuple[list[str], float]:
    """What is broken after an attack, and how long a sound request waited."""
    broken = [f"an answer that the contract does not have: {reply[:120]!r}" for reply in this.replies[:3]]
    if mock.process.poll() is not None:
        return [*broken, f"the mock died with {mock.process.returncode}"], 0.0
    if mock.megabytes() > CEILING:
        broken.append(f"it held {mock.megabytes()} MB")
    waited = 0.0
    for data in (sound(), sound(COMPARE | {"image_ref1": PORTRAIT})):
        began = time.monotonic()
        reply = ask(mock.address, data)
        waited = max(waited, time.monotonic() - began)
        # A slot may still be taken by pictures of the attack that are being looked at: that is the contract's own word.
        while b"CONCURRENCY_LIMIT_EXCEEDED" in reply and time.monotonic() - began < CONTROL_ANSWERS:
            time.sleep(0.05)  # no event tells when a slot is given back
            reply = ask(mock.address, data)
        if not reply.startswith(b"HTTP/1.1 200"):
            broken.append(f"a sound request got {reply[:200]!r}")
    if waited > ANSWERED:
        broken.append(f"a sound request waited {waited:.1f} s")
    return broken, waited


def ask(address: tuple[str, int], data: bytes) -> bytes:
    """The answer to a request on a connection of its own."""
    reply = b""
    try:
        with socket.create_connection(address, timeout=CONTROL_ANSWERS) as connection:
            connection.sendall(data)
            while more := connection.recv(65536):
                reply += more
    except OSError as problem:
        return f"{problem.__class__.__name__} after {reply[:100]!r}".encode()
    return reply


def note(tally: Tally, name: str, this: Round, mock: Mock, waited: float) -> None:
    tally.rounds[name] += 1
    tally.statuses.update(this.statuses)
    tally.connections += this.connections
    tally.sent += this.sent
    tally.slowest = max(tally.slowest, waited)
    if mock.process.poll() is None:
        tally.peak = max(tally.peak, mock.megabytes())


def tell(tally: Tally, seed: int) -> None:
    rounds = ", ".join(f"{name} {count}" for name, count in sorted(tally.rounds.items()))
    statuses = ", ".join(f"{name} {count}" for name, count in sorted(tally.statuses.items(), key=str))
    print(f"seed {seed}: {tally.rounds.total()} attacks ({rounds})")
    print(f"{tally.connections} connections, {tally.sent / 1e6:.0f} MB sent; answers: {statuses}")
    waited = f"a sound request waited at most {tally.slowest:.2f} s of {ANSWERED:g}"
    print(f"most memory {tally.peak} MB of {CEILING}; {waited}")
    print(*tally.broken or ["nothing broke"], sep="\n")


if __name__ == "__main__":
    sys.exit(main())
