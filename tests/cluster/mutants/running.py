"""Runs a mutant in place of the operator: `with instead_of(operator, "no_drain"):`.

In the node's network: an operator asks pods what they serve.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.kube import Kube, get
from tests.ports import free_port
from tests.waiting import wait_until
from tools.cluster.inside import in_namespace

ROOT = Path(__file__).resolve().parents[3]
DEPLOYMENT = "clockifyrag-operator"
START_SECONDS = 30.0


@contextmanager
def instead_of(operator: Kube, mutant: str) -> Iterator[None]:
    """The mutant leads; afterwards the operator of the cluster does again."""
    port = free_port()
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | settings(operator)
    environment |= {
        "KUBECONFIG": str(operator.cluster.kubeconfig),
        "POD_NAMESPACE": operator.namespace,
        "POD_NAME": f"mutant-{mutant}",
        "API_PORT": str(port),
        "PYTHONPATH": str(ROOT),
    }
    operator.run("scale", f"deployment/{DEPLOYMENT}", "--replicas=0")
    log = (ROOT / ".run" / "cluster" / f"mutant-{mutant}.log").open("w")
    command = in_namespace([sys.executable, "-m", f"tests.cluster.mutants.{mutant}"])
    process = subprocess.Popen(command, env=environment, stderr=log)
    try:
        wait_until(lambda: leads(port), START_SECONDS, f"{mutant} leads, see {log.name}", every=0.5)
        yield
    finally:
        process.terminate()
        process.wait(START_SECONDS)
        log.close()
        operator.run("scale", f"deployment/{DEPLOYMENT}", "--replicas=2")
        operator.run("rollout", "status", f"deployment/{DEPLOYMENT}", "--timeout=60s")


def settings(operator: Kube) -> dict[str, str]:
    """What the chart tells its operator, but for what differs from pod to pod."""
    deployment = operator.get("deployment", DEPLOYMENT)
    assert deployment is not None
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return {one["name"]: one["value"] for one in container["env"] if "value" in one}


def leads(port: int) -> bool:
    try:
        return "clockifyrag_leader 1.0" in get(f"http://127.0.0.1:{port}/metrics")
    except AssertionError:  # it does not answer yet
        return False
