"""Shards: two processes that embed half of the texts each, by one that embeds all of them, each on a core of its own.

A single process uses all cores as well, so shards pay on several machines only; two cores of one show what is lost to
them: each shard reads and divides all documents, and both share a memory.
"""

import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from bench.comparison import Bar, Comparison
from bench.errors import check
from bench.harness import Bench, Measured
from bench.part import part_of
from bench.prepared import plan_of, silent
from bench.processes import side_in_fresh_process

ARTICLES = 20


def measure(bench: Bench) -> Iterator[Comparison]:
    with tempfile.TemporaryDirectory(dir=bench.folder) as folder:
        source = part_of(bench.corpus, ARTICLES, Path(folder)).source
        rounds = bench.interleaved({count: partial(embedded, bench, source, int(count)) for count in ("1", "2")})
    for both, alone in zip(rounds.measured["2"], rounds.measured["1"], strict=True):
        check(both["texts"] == alone["texts"] > 0, f"{both['texts']} texts in two shards, {alone['texts']} in one")
    yield Comparison(
        "shards-2",
        "Embedding in two shards by one, all-minilm, one core each",
        rounds.side("2", "texts/s", "texts_per_second", called="two processes, --shard 0/2 and 1/2"),
        rounds.side("1", "texts/s", "texts_per_second", called="one process, --shard 0/1"),
        Bar("≥", 1.7),
        f"{rounds.measured['1'][0]['texts']:.0f} texts, reading included",
    )


def embedded(bench: Bench, source: Path, count: int) -> Measured:
    """All shards at once, each on a core, into one cache; the last one to end counts."""
    with tempfile.TemporaryDirectory(dir=bench.folder) as root, ThreadPoolExecutor(count) as pool:

        def shard(number: int) -> dict[str, Any]:
            job = {"source": str(source), "root": root, "number": number, "count": count}
            return side_in_fresh_process(__name__, "shard", job, (bench.cores.all[number % len(bench.cores.all)],))

        shards = list(pool.map(shard, range(count)))
    texts = sum(one["texts"] for one in shards)
    return {"texts": texts, "texts_per_second": texts / max(one["seconds"] for one in shards)}


def shard(job: dict[str, Any]) -> dict[str, float]:
    """Seconds of one shard, modules imported and model opened before."""
    from clockifyrag_builder.build import build
    from clockifyrag_builder.plan import Shard

    plan = plan_of(Path(job["source"]), Path(job["root"]), "all-minilm")
    plan.embedder.embed_documents(["warm"])
    begin = time.perf_counter()
    outcome = build(replace(plan, embed_only=Shard(job["number"], job["count"])), silent)
    return {"seconds": time.perf_counter() - begin, "texts": outcome.texts_embedded}


SIDES = {"shard": shard}
