"""The documents say what is true: commands, options, keys, names, links, and the same in both languages."""

from __future__ import annotations

import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import tomllib
from configparser import ConfigParser
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from jsonschema import Draft202012Validator

from biztoken import cases, contract, pytest_plugin, settings, suite
from biztoken.cases import written
from biztoken.cli import main
from biztoken.client import ODD_FORMS
from biztoken.lint.advice import LEVELS, texts
from biztoken.lint.explain import _PARTS
from biztoken.load import profile
from biztoken.mock import conditions, faults, keys, overrides
from biztoken.model import Level, Verdict
from biztoken.pictures import BROKEN
from biztoken.reporting import result
from biztoken.signing import SPOILS

ROOT = Path(__file__).resolve().parents[1]
SET_UP = "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/biztoken check --out reports/first"
TESTS = "python3 -m venv .venv && .venv/bin/pip install tox && .venv/bin/tox"
PAIRS = [
    ("README.md", "README.zh.md"),
    ("docs/target.md", "docs/target.zh.md"),
    ("docs/report.md", "docs/report.zh.md"),
    ("docs/waivers.md", "docs/waivers.zh.md"),
    ("docs/baseline.md", "docs/baseline.zh.md"),
    ("docs/doctor.md", "docs/doctor.zh.md"),
    ("docs/privacy.md", "docs/privacy.zh.md"),
    ("docs/go-live.md", "docs/go-live.zh.md"),
    ("docs/ci.md", "docs/ci.zh.md"),
    ("docs/proof.md", "docs/proof.zh.md"),
    ("docs/client.md", "docs/client.zh.md"),
    ("docs/drill.md", "docs/drill.zh.md"),
    ("docs/load.md", "docs/load.zh.md"),
    ("docs/capacity.md", "docs/capacity.zh.md"),
    ("deploy/README.md", "deploy/README.zh.md"),
]
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for place in ("", "deploy", "docs", "reports")
    for path in (ROOT / place).glob("*.md")
)
CONTRACT = contract.load()
# Options in the text that are other programs'.
OTHER_OPTIONS = {"--pyargs", "--group", "--target-file", "--load-profile"}
# Words in capitals that are no name of the contract: levels and verdicts, file formats, and what sister products tell.
OTHER_NAMES = {"FACEID_KEY", "FACEID_SECRET", "BIZTOKEN_API_KEY", "BIZTOKEN_API_SECRET", "PYTEST_ADDOPTS"}
OTHER_NAMES |= {"BIZTOKEN_TARGET", "BIZTOKEN_URL", "BIZTOKEN_CACERT"}
OTHER_NAMES |= {"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"}
OTHER_NAMES |= {"REPLAY_ATTACK", "BALANCE_NOT_ENOUGH", "ACCOUNT_DISCONTINUED", "NON_ENTERPRISE_CERTIFICATION"}
OTHER_NAMES |= {verdict.value for verdict in Verdict} | {level.value for level in Level}


@cache
def text_of(name: str) -> str:
    """A document."""
    return (ROOT / name).read_text("utf-8")


def blocks(name: str, language: str = r"\w*") -> list[str]:
    """The fenced blocks of a document, or those in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text_of(name), re.MULTILINE | re.DOTALL)


def prose(name: str) -> str:
    """A document without its fenced blocks."""
    return re.sub(r"^```\w*\n.*?^```$", "", text_of(name), flags=re.MULTILINE | re.DOTALL)


def code(name: str) -> list[str]:
    """What stands between backquotes in the prose of a document."""
    return re.findall(r"`([^`\n]+)`", prose(name))


# --- commands


def commands(name: str) -> list[str]:
    """The simple commands in a document's shell blocks, and those of ours in blocks of other languages."""
    found = []
    for line in "".join(blocks(name, "sh")).splitlines():
        found += re.findall(r"\$\((.+?)\)", line)
        found += [command.strip(" &") for command in re.split(r"&&|\|", line)]
    for block in blocks(name, "yaml") + blocks(name, "groovy"):
        found += re.findall(r"biztoken (?:check|mock|report|sign)\b[^'\n]*", block)
    return [command for command in found if command]


COMMANDS = [pytest.param(command, id=f"{name}: {command}") for name in DOCUMENTS for command in commands(name)]


