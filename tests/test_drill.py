"""Real clients in real drills: a sound one is called sound however it does it, and each habit is named."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from biztoken.drill import Options, drill
from biztoken.errors import UserError
from biztoken.leaks import Canary, needles_of, search
from biztoken.reporting import render
from biztoken.reporting.result import problems

CLIENTS = Path(__file__).with_name("clients")
TIMEOUT = 8.0  # seconds in which the clients here give up; the sound ones wait for two, and once more
SECRET = "secrets that a client was given: "


@dataclass(frozen=True)
class Outcome:
    """What a drill left."""

    code: int
    directory: Path
    printed: str

    @property
    def result(self) -> dict[str, Any]:
        return json.loads((self.directory / "result.json").read_text("utf-8"))

    @property
    def broken(self) -> dict[str, str]:
        """The clauses that were broken, with their verdicts."""
        rows = self.result["clauses"]
        return {row["id"]: row["verdict"] for row in rows if row["verdict"] in ("FAIL", "WARN", "WAIVED")}

    @property
    def cases(self) -> dict[str, dict[str, Any]]:
        return {row["id"]: row for row in self.result["cases"]}


@pytest.fixture
def drilled(tmp_path, monkeypatch, capfd):
    """Drill a client of tests/clients, or a command."""
    monkeypatch.setenv("CLIENT_TIMEOUT", "2")

    def run(client: str, *arguments: str, select: str = "", command: tuple[str, ...] = (), **chosen: Any) -> Outcome:
        out = tmp_path / "drill"
        whole = command or (sys.executable, str(CLIENTS / f"{client}.py"), *arguments)
        options = Options(command=whole, select=select, out=out, **{"timeout": TIMEOUT, "jobs": 6, **chosen})
        code = drill(options)
        return Outcome(code, out, "".join(capfd.readouterr()))

    return run


# --- sound clients


def test_sound_client_passes_every_drill(drilled):
    """Nothing is broken, nothing is untestable, and every drill is a case of the record."""
    run = drilled("sound")
    verdicts = {row["verdict"] for row in run.result["clauses"]}

    assert (run.code, run.broken) == (0, {})
    assert verdicts == {"PASS", "OBSERVED", "NOT_APPLICABLE"}
    assert run.result["executed"] == run.result["planned"] == len(run.cases) > 35
    assert problems(run.result) == []


WAYS = [
    "gives-up-on-403-at-once",
    "retries-dropped-connections",
    "tells-errors-on-standard-output-and-exits-2",
    "one-retry-only",
    "retries-500-at-once",
    "waits-at-random",
    "trusts-by-ssl-cert-file",
    "trusts-the-system-only",
    "raises-what-was-told",
    "single-use-signs",
    "sends-a-picture",
    "own-words-beside-the-error",
    "splits-the-error",
    "prints-masked-data",
    "no-biz-no",
]


@pytest.mark.parametrize("way", WAYS)
def test_sound_client_may_do_it_otherwise(drilled, way):
    """What the contract leaves open is nobody's fault."""
    run = drilled("otherwise_sound", way, select="special or sign or no-face-found")

    assert (run.code, run.broken) == (0, {})


# --- habits

