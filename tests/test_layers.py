"""Imports point one way: the layers of the library as a table, read from the modules by `ast`."""

import ast
import sys
from collections.abc import Collection
from functools import cache
from pathlib import Path

import pytest

import biztoken

SOURCE = Path(biztoken.__file__).parent
CONFORMANCE = SOURCE.parents[1] / "conformance"

# Group: (its modules, the groups and modules that they may import besides each other), lowest first.
# A package stands for all its modules. No group may name one that comes after it.
LAYERS: dict[str, tuple[str, str]] = {
    "values": ("errors model", ""),
    "signing": ("signing", ""),
    "people": ("people", ""),
    "shape": ("shape", "errors"),
    "settings": ("settings", "errors signing shape"),
    "redaction": ("redaction", ""),
    "evidence": ("evidence", "values redaction"),
    "contract": ("contract", "values"),
    "pictures": ("pictures", "values contract"),
    "request": ("received multipart", "values"),
    "leaks": ("leaks", "values contract people settings"),
    # Islands: what the mock knows the suite must not, and the other way round; both know the contract.
    "mock": ("mock", "values contract request"),
    "lint": ("lint", "values contract request"),
    "reporting": ("reporting", "values"),
    "wire": ("arrival wire burst", "values"),
    "judge": ("reading finding envelope judge verdicts", "values contract"),
    "recording": ("recording budget", "values evidence judge"),
    "client": ("client", "values signing settings evidence wire recording"),
    "doctor": ("doctor", "values settings evidence redaction judge wire"),
    "cases": ("cases", "values contract judge people pictures signing settings"),
    "fuzz": ("fuzz", "values contract judge client cases people"),
    "waivers": ("waivers", "values contract judge cases fuzz reporting"),
    "past": ("changes history comparing", "values judge reporting"),
    "runner": (
        "ledger sender lateness requests controls runner needs preflight precedence pricing",
        "values contract judge client recording cases evidence people settings doctor",
    ),
    "certificate": ("certificate", "values contract cases evidence"),
    "embedded": ("embedded", "values settings signing mock.keys"),
    "suite": (
        "suite account resuming",
        "values contract judge client recording cases evidence people pictures settings runner embedded reporting"
        " certificate waivers past leaks doctor redaction",
    ),
    "plugin": ("pytest_plugin", "values judge cases runner settings suite"),
    "check": ("check", "values contract cases reporting suite embedded plugin leaks settings"),
    "verbs": (
        "rehearsal rejudge consultation",
        "values contract recording cases settings embedded mock.keys reporting doctor runner suite check"
        " certificate past waivers",
    ),
    "load": (
        "load",
        "values contract signing judge wire recording client cases people pictures evidence settings shape runner"
        " doctor reporting embedded suite leaks",
    ),
    "limit": (
        "limit",
        "values contract judge wire recording client cases settings runner doctor reporting embedded suite leaks"
        " load.guard",
    ),
    # The one verb that needs the mock in its own process: it is the stage on which a client plays.
    "drill": (
        "drill",
        "values contract request judge evidence redaction leaks mock lint reporting waivers past suite",
    ),
    "prove": (
        "prove",
        "values contract cases fuzz evidence pictures settings certificate embedded suite check reporting"
        " mock.catalogue",
    ),
    # Whoever looks at what a mock got: the page's judge, and the fixture for integrators' tests.
    "examiner": ("examiner", "values contract request lint mock.keys"),
    "testing": ("testing", "values contract request lint mock people pictures"),
    "cli": (
        "cli __main__",
        "values contract signing reporting mock.server mock.catalogue mock.recorded embedded suite check verbs prove"
        " past load limit lint drill examiner",
    ),
}
# Who may import what does not belong to us; at the top or late, it is the same.
OTHERS: dict[str, str] = {
    "pytest": "pytest_plugin check testing",
    "_pytest": "prove.trials drill.selection",
    "schemathesis": "fuzz.generator",
    "hypothesis": "fuzz.generator",
    "click": "cli",
    "cryptography": "drill.certificates",
    "rich": "reporting",
    "jinja2": "reporting",
    "markupsafe": "reporting",
    "pygal": "reporting",
    "referencing": "reporting",
    "jsonschema": "shape reporting",
    "yaml": "contract settings cases.written waivers.file rehearsal reporting mock lint load.profile drill.scenario",
    "PIL": "pictures mock lint.pictures",
    "numpy": "mock load.analysis load.fit load.tokens",
    "gevent": "load.conductor load.link load.rig load.user",
    "locust": "load.conductor load.user",
    "hdrh": "load.measure",
    "xxhash": "load.tokens",
    "dlib": "mock",
    "uvicorn": "mock",
    "faker": "people",
    "h11": "wire",
    "httptools": "received mock",
    "urllib3": "client",
}
# Where the clock, chance, the environment and the network are arguments.
PURE = (
    *("reading", "finding", "envelope", "judge", "verdicts", "contract", "people", "waivers.marks", "redaction"),
    *(f"doctor.{name}" for name in ("answers", "diagnosis", "failures", "observation", "skew", "steps", "words")),
    *("mock.rules", "mock.rulebook", "multipart", "fuzz.views"),
    *("mock.doorman", "mock.privacy", "mock.repeat", "mock.views"),
    *(f"drill.{name}" for name in ("across", "judging", "pace", "point", "printed", "seen", "words")),
    *(f"lint.{name}" for name in ("advice", "judge", "names", "pictures", "request", "secrets", "sequence")),
    *(f"lint.{name}" for name in ("signature", "signs", "suspects", "told", "values")),
    *(f"limit.{name}" for name in ("observed", "planner", "reasons", "release", "search", "told")),
    *(f"load.{name}" for name in ("analysis", "book", "conditions", "fit", "guard", "health", "measure")),
    *(f"load.{name}" for name in ("schedule", "verdict")),
)
IMPURE = {"time", "datetime", "socket", "select", "selectors", "ssl", "os", "subprocess", "threading", "requests"}