@pytest.mark.parametrize("command", COMMANDS)
def test_command_is_one_that_works(command):
    """Whoever copies a command gets no complaint about how it is written."""
    program, *arguments = shlex.split(command)
    known = {"biztoken": ours, "pytest": pytests, "tox": toxs, "pip": pips, "export": exports}
    check = known.get(Path(program).name)
    if check:
        check(arguments)
    else:
        assert Path(program).name in {"python", "python3", "curl"}


def ours(arguments: list[str]) -> None:
    """Our own command line parses it; nothing is run."""
    context = main.make_context("biztoken", list(arguments))
    name, command, rest = main.resolve_command(context, arguments)
    assert command is not None
    assert name is not None
    command.make_context(name, rest, parent=context)


def pytests(arguments: list[str]) -> None:
    """Options are pytest's -k or the plugin's, places exist."""
    known = {"-k", *plugin_options()}
    assert {argument for argument in arguments if argument.startswith("-")} <= known
    assert (ROOT / arguments[0]).exists()


def toxs(arguments: list[str]) -> None:
    """The environment exists."""
    ini = ConfigParser(interpolation=None)
    ini.read(ROOT / "tox.ini", "utf-8")
    for option, value in pairwise(arguments):
        assert option != "-e" or f"testenv:{value}" in ini


def pips(arguments: list[str]) -> None:
    """The group of dependencies exists."""
    groups = tomllib.loads(text_of("pyproject.toml"))["dependency-groups"]
    for option, value in pairwise(arguments):
        assert option != "--group" or value in groups


def exports(arguments: list[str]) -> None:
    """Each is an assignment."""
    assert all(re.fullmatch(r"[A-Z_]+=.+", argument) for argument in arguments)


class Options(set):
    """Stands for pytest's parser and keeps the options that are added to it."""

    def getgroup(self, _name: str) -> Options:
        return self

    def addoption(self, *names: str, **_: Any) -> None:
        self.update(names)


def plugin_options() -> set[str]:
    """The options that the pytest plugin adds."""
    added = Options()
    pytest_plugin.pytest_addoption(added)
    return added


def test_set_up_commands_stand_in_the_readme_and_one_runs_in_ci():
    """One command shows the program, one passes the tests, and what CI runs is the second, word for word."""
    assert blocks("README.md", "sh")[:2] == [f"{SET_UP}\n", f"{TESTS}\n"]
    assert TESTS in text_of(".ci/run").splitlines()
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_sign_runs_as_documented(tmp_path):
    """The one command that the report's curl lines need prints one line of base64."""
    environment = {**os.environ, "BIZTOKEN_API_KEY": "key", "BIZTOKEN_API_SECRET": "secret"}
    command = [sys.executable, "-m", "biztoken", "sign"]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)

    assert re.fullmatch(r"[A-Za-z0-9+/]+=*\n", done.stdout)


# --- options and other words


def options(command: click.Command) -> list[str]:
    """The long options of a command that its help shows."""
    shown = [option for option in command.params if isinstance(option, click.Option) and not option.hidden]
    return [name for option in shown for name in (*option.opts, *option.secondary_opts) if name.startswith("--")]


PLACES = {
    "check": ["docs/report.md", "docs/report.zh.md"],
    "prove": ["docs/report.md", "docs/report.zh.md"],
    "report": ["docs/report.md", "docs/report.zh.md"],
    "sign": ["docs/report.md", "docs/report.zh.md"],
    "mock": ["docs/mock.md"],
    "judge": ["docs/report.md", "docs/report.zh.md"],
    "accept": ["docs/baseline.md", "docs/baseline.zh.md"],
    "compare": ["docs/baseline.md", "docs/baseline.zh.md"],
    "doctor": ["docs/doctor.md", "docs/doctor.zh.md"],
    "drill": ["docs/drill.md", "docs/drill.zh.md"],
    "limit": ["docs/capacity.md", "docs/capacity.zh.md"],
    "lint": ["docs/client.md", "docs/client.zh.md"],
    "load": ["docs/load.md", "docs/load.zh.md"],
}
OPTIONS = [(name, option) for name, command in main.commands.items() for option in options(command)]


@pytest.mark.parametrize(("command", "option"), OPTIONS)
def test_option_is_documented(command, option):
    """Every option of every command stands in the document on it."""
    for place in PLACES[command]:
        assert option in code(place), place


