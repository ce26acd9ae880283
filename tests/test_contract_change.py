"""A change of a range is one edit in one file: cases, fuzz views, the mock and its faults follow it by themselves."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from biztoken import contract as contracts
from biztoken.cases import Branch, Case, Samples, load_cases, sound_form
from biztoken.client import Client, Request
from biztoken.embedded import EmbeddedMock
from biztoken.evidence import Evidence
from biztoken.fuzz import views
from biztoken.mock.catalogue import catalogue
from biztoken.model import Json, Verdict
from biztoken.people import make_person
from biztoken.pictures import Pictures
from biztoken.reading import read
from biztoken.requests import fill
from biztoken.runner import Run
from biztoken.verdicts import exit_code, judged_clauses

ORIGINAL = contracts.bundled("openapi")
BEFORE = "          x-minimum: 5\n          x-maximum: 60\n"
AFTER = "          x-minimum: 5\n          x-maximum: 61\n"
KINDS = ("meglive", "still")


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of openapi/ in which liveness_timeout goes up to 61: one line of one file."""
    copy = tmp_path_factory.mktemp("changed") / "openapi"
    shutil.copytree(ORIGINAL, copy)
    document = copy / "get_biz_token.yaml"
    text = document.read_text("utf-8")
    assert text.count(BEFORE) == 1
    document.write_text(text.replace(BEFORE, AFTER), "utf-8")
    return copy


@pytest.fixture(scope="module")
def mocks(changed: Path) -> Iterator[dict[Path, EmbeddedMock]]:
    """`biztoken mock --contract …` for the original and for the copy."""
    running = {place: EmbeddedMock(place) for place in (ORIGINAL, changed)}
    yield running
    for mock in running.values():
        mock.close()


@pytest.fixture
def start(mocks: dict[Path, EmbeddedMock], tmp_path: Path) -> Iterator[Callable[[Path, Path], Run]]:
    """Starts a run of the suite on one directory of the contract against a mock on another."""
    evidence = Evidence(tmp_path, [])
    runs: list[Run] = []

    def start(suite: Path, mock: Path) -> Run:
        samples = Samples(make_person(0), Pictures(), 0)
        runs.append(Run(Client(mocks[mock].target(), evidence), contracts.load(suite), samples, evidence))
        return runs[-1]

    yield start
    evidence.close()
    for run in runs:
        run.client.close()


def broken_in(run: Run, chosen: Callable[[Case], bool]) -> dict[str, Json]:
    """Run the chosen cases; the rows of the clauses that have findings, by id."""
    results = [run.settle(case) for case in load_cases(run.contract) if chosen(case)]
    rows, _ = judged_clauses(run.contract, run.ledger.tally, results, strict=False, partial=True)
    return {row["id"]: row for row in rows if row["findings"]}


def is_timeout(case: Case) -> bool:
    """Whether a case is about liveness_timeout."""
    return "liveness_timeout" in case.set


def is_number_or_code(case: Case) -> bool:
    """Whether a case sets one number or one code."""
    return case.family == "arguments" and case.expected.kind != "observe" and len(case.set) == 1 and not case.base


def cases_of(directory: Path) -> dict[str, Case]:
    """All cases by id."""
    return {case.id: case for case in load_cases(contracts.load(directory))}


def test_derived_cases_stand_at_the_new_bound(changed):
    """The cases at the upper bound, beyond it and in the middle move; no other case changes its id."""
    before, after = set(cases_of(ORIGINAL)), set(cases_of(changed))

    assert before - after == {f"liveness-timeout-{value}-{kind}" for value in (32, 60) for kind in KINDS}
    assert after - before == {f"liveness-timeout-{value}-{kind}" for value in (33, 62) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_case_at_the_bound_turns_from_refused_to_accepted(changed, kind):
    """The case of 61 keeps its id, and what must follow turns with the range."""
    name = f"liveness-timeout-61-{kind}"

    assert cases_of(ORIGINAL)[name].expected.kind == "refused"
    assert cases_of(changed)[name].expected.kind == "accepted"


def test_fuzz_views_follow(changed):
    """Each view that knows the field draws it up to the new bound, and nothing else in it differs."""
    before = {view.id: view for view in views(contracts.load(ORIGINAL))}

    for view in views(contracts.load(changed)):
        due = dict(before[view.id].properties)
        if view.fixed["liveness_type"] in KINDS:
            due["liveness_timeout"] = {**due["liveness_timeout"], "maximum": 61}
        assert view.properties == due


def test_derived_faults_stand_at_the_new_bound(changed):
    """The faults on both sides of the upper bound move; each other one keeps its id and its clause."""
    before, after = (
        {(fault.id, fault.clause) for fault in catalogue(contracts.load(place)).faults.values()}
        for place in (ORIGINAL, changed)
    )

    kept, refused = "LIVENESS-TIMEOUT-RANGE", "LIVENESS-TIMEOUT-RANGE-REFUSED"
    assert before - after == {("liveness-timeout-60-refused", kept), ("liveness-timeout-61-accepted", refused)}
    assert after - before == {("liveness-timeout-61-refused", kept), ("liveness-timeout-62-accepted", refused)}


@pytest.mark.parametrize(("value", "error"), [("61", None), ("62", "BAD_ARGUMENTS: liveness_timeout")])
def test_a_changed_mock_reads_the_new_range(changed, start, value, error):
    """`biztoken mock --contract COPY` accepts the new bound and refuses the value beyond it."""
    run = start(changed, changed)
    form = sound_form(Branch("1", "meglive"), run.contract, run.samples)

    exchange = run.client.send(
        Request(fill(form | {"liveness_timeout": value}, run.samples)), case="changed", role="probe"
    )

    assert read(exchange.reply).error == error


def test_a_changed_mock_suits_a_changed_suite(changed, start):
    """Both sides read the copy, so each case of the field passes, the one at the new bound included."""
    run = start(changed, changed)

    broken = broken_in(run, is_timeout)

    assert broken == {}
    assert run.results["liveness-timeout-61-still"].verdict is Verdict.PASS
    assert {result.verdict for result in run.results.values()} == {Verdict.PASS}


def test_an_unchanged_mock_breaks_exactly_that_clause(changed, start):
    """A mock of the original refuses 61; no other number or code is found, and the run is not conformant."""
    run = start(changed, ORIGINAL)

    broken = broken_in(run, is_number_or_code)

    assert list(broken) == ["LIVENESS-TIMEOUT-RANGE"]
    assert {finding["case"] for finding in broken["LIVENESS-TIMEOUT-RANGE"]["findings"]} <= set(run.results)
    assert exit_code(list(broken.values()), planned=1, executed=1, sound_controls=run.controls.sound) == 1
    assert len(run.results) > 50


def test_a_changed_mock_only_warns_an_unchanged_suite(changed, start):
    """A mock of the copy accepts 61, which is refused only by implication: the refusal's own row warns."""
    run = start(ORIGINAL, changed)

    broken = broken_in(run, is_timeout)

    assert {id_: row["verdict"] for id_, row in broken.items()} == {"LIVENESS-TIMEOUT-RANGE-REFUSED": "WARN"}
