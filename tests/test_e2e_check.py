"""`biztoken check` from the command line to the report, on mocks that keep the contract or nearly so."""

from __future__ import annotations

import base64
import hmac
import json
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from conftest import Ahead, Cli, Outcome
from jsonschema import Draft202012Validator

from biztoken.mock.keys import demo_keys
from biztoken.people import make_person

ROOT = Path(__file__).resolve().parents[1]
SCHEMA = ROOT / "src" / "biztoken" / "reporting" / "result.schema.json"
ROLES = tuple(demo_keys())
TWO_VIEWS = "not concurrency and not (fuzz and (meglive or still or flash))"
NO_PICTURES = "probe or signature or arguments"  # pictures take most of the time of a run and are not what is tested

ACCEPTED_VERBOSE = {"id": "verbose", "when": {"detail": "verbose"}, "change": {"accept": True}}
MANY = "uuid or biz or verbose or security"  # cases enough that requests are refused one by one
LATE_SLOTS = {"id": "late", "change": {"hold_slot": "900ms"}}
LONGER_UUID = {"id": "uuid", "change": {"contract": {"parameters": {"uuid": {"max_bytes": 129}}}}}


def by_command(cli: Cli, options: Sequence[object]) -> Outcome:
    """The run that `biztoken check` makes."""
    return cli.check(*options)


def by_pytest(cli: Cli, options: Sequence[object]) -> Outcome:
    """The run that plain pytest makes of conformance/, in another directory."""
    out = cli.new_path("run")
    return cli.python("-m", "pytest", ROOT / "conformance", "--out", out, *options, out=out)


