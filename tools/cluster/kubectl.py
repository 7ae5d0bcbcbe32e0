"""kubectl as the administrator of one cluster."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from tools.binaries import find

MANIFESTS = Path(__file__).parent / "manifests"
SECONDS = 90


class Refused(Exception):
    """kubectl failed: its words."""


@dataclass(frozen=True)
class Kubectl:
    """Speaks to the cluster that the kubeconfig names."""

    kubeconfig: Path

    def run(self, *arguments: str, text: str | None = None) -> str:
        """What it printed; Refused where it fails."""
        command = [str(find("kubectl")), f"--kubeconfig={self.kubeconfig}", *arguments]
        try:
            done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=SECONDS)
        except subprocess.TimeoutExpired as error:
            raise Refused(f"kubectl {' '.join(arguments)}: no answer within {SECONDS} s") from error
        if done.returncode:
            raise Refused(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def get(self, *arguments: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run("get", "--output=json", *arguments))
        return found

    def apply(self, manifests: str) -> None:
        self.run("apply", "--server-side", "--force-conflicts", "--filename=-", text=manifests)


def filled(name: str, values: Mapping[str, str]) -> str:
    """The manifests of a file in `manifests/`; KeyError names a value that it lacks."""
    return Template((MANIFESTS / f"{name}.yaml").read_text()).substitute(values)
