"""Embedding through model servers: our builder by the loops it takes the place of, and by itself with more servers.

The loops are those of the programs before this one: a new client for each text, a new connection for each text, and
batches on one connection. Servers stand in for Ollamas and take 20 ms a text, see bench.model_server.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from bench.comparison import Bar, Comparison
from bench.errors import check
from bench.figures.build import embedded_texts
from bench.figures.build_ollama import BATCH, MODEL_SERVER
from bench.harness import Bench
from bench.model_server import DIMENSIONS, MODEL
from bench.prepared import built_root
from bench.processes import side_in_fresh_process
from bench.servers import serving

TEXTS = 576  # a quarter of the help center: the first request, which goes alone to prove the model, is one of many
EVERY = 9  # of them, for loops that take a text at a time: one takes as long as the other
SERVERS = (2, 3)
TEXT_BY_TEXT = Bar("≥", 2.4)

Vectors = list[list[float]]


def measure(bench: Bench) -> Iterator[Comparison]:
    texts = sorted(embedded_texts(built_root(bench, "wordllama")))[:TEXTS]
    few = texts[::EVERY]
    with ExitStack() as stack:
        urls = [
            f"http://{stack.enter_context(serving(MODEL_SERVER, bench.cores.all, {}))}" for _ in range(max(SERVERS))
        ]
        run = partial(side_in_fresh_process, __name__)
        sides = {
            name: partial(run, name, {"url": urls[0], "texts": some}, (bench.cores.server,))
            for name, some in (("client a text", few), ("connection a text", few), ("batches", texts))
        }
        for count in (1, *SERVERS):
            job = {"urls": urls[:count], "texts": texts, "folder": str(bench.folder)}
            sides[f"builder {count}"] = partial(run, "builder", job, (bench.cores.server,))
        rounds = bench.interleaved(sides)
    rate = partial(rounds.side, unit="texts/s", key="texts_per_second")
    ours = rate("builder 1", called="embed_chunks, one server")
    remark = f"{len(texts)} texts"
    one_by_one = f"{remark}, one by one {len(few)} of them"
    for name, called, bar, told in (
        ("client a text", "a new httpx.Client for each text", TEXT_BY_TEXT, one_by_one),
        ("connection a text", "a new connection for each text", None, one_by_one),
        ("batches", f"batches of {BATCH} on one connection", None, remark),
    ):
        yield Comparison(
            f"embedding-loop-{name.replace(' ', '-')}",
            f"Embedding through one model server by {called}",
            ours, rate(name, called=called), bar, told, "G13",
        )  # fmt: skip
    for count in SERVERS:
        yield Comparison(
            f"embedding-servers-{count}",
            f"Embedding through {count} model servers by one",
            rate(f"builder {count}", called=f"embed_chunks, {count} servers"), ours, Bar("≥", 0.9 * count),
            remark, "G13",
        )  # fmt: skip


def timed(texts: Sequence[str], embedded: Callable[[], int]) -> dict[str, float]:
    begin = time.perf_counter()
    rows = embedded()
    seconds = time.perf_counter() - begin
    check(rows == len(texts) > 0, f"{rows} vectors of {len(texts)} texts")
    return {"texts_per_second": len(texts) / seconds}


def client_a_text(job: dict[str, Any]) -> dict[str, float]:
    import httpx

    def embedded() -> int:
        rows: Vectors = []
        for text in job["texts"]:
            with httpx.Client(timeout=60) as client:
                rows += client.post(f"{job['url']}/api/embed", json=body([text])).json()["embeddings"]
        return len(rows)

    return timed(job["texts"], embedded)


def connection_a_text(job: dict[str, Any]) -> dict[str, float]:
    """As `requests.post` does, which makes a session for each call; without its own cost."""
    import json
    from http.client import HTTPConnection

    def embedded() -> int:
        rows: Vectors = []
        for text in job["texts"]:
            connection = HTTPConnection(job["url"].removeprefix("http://"), timeout=60)
            connection.request("POST", "/api/embed", json.dumps(body([text])))
            rows += json.loads(connection.getresponse().read())["embeddings"]
            connection.close()
        return len(rows)

    return timed(job["texts"], embedded)


def batches(job: dict[str, Any]) -> dict[str, float]:
    import httpx

    def embedded() -> int:
        rows: Vectors = []
        with httpx.Client(base_url=job["url"], timeout=60) as client:
            for start in range(0, len(job["texts"]), BATCH):
                rows += client.post("/api/embed", json=body(job["texts"][start : start + BATCH])).json()["embeddings"]
        return len(rows)

    return timed(job["texts"], embedded)


def builder(job: dict[str, Any]) -> dict[str, float]:
    """What `index build` does with texts that it has not seen: checks, cache and all."""
    from clockifyrag_builder.embedding import embed_chunks
    from clockifyrag_builder.plan import calls_at_once
    from clockifyrag_builder.vector_cache import VectorCache
    from clockifyrag_index.embedders.opening import open_replicas
    from clockifyrag_resource.profiles import model_profile

    embedder = open_replicas(job["urls"], model_profile(MODEL))
    check(embedder.identity.dimensions == DIMENSIONS, f"{embedder.identity}")
    with tempfile.TemporaryDirectory(dir=job["folder"]) as folder:

        def embedded() -> int:
            with VectorCache(Path(folder), embedder.identity) as cache:
                calls = calls_at_once(len(job["urls"]))
                return len(embed_chunks(job["texts"], embedder, cache, lambda *_: None, BATCH, in_flight=calls).vectors)

        return timed(job["texts"], embedded)


def body(texts: Sequence[str]) -> dict[str, Any]:
    return {"model": MODEL, "input": list(texts)}


SIDES = {
    "client a text": client_a_text,
    "connection a text": connection_a_text,
    "batches": batches,
    "builder": builder,
}
