"""Volumes: shared by many nodes, kept, adopted, grown and deleted. All other tests have ReadWriteOnce by local-path."""

from __future__ import annotations

import json
import time

import pytest
from tests.cluster import results
from tests.cluster.kube import LOCAL, Kube, Manifest, Resource, ask, started_seconds
from tests.cluster.load import Load
from tests.cluster.storage import kept_on

QUESTION = "how do I track time?"
ORDER = "clockifyrag.io/order"
PIN = "tests.clockifyrag.io/pin"
STARTED_SECONDS = 60.0  # a pod, from its making until it is Ready: one that waits for a volume waits for ever


def claim_of(resource: Resource) -> Manifest | None:
    return resource.kube.get("persistentvolumeclaim", f"{resource.name}-index")


def asked_size(resource: Resource) -> str:
    claim = claim_of(resource)
    return str(claim["spec"]["resources"]["requests"]["storage"]) if claim else ""


def served(resource: Resource) -> str:
    """The generation that answers."""
    answer = ask(resource.url, QUESTION)
    assert answer["results"], answer
    return str(answer["metadata"]["index_generation"])


def test_on_a_volume_that_many_nodes_can_mount_search_pods_read_it_themselves(place: Kube, shared_volume: str) -> None:
    """Given a ReadWriteMany volume made by hand, then search pods mount it read-only, and there is no store."""
    spec = kept_on(accessMode="ReadWriteMany", storageClassName=shared_volume)

    resource = place.resource().create(spec).wait_ready()

    pods = place.pods("search")
    claims = claims_of(pods)
    mounts = [
        mount
        for pod in pods
        for container in pod["spec"]["containers"]
        for mount in container["volumeMounts"]
        if mount["name"] in {claim["name"] for claim in claims}
    ]
    assert ["help-index"] * 2 == [claim["persistentVolumeClaim"]["claimName"] for claim in claims]
    assert [True] * 2 == [mount.get("readOnly") for mount in mounts]
    assert [] == place.pods("store")
    assert resource.generation == served(resource)
    refused = place.run(
        "exec", pods[0]["metadata"]["name"], "--", "sh", "-c", f"touch {mounts[0]['mountPath']}/x 2>&1 || true"
    )
    assert "Read-only file system" in refused
    results.keep("volume-shared", "T22", fault="none; search pods read a ReadWriteMany volume", load="none")


def claims_of(pods: list[Manifest]) -> list[Manifest]:
    """The volumes of pods that are claims."""
    return [volume for pod in pods for volume in pod["spec"]["volumes"] if "persistentVolumeClaim" in volume]


@pytest.mark.chaos
def test_of_a_volume_that_one_node_can_mount_all_search_pods_fetch_copies(place: Kube) -> None:
    """Given a ReadWriteOnce volume and three search pods, then none of them asks for the volume, and none waits for it:
    wherever they are, each fetches the index from the store. On two nodes: test_two_nodes.py.
    """
    spec = kept_on(accessMode="ReadWriteOnce") | {"search": LOCAL["search"] | {"replicas": 3}}
    begun = time.monotonic()
    resource = place.resource().create(spec).wait_ready()
    seconds = time.monotonic() - begun

    pods = resource.ready_pods
    started = [started_seconds(pod) for pod in pods]
    assert 3 == len(pods)
    assert [] == claims_of(pods)
    assert [True] == [bool(claims_of([pod])) for pod in place.pods("store")]
    assert max(started) < STARTED_SECONDS
    assert resource.generation == served(resource)
    results.keep("volume-of-one-node", "T22", fault="none; three search pods, a ReadWriteOnce volume", load="none",
                 ready_seconds=round(seconds, 1), pods_ready_seconds=started)  # fmt: skip


def test_a_resource_made_again_serves_the_index_that_was_kept_and_builds_nothing(place: Kube) -> None:
    """Given onDelete Retain, when a resource is deleted and made again, then it lists its volume, and serves it."""
    resource = place.resource().create(kept_on(onDelete="Retain")).wait_ready()
    generation, claim = resource.generation, claim_of(resource)
    assert claim is not None
    written = (resource.volume / "generations" / generation / "meta.json").stat().st_mtime_ns

    resource.delete()
    resource.wait(lambda: not place.pods("search") and not place.all("jobs"), "all but the volume is gone")
    begun, kinds = time.monotonic(), set[str]()

    def ready_again() -> bool:
        kinds.update(orders(place))
        return resource.is_ready()

    resource.create(kept_on(onDelete="Retain"))
    resource.wait(ready_again, "it is ready again")
    seconds = time.monotonic() - begun

    assert {"List"} == kinds
    assert generation == resource.generation == served(resource)
    assert claim["metadata"]["uid"] == (claim_of(resource) or claim)["metadata"]["uid"]
    assert written == (resource.volume / "generations" / generation / "meta.json").stat().st_mtime_ns
    results.keep("made-again", "R28", fault="resource deleted and made again",
                 recovery_seconds=round(seconds, 1))  # fmt: skip


