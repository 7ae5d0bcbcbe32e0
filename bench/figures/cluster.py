"""Cluster: from `kubectl apply` to Ready, and answers while the system changes (`make bench-cluster`).

    Ready     a ClockifyRAG of the sample corpus with WordLlama, by what Kubernetes takes for a Job and a Deployment of
              the same images that do nothing, one after the other
    answers   200 questions a second through the Service: at rest, then through a new index, killed operators, a
              deleted pod and a kube-proxy that writes its rules anew; and, of pods that change their index while they
              run, through three new indexes, with the memory these leave

On the node of `make cluster-up`, with the chart installed for the run. Questions come from within the node's network
and share its two cores.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from statistics import fmean
from typing import Any

from tests.cluster.installation import installation
from tests.cluster.kube import OPERATOR, SMALL, Kube, Manifest, Resource
from tests.cluster.load import Load
from tests.cluster.node import NodePart
from tests.cluster.processes import memory_of
from tools.cluster.images import ctr
from tools.cluster.inside import record_of
from tools.images.recipe import IMAGES

from bench.comparison import Bar, Comparison, Side
from bench.errors import check
from bench.harness import Bench, Measured

WORDLLAMA: Manifest = {
    "source": {"sample": {}},
    "embedding": {"provider": "Local", "model": "wordllama"},
    **SMALL,
}
HOT_SWAP: Manifest = WORDLLAMA | {
    "index": {"retain": 5},  # a replay needs every generation
    "search": {**SMALL["search"], "indexUpdate": "HotSwap"},
}
SERVER = "clockifyrag_service"
RATE = 200.0
STEADY_SECONDS = 20.0
BETWEEN_SECONDS = 5.0
POLL_SECONDS = 0.1
READY_SECONDS = 120.0


def measure(bench: Bench) -> Iterator[Comparison]:
    with installation() as kube:
        kube.run("delete", "clockifyrags", "--all", "--timeout=80s")  # or the sample takes its part of the cores
        yield ready_by_bare_parts(bench, kube)
        yield from answers_through_changes(bench, kube)
        yield from answers_through_swaps(bench, kube)


def ready_by_bare_parts(bench: Bench, kube: Kube) -> Comparison:
    sides = {"resource": lambda: {"s": seconds_to_ready(kube)}, "bare": lambda: {"s": seconds_of_bare_parts(kube)}}
    rounds = bench.interleaved(sides)
    return Comparison(
        "cluster-ready",
        "From kubectl apply to Ready, sample corpus, WordLlama, by a Job and a Deployment that do nothing",
        rounds.side("resource", "s", "s", called="the ClockifyRAG is Ready"),
        rounds.side("bare", "s", "s", called="a Job complete, then a Deployment available"),
        Bar("≤", 1.5, 1.2),
        goal="G16",
    )


def answers_through_changes(bench: Bench, kube: Kube) -> Iterator[Comparison]:
    rounds = [measured_round(bench, kube, number, WORDLLAMA, changes) for number in range(bench.rounds)]
    yield slowest("cluster-changes", "while the system changes", rounds, "through four changes")


def answers_through_swaps(bench: Bench, kube: Kube) -> Iterator[Comparison]:
    rounds = [measured_round(bench, kube, number, HOT_SWAP, swaps) for number in range(bench.rounds)]
    yield slowest("cluster-swaps", "while pods change their index by HotSwap", rounds, "through three indexes")
    yield Comparison(
        "cluster-swaps-memory", "Memory of a search server after three indexes by HotSwap, by that before",
        side_of(rounds, "memory_after", "MB", "after them"),
        side_of(rounds, "memory_before", "MB", "before, under the same load"),
        Bar("≤", 1.1), remark="PSS, mean of two pods", goal="G17",
    )  # fmt: skip


def slowest(figure: str, when: str, rounds: list[Measured], called: str) -> Comparison:
    """The slowest 1 % of answers in that time, by those at rest."""
    asked, failed = (sum(one[key] for one in rounds) for key in ("asked", "failed"))
    return Comparison(
        figure,
        f"The slowest 1 % of answers {when}, by those at rest",
        side_of(rounds, "changing", "ms", called),
        side_of(rounds, "steady", "ms", "at rest"),
        Bar("≤", 2.0, 1.3),
        remark=f"{asked:,.0f} questions at {RATE:.0f}/s, {failed:.0f} failed",
        goal="G17",
    )


def side_of(rounds: list[Measured], key: str, unit: str, called: str) -> Side:
    return Side(called, unit, tuple(one[key] for one in rounds))


def seconds_to_ready(kube: Kube) -> float:
    with kube.another("bench") as made:
        begin = time.monotonic()
        resource = made.resource().create(WORDLLAMA)
        resource.wait(lambda: resource.condition("Ready")[0] == "True", "Ready", READY_SECONDS)
        return time.monotonic() - begin


def seconds_of_bare_parts(kube: Kube) -> float:
    """A Job of the builder's image that runs `true`, then a Deployment of the service's that says hello."""
    builder, service = (reference(kube, part) for part in ("index-builder", "service"))
    with kube.another("bench") as made:
        begin = time.monotonic()
        made.apply(object_of("batch/v1", "Job", {"template": pod(builder, ["true"], restartPolicy="Never")}))
        made.run("wait", "--for=condition=Complete", "job/bare", f"--timeout={READY_SECONDS:.0f}s")
        hello = pod(service, ["python3", "-m", "http.server", "8000", "--directory", "/tmp"])
        hello["spec"]["containers"][0]["readinessProbe"] = {"httpGet": {"path": "/", "port": 8000}, "periodSeconds": 2}
        labels = {"app": "bare"}
        hello["metadata"] = {"labels": labels}
        made.apply(
            object_of("apps/v1", "Deployment", {"replicas": 2, "selector": {"matchLabels": labels}, "template": hello})
        )
        made.run("wait", "--for=condition=Available", "deployment/bare", f"--timeout={READY_SECONDS:.0f}s")
        made.run("rollout", "status", "deployment/bare", f"--timeout={READY_SECONDS:.0f}s")
        return time.monotonic() - begin


def reference(kube: Kube, part: str) -> str:
    """The image as the node has it."""
    present = ctr(kube.cluster.node, record_of(kube.cluster), "images", "list", "--quiet").split()
    return next(name for name in present if name.endswith(f"/{IMAGES[part].tag}"))


def object_of(version: str, kind: str, spec: Manifest) -> Manifest:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "bare"}, "spec": spec}


def pod(image: str, command: list[str], **more: Any) -> Manifest:
    """A pod template that the restricted profile admits."""
    security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True}
    container = {"name": "bare", "image": image, "command": command, "securityContext": security}
    user = {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}}
    return {"spec": {"containers": [container], "securityContext": user, **more}}


def measured_round(
    bench: Bench, kube: Kube, number: int, spec: Manifest, change: Callable[[Resource, Kube, Load], Measured]
) -> Measured:
    """A resource under load: at rest first, then while it is changed; what `change` measures is told with the rest."""
    bench.say(f"round {number + 1} of {bench.rounds}: {RATE:.0f} questions a second")
    with kube.another("bench") as made:
        resource = made.resource().create(spec).wait_ready()
        with Load(resource.url, "bench-changes", rate=RATE, after=BETWEEN_SECONDS) as load:
            load.wait(STEADY_SECONDS)
            begin = time.time()
            found = change(resource, kube, load)
        history = load.history
        problems = history.problems(resource.volume, resource.generations)
    check(not problems, "; ".join(problems))
    steady, changing = history.between(0, begin), history.between(begin, time.time())
    return {
        "asked": len(history.answers),
        "failed": len(history.failures),
        "steady": steady.quantile(0.99) * 1000,
        "changing": changing.quantile(0.99) * 1000,
        **found,
    }


def changes(resource: Resource, operator: Kube, load: Load) -> Measured:
    """A new index, killed operators, a deleted pod, rules written anew."""
    another_index(resource, load, 700)
    operator.run("delete", "pods", f"--selector={OPERATOR}", "--grace-period=0", "--force", "--wait=false")
    load.wait(BETWEEN_SECONDS)
    one = resource.kube.pods("search")[0]["metadata"]["name"]
    resource.kube.run("delete", "pod", one, "--wait=false")
    load.wait(BETWEEN_SECONDS)
    proxy = NodePart(resource.kube.cluster, "kube-proxy")
    proxy.kill()
    proxy.start()
    load.wait(BETWEEN_SECONDS)
    resource.wait_ready()
    return {}


def swaps(resource: Resource, operator: Kube, load: Load) -> Measured:
    """Three new indexes, each taken up by the pods that serve; their memory before and after."""
    memory = fmean(memory_of(resource, SERVER))
    for size in (700, 690, 680):
        another_index(resource, load, size)
    resource.wait_ready()
    return {"memory_before": memory / 1e6, "memory_after": fmean(memory_of(resource, SERVER)) / 1e6}


def another_index(resource: Resource, load: Load, max_chars: int) -> None:
    """Of articles cut otherwise; returns some time after it is served."""
    before = resource.generation
    resource.change({"chunking": {"maxChars": max_chars}})
    resource.wait_other_generation(before)
    load.wait(BETWEEN_SECONDS)
