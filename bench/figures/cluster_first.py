"""Cluster: from `kubectl apply` to the first answer, and from a built index to all pods that serve it.

    sample    vectors by the builder and the pods themselves (WordLlama)
    corpus    read over HTTP, with an Ollama of its own that pulls its model: once, as it takes minutes
    change    chunks of another size, which is another index and nothing else: what comes after its build

On the node of `make cluster-up`, with the chart installed for the run, images on the node.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

from tests.cluster.installation import installation
from tests.cluster.kube import SMALL, Kube, Manifest, Resource, ask
from tools.cluster.__main__ import one_at_a_time
from tools.cluster.inside import in_namespace
from tools.cluster.node import Cluster
from tools.cluster.ollama import provide_ollama

from bench.comparison import Bar, Comparison, Side
from bench.corpus import Corpus
from bench.figures.cluster import WORDLLAMA
from bench.harness import Bench, Measured

PORT = 11600  # of the corpus, on the node
SECONDS = 1800.0
STAGES = ("EmbedderReady", "IndexBuilt", "Ready")
CHUNK_CHARS = 520  # of the change; ten less is another index each time


def measure(bench: Bench) -> Iterator[Comparison]:
    with installation() as kube:
        kube.run("delete", "clockifyrags", "--all", "--timeout=80s")  # or the sample takes its part of the cores
        question = bench.corpus.questions[0].query
        rounds = bench.interleaved({"sample": lambda: of_sample(kube, question)})
        yield within(
            60.0,
            "cluster-first-answer",
            "From kubectl apply to the first answer, sample corpus, WordLlama",
            rounds.side("sample", "s", "answer", called="the Service answers"),
            stages(rounds.measured["sample"][-1]),
        )
        yield within(
            20.0,
            "cluster-index-change",
            "From the end of a build to all pods that serve its index",
            rounds.side("sample", "s", "change", called="only the new index is served"),
            "sample corpus, WordLlama, Rolling, two pods",
        )
        bench.say("the corpus by Ollama, once")
        found = of_corpus(bench, kube, question)
        yield Comparison(
            "cluster-first-answer-ollama",
            f"From kubectl apply to the first answer, {bench.corpus.name}, all-minilm by an Ollama of its own",
            Side("the Service answers", "s", (found["answer"],)),
            remark=f"{found['chunks']:.0f} passages; {stages(found)}",
        )


def within(seconds: float, name: str, title: str, measured: Side, remark: str) -> Comparison:
    """What should take so many seconds at most."""
    allowed = Side("allowed", "s", (seconds,) * len(measured.values))
    return Comparison(name, title, measured, allowed, Bar("≤", 1), remark)


def stages(found: Measured) -> str:
    """When each part was there."""
    return ", ".join(f"{stage} after {found[stage]:.1f} s" for stage in STAGES)


def of_sample(kube: Kube, question: str) -> Measured:
    with kube.another("bench") as made:
        begin = time.monotonic()
        resource = made.resource().create(WORDLLAMA)
        found = followed(resource, question, begin)
        before = resource.generation
        resource.change({"chunking": {"maxChars": CHUNK_CHARS}})
        resource.wait(lambda: resource.condition("IndexBuilt")[0] == "False", "a build begins", SECONDS)
        resource.wait(lambda: resource.condition("IndexBuilt")[0] == "True", "it ends", SECONDS)
        built = time.monotonic()
        resource.wait_other_generation(before)
        return found | {"change": time.monotonic() - built}


def of_corpus(bench: Bench, kube: Kube, question: str) -> Measured:
    with one_at_a_time(kube.cluster):
        server = provide_ollama(kube.cluster)
    with kube.another("bench") as made, source_of(bench.corpus, kube.cluster) as source:
        spec: Manifest = {
            "source": source,
            "embedding": {"provider": "Ollama", "model": server.model},
            "ollama": {"server": {"registry": server.registry, "storage": {"size": "1Gi"},
                                  "resources": {"requests": {"cpu": "300m", "memory": "1Gi"}}}},
            **SMALL,
        }  # fmt: skip
        begin = time.monotonic()
        resource = made.resource().create(spec)
        return followed(resource, question, begin) | {"chunks": float(resource.status["index"]["chunks"])}


@contextmanager
def source_of(corpus: Corpus, cluster: Cluster) -> Iterator[Manifest]:
    """spec.source: the sample, or an address of the node at which the file of the corpus is served."""
    if corpus.source.is_dir():
        yield {"sample": {}}
        return
    address, file = cluster.node.address, corpus.source
    serve = ["-m", "http.server", str(PORT), "--bind", address, "--directory", str(file.parent)]
    process = subprocess.Popen(in_namespace([sys.executable, *serve]), stderr=subprocess.DEVNULL)
    try:
        yield {"http": {"url": f"http://{address}:{PORT}/{quote(file.name)}", "allowHosts": [address]}}
    finally:
        process.terminate()
        process.wait()


def followed(resource: Resource, question: str, begin: float) -> dict[str, float]:
    """Seconds from the beginning until each stage, and until an answer with results."""
    found: dict[str, float] = {}

    def looks() -> bool:
        for stage in STAGES:
            if stage not in found and resource.condition(stage)[0] == "True":
                found[stage] = time.monotonic() - begin
        if "answer" not in found and "IndexBuilt" in found and answers(resource, question):
            found["answer"] = time.monotonic() - begin
        return len(found) == len(STAGES) + 1

    resource.wait(looks, "the first answer", SECONDS)
    return found


def answers(resource: Resource, question: str) -> bool:
    try:
        return bool(ask(resource.url, question)["results"])
    except AssertionError:  # there is no Service yet, or nobody behind it
        return False
