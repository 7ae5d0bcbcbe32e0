"""The steps of skaffold.yaml without Skaffold: builds its images, installs its chart, runs its hooks.

.venv/bin/python -m tools.skaffold PROFILE build|deploy|print

Between the two a cluster takes the images in, which Skaffold does by pushing or loading them. `helm` and `kubectl` are
those on PATH, in the current context. Images get the version of the project as their tag, as `tools.images` has it, and
the registry of SKAFFOLD_DEFAULT_REPO in front of their name.
"""

import copy
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from tools.images.recipe import VERSION

ROOT = Path(__file__).resolve().parent.parent
CONFIG: dict[str, Any] = yaml.safe_load((ROOT / "skaffold.yaml").read_text())
Command = list[str]


def main(arguments: list[str]) -> int:
    """0, or the exit code of the first step that failed."""
    names = [profile["name"] for profile in CONFIG["profiles"]]
    if len(arguments) != 2 or arguments[0] not in names or arguments[1] not in ("build", "deploy", "print"):
        sys.exit(f"found {shlex.join(arguments)}, expected one of {', '.join(names)}, then build, deploy or print")
    config = with_profile(arguments[0])
    steps = {"build": builds(config), "deploy": deploys(config)}
    for command in steps.get(arguments[1], steps["build"] + steps["deploy"]):
        print(shlex.join(command), flush=True)
        if arguments[1] != "print" and (code := subprocess.run(command, cwd=ROOT).returncode):
            return code
    return 0


def with_profile(name: str | None) -> dict[str, Any]:
    """The configuration with the profile's sections in place of the same ones, and then its patches (RFC 6902)."""
    config: dict[str, Any] = copy.deepcopy({key: value for key, value in CONFIG.items() if key != "profiles"})
    for profile in (one for one in CONFIG["profiles"] if one["name"] == name):
        config["build"] |= copy.deepcopy(profile.get("build", {}))
        config |= {key: profile[key] for key in ("portForward",) if key in profile}
        for patch in profile.get("patches", []):
            apply(config, patch)
    return config


def apply(config: dict[str, Any], patch: dict[str, Any]) -> None:
    """KeyError for a place that is not there: only the last part of an `add` may be new."""
    *folders, last = patch["path"].removeprefix("/").split("/")
    place: Any = config
    for folder in folders:
        place = place[int(folder) if isinstance(place, list) else folder]
    if patch["op"] == "replace" and last not in place:
        raise KeyError(f"{patch['path']} is not there to replace")
    place[last] = copy.deepcopy(patch["value"])


def builds(config: dict[str, Any]) -> list[Command]:
    """The commands that build the images."""
    return [shlex.split(artifact["custom"]["buildCommand"]) for artifact in config["build"]["artifacts"]]


def deploys(config: dict[str, Any]) -> list[Command]:
    """The commands that install the chart, with the hooks behind it."""
    helm = config["deploy"]["helm"]
    commands = [install(release, config) for release in helm["releases"]]
    return commands + [hook["host"]["command"] for hook in helm.get("hooks", {}).get("after", [])]


def install(release: dict[str, Any], config: dict[str, Any]) -> Command:
    """Helm as Skaffold calls it for the release; digests are known to a registry alone, and left out."""
    command = ["helm", "upgrade", "--install", release["name"], release["chartPath"]]
    command += ["--namespace", release["namespace"]]
    command += ["--create-namespace"] if release.get("createNamespace") else []
    command += ["--wait"] if release.get("wait") else []
    for key, value in release.get("setValues", {}).items():
        command += ["--set", f"{key}={value}"]
    known = dict(os.environ)
    for command_of_one in builds(config):
        name = command_of_one[-1]
        part = name.removesuffix("-dev").replace("-", "_")
        image = repository(f"clockifyrag-{name}")
        known |= {f"IMAGE_REPO_clockifyrag_{part}": image, f"IMAGE_TAG_clockifyrag_{part}": VERSION}
    for key, template in release["setValueTemplates"].items():
        (variable,) = re.findall(r"^\{\{\.(\w+)\}\}$", template)
        command += ["--set", f"{key}={known[variable]}"] if variable in known else []
    return command


def repository(name: str) -> str:
    """The name of an image in the registry of SKAFFOLD_DEFAULT_REPO, as it is where there is none."""
    registry = os.environ.get("SKAFFOLD_DEFAULT_REPO", "")
    return f"{registry.rstrip('/')}/{name}" if registry else name


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