@pytest.mark.parametrize("name", DOCUMENTS)
def test_option_in_the_text_exists(name):
    """No document speaks of an option that there is not."""
    known = {option for _, option in OPTIONS} | OTHER_OPTIONS | plugin_options()

    told = {option for span in code(name) for option in re.findall(r"(?<!\S)--[a-z-]+", span)}

    assert told - known == set()


def names_in(schema: Any) -> set[str]:
    """The keys that a JSON schema knows, at any depth."""
    below = schema.get("properties", {})
    return set(below).union(*map(names_in, below.values()))


RESULT = yaml.safe_load((ROOT / "src/biztoken/reporting/result.schema.json").read_text("utf-8"))
IN_A_RUN = [set(RESULT["properties"]), set(RESULT["$defs"]["finding"]["properties"]), set(suite._RECORDS)]
WORDS: dict[str, list[set[str]]] = {
    "docs/target.md": [names_in(settings.SCHEMA)],
    "docs/target.zh.md": [names_in(settings.SCHEMA)],
    "docs/cases.md": [set(written._KEYS), set(SPOILS), set(ODD_FORMS), set(BROKEN)],
    "docs/mock.md": [
        set(keys._NAMES) | set(keys.STATES),
        set(faults._FIELDS) | set(faults.RULE_CHANGES) | set(faults.ANSWER_CHANGES) | set(faults.CLOSINGS),
        set(conditions.WORDS) | set(conditions.COUNTING),
        set(overrides._PARAMETER) | set(overrides._ERROR),
    ],
    "docs/report.md": IN_A_RUN,
    "docs/report.zh.md": IN_A_RUN,
    "docs/client.md": [set(texts()) - {"missing"} | {*LEVELS, *_PARTS.values()} - {"b, c"}],
    "docs/client.zh.md": [set(texts()) - {"missing"} | {*LEVELS, *_PARTS.values()} - {"b, c"}],
    "docs/load.md": [names_in(profile.schema())],
    "docs/load.zh.md": [names_in(profile.schema())],
}


@pytest.mark.parametrize("name", WORDS)
def test_every_word_of_a_format_is_documented(name):
    """Whatever a file may say, or a record says, stands in the document on it."""
    told = set(code(name))

    assert set().union(*WORDS[name]) - told == set()


def test_verdicts_and_their_order_are_documented():
    """The tables of verdicts have every one, the worst first."""
    for name in ("docs/report.md", "docs/report.zh.md"):
        rows = re.findall(r"^\| ([A-Z_]+) \|", text_of(name), re.MULTILINE)

        assert rows == [verdict.value for verdict in Verdict]


def test_demo_keys_and_picture_names_are_documented():
    """Each demo key is named, and each picture of a written case."""
    shapes = {re.sub(r"\d+$", "", label) for case in cases.load_cases(CONTRACT) for label in labels(case)}

    active = keys.demo()["demo-active"]

    assert {api_key for api_key, _ in keys.demo_keys().values()} <= set(code("docs/mock.md"))
    assert f"`{active.api_key}` ({active.concurrency} calls at once)" in text_of("docs/mock.md")
    assert documents_in("reports/README.md")[1]["concurrency_limit"] == active.concurrency
    assert shapes <= {re.sub(r"(\d+|R)$", "", span) for span in code("docs/cases.md")}


def test_every_word_of_the_written_cases_is_documented():
    """What stands in conformance/cases is explained to whoever writes the next one."""
    rows = [
        row for path in (ROOT / "conformance/cases").glob("*.yaml") for row in yaml.safe_load(path.read_text("utf-8"))
    ]
    words = {row["expect"] for row in rows if isinstance(row["expect"], str)}
    for row in rows:
        words |= set(row.get("sign", {})) | set(row.get("needs", ()))
        words |= {value for key, value in row.get("sign", {}).items() if key in {"expire", "secret", "spoil"}}
        words |= {row["body"]} if "body" in row else set()
        for refusal in row["expect"] if isinstance(row["expect"], list) else [row["expect"]]:
            words |= set(refusal) if isinstance(refusal, dict) else set()

    assert {word for word in words if word not in " ".join(code("docs/cases.md"))} == set()


