"""The templates of docs/ci keep their formats, and what they run does what they say.

Their shell commands are taken out and run, each as its tool would, on a wheel of this checkout and against the mock.
What the tools themselves decide (triggers, conditions, colours of a job) is beyond these tests.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from biztoken import __version__
from biztoken.embedded import EmbeddedMock
from biztoken.mock.keys import demo_keys

ROOT = Path(__file__).resolve().parents[1]
TEMPLATES = ROOT / "docs" / "ci"
LONGEST = 300  # seconds that a command may take, however busy the machine
LIVE, PATH = "https://api.megvii.com", "/faceid/v3/sdk/get_biz_token"
RUN = {"index.html", "summary.md", "junit.xml", "result.json", "evidence.ndjson", "badge.json", "badge.svg"}
SECRETS = {"FACEID_KEY": "demo-active", "FACEID_SECRET": "demo-secret-of-active"}
# One clause instead of the whole plan, where it is only of interest that the command runs.
SHORTENED = """
import os, sys
if os.environ.get("ONLY") and sys.argv[1:2] == ["check"]:
    sys.argv += ["--select", os.environ["ONLY"]]
"""
# Exit code: what makes biztoken end with it, and what the job has to say.
ENDS = {
    0: ({}, ""),
    1: ({"FAULT": "uuid-129-bytes-accepted"}, "Not conformant"),
    2: ({"FACEID_SECRET": "another-secret"}, "No verdict"),
    3: ({"BUDGET": "3"}, "Incomplete"),
}


needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="the tool works on a repository")


# --- the templates, taken apart


def text_of(name: str) -> str:
    """A template."""
    return (TEMPLATES / name).read_text("utf-8")


def github() -> dict[str, Any]:
    """The jobs of the workflow."""
    return yaml.safe_load(text_of("github.yaml"))["jobs"]


def github_steps(job: str) -> dict[str, dict[str, Any]]:
    """The steps of a job that run a command, by name."""
    return {step["name"]: step for step in github()[job]["steps"] if "run" in step}


def gitlab() -> dict[str, Any]:
    """The jobs of the pipeline."""
    return yaml.safe_load(text_of("gitlab.yaml"))


def jenkins_shells() -> list[str]:
    """What each `sh` of the Jenkinsfile gives to the shell."""
    call = r"\bsh(?:\(returnStatus: true, script:)? ('''.*?'''|'[^'\n]*')"
    found = re.findall(call, text_of("Jenkinsfile"), re.DOTALL)
    return [shell.strip("'") for shell in found]


def dockerfile() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile and what they are given."""
    lines = [line for line in text_of("Dockerfile").splitlines() if line and not line.startswith("#")]
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


def docker_run() -> list[str]:
    """What the documented `docker run` gives to the image."""
    told = re.search(r"docker run .*?\n(?!#)", text_of("Dockerfile"), re.DOTALL)
    words = shlex.split(told[0].replace("\\\n#", " "))
    return words[words.index(f"biztoken:{__version__}") + 1 :]


def hooks() -> dict[str, dict[str, Any]]:
    """The hooks of pre-commit, by id."""
    (repository,) = yaml.safe_load(text_of("pre-commit.yaml"))["repos"]
    return {hook["id"]: hook for hook in repository["hooks"]}


SHELLS = {
    **{f"github {name}": step["run"] for job in github() for name, step in github_steps(job).items()},
    **{f"gitlab {name}": "\n".join(job["script"]) for name, job in gitlab().items()},
    **{f"jenkins {number}": shell for number, shell in enumerate(jenkins_shells())},
    **{f"docker {number}": rest for number, (name, rest) in enumerate(dockerfile()) if name == "RUN"},
    **{f"pre-commit {name}": hook["entry"] for name, hook in hooks().items() if hook["language"] != "pygrep"},
}


# --- formats