def name_of(path: Path) -> str:
    """A module's name below biztoken, a package by its own."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


MODULES = {name_of(path): path for path in sorted(SOURCE.rglob("*.py"))}
GROUPS = {name: group for group, (names, _) in LAYERS.items() for name in names.split()}


@cache
def imports(path: Path, *, late: bool = True, typing: bool = True) -> frozenset[str]:
    """The full names that a file imports; without `late` or `typing` not in functions or for type checkers only."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                found.update(alias.name for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{path.name}: imports are absolute"
                found.update(f"{child.module}.{alias.name}" for alias in child.names)
            is_late = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            is_typing = isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
            if (late or not is_late) and (typing or not is_typing):
                visit(child)

    visit(ast.parse(path.read_text("utf-8")))
    return frozenset(found)


def ours(names: Collection[str]) -> set[str]:
    """The modules of biztoken among imported names; `from biztoken import __version__` is none."""
    below = {name.removeprefix("biztoken.") for name in names if name.startswith("biztoken.")}
    found = {max((module for module in MODULES if within(name, module)), key=len, default=name) for name in below}
    return found - {"__version__"}


def foreign(names: Collection[str]) -> set[str]:
    """The libraries among imported names."""
    tops = {name.split(".")[0] for name in names}
    return tops - set(sys.stdlib_module_names) - {"biztoken", "__future__"}


def within(name: str, place: str) -> bool:
    """Whether a dotted name is a place or below it."""
    return name == place or name.startswith(f"{place}.")


def group_of(module: str) -> str:
    """The group of a module, its own or that of its package."""
    return GROUPS.get(module) or GROUPS[module.partition(".")[0]]


def each(modules):
    """Modules as parameters of a test."""
    return [pytest.param(module, id=module) for module in modules]


