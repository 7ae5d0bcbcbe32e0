"""Faults of the operator while questions are asked: nobody who asks sees them, and the end is the same."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.cluster import results, rights
from tests.cluster.installation import tag_anew
from tests.cluster.kube import EMBEDDED_SECONDS, LOCAL, OPERATOR, Kube, Resource
from tests.cluster.load import Load
from tests.cluster.processes import cpu_seconds, freeze, processes_of
from tests.cluster.results import CHAOS
from tests.waiting import wait_until
from tools.binaries import find

KILLS, KILL_EVERY_SECONDS = (12, 20.0) if CHAOS else (3, 6.0)
DEPLOYMENT = "deployment/clockifyrag-operator"
BACK_SECONDS = 15.0
NEWER = "0.1.99"  # than any version of this tree
WRITES = ("create", "update", "patch", "delete", "deletecollection")
QUIET_SECONDS = 900.0 if CHAOS else 20.0
SILENT_SECONDS = 5.0  # without a write: nothing is being carried out
CPU_SHARE_MAX = 0.02  # of a core, each operator
PROGRAM = "clockifyrag_operator"
# What the operator watches. It may not read Secrets and does not watch ServiceMonitors and PrometheusRules: one of them
# that is lost is back with the next resync.
CHILDREN = (
    "deployment/help-search", "statefulset/help-store", "configmap/help-search", "configmap/help-generations",
    "networkpolicy/help-deny", "networkpolicy/help-search", "poddisruptionbudget/help-search",
    "service/help-search", "service/help-siblings", "service/help-store", "serviceaccount/help-search",
)  # fmt: skip


@pytest.fixture
def operator(installed: Kube) -> Iterator[Kube]:
    """The namespace of the operator; it has two replicas again afterwards."""
    yield installed
    scale(installed, 2)


def scale(operator: Kube, replicas: int) -> None:
    operator.run("scale", DEPLOYMENT, f"--replicas={replicas}")
    operator.run("rollout", "status", DEPLOYMENT, "--timeout=60s")


def jobs_made(resource: Resource) -> list[str]:
    """The names of all Jobs that were ever begun, as the events tell."""
    told = resource.kube.all("events")
    return [one["involvedObject"]["name"] for one in told if one["reason"] == "SuccessfulCreate"
            and one["involvedObject"]["kind"] == "Job"]  # fmt: skip


@pytest.mark.smoke
def test_killed_again_and_again_it_ends_where_it_would_have_ended(served: Resource, operator: Kube) -> None:
    """Given held load, when operators are killed on a timer through a rebuild, and are one or two in turn, then one Job
    builds it, none fails.
    """
    first, before = served.generation, jobs_made(served)
    with Load(served.url, "operator-killed") as load:
        begin = time.time()
        served.change({"chunking": {"maxChars": 640}})
        for number in range(KILLS):
            operator.run("scale", DEPLOYMENT, f"--replicas={1 + number % 2}")
            operator.run("delete", "pods", f"--selector={OPERATOR}", "--grace-period=0", "--force", "--wait=false")
            load.wait(KILL_EVERY_SECONDS)
        second = served.wait_other_generation(first)
        recovered = time.time() - begin
    history = load.history

    assert [] == history.problems(served.volume, [first, second])
    assert {first, second} == history.generations
    assert 1 == len(jobs_made(served)) - len(before)
    results.keep("operator-killed", "R12", fault=f"killed {KILLS} times, every {KILL_EVERY_SECONDS:g} s, one or two",
                 load="25/s", **history.summary(recovery_seconds=round(recovered, 1)))  # fmt: skip


def test_without_an_operator_nobody_misses_it(served: Resource, operator: Kube) -> None:
    """Given no operator, when every search pod is killed and the resource edited, then none fails; the edit is applied
    once, when it is back.
    """
    first, before = served.generation, jobs_made(served)
    with Load(served.url, "operator-away") as load:
        scale(operator, 0)
        for pod in served.kube.pods("search"):
            served.kube.run("delete", "pod", pod["metadata"]["name"], "--wait=false")
            served.wait(lambda: 2 == len(served.ready_pods), "two pods again")
        served.change({"chunking": {"maxChars": 600}})  # 640 to 660 cuts the sample alike
        begin = time.time()
        scale(operator, 2)
        second = served.wait_other_generation(first)
        recovered = time.time() - begin
    history = load.history

    assert [] == history.problems(served.volume, [first, second])
    assert 1 == len(jobs_made(served)) - len(before)
    results.keep("operator-away", "R11", fault="no operator, each search pod deleted", load="25/s",
                 **history.summary(recovery_seconds=round(recovered, 1)))  # fmt: skip


def test_every_child_that_is_deleted_is_back_soon(served: Resource) -> None:
    """Given held load, when each child is deleted, then it is back in seconds, with another uid, and none fails: but
    those asked while there is no Service, and while all pods of a Deployment that was deleted are new.
    """
    slowest = 0.0
    with Load(served.url, "children-deleted") as load:
        for child in CHILDREN:
            kind, _, name = child.partition("/")
            if child in ("deployment/help-search", "service/help-search"):
                continue  # these are the path of a question
            slowest = max(slowest, comes_back(served, kind, name))
        quiet = load.history
    assert [] == quiet.problems(served.volume, served.generations)

    for child in ("deployment/help-search", "service/help-search"):
        kind, _, name = child.partition("/")
        slowest = max(slowest, comes_back(served, kind, name))
    served.wait_ready()

    assert slowest < BACK_SECONDS
    results.keep("children-deleted", "R13", fault="each child deleted", load="25/s",
                 **quiet.summary(recovery_seconds=round(slowest, 1)))  # fmt: skip


def comes_back(resource: Resource, kind: str, name: str) -> float:
    """Seconds until the object is there again after it was deleted."""
    kube = resource.kube
    before = kube.get(kind, name)
    assert before is not None, f"there is no {kind} {name}"
    kube.run("delete", kind, name, "--wait=false")
    begin = time.monotonic()

    def back() -> bool:
        found = kube.get(kind, name)
        return found is not None and found["metadata"]["uid"] != before["metadata"]["uid"]

    resource.wait(back, f"{kind} {name} is back", 60)
    return time.monotonic() - begin


@pytest.mark.chaos
def test_once_stable_it_is_silent(served: Resource, operator: Kube) -> None:
    """Given a Ready resource, when nothing happens, then the audit log has no write of the operator beside it, and the
    operators take next to no processor.
    """
    settle(operator)
    begin, started = datetime.now(UTC), time.monotonic()
    running = [one for pod in operator.all("pods", OPERATOR) for one in processes_of(operator.cluster, pod, PROGRAM)]
    used = [cpu_seconds(one.pid) for one in running]

    with Load(served.url, "at-rest", rate=5, after=0) as load:
        load.wait(QUIET_SECONDS)
    seconds = time.monotonic() - started
    shares = [(cpu_seconds(one.pid) - before) / seconds for one, before in zip(running, used, strict=True)]
    events = [one.event for one in rights.asked(operator) if one.event.received >= begin]
    beside = f"/namespaces/{served.kube.namespace}/"  # those of earlier tests may still be going

    assert "leases" in {event.resource for event in events if event.verb in WRITES}, "the log tells what they write"
    assert [] == [event.uri for event in events if event.verb in WRITES and beside in event.uri]
    assert 2 == len(shares)
    assert max(shares) < CPU_SHARE_MAX
    results.keep("at-rest", "R10", fault=f"none for {QUIET_SECONDS:g} s", load="5/s",
                 **load.history.summary(operator_cpu_percent=[round(100 * share, 2) for share in shares]))  # fmt: skip


def settle(operator: Kube) -> None:
    """Returns once the resource of the installation, unless it was deleted, is Ready, and operators write nothing but
    their lease.
    """
    sample = operator.resource("help")
    if operator.get("clockifyrag", sample.name):
        sample.wait_ready(EMBEDDED_SECONDS)
    sample.wait(lambda: not writes_of_late(operator), "the operators write nothing", every=SILENT_SECONDS / 5)


def writes_of_late(operator: Kube) -> list[str]:
    since = datetime.now(UTC) - timedelta(seconds=SILENT_SECONDS)
    events = [one.event for one in rights.asked(operator) if one.event.received >= since]
    return [event.uri for event in events if event.verb in WRITES and event.resource != "leases"]


def test_a_deletion_ends_also_where_no_operator_runs(place: Kube, operator: Kube) -> None:
    """Given no operator, when a resource is deleted, then all of it is gone soon; so is a namespace with one."""
    kube, resource = place, place.resource().create(LOCAL).wait_ready()
    scale(operator, 0)
    begin = time.monotonic()

    resource.delete()
    kinds = "deployments,statefulsets,jobs,pods,services"
    gone = lambda: not kube.run("get", kinds, "--selector=clockifyrag.io/resource=help", "--output=name")  # noqa: E731
    wait_until(gone, 60, "all of it is gone", kube.explain)
    seconds = time.monotonic() - begin

    kube.resource("other").create(LOCAL)
    kube.remove()
    assert "" == kube.kubectl.run("get", "namespace", kube.namespace, "--ignore-not-found")
    results.keep(
        "deleted-without-operator", "R28", fault="no operator", load="none", recovery_seconds=round(seconds, 1)
    )


@pytest.mark.chaos
def test_a_resource_that_is_scaled_down_loses_the_pod_that_is_not_ready(place: Kube) -> None:
    """Given three pods of which one is not ready, when there is to be one, then the unready goes first, none fails."""
    served = place.resource().create(LOCAL | {"search": LOCAL["search"] | {"replicas": 3}}).wait_ready()
    pod = served.kube.pods("search")[0]
    broken, server = pod["metadata"]["name"], processes_of(place.cluster, pod, "clockifyrag_service")
    assert server, f"no process of {broken}"
    with Load(served.url, "scaled-down") as load:
        freeze(server)
        served.wait(lambda: 2 == len(served.ready_pods), "one is not ready")
        quiet = time.time()
        load.wait(15)
        served.change({"search": {"replicas": 1}})
        served.wait(lambda: 1 == len(served.kube.pods("search")), "one pod")
        load.wait(10)
    left = [pod["metadata"]["name"] for pod in served.kube.pods("search")]

    history = load.history.between(quiet + 12, time.time())
    assert broken not in left
    assert [] == history.problems(served.volume, served.generations)
    results.keep("scaled-down", "T31", fault="a frozen pod, three to one", load="25/s", **history.summary())


@pytest.mark.chaos
def test_a_newer_chart_restarts_no_pod_of_a_resource(served: Resource, operator: Kube, tmp_path: Path) -> None:
    """Given held load, when a chart with newer images is installed and taken back, then a resource has the same pods,
    is told of the upgrade that it may have, and none fails.

    The newer chart is this tree as another version; its images are those of the node by another tag.
    """
    before, jobs = served.uids("search", "store"), jobs_made(served)
    helm = [str(find("helm")), f"--kubeconfig={operator.cluster.kubeconfig}", f"--namespace={operator.namespace}"]
    package = ["package", "charts/clockifyrag", f"--version={NEWER}", f"--app-version={NEWER}"]
    packaged = subprocess.run([*helm, *package, f"--destination={tmp_path}"],
                              cwd=results.ROOT, capture_output=True, text=True, check=True)  # fmt: skip
    chart = packaged.stdout.strip().rpartition(" ")[2]
    tag_anew(operator.cluster, NEWER)

    with Load(served.url, "chart-upgraded") as load:
        tags = [f"--set=images.{image}.tag={NEWER}" for image in ("operator", "service", "indexBuilder")]
        upgraded = ["upgrade", "clockifyrag", chart, "--reuse-values", *tags, "--wait"]
        subprocess.run([*helm, *upgraded], check=True, capture_output=True)
        newer = operator.get("deployment", "clockifyrag-operator")
        served.wait_condition("UpgradePending", "True", "NewImages", 60)
        served.wait_ready()
        meanwhile = served.uids("search", "store")
        subprocess.run([*helm, "rollback", "clockifyrag", "--wait"], check=True, capture_output=True)
        served.wait_condition("UpgradePending", "False", "UpToDate", 60)
        served.wait_ready()

    assert newer is not None
    assert newer["metadata"]["labels"]["helm.sh/chart"].endswith(NEWER)
    assert newer["spec"]["template"]["spec"]["containers"][0]["image"].endswith(f":{NEWER}")
    assert before == meanwhile == served.uids("search", "store")
    assert [] == load.history.problems(served.volume, served.generations)
    assert jobs == jobs_made(served)
    results.keep("chart-upgraded", "T10, R25", fault="helm upgrade with newer images, and rollback", load="25/s",
                 **load.history.summary())  # fmt: skip