def tool(name: str) -> str:
    """A command of the dependency group `tests`."""
    found = shutil.which(name, path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    assert found, f"{name} is missing: pip install --group tests"
    return found


def ended(command: Sequence[str | Path], **more: Any) -> subprocess.CompletedProcess[str]:
    """A command that has run, both of its streams in `stdout`."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.run(command, check=False, text=True, timeout=LONGEST, **streams, **more)


def passes(command: Sequence[str | Path], **more: Any) -> str:
    """What a command says; it must end with 0."""
    done = ended(command, **more)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.parametrize(("name", "schema"), [("github", "github-workflows"), ("gitlab", "gitlab-ci")])
def test_file_keeps_the_schema_of_its_tool(name, schema):
    """The schema is the published one, as it came with the checker."""
    passes([tool("check-jsonschema"), "--builtin-schema", f"vendor.{schema}", TEMPLATES / f"{name}.yaml"])


def test_hooks_are_read_by_pre_commit():
    """Its own reader has no complaint."""
    passes([tool("pre-commit"), "validate-config", TEMPLATES / "pre-commit.yaml"])


def test_dockerfile_passes_its_linter():
    """Not even an advice is left."""
    passes([tool("hadolint"), "--no-color", TEMPLATES / "Dockerfile"])


@pytest.mark.parametrize("name", SHELLS)
def test_shell_is_plain_and_sound(name, tmp_path):
    """Each script is POSIX shell, which any image has, and the linter finds nothing in it."""
    (tmp_path / "script.sh").write_text(SHELLS[name].strip() + "\n", "utf-8")

    passes([tool("shellcheck"), "--shell=sh", "--norc", tmp_path / "script.sh"])


def test_no_shell_of_the_jenkinsfile_is_missed():
    """Each `sh` gets a text in single quotes, in which Groovy replaces nothing: no secret gets into a command."""
    assert len(jenkins_shells()) == len(re.findall(r"\bsh\b", text_of("Jenkinsfile"))) == 3


# --- what all of them say


@pytest.mark.parametrize("path", sorted(TEMPLATES.iterdir()), ids=lambda path: path.name)
def test_version_is_this_one(path):
    """What is installed is pinned to the version of this checkout, and so is the image's name."""
    told = re.findall(r"\bbiztoken(?:==|:)(\d[\w.]*)", path.read_text("utf-8"))

    assert set(told) <= {__version__}
    assert told or path.name == "target.yaml"


def test_every_template_is_told_of_in_both_languages():
    """The documents link each file, and no other."""
    for name in ("ci.md", "ci.zh.md"):
        linked = set(re.findall(r"\]\(ci/([^)]+)\)", (ROOT / "docs" / name).read_text("utf-8")))

        assert linked == {path.name for path in TEMPLATES.iterdir()}


def test_container_is_started_alike_everywhere():
    """The documents show the two commands that stand at the head of the Dockerfile."""
    head = "".join(re.findall(r"^# (.*\n)", text_of("Dockerfile"), re.MULTILINE)[:3])

    assert head.count("docker ") == 2
    for name in ("ci.md", "ci.zh.md"):
        assert f"```text\n{head}```" in (ROOT / "docs" / name).read_text("utf-8")


def test_secrets_come_from_the_store_of_each_tool():
    """The target file names variables; each tool fills them from its store, in the one step that needs them."""
    (key,) = yaml.safe_load(text_of("target.yaml"))["keys"].values()
    steps = [step for job in github().values() for step in job["steps"]]
    environments = [step.get("env", {}) for step in steps] + [job.get("env", {}) for job in github().values()]
    jenkins = dict(re.findall(r"(\w+) = credentials\('([\w-]+)'\)", text_of("Jenkinsfile")))

    assert set(key.values()) == {f"env:{name}" for name in SECRETS}
    assert [env for env in environments if SECRETS.keys() & env.keys()] == [
        {name: f"${{{{ secrets.{name} }}}}" for name in SECRETS}
    ]
    assert jenkins == {"FACEID_KEY": "faceid-key", "FACEID_SECRET": "faceid-secret"}
    assert not any(SECRETS.keys() & job.get("variables", {}).keys() for job in gitlab().values())
    assert not any(name in rest for name in SECRETS for _, rest in dockerfile())


CHECKING = [name for name, shell in SHELLS.items() if "--out" in shell]


def test_doctor_comes_first_and_every_run_has_a_budget():
    """Whatever checks asks the doctor before, names target, plan and budget, and leaves its run in one place."""
    assert {name.split()[0] for name in CHECKING} == {"github", "gitlab", "jenkins", "pre-commit"}
    for shell in map(SHELLS.get, CHECKING):
        doctor, check = re.findall(r"biztoken (?:doctor|check)[^|&\n']*", shell)
        assert doctor.strip() == "biztoken doctor --target target.yaml"
        assert re.fullmatch(
            r'biztoken check --target target\.yaml --plan (quick|"\$PLAN") --budget (700|"\$BUDGET") --out reports/ci',
            " ".join(check.split()),
        )


PLANS = {"quick": 700, "full": 900}


def test_plans_have_the_same_budget_everywhere():
    """Quick by day, full by night."""
    job = gitlab()["conformance"]
    night = next(rule["variables"] for rule in job["rules"] if "schedule" in rule["if"])
    env = github()["conformance"]["env"]
    names = {name: re.findall(r"'([a-z0-9]{3,5})'", env[name].partition("&&")[2]) for name in ("PLAN", "BUDGET")}

    told = {job["variables"]["PLAN"]: job["variables"]["BUDGET"], night["PLAN"]: night["BUDGET"]}
    assert {plan: int(budget) for plan, budget in told.items()} == PLANS
    assert dict(re.findall(r"check\('(\w+)', '(\d+)'\)", text_of("Jenkinsfile"))) == told
    assert dict(zip(names["PLAN"], names["BUDGET"], strict=True)) == told


@pytest.mark.parametrize("plan", PLANS)
def test_budget_is_never_what_stops_a_run(plan, tmp_path):
    """It stands above what the plan can cost with every key there is: whoever meets it has found something odd."""
    keys = {role: {"api_key": key, "api_secret": secret} for role, (key, secret) in demo_keys().items()}
    target = {"url": f"{LIVE}{PATH}", "keys": keys, "concurrency_limit": 5, "single_use_sign": True}
    (tmp_path / "target.yaml").write_text(yaml.safe_dump(target), "utf-8")
    command = [sys.executable, "-m", "biztoken", "check", "--target", "target.yaml", "--plan", plan, "--dry-run"]

    told = passes(command, cwd=tmp_path)

    assert int(re.search(r"never more than (\d+)", told)[1]) < PLANS[plan]


def test_each_exit_code_has_its_words():
    """In every job 2 and 3 are told apart from a failed conformance."""
    for name in ("github.yaml", "gitlab.yaml", "Jenkinsfile"):
        rows = re.findall(r"^ *(?:case )?([0-3])[):] (.*)$", text_of(name), re.MULTILINE)
        told = {int(code): text for code, text in rows}

        assert told.keys() == ENDS.keys()
        assert all(ENDS[code][1] in text for code, text in told.items())
        assert [code for code, text in told.items() if "this is no failed conformance" in text] == [2, 3]
    assert gitlab()["conformance"]["allow_failure"] == {"exit_codes": [2, 3]}
    assert re.findall(r"case (\d): (error|unstable)\(", text_of("Jenkinsfile")) == [
        ("1", "error"),
        ("2", "unstable"),
        ("3", "unstable"),
    ]


def test_reports_are_kept_where_each_tool_shows_them():
    """What a run leaves is an artifact also when it fails, and junit.xml is a test report where there are such."""
    keep = next(step for step in github()["conformance"]["steps"] if "upload-artifact" in step.get("uses", ""))
    artifacts = gitlab()["conformance"]["artifacts"]
    jenkins = text_of("Jenkinsfile").partition("always {")[2]

    assert keep["with"]["path"] == "reports/ci"
    assert "always()" in keep["if"]
    assert artifacts["when"] == "always"
    assert artifacts["paths"] == ["reports/ci"]
    assert artifacts["reports"] == {"junit": "reports/ci/junit.xml"}
    for words in ("junit testResults: 'reports/ci/junit.xml'", "artifacts: 'reports/ci/**'", "reportDir: 'reports/ci'"):
        assert words in jenkins


# --- the commands, run


@dataclass(frozen=True)
class Desk:
    """A directory with a target file for the mock, and the environment in which a job would run there."""

    place: Path
    env: Mapping[str, str]
    url: str

    def with_env(self, **more: str) -> Desk:
        """The same with other variables; FAULT names one that the endpoint then has."""
        fault = more.pop("FAULT", "")
        url = self.url.replace(PATH, f"/{fault}{PATH}") if fault else self.url
        text = text_of("target.yaml")
        assert text.count(LIVE + PATH) == 1
        (self.place / "target.yaml").write_text(text.replace(LIVE + PATH, url), "utf-8")
        return replace(self, env={**self.env, **more}, url=url)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """A command in the directory. What it says holds no secret."""
        done = ended(command, cwd=self.place, env=self.env)
        assert self.env["FACEID_SECRET"] not in done.stdout
        return done

    def left(self) -> set[str]:
        """The files of the run."""
        return {path.name for path in (self.place / "reports" / "ci").glob("*")}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """The URL of a mock that serves each named fault, too."""
    mock = EmbeddedMock(rack=True)
    yield mock.url
    mock.close()


@pytest.fixture(scope="module")
def machine(tmp_path_factory) -> dict[str, str]:
    """The environment of a machine of a pipeline: Python, pip, what biztoken depends on, and a registry that has it.

    The registry is a directory with the wheel of this checkout. It has no other, so the dependencies are those of the
    tests, by links: beside pip's own, and without this checkout, which would hide the wheel.
    """
    place = tmp_path_factory.mktemp("machine")
    wheels, libraries = place / "wheels", place / "libraries"
    passes([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", wheels], cwd=ROOT)
    passes([sys.executable, "-m", "venv", place / "python"])
    libraries.mkdir()
    for home in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for path in Path(home).iterdir():
            if not re.match(r"(_*editable|_?biztoken|pip|setuptools|__pycache__|.*\.pth$)", path.name):
                (libraries / path.name).symlink_to(path)
    (libraries / "sitecustomize.py").write_text(SHORTENED, "utf-8")
    return {
        "PATH": os.pathsep.join([str(place / "python" / "bin"), os.environ["PATH"]]),
        "MACHINE": str(place),
        "HOME": str(place / "nowhere"),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(libraries),
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(wheels),
        "PIP_NO_DEPS": "1",
        "PIP_NO_CACHE_DIR": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


@pytest.fixture
def desk(machine, endpoint, tmp_path) -> Desk:
    """A desk of its own for each test, at which one clause is checked."""
    short = {"PLAN": "quick", "BUDGET": "700", "ONLY": "UUID-LENGTH"}
    return Desk(tmp_path, {**machine, **SECRETS, **short}, endpoint).with_env()


def by_github(desk: Desk) -> subprocess.CompletedProcess[str]:
    """The steps up to the check, as the runner starts each."""
    steps = github_steps("conformance")
    assert desk.run("bash", "-ec", steps["Install"]["run"]).returncode == 0
    return desk.run("bash", "-ec", steps["Check"]["run"])


def by_gitlab(desk: Desk) -> subprocess.CompletedProcess[str]:
    """The script of the job, in the plainest shell."""
    return desk.run("sh", "-ec", SHELLS["gitlab conformance"])


def by_jenkins(desk: Desk) -> subprocess.CompletedProcess[str]:
    """The shells of the Jenkinsfile, the last of them being the check."""
    check, clear, install = jenkins_shells()
    assert desk.run("sh", "-xec", clear).returncode == 0
    installed = Path(desk.env["MACHINE"]) / "workspace"
    if not installed.exists():  # once for all tests: it takes long
        installed.mkdir()
        passes(["sh", "-xec", install], cwd=installed, env=desk.env)
    (desk.place / ".venv").symlink_to(installed / ".venv")
    return desk.run("sh", "-xec", check)


JOBS = {"github": by_github, "gitlab": by_gitlab, "jenkins": by_jenkins}


def test_the_whole_quick_plan_runs_in_a_job(desk):
    """Without any selection the mock passes, and the summary is that of the run."""
    whole = desk.with_env(ONLY="", GITHUB_STEP_SUMMARY=str(desk.place / "step.md"))

    done = by_github(whole)
    shown = whole.run("bash", "-ec", github_steps("conformance")["Summary"]["run"])

    assert (done.returncode, shown.returncode) == (0, 0), done.stdout
    assert whole.left() >= RUN
    assert (desk.place / "step.md").read_text("utf-8") == (desk.place / "reports/ci/summary.md").read_text("utf-8")
    assert json.loads((desk.place / "reports/ci/badge.json").read_text("utf-8"))["message"].startswith("conformant ")


@pytest.mark.parametrize("code", ENDS)
@pytest.mark.parametrize("job", JOBS)
def test_job_ends_as_biztoken_ends(job, code, desk):
    """A sound endpoint, a broken one, a wrong secret and a small budget each give their code and its words."""
    changed, words = ENDS[code]
    there = desk.with_env(**changed)

    done = JOBS[job](there)

    assert done.returncode == code, done.stdout
    if job != "jenkins":  # there they are told in Groovy
        told = [words for _, words in ENDS.values() if words and re.search(rf"{words}(\.|::)", done.stdout)]
        assert told == ([words] if words else [])
    # The doctor that finds something wrong sends nobody on: there is no run.
    assert there.left() >= RUN if code != 2 else not there.left()


@pytest.mark.parametrize("job", JOBS)
def test_a_job_without_its_secret_is_no_success(job, desk):
    """A variable that the store does not have, or keeps from this branch, is told by name."""
    done = JOBS[job](desk.with_env(FACEID_KEY=""))

    assert done.returncode == 2, done.stdout
    assert "FACEID_KEY" in done.stdout


@needs_git
def test_badge_is_published_on_a_branch_of_its_own(desk):
    """The branch holds the badge and nothing else, also when it is published again."""
    run, origin, clone = desk.place / "temp" / "run", desk.place / "origin.git", desk.place / "clone"
    run.mkdir(parents=True)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@localhost", "-c", "init.defaultBranch=main"]
    passes([*git, "init", "--bare", "--quiet", origin], env=desk.env)
    for number in ("1", "2"):
        passes([*git, "clone", "--quiet", origin, clone], env=desk.env)
        if number == "1":
            (clone / "README").write_text("code", "utf-8")
            passes([*git, "add", "README"], cwd=clone, env=desk.env)
            passes([*git, "commit", "--quiet", "-m", "code"], cwd=clone, env=desk.env)
            passes([*git, "push", "--quiet", "origin", "HEAD:main"], cwd=clone, env=desk.env)
        for name in ("badge.json", "badge.svg"):
            (run / name).write_text(number, "utf-8")
        there = desk.env | {"RUNNER_TEMP": str(run.parent), "GITHUB_RUN_ID": number}
        passes(["bash", "-ec", github_steps("badge")["Publish"]["run"]], cwd=clone, env=there)
        shutil.rmtree(clone)

    shown = passes(["git", "ls-tree", "--name-only", "badge"], cwd=origin, env=desk.env)

    assert shown.split() == ["badge.json", "badge.svg"]
    assert passes(["git", "show", "badge:badge.svg"], cwd=origin, env=desk.env) == "2"
    assert passes(["git", "ls-tree", "--name-only", "main"], cwd=origin, env=desk.env).split() == ["README"]


def test_badge_is_served_by_pages(desk):
    """The job puts both files where GitLab Pages looks; without a run it fails and leaves the badge as it was."""
    script = SHELLS["gitlab pages"]
    failed = desk.run("sh", "-ec", script)
    (desk.place / "reports" / "ci").mkdir(parents=True)
    for name in ("badge.json", "badge.svg"):
        (desk.place / "reports" / "ci" / name).write_text(name, "utf-8")

    done = desk.run("sh", "-ec", script)

    assert failed.returncode != 0
    assert done.returncode == 0
    assert {path.name for path in (desk.place / "public").iterdir()} == {"badge.json", "badge.svg"}


# --- the image


def test_image_runs_as_nobody_in_particular():
    """The base is a supported Python, slim, and the last user has a number that is not root's."""
    rows = dockerfile()
    versions = re.findall(r"Python :: (3\.\d+)", (ROOT / "pyproject.toml").read_text("utf-8"))

    assert re.fullmatch(r"python:(3\.\d+)-slim", rows[0][1])[1] in versions
    assert [name for name, _ in rows].count("FROM") == 1
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", next(rest for name, rest in reversed(rows) if name == "USER"))


def test_what_the_image_runs_works(desk):
    """It installs by name and version; alone it prints help, and as documented it checks, without a home."""
    rows = dict(dockerfile())
    entry, default = json.loads(rows["ENTRYPOINT"]), json.loads(rows["CMD"])

    assert desk.run("sh", "-ec", rows["RUN"]).returncode == 0
    homeless = replace(desk, env=desk.env | {"HOME": str(desk.place / "home")})
    helped = homeless.run(*entry, *default)
    done = homeless.run(*entry, *docker_run())

    assert (helped.returncode, done.returncode) == (0, 0), done.stdout
    assert "--budget" in helped.stdout
    assert desk.left() >= RUN
    assert {path.name for path in desk.place.iterdir()} == {"target.yaml", "reports"}


# --- hooks


@pytest.mark.parametrize("hook", ["biztoken-plan", "biztoken-check"])
def test_hook_runs(hook, desk):
    """pre-commit starts each in an environment that has the named version; the plan sends nothing anywhere."""
    row = hooks()[hook]
    assert row["additional_dependencies"] == [f"biztoken=={__version__}"]
    assert desk.run("pip", "install", *row["additional_dependencies"]).returncode == 0
    if hook == "biztoken-plan":  # it needs no secret, and where it names the live endpoint no network either
        (desk.place / "target.yaml").write_text(text_of("target.yaml"), "utf-8")
        desk = replace(desk, env=desk.env | {"FACEID_KEY": "", "FACEID_SECRET": "none"})

    done = desk.run(*shlex.split(row["entry"]))

    assert done.returncode == 0, done.stdout
    assert "never more than" in done.stdout if hook == "biztoken-plan" else desk.left() >= RUN


def test_no_hook_that_calls_the_endpoint_runs_by_itself():
    """Calls may be billed: what sends requests is started by hand."""
    sending = [name for name, hook in hooks().items() if "check" in hook["entry"] and "--dry-run" not in hook["entry"]]

    assert [hooks()[name]["stages"] for name in sending] == [["manual"]]


@needs_git
@pytest.mark.parametrize(
    ("line", "is_clean"),
    [
        ("  active: {api_key: env:FACEID_KEY, api_secret: env:FACEID_SECRET}", True),
        ("    api_secret: 'env:FACEID_SECRET'", True),
        ("    api_secret: UjYGdN9CBZKs", False),
        ("  active: {api_key: env:FACEID_KEY, api_secret: UjYGdN9CBZKs}", False),
        ('  active: {"api_key": "env:FACEID_KEY", "api_secret": "UjYGdN9CBZKs"}', False),
        ('  active: {api_key: "ICVvC_xUs617", api_secret: env:FACEID_SECRET}', False),
    ],
)
def test_hook_finds_a_secret_in_a_target_file(line, is_clean, desk):
    """pre-commit itself runs this hook: it needs nothing but pre-commit."""
    (desk.place / "target.yaml").write_text(f"url: {LIVE}\nkeys:\n{line}\n", "utf-8")
    shutil.copy(TEMPLATES / "pre-commit.yaml", desk.place / ".pre-commit-config.yaml")
    env = {**os.environ, "PRE_COMMIT_HOME": str(desk.place / "cache"), "HOME": str(desk.place)}
    for command in (["git", "init", "--quiet"], ["git", "add", "target.yaml"]):
        passes(command, cwd=desk.place, env=env)

    done = ended([tool("pre-commit"), "run", "no-secret-in-target", "--all-files"], cwd=desk.place, env=env)

    assert (done.returncode == 0) == is_clean, done.stdout
    assert "no files to check" not in done.stdout