def amid_foreign_settings(cli: Cli, options: Sequence[object]) -> Outcome:
    """The run of a user whose directory and environment say something else to pytest."""
    place, out = cli.new_path("project"), cli.new_path("run")
    place.mkdir()
    (place / "conftest.py").write_text("raise SystemExit('the conftest of the user')\n", "utf-8")
    (place / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\npython_files = none.py\n", "utf-8")
    (place / "tox.ini").write_text("[pytest]\naddopts = -k nothing\n", "utf-8")
    foreign = {"PYTEST_ADDOPTS": "--no-such-option -k nothing", "PYTEST_PLUGINS": "no_such_plugin"}
    return cli.python("-m", "biztoken", "check", "--out", out, *options, cwd=place, out=out, **foreign)


@dataclass(frozen=True, slots=True)
class How:
    """How a run is made: options, fields of the target file, faults of the mock, and by which command."""

    options: tuple[str, ...] = ()
    target: Mapping[str, Any] = field(default_factory=dict)
    faults: tuple[Mapping[str, Any], ...] = ()
    by: Callable[[Cli, Sequence[object]], Outcome] = by_command


def to_target(
    *options: str,
    faults: tuple[Mapping[str, Any], ...] = (),
    by: Callable[[Cli, Sequence[object]], Outcome] = by_command,
    **target: Any,
) -> How:
    """A run against a mock, by a target file."""
    return How(options, target, faults, by)


def selected(expression: str, *options: str) -> How:
    """A run of some cases, with every key that they may need."""
    return to_target("--select", expression, *options, keys=ROLES)


NO_KYC = {"active": "no_data_source", "keys": ("active", "denied")}
QUICK = ("--plan", "quick")
RUNS = {
    "again": None,  # once more on the embedded mock, without the burst and with two of the eight fuzzing views
    "quick": to_target(*QUICK, "--select", "not images and not sequences"),
    "clause": selected("UUID-LENGTH", "--require", "UUID-LENGTH"),
    "family": selected("signature"),
    "subject": selected("maximum_brightness"),
    "or": selected("UUID-LENGTH or DENIED"),
    "and": selected("uuid and 129"),
    "not": selected("permissions and not verify"),
    "minimal": to_target("--plan", "core"),  # all but fuzzing
    "minimal, must": to_target("--select", "permissions", "--require", "must"),
    "minimal, one": to_target("--select", "DENIED", "--require", "DENIED"),
    "should": to_target(*QUICK, "--select", "verbose", faults=(ACCEPTED_VERBOSE,)),
    "should, strict": to_target(*QUICK, "--select", "verbose", "--strict", faults=(ACCEPTED_VERBOSE,)),
    "promised": to_target("--select", NO_PICTURES, permits={"comparison_type": ["0", "1"]}, **NO_KYC),
    "not promised": to_target("--select", NO_PICTURES, **NO_KYC),
    "broken": to_target("--select", "UUID-LENGTH", faults=(LONGER_UUID,)),
    "late": to_target(*QUICK, "--select", MANY, faults=(LATE_SLOTS,), concurrency_limit=5),
    "pytest": to_target("-k", "UUID-LENGTH", by=by_pytest),
    "pytest, broken": to_target("-k", "UUID-LENGTH", by=by_pytest, faults=(LONGER_UUID,)),
    "foreign settings": to_target("--select", "UUID-LENGTH", by=amid_foreign_settings),
}


@pytest.fixture(scope="module")
def full(cli: Cli) -> Outcome:
    """A whole run on the embedded mock, in which every MUST has to be shown."""
    out = cli.new_path("run")
    return cli.python("-m", "biztoken", "check", "--out", out, "--require", "must", out=out)


@pytest.fixture(scope="module")
def runs(ahead: Ahead, cli: Cli, plain_mock: str) -> Callable[[str], Outcome]:
    """The runs by name."""
    return ahead(lambda name: play(cli, RUNS[name], plain_mock))


def play(cli: Cli, how: How | None, plain_mock: str) -> Outcome:
    """Make a run; those without faults share a mock."""
    if how is None:
        return cli.check("--select", TWO_VIEWS)
    with cli.mock(how.faults) if how.faults else nullcontext(plain_mock) as url:
        return how.by(cli, ("--target", cli.target(url, **how.target), *how.options))


@pytest.fixture
def run(request: pytest.FixtureRequest, runs: Callable[[str], Outcome]) -> Outcome:
    """The run that the test names."""
    return runs(request.param)


def runs_of(*names: str) -> pytest.MarkDecorator:
    """The test is made for each of these runs."""
    return pytest.mark.parametrize("run", names, indirect=True)


# --- a whole run


def test_mock_is_conformant(full: Outcome) -> None:
    """The embedded mock keeps every clause: exit 0, and nothing is left untested but what is excluded."""
    assert full.code == 0, full.out + full.err

    for row in full.result["clauses"]:
        if row["excluded"]:
            assert row["excluded"]["en"]
            assert row["excluded"]["zh"]
        else:
            assert row["verdict"] == ("OBSERVED" if row["level"] == "OBSERVE" else "PASS"), row["id"]
    assert {case["verdict"] for case in full.result["cases"]} == {"PASS", "OBSERVED"}


def test_run_is_whole(full: Outcome) -> None:
    """What was planned is what was executed, and the record says that it is all of it."""
    plan = json.loads(full.text("plan.json"))
    result = full.result

    assert (result["verdict"], result["exit_code"], result["complete"], result["scope"]) == (
        "conformant",
        0,
        True,
        "full",
    )
    assert result["planned"] == result["executed"] == plan["planned"] == len(plan["cases"]) == len(result["cases"])
    assert [case["id"] for case in result["cases"]] == [case["id"] for case in plan["cases"]]
    assert len(full.text("cases.ndjson").splitlines()) == result["planned"]
    assert result["requests"] == len(full.exchanges)


def test_every_case_had_an_exchange(full: Outcome) -> None:
    """No case passes without a request of its own or a control, and each exchange that it names exists."""
    known = {row["id"] for row in full.exchanges}
    sent_for = {row["case"] for row in full.exchanges}

    for case in full.result["cases"]:
        assert set(case["exchanges"]) <= known
        assert case["exchanges"] or case["id"] in sent_for, case["id"]


def test_exchanges_are_numbered_in_order(full: Outcome) -> None:
    """Ids count from one without a gap, and no exchange ends before it starts."""
    assert [row["id"] for row in full.exchanges] == list(range(1, len(full.exchanges) + 1))
    assert all(row["started"] <= row["ended"] for row in full.exchanges)


@runs_of("again")
def test_seed_repeats_the_verdicts(full: Outcome, run: Outcome) -> None:
    """Two runs with one seed judge every case alike."""
    first = {case["id"]: case["verdict"] for case in full.result["cases"]}
    second = {case["id"]: case["verdict"] for case in run.result["cases"]}

    assert run.code == 0
    assert set(first) - set(second) == {"concurrency", *(name for name in first if is_view_left_out(name))}
    assert second == {name: first[name] for name in second}


@runs_of("again")
def test_seed_repeats_the_requests(full: Outcome, run: Outcome) -> None:
    """Two runs with one seed send the same requests in the same order, and get the same answers."""
    planned = {case["id"] for case in run.result["cases"]}
    first, second = ([told(row) for row in each.exchanges if row["case"] in planned] for each in (full, run))

    assert len(first) > 500
    assert second == first


def is_view_left_out(case: str) -> bool:
    """Whether the second run left this case out to save time."""
    return case.startswith("fuzz") and "raw" not in case


def told(row: Mapping[str, Any]) -> Any:
    """An exchange without what differs each time: times, port, ids, and the length that a sign has when escaped."""
    request = {name: value for name, value in row["request"].items() if name != "url"}
    if "urlencoded" in request["note"]:
        del request["bytes"]
    body = row["reply"]["body"]
    with suppress(ValueError):
        body = {name: value for name, value in json.loads(body).items() if name in ("error", "faces")}
    return row["case"], row["role"], row["attempt"], request, row["reply"]["status"], body


def test_result_keeps_the_schema(full: Outcome) -> None:
    """result.json is valid by the published schema."""
    validator = Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))

    assert not list(validator.iter_errors(full.result))