SPECIAL = "special"
MUST, SHOULD = "FAIL", "WARN"
HABITS: dict[str, tuple[str, dict[str, str]]] = {
    "hammers-for-ever": ("concurrency", {"CLIENT-GIVE-UP": MUST, "CLIENT-BACK-OFF": SHOULD}),
    "hammers-a-few-times": ("concurrency", {"CLIENT-BACK-OFF": SHOULD}),
    "waits-the-same-short-time": ("concurrency", {"CLIENT-BACK-OFF": SHOULD}),
    "no-retry": ("server-error", {"CLIENT-RETRY": MUST}),
    "retries-500-for-ever": ("server-error", {"CLIENT-GIVE-UP": MUST}),
    "retries-500-for-ever-slowly": ("server-error-for-ever", {"CLIENT-GIVE-UP": MUST}),
    "retries-400": ("error-bad-arguments", {"CLIENT-NO-REPEAT": SHOULD}),
    "same-sign-on-retry": ("sign-expired-once", {"CLIENT-NEW-SIGN": SHOULD}),
    "crashes-on-plain-text": (
        "plain-text or page-with-502",
        {"CLIENT-PLAIN-413": MUST, "CLIENT-NOT-JSON": SHOULD},
    ),
    "crashes-on-missing-token": ("error-low-quality", {"CLIENT-REASON": MUST}),
    "compares-error-exactly": ("error-no-face-found or error-low-quality", {"CLIENT-REASON": MUST}),
    "drops-the-reason": (
        "unknown-reason or error-low-quality",
        {"CLIENT-REASON": MUST, "CLIENT-UNKNOWN-ERROR": MUST},
    ),
    "keeps-the-name-only": ("unknown-reason or no-verify", {"CLIENT-REASON": MUST, "CLIENT-UNKNOWN-ERROR": MUST}),
    "ignores-the-status": ("error-denied or API_NOT_FOUND", {"CLIENT-FAIL-CLOSED": MUST, "CLIENT-REASON": MUST}),
    "takes-any-200": ("page-with-200", {"CLIENT-FAIL-CLOSED": MUST}),
    "no-timeout": ("no-answer", {"CLIENT-TIMEOUT": MUST}),
    "no-verification": ("certificate", {"CLIENT-CERTIFICATE": MUST}),
    "http-instead-of-https": ("certificate", {"CLIENT-HTTPS": MUST}),
    "prints-the-secret": ("success", {"CLIENT-SECRET": MUST}),
    "prints-the-secret-in-base64": ("error-low-quality", {"CLIENT-SECRET": MUST}),
    "prints-the-request": ("success", {"CLIENT-PRIVATE": SHOULD}),
    "prints-the-number": ("success", {"CLIENT-PRIVATE": SHOULD}),
    "urlencoded": ("success", {"FORM-DATA": MUST, "CLIENT-REQUEST": MUST}),
    "loses-the-picture": ("success", {"CLIENT-REQUEST": MUST}),
    "misspells-a-field": ("success", {"CLIENT-LASTING": SHOULD}),
    "signs-in-milliseconds": ("success", {"SIGN-EXPIRY": MUST}),
    "signs-with-another-secret": ("success", {"SIGN-SIGNATURE": MUST, "CLIENT-REQUEST": MUST}),
    "secret-in-the-form": ("success", {"CLIENT-SECRET": MUST, "CLIENT-LASTING": SHOULD}),
    "fails-on-unknown-fields": ("unknown-fields", {"CLIENT-UNKNOWN-FIELDS": SHOULD}),
    "swallows-exceptions": ("error-low-quality", {"CLIENT-FAIL-CLOSED": MUST}),
    "takes-a-cut-answer": ("cut-off", {"CLIENT-FAIL-CLOSED": MUST}),
    "fails-though-all-is-well": ("success", {"CLIENT-SUCCESS": MUST}),
}


@pytest.mark.parametrize(("habit", "select", "expected"), [(name, *row) for name, row in HABITS.items()], ids=HABITS)
def test_habit_is_named(drilled, habit, select, expected):
    """Each bad habit breaks the clause that it is against, and no other."""
    run = drilled("faulty", habit, select=select)

    assert run.broken == expected
    assert run.code == (1 if MUST in expected.values() else 0)


def test_retry_after_a_timeout_under_the_same_number_is_told(drilled):
    """Nothing forbids it, and whoever does it should know."""
    run = drilled("faulty", "retries-timeouts-with-the-same-number", select="no-answer")

    assert (run.code, run.broken) == (0, {})
    assert any("with the same biz_no" in note["en"] for note in run.cases["no-answer"]["notes"])


def test_what_two_drills_show_of_one_clause_names_the_drill(drilled):
    """The connection ends before the request in one and after it in the other: which was which is told."""
    outcome = drilled("sound", select="CLIENT-DROPPED")
    (row,) = [row for row in outcome.result["clauses"] if row["id"] == "CLIENT-DROPPED"]

    assert {text["en"].partition(":")[0] for text in row["observations"]} == {"dropped-before", "dropped-after"}


