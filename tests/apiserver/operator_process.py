"""Operators as processes: started with the rights of the chart, stopped, frozen and killed by tests.

    with Operators(control_plane) as operators:
        operator = operators.start("team-a", proxy=proxy, mutant="", RESYNC_SECONDS=2)
        operator.kill()
        operator.start()

Times are a tenth of those of a real installation, so that tests wait a tenth as long; `make chaos` takes the real ones.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Self

import httpx
import yaml
from tests.apiserver.controlplane import ControlPlane, User
from tests.apiserver.proxy import FaultProxy
from tests.ports import free_port
from tests.waiting import wait_until
from tools.binaries import find

ROOT = Path(__file__).resolve().parents[2]
MODULE = "clockifyrag_operator"
START_SECONDS = 30.0
STOP_SECONDS = 15.0
LOG_SHOWN = 6000
ACCOUNT = "clockifyrag-operator"
_PLACE = "namespace-of-the-operator"
# One for all: a client reads the authorities that the system trusts when it is made. Operators come and go.
_PLAIN = httpx.Client(timeout=5, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))
REAL: Mapping[str, float] = {
    "LEASE_SECONDS": 15,
    "LEASE_RENEW_SECONDS": 5,
    "RESYNC_SECONDS": 300,
    "REFERENCES_SECONDS": 15,
    "POLL_SECONDS": 10,
    "DISCOVERY_SECONDS": 30,
    "BACKOFF_SECONDS": 1,
    "BACKOFF_SECONDS_MAX": 120,
    "BUILD_BACKOFF_SECONDS": 30,
    "BUILD_BACKOFF_SECONDS_MAX": 3600,
    "INACTIVITY_SECONDS": 70,
    "REQUEST_SECONDS": 30,
}


class Operators:
    """Starts operators, and ends those that still run on leaving. `scale` is what REAL times are multiplied by."""

    def __init__(self, control_plane: ControlPlane, scale: float = 0.1) -> None:
        self.control_plane = control_plane
        self.times = {name: seconds * scale for name, seconds in REAL.items()}
        self._ended: dict[int, int] = {}
        self._started: queue.Queue[int] = queue.Queue()
        self._lock = threading.Lock()
        self.running: list[OperatorProcess] = []

    def __enter__(self) -> Self:
        self._nursery = subprocess.Popen(
            [sys.executable, "-m", "tests.apiserver.nursery"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
        )
        assert self._nursery.stdout is not None
        assert b"ready" in self._nursery.stdout.readline(), "the operator's modules cannot be imported"
        self._reader = threading.Thread(target=self._read, name="nursery", daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in self.running:
            one.kill()
        assert self._nursery.stdin is not None and self._nursery.stdout is not None
        self._nursery.stdin.close()
        self._nursery.wait(STOP_SECONDS)
        self._reader.join()
        self._nursery.stdout.close()

    def start(
        self,
        *namespaces: str,
        proxy: FaultProxy | None = None,
        mutant: str = "",
        ready: bool = True,
        **settings: object,
    ) -> OperatorProcess:
        """An operator of these namespaces that lives in the first of them, past the proxy if there is one."""
        user = self.account(*namespaces)
        folder = Path(tempfile.mkdtemp(prefix="operator-", dir=self.control_plane.folder))
        kubeconfig = user.kubeconfig if proxy is None else kubeconfig_of(proxy, user, folder)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "KUBECONFIG": str(kubeconfig),
            "WATCH_NAMESPACES": ",".join(namespaces),
            "POD_NAMESPACE": namespaces[0],
            "POD_NAME": folder.name.replace("_", "-"),
            "API_HOST": "127.0.0.1",
            "LOG_LEVEL": "info",
            "ROLLOUT_SECONDS": 5,
            **self.times,
            **settings,
        }
        texts = {name: str(value) for name, value in environment.items()}
        operator = OperatorProcess(
            self, texts, folder / "operator.log", f"tests.apiserver.faults.mutants.{mutant}" if mutant else MODULE
        )
        self.running.append(operator)
        operator.start()
        return operator.wait_ready() if ready else operator

    def account(self, *namespaces: str) -> User:
        """The service account of the first namespace, with the chart's rights in all of them."""
        home = namespaces[0]
        for one in rights(home, namespaces):
            path = rights_path(one)
            self.control_plane.admin.apply(f"{path}/{one['metadata']['name']}", one)
        return self.control_plane.service_account(home, ACCOUNT)

    def fork(self, environment: Mapping[str, str], log: Path, module: str) -> int:
        """Starts one; its process id."""
        order = {"module": module, "environment": environment, "log": str(log)}
        assert self._nursery.stdin is not None
        with self._lock:
            self._nursery.stdin.write(json.dumps(order).encode() + b"\n")
            self._nursery.stdin.flush()
            return self._started.get(timeout=START_SECONDS)

    def code(self, pid: int) -> int | None:
        """The exit code of one that ended, negative for a signal."""
        return self._ended.get(pid)

    def _read(self) -> None:
        assert self._nursery.stdout is not None
        for line in self._nursery.stdout:
            told = json.loads(line)
            if "code" in told:
                self._ended[told["pid"]] = told["code"]
            else:
                self._started.put(told["pid"])


