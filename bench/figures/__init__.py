"""The figures, by the name that `python -m bench NAME` takes; one script each."""

from collections.abc import Callable, Iterator

from bench.comparison import Comparison
from bench.harness import Bench

Figure = Callable[[Bench], Iterator[Comparison]]
NAMES = (
    "cached-search", "cached-latency", "uncached-http", "instances", "request-memory", "answer-cache",
    "build", "build-ollama", "embedding-loops", "shards",
    "start", "question", "embedding", "bm25", "dense", "quality", "index-types", "images",
)  # fmt: skip
# Of a million passages: make bench-large.
LARGE = ("large-build", "bm25-large", "large-dense", "large-memory", "large-start")
# Measured when they are named: they need an API server or the node of make cluster-up, take a quarter of an hour, or
# belong to no bar.
NAMED_ONLY = ("operator", "cluster", "cluster-first", "chunking", "rerank", "rollout-cache", "embedding-attempts")


def figure(name: str) -> Figure:
    """What measures the named figure; imported only when it is measured."""
    from importlib import import_module

    measure: Figure = import_module(f"bench.figures.{name.replace('-', '_')}").measure
    return measure
