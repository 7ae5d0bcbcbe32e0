"""Control plane: an empty API server for one round, an operator on it, and what is done to both.

The operator runs as it is shipped: with the rights the chart gives it, and every setting at its default; it is told
where the API server is, which namespace it watches and on which port it answers. Times are those of the API server's
audit log where it has them: no polling client is measured.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from statistics import mean
from typing import Any

import httpx
from tests.apiserver.controlplane import ControlPlane, User
from tests.apiserver.operator_process import ACCOUNT, rights, rights_path

from bench.audit import WRITES, Audit
from bench.errors import BenchFailed
from bench.harness import Measured
from bench.machine import ROOT
from bench.processes import cpu_seconds, free_port
from bench.sending import applied, created
from bench.waiting import wait_until

WATCHED, COPIED = "burst", "floor"  # namespaces: of the operator, and of the client that only creates
SELECTOR = "app.kubernetes.io/managed-by=clockifyrag-operator"
RESOURCES_PATH = f"/apis/clockifyrag.io/v1beta1/namespaces/{WATCHED}/clockifyrags"
FLOOR_WORKERS = 8  # as many resources side by side as the operator's default
KINDS = (
    "/api/v1/{namespace}/configmaps",
    "/api/v1/{namespace}/persistentvolumeclaims",
    "/api/v1/{namespace}/serviceaccounts",
    "/api/v1/{namespace}/services",
    "/apis/apps/v1/{namespace}/deployments",
    "/apis/apps/v1/{namespace}/statefulsets",
    "/apis/batch/v1/{namespace}/jobs",
    "/apis/networking.k8s.io/v1/{namespace}/networkpolicies",
    "/apis/networking.k8s.io/v1/{namespace}/ingresses",
    "/apis/policy/v1/{namespace}/poddisruptionbudgets",
    "/apis/autoscaling/v2/{namespace}/horizontalpodautoscalers",
)


@contextmanager
def cluster() -> Iterator["Cluster"]:
    """A control plane with the CRD and two namespaces; its operator, if one was started, ends with it."""
    with ControlPlane() as control_plane:
        control_plane.kubectl("apply", "--server-side", "--filename", str(ROOT / "crds" / "clockifyrag.yaml"))
        wait_until(lambda: control_plane.admin.request("GET", RESOURCES_PATH).is_success, "the definition is served")
        for name in (WATCHED, COPIED):
            control_plane.admin.post("/api/v1/namespaces", {"metadata": {"name": name}})
        running = Cluster(control_plane)
        try:
            yield running
        finally:
            running.stop()


class Cluster:
    """The control plane of one round."""

    def __init__(self, control_plane: ControlPlane) -> None:
        self.control_plane = control_plane
        for one in rights(WATCHED, (WATCHED,)):
            control_plane.admin.apply(f"{rights_path(one)}/{one['metadata']['name']}", one)
        self.operator_user: User = control_plane.service_account(WATCHED, ACCOUNT)
        self.admin: User = control_plane.admin.user
        self.audit = Audit(control_plane.folder / "audit.log", self.operator_user.name)
        self._process: subprocess.Popen[bytes] | None = None

    def started_operator(self) -> int:
        """The process id of an operator that watches its namespace and is ready."""
        with free_port() as port:
            self._port = port
        variables = {
            "KUBECONFIG": str(self.operator_user.kubeconfig),
            "WATCH_NAMESPACES": WATCHED,
            "POD_NAMESPACE": WATCHED,
            "API_HOST": "127.0.0.1",
            "API_PORT": str(self._port),
        }
        log = (self.control_plane.folder / "operator.log").open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "clockifyrag_operator"],
            cwd=ROOT,
            env={**os.environ, **variables},
            stdout=log,
            stderr=log,
        )
        wait_until(self._ready, "the operator is ready")
        return self._process.pid

    def stop(self) -> None:
        """Ends the operator."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    def burst(self, count: int) -> tuple[Measured, str]:
        """Creates so many resources at once; waits until each is observed and nothing more is asked for.

        The text tells which kinds were changed more than once an object.
        """
        begin = self.audit.mark()
        asyncio.run(created(self.admin, [(RESOURCES_PATH, resource(number)) for number in range(count)], count))
        wait_until(lambda: self._observed() == count, f"{count} resources are observed")
        events = self.audit.settled(begin)
        writes = [one for one in events if one.verb in WRITES and one.response_code < 300]
        statuses = [one for one in writes if one.subresource == "status"]
        children = [one for one in writes if one.resource not in ("clockifyrags", "events")]
        changes = self._changes()
        figures = {
            "operator": (max(one.received for one in (*statuses, *children)) - begin.time).total_seconds(),
            "last_status": (max(one.received for one in statuses) - begin.time).total_seconds(),
            "calls": len(events) / count,
            "statuses": len(statuses) / count,
            "applies": sum(one.resource in changes for one in children) / sum(map(sum, changes.values())),
            "objects": sum(map(len, changes.values())),
        }
        again = {kind: mean(times) for kind, times in changes.items() if times and mean(times) > 1}
        return figures, ", ".join(f"{kind} {times:.3g}" for kind, times in sorted(again.items()))

    def floor(self, count: int) -> Measured:
        """Applies copies of the objects that the operator made, in another namespace, and nothing else."""
        copies = [
            (f"{path.format(namespace=f'namespaces/{COPIED}')}/{one['metadata']['name']}", bare(one))
            for path, items in self._objects().items()
            for one in items
        ]
        begin = time.perf_counter()
        asyncio.run(applied(self.admin, copies, FLOOR_WORKERS))
        return {"floor": time.perf_counter() - begin}

    def edits(self, count: int) -> list[float]:
        """Milliseconds from each edit of a spec, one after the other, to the first write of a child."""
        latencies = []
        for number in range(count):
            patch = {"spec": {"search": {"config": {"retrievalK": 6 + number % 40}}}}
            begin = self.audit.mark()
            self.control_plane.admin.patch(f"{RESOURCES_PATH}/{name_of(number)}", patch)
            first = self.audit.first_child_write(name_of(number), begin)
            latencies.append((first.received - begin.time).total_seconds() * 1000)
        self.audit.settled(begin)
        return latencies

    def rest(self, pid: int, seconds: float) -> Measured:
        """Writes but those of Leases, and processor time, in so many seconds in which nothing happens."""
        begin, before = self.audit.mark(), cpu_seconds(pid)
        time.sleep(seconds)  # what is measured is this time
        writes = [one for one in self.audit.events(begin) if one.verb in WRITES and one.resource != "leases"]
        return {"writes": len(writes), "idle_percent": 100 * (cpu_seconds(pid) - before) / seconds}

    def restarted(self, _pid: int) -> Measured:
        """Seconds until a new operator is ready, and what it writes until it is silent."""
        self.stop()
        begin, started = self.audit.mark(), time.perf_counter()
        self.started_operator()
        seconds = time.perf_counter() - started
        writes = [
            one for one in self.audit.settled(begin) if one.verb in WRITES and one.resource not in ("leases", "events")
        ]
        return {"seconds": seconds, "writes": len(writes)}

    def _ready(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            log = (self.control_plane.folder / "operator.log").read_text()[-3000:]
            raise BenchFailed(f"the operator ended with {self._process.returncode}: {log}")
        try:
            return httpx.get(f"http://127.0.0.1:{self._port}/readyz", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def _observed(self) -> int:
        items = self.control_plane.admin.get(RESOURCES_PATH)["items"]
        return sum(
            (one.get("status") or {}).get("observedGeneration") == one["metadata"]["generation"] for one in items
        )

    def _changes(self) -> dict[str, list[int]]:
        """How often each object that the operator made was changed, by the plural of its kind."""
        versions = self.control_plane.versions(WATCHED)
        found: dict[str, list[int]] = {}
        for path, items in self._objects().items():
            kind = path.rpartition("/")[2]
            found[kind] = [versions[kind, one["metadata"]["name"]] for one in items]
        return found

    def _objects(self) -> dict[str, list[dict[str, Any]]]:
        """What the operator made, by the path of its kind."""
        return {path: self._listed(path.format(namespace=f"namespaces/{WATCHED}")) for path in KINDS}

    def _listed(self, path: str) -> list[dict[str, Any]]:
        found = self.control_plane.admin.get(path, labelSelector=SELECTOR)
        kind = {"apiVersion": found["apiVersion"], "kind": found["kind"].removesuffix("List")}
        return [{**kind, **one} for one in found["items"]]


def name_of(number: int) -> str:
    return f"help-{number:03}"


def resource(number: int) -> dict[str, Any]:
    """A resource of the kind most people write: the sample here, so that nothing is fetched."""
    return {
        "apiVersion": "clockifyrag.io/v1beta1",
        "kind": "ClockifyRAG",
        "metadata": {"name": name_of(number)},
        "spec": {
            "source": {"sample": {}},
            "embedding": {"provider": "Local"},
            "search": {"autoscaling": {"minReplicas": 2, "maxReplicas": 10}},
        },
    }


def bare(live: Mapping[str, Any]) -> dict[str, Any]:
    """The object as somebody would write it: without what the API server adds, without an owner."""
    metadata = {key: live["metadata"][key] for key in ("name", "labels", "annotations") if live["metadata"].get(key)}
    spec = {key: value for key, value in live.items() if key not in ("metadata", "status")}
    if live["kind"] == "Service":
        spec["spec"] = {key: value for key, value in spec["spec"].items() if key not in ("clusterIP", "clusterIPs")}
    if live["kind"] == "Job":  # the API server makes selector and labels of its own
        spec["spec"] = {key: value for key, value in spec["spec"].items() if key != "selector"}
        template = spec["spec"]["template"]["metadata"]
        template["labels"] = {key: value for key, value in template["labels"].items() if "controller-uid" not in key}
    return {**spec, "metadata": metadata}
