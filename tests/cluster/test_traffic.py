"""Planned changes, full loads and new keys, while questions are asked."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator

import pytest
from tests.cluster import results
from tests.cluster.asking import address_of, begin_asking, statuses
from tests.cluster.kube import LOCAL, SMALL, Kube, Manifest, Resource
from tests.cluster.load import Load, Manner
from tests.cluster.processes import freeze, processes_of, thaw
from tests.cluster.results import CHAOS

from clockifyrag_service.auth import new_key

SERVER = "clockifyrag_service"
ROLLOUTS = 10 if CHAOS else 2
IN_FLIGHT = 20
HELD_SECONDS = 2.0  # questions that a frozen pod has taken are answered so much later
OVERLOAD = 300.0  # new questions a second: four times what two pods of this node answer, about 70
OVERLOAD_SECONDS = 120 if CHAOS else 20
KEYS = "clockifyrag-api-keys"
MOUNTED_SECONDS = 150.0  # until kubelet has written a changed Secret


@pytest.fixture(scope="module")
def help_center(installed: Kube) -> Iterator[Resource]:
    """One resource for the tests of this file; each leaves it ready."""
    with installed.another() as kube:
        yield kube.resource().create(LOCAL).wait_ready()


def rolled(resource: Resource, search: Manifest) -> float:
    """Seconds that a change of the search pods takes, from the edit until new pods alone serve."""
    before = uids(resource)
    begin = time.time()
    resource.change({"search": search})
    resource.wait(lambda: not before & uids(resource) and resource.is_ready(), "only new pods serve")
    return round(time.time() - begin, 1)


def uids(resource: Resource) -> set[str]:
    return {str(pod["metadata"]["uid"]) for pod in resource.kube.pods("search")}


def test_rollouts_of_settings_and_resources_fail_no_question(help_center: Resource) -> None:
    """Given questions, when pods are replaced again and again for a setting or for resources, then none fails."""
    changes: list[Manifest] = [
        {"config": {"cacheSize": 9000 + number}} if number % 2 else
        {"resources": {"requests": {"cpu": "100m", "memory": f"{257 + number}Mi"}}}
        for number in range(ROLLOUTS)
    ]  # fmt: skip

    with Load(help_center.url, "traffic-rollouts") as load:
        seconds = [rolled(help_center, change) for change in changes]
    history = load.history

    assert [] == history.problems(help_center.volume, help_center.generations)
    assert len(history.pods) >= 2 * (ROLLOUTS + 1)
    results.keep(
        "traffic-rollouts", "R15", fault=f"{ROLLOUTS} rollouts", load="25/s", **history.summary(rollout_seconds=seconds)
    )


@pytest.mark.chaos
def test_a_pod_that_is_deleted_answers_what_it_has_taken(help_center: Resource) -> None:
    """Given questions that a pod has taken and not answered, when it is deleted, then it answers all of them."""
    kube, pod = help_center.kube, help_center.kube.pods("search")[0]
    server = processes_of(kube.cluster, pod, SERVER)

    with Load(help_center.url, "traffic-in-flight") as load:
        asking = begin_asking(address_of(pod), "how do I start a timer", IN_FLIGHT)
        freeze(server)
        taken = begin_asking(address_of(pod), "how do I stop a timer", IN_FLIGHT)
        kube.run("delete", "pod", pod["metadata"]["name"], "--wait=false")
        begin = time.time()
        load.wait(HELD_SECONDS)
        thaw(server)
        told = statuses(asking), statuses(taken)
        help_center.wait(lambda: 2 == len(help_center.ready_pods), "another pod in its place")
        recovery = round(time.time() - begin, 1)
    history = load.history

    assert ({"200": IN_FLIGHT}, {"200": IN_FLIGHT}) == told
    assert [] == history.problems(help_center.volume, help_center.generations)
    results.keep(
        "traffic-in-flight", "R16", fault=f"a pod deleted with {IN_FLIGHT} questions in flight", load="25/s",
        **history.summary(recovery_seconds=recovery),
    )  # fmt: skip


@pytest.mark.chaos
def test_more_than_it_can_answer_is_refused_at_once_and_over_as_soon_as_it_ends(help_center: Resource) -> None:
    """Given far too many questions, when they last, then some are answered, the rest refused quickly, no pod dies."""
    before = help_center.restarts()

    with Load(help_center.url, "traffic-overload", rate=OVERLOAD, after=0, manner=Manner(new=True)) as load:
        begin = time.time()
        load.wait(OVERLOAD_SECONDS)
        during = help_center.restarts()
        end = time.time()
    with Load(help_center.url, "traffic-after-overload", after=5) as calm:
        pass
    history = load.history.between(begin, end)
    refused = [one for one in load.history.failures if one.status in (429, 503) and one.retry_after]
    late = [one for one in load.history.failures if one.status == 504]  # its turn came after its deadline
    waited = sorted(one.seconds for one in refused)

    assert refused, f"{OVERLOAD:.0f}/s is not too much here"
    assert len(refused) + len(late) == len(load.history.failures), "what is not answered is refused"
    assert len(late) < len(refused) / 10, "nearly all of it at once, with a time to come back"
    assert before == during == help_center.restarts(), "probes are answered, so no pod is restarted or leaves"
    assert [] == calm.history.problems(help_center.volume, help_center.generations)
    results.keep(
        "traffic-overload", "R20", fault=f"{OVERLOAD:.0f}/s for {OVERLOAD_SECONDS} s", load=f"{OVERLOAD:.0f}/s",
        **history.summary(
            goodput=round(len(history.good) / (end - begin)), refused=len(refused), late=len(late),
            refusal_p99_ms=round(waited[len(waited) * 99 // 100] * 1000, 1),
            calm_p99_ms=round(calm.history.quantile(0.99) * 1000, 1),
        ),
    )  # fmt: skip


@pytest.mark.chaos
def test_a_key_is_replaced_without_a_refusal_or_a_restart(place: Kube) -> None:
    """Given two keys in turn, when the Secret holds both for a while, then neither is refused in it."""
    old, old_line = new_key("old", ["search"])
    new, new_line = new_key("new", ["search"])
    place.apply(keys(old_line))
    secured = LOCAL | {"search": {**SMALL["search"], "auth": {"secretRef": {"name": "keys"}}}}
    help_center = place.resource().create(secured).wait_ready()
    before = uids(help_center)

    with Load(help_center.url, "traffic-old-key", rate=15, manner=Manner(key=old)) as asks_old:
        changed = time.time()
        place.apply(keys(old_line, new_line))
        help_center.wait(lambda: taken_by_all(help_center, new), "all pods take the new key", MOUNTED_SECONDS)
        mounted = round(time.time() - changed, 1)
        with Load(help_center.url, "traffic-new-key", rate=15, manner=Manner(key=new)) as asks_new:
            asks_new.wait(5)
    place.apply(keys(new_line))
    help_center.wait(lambda: not taken_by_any(help_center, old), "no pod takes the old key", MOUNTED_SECONDS)

    assert [] == asks_old.history.problems(help_center.volume, help_center.generations)
    assert [] == asks_new.history.problems(help_center.volume, help_center.generations)
    assert taken_by_all(help_center, new)
    assert before == uids(help_center)
    results.keep(
        "traffic-keys", "S14", fault="a key added to its Secret, then the old one removed", load="15/s with each key",
        **asks_old.history.summary(new_key_requests=len(asks_new.history.answers), mounted_seconds=mounted),
    )  # fmt: skip


def keys(*lines: str) -> Manifest:
    text = base64.b64encode("\n".join(lines).encode()).decode()
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "data": {KEYS: text}}


def taken_by_all(resource: Resource, key: str) -> bool:
    return all(status == "200" for status in statuses_of_pods(resource, key))


def taken_by_any(resource: Resource, key: str) -> bool:
    return any(status == "200" for status in statuses_of_pods(resource, key))


def statuses_of_pods(resource: Resource, key: str) -> list[str]:
    """What each pod answers to this key."""
    asking = [begin_asking(address_of(pod), "timer", 1, key) for pod in resource.kube.pods("search")]
    return [status for one in asking for status in statuses(one)]
