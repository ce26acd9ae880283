"""Install the wheel as a user does and run it in an empty directory. Started by tox; pytest does not collect it.

python tests/install_trial.py --out DIR              with the Python that runs this
python tests/install_trial.py --out DIR 3.11 3.14    with each of these: run where it is found, else only resolved

Exit code 0 where every Python got as far as it can get here.
"""

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Build, then try each Python; a line for each tells how far it got."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("python", nargs="*", default=[sys.executable])
    options = parser.parse_args()
    out = options.out.resolve()
    shutil.rmtree(out, ignore_errors=True)
    environment = clean_environment()
    wheel = build(out / "dist", environment)
    told = [trial(python, wheel, out / Path(python).name, environment) for python in options.python]
    sys.stdout.write("\n".join(told) + "\n")
    return int(any("FAILED" in line for line in told))


def clean_environment() -> dict[str, str]:
    """What a user's shell would have: nothing of tox, pytest or another Python's paths."""
    ours = ("PYTHON", "PYTEST", "TOX", "VIRTUAL_ENV")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    if shutil.which("pyenv"):
        # pyenv hides every version but the chosen one.
        versions = run(["pyenv", "versions", "--bare"], environment).stdout.split()
        environment["PYENV_VERSION"] = ":".join(versions)
    return environment


def build(out: Path, environment: dict[str, str]) -> Path:
    """The wheel, made from the sdist and not from the repository."""
    must([sys.executable, "-m", "build", "--outdir", out, ROOT], environment)
    (wheel,) = out.glob("*.whl")
    return wheel


def trial(python: str, wheel: Path, place: Path, environment: dict[str, str]) -> str:
    """Run the wheel with a Python, or resolve what it needs where there is no such Python here."""
    venv, empty = place / "venv", place / "empty"
    making = [sys.executable, "-m", "virtualenv", "--quiet", "--python", python, venv]
    if run(making, environment).returncode:
        return resolve(python, wheel, environment)
    empty.mkdir()
    must([venv / "bin" / "pip", "install", "--quiet", wheel], environment)
    where = "import biztoken, platform; print(platform.python_version(), biztoken.__file__)"
    version, _, home = run([venv / "bin" / "python", "-c", where], environment, empty).stdout.strip().partition(" ")
    if not home.startswith(str(venv)):
        return f"Python {version}: FAILED: biztoken comes from {home or 'nowhere'}"
    done = run([venv / "bin" / "biztoken", "check", "--plan", "quick", "--out", "run"], environment, empty)
    if done.returncode or not (empty / "run" / "index.html").is_file():
        return f"Python {version}: FAILED with exit code {done.returncode}\n{done.stdout}{done.stderr}"
    result = json.loads((empty / "run" / "result.json").read_text("utf-8"))
    return f"Python {version}: ran, {result['verdict']}, {result['executed']} cases in {result['seconds']:.1f} s"


def resolve(python: str, wheel: Path, environment: dict[str, str]) -> str:
    """Find a wheel for everything that the package needs, as pip would choose with that Python."""
    target = ["--python-version", python, "--only-binary=:all:", "--target", "unused"]
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", *target, wheel]
    done = run(command, environment)
    found = re.search(r"Would install (.+)", done.stdout)
    if found is None:
        return f"Python {python}: FAILED to resolve\n{done.stderr}"
    return f"Python {python}: resolved, not run: {len(found[1].split())} wheels; there is no such interpreter here"


def run(
    command: list[str | Path], environment: dict[str, str], directory: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, without standard input."""
    return subprocess.run(
        command, env=environment, cwd=directory, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def must(command: list[str | Path], environment: dict[str, str]) -> None:
    """Run a command; where it fails, end with what it said."""
    done = run(command, environment)
    if done.returncode:
        raise SystemExit(f"FAILED: {shlex.join(map(str, command))}\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    sys.exit(main())
