"""Two nodes: pods on both of them, an index on the volume of one, and a node that is drained."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from tests.cluster import results
from tests.cluster.kube import LOCAL, Kube, Manifest, Resource, ask
from tests.cluster.load import Load
from tests.cluster.second_node import cordoned, drained, second_node

QUESTION = "how do I track time?"
STORE_AWAY = ("True", "StoreUnavailable")


@pytest.fixture(scope="module")
def second(installed: Kube) -> Iterator[str]:
    """The name of the second node."""
    with second_node(installed) as name:
        yield name


@pytest.fixture
def first(installed: Kube) -> str:
    return installed.cluster.node.name


def spread(place: Kube, without_index: str) -> Resource:
    """A resource whose pods were made anew with both nodes to choose; its index lies on a volume of the other node."""
    with cordoned(place, without_index):
        resource = place.resource().create(LOCAL).wait_ready()
    roll(resource, 500)
    return resource


def roll(resource: Resource, cache_size: int) -> None:
    """Has all search pods made anew, and returns once they serve."""
    resource.change({"search": {"config": {"cacheSize": cache_size}}})
    resource.wait(resource.is_ready, "pods are made anew")


def nodes_of(pods: list[Manifest]) -> list[str]:
    return sorted(pod["spec"]["nodeName"] for pod in pods)


def test_pods_are_spread_and_fetch_an_index_that_lies_on_the_other_node(place: Kube, first: str, second: str) -> None:
    """Given a volume that the first node alone can mount, when pods are made anew, then each node has one that serves.

    No search pod asks for the volume, so none waits for it: the store beside it hands the index out.
    """
    resource = spread(place, without_index=second)

    pods = resource.ready_pods
    assert [first, second] == nodes_of(pods)
    assert [first] == nodes_of(place.pods("store"))
    assert [] == [volume for pod in pods for volume in pod["spec"]["volumes"] if "persistentVolumeClaim" in volume]
    for pod in pods:
        answer = ask(f"http://{pod['status']['podIP']}:8000", QUESTION)
        assert resource.generation == answer["metadata"]["index_generation"]
    results.keep("spread-over-nodes", "T22", fault="none; a volume of one node, pods on two", load="none")


def test_while_a_node_is_drained_questions_are_answered(place: Kube, first: str, second: str) -> None:
    """Given a pod on each of two nodes and held load, when one node is drained, then no request fails, and the other
    one has both pods; when it takes pods again, an edit spreads them.
    """
    resource = spread(place, without_index=second)
    assert [first, second] == nodes_of(resource.ready_pods)

    with Load(resource.url, "drained-node") as load:
        begin = time.time()
        with drained(place, second):
            resource.wait(lambda: [first] * 2 == nodes_of(resource.ready_pods), "both pods are on the first node")
            recovered = time.time() - begin
        roll(resource, 501)

    assert [first, second] == nodes_of(resource.ready_pods)
    assert [] == load.history.problems(resource.volume, resource.generations)
    results.keep("drained-node", "R17, T26", fault="one of two nodes drained, and back", load="25/s",
                 **load.history.summary(recovery_seconds=round(recovered, 1)))  # fmt: skip


def test_while_the_node_of_the_volume_is_away_those_that_serve_go_on(place: Kube, first: str, second: str) -> None:
    """Given pods on both nodes and held load, when the node that holds the volume is drained, then no request fails;
    the pod that replaces the one which had to leave waits for the store, until that may be on its node again.
    """
    resource = spread(place, without_index=first)
    assert [first, second] == nodes_of(resource.ready_pods)

    with Load(resource.url, "drained-volume") as load:
        begin = time.time()
        with drained(place, second):
            resource.wait(lambda: [first] == nodes_of(resource.ready_pods), "one pod is left, on the first node")
            resource.wait(lambda: resource.condition("Degraded") == STORE_AWAY, "the status tells of the store")
        resource.wait(lambda: 2 == len(resource.ready_pods) and resource.is_ready(), "two pods again")
        recovered = time.time() - begin

    assert [] == load.history.problems(resource.volume, resource.generations)
    results.keep("drained-volume", "T22", fault="the node that holds the volume drained, and back", load="25/s",
                 **load.history.summary(recovery_seconds=round(recovered, 1)))  # fmt: skip
