"""The chart as tests look at it: its files, its values by path, and what Helm makes of it."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pages import ROOT
from tools.binaries import find

CHART = ROOT / "charts" / "clockifyrag"
RELEASE = "clockifyrag"
MONITORING = ("monitoring.coreos.com/v1/ServiceMonitor", "monitoring.coreos.com/v1/PrometheusRule")


def text(name: str) -> str:
    return (CHART / name).read_text()


def values() -> dict[str, Any]:
    """The default values."""
    found: dict[str, Any] = yaml.safe_load(text("values.yaml"))
    return found


def schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text("values.schema.json"))
    return found


def leaves(node: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(path, value) of each value that holds no others: `images.operator.tag`.

    A map that is free to hold anything is one value: it is empty by default, or one of labels or quantities.
    """
    whole = {"resources.requests", "resources.limits", "dashboards.labels"}
    for name, value in node.items():
        path = f"{prefix}{name}"
        if isinstance(value, dict) and value and path not in whole:
            yield from leaves(value, f"{path}.")
        else:
            yield path, value


def helm(*arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Helm's outcome, whatever it is; nothing of the machine's own settings is used."""
    command = [str(find("helm")), *arguments]
    return subprocess.run(command, env=dict(environment or {}), capture_output=True, text=True, timeout=60)


def rendered(
    folder: Path, given: Mapping[str, Any], namespace: str = "operators", kinds: tuple[str, ...] = MONITORING
) -> list[dict[str, Any]]:
    """The objects that `given` values give, hooks too; `folder` takes the values as a file."""
    file = folder / "given.yaml"
    file.write_text(yaml.safe_dump(dict(given)))
    known = [argument for kind in kinds for argument in ("--api-versions", kind)]
    made = helm("template", RELEASE, str(CHART), "--namespace", namespace, "--values", str(file), *known)
    assert 0 == made.returncode, made.stderr
    manifests = yaml.load_all(made.stdout, Loader=yaml.CSafeLoader)  # the definition is long: in C
    return [manifest for manifest in manifests if manifest]


def named(manifests: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    """The objects of one kind, by name."""
    return {one["metadata"]["name"]: one for one in manifests if one["kind"] == kind}