def labels(case: cases.Case) -> list[str]:
    """The pictures that a case names."""
    values = [*case.base.values(), *case.set.values()]
    return [value["picture"] for value in values if isinstance(value, dict) and "picture" in value]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_name_in_capitals_exists(name):
    """Clauses and errors that a document names are the contract's."""
    errors = set(CONTRACT.errors) | {reason for row in CONTRACT.errors.values() for reason in row.reasons}

    spans = " ".join(code(name))
    clauses = set(re.findall(r"(?<![\w-])[A-Z][A-Z0-9]+(?:-[A-Z0-9]+)+(?![\w-])", spans))
    others = set(re.findall(r"(?<![\w-])[A-Z]{3,}(?:_[A-Z]+)+(?![\w-])", prose(name)))

    assert clauses - set(CONTRACT.clauses) == set()
    assert others - errors - OTHER_NAMES == set()


# --- examples


def documents_in(name: str) -> list[Any]:
    """The YAML blocks of a document, read."""
    return [yaml.safe_load(block) for block in blocks(name, "yaml")]


def complaints(target: Any) -> list[str]:
    """What is wrong with a target file."""
    return [problem.message for problem in Draft202012Validator(settings.SCHEMA).iter_errors(target)]


@pytest.mark.parametrize("name", ["README.md", "README.zh.md", "docs/target.md", "docs/target.zh.md"])
def test_target_files_are_valid(name):
    """Every target file in the text would be read without complaint."""
    targets = documents_in(name)

    assert targets
    assert [complaints(target) for target in targets] == [[]] * len(targets)


def test_full_target_file_has_every_key():
    """The long example leaves nothing out."""
    (_, full) = documents_in("docs/target.md")

    def keys_of(value: Any) -> set[str]:
        return set(value).union(*map(keys_of, value.values())) if isinstance(value, dict) else set()

    assert keys_of(full) == names_in(settings.SCHEMA)


def test_profiles_are_valid():
    """The example of a profile of one's own is read without complaint, the same in both languages."""
    (example,), (translated,) = documents_in("docs/load.md"), documents_in("docs/load.zh.md")

    assert profile.make(example, "docs/load.md").name == "own"
    assert example == translated
    assert {path.stem for path in (ROOT / "load/profiles").iterdir()} <= set(code("docs/load.md"))


def test_cases_faults_and_keys_are_valid(tmp_path):
    """The other examples pass the readers of their formats."""
    (tmp_path / "arguments.yaml").write_text(blocks("docs/cases.md", "yaml")[0], "utf-8")
    key_file, fault_file = (block for block in blocks("docs/mock.md", "yaml"))
    (tmp_path / "keys").write_text(key_file, "utf-8")
    (sample_faults, sample_target) = documents_in("reports/README.md")

    assert list(written.read_file(tmp_path / "arguments.yaml", CONTRACT))
    assert keys.load(tmp_path / "keys")
    for entries in (yaml.safe_load(fault_file), sample_faults):
        parsed = faults.parse(entries, CONTRACT)
        assert {fault.clause for fault in parsed if fault.clause} <= set(CONTRACT.clauses)
    assert complaints(sample_target) == []


# --- structure


READMES = {"README.md", "README.zh.md"}


def shape(name: str) -> list[str]:
    """A document without its words: levels of headings, blocks, rows of tables by the names in them, items of lists."""
    lines: list[str] = []
    is_block = is_text = False
    for line in text_of(name).splitlines():
        is_block ^= line.startswith("```")
        if line.startswith("```"):
            is_text = line == "```text"
            lines.append(line)
        elif is_block:
            lines.append("text" if is_text else line)  # what a command printed is in the language of the page
        elif line.startswith("#"):
            lines.append(re.sub(r"[^#].*", "", line))
        elif line.startswith("|"):
            lines.append("|" + " ".join(re.findall(r"`[^`]+`|^[A-Z0-9_]+$", line.split("|")[1].strip())))
        elif line.startswith("- "):
            lines.append("-")
    return lines


@pytest.mark.parametrize(("english", "chinese"), PAIRS)
def test_both_languages_have_the_same_structure(english, chinese):
    """Headings, commands, examples, tables and links of the two are the same."""
    targets = [
        [page.replace(".zh.", ".") for link in links(name) if (page := link.partition("#")[0]) not in READMES]
        for name in (english, chinese)
    ]

    assert shape(english) == shape(chinese)
    assert targets[0] == targets[1]
    assert set(code(english)) - set(code(chinese)) <= {"reports/check-TIME"}


def links(name: str) -> list[str]:
    """The relative links of a document, pictures included, in order."""
    found = re.findall(r"\]\(([^)\s]+)\)", prose(name))
    return [link for link in found if not re.match(r"\w+:", link)]


