"""R30: the tests on a cluster can fail. Each mutant breaks what its test promises, and the judge finds it out."""

from __future__ import annotations

import time

import pytest
from tests.cluster.kube import LOCAL, Kube, Manifest, Resource, ask
from tests.cluster.load import Load
from tests.cluster.load.history import History
from tests.cluster.mutants.one_cache import SITECUSTOMIZE
from tests.cluster.mutants.running import instead_of
from tests.cluster.mutants.slow_deletions import HOLD, WAITS
from tests.cluster.test_node import evicted

QUESTION = "how do people clock in at the kiosk"
ROLLOUTS = 3
BUDGET = "poddisruptionbudget/help-search"


def found(history: History, resource: Resource) -> list[str]:
    return history.problems(resource.volume, resource.generations)


@pytest.mark.chaos
def test_pods_that_do_not_drain_are_found_out(installed: Kube, place: Kube) -> None:
    """Given pods without preStop and drain, when they are replaced under load, then requests fail."""
    with instead_of(installed, "no_drain"):
        resource = place.resource().create(LOCAL).wait_ready()
        with Load(resource.url, "mutant-no-drain", rate=100) as load:
            for number in range(ROLLOUTS):
                resource.change({"search": {"config": {"cacheSize": 9000 + number}}})
                resource.wait(lambda: not resource.is_ready(), "the rollout begins", 20)
                resource.wait_ready()
        problems = found(load.history, resource)

    assert any("failed" in problem for problem in problems), problems


@pytest.mark.chaos
def test_pods_without_a_budget_are_found_out(installed: Kube, place: Kube) -> None:
    """Given no budget, when both pods are evicted, then nothing holds the second back, and no ready one is left.

    Questions may all be answered yet: kube-proxy goes on with pods on their way out where there are no others, and
    these answer until new ones are ready, if those are quick.
    """
    with instead_of(installed, "no_budget"):
        resource = place.resource().create(LOCAL).wait_ready()
        at_once = [evicted(place, pod["metadata"]["name"]) for pod in place.pods("search")]
        left = resource.ready_pods
        resource.wait(lambda: 2 == len(resource.ready_pods), "two pods again")

    assert [True, True] == at_once
    assert [] == left


@pytest.mark.chaos
def test_pods_that_live_by_the_model_server_are_found_out(installed: Kube, place: Kube) -> None:
    """Given a liveness that asks the model server, when that is away, then pods are restarted."""
    nobody = {"url": "http://10.210.0.1:11599"}
    with instead_of(installed, "asks_ollama"):
        spec = LOCAL | {"embedding": {"provider": "Local", "queryProvider": "Ollama"}, "ollama": nobody}
        resource = place.resource().create(spec)
        restarted = resource.wait(lambda: any(resource.restarts().values()), "a pod is restarted", 240)

    assert restarted


@pytest.mark.chaos
def test_a_cache_that_knows_no_generation_is_found_out(installed: Kube, place: Kube) -> None:
    """Given one cache for all generations, when pods change over, then an answer of the one before is told again."""
    code = {"sitecustomize.py": SITECUSTOMIZE}
    place.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mutant"}, "data": code})
    with instead_of(installed, "one_cache"):
        resource = place.resource().create(LOCAL | {"search": {**LOCAL["search"], "indexUpdate": "HotSwap"}})
        first = resource.wait_ready().generation
        with Load(resource.url, "mutant-one-cache") as load:
            resource.change({"chunking": {"maxChars": 500}})
            second = resource.wait_other_generation(first)
            swapped = time.time()
            load.wait(5)
        late = load.history.between(swapped, time.time())

    assert {first, second} == late.generations, "pods that serve the second tell what the first one said"


@pytest.mark.chaos
def test_files_that_are_written_in_place_are_found_out(place: Kube) -> None:
    """Given a generation whose files are overwritten by another's, when a pod is new, then it never serves the mixture.

    The mutant here is the publisher; who notices is the pod, before the judge has anything to judge.
    """
    resource = place.resource().create(LOCAL).wait_ready()
    first = resource.generation
    resource.change({"chunking": {"maxChars": 500}})
    second = resource.wait_other_generation(first)
    files = resource.volume / "generations"
    (files / second / "chunks.jsonl").write_bytes((files / first / "chunks.jsonl").read_bytes())
    before = ask(resource.url, QUESTION)["results"]

    place.run("delete", "pod", place.pods("search")[0]["metadata"]["name"])

    resource.wait(lambda: "IndexCorrupt" in str(resource.status) or 1 == len(resource.ready_pods), "it is noticed", 60)
    assert before == ask(resource.url, QUESTION)["results"]


@pytest.mark.chaos
@pytest.mark.parametrize(("operator", "stays"), [("slow_deletions", True), ("no_precondition", False)])
def test_deletions_of_what_was_seen_a_while_ago_are_found_out(
    installed: Kube, place: Kube, operator: str, stays: bool
) -> None:
    """Given a budget that an operator is about to delete, when somebody puts another one in its place, then that one
    stays; an operator that deletes by name alone takes it away.
    """
    with instead_of(installed, operator):
        resource = place.resource().create(LOCAL).wait_ready()
        HOLD.touch()
        try:
            resource.change({"search": {"replicas": 1}})  # one pod needs no budget
            resource.wait(WAITS.exists, "the operator is about to delete")
            place.run("delete", BUDGET)
            place.apply(budget_of_somebody_else())
        finally:
            HOLD.unlink()
        resource.wait_ready()
        resource.wait(lambda: not WAITS.exists(), "it went on")

    assert stays == bool(place.run("get", BUDGET, "--ignore-not-found", "--output=name"))


def budget_of_somebody_else() -> Manifest:
    selector = {"matchLabels": {"clockifyrag.io/component": "search"}}
    _, _, name = BUDGET.partition("/")
    return {
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": name},
        "spec": {"maxUnavailable": 1, "selector": selector},
    }  # fmt: skip
