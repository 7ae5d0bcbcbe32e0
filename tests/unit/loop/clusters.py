"""A cluster as the operator sees it, at the address of a small server that stands for the API server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from clockifyrag_operator.cache import Cache
from clockifyrag_operator.client import Client
from clockifyrag_operator.cluster import Cluster
from clockifyrag_operator.config_maps import ConfigMaps
from clockifyrag_operator.credentials import Access
from clockifyrag_operator.memory import Memory
from clockifyrag_operator.metrics import Metrics
from clockifyrag_operator.observed import Manifest
from clockifyrag_operator.pods import Pods
from clockifyrag_operator.telling import Events


@asynccontextmanager
async def cluster_at(host: str, port: int, resource: Manifest, memory: Memory | None = None) -> AsyncIterator[Cluster]:
    """A cluster that knows the resource and nothing else, while the `with` block runs."""
    options: dict[str, Any] = {"request_seconds": 5.0, "writes_per_second": 1000.0, "may_write": lambda: True}
    client, cache = Client(Access(f"http://{host}:{port}", token_text="secret"), Metrics(), **options), Cache()
    cache.put(resource)
    try:
        yield Cluster(
            client, cache, memory or Memory(Metrics()), pods=Pods(1.0), config_maps=ConfigMaps(client, 1.0),
            events=Events(client, "operator"),
        )  # fmt: skip
    finally:
        await client.close()
