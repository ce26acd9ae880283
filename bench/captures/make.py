"""Capture what stock clients put on the wire, each with its habits, sound and faulty.

    python bench/captures/make.py [--only NAME,…] [--work DIR] [--out DIR]

See README.md beside this file for what must be installed. Every client is run against a recorder on this machine.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from clients import CLASSPATH, CLIENTS, Client
from habits import HABITS, Habit, Stage, by_hand
from PIL import Image
from recorder import Recorder

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# The time in every sign, and the one to judge it by. Always the same, so that a new capture shows only what is new.
AT = 1_764_000_000
LONGEST = 60  # seconds that a client may take


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="clients, apart by commas")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "captures", help="where clients are made ready")
    parser.add_argument("--out", type=Path, default=ROOT / "tests" / "captures")
    chosen = parser.parse_args()
    names = [name for name in chosen.only.split(",") if name] or [client.name for client in CLIENTS]
    work, out = chosen.work.resolve(), chosen.out.resolve()
    prepare(work)
    made = []
    with Recorder() as recorder:
        for client in (client for client in CLIENTS if client.name in names):
            made += captured(client, recorder, work)
    lost = [f"{row['client']}: {row['habit']}" for row, data in made if data is None]
    # Nothing is changed before all of it is there.
    out.mkdir(parents=True, exist_ok=True)
    manifest = out / "manifest.yaml"
    old = yaml.safe_load(manifest.read_text("utf-8"))["captures"] if manifest.exists() else []
    for row in old:
        if row["client"] in names:
            (out / row["file"]).unlink(missing_ok=True)
    rows = [row for row in old if row["client"] not in names]
    for row, data in made:
        if data is not None:
            (out / row["file"]).write_bytes(data)
            rows.append(row)
    order = {client.name: number for number, client in enumerate(CLIENTS)}
    rows.sort(key=lambda row: order[row["client"]])
    manifest.write_text(told(rows), "utf-8")
    print(f"{len(rows)} captures of {len({row['client'] for row in rows})} clients in {out}")
    if lost:
        print("nothing came of:", *lost, sep="\n  ")
    return 1 if lost else 0


def captured(client: Client, recorder: Recorder, work: Path) -> Iterator[tuple[dict[str, Any], bytes | None]]:
    """Each habit of a client as a row of the manifest and the bytes; None where it sent nothing."""
    version = client.told_version(work)
    for name in client.habits:
        habit = HABITS[name]
        recorder.requests.clear()
        said = run(client, habit, recorder.address, work)
        sent = recorder.requests[:]
        if len(sent) != 1:
            print(f"{client.name} {name}: {len(sent)} requests\n{said}")
        yield row_of(client, version, name, habit), sent[0] if sent else None


def run(client: Client, habit: Habit, address: str, work: Path) -> str:
    """Have the client send; what it said."""
    stage = Stage(AT, work)
    plan = habit.plan(stage)
    if plan.mode == "multipart" and not client.makes_forms:
        plan = by_hand(habit.plan)(stage)
    url, body = f"http://{address}{plan.path}", None
    if plan.body is not None:
        body = work / "body"
        body.write_bytes(plan.body)
    if callable(client.command):
        line = client.command(plan, url, body)
    else:
        path = work / "plan.txt"
        path.write_text(plan.written(url, body), "utf-8")
        line = [*client.command, str(path)]
    try:
        done = subprocess.run(line, cwd=work, capture_output=True, encoding="utf-8", timeout=LONGEST, check=False)
    except subprocess.TimeoutExpired:
        return f"it did not end in {LONGEST} s"
    return done.stdout + done.stderr


def row_of(client: Client, version: str, name: str, habit: Habit) -> dict[str, Any]:
    status, error = habit.answer
    known = {"file": f"{client.name}-{name}.http", "client": client.name, "version": version, "habit": name}
    return {**known, "findings": list(habit.findings), "status": status, "error": error}


def told(rows: list[dict[str, Any]]) -> str:
    """The manifest: a line for each capture."""
    head = (
        "# Made by bench/captures/make.py. A file holds the bytes of one request as on the wire.\n"
        "# at: the time to judge the signs by. findings: what lint must tell above advice.\n"
        "# status, error: what the mock answers.\n"
    )
    lines = [yaml.safe_dump(row, default_flow_style=True, sort_keys=False, width=10_000) for row in rows]
    return head + f"at: {AT}\ncaptures:\n" + "".join(f"- {line}" for line in lines)


def prepare(work: Path) -> None:
    """Copy the programs, install the packages that they use, compile, and make the pictures."""
    work.mkdir(parents=True, exist_ok=True)
    for program in (HERE / "programs").iterdir():
        if program.is_file():
            shutil.copy(program, work)
    if not (work / "venv").exists():
        subprocess.run([sys.executable, "-m", "venv", "venv"], cwd=work, check=True)
        pip = ["venv/bin/python", "-m", "pip", "install", "-q"]
        subprocess.run([*pip, "-U", "pip"], cwd=work, check=True)
        subprocess.run([*pip, "--group", f"{ROOT / 'pyproject.toml'}:captures"], cwd=work, check=True)
    if not (work / "node_modules").exists():
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent"], cwd=work, check=True)
    subprocess.run(["go", "build", "-o", "send", "main.go"], cwd=work, check=True)
    subprocess.run(["mcs", "-nologo", "-r:System.Net.Http", "-out:ViaMono.exe", "ViaMono.cs"], cwd=work, check=True)
    subprocess.run(["javac", "-cp", CLASSPATH, *(path.name for path in work.glob("*.java"))], cwd=work, check=True)
    # The least in which the mock finds a face of good quality, so that the captures stay small.
    with Image.open(ROOT / "conformance" / "portrait.jpg") as portrait:
        face = portrait.convert("RGB").resize((144, 144), Image.Resampling.LANCZOS)
    face.save(work / "face.jpg", "JPEG", quality=60, optimize=True)
    face.convert("L").quantize(16).save(work / "face.png", "PNG", optimize=True)
    Image.new("L", (4097, 8)).save(work / "wide.png", "PNG", optimize=True)


if __name__ == "__main__":
    sys.exit(main())