CODE = [module for module in MODULES if module != "__init__"]


def test_every_module_has_its_layer():
    """The table names each module or its package once, and none that is not there."""
    named = [name for names, _ in LAYERS.values() for name in names.split()]

    assert len(named) == len(set(named))
    assert set(named) == {module.split(".")[0] for module in CODE}


@pytest.mark.parametrize("group", LAYERS)
def test_the_table_points_one_way(group):
    """A layer may import only what stands above it in the table, so there is no circle."""
    order = list(LAYERS)

    for allowed in LAYERS[group][1].split():
        below = allowed if allowed in LAYERS else group_of(allowed)
        assert order.index(below) < order.index(group)


@pytest.mark.parametrize("module", each(CODE))
def test_module_imports_only_from_its_layers(module):
    """Whatever a module imports, at the top or late, belongs to its own group or to one that it may import."""
    group = group_of(module)
    allowed = {group, *LAYERS[group][1].split()}

    imported = ours(imports(MODULES[module]))

    assert {name for name in imported if group_of(name) not in allowed and name not in allowed} == set()


def test_the_two_sides_share_the_contract_and_nothing_else():
    """What both the mock and the suite import is the contract, its errors and the values: no check of a signature."""
    mock = {name for module in CODE if within(module, "mock") for name in ours(imports(MODULES[module]))}
    groups = {"judge", "client", "runner", "cases"}
    suite = {name for module in CODE if group_of(module) in groups for name in ours(imports(MODULES[module]))}

    assert mock & suite <= {"contract", "errors", "model"}
    assert {name for name in suite if within(name, "mock")} == set()


@pytest.mark.parametrize("library", OTHERS)
def test_library_is_imported_only_where_it_belongs(library):
    """Each library has its place, pytest above all: whoever imports it cannot be used without it."""
    places = OTHERS[library].split()

    users = {module for module in CODE if library in foreign(imports(MODULES[module], typing=False))}

    assert {module for module in users if not any(within(module, place) for place in places)} == set()
    assert {place for place in places if not any(within(module, place) for module in users)} == set()


def test_every_library_has_its_place():
    """A library that comes new is given a place in the table."""
    used = {library for path in MODULES.values() for library in foreign(imports(path))}

    assert used == set(OTHERS)


@pytest.mark.parametrize("module", each(PURE))
def test_pure_module_knows_no_clock_and_no_network(module):
    """What decides gets the clock, chance, the environment and the network as arguments."""
    tops = {name.split(".")[0] for name in imports(MODULES[module])}

    assert tops & IMPURE == set()


def test_the_command_starts_without_what_only_some_need():
    """At its top the command line imports click and our own errors; --help waits for nothing else."""
    at_the_top = imports(MODULES["cli"], late=False)

    assert ours(at_the_top) == {"errors"}
    assert foreign(at_the_top) == {"click"}
    assert ours(imports(MODULES["errors"])) | foreign(imports(MODULES["errors"])) == set()


def test_only_processes_of_locust_import_locust():
    """Locust replaces Python's sockets: nothing that the command line imports, first or last, imports it or gevent."""
    reached, ahead = set(), {"cli"}
    while ahead:
        reached |= ahead
        ahead = {name for module in ahead for name in ours(imports(MODULES[module])) if name in MODULES} - reached
    libraries = {library for module in reached for library in foreign(imports(MODULES[module]))}

    assert "load.command" in reached
    assert libraries & {"locust", "gevent"} == set()


@pytest.mark.parametrize("path", [pytest.param(path, id=path.name) for path in sorted(CONFORMANCE.glob("*.py"))])
def test_the_suite_in_conformance_knows_no_mock(path):
    """Cases see a target as anyone does, and use pytest by our plugin only."""
    names = imports(path)

    assert {name for name in ours(names) if within(name, "mock") or name in ("embedded", "cli", "check")} == set()
    assert foreign(names) == set()
