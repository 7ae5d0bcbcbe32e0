"""Large: an index of a million passages, built once by the builder itself and kept; PASSAGES makes it smaller."""

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from bench.errors import check
from bench.harness import Bench
from bench.processes import side_in_fresh_process
from bench.sentences import recipe_digest, write_passages

if TYPE_CHECKING:
    from clockifyrag_index.embedders import Vectors

PASSAGES = int(os.environ.get("PASSAGES", "1000000"))
MODEL = "wordllama"
NOTED = "built.json"  # beside the root: what the last build that made something took
SAMPLED_EVERY = 0.2  # seconds


def large_root(bench: Bench) -> Path:
    """The root of the index, built unless it stands already: an hour of one core for a million."""
    folder = bench.kept / "large" / recipe_digest(PASSAGES)
    source, root = folder / "passages.jsonl", folder / "root"
    if not source.exists():
        bench.say(f"writing {PASSAGES:,} passages")
        folder.mkdir(parents=True, exist_ok=True)
        write_passages(folder / "unfinished", PASSAGES)
        (folder / "unfinished").rename(source)
    bench.say(f"preparing an index of {PASSAGES:,} passages with {MODEL}")
    built = side_in_fresh_process(__name__, "build", {"source": str(source), "root": str(root)}, bench.cores.all)
    check(built["chunks"] > 0.95 * PASSAGES, f"{built['chunks']:,} chunks of {PASSAGES:,} passages")
    return root


def remark(root: Path) -> str:
    """How large the index is, and what it was."""
    from clockifyrag_index.generations import current_generation_path
    from clockifyrag_index.manifest_reader import read_manifest

    manifest = read_manifest(current_generation_path(root))
    index, counts = manifest.index, manifest.counts
    return f"{counts.chunks:,} passages of {counts.documents:,} articles, {index.type} {index.storage}"


def real_questions() -> list[str]:
    """The judged questions of the public corpora, else of the sample: none of them is a text of the index."""
    from clockifyrag_builder.sample import sample_questions

    folder = os.environ.get("CLOCKIFYRAG_CORPUS")
    files = (
        [Path(folder) / "scifact" / "scifact.queries.jsonl", Path(folder) / "clockify_dev.jsonl"]
        if folder
        else [sample_questions()]
    )
    records = (orjson.loads(line) for file in files for line in file.read_bytes().splitlines() if line.strip())
    return [record.get("query") or record["text"] for record in records]


def question_vectors() -> "Vectors":
    """(questions, dimensions) float32."""
    import numpy as np

    from clockifyrag_index.embedders.opening import open_embedder
    from clockifyrag_resource.profiles import model_profile

    embedder = open_embedder("Local", model_profile(MODEL))
    return np.stack([embedder.embed_question(one) for one in real_questions()])


def over_graph(source: Any, vectors: "Vectors", storage: str) -> Any:
    """A FAISS index with the graph of `source` over other codes, of (n, d) float32 rows; d may be another.

    A map that keeps inner products keeps a graph, too: what is near is near in both.
    """
    import faiss

    dimensions, m = vectors.shape[1], source.hnsw.nb_neighbors(1)
    quantizers = {"Float16": faiss.ScalarQuantizer.QT_fp16, "SQ8": faiss.ScalarQuantizer.QT_8bit}
    made: Any = (
        faiss.IndexHNSWFlat(dimensions, m, faiss.METRIC_INNER_PRODUCT)
        if storage == "Float32"
        else faiss.IndexHNSWSQ(dimensions, quantizers[storage], m, faiss.METRIC_INNER_PRODUCT)  # type: ignore[arg-type]
    )
    codes: Any = faiss.downcast_index(made.storage)
    codes.train(vectors)
    codes.add(vectors)
    made.hnsw, made.ntotal, made.is_trained = source.hnsw, source.ntotal, True
    return made


def _build(job: dict[str, Any]) -> dict[str, Any]:
    from bench.prepared import plan_of, silent
    from clockifyrag_builder.build import build
    from clockifyrag_index.retention import gc

    root = Path(job["root"])
    with _peak_of_own_memory() as peak:
        outcome = build(plan_of(Path(job["source"]), root, MODEL), silent)
    gc(root, retain=1)  # of earlier formats
    if outcome.result == "Built":
        noted = {
            "chunks": outcome.chunks, "embedded": outcome.texts_embedded, "seconds": outcome.seconds,
            "peakBytes": max(peak), "date": datetime.now(UTC).date().isoformat(),
        }  # fmt: skip
        (root.parent / NOTED).write_bytes(orjson.dumps(noted))
    return {"chunks": outcome.chunks}


@contextmanager
def _peak_of_own_memory() -> "Iterator[list[int]]":
    """Bytes of this process that are no page of a file, as they were from time to time within the block."""
    seen, ended = [0], threading.Event()

    def look() -> None:
        while not ended.wait(SAMPLED_EVERY):
            told = re.search(r"^RssAnon:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
            assert told is not None
            seen.append(int(told[1]) * 1024)

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield seen
    finally:
        ended.set()
        watcher.join()


SIDES = {"build": _build}
