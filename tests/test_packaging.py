"""What is declared, imported and shipped agrees."""

import ast
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterable
from configparser import ConfigParser
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
# Needed, though no module of ours imports it.
NAMED_ONLY = {"uvloop": "uvicorn takes it for its event loop where it is there"}
# Its metadata names only the compiled half.
HOMES = {"dlib": ["dlib-bin"]}
# Imported by tests/ from beside them.
OWN = {"biztoken"} | {path.stem for place in ("tests", "bench") for path in (ROOT / place).rglob("*.py")}


def declared(*groups: str) -> dict[str, Requirement]:
    """The requirements of the package and of dependency groups, by name."""
    lines = [*PROJECT["project"]["dependencies"]]
    for group in groups:
        lines += [line for line in PROJECT["dependency-groups"][group] if isinstance(line, str)]
    return {canonicalize_name(Requirement(line).name): Requirement(line) for line in lines}


def imported(*directories: str) -> set[str]:
    """The distributions whose modules the Python files below some directories import."""
    tops: set[str] = set()
    for path in (path for name in directories for path in (ROOT / name).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                tops |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                tops.add(node.module.partition(".")[0])
    tops -= sys.stdlib_module_names | OWN
    homes = {**packages_distributions(), **HOMES}
    return {canonicalize_name(name) for top in tops for name in set(homes.get(top, [top]))}


def test_every_import_is_declared():
    """What the package and the suite import is a dependency of its own, not a gift of another's."""
    assert imported("src", "conformance") - set(declared()) == set()


def test_every_dependency_is_imported():
    """Nothing is installed in vain."""
    assert set(declared()) - imported("src", "conformance") == set(NAMED_ONLY)


def test_every_import_of_the_tests_is_declared():
    """The tests run on what the group `tests` brings beside the package, captured clients on what `captures` brings."""
    assert imported("tests", "bench") - set(declared("tests", "captures")) - {"build"} == set()


@pytest.mark.parametrize("name", ["schemathesis", "hypothesis"])
def test_what_gives_access_to_internals_is_bounded(name):
    """A library whose internals are used is never taken newer than it was tried."""
    bounds = {specifier.operator for specifier in declared()[name].specifier}

    assert bounds & {"==", "<"}


def test_supported_pythons_are_the_same_everywhere():
    """Metadata, tox and the type checker name the same versions of Python."""
    classifiers = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["project"]["classifiers"]))
    tox = ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini", "utf-8")

    assert PROJECT["project"]["requires-python"] == f">={classifiers[0]}"
    assert PROJECT["tool"]["mypy"]["python_version"] == classifiers[0]
    assert re.findall(r"3\.\d+", tox["testenv:resolve"]["commands"]) == classifiers


# --- what is built


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> tuple[Path, Path]:
    """The sdist, and the wheel that is made from the sdist alone."""
    place = tmp_path_factory.mktemp("built")
    _hatch(ROOT, "sdist", place)
    (sdist,) = place.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(place, filter="data")
    _hatch(place / sdist.name.removesuffix(".tar.gz"), "wheel", place)
    (wheel,) = place.glob("*.whl")
    return sdist, wheel


def _hatch(source: Path, target: str, place: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(place)]
    subprocess.run(command, cwd=source, check=True, capture_output=True, stdin=subprocess.DEVNULL)


@cache
def wheel_names(wheel: Path) -> frozenset[str]:
    """The files in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return frozenset(archive.namelist())


def files(directory: str) -> Iterable[Path]:
    """The files of the checkout below a directory, but for what Python leaves there."""
    found = (path for path in (ROOT / directory).rglob("*") if path.is_file())
    return (path.relative_to(ROOT / directory) for path in found if "__pycache__" not in path.parts)


def test_wheel_holds_the_package_and_its_bundle(built):
    """Code, data and templates, `openapi/` and `conformance/`, the licence, and not a file more."""
    expected = {f"biztoken/{path.as_posix()}" for path in files("src/biztoken")}
    for name in ("openapi", "conformance", "load"):
        expected |= {f"biztoken/_bundle/{name}/{path.as_posix()}" for path in files(name)}

    names = wheel_names(built[1])
    package = {name for name in names if not re.match(r"biztoken-[^/]+\.dist-info/", name)}

    assert package == expected
    assert any(name.endswith("/licenses/LICENSE") for name in names)


@pytest.mark.parametrize(
    "name",
    [
        "biztoken/_bundle/conformance/cases/signature.yaml",
        "biztoken/_bundle/conformance/portrait.jpg",
        "biztoken/_bundle/conformance/pytest.ini",
        "biztoken/_bundle/load/locustfile.py",
        "biztoken/_bundle/load/mock-keys.yaml",
        "biztoken/_bundle/load/profiles/smoke.yaml",
        "biztoken/_bundle/openapi/clauses.yaml",
        "biztoken/_bundle/openapi/get_biz_token.yaml",
        "biztoken/load/profile.schema.json",
        "biztoken/mock/demo-keys.yaml",
        "biztoken/reporting/limit.schema.json",
        "biztoken/reporting/load.schema.json",
        "biztoken/reporting/result.schema.json",
        "biztoken/reporting/templates/index.html.j2",
        "biztoken/reporting/texts.yaml",
    ],
)
def test_wheel_holds_what_is_read_at_run_time(built, name):
    """What the code opens is there, typed by hand so that a file that moved is missed."""
    assert name in wheel_names(built[1])


def test_sdist_holds_what_the_tests_need(built):
    """Whoever unpacks the sdist can run the tests; nothing of a tool's is in it."""
    with tarfile.open(built[0]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}

    assert {f"tests/{path.as_posix()}" for path in files("tests")} <= names
    assert {"tox.ini", "README.md", "LICENSE", "docs/target.md", "reports/sample-check/index.html"} <= names
    assert not [name for name in names if re.search(r"__pycache__|\.(tox|venv|hypothesis|mypy_cache)", name)]
