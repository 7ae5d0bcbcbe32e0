"""ConfigMaps that resources name: each resource is woken by a change, whoever looked at it first."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web
from tests.unit.loop.served import beside

from clockifyrag_operator.cache import Key
from clockifyrag_operator.client import Client
from clockifyrag_operator.credentials import Access
from clockifyrag_operator.decision import Plan
from clockifyrag_operator.leading import Leader
from clockifyrag_operator.metrics import Metrics
from clockifyrag_operator.settings import Settings

ONE, OTHER = ("team", "one"), ("team", "other")


class Articles:
    """An API server that holds one ConfigMap."""

    def __init__(self) -> None:
        self.version, self.data = 1, {"a.md": "as it was"}

    def edit(self, key: str, text: str) -> None:
        self.version, self.data = self.version + 1, {**self.data, key: text}

    async def answer(self, _: web.Request) -> web.Response:
        metadata = {"name": "articles", "namespace": "team", "resourceVersion": str(self.version)}
        return web.json_response({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": self.data})


def resource(key: Key, **metadata: Any) -> dict[str, Any]:
    named = {"namespace": key[0], "name": key[1], "uid": key[1], "resourceVersion": "1", "generation": 1}
    return {
        "apiVersion": "clockifyrag.io/v1beta1", "kind": "ClockifyRAG", "metadata": named | metadata,
        "spec": {"source": {"configMapRef": {"name": "articles", "keys": ["a.md"]}}},
    }  # fmt: skip


def woken(edited: str, *, seen_by: tuple[Key, ...] = (), **metadata: Any) -> set[Key]:
    """The resources that a look wakes after an edit of the ConfigMap that both name, and after passes of `seen_by`."""
    articles = Articles()

    async def looked(host: str, port: int) -> set[Key]:
        options: dict[str, Any] = {"request_seconds": 5.0, "writes_per_second": 1000.0, "may_write": lambda: True}
        access, settings = Access(f"http://{host}:{port}", token_text="secret"), Settings(references_seconds=0.001)
        client = Client(access, Metrics(), **options)
        leader = Leader(client, access, settings, Metrics(), lambda *_: Plan(ledger=None), "operator")
        for key in (ONE, OTHER):
            leader.cache.put(resource(key, **metadata))
            await leader._cluster.observe(*key)
        articles.edit(edited, "as it is")
        await asyncio.sleep(0.002)
        for key in seen_by:
            await leader._cluster.observe(*key)
        await leader._look_at_references()
        await client.close()
        return {await leader.queue.take() for _ in range(leader.queue.depth)}

    return beside(articles.answer, looked)


def test_an_edit_wakes_every_resource_that_names_the_config_map() -> None:
    assert {ONE, OTHER} == woken("a.md")


def test_a_pass_that_saw_the_edit_hides_it_from_no_other_resource() -> None:
    assert {OTHER} == woken("a.md", seen_by=(ONE,))


def test_an_edit_of_what_nobody_reads_wakes_nobody() -> None:
    assert set() == woken("b.md")


def test_a_resource_that_is_on_its_way_out_is_not_woken() -> None:
    assert set() == woken("a.md", deletionTimestamp="2026-01-01T00:00:00Z")
