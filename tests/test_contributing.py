"""What CONTRIBUTING.md tells is true: its examples, put where they say and nowhere else, do what it promises."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from conftest import Cli, Outcome, Running
from mock_service import BOUNDARY, COMPARE, FACE, KYC, Service, body, running

from biztoken import contract as contracts
from biztoken.cases import load_cases
from biztoken.contract import Contract
from biztoken.errors import UserError
from biztoken.fuzz import draw, expectation, views
from biztoken.mock import faults
from biztoken.mock.catalogue import catalogue

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## Add a (\w+)\n(.*?)(?=^## )", TEXT, re.MULTILINE | re.DOTALL))
ADDITIONS = ("clause", "case", "fault", "variation", "parameter")
SCREEN = 27  # lines
FORM = COMPARE | {"image_ref1": FACE}


def blocks(kind: str, language: str) -> list[str]:
    """The fenced blocks of the section that tells how to add something."""
    return re.findall(rf"^```{language}\n(.*?)^```$", SECTIONS[kind], re.MULTILINE | re.DOTALL)


def example(kind: str) -> Any:
    """The first row of the only example of a section."""
    (block,) = blocks(kind, "yaml")
    (row,) = yaml.safe_load(block)
    return row


def command(kind: str) -> list[str]:
    """The command that a section gives to show that its addition works, without the program."""
    (block,) = blocks(kind, "sh")
    program, *arguments = shlex.split(block)
    assert program == "biztoken"
    return arguments


def add(root: Path, block: str) -> None:
    """Do as a block says: its first line names the file and, if not the end of a list, the mapping to add to."""
    told, addition = block.split("\n", 1)
    found = re.fullmatch(r"# ([\w/.]+)(?:, under ([\w.]+))?", told)
    assert found, told
    path, text = root / found[1], (root / found[1]).read_text("utf-8")
    if found[2] is None:
        path.write_text(text + addition, "utf-8")
        return
    assert found[2] == "components.schemas.Request.properties"
    (following,) = re.findall(r"^      allOf:\n", text, re.MULTILINE)
    indented = "".join(f"        {line}\n" for line in addition.splitlines())
    path.write_text(text.replace(following, indented + following), "utf-8")


def tell(url: str, fields: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """(status, reply) of a form."""
    media_type = f"multipart/form-data; boundary={BOUNDARY}"
    reply = requests.post(url, data=body(dict(fields)), headers={"Content-Type": media_type}, timeout=30)
    return reply.status_code, reply.json()


@pytest.mark.parametrize("kind", ADDITIONS)
def test_each_addition_fits_on_a_screen(kind: str) -> None:
    """Whoever adds something sees its steps, its example and its command at once."""
    assert SECTIONS[kind].count("\n") <= SCREEN
    assert blocks(kind, "yaml")
    assert command(kind)


# --- a parameter: two files, read by everything


@dataclass(frozen=True, slots=True)
class Toy:
    """The contract with the example's parameters, a mock of it, and a proof under way."""

    directory: Path
    contract: Contract
    mock: Service
    proof: Running


@pytest.fixture(scope="module")
def toy(cli: Cli) -> Iterator[Toy]:
    """A copy of openapi/ with the blocks of the section; no other file differs. The proof, which is long, begins."""
    root = cli.new_path("toy")
    shutil.copytree(contracts.bundled("openapi"), root / "openapi")
    for block in blocks("parameter", "yaml"):
        add(root, block)
    directory, out = root / "openapi", cli.new_path("proof")
    proof = cli.start((*command("parameter"), "--contract", directory, "--jobs", 1, "--out", out), out)
    try:
        with running(contract=directory) as mock:
            yield Toy(directory, contracts.load(directory), mock, proof)
    finally:
        proof.process.kill()
        proof.process.join()


@pytest.fixture(scope="module")
def toy_check(cli: Cli, toy: Toy) -> Outcome:
    """A check of the mock by the same copy, of what is new in it."""
    return cli.check("--contract", toy.directory, "--select", "toy", "--target", cli.target(toy.mock.url))


