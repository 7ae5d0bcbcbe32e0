"""Faults of the node while questions are asked: parts of Kubernetes that die, freeze, or want the pods elsewhere."""

from __future__ import annotations

import time
from functools import partial

import pytest
from tests.cluster import results
from tests.cluster.kube import LOCAL, NOWHERE, Kube, Manifest, Resource, is_true
from tests.cluster.load import Load
from tests.cluster.node import NodePart
from tests.cluster.results import CHAOS

AWAY_SECONDS = 30.0 if CHAOS else 5.0
FROZEN_SECONDS = 120.0 if CHAOS else 10.0
# After so long without a word of a node Kubernetes takes it for dead (--node-monitor-grace-period), as soon as anybody
# hears again: for a moment no pod of it has an endpoint, and here there is no other node.
GRACE_SECONDS = 50.0
THOUGHT_DEAD_SECONDS = 20.0
RARER = ("kube-proxy", "etcd", "kube-apiserver", "kube-scheduler", "kube-controller-manager")
PARTS = (
    pytest.param("kubelet", marks=pytest.mark.smoke),
    "containerd",
    *(pytest.param(part, marks=pytest.mark.chaos) for part in RARER),
)


def node_is_ready(kube: Kube) -> bool:
    (node,) = kube.all("nodes")
    return is_true(node, "Ready")


def edit(resource: Resource) -> None:
    """Changes what rolls all pods and no answer, and returns once it is carried out."""
    size, before = resource.manifest["spec"]["search"]["config"]["cacheSize"], resource.uids("search")
    resource.change({"search": {"config": {"cacheSize": size - 1}}})
    resource.wait(resource.is_ready, "an edit is carried out")
    after = [pod["metadata"]["uid"] for pod in resource.ready_pods]
    assert len(after) >= 2
    assert before.isdisjoint(after), "the resource is ready once its new pods are"


@pytest.mark.parametrize("part", PARTS)
def test_while_a_part_of_the_node_is_dead_questions_are_answered(served: Resource, part: str) -> None:
    """Given held load, when the part is killed and comes back later, then no request fails, and the system goes on."""
    killed = NodePart(served.kube.cluster, part)
    with Load(served.url, f"killed-{part}") as load:
        try:
            killed.kill()
            load.wait(AWAY_SECONDS)
        finally:
            killed.start()
        begin = time.time()
        served.wait(lambda: node_is_ready(served.kube), "the node is Ready")
        edit(served)
        recovered = time.time() - begin

    assert [] == load.history.problems(served.volume, served.generations)
    results.keep(f"killed-{part}", "R17", fault=f"{part} killed, away {AWAY_SECONDS:g} s", load="25/s",
                 **load.history.summary(recovery_seconds=round(recovered, 1)))  # fmt: skip


def test_while_names_are_not_resolved_questions_are_answered(served: Resource) -> None:
    """Given held load, when CoreDNS is killed, then no request fails: nobody on their way needs a name."""
    system = Kube(served.kube.cluster, served.kube.kubectl, "kube-system")
    with Load(served.url, "killed-coredns") as load:
        system.run("delete", "pods", "--selector=k8s-app=kube-dns", "--grace-period=0", "--force")
        begin = time.time()
        system.run("rollout", "status", "deployment/coredns", "--timeout=80s")
        recovered = time.time() - begin

    assert [] == load.history.problems(served.volume, served.generations)
    results.keep("killed-coredns", "R17", fault="CoreDNS killed", load="25/s",
                 **load.history.summary(recovery_seconds=round(recovered, 1)))  # fmt: skip


@pytest.mark.chaos
def test_while_the_api_server_is_frozen_questions_are_answered(served: Resource) -> None:
    """Given held load, when the API server hangs, then no request fails, and an edit afterwards is carried out.

    Unless it hung for so long that the node counts as dead afterwards, until it is heard of.
    """
    frozen = NodePart(served.kube.cluster, "kube-apiserver")
    with Load(served.url, "frozen-apiserver") as load:
        frozen.freeze()
        try:
            load.wait(FROZEN_SECONDS)
        finally:
            frozen.thaw()
        begin = time.time()
        edit(served)
        recovered = time.time() - begin

    thought_dead = load.history.between(begin, begin + THOUGHT_DEAD_SECONDS).failures
    assert all("ConnectionRefused" in one.error for one in thought_dead), "no endpoints: refused at once"
    allowed = len(thought_dead) if FROZEN_SECONDS > GRACE_SECONDS else 0
    assert [] == load.history.problems(served.volume, served.generations, failures=allowed)
    results.keep("frozen-apiserver", "R17", fault=f"API server frozen for {FROZEN_SECONDS:g} s", load="25/s",
                 **load.history.summary(recovery_seconds=round(recovered, 1)))  # fmt: skip


def test_pods_that_must_leave_are_followed_by_others_first(served: Resource) -> None:
    """Given two pods and held load, when both are evicted, then the budget lets one go at a time, none fails.

    One node takes the new pods itself; a move to another one is tried by test_two_nodes.py.
    """
    refused = 0
    with Load(served.url, "evicted") as load:
        begin = time.time()
        for pod in served.kube.pods("search"):
            while not served.kube.evict(pod["metadata"]["name"]):
                refused += 1
                load.wait(0.5)
        served.wait(lambda: 2 == len(served.ready_pods), "two pods again")
        recovered = time.time() - begin

    assert [] == load.history.problems(served.volume, served.generations)
    assert refused > 0, "the second pod waits for the budget"
    assert 4 == len(load.history.pods)
    results.keep("evicted", "R17, T26", fault="both pods evicted", load="25/s",
                 **load.history.summary(recovery_seconds=round(recovered, 1)))  # fmt: skip


@pytest.mark.parametrize("replicas", [1, 2, 3])
@pytest.mark.chaos
def test_a_drain_ends_also_where_a_pod_is_broken(place: Kube, replicas: int) -> None:
    """Given pods of which one cannot start, when all are evicted, then each eviction is let through in the end."""
    resource = place.resource().create(LOCAL | {"search": LOCAL["search"] | {"replicas": replicas}}).wait_ready()
    resource.change({"search": {"image": NOWHERE}})
    broken = resource.wait(lambda: [pod for pod in place.pods("search") if cannot_start(pod)], "a pod cannot start", 60)
    whole, leaving = len(resource.ready_pods), place.pods("search")

    begin = time.monotonic()
    for pod in leaving:
        resource.wait(partial(place.evict, pod["metadata"]["name"]), "the eviction is let through", 120)
    drained = round(time.monotonic() - begin, 1)
    resource.change({"search": {"image": None}})
    resource.wait(lambda: replicas == len(resource.ready_pods) and resource.is_ready(), "all pods again")

    assert broken
    assert {pod["metadata"]["name"] for pod in broken} <= {pod["metadata"]["name"] for pod in leaving}
    assert whole == replicas, "the old pods stay until new ones are ready"
    results.keep(f"drained-broken-{replicas}", "T26", fault=f"a broken image, then all pods of {replicas} evicted",
                 load="none", drained_seconds=drained)  # fmt: skip


def cannot_start(pod: Manifest) -> bool:
    """Whether the kubelet says that it cannot get the pod's image."""
    states = [one["state"].get("waiting") or {} for one in pod["status"].get("containerStatuses", ())]
    return any(one.get("reason") in ("ImagePullBackOff", "ErrImagePull") for one in states)
