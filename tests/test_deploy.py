"""The files of deploy/ keep their formats, and what they run are commands that work and fit together."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from biztoken import __version__
from biztoken.cli import main
from biztoken.load import profile
from biztoken.load.options import PORT
from biztoken.settings import make_target

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"
KUBERNETES = ("target", "master", "workers")
KUBERNETES_VERSION = "1.33"  # the first in which a job outlives the loss of one of its workers, by default


def compose() -> dict:
    """The Compose file, its variables at their defaults."""
    text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", (DEPLOY / "compose.yaml").read_text("utf-8"))
    return yaml.safe_load(text)


def manifests(name: str) -> list[dict]:
    """The documents of a Kubernetes file."""
    return list(yaml.safe_load_all((DEPLOY / "kubernetes" / f"{name}.yaml").read_text("utf-8")))


def manifest(name: str, kind: str) -> dict:
    """The one document of that kind."""
    (found,) = [row for row in manifests(name) if row["kind"] == kind]
    return found


def container(name: str) -> dict:
    """The container of the job in a file."""
    (found,) = manifest(name, "Job")["spec"]["template"]["spec"]["containers"]
    return found


def parsed(arguments: list[str]) -> dict:
    """What our own command line reads of them; nothing is run."""
    context = main.make_context("biztoken", list(arguments))
    name, command, rest = main.resolve_command(context, list(arguments))
    assert name == "load"
    return command.make_context(name, rest, parent=context).params


def test_compose_file_keeps_its_schema():
    """By the schema of the Compose specification."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*command, DEPLOY / "compose.yaml"], check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", KUBERNETES)
def test_manifest_keeps_its_schema(name):
    """Strictly: a key that Kubernetes does not know is a mistake."""
    for document in manifests(name):
        kubernetes_validate.validate(document, KUBERNETES_VERSION, strict=True)


def test_a_wrong_manifest_is_noticed():
    """The validator is one that can say no."""
    wrong = manifest("workers", "Job")
    wrong["spec"]["paralelism"] = 2

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, KUBERNETES_VERSION, strict=True)


COMMANDS = {
    "compose": lambda: (compose()["services"]["master"]["command"], compose()["services"]["worker"]["command"]),
    "kubernetes": lambda: (container("master")["args"], container("workers")["args"]),
}


@pytest.mark.parametrize("place", COMMANDS)
def test_commands_work_and_fit_together(place):
    """A master that waits, workers that find it; a profile that is there, a target that is mounted."""
    first, second = COMMANDS[place]()
    master, worker = parsed(first), parsed(second)

    assert master["master"]
    assert worker["worker"]
    assert not master["worker"]
    assert not worker["master"]
    assert master["profile"] in profile.names()
    assert master["target"] == worker["target"] == Path("/etc/biztoken/target.yaml")


def test_compose_services_find_each_other():
    """The worker names the service, the port is locust's, and as many workers start as are waited for."""
    services = compose()["services"]
    master, worker = (parsed(services[name]["command"]) for name in ("master", "worker"))

    assert worker["worker"] in services
    assert services["master"]["expose"] == [str(PORT)]
    assert "ports" not in services["master"]
    assert services["worker"]["deploy"]["replicas"] == master["expect_workers"]
    for service in services.values():
        assert "./target.yaml:/etc/biztoken/target.yaml:ro" in service["volumes"]


def test_jobs_find_each_other():
    """The worker names the service, which selects the master's pod at locust's port; the numbers agree."""
    service, policy = manifest("master", "Service"), manifest("master", "NetworkPolicy")
    master, worker = parsed(container("master")["args"]), parsed(container("workers")["args"])
    labels = manifest("master", "Job")["spec"]["template"]["metadata"]["labels"]
    workers = manifest("workers", "Job")["spec"]
    (rule,) = policy["spec"]["ingress"]

    assert worker["worker"] == service["metadata"]["name"]
    assert service["spec"]["selector"] == labels == policy["spec"]["podSelector"]["matchLabels"]
    assert rule["from"][0]["podSelector"]["matchLabels"] == workers["template"]["metadata"]["labels"]
    assert service["spec"]["ports"][0]["port"] == rule["ports"][0]["port"] == PORT
    assert workers["parallelism"] == workers["completions"] == master["expect_workers"]


@pytest.mark.parametrize("name", ["master", "workers"])
def test_pods_mount_what_they_name(name):
    """Target and scratch are there, the root is read only, and nothing runs as root."""
    spec = manifest(name, "Job")["spec"]["template"]["spec"]
    mounted = {row["name"] for row in container(name)["volumeMounts"]}

    assert mounted == {row["name"] for row in spec["volumes"]}
    assert spec["securityContext"]["runAsNonRoot"]
    assert container(name)["securityContext"]["readOnlyRootFilesystem"]
    assert container(name)["envFrom"] == [{"secretRef": {"name": "biztoken-keys"}}]


def test_target_of_the_config_map_is_sound():
    """It is a target file with leave to be loaded, its keys in the environment."""
    data = yaml.safe_load(manifest("target", "ConfigMap")["data"]["target.yaml"])
    target = make_target(data, Path("target.yaml"), {"FACEID_KEY": "key", "FACEID_SECRET": "secret"})

    assert (target.allow_load, target.max_rate, target.max_requests) == (True, 20, 5000)


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_waiting_for_the_load_ends_with_it(name):
    """The job of a load that is not passed fails: who waits for `complete` waits in vain. Its exit code is told."""
    text = (DEPLOY / name).read_text("utf-8")
    spec = manifest("master", "Job")["spec"]["template"]["spec"]

    assert "condition=complete" not in text
    assert "kubectl logs --follow" in text
    assert ".state.terminated.exitCode" in text
    assert f"job-name={manifest('master', 'Job')['metadata']['name']}\n" in text
    assert (len(spec["containers"]), spec["restartPolicy"]) == (1, "Never")


def test_images_are_of_this_version():
    """What is deployed is what is documented."""
    images = {container("master")["image"], container("workers")["image"], compose()["services"]["worker"]["image"]}

    assert images == {f"biztoken:{__version__}"}
