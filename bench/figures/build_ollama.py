"""Building with a model server: a whole build by a bare loop over the same texts, and rebuilds after a change or none.

The server stands in for an Ollama and takes 20 ms a text, see bench.model_server; the corpus is cut to what it embeds
in about ten seconds.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from bench.comparison import Bar, Comparison
from bench.errors import check
from bench.figures.build import embedded_texts, rebuilds, sides_of, whole
from bench.harness import Bench, Measured
from bench.model_server import MODEL
from bench.part import part_of
from bench.processes import side_in_fresh_process
from bench.servers import serving

MODEL_SERVER = (sys.executable, "-m", "bench.model_server")
ARTICLES = 70
BATCH = 32
BAR = Bar("≤", 1.03, 1.01)


def measure(bench: Bench) -> Iterator[Comparison]:
    with (
        tempfile.TemporaryDirectory(dir=bench.folder) as folder,
        serving(MODEL_SERVER, (bench.cores.load,), {}) as address,
    ):
        corpus = part_of(bench.corpus, ARTICLES, Path(folder))
        embedder = {"model": MODEL, "url": f"http://{address}"}
        root = Path(folder) / "root"
        job = {"source": str(corpus.source), "root": str(root), **embedder}
        side_in_fresh_process("bench.figures.build", "build", job, bench.cores.all)
        sides = sides_of(bench, corpus, root, embedder)
        sides["embed"] = partial(loop_in_fresh_process, bench, root, embedder)
        rounds = bench.interleaved(sides)
    alone = rounds.side("embed", "s", "seconds", called=f"bare loop: batches of {BATCH} on one connection")
    yield whole("Ollama", rounds, alone, BAR)
    yield from rebuilds("Ollama", rounds)


def loop_in_fresh_process(bench: Bench, root: Path, embedder: dict[str, Any]) -> Measured:
    return side_in_fresh_process(__name__, "loop", {"root": str(root), **embedder}, bench.cores.all)


def loop(job: dict[str, Any]) -> dict[str, float]:
    """Seconds to post every distinct passage in batches on one kept-alive connection, and to read the vectors."""
    import httpx
    import numpy as np

    texts = sorted(embedded_texts(Path(job["root"])), key=len)
    rows = 0
    begin = time.perf_counter()
    with httpx.Client(base_url=job["url"], timeout=60) as client:
        for start in range(0, len(texts), BATCH):
            answer = client.post("/api/embed", json={"model": job["model"], "input": texts[start : start + BATCH]})
            rows += len(np.array(answer.json()["embeddings"], np.float32))
    seconds = time.perf_counter() - begin
    check(rows == len(texts) > 0, f"{rows} vectors of {len(texts)} texts")
    return {"seconds": seconds}


SIDES = {"loop": loop}
