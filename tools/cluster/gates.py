"""What must hold before the next step: each gate says what is missing, and how long it took.

etcd → API server → rights → controllers, scheduler → containerd → node → kube-proxy
     → names, Services → volumes → metrics → monitoring
"""

from __future__ import annotations

import secrets
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.cluster.daemons import ETCD_HEALTH_PORT
from tools.cluster.kubectl import Kubectl, Refused, filled
from tools.cluster.node import DOMAIN, Cluster, Node

POLL_SECONDS = 0.25
ANSWER_SECONDS = 5
MONITORING_KINDS = ("servicemonitors", "prometheusrules")


class GateClosed(Exception):
    """A gate did not open in its time: its name, and what is missing."""


@dataclass(frozen=True)
class Gate:
    """Open once `missing()` is empty; it is waited for at most `seconds`, on two cores that do much else."""

    name: str
    missing: Callable[[], str]
    seconds: float = 60


def pass_through(gate: Gate, look_after: Callable[[], None] = lambda: None) -> float:
    """Waits until the gate is open and prints its seconds; GateClosed where it is not in time.

    `look_after` raises when waiting is pointless: a daemon has ended.
    """
    started = time.monotonic()
    while missing := what_is_missing(gate):
        look_after()
        if time.monotonic() - started > gate.seconds:
            raise GateClosed(f"{gate.name}: not within {gate.seconds:g} s. {missing}")
        time.sleep(POLL_SECONDS)
    took = time.monotonic() - started
    print(f"  {gate.name:<44} {took:5.1f} s", flush=True)
    return took


def what_is_missing(gate: Gate) -> str:
    """Empty once the gate is open; a refusal of the API server is what is missing."""
    try:
        return gate.missing()
    except Refused as error:
        return str(error)


# Of the control plane and the node


def etcd(cluster: Cluster) -> Gate:
    url = f"http://{cluster.node.address}:{ETCD_HEALTH_PORT}/health"
    return Gate("etcd is healthy", lambda: unhealthy(url))


def api_server(kubectl: Kubectl) -> Gate:
    def missing() -> str:
        answer = kubectl.run("get", "--raw=/readyz")
        return "" if answer == "ok" else answer

    return Gate("the API server is ready", missing, 120)


def rights(kubectl: Kubectl) -> Gate:
    def missing() -> str:
        kubectl.apply(filled("system", {}))
        return ""

    return Gate("the API server may ask kubelets", missing)


def controllers(cluster: Cluster, kubectl: Kubectl) -> Gate:
    def missing() -> str:
        kubectl.run("get", "serviceaccount/default", "--namespace=default")  # made by a controller
        return unhealthy(f"https://{cluster.node.address}:10257/healthz", authority(cluster))

    return Gate("controllers run", missing)


def scheduler(cluster: Cluster) -> Gate:
    url = f"https://{cluster.node.address}:10259/healthz"
    return Gate("the scheduler runs", lambda: unhealthy(url, authority(cluster)))


def containerd(answers: Callable[[], object]) -> Gate:
    def missing() -> str:
        try:
            answers()
        except RuntimeError as error:
            return str(error)
        return ""

    return Gate("containerd answers", missing)


def node_ready(kubectl: Kubectl, name: str = "") -> Gate:
    """name: of the node; all that there are where none is given."""

    def missing() -> str:
        nodes = [node for node in kubectl.get("nodes")["items"] if name in ("", node["metadata"]["name"])]
        waiting = [words for node in nodes if (words := not_true(node, "Ready"))]
        return "" if nodes and not waiting else "; ".join(waiting) or f"no {name or 'node'} has registered"

    return Gate("the node is Ready", missing, 120)


def kube_proxy(node: Node) -> Gate:
    url = f"http://{node.address}:10256/healthz"
    return Gate("kube-proxy has written its rules", lambda: unhealthy(url))


# Of what workloads need: also of a cluster that somebody else made


@contextmanager
def workloads(kubectl: Kubectl, image: str) -> Iterator[list[Gate]]:
    """Gates that small workloads open, in a namespace that is deleted on leaving.

    The image is a busybox; one whose wget does not work holds kubectl, too.
    """
    namespace = f"gates-{secrets.token_hex(3)}"
    kubectl.apply(filled("probes", {"namespace": namespace, "image": image, "domain": DOMAIN}))
    try:
        yield [
            Gate("a Service is found by its name and answers", lambda: unfinished(kubectl, namespace, "names"), 120),
            Gate(
                "a volume is bound, a restricted pod writes it", lambda: unfinished(kubectl, namespace, "volume"), 120
            ),
        ]
    finally:
        kubectl.run("delete", f"namespace/{namespace}", "--wait=false")


def metrics(kubectl: Kubectl) -> Gate:
    def missing() -> str:
        pods = kubectl.run("top", "pods", "--namespace=kube-system", "--no-headers")
        return "" if pods.strip() and kubectl.run("top", "nodes", "--no-headers").strip() else "no metrics yet"

    return Gate("kubectl top knows pods and nodes", missing, 120)


def monitoring(kubectl: Kubectl) -> Gate:
    def missing() -> str:
        kinds = [f"customresourcedefinition/{kind}.monitoring.coreos.com" for kind in MONITORING_KINDS]
        found = kubectl.get(*kinds)["items"]
        return "; ".join(words for kind in found if (words := not_true(kind, "Established")))

    return Gate("ServiceMonitor and PrometheusRule are served", missing)


def prometheus(kubectl: Kubectl) -> Gate:
    def missing() -> str:
        return not_true(kubectl.get("prometheus/all", "--namespace=monitoring"), "Available")

    return Gate("Prometheus is available", missing, 120)


def unfinished(kubectl: Kubectl, namespace: str, job: str) -> str:
    """What keeps the Job from having completed; GateClosed where it failed."""
    found = kubectl.get(f"job/{job}", f"--namespace={namespace}")
    if condition(found, "Failed"):
        said = kubectl.run("logs", f"job/{job}", f"--namespace={namespace}", "--all-containers")
        raise GateClosed(f"the Job {job} failed: {said.strip() or 'it said nothing'}")
    if condition(found, "Complete"):
        return ""
    events = kubectl.get("events", f"--namespace={namespace}")["items"]
    warnings = [event["message"] for event in events if event["type"] == "Warning"][-3:]
    return f"the Job {job} has not completed. Warnings: {'; '.join(warnings) or 'none yet'}"


def not_true(found: dict[str, Any], kind: str) -> str:
    """Why the object's condition is not True; empty where it is."""
    name = f"{found['kind']} {found['metadata']['name']}"
    conditions = [entry for entry in found.get("status", {}).get("conditions", []) if entry["type"] == kind]
    if not conditions:
        return f"{name} has no condition {kind} yet"
    state = conditions[0]
    return "" if state["status"] == "True" else f"{name}: {kind} is {state['status']}, {state.get('message', '')}"


def condition(found: dict[str, Any], kind: str) -> bool:
    return not not_true(found, kind)


def unhealthy(url: str, authority: Path | None = None) -> str:
    """Why the address does not answer that all is well; empty where it does."""
    context = ssl.create_default_context(cafile=authority) if authority else None
    handlers: Sequence[urllib.request.BaseHandler] = (
        urllib.request.ProxyHandler({}),
        *([urllib.request.HTTPSHandler(context=context)] if context else []),
    )
    try:
        with urllib.request.build_opener(*handlers).open(url, timeout=ANSWER_SECONDS):
            return ""
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        return f"{url}: {error}"


def authority(cluster: Cluster) -> Path:
    return cluster.certificates / "ca.crt"