CLAUSES = {"TOY-LEVEL-OPTIONAL", "TOY-LEVEL-VALUES", "TOY-SECONDS-OPTIONAL", "TOY-SECONDS-RANGE", "TOY-SECONDS-NUMBER"}
REFUSED = [
    *(("toy_level", value) for value in ("0", "3", "one")),
    *(("toy_seconds", value) for value in ("4", "61", "abc")),
]


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_mock_refuses_what_the_new_schema_does_not_list(toy: Toy, name: str, value: str) -> None:
    """An unlisted value, one beyond a bound and one that is no number are refused by the parameter's name."""
    assert toy.mock.tell(FORM | {name: value}) == (400, f"BAD_ARGUMENTS: {name}")


@pytest.mark.parametrize(
    ("name", "value"), [("toy_level", "1"), ("toy_level", "2"), ("toy_seconds", "5"), ("toy_seconds", "60")]
)
def test_mock_accepts_what_the_new_schema_lists(toy: Toy, name: str, value: str) -> None:
    """Every listed value and both bounds are accepted."""
    assert toy.mock.tell(FORM | {name: value}) == (200, None)


def test_mock_keeps_the_condition_of_the_new_schema(toy: Toy) -> None:
    """With a liveness type beside which it has no effect, nobody looks at toy_seconds; at toy_level everybody does."""
    assert toy.mock.tell(KYC | {"toy_seconds": "61"}) == (200, None)
    assert toy.mock.tell(KYC | {"toy_level": "3"}) == (400, "BAD_ARGUMENTS: toy_level")


DERIVED = {
    "accepted": {
        *("toy-level-absent", "toy-level-1", "toy-level-2"),
        *("toy-seconds-absent", "toy-seconds-5", "toy-seconds-32", "toy-seconds-60"),
    },
    "refused": {
        *("toy-level-0", "toy-level-3", "toy-level-minus-1", "toy-level-letters"),
        *("toy-seconds-4", "toy-seconds-61", "toy-seconds-huge"),
        *("toy-seconds-letters", "toy-seconds-digits-and-letters"),
    },
}


def test_cases_are_derived_of_the_new_parameter(toy: Toy) -> None:
    """There are cases for its absence, each listed value, each bound from both sides, and for what is no number."""
    new = [case for case in load_cases(toy.contract) if "toy" in case.id]

    for kind, due in DERIVED.items():
        assert due <= {case.id for case in new if case.expected.kind == kind}
    assert {case.clause for case in new} == CLAUSES


def test_check_passes_the_new_clauses(toy_check: Outcome) -> None:
    """A check of what is new is whole, conformant and partial, and all that it tested passed."""
    assert toy_check.code == 0, toy_check.out + toy_check.err
    assert (toy_check.result["scope"], toy_check.result["complete"]) == ("partial", True)
    assert DERIVED["accepted"] | DERIVED["refused"] <= {row["id"] for row in toy_check.result["cases"]}
    assert {row["verdict"] for row in toy_check.result["cases"]} == {"PASS"}
    assert toy_check.earned("PASS") >= CLAUSES


def test_report_names_the_new_clauses(toy: Toy, toy_check: Outcome) -> None:
    """The page has each new clause, and result.json its sentence with the bounds of the schema."""
    page = toy_check.text("index.html")

    assert all(clause in page for clause in CLAUSES)
    assert toy_check.clause("TOY-SECONDS-RANGE")["en"] == "toy_seconds is 5 to 60."
    assert toy_check.clause("TOY-LEVEL-VALUES")["zh"] == toy.contract.clauses["TOY-LEVEL-VALUES"].zh


def test_fuzz_views_have_the_new_parameter(toy: Toy) -> None:
    """Each view draws the list, and those of silent liveness the range."""
    for view in views(toy.contract):
        level, seconds = view.properties.get("toy_level"), view.properties.get("toy_seconds")

        assert level == {"type": "string", "enum": ["1", "2"]}
        is_still = view.fixed["liveness_type"] == "still"
        assert seconds == ({"type": "integer", "minimum": 5, "maximum": 60} if is_still else None)


