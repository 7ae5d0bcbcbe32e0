"""The control plane of the tests is a real one: it authenticates, authorizes, admits, records and keeps."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from tests.apiserver.controlplane import Api, ApiError, ControlPlane
from tests.apiserver.controlplane.folder import own_folder
from tests.apiserver.controlplane.server import Server
from tests.waiting import wait_until
from tools.binaries import ASSETS, PROGRAMS, find

ROOT = Path(__file__).resolve().parent.parent.parent


def pod(name: str, privileged: bool) -> dict[str, object]:
    refused = {"privileged": True}
    restricted = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    container = {"name": "main", "image": "main", "securityContext": refused if privileged else restricted}
    return {"metadata": {"name": name}, "spec": {"containers": [container]}}


def test_server_and_kubectl_are_of_the_version_that_was_built(control_plane: ControlPlane) -> None:
    built = subprocess.run([find("kube-apiserver"), "--version"], capture_output=True, text=True, check=True).stdout

    server = control_plane.admin.get("/version")["gitVersion"]
    client = control_plane.kubectl("version", "--client").stdout.splitlines()[0]

    assert f"Kubernetes {server}" == built.strip()
    assert f"Client Version: {server}" == client
    assert ASSETS in os.environ or PROGRAMS["kube-apiserver"].version == server == "v1.35.4"


def test_a_user_may_do_only_what_rbac_grants_to_its_group(control_plane: ControlPlane, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    reader = control_plane.user("reader", groups=["people", f"readers-of-{namespace}"])
    api = Api(reader)

    with pytest.raises(ApiError) as refusal:
        api.get(path)
    control_plane.kubectl("create", "role", "reads", "--verb=list", "--resource=configmaps", "-n", namespace)
    group = f"--group=readers-of-{namespace}"
    control_plane.kubectl("create", "rolebinding", "reads", "--role=reads", group, "-n", namespace)

    wait_until(lambda: api.request("GET", path).status_code == 200, 30, "the group may list")
    assert 403 == api.request("POST", path, {"metadata": {"name": "new"}}).status_code
    assert (403, "Forbidden") == (refusal.value.code, refusal.value.reason)
    assert 'User "reader" cannot list' in refusal.value.message
    api.close()


def test_a_service_account_is_known_by_its_token(control_plane: ControlPlane, namespace: str) -> None:
    account = control_plane.service_account(namespace, "default")

    said = control_plane.kubectl("auth", "whoami", "-o", "jsonpath={.status.userInfo.username}", user=account).stdout

    assert account.name == said == f"system:serviceaccount:{namespace}:default"


def test_the_audit_log_tells_who_asked_what_and_how_it_ended(control_plane: ControlPlane, namespace: str) -> None:
    start = datetime.now(UTC)
    auditor = control_plane.user(f"auditor-of-{namespace}")

    control_plane.kubectl("get", "secret", "hidden", "-n", namespace, user=auditor, check=False)

    def seen() -> list[tuple[object, ...]]:
        events = control_plane.audit(user=auditor.name, since=start)
        return [(e.verb, e.resource, e.namespace, e.name, e.response_code) for e in events if e.resource]

    wait_until(seen, 30, "the request is in the audit log")
    assert [("get", "secrets", namespace, "hidden", 403)] == seen()
    assert {True} == {e.user_agent.startswith("kubectl/v1") for e in control_plane.audit(user=auditor.name)}
    assert [] == control_plane.audit(user=auditor.name, since=datetime.now(UTC))


def test_pod_security_refuses_a_privileged_pod_and_admits_a_restricted_one(
    control_plane: ControlPlane, namespace: str
) -> None:
    pods = f"/api/v1/namespaces/{namespace}/pods"

    with pytest.raises(ApiError) as refusal:
        control_plane.admin.post(pods, pod("privileged", privileged=True))
    admitted = control_plane.admin.post(pods, pod("restricted", privileged=False))

    assert 403 == refusal.value.code
    assert 'violates PodSecurity "restricted:latest": privileged' in refusal.value.message
    assert "restricted" == admitted["metadata"]["name"]


def test_an_object_is_applied_by_the_server(control_plane: ControlPlane, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps/settings"
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"a": "1"}}

    control_plane.admin.apply(path, settings, manager="first")
    with pytest.raises(ApiError) as conflict:
        control_plane.admin.apply(path, settings | {"data": {"a": "2"}}, manager="second", force=False)

    assert (409, "Conflict") == (conflict.value.code, conflict.value.reason)
    assert {"a": "1"} == control_plane.admin.get(path)["data"]


def test_a_change_is_counted_and_a_write_that_changes_nothing_is_not(
    control_plane: ControlPlane, namespace: str
) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps/counted"

    for value in ("1", "1", "2"):
        counted = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "counted"}, "data": {"a": value}}
        control_plane.admin.apply(path, counted)

    assert 2 == control_plane.versions(namespace)["configmaps", "counted"]


def test_the_definition_of_the_resource_is_served(control_plane: ControlPlane, crd: str, namespace: str) -> None:
    definition = control_plane.admin.get(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{crd}")
    path = f"/apis/clockifyrag.io/v1beta1/namespaces/{namespace}/clockifyrags"

    listed = control_plane.admin.get(path)

    assert "ClockifyRAGList" == listed["kind"]
    assert {"NamesAccepted", "Established"} <= {
        condition["type"] for condition in definition["status"]["conditions"] if condition["status"] == "True"
    }


@pytest.mark.slow
def test_what_was_written_outlives_server_and_store() -> None:
    with ControlPlane() as own:
        own.admin.post("/api/v1/namespaces", {"metadata": {"name": "kept"}})

        own.stop_api()
        with pytest.raises(httpx.ConnectError):
            own.admin.request("GET", "/version")
        own.start_api()
        after_the_server = own.admin.get("/api/v1/namespaces/kept")["metadata"]["uid"]

        own.stop_etcd()
        with pytest.raises((ApiError, httpx.TimeoutException)):
            own.admin.client.timeout = httpx.Timeout(1)
            own.admin.get("/api/v1/namespaces/kept")
        own.start_etcd()
        after_the_store = own.admin.get("/api/v1/namespaces/kept")["metadata"]["uid"]

    assert after_the_server == after_the_store


def test_a_frozen_server_neither_answers_nor_refuses(control_plane: ControlPlane) -> None:
    control_plane.freeze()
    try:
        with pytest.raises(httpx.TimeoutException):
            control_plane.admin.client.get("/version", timeout=0.3)
    finally:
        control_plane.thaw()

    assert "gitVersion" in control_plane.admin.get("/version")


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    server = Server([find("etcd"), "--no-such-flag"], tmp_path / "etcd.log", ready=lambda: False)

    with pytest.raises(RuntimeError, match=r"etcd ended with code 2[\s\S]*no-such-flag"):
        server.start()


def test_when_the_tests_are_killed_nothing_is_left() -> None:
    script = (
        "from tests.apiserver.controlplane import ControlPlane\n"
        "with ControlPlane() as own:\n"
        "    print(own.etcd.pid, own.api_server.pid, own.folder, flush=True)\n"
        "    input()\n"
    )
    tests = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert tests.stdout is not None and tests.stdin is not None
    etcd, api_server, folder = tests.stdout.readline().split()

    tests.send_signal(signal.SIGKILL)
    tests.wait()

    wait_until(lambda: not any(runs(int(pid)) for pid in (etcd, api_server)), 30, "both servers have ended")
    with own_folder():
        assert not Path(folder).exists()
    tests.stdout.close()
    tests.stdin.close()


def runs(pid: int) -> bool:
    """Whether the process does; a zombie, which waits for a parent that is gone, does not."""
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
