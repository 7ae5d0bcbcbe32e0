"""Planned changes, full loads and new keys, while questions are asked."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator

import pytest
from tests.cluster import results
from tests.cluster.asking import address_of, answers, begin_asking, statuses
from tests.cluster.full_volume import MIB
from tests.cluster.installation import tag_anew
from tests.cluster.kube import LOCAL, NOWHERE, SMALL, Kube, Manifest, Resource
from tests.cluster.load import Load, Manner
from tests.cluster.load.client import questions
from tests.cluster.processes import freeze, kill, memory_of, processes_of, thaw
from tests.cluster.results import CHAOS
from tools.images.recipe import IMAGES

from clockifyrag_index.api_keys import new_key

SERVER = "clockifyrag_service"
ROLLOUTS = 10 if CHAOS else 3
IN_FLIGHT = 20
LOST_MAX = 25  # of two killed servers: half of 25 a second, for the second a node may need to notice each
HELD_SECONDS = 2.0  # questions that a frozen pod has taken are answered so much later
OVERLOAD = 300.0  # new questions a second: four times what two pods of this node answer, about 70
OVERLOAD_SECONDS = 120 if CHAOS else 20
NEARLY_ALL = 60.0  # new questions a second, near what they answer: what a busier node answers less of is told by this
NEARLY_ALL_SECONDS = 30 if CHAOS else 10
# Who asks takes one of two cores, servers and Kubernetes share the other: docs/reliability.md tells what is missed.
REFUSED_SECONDS_MAX = 0.25  # 99 of 100 refusals
GOODPUT_SHARE_MIN = 0.5  # of the answers a second that the same pods gave just before, asked for no more than those
GROWN_BYTES_MAX = 128 * MIB  # of a server: a full cache is 64 MiB of it
FREQUENT = 10  # questions: a pod that starts answers as many as fit into two seconds
ANOTHER_TAG = "of-a-rollout"
KEYS = "clockifyrag-api-keys"
HEAL_SECONDS = 60.0
MOUNTED_SECONDS = 150.0  # until kubelet has written a changed Secret


@pytest.fixture(scope="module")
def help_center(installed: Kube) -> Iterator[Resource]:
    """One resource for the tests of this file; each leaves it ready."""
    with installed.another() as kube:
        yield kube.resource().create(LOCAL).wait_ready()


def rolled(resource: Resource, search: Manifest) -> float:
    """Seconds that a change of the search pods takes, from the edit until new pods alone serve."""
    before = resource.uids("search")
    begin = time.time()
    resource.change({"search": search})
    resource.wait(lambda: not before & resource.uids("search") and resource.is_ready(), "only new pods serve")
    return round(time.time() - begin, 1)


def test_a_server_that_is_killed_costs_what_was_sent_to_it(help_center: Resource) -> None:
    """Given questions, when the servers of both pods are killed one after the other, then those fail that one was
    answering, and those sent to it until the node has noticed; the container is there again soon.
    """
    with Load(help_center.url, "servers-killed") as load:
        seconds = []
        for pod in help_center.kube.pods("search"):
            begin = time.time()
            kill(processes_of(help_center.kube.cluster, pod, SERVER))
            name = pod["metadata"]["name"]
            help_center.wait(lambda name=name: restarts_of(help_center, name) == 1, "it was started again")
            help_center.wait(lambda: help_center.is_ready() and len(help_center.ready_pods) == 2, "both are ready")
            seconds.append(round(time.time() - begin, 1))
    history = load.history

    assert [] == history.problems(help_center.volume, help_center.generations, failures=LOST_MAX)
    results.keep("servers-killed", "R11", fault="SIGKILL of each search server in turn", load="25/s",
                 **history.summary(recovery_seconds=seconds))  # fmt: skip


def restarts_of(resource: Resource, pod: str) -> int:
    found = resource.kube.get("pod", pod)
    return sum(one["restartCount"] for one in found["status"]["containerStatuses"]) if found else 0


def test_rollouts_of_settings_resources_and_images_fail_no_question(help_center: Resource) -> None:
    """Given questions, when pods are replaced again and again for a setting, for resources or for an image, then none
    fails.
    """
    tag_anew(help_center.kube.cluster, ANOTHER_TAG)
    changes = [change_of(number) for number in range(ROLLOUTS)]

    with Load(help_center.url, "traffic-rollouts") as load:
        seconds = [rolled(help_center, change) for change in changes]
    history = load.history

    assert [] == history.problems(help_center.volume, help_center.generations)
    assert len(history.pods) >= 2 * (ROLLOUTS + 1)
    results.keep(
        "traffic-rollouts", "R15", fault=f"{ROLLOUTS} rollouts", load="25/s", **history.summary(rollout_seconds=seconds)
    )


def test_new_pods_have_in_their_cache_what_old_ones_were_asked_often(help_center: Resource) -> None:
    """Given questions asked of every pod, when all are replaced, then new ones have the answers in their caches."""
    frequent = questions()[:FREQUENT]
    for pod in help_center.ready_pods:
        answers(address_of(pod), frequent)
    rolled(help_center, {"config": {"cacheSize": 8000}})

    told = [answers(address_of(pod), frequent) for pod in help_center.ready_pods]

    assert [FREQUENT] * len(told) == [sum(answer["metadata"]["from_cache"] for answer in of_pod) for of_pod in told]


def change_of(number: int) -> Manifest:
    """One after the other: resources, a setting, an image and, the next time, the image of before."""
    image = f"{IMAGES['service'].repository}:{ANOTHER_TAG}"
    changes: list[Manifest] = [
        {"resources": {"requests": {"cpu": "100m", "memory": f"{257 + number}Mi"}}},
        {"config": {"cacheSize": 9000 + number}},
        {"image": image if number % 2 == 0 else None},
    ]
    return changes[number % len(changes)]


BAD: dict[str, tuple[Manifest, Manifest, str]] = {  # of search pods: the change, its end, what the kubelet says
    "image": ({"image": NOWHERE}, {"image": None}, f'Failed to pull image "{NOWHERE}"'),
    "secret": ({"auth": {"secretRef": {"name": "nobodys"}}}, {"auth": None}, 'secret "nobodys" not found'),
}


@pytest.mark.chaos
@pytest.mark.parametrize("name", BAD)
def test_a_bad_change_is_borne_by_old_pods_and_heals_as_soon_as_it_is_taken_back(place: Kube, name: str) -> None:
    """Given questions, when new pods cannot start, then the old ones go on; taken back, nothing is left of it."""
    bad, good, words = BAD[name]
    help_center = place.resource().create(LOCAL).wait_ready()
    before = help_center.uids("search")

    with Load(help_center.url, f"traffic-bad-{name}") as load:
        help_center.change({"search": bad})
        help_center.wait(lambda: words in place.run("get", "events"), f"the kubelet says: {words}", 60)
        load.wait(5)
        meanwhile = help_center.uids("search")
        begin = time.time()
        help_center.change({"search": good})
        help_center.wait(
            lambda: before == help_center.uids("search") and help_center.is_ready(), "it heals", HEAL_SECONDS
        )
        healed = round(time.time() - begin, 1)
    history = load.history

    assert before < meanwhile, "old pods and one that cannot start"
    assert [] == history.problems(help_center.volume, help_center.generations)
    results.keep(
        f"bad-{name}", "R9", fault=f"search pods with {name} of nobody's, then taken back", load="25/s",
        **history.summary(recovery_seconds=healed),
    )  # fmt: skip


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
        "traffic-in-flight", "R16", fault=f"a pod deleted with {2 * IN_FLIGHT} questions in flight", load="25/s",
        **history.summary(recovery_seconds=recovery),
    )  # fmt: skip


@pytest.mark.chaos
def test_more_than_it_can_answer_is_refused_at_once_and_over_as_soon_as_it_ends(help_center: Resource) -> None:
    """Given far too many questions, when they last, then a good part of what pods can answer is answered, the rest
    refused quickly, no pod dies.
    """
    able = goodput_at(help_center, NEARLY_ALL, NEARLY_ALL_SECONDS)
    before, memory = help_center.restarts(), memory_of(help_center, SERVER)

    with Load(help_center.url, "traffic-overload", rate=OVERLOAD, after=0, manner=Manner(new=True)) as load:
        begin = time.time()
        load.wait(OVERLOAD_SECONDS)
        during, full = help_center.restarts(), memory_of(help_center, SERVER)
        end = time.time()
    with Load(help_center.url, "traffic-after-overload", after=5) as calm:
        pass
    history = load.history.between(begin, end)
    refused = [one for one in load.history.failures if one.status in (429, 503) and one.retry_after]
    late = [one for one in load.history.failures if one.status == 504]  # its turn came after its deadline
    waited = sorted(one.seconds for one in refused)
    goodput = len(history.good) / (end - begin)
    grown = [after - ahead for ahead, after in zip(memory, full, strict=True)]

    assert refused, f"{OVERLOAD:.0f}/s is not too much here"
    assert len(refused) + len(late) == len(load.history.failures), "what is not answered is refused"
    assert len(late) < len(refused) / 10, "nearly all of it at once, with a time to come back"
    refusal_p99 = waited[len(waited) * 99 // 100]
    assert refusal_p99 < REFUSED_SECONDS_MAX
    assert goodput > GOODPUT_SHARE_MIN * able
    assert max(grown) < GROWN_BYTES_MAX
    assert before == during == help_center.restarts(), "probes are answered, so no pod is restarted or leaves"
    assert [] == calm.history.problems(help_center.volume, help_center.generations)
    results.keep(
        "traffic-overload", "R20", fault=f"{OVERLOAD:.0f}/s for {OVERLOAD_SECONDS} s", load=f"{OVERLOAD:.0f}/s",
        **history.summary(
            goodput=round(goodput), goodput_before=round(able), refused=len(refused), late=len(late),
            refusal_p99_ms=round(refusal_p99 * 1000, 1), grown_mib=[round(one / MIB, 1) for one in grown],
            calm_p99_ms=round(calm.history.quantile(0.99) * 1000, 1),
        ),
    )  # fmt: skip


def goodput_at(resource: Resource, rate: float, seconds: float) -> float:
    """Answers a second to so many new questions a second."""
    with Load(resource.url, "traffic-nearly-all", rate=rate, after=0, manner=Manner(new=True)) as load:
        begin = time.time()
        load.wait(seconds)
        end = time.time()
    return len(load.history.between(begin, end).good) / (end - begin)


@pytest.mark.chaos
def test_a_key_is_replaced_without_a_refusal_or_a_restart(place: Kube) -> None:
    """Given two keys in turn, when the Secret holds both for a while, then neither is refused in it."""
    old, old_line = new_key("old", ["search"])
    new, new_line = new_key("new", ["search"])
    place.apply(keys(old_line))
    secured = LOCAL | {"search": {**SMALL["search"], "auth": {"secretRef": {"name": "keys"}}}}
    help_center = place.resource().create(secured).wait_ready()
    before = help_center.uids("search")

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
    assert before == help_center.uids("search")
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
