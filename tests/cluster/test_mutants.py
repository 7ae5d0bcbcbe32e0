"""R30: the tests on a cluster can fail. Each mutant breaks what its test promises, and the judge finds it out."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest
from tests.cluster import results
from tests.cluster.kube import LOCAL, Kube, Manifest, Resource
from tests.cluster.load import Load
from tests.cluster.load.history import History
from tests.cluster.mutants import in_place, one_cache
from tests.cluster.mutants.running import instead_of
from tests.cluster.mutants.slow_deletions import HOLD, WAITS
from tests.cluster.storage import kept_on

ROLLOUTS = 3
TORN_SECONDS = 3.0  # of questions to pods whose files were written over
BUDGET = "poddisruptionbudget/help-search"


def found(history: History, resource: Resource) -> list[str]:
    return history.problems(resource.volume, resource.generations)


def keep(mutant: str, fault: str, load: str = "none", **told: object) -> None:
    """What the judge found out; failures are what it had to find."""
    results.keep(f"mutant-{mutant}", "R30", fault=fault, load=load, **told)


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
    keep("no_drain", f"pods without drain, {ROLLOUTS} rollouts", "100/s", **load.history.summary())


@pytest.mark.chaos
def test_pods_without_a_budget_are_found_out(installed: Kube, place: Kube) -> None:
    """Given no budget, when both pods are evicted, then nothing holds the second back, and no ready one is left.

    Questions may all be answered yet: kube-proxy goes on with pods on their way out where there are no others, and
    these answer until new ones are ready, if those are quick.
    """
    with instead_of(installed, "no_budget"):
        resource = place.resource().create(LOCAL).wait_ready()
        at_once = [place.evict(pod["metadata"]["name"]) for pod in place.pods("search")]
        left = resource.ready_pods
        resource.wait(lambda: 2 == len(resource.ready_pods), "two pods again")

    assert [True, True] == at_once
    assert [] == left
    keep("no_budget", "pods without a budget, both evicted", ready_pods_left=len(left))


@pytest.mark.chaos
def test_pods_that_live_by_the_model_server_are_found_out(installed: Kube, place: Kube) -> None:
    """Given a liveness that asks the model server, when that is away, then pods are restarted."""
    nobody = {"url": "http://10.210.0.1:11599"}
    with instead_of(installed, "asks_ollama"):
        spec = LOCAL | {"embedding": {"provider": "Local", "queryProvider": "Ollama"}, "ollama": nobody}
        resource = place.resource().create(spec)
        restarts = resource.wait(lambda: sum(resource.restarts().values()), "a pod is restarted", 240)

    assert restarts
    keep("asks_ollama", "pods that live by a model server that is away", restarts=restarts)


@pytest.mark.chaos
def test_a_cache_that_knows_no_generation_is_found_out(installed: Kube, place: Kube) -> None:
    """Given one cache for all generations, when pods change over, then an answer of the one before is told again."""
    place.apply(python_of_the_mutant(one_cache.SITECUSTOMIZE))
    with instead_of(installed, "one_cache"):
        resource = place.resource().create(LOCAL | {"search": {**LOCAL["search"], "indexUpdate": "HotSwap"}})
        first = resource.wait_ready().generation
        with Load(resource.url, "mutant-one-cache") as load:
            resource.change({"chunking": {"maxChars": 500}})
            second = resource.wait_other_generation(first)
            swapped = time.time()
            load.wait(5)
        late = load.history.between(swapped, time.time())
        problems = load.history.problems(resource.volume, [first, second])

    assert {first, second} == late.generations, "pods that serve the second tell what the first one said"
    assert any("older than what their pod told" in problem for problem in problems), problems
    told_again = sum(1 for answer in late.good if answer.generation == first)
    keep("one_cache", "one cache for all generations", "25/s", **load.history.summary(told_again=told_again))


@pytest.mark.chaos
def test_a_generation_that_is_written_over_the_published_one_is_found_out(
    installed: Kube, place: Kube, shared_volume: str, tmp_path: Path
) -> None:
    """Given pods that read the volume themselves and a publisher that writes in place, when it publishes under load,
    then what they answer is not what their generation held.

    Pods with copies of their own would not notice, so the volume is one that pods read. The judge replays what was
    published first from a copy: the volume no longer holds it.
    """
    place.apply(python_of_the_mutant(in_place.SITECUSTOMIZE))
    with instead_of(installed, "in_place"):
        spec = kept_on(accessMode="ReadWriteMany", storageClassName=shared_volume)
        resource = place.resource().create(spec).wait_ready()
        first, written = resource.generation, resource.volume / "generations"
        shutil.copytree(written / first, tmp_path / "generations" / first)
        with Load(resource.url, "mutant-in-place") as load:
            resource.change({"chunking": {"maxChars": 500}})
            resource.wait(lambda: not (written / first).exists(), "it is written over, and has another name")
            load.wait(TORN_SECONDS)
        history = load.history
        published = {first, *(folder.name for folder in written.glob("gen-*"))}
        for second in published - {first}:
            shutil.copytree(written / second, tmp_path / "generations" / second)
    problems = history.problems(tmp_path, published)

    assert any("failed" in problem or f"not those of {first}" in problem for problem in problems), problems
    keep("in_place", "a generation written over the published one", "25/s", **history.summary(found=len(problems)))


def python_of_the_mutant(code: str) -> Manifest:
    """What Python runs as it starts in a pod of the mutant."""
    data = {"sitecustomize.py": code}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mutant"}, "data": data}


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
    keep(operator, "a budget put in the place of one about to be deleted", stays=stays)


def budget_of_somebody_else() -> Manifest:
    selector = {"matchLabels": {"clockifyrag.io/component": "search"}}
    _, _, name = BUDGET.partition("/")
    return {
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": name},
        "spec": {"maxUnavailable": 1, "selector": selector},
    }  # fmt: skip
