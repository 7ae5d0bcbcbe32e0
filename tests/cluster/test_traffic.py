"""Planned changes and far too many questions, while questions are asked."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator

import pytest
from tests.cluster import results
from tests.cluster.kube import LOCAL, Kube, Manifest, Resource
from tests.cluster.load import Load, Manner
from tests.cluster.results import CHAOS

ROLLOUTS = 10 if CHAOS else 2
OVERLOAD = 300.0  # new questions a second: four times what two pods of this node answer, about 70
OVERLOAD_SECONDS = 120 if CHAOS else 20


@pytest.fixture(scope="module")
def help_center(installed: Kube) -> Iterator[Resource]:
    """One resource for the tests of this file; each leaves it ready."""
    kube = Kube(installed.cluster, installed.kubectl, f"test-{secrets.token_hex(3)}")
    kube.make()
    yield kube.resource().create(LOCAL).wait_ready()
    kube.remove()


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


def ready(resource: Resource) -> list[Manifest]:
    pods = resource.kube.pods("search")
    return [pod for pod in pods if all(one["ready"] for one in pod["status"].get("containerStatuses", [{"ready": 0}]))]


def restarts(resource: Resource) -> dict[str, int]:
    return {
        str(pod["metadata"]["name"]): int(state["restartCount"])
        for pod in ready(resource)
        for state in pod["status"]["containerStatuses"]
    }


def test_more_than_it_can_answer_is_refused_at_once_and_over_as_soon_as_it_ends(help_center: Resource) -> None:
    """Given far too many questions, when they last, then some are answered, the rest refused quickly, no pod dies."""
    before = restarts(help_center)

    with Load(help_center.url, "traffic-overload", rate=OVERLOAD, after=0, manner=Manner(new=True)) as load:
        begin = time.time()
        load.wait(OVERLOAD_SECONDS)
        during = restarts(help_center)
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
    assert before == during == restarts(help_center), "probes are answered, so no pod is restarted or leaves"
    assert [] == calm.history.problems(help_center.volume, help_center.generations)
    results.keep(
        "traffic-overload", "R20", fault=f"{OVERLOAD:.0f}/s for {OVERLOAD_SECONDS} s", load=f"{OVERLOAD:.0f}/s",
        **history.summary(
            goodput=round(len(history.good) / (end - begin)), refused=len(refused), late=len(late),
            refusal_p99_ms=round(waited[len(waited) * 99 // 100] * 1000, 1),
            calm_p99_ms=round(calm.history.quantile(0.99) * 1000, 1),
        ),
    )  # fmt: skip
