"""Embedding in the process by all-minilm: tokens a second in batches, and milliseconds for a question.

The reference is what numpy's BLAS could do at most: the same model's matrix products and nothing else.
"""

import statistics
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from bench.comparison import Comparison
from bench.errors import check
from bench.harness import Bench
from bench.prepared import built_root
from bench.processes import side_in_fresh_process

TEXTS = 120
PRODUCT_SECONDS = 2.0
ROWS, WIDTH, LAYERS = 512, 384, 6  # of one batch, and of all-MiniLM-L6-v2
PRODUCTS = ((WIDTH, 3 * WIDTH), (WIDTH, WIDTH), (WIDTH, 4 * WIDTH), (4 * WIDTH, WIDTH))  # of one layer


def measure(bench: Bench) -> Iterator[Comparison]:
    root = built_root(bench, "wordllama")  # for its chunks: they are cut alike for both models
    job = {"root": str(root), "queries": [one.query for one in bench.corpus.questions]}
    rounds = bench.interleaved(
        {
            "embed": partial(side_in_fresh_process, __name__, "embed", job, bench.cores.all),
            "products": partial(side_in_fresh_process, __name__, "products", job, bench.cores.all),
            "questions": partial(side_in_fresh_process, __name__, "questions", job, (bench.cores.server,)),
        }
    )
    yield Comparison(
        "embedding-tokens",
        "Embedding texts, all-minilm in numpy, by its matrix products alone",
        rounds.side("embed", "tokens/s", "tokens_per_second", called="embed_documents"),
        rounds.side("products", "tokens/s", "tokens_per_second", called="the products alone"),
        None,
        f"{TEXTS} passages on {len(bench.cores.all)} cores",
    )
    yield Comparison(
        "embedding-question",
        "Embedding a question, all-minilm in numpy",
        rounds.side("questions", "ms", "milliseconds", called="embed_question, one core"),
        remark=f"median of {len(bench.corpus.questions)} questions",
    )


def embed(job: dict[str, Any]) -> dict[str, float]:
    """Tokens a second of a sample of the corpus's passages."""
    from clockifyrag_index.embedders.opening import open_embedder
    from clockifyrag_index.generations import current_generation_path, open_generation
    from clockifyrag_resource.profiles import model_profile

    chunks = open_generation(current_generation_path(Path(job["root"]))).chunks
    step = max(1, len(chunks) // TEXTS)
    texts = [chunks[row].embedded_text for row in range(0, len(chunks), step)][:TEXTS]
    embedder = open_embedder("Local", model_profile("all-minilm"))
    texts = [text for text in texts if embedder.count_tokens(text) <= embedder.identity.context_tokens]
    tokens = sum(map(embedder.count_tokens, texts))
    embedder.embed_documents(texts[:8])
    begin = time.perf_counter()
    vectors = embedder.embed_documents(texts)
    seconds = time.perf_counter() - begin
    check(vectors.shape == (len(texts), WIDTH), f"vectors of shape {vectors.shape}")
    return {"tokens_per_second": tokens / seconds}


def products(job: dict[str, Any]) -> dict[str, float]:
    """Tokens a second if nothing but the layers' matrix products were computed, one thread a core."""
    from concurrent.futures import ThreadPoolExecutor

    import numpy as np

    from clockifyrag_index.embedders.cores import keep_products_in_their_thread
    from clockifyrag_index.quota import cpu_quota

    keep_products_in_their_thread()
    drawn = np.random.default_rng(1)
    pairs = [(drawn.random((ROWS, a), np.float32), drawn.random((a, b), np.float32)) for a, b in PRODUCTS]
    end = time.perf_counter() + PRODUCT_SECONDS

    def run(_: int) -> int:
        batches = 0
        while time.perf_counter() < end:
            for _ in range(LAYERS):
                for a, b in pairs:
                    a @ b
            batches += 1
        return batches

    begin = time.perf_counter()
    with ThreadPoolExecutor(cpu_quota()) as pool:
        batches = sum(pool.map(run, range(cpu_quota())))
    return {"tokens_per_second": ROWS * batches / (time.perf_counter() - begin)}


def questions(job: dict[str, Any]) -> dict[str, float]:
    """Milliseconds a question, their median."""
    from clockifyrag_index.embedders.opening import open_embedder
    from clockifyrag_resource.profiles import model_profile

    embedder = open_embedder("Local", model_profile("all-minilm"))
    embedder.embed_question(job["queries"][0])
    times = []
    for query in job["queries"]:
        begin = time.perf_counter()
        vector = embedder.embed_question(query)
        times.append(time.perf_counter() - begin)
        check(vector.shape == (WIDTH,), f"a vector of shape {vector.shape}")
    return {"milliseconds": 1000 * statistics.median(times)}


SIDES = {"embed": embed, "products": products, "questions": questions}
