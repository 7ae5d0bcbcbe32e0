"""The compose file: hardened in every service, and its commands are ones the programs take."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from clockifyrag_cli.__main__ import app
from clockifyrag_service.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "deploy" / "compose.yaml"
DEFAULT = re.compile(r"\$\{\w+:-([^}]*)\}")  # ${NAME:-default}


def with_defaults(node: Any) -> Any:
    """The document as it is where no variable is set."""
    if isinstance(node, dict):
        return {key: with_defaults(value) for key, value in node.items()}
    if isinstance(node, list):
        return [with_defaults(value) for value in node]
    return DEFAULT.sub(r"\1", node) if isinstance(node, str) else node


DOCUMENT: dict[str, Any] = with_defaults(yaml.safe_load(COMPOSE.read_text()))
SERVICES: dict[str, dict[str, Any]] = DOCUMENT["services"]
EACH = [pytest.param(service, id=name) for name, service in SERVICES.items()]


@pytest.mark.parametrize("service", EACH)
def test_a_container_can_write_nowhere_gain_nothing_and_not_eat_the_machine(service):
    hardening = {key: service.get(key) for key in ("read_only", "cap_drop", "security_opt")}

    assert {"read_only": True, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"]} == hardening
    assert service["mem_limit"] and service["pids_limit"]
    assert not {"privileged", "network_mode", "cap_add", "pid", "ipc", "devices", "user"} & service.keys()


@pytest.mark.parametrize("service", EACH)
def test_an_image_has_a_version(service):
    tag = service["image"].rpartition(":")[2]

    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)

    assert re.fullmatch(r"\d+\.\d+\.\d+", tag)
    assert version is not None
    if "build" in service:
        assert version[1] == tag
        assert (COMPOSE.parent / service["build"]["context"] / service["build"]["dockerfile"]).is_file()


def test_only_the_search_is_reached_from_outside_and_only_from_this_machine():
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    outside = {name for name, service in SERVICES.items() if "outside" in service["networks"]}

    assert {"search": ["127.0.0.1:8000:8000"]} == ports
    assert {"ollama", "search"} == outside
    assert DOCUMENT["networks"]["inside"]["internal"] is True


def test_each_step_waits_for_the_one_before():
    waits = {name: service.get("depends_on") for name, service in SERVICES.items()}

    ended = "service_completed_successfully"

    assert {
        "ollama": None,
        "model": {"ollama": {"condition": "service_healthy"}},
        "index": {"model": {"condition": ended}},
        "search": {"index": {"condition": ended}},
    } == waits
    assert {"ollama", "search"} == {name for name, service in SERVICES.items() if "healthcheck" in service}


def test_the_builder_takes_the_command_of_the_index_job():
    command = typer.main.get_command(app)
    arguments = SERVICES["index"]["command"]

    context = command.make_context("clockifyrag", list(arguments))
    while isinstance(command := context.command, typer.core.TyperGroup):
        name, command, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        assert name is not None and command is not None
        context = command.make_context(name, rest, parent=context)

    given = context.params
    assert ("/documents", Path("/index"), Path("/tmp/outcome.json")) == (
        given["source"], given["out"], given["outcome"],
    )  # fmt: skip
    assert ("ollama", "nomic-embed-text", True) == (given["embedder"], given["model"], given["publish"])


def test_the_variables_and_volumes_of_search_are_those_the_image_and_the_index_job_know():
    search, index = SERVICES["search"], SERVICES["index"]

    sample = index["volumes"][1].partition(":")[0]

    assert search["environment"].keys() <= {name.upper() for name in Settings.model_fields}
    assert search["environment"] == index["environment"]
    assert (["index:/index:ro"], "index:/index") == (search["volumes"], index["volumes"][0])
    assert list((COMPOSE.parent / sample).glob("*/*.md"))
    assert {"models", "index"} == DOCUMENT["volumes"].keys()
    assert '["python3", "/app/healthcheck.py"]' in (ROOT / "service" / "Dockerfile").read_text()
    assert ["CMD", "python3", "/app/healthcheck.py"] == search["healthcheck"]["test"]