def test_strict_run_fails_on_a_should(drilled):
    """What is a warning turns the run red where that was asked for."""
    run = drilled("faulty", "hammers-a-few-times", select="concurrency", strict=True)

    assert (run.code, run.broken) == (1, {"CLIENT-BACK-OFF": "FAIL"})


# --- controls


def test_client_that_sends_nothing_is_never_green(drilled):
    """Its failures prove nothing: no verdict, with the words why."""
    run = drilled("faulty", "sends-nothing")

    assert run.code == 2
    assert {row["verdict"] for row in run.cases.values()} == {"UNTESTABLE"}
    assert run.result["reason"]["en"] == "The client sent nothing (exit status 1)."


def test_client_that_fails_always_makes_no_drill_green(drilled):
    """Whoever fails when all is well fails closed for no reason."""
    run = drilled("faulty", "fails-though-all-is-well", select=SPECIAL)
    others = {row["verdict"] for name, row in run.cases.items() if name != "success"}

    assert (run.code, others) == (1, {"UNTESTABLE"})


# --- the command


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ((), "COMMAND: give the command"),
        (("no-such-program-here",), "COMMAND no-such-program-here: there is no such program"),
        (("./plain-file",), "COMMAND ./plain-file: it is not executable"),
        (("./no-program",), "COMMAND ./no-program: it cannot be started"),
    ],
)
def test_command_that_cannot_be_started_is_a_mistake(tmp_path, monkeypatch, command, told):
    """One sentence that names it, before any drill."""
    monkeypatch.chdir(tmp_path)
    Path("plain-file").write_text("", "utf-8")
    Path("no-program").write_bytes(b"\x00\x01")
    Path("no-program").chmod(0o755)

    with pytest.raises(UserError) as caught:
        drill(Options(command=command or None, out=tmp_path / "out", select="success"))

    assert str(caught.value).startswith(told)