def test_reports_say_the_verdict(full: Outcome) -> None:
    """Each report and the terminal say the verdict in one sentence, with the number of clauses."""
    musts = sum(row["level"] == "MUST" and not row["excluded"] for row in full.result["clauses"])
    sentence = f"onformant in all {musts} MUST clauses"

    assert sentence in full.text("summary.md")
    assert sentence in page_text(full.text("index.html"))
    assert sentence in full.out
    properties = ElementTree.fromstring(full.text("junit.xml")).iter("property")
    assert sentence in {entry.get("name"): entry.get("value", "") for entry in properties}["verdict"]


def page_text(page: str) -> str:
    """What a page says, without its markup."""
    page = re.sub(r"(?s)<(script|style)\b.*?</\1>", " ", page)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)))


def test_records_keep_secrets(full: Outcome) -> None:
    """No file of a run and nothing on the terminal holds a secret, the person's name or ID number, or a live sign."""
    person = make_person(0)
    secrets = [secret for _, secret in demo_keys().values()]
    written = {path.name: path.read_text("utf-8") for path in full.directory.iterdir()}

    for name, text in (written | {"out": full.out, "err": full.err}).items():
        found = [private for private in (*secrets, person.name, person.number) if private in text]
        assert not found, name
        assert not list(live_signs(text)), name