class OperatorProcess:
    """One operator. Every `start` is a new process with the same settings and the same log."""

    def __init__(self, operators: Operators, environment: dict[str, str], log: Path, module: str) -> None:
        self._operators, self._environment, self._log, self._module = operators, environment, log, module
        self.pid = 0

    def start(self) -> None:
        """Returns at once; `wait_ready` when it works."""
        self._environment["API_PORT"] = str(free_port())
        self.pid = self._operators.fork(self._environment, self._log, self._module)

    def start_at_once(self) -> None:
        """As `start`, without waiting until the lease of one that was killed runs out: T3 is about that."""
        namespace, name = self._environment["POD_NAMESPACE"], self._environment.get("LEASE_NAME", ACCOUNT)
        lease = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{name}"
        self._operators.control_plane.admin.request("DELETE", lease)
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._environment['API_PORT']}"

    @property
    def name(self) -> str:
        """POD_NAME: what the holder of the lease is called by."""
        return self._environment["POD_NAME"]

    @property
    def user_name(self) -> str:
        """As the API server's audit log names it."""
        return f"system:serviceaccount:{self._environment['POD_NAMESPACE']}:{ACCOUNT}"

    @property
    def log(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    def get(self, path: str) -> int:
        """The status of an endpoint, 0 while nobody listens."""
        try:
            return _PLAIN.get(self.url + path).status_code
        except httpx.TransportError:
            return 0

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels."""
        lines = _PLAIN.get(f"{self.url}/metrics", timeout=START_SECONDS).text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.partition("{")[0].partition(" ")[0] == name)

    def wait_ready(self, seconds: float = START_SECONDS) -> OperatorProcess:
        def ready() -> bool:
            if not self.alive:  # no assertion: a mutant that cannot start has shown nothing
                raise RuntimeError(f"the operator ended with {self._operators.code(self.pid)}\n{self.explain()}")
            return self.get("/readyz") == 200

        wait_until(ready, seconds, "the operator is ready", self.explain)
        return self

    @property
    def alive(self) -> bool:
        return self.pid != 0 and self._operators.code(self.pid) is None

    def signal(self, number: signal.Signals) -> None:
        if self.alive:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL; returns when it is gone."""
        self.signal(signal.SIGKILL)
        self.wait()

    def terminate(self) -> int:
        """SIGTERM; the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def wait(self, seconds: float = STOP_SECONDS) -> int:
        """The exit code, once it has ended."""
        if self.pid:
            wait_until(lambda: not self.alive, seconds, "the operator has ended", self.explain)
        return self._operators.code(self.pid) or 0

    def freeze(self) -> None:
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.signal(signal.SIGCONT)

    def explain(self) -> str:
        """The end of its log."""
        return f"--- {self._log}\n{self.log[-LOG_SHOWN:]}"


def kubeconfig_of(proxy: FaultProxy, user: User, folder: Path) -> Path:
    """A kubeconfig of that user by way of the proxy."""
    authority = folder / "proxy.crt"
    authority.write_text(proxy.ca)
    past = User(user.name, proxy.url, authority, folder / "proxy.kubeconfig", token=user.token)
    past.write_kubeconfig()
    return past.kubeconfig


def rights(home: str, namespaces: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """ServiceAccount, Roles and RoleBindings that the chart makes for an operator in `home`."""
    for one in json.loads(_rendered_rights().replace(_PLACE, home)):
        watches = one["kind"] != "ServiceAccount" and not one["metadata"]["name"].endswith("-lease")
        for namespace in namespaces if watches else (home,):
            yield {**one, "metadata": {**one["metadata"], "namespace": namespace}}


@cache
def _rendered_rights() -> str:
    """As JSON, which is read in a hundredth of the time that YAML takes."""
    kinds = ("ServiceAccount", "Role", "RoleBinding")
    command = [find("helm"), "template", "clockifyrag", ROOT / "charts" / "clockifyrag", "--namespace", _PLACE,
               "--set", f"watchNamespaces={{{_PLACE}}}"]  # fmt: skip
    rendered = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True).stdout
    objects = yaml.load_all(rendered, Loader=yaml.CSafeLoader)  # the definition is long: in C
    return json.dumps([one for one in objects if one and one["kind"] in kinds])


def rights_path(one: dict[str, Any]) -> str:
    """Where an object that `rights` gives is applied."""
    group = "/api/v1" if one["apiVersion"] == "v1" else f"/apis/{one['apiVersion']}"
    return f"{group}/namespaces/{one['metadata']['namespace']}/{one['kind'].lower()}s"