def test_drawn_requests_have_the_new_parameter(toy: Toy) -> None:
    """Legal values are drawn, and illegal ones, which break the new clauses."""
    (view,) = (view for view in views(toy.contract) if view.id == "fuzz-kyc-still")

    drawn = list(draw(view, examples=0))

    sound = [dict(request.form) for request in drawn if request.positive]
    assert {"1", "2"} <= {form.get("toy_level") for form in sound}
    assert {"5", "60"} <= {form.get("toy_seconds") for form in sound}
    broken = {(broken.parameter, broken.kind) for request in drawn for broken in request.broken if not request.oddities}
    assert {("toy_level", "values"), ("toy_seconds", "range"), ("toy_seconds", "number")} <= broken
    due = {expectation(request, toy.contract).clause for request in drawn if not request.positive}
    assert {"TOY-LEVEL-VALUES", "TOY-SECONDS-RANGE", "TOY-SECONDS-NUMBER"} <= due


FAULTS = {
    "toy-level-demanded": "TOY-LEVEL-OPTIONAL",
    "toy-level-2-refused": "TOY-LEVEL-VALUES",
    "toy-level-3-accepted": "TOY-LEVEL-VALUES",
    "toy-level-unchecked": "TOY-LEVEL-VALUES",
    "toy-seconds-demanded": "TOY-SECONDS-OPTIONAL",
    "toy-seconds-4-accepted": "TOY-SECONDS-RANGE",
    "toy-seconds-5-refused": "TOY-SECONDS-RANGE",
    "toy-seconds-60-refused": "TOY-SECONDS-RANGE",
    "toy-seconds-61-accepted": "TOY-SECONDS-RANGE",
    "toy-seconds-letters-accepted": "TOY-SECONDS-NUMBER",
}


def test_faults_are_derived_of_the_new_parameter(toy: Toy) -> None:
    """The catalogue has too much accepted and too little, at each end of the range and of the list."""
    found = {fault.id: fault.clause for fault in catalogue(toy.contract).faults.values() if "toy" in fault.id}

    assert found.items() >= FAULTS.items()


def test_unchanged_contract_knows_nothing_of_it(toy: Toy, cli: Cli, plain_mock: str) -> None:
    """Without the two blocks there is no such parameter, clause, case, fault or view, and no trial that fits."""
    plain, known = contracts.load(), catalogue(contracts.load())
    words = [*plain.parameters, *plain.clauses, *known.faults, *known.variations]
    words += [case.id for case in load_cases(plain)]
    words += [name for view in views(plain) for name in view.properties]

    assert [word for word in words if "toy" in word.lower()] == []
    assert set(toy.contract.parameters) - set(plain.parameters) == {"toy_level", "toy_seconds"}
    assert tell(plain_mock, FORM | {"toy_level": "3", "toy_seconds": "61"})[0] == 200
    proof = cli.run(*command("parameter"))
    assert proof.code == 2
    assert "nothing fits" in proof.err


# --- a clause, a case, a fault, a variation: a checkout with these four rows more


class Checkout:
    """A copy of what a contributor edits, with the four examples in it. The proof of its fault begins at once."""

    def __init__(self, cli: Cli, pool: Executor) -> None:
        self.root = cli.new_path("checkout")
        self._cli = cli
        for name in ("src/biztoken", "openapi", "conformance"):
            shutil.copytree(ROOT / name, self.root / name)
        for kind in ("clause", "case", "fault", "variation"):
            for block in blocks(kind, "yaml"):
                add(self.root, block)
        self.proof = pool.submit(self.run, *command("fault"), "--jobs", 1)

    def run(self, *arguments: object) -> Outcome:
        """Run a command on the code and the data of the copy; its records go to a directory of their own."""
        out = self._cli.new_path("run")
        out_too = ("--out", out) if arguments[0] in ("check", "prove") else ()
        python = ("-m", "biztoken", *arguments, *out_too)
        return self._cli.python(*python, cwd=self.root, out=out, PYTHONPATH=str(self.root / "src"))


@pytest.fixture(scope="module")
def checkout(cli: Cli) -> Iterator[Checkout]:
    """src/biztoken, openapi/ and conformance/ with the blocks of the four sections."""
    with ThreadPoolExecutor(1) as pool:
        yield Checkout(cli, pool)