def orders(kube: Kube) -> set[str]:
    """What the Jobs that there are do."""
    return {str(json.loads(job["metadata"]["annotations"][ORDER])["kind"]) for job in kube.all("jobs")}


@pytest.mark.chaos
def test_a_volume_that_does_not_go_holds_nothing_up_once_it_is_let_go(place: Kube) -> None:
    """Given onDelete Delete and a volume pinned by a finalizer, when the resource is made again meanwhile, then it
    waits for the volume, and is ready within 60 s of its end.
    """
    spec = kept_on(onDelete="Delete")
    resource = place.resource().create(spec).wait_ready()
    former = claim_of(resource)
    assert former is not None

    pin(place, PIN)
    try:
        resource.delete()
        resource.wait(lambda: "deletionTimestamp" in (claim_of(resource) or former)["metadata"], "the volume is to go")
        resource.create(spec)
        resource.wait(lambda: waits(place), "its pods wait for the volume", 60)
        begun = time.monotonic()
    finally:
        pin(place)
    resource.wait_ready(60)
    seconds = time.monotonic() - begun

    claim = claim_of(resource)
    assert claim is not None
    assert former["metadata"]["uid"] != claim["metadata"]["uid"]
    assert resource.generation == served(resource)
    resource.delete()
    resource.wait(lambda: claim_of(resource) is None, "the volume goes with its resource", 60)
    results.keep("volume-pinned", "R28", fault="PVC pinned while its resource is made again",
                 recovery_seconds=round(seconds, 1))  # fmt: skip


def pin(kube: Kube, *finalizers: str) -> None:
    """Nobody but the test lets the claim of the index go, as long as it has these."""
    patch = {"metadata": {"finalizers": list(finalizers)}}
    kube.run("patch", "persistentvolumeclaim", "help-index", "--type=merge", f"--patch={json.dumps(patch)}")


def waits(kube: Kube) -> bool:
    """Whether a pod is not scheduled."""
    return any(pod["status"]["phase"] == "Pending" for pod in kube.all("pods"))


@pytest.mark.chaos
def test_a_volume_grows_where_its_class_lets_it(place: Kube, classes: dict[str, str]) -> None:
    """When the author asks for more, then the claim asks for more, and questions go on being answered.

    Nobody resizes a folder of local-path: who waits for what stands in the events of the claim.
    """
    resource = place.resource().create(kept_on(storageClassName=classes["growing"])).wait_ready()

    with Load(resource.url, "volume-grows") as load:
        resource.change({"index": {"storage": {"size": "2Gi"}}})
        resource.wait(lambda: "2Gi" == asked_size(resource), "the claim asks for more", 30)
        resource.wait_ready(30)
        resource.wait(lambda: "waiting for an external controller" in place.run("get", "events"), "who is awaited", 60)

    assert ("False", "AsExpected") == resource.condition("Stalled")
    assert [] == load.history.problems(resource.volume, resource.generations)
    results.keep("volume-grows", "T30", fault="size raised, class allows it", load="25/s", **load.history.summary())


@pytest.mark.chaos
def test_a_class_that_lets_no_volume_grow_is_told_in_its_words_and_search_goes_on(
    place: Kube, classes: dict[str, str]
) -> None:
    """When the author asks for more of such a class, then Stalled says why, until the class is another one."""
    resource = place.resource().create(kept_on(storageClassName=classes["fixed"])).wait_ready()

    with Load(resource.url, "volume-fixed") as load:
        resource.change({"index": {"storage": {"size": "2Gi"}}})
        resource.wait_condition("Stalled", "True", "SpecInvalid", 30)
        words, state = resource.told("Stalled"), resource.condition("Ready")
        begun = time.monotonic()
        let = json.dumps({"allowVolumeExpansion": True})
        place.run("patch", "storageclass", classes["fixed"], "--type=merge", f"--patch={let}")
        resource.wait_condition("Stalled", "False", "AsExpected", 60)
        seconds = time.monotonic() - begun

    assert "PersistentVolumeClaim help-index" in words
    assert "storageclass that provisions the pvc must support resize" in words
    assert ("True", "Serving") == state
    assert "2Gi" == asked_size(resource)
    assert [] == load.history.problems(resource.volume, resource.generations)
    results.keep("volume-fixed", "T30", fault="size raised, class refuses", load="25/s",
                 **load.history.summary(recovery_seconds=round(seconds, 1)))  # fmt: skip
