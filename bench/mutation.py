"""Change the code that judges in one place at a time, and ask whether a test notices.

    python bench/mutation.py DIRECTORY

mutmut makes the changes and runs the tests, in a copy below DIRECTORY. A change that no test notices must stand in
docs/mutation.yaml with its reason; one that does not, or one that stands there and is noticed, ends this with 1.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
EXPLAINED = ROOT / "docs" / "mutation.yaml"
NEEDED = ("src", "tests", "openapi", "conformance", "pyproject.toml")
MUTATED = (*(f"{name}.py" for name in ("judge", "envelope", "reading", "finding", "verdicts", "signing")), "cases/*.py")
# Those that draw their examples take minutes where these take seconds, and notice nothing that these do not.
TESTS = ("test_judge.py", "test_judge_kinds.py", "test_judge_envelope.py", "test_verdicts*.py", "test_signing.py")
TESTS += ("test_mutants_*.py",)
# Of pytest's plugins only these are needed; to find and load the others would take longer than most tests.
OPTIONS = ("--tb=no", "-p", "_hypothesis_pytestplugin", "-p", "pytest_timeout", "--hypothesis-seed=0")
NOTICED = (1, 3)  # exit codes of pytest: a test failed, or could not be run at all
LONGEST = 300  # seconds that all the tests may take in a process of their own
ENVIRONMENT = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}

Change = tuple[str, ...]  # the function, then the lines that go and come, each with its sign


def main(directory: Path) -> int:
    place = prepared(directory / "copy")
    log = directory / "mutmut.log"
    with log.open("w") as file:
        command = [sys.executable, "-m", "mutmut", "run", "--max-children", "1"]
        done = subprocess.run(command, cwd=place, env=ENVIRONMENT, stdout=file, stderr=file, check=False)
    results = read(place)
    if done.returncode or None in results.values() or not results:
        print(f"mutmut did not get through; see {log}")
        return 2
    explained = set(listed(EXPLAINED.read_text("utf-8")))
    left = {name: told(name, place) for name, code in results.items() if code not in NOTICED}
    # What a module does when it is imported was done before mutmut put its change in force: a fresh process sees it.
    unknown = {name: change for name, change in left.items() if change not in explained and not is_seen(name, place)}
    known = [change for change in left.values() if change in explained]
    stale = explained - set(known)
    print(f"{len(results)} changes: {len(results) - len(known) - len(unknown)} noticed by a test,")
    print(f"{len(known)} explained in docs/{EXPLAINED.name}, {len(unknown)} neither")
    for name, change in unknown.items():
        print(f"\nneither noticed nor explained: {name}", *change, sep="\n")
    for change in sorted(stale):
        print("\nexplained, but noticed or not there:", *change, sep="\n")
    return 1 if unknown or stale else 0


def prepared(place: Path) -> Path:
    """A copy of what the tests need, with mutmut's settings beside it."""
    shutil.rmtree(place, ignore_errors=True)
    for name in NEEDED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / name, place / name)
    settings = {
        "source_paths": ["src"],
        "only_mutate": [f"src/biztoken/{name}" for name in MUTATED],
        "also_copy": ["openapi", "conformance"],
        "pytest_add_cli_args": OPTIONS,
        "pytest_add_cli_args_test_selection": tests(place),
    }
    lines = [line for key, values in settings.items() for line in (f"{key} =", *(f"  {value}" for value in values))]
    (place / "setup.cfg").write_text("\n".join(["[mutmut]", *lines, ""]), "utf-8")
    return place


def tests(place: Path) -> list[str]:
    """The files of tests that are run."""
    return sorted(f"tests/{path.name}" for pattern in TESTS for path in (place / "tests").glob(pattern))


def read(place: Path) -> dict[str, int | None]:
    """The changes by mutmut's names, with the exit codes of pytest; None where it was not run."""
    files = (place / "mutants" / "src").rglob("*.meta")
    return {name: code for path in files for name, code in json.loads(path.read_text())["exit_code_by_key"].items()}


def told(name: str, place: Path) -> Change:
    """A change as docs/mutation.yaml lists it."""
    module, _, function = name.removeprefix("biztoken.").rpartition(".")
    function = function.rpartition("__mutmut_")[0].removeprefix("x_").replace("xǁ", "").replace("ǁ", ".")
    command = [sys.executable, "-m", "mutmut", "show", name]
    shown = subprocess.run(command, cwd=place, env=ENVIRONMENT, capture_output=True, encoding="utf-8", check=True)
    lines = [line for line in shown.stdout.splitlines() if re.match(r"[-+](?![-+]{2} )", line)]
    return (f"{module}.{function}", *(f"{line[0]} {line[1:].strip()}" for line in lines))


def is_seen(name: str, place: Path) -> bool:
    """Whether the tests notice a change that is in force from the start."""
    copy = place / "mutants"
    environment = {**ENVIRONMENT, "MUTANT_UNDER_TEST": name, "PYTHONPATH": str(copy / "src")}
    command = [sys.executable, "-m", "pytest", "-x", "-q", *OPTIONS, *tests(copy)]
    try:
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, timeout=LONGEST, check=False)
    except subprocess.TimeoutExpired:
        return True
    return done.returncode != 0


def listed(text: str) -> Iterator[Change]:
    """The changes that are explained, apart by blank lines below each reason."""
    for row in yaml.safe_load(text):
        for change in row["changes"].strip().split("\n\n"):
            yield tuple(change.splitlines())


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