def live_signs(text: str) -> Iterator[str]:
    """Every sign of a demo key in a text."""
    for candidate in re.findall(r"[A-Za-z0-9+/_-]{60,}={0,2}", text):
        padded = candidate.replace("-", "+").replace("_", "/").rstrip("=")
        raw = base64.b64decode(padded[: len(padded) // 4 * 4])
        if b"a=demo-" in raw:
            yield candidate


def test_echoes_are_redacted(cli: Cli) -> None:
    """What an endpoint says back, and the password in its URL, is private in every file and on the terminal."""
    person, (_, secret) = make_person(0), demo_keys()["active"]
    echo = {"id": "echo", "change": {"set": {"echo": [person.name, person.number, secret]}}}
    with cli.mock([echo]) as url:
        target = cli.target(url.replace("http://", "http://user:the-password@"))
        run = cli.check("--target", target, "--select", "UUID-LENGTH or idcard")
    private = (person.name, json.dumps(person.name)[1:-1], person.number, secret, "the-password")
    written = {path.name: path.read_text("utf-8") for path in run.directory.iterdir()} | {
        "out": run.out,
        "err": run.err,
    }

    assert run.code == 0, run.err
    assert [(name, text) for name in written for text in private if text in written[name]] == []


def test_identities_are_redacted(full: Outcome) -> None:
    """Names, ID numbers and signs that were sent stand in the evidence as redacted, pictures as length and hash."""
    fields = [entry for row in full.exchanges for entry in row["request"]["fields"]]
    kept = {
        name: {entry.get("value") for entry in fields if entry["name"] == name and "value" in entry}
        for name in ("sign", "idcard_name", "idcard_number")
    }
    pictures = [entry["picture"] for entry in fields if "picture" in entry]

    assert kept["sign"] == {"<sign>", ""}
    assert kept["idcard_name"] == kept["idcard_number"] == {"<redacted>", ""}
    assert pictures
    assert all({"bytes", "sha256"} <= set(picture) and "data" not in picture for picture in pictures)


def test_progress_stays_off_standard_output(full: Outcome) -> None:
    """Progress goes to standard error with counts; standard output holds the summary alone."""
    planned = str(full.result["planned"])

    assert planned in full.err
    assert "Traceback" not in full.err
    assert full.err.strip().splitlines()[-1] not in full.out


# --- a part of it


@runs_of("quick")
def test_quick_leaves_out_fuzz_and_uploads(run: Outcome) -> None:
    """--plan quick is partial and says so; it sends neither drawn requests nor large bodies."""
    families = {case["family"] for case in run.result["cases"]}

    assert run.code == 0
    assert run.result["scope"] == "partial"
    assert not families & {"fuzz", "uploads"}
    assert {row["role"] for row in run.exchanges} <= {"control", "defect", "probe"}
    assert max(row["request"]["bytes"] for row in run.exchanges) < 10_000_000
    assert "partial run: plan quick" in run.text("summary.md")
    assert run.verdicts["REQUEST-ENTITY-TOO-LARGE-LIMIT"] == "NOT_RUN"


@pytest.mark.parametrize(
    ("run", "wanted"),
    [
        ("clause", lambda case: case["clause"] == "UUID-LENGTH"),
        ("family", lambda case: case["family"] == "signature"),
        ("subject", lambda case: case["clause"].startswith("MAXIMUM-BRIGHTNESS-")),
        ("or", lambda case: case["clause"] in ("UUID-LENGTH", "DENIED")),
        ("and", lambda case: "uuid" in case["id"] and "129" in case["id"]),
        ("not", lambda case: case["family"] == "permissions" and "verify" not in case["id"]),
    ],
    indirect=["run"],
    ids=["clause", "family", "subject", "or", "and", "not"],
)
def test_selection(run: Outcome, full: Outcome, wanted: Callable[[Mapping[str, Any]], bool]) -> None:
    """--select runs the cases whose id, clause, family or subject fits, and no others."""
    due = [case["id"] for case in full.result["cases"] if wanted(case)]

    assert run.code == 0
    assert run.result["scope"] == "partial"
    assert due
    assert [case["id"] for case in run.result["cases"]] == due
    assert {case["verdict"] for case in run.result["cases"]} <= {"PASS", "OBSERVED"}


@runs_of("clause")
def test_selection_leaves_the_rest_not_run(run: Outcome) -> None:
    """What a selection left out is not run, and the sentence of the verdict says which part was."""
    assert run.verdicts["UUID-LENGTH"] == "PASS"
    assert run.verdicts["BIZ-NO-LENGTH"] == "NOT_RUN"
    assert "only UUID-LENGTH" in run.out
    assert "only UUID-LENGTH" in run.text("summary.md")


# --- what a target file leaves out


@runs_of("minimal")
def test_minimal_target_is_conformant_as_far_as_seen(run: Outcome) -> None:
    """A target file of url and one key gives exit 0, and the sentence counts what could not be tested."""
    untested = [row for row in run.result["clauses"] if row["verdict"] == "UNTESTABLE" and row["level"] == "MUST"]
    musts = [row for row in run.result["clauses"] if row["level"] == "MUST" and not row["excluded"]]

    assert run.code == 0, run.out + run.err
    assert (
        f"onformant in {len(musts) - len(untested)} of {len(musts)} MUST clauses, {len(untested)} untestable" in run.out
    )


@runs_of("minimal")
def test_untestable_clauses_say_how_to_provide(run: Outcome) -> None:
    """Each clause that want of something leaves untestable names the field of the target file, in both languages."""
    due = {
        "API-KEY-BE-DISCONTINUED": "keys.discontinued",
        "DENIED": "keys.denied",
        "IP-NOT-ALLOWED": "keys.ip_not_allowed",
        "MORE-RETRY-TIMES": "keys.retries_exhausted",
        "LIMIT-REACHED": "keys.quota_reached",
        "NO-VERIFY-PERMISSION": "keys.no_verify",
        "NO-DATA-SOURCE-PERMISSION": "keys.no_data_source",
        "SIGN-OTHER-SECRET": "keys.",
        "SIGN-SINGLE-USE": "single_use_sign",
        "CONCURRENCY-LIMIT-EXCEEDED-LIMIT": "concurrency_limit",
        "CONCURRENCY-LIMIT-EXCEEDED-RELEASE": "concurrency_limit",
        "CONCURRENCY-LIMIT-EXCEEDED-NAME": "concurrency_limit",
        "CONCURRENCY-LIMIT-EXCEEDED-STATUS": "concurrency_limit",
    }

    assert run.earned("UNTESTABLE") == set(due)
    for name, provision in due.items():
        reason = run.clause(name)["reason"]
        assert provision in reason["en"], name
        assert provision in reason["zh"], name


@runs_of("minimal")
def test_report_says_how_to_provide(run: Outcome) -> None:
    """The page and the terminal name every field that would make more clauses testable."""
    page = page_text(run.text("index.html"))

    for provision in ("keys.discontinued", "keys.quota_reached", "concurrency_limit", "single_use_sign"):
        assert provision in page
        assert provision in run.out


@pytest.mark.parametrize(
    ("run", "reason"),
    [("minimal, must", "Required and not shown: "), ("minimal, one", "Required and not shown: DENIED")],
    indirect=["run"],
)
def test_required_clauses_must_be_shown(run: Outcome, reason: str) -> None:
    """--require turns what could not be tested into exit 3, and the reason names the clauses."""
    assert run.code == run.result["exit_code"] == 3
    assert run.result["verdict"] == "incomplete"
    assert run.verdicts["DENIED"] == "UNTESTABLE"
    assert run.result["reason"]["en"].startswith(reason)
    assert reason.lower() in run.out.lower()


@runs_of("clause")
def test_required_clause_that_was_shown(run: Outcome) -> None:
    """--require asks only for the clauses that it names."""
    assert run.code == 0


# --- levels


@runs_of("should")
def test_broken_should_warns(run: Outcome) -> None:
    """A broken SHOULD is a WARN with its findings, and the exit code stays 0."""
    assert run.code == 0
    assert run.earned("WARN") == {"VERBOSE-VALUES-REFUSED"}
    assert not run.earned("FAIL")
    assert run.clause("VERBOSE-VALUES-REFUSED")["findings"]
    assert "VERBOSE-VALUES-REFUSED" in run.out


@runs_of("should, strict")
def test_broken_should_fails_when_strict(run: Outcome) -> None:
    """With --strict the same defect is a FAIL and exit 1."""
    assert run.code == 1
    assert run.earned("FAIL") == {"VERBOSE-VALUES-REFUSED"}
    assert run.result["verdict"] == "not-conformant"


@runs_of("late")
def test_slots_that_come_back_late_are_found_without_a_burst(run: Outcome) -> None:
    """A target that refuses one request alone, always after as many as its limit, gives slots back late."""
    finding = run.clause("CONCURRENCY-LIMIT-EXCEEDED-RELEASE")["findings"][0]

    assert run.code == 1
    assert finding["received"] == "requests one by one are refused after the limit, 5 of 5 times"


@runs_of("should", "should, strict")
def test_strictness_shows_in_junit(run: Outcome) -> None:
    """In junit.xml a WARN passes, unless the run is strict."""
    failures = list(ElementTree.fromstring(run.text("junit.xml")).iter("failure"))

    assert bool(failures) is run.result["strict"]


@runs_of("should", "broken")
def test_findings_name_exchanges_that_exist(run: Outcome) -> None:
    """Each finding stands on recorded exchanges, the last of which is the one that differs."""
    known = {row["id"]: row for row in run.exchanges}
    findings = [finding for row in run.result["clauses"] for finding in row["findings"]]

    assert findings
    for finding in findings:
        assert finding["exchanges"]
        assert set(finding["exchanges"]) <= set(known)
        assert known[finding["exchanges"][-1]]["case"] == finding["case"]


@runs_of("broken")
def test_failure_reads_alone(run: Outcome) -> None:
    """The terminal tells a failure with clause, sentence, expected, received, difference, curl and repetition."""
    clause = run.clause("UUID-LENGTH")
    finding = clause["findings"][0]

    printed = " ".join(run.out.split())
    for part in (clause["id"], clause["en"], finding["expected"], finding["received"], "curl", "biztoken check"):
        assert part in printed, part
    assert "129" in finding["difference"]
    assert "Traceback" not in run.out + run.err


# --- what a key may do


@runs_of("promised", "not promised")
def test_cases_move_to_what_the_key_permits(run: Outcome) -> None:
    """Without KYC every case that can be tested by comparison is, and the run is conformant."""
    sent = [field_of(row, "comparison_type") for row in run.exchanges if row["role"] == "defect"]

    assert run.code == 0, run.out + run.err
    assert "0" in sent
    assert "1" not in sent
    assert {case["verdict"] for case in run.result["cases"] if case["family"] == "signature"} == {"PASS", "OBSERVED"}
    assert run.verdicts["SIGN-SIGNATURE"] == run.verdicts["UUID-LENGTH"] == "PASS"


def field_of(row: Mapping[str, Any], name: str) -> str | None:
    """What a field held, None where it was not sent."""
    return next((entry["value"] for entry in row["request"]["fields"] if entry["name"] == name), None)


@runs_of("promised")
def test_broken_promise_is_untestable(run: Outcome) -> None:
    """What `permits` promises and the key is refused is UNTESTABLE, with the refusal as its reason."""
    row = run.clause("IDCARD-NAME-EMPTY")

    assert row["verdict"] == "UNTESTABLE"
    assert "NO_DATA_SOURCE_PERMISSION" in row["reason"]["en"]
    assert "NO_DATA_SOURCE_PERMISSION" in row["reason"]["zh"]
    assert run.case("probe-kyc-still")["verdict"] == "UNTESTABLE"


@runs_of("not promised")
def test_refused_permission_is_not_applicable(run: Outcome) -> None:
    """What nobody promised and the key is refused is NOT_APPLICABLE."""
    assert run.verdicts["IDCARD-NAME-EMPTY"] == "NOT_APPLICABLE"
    assert run.case("probe-kyc-still")["verdict"] == "NOT_APPLICABLE"


# --- without the command, and whatever surrounds it


@pytest.mark.parametrize(("run", "code"), [("pytest", 0), ("pytest, broken", 1)], indirect=["run"])
def test_plain_pytest(run: Outcome, code: int) -> None:
    """`pytest conformance` runs the suite from any directory and ends with the exit code of the command."""
    assert run.code == run.result["exit_code"] == code, run.out + run.err
    assert run.result["scope"] == "partial"
    assert (run.directory / "index.html").is_file()


@runs_of("foreign settings")
def test_surroundings_do_not_matter(run: Outcome) -> None:
    """What the user's directory and environment say to pytest changes nothing."""
    assert run.code == 0, run.out + run.err
    assert run.result["executed"] == 11
    assert run.verdicts["UUID-LENGTH"] == "PASS"


# --- report and sign


@runs_of("broken")
def test_report_renders_again(run: Outcome, cli: Cli) -> None:
    """`biztoken report` makes the reports again in another language and leaves the records as they are."""
    copy = cli.new_path("copy")
    shutil.copytree(run.directory, copy)
    (copy / "index.html").unlink()
    records = ("result.json", "plan.json", "evidence.ndjson", "cases.ndjson")

    again = cli.run("report", copy, "--lang", "zh", out=copy)

    clause = run.clause("UUID-LENGTH")
    assert again.code == 0, again.err
    for text in (again.out, page_text(again.text("index.html")), unescape(again.text("junit.xml"))):
        assert "".join(clause["zh"].split()) in "".join(text.split())
    assert clause["en"].split()[-1] not in again.out
    assert re.search(r"<html[^>]* lang=\"?zh", again.text("index.html"))
    assert [again.text(name) for name in records] == [run.text(name) for name in records]


@runs_of("broken")
def test_report_is_a_function_of_the_records(run: Outcome, cli: Cli) -> None:
    """Rendered again in the same language the reports are the same to the byte."""
    copy = cli.new_path("copy")
    shutil.copytree(run.directory, copy)
    for name in ("index.html", "summary.md", "junit.xml"):
        (copy / name).unlink()

    again = cli.run("report", copy, out=copy)

    assert again.code == 0, again.err
    for name in ("index.html", "summary.md", "junit.xml"):
        assert again.text(name) == run.text(name), name


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign taken apart by this test alone."""

    digest: bytes
    raw: bytes
    fields: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> Sign:
        whole = base64.b64decode(text.strip(), validate=True)
        pairs = dict(pair.split("=", 1) for pair in whole[20:].decode().split("&"))
        return cls(whole[:20], whole[20:], pairs)


@pytest.mark.parametrize(("options", "valid"), [((), 600), (("--valid", "60"), 60), (("--single-use",), None)])
def test_sign_is_genuine(cli: Cli, options: tuple[str, ...], valid: int | None) -> None:
    """`biztoken sign` prints a sign that an HMAC of our own confirms, of the validity asked for, and no secret."""
    secret = "a secret of 32 characters + / = &"
    before = int(time.time())

    done = cli.run("sign", *options, BIZTOKEN_API_KEY="the-key", BIZTOKEN_API_SECRET=secret)

    sign = Sign.read(done.out)
    made = int(sign.fields["c"])
    assert done.code == 0
    assert sign.digest == hmac.digest(secret.encode(), sign.raw, "sha1")
    assert re.fullmatch(rb"a=the-key&b=\d+&c=\d+&d=\d{1,10}", sign.raw)
    assert before <= made <= time.time()
    assert int(sign.fields["b"]) == (made + valid if valid else 0)
    assert secret not in done.out + done.err


def test_sign_reads_the_variables_named(cli: Cli) -> None:
    """--key-env and --secret-env name other variables; every sign has a new random number."""
    options = ("--key-env", "MY_KEY", "--secret-env", "MY_SECRET")
    signs = [cli.run("sign", *options, MY_KEY="k", MY_SECRET="s").out.strip() for _ in range(2)]

    assert {Sign.read(sign).fields["a"] for sign in signs} == {"k"}
    assert signs[0] != signs[1]