def test_case_needs_its_clause(checkout: Checkout) -> None:
    """The example of a case is read with the clause of the section before, and not without it."""
    directory = checkout.root / "conformance/cases"

    (case,) = (
        case for case in load_cases(contracts.load(checkout.root / "openapi"), directory) if case.id == "biz-no-hash"
    )

    assert (case.clause, case.family, case.set) == (example("clause")["id"], "arguments", {"biz_no": "order #1"})
    with pytest.raises(UserError, match=example("clause")["id"]):
        load_cases(contracts.load(), directory)


def test_new_case_earns_the_new_clause_its_verdict(checkout: Checkout) -> None:
    """The commands of both sections run the one case, and the clause passes."""
    run = checkout.run(*command("case"))

    assert run.code == 0, run.out + run.err
    assert [row["id"] for row in run.result["cases"]] == [example("case")["id"]]
    assert run.verdicts[example("clause")["id"]] == "PASS"
    assert run.clause("BIZ-NO-ENCODING")["zh"] == example("clause")["zh"]
    assert command("clause") == [*command("case")[:-1], example("clause")["id"]]


def test_new_fault_does_what_it_says(cli: Cli) -> None:
    """The mock refuses what the fault names, and nothing else."""
    row = {name: value for name, value in example("fault").items() if name not in ("en", "zh")}
    (fault,) = faults.parse([row], contracts.load())

    with cli.mock([row]) as url:
        refused, accepted = (tell(url, FORM | {"biz_no": text}) for text in ("order #1", "order 1"))

    assert fault.clause == example("clause")["id"]
    assert (refused[0], refused[1]["error"]) == (400, "BAD_ARGUMENTS: biz_no")
    assert (accepted[0], "error" in accepted[1]) == (200, False)


def test_new_variation_does_what_it_says(cli: Cli) -> None:
    """The mock adds to a success and nothing to a refusal, and a check finds nothing to blame."""
    row = example("variation")
    entries = [{"id": row["id"], **fault} for fault in row["faults"]]

    with cli.mock(entries) as url:
        accepted, refused = (tell(url, FORM | {"verbose": value}) for value in ("1", "9"))
        check = cli.check("--select", "probe or reply", "--target", cli.target(url))

    assert (accepted[0], accepted[1]["note"]) == (200, "see the console")
    assert (refused[0], "note" in refused[1]) == (400, False)
    assert check.code == 0, check.out + check.err
    assert check.verdicts[row["freedom"]] == "PASS"


def test_new_variation_stands_in_the_catalogue(checkout: Checkout) -> None:
    """The mock lists the new row by the name that the section's commands give."""
    row = example("variation")

    lines = checkout.run("mock", "--variations").out.splitlines()

    assert [line.split(maxsplit=2) for line in lines if line.startswith(row["id"])] == [
        [row["id"], row["freedom"], row["en"]]
    ]
    assert command("variation") == ["prove", "--only", row["id"]]
    for kind in ("fault", "variation"):
        assert f"`biztoken mock --fault {example(kind)['id']}`" in SECTIONS[kind]


def test_new_fault_is_proven(checkout: Checkout) -> None:
    """The new case, and no other, finds the new fault, and the new clause is the one that it breaks."""
    proof = checkout.proof.result()

    assert proof.code == 0, proof.out + proof.err
    (fault,) = proof.result["faults"]
    assert (fault["id"], fault["outcome"]) == (example("fault")["id"], "killed")
    assert broken(fault) == [example("clause")["id"]]
    assert fault["broken"][0]["cases"] == [example("case")["id"]]


def broken(row: Mapping[str, Any]) -> list[str]:
    """The clauses that a trial broke."""
    return [entry["clause"] for entry in row["broken"]]


def test_new_parameter_is_proven(toy: Toy) -> None:
    """Every derived fault of the new parameters is killed, each by its own clause and by no other."""
    proof = toy.proof.end()

    assert proof.code == proof.result["exit_code"] == 0, proof.out + proof.err
    rows = {row["id"]: row for row in proof.result["faults"]}
    assert rows.keys() >= FAULTS.keys()
    assert {id_: row["outcome"] for id_, row in rows.items()} == dict.fromkeys(rows, "killed")
    assert {id_: broken(row) for id_, row in rows.items()} == {id_: [row["clause"]] for id_, row in rows.items()}