def test_client_finds_no_proxy_and_all_it_needs(drilled, monkeypatch, tmp_path):
    """Its environment is the given one, without proxies, and says where and as whom to call."""
    for name in ("http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("KEPT", "yes")
    drilled("", command=("sh", "-c", f"env > {tmp_path}/environment"), select="success")
    found = dict(line.split("=", 1) for line in (tmp_path / "environment").read_text().splitlines() if "=" in line)

    assert not {"http_proxy", "HTTPS_PROXY", "ALL_PROXY"} & found.keys()
    assert found["KEPT"] == "yes"
    assert found["BIZTOKEN_URL"].startswith("http://127.0.0.1:")
    assert found["BIZTOKEN_API_KEY"] != found["BIZTOKEN_API_SECRET"] != ""
    assert found["BIZTOKEN_CACERT"] == found["SSL_CERT_FILE"]


def test_output_is_bounded(drilled):
    """A client that prints without end is heard at its beginning and its end, and leaves a small record."""
    noisy = f"{sys.executable} {CLIENTS}/sound.py; yes | head -c 20000000; echo the end"
    run = drilled("", command=("sh", "-c", noisy), select="success")

    assert (run.directory / "result.json").stat().st_size < 200_000
    assert run.cases["success"]["output"].endswith("the end\n")


def test_children_of_a_client_end_with_it(drilled, tmp_path):
    """What a client started in the background is gone when its drill is over."""
    script = f"sleep 300 & echo $! >> {tmp_path}/children; exec {sys.executable} {CLIENTS}/sound.py"
    run = drilled("", command=("sh", "-c", script), select="success")
    children = [int(line) for line in (tmp_path / "children").read_text().split()]

    assert run.code == 0
    assert len(children) == 1
    assert not any(is_running(child) for child in children)


def is_running(process: int) -> bool:
    """Whether a process runs; a zombie that nobody has asked for does not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_nothing_private_stands_in_the_records(drilled):
    """Not even where the client printed it: the name, the number, the secret."""
    run = drilled("faulty", "prints-the-request", select="success or error-low-quality")
    run_secret = drilled("faulty", "prints-the-secret", select="success")
    texts = ("欧阳示例", "990101199003071237")
    canaries = [Canary(text, needles_of(text)) for text in texts]

    for outcome in (run, run_secret):
        records = [path for path in outcome.directory.iterdir() if path.is_file()]
        assert search(records, canaries) == ()
        assert not any(text in outcome.printed for text in texts)
    assert "<redacted>" in run_secret.cases["success"]["output"]


# --- waivers, reports


def test_waiver_excuses_a_habit(drilled, tmp_path):
    """As in check: known, agreed to for a time, and shown."""
    waivers = tmp_path / "waivers.yaml"
    waivers.write_text(
        "- clause: CLIENT-RETRY\n  finding: one request only\n  reason: agreed\n  owner: us\n  expires: 2999-01-01\n",
        "utf-8",
    )
    run = drilled("faulty", "no-retry", select="server-error-twice", waivers=waivers)

    assert (run.code, run.broken) == (0, {"CLIENT-RETRY": "WAIVED"})


def test_waiver_of_what_no_client_can_break_is_a_mistake(tmp_path):
    """A clause of the endpoint has no place there."""
    waivers = tmp_path / "waivers.yaml"
    waivers.write_text(
        "- clause: JSON-BODY\n  finding: x\n  reason: agreed\n  owner: us\n  expires: 2999-01-01\n", "utf-8"
    )

    with pytest.raises(UserError, match="JSON-BODY"):
        drill(Options(command=("true",), out=tmp_path / "out", waivers=waivers))


def test_reports_are_those_of_check(drilled):
    """The page in both languages, the summary, junit.xml and the badge, with what the client printed."""
    run = drilled("faulty", "drops-the-reason", select="error-low-quality")
    page = (run.directory / "index.html").read_text("utf-8")
    junit = (run.directory / "junit.xml").read_text("utf-8")

    assert {path.name for path in run.directory.iterdir()} >= {
        *("index.html", "summary.md", "junit.xml", "badge.json", "badge.svg"),
        *("result.json", "plan.json", "evidence.ndjson", "cases.ndjson"),
    }
    assert "request failed" in page
    assert "输出中没有该错误" in page
    assert "--select error-low-quality" in page
    assert '<testcase name="error-low-quality" classname="CLIENT-REASON"' in junit
    assert "<failure" in junit
    assert "CLIENT-REASON" in (run.directory / "summary.md").read_text("utf-8")


def test_page_renders_again_in_chinese(drilled):
    """`biztoken report` makes the reports of a drill, too."""
    run = drilled("sound", select="success")
    render(run.directory, "zh")

    assert (run.directory / "summary.md").read_text("utf-8").startswith("## ✅ 已测部分符合契约：")


# --- interrupted


def test_interrupted_run_leaves_a_report_and_no_process(tmp_path):
    """Ctrl-C ends the clients with all their children; what was seen until then can be read."""
    command = [
        sys.executable,
        "-m",
        "biztoken",
        "drill",
        "--out",
        str(tmp_path / "out"),
        "--select",
        "no-answer or slow",
    ]
    client = f"echo $$ >> {tmp_path}/started; exec {sys.executable} {CLIENTS}/faulty.py no-timeout"
    process = subprocess.Popen([*command, "--", "sh", "-c", client], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    started = tmp_path / "started"
    deadline = time.monotonic() + 60
    while not (started.exists() and len(started.read_text().split()) == 3) and time.monotonic() < deadline:
        time.sleep(0.05)  # no event tells what another process does
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    result = json.loads((tmp_path / "out" / "result.json").read_text("utf-8"))

    assert process.returncode == result["exit_code"] == 3
    assert result["verdict"] == "incomplete"
    assert result["reason"]["zh"] == "运行被中断。"
    assert not any(is_running(int(number)) for number in started.read_text().split())


def test_killed_run_leaves_a_readable_record(tmp_path):
    """Before the first drill there is a plan, and a result that says it is incomplete."""
    script = f"kill -9 {os.getpid()}; exit 0".replace(str(os.getpid()), "$PPID")
    command = [sys.executable, "-m", "biztoken", "drill", "--out", str(tmp_path / "out"), "--", "sh", "-c", script]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    render(tmp_path / "out", "en")

    assert done.returncode == -signal.SIGKILL
    assert "incomplete" in (tmp_path / "out" / "summary.md").read_text("utf-8").lower()