ALL_LINKS = [(name, link) for name in DOCUMENTS for link in links(name)]


@pytest.mark.parametrize(("name", "link"), ALL_LINKS)
def test_link_resolves(name, link):
    """A relative link leads to a file that is there and, with a #, to a heading in it."""
    path, _, anchor = link.partition("#")
    target = (ROOT / name).parent / path if path else ROOT / name

    assert target.resolve().is_relative_to(ROOT)
    assert target.is_file()
    assert not anchor or anchor in anchors(target.read_text("utf-8"))


def anchors(text: str) -> set[str]:
    """The anchors that a page of Markdown gets for its headings."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_architecture_names_every_module():
    """The list of layers has each module and package, once."""
    layers = next(block for block in blocks("ARCHITECTURE.md", "text") if "values and nothing else" in block)
    names = [name.strip(" /") for line in layers.splitlines() for name in re.split(r"[·|]", line.split("   ")[0])]
    present = {path.stem for path in (ROOT / "src/biztoken").iterdir() if path.suffix == ".py" or path.is_dir()}

    assert len(names) == len(set(names))
    assert set(names) == {name for name in present if not name.startswith("_")}


def test_every_release_tells_what_it_changes_in_the_contract():
    """Each version in the changelog has the heading under which a reader looks for new reasons to fail."""
    releases = re.split(r"^## ", text_of("CHANGELOG.md"), flags=re.MULTILINE)[1:]

    assert releases
    assert all(re.search(r"^### Contract$", release, re.MULTILINE) for release in releases)


def test_pictures_are_small():
    """A reader on a slow line waits for no picture of the page."""
    pictures = [path for path in (ROOT / "docs").iterdir() if path.suffix == ".png"]

    assert pictures
    assert all(path.stat().st_size < 200_000 for path in pictures)


def test_sample_is_a_run_of_this_version():
    """The committed sample is valid by the schema of today and says what its README promises."""
    run = result.read_result(ROOT / "reports" / "sample-check")
    verdicts = {clause["verdict"] for clause in run["clauses"]}

    assert {"FAIL", "WARN", "UNTESTABLE", "PASS", "OBSERVED"} <= verdicts
    assert {path.name for path in (ROOT / "reports" / "sample-check").iterdir()} == {
        "badge.json",
        "badge.svg",
        "index.html",
        "junit.xml",
        "result.json",
        "summary.md",
    }


# Places on somebody's machine, registries by host, and sources that a reader cannot open.
FOREIGN = re.compile(
    r"(?<![\w.~:/-])/(?:root|home|Users|work|opt|srv|mnt)/\w"
    r"|\b(?:pypi|pythonhosted|npmjs|debian|ubuntu)[.](?:org|com|net)\b"
    r"|\b[Rr]uling[s]?\b"
)


def test_no_file_speaks_of_what_is_not_in_the_project():
    """No tracked text names a machine's directories, a registry's host or a document that is not here."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("no checkout")  # an unpacked sdist: git cannot tell which files are tracked
    command = ["git", "ls-files", "-co", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    found = []
    for name in filter(None, names):
        path = ROOT / name
        if path.is_file() and b"\0" not in (data := path.read_bytes()):
            lines = data.decode("utf-8", "replace").splitlines()  # captures are bytes
            found += [f"{name}:{number}: {line[:120]}" for number, line in enumerate(lines, 1) if FOREIGN.search(line)]

    assert found == []


@pytest.mark.parametrize("name", ["docs/go-live.md", "docs/go-live.zh.md"])
def test_bounds_of_the_guide_let_every_case_run(name):
    """With the bounds that the guide writes the burst may be sent where the limit is 5, as the guide says."""
    played = runpy.run_path(str(ROOT / "conformance/test_concurrency.py"))
    runs = [command for command in commands(name) if "--rate" in command]

    assert len(runs) == 2
    for command in runs:
        words = command.split()
        rate, at_once = (float(words[words.index(option) + 1]) for option in ("--rate", "--max-in-flight"))
        bounded = settings.Target("t", "http://127.0.0.1/", {}, max_rate=rate, max_in_flight=int(at_once))
        assert played["too_many"](bounded, 6) is None
        refused = played["too_many"](replace(bounded, max_rate=5.0), 6)
        assert "max_rate or --rate" in refused.en
