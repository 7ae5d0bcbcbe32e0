"""Embedding in the process by all-minilm: tokens a second in batches, and milliseconds for a question.

References are what numpy's BLAS could do at most, the same model's matrix products and nothing else; and a real Ollama
with the same model, over the same passages, whose vectors are compared (bench.ollama). Where none was built its line is
left out, which is said.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.comparison import Comparison
from bench.errors import check
from bench.harness import Bench, Measured
from bench.ollama import built_ollama, ollama_with_minilm
from bench.prepared import built_root
from bench.processes import side_in_fresh_process

if TYPE_CHECKING:
    from clockifyrag_index.embedders import Embedder, Vectors

MODEL = "all-minilm"
TEXTS = 120
BATCH = 32  # texts in one request to Ollama, as our own builds send them
ANSWER_SECONDS = 300.0
AGREEMENT_COSINE = 0.999
PRODUCT_SECONDS = 2.0
ROWS, WIDTH, LAYERS = 512, 384, 6  # of one batch, and of all-MiniLM-L6-v2
PRODUCTS = ((WIDTH, 3 * WIDTH), (WIDTH, WIDTH), (WIDTH, 4 * WIDTH), (4 * WIDTH, WIDTH))  # of one layer


def measure(bench: Bench) -> Iterator[Comparison]:
    root = built_root(bench, "wordllama")  # for its chunks: they are cut alike for both models
    job = {"root": str(root), "queries": [one.query for one in bench.corpus.questions]}
    sides: dict[str, Callable[[], Measured]] = {
        "embed": partial(side_in_fresh_process, __name__, "embed", job, bench.cores.all),
        "products": partial(side_in_fresh_process, __name__, "products", job, bench.cores.all),
        "questions": partial(side_in_fresh_process, __name__, "questions", job, (bench.cores.server,)),
    }
    with ExitStack() as running:
        if program := built_ollama():
            url = running.enter_context(ollama_with_minilm(program, bench.folder, bench.cores.all))
            sides["ollama"] = partial(side_in_fresh_process, __name__, "ollama", job | {"url": url}, bench.cores.all)
        else:
            bench.say("no Ollama to compare with: build it by python3 tools/binaries.py ollama")
        rounds = bench.interleaved(sides)
    ours = rounds.side("embed", "tokens/s", "tokens_per_second", called="embed_documents")
    where = f"{TEXTS} passages on {len(bench.cores.all)} cores"
    yield Comparison(
        "embedding-tokens",
        "Embedding texts, all-minilm in numpy, by its matrix products alone",
        ours,
        rounds.side("products", "tokens/s", "tokens_per_second", called="the products alone"),
        None,
        where,
    )
    if "ollama" in sides:
        lowest = min(one["cosine"] for one in rounds.measured["ollama"])
        yield Comparison(
            "embedding-ollama",
            "Embedding texts, all-minilm in numpy, by Ollama's all-minilm",
            ours,
            rounds.side("ollama", "tokens/s", "tokens_per_second", called=f"Ollama, {BATCH} texts a request"),
            None,
            f"{where}; words cut alike for both, cosine at least {lowest:.5f}",
        )
    yield Comparison(
        "embedding-question",
        "Embedding a question, all-minilm in numpy",
        rounds.side("questions", "ms", "milliseconds", called="embed_question, one core"),
        remark=f"median of {len(bench.corpus.questions)} questions",
    )


def embed(job: dict[str, Any]) -> dict[str, float]:
    """Tokens a second of a sample of the corpus's passages."""
    embedder = local()
    texts, tokens = passages(Path(job["root"]), embedder)
    embedder.embed_documents(texts[:8])
    begin = time.perf_counter()
    vectors = embedder.embed_documents(texts)
    seconds = time.perf_counter() - begin
    check(vectors.shape == (len(texts), WIDTH), f"vectors of shape {vectors.shape}")
    return {"tokens_per_second": tokens / seconds}


def ollama(job: dict[str, Any]) -> dict[str, float]:
    """Tokens a second of the same passages by a model server, and its lowest cosine with the local vectors."""
    import httpx
    import numpy as np

    embedder = local()
    texts, tokens = passages(Path(job["root"]), embedder)
    with httpx.Client(base_url=job["url"], timeout=ANSWER_SECONDS, trust_env=False) as client:

        def embedded(batch: list[str]) -> list[list[float]]:
            answer = client.post("/api/embed", json={"model": MODEL, "input": batch, "truncate": False})
            check(answer.is_success, f"/api/embed answered {answer.status_code}: {answer.text[:200]}")
            vectors: list[list[float]] = answer.json()["embeddings"]
            return vectors

        embedded(texts[:8])  # the model is loaded
        rows: list[list[float]] = []
        begin = time.perf_counter()
        for start in range(0, len(texts), BATCH):
            rows += embedded(texts[start : start + BATCH])
        seconds = time.perf_counter() - begin
    return {
        "tokens_per_second": tokens / seconds,
        "cosine": lowest_cosine(embedder.embed_documents(texts), np.array(rows, np.float32)),
    }


def lowest_cosine(ours: "Vectors", theirs: "Vectors") -> float:
    """Of each text's two vectors of length 1. WrongResult where they are not the same model's."""
    import numpy as np

    check(ours.shape == theirs.shape, f"vectors of shape {theirs.shape}, expected {ours.shape}")
    cosines = np.sum(ours * theirs, axis=1)
    lowest = float(cosines.min())
    place = int(cosines.argmin())
    check(lowest >= AGREEMENT_COSINE, f"text {place} has cosine {lowest:.5f}, expected at least {AGREEMENT_COSINE}")
    return lowest


def local() -> "Embedder":
    """all-minilm in the process."""
    from clockifyrag_index.embedders.opening import open_embedder
    from clockifyrag_resource.profiles import model_profile

    return open_embedder("Local", model_profile(MODEL))


def passages(root: Path, embedder: "Embedder") -> tuple[list[str], int]:
    """A sample of the passages of an index that fit the model whole, and how many tokens they have.

    Both sides get words cut as for a model server (docs/decisions/0005-words-for-ollama.md), which turns marks such as
    the › between headings into plain ones. The embedder in the process needs none of that; what it costs stands there.
    """
    from clockifyrag_index.embedders.bert_words import bert_words
    from clockifyrag_index.generations import current_generation_path, open_generation

    chunks = open_generation(current_generation_path(root)).chunks
    step = max(1, len(chunks) // TEXTS)
    texts = [bert_words(chunks[row].embedded_text) for row in range(0, len(chunks), step)][:TEXTS]
    texts = [text for text in texts if embedder.count_tokens(text) <= embedder.identity.context_tokens]
    return texts, sum(map(embedder.count_tokens, texts))


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
    embedder = local()
    embedder.embed_question(job["queries"][0])
    times = []
    for query in job["queries"]:
        begin = time.perf_counter()
        vector = embedder.embed_question(query)
        times.append(time.perf_counter() - begin)
        check(vector.shape == (WIDTH,), f"a vector of shape {vector.shape}")
    return {"milliseconds": 1000 * statistics.median(times)}


SIDES = {"embed": embed, "ollama": ollama, "products": products, "questions": questions}
