"""The dense leg beside the bare library: Flat by IndexFlatIP, by memory bandwidth, with the server's threads, and Auto.

Bandwidth is that of adding up the same floats. Sizes: the corpus, and 50,000 sentences of bench/sentences.py.
"""

import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from bench.comparison import Bar, Comparison
from bench.errors import check
from bench.harness import Bench, Rounds
from bench.large import MODEL, question_vectors
from bench.prepared import built_root
from bench.processes import side_in_fresh_process
from bench.sentences import recipe_digest, write_passages

if TYPE_CHECKING:
    from clockifyrag_index.dense import DenseIndex
    from clockifyrag_index.embedders import Vectors
    from clockifyrag_index.index_choice import IndexChoice

K = 20
SENTENCES = 50_000
SECONDS = 0.3  # of asking one side in one round
RECALL_MIN = 0.97  # of what may be called a choice
CHOICES = (("Flat", "Float32"), ("Flat", "Float16"), ("Flat", "SQ8"), ("HNSW", "Float32"), ("HNSW", "SQ8"))


def measure(bench: Bench) -> Iterator[Comparison]:
    small = built_root(bench, MODEL)
    for name, job in (
        ("corpus", {"root": str(small)}),
        ("50k", {"vectors": str(_sentence_vectors(bench))}),
    ):
        yield from _flat(bench, name, job)
    for name, job in (
        ("corpus", {"root": str(small), "kept": str(bench.kept / "types" / bench.corpus.name.replace(" ", "-"))}),
        ("50k", {"vectors": str(_sentence_vectors(bench)), "kept": str(bench.kept / "types" / "50k")}),
    ):
        yield _auto(bench, name, job)


def _flat(bench: Bench, name: str, job: dict[str, str]) -> Iterator[Comparison]:
    one = (bench.cores.server,)
    rounds = bench.interleaved(
        {
            "dense": partial(side_in_fresh_process, __name__, "flat", {**job, "threads": "1"}, one),
            "server": partial(side_in_fresh_process, __name__, "flat", {**job, "threads": "server"}, bench.cores.all),
        }
    )
    rows = int(rounds.measured["dense"][0]["rows"])
    remark = f"{rows:,} rows of {int(rounds.measured['dense'][0]['dimensions'])}, k {K}"
    ours = rounds.side("dense", "µs", "ours", called="dense leg, Flat")
    yield Comparison(
        f"dense-flat-{name}", f"A question to {rows:,} vectors by bare FAISS", ours,
        rounds.side("dense", "µs", "bare", called="IndexFlatIP.search, one thread"),
        Bar("≤", 1.05), remark, "G9",
    )  # fmt: skip
    yield Comparison(
        f"dense-bandwidth-{name}", f"Bytes of {rows:,} vectors a second by memory bandwidth",
        rounds.side("dense", "GB/s", "ours_rate", called="dense leg, Flat"),
        rounds.side("dense", "GB/s", "sum_rate", called="adding up the same floats"),
        Bar("≥", 0.8), remark, "G9",
    )  # fmt: skip
    yield Comparison(
        f"dense-threads-{name}", f"A question to {rows:,} vectors with the server's threads by one thread",
        rounds.side("server", "µs", "ours", called="with the threads the server sets, all cores"),
        ours, Bar("≤", 1.05), remark, "G9",
    )  # fmt: skip


def _auto(bench: Bench, name: str, job: dict[str, str]) -> Comparison:
    rounds = bench.interleaved({"types": partial(side_in_fresh_process, __name__, "types", job, (bench.cores.server,))})
    return auto_by_best(rounds, f"dense-auto-{name}", int(rounds.measured["types"][0]["rows"]))


def auto_by_best(rounds: Rounds, figure: str, rows: int) -> Comparison:
    """The time of Auto's choice by that of the fastest one whose recall may be called a choice."""
    first = rounds.measured["types"][0]
    names = [key.removeprefix("recall ") for key in first if key.startswith("recall ")]
    times = {one: median(m[f"time {one}"] for m in rounds.measured["types"]) for one in names}
    allowed = {one: times[one] for one in names if first[f"recall {one}"] >= RECALL_MIN}
    best = min(allowed, key=allowed.__getitem__)
    auto = str(first["auto"])
    told = ", ".join(f"{one} {times[one]:.0f} µs ({first[f'recall {one}']:.3f})" for one in names)
    return Comparison(
        figure, f"Auto's index by the best type at {rows:,} vectors",
        rounds.side("types", "µs", f"time {auto}", called=f"Auto: {auto}"),
        rounds.side("types", "µs", f"time {best}", called=f"best with recall@10 ≥ {RECALL_MIN}: {best}"),
        Bar("≤", 1.2), f"time and recall@10: {told}", "G10",
    )  # fmt: skip


def _sentence_vectors(bench: Bench) -> Path:
    """The file of (50,000, dimensions) float32, written unless it stands."""
    folder = bench.kept / "sentences" / recipe_digest(SENTENCES)
    path = folder / "vectors.npy"
    if not path.exists():
        bench.say(f"embedding {SENTENCES:,} passages of sentences")
        folder.mkdir(parents=True, exist_ok=True)
        write_passages(folder / "passages.jsonl", SENTENCES)
        side_in_fresh_process(__name__, "embed", {"folder": str(folder)}, bench.cores.all)
    return path


def _embed(job: dict[str, Any]) -> dict[str, Any]:
    import numpy as np
    import orjson

    from clockifyrag_index.embedders.opening import open_embedder
    from clockifyrag_resource.profiles import model_profile

    folder = Path(job["folder"])
    texts = [orjson.loads(line)["text"] for line in (folder / "passages.jsonl").read_bytes().splitlines()]
    np.save(folder / "unfinished.npy", open_embedder("Local", model_profile(MODEL)).embed_documents(texts))
    (folder / "unfinished.npy").rename(folder / "vectors.npy")
    return {"texts": len(texts)}


def _vectors(job: dict[str, Any]) -> "Vectors":
    """The rows, in memory."""
    import numpy as np

    from clockifyrag_index.generations import current_generation_path, open_generation

    if "vectors" in job:
        rows: Vectors = np.load(job["vectors"])
        return rows
    generation = open_generation(current_generation_path(Path(job["root"])))
    return generation.dense.vectors().copy()


def flat(job: dict[str, Any]) -> dict[str, float]:
    """Microseconds a question, ours and bare in turn, and bytes a second of both and of a sum."""
    from clockifyrag_service.threads import limit_library_threads

    if job["threads"] == "server":
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"):
            os.environ.pop(name, None)
        limit_library_threads(4)
    import faiss
    import numpy as np

    from clockifyrag_index.dense import DenseIndex
    from clockifyrag_index.faiss_file import build_index
    from clockifyrag_index.manifest import IndexParameters

    vectors, questions = _vectors(job), question_vectors()
    index = DenseIndex(build_index(vectors, IndexParameters()))
    bare = faiss.IndexFlatIP(vectors.shape[1])
    bare.add(vectors)
    for question in questions[:20]:
        mine, theirs = index.search(question, K)[1], bare.search(question[np.newaxis], K)[0][0]
        check(mine.tolist() == sorted(theirs.tolist(), reverse=True), "other scores than those of bare FAISS")
    times: dict[str, list[float]] = {"ours": [], "bare": [], "sum": []}
    deadline = time.perf_counter() + 3 * SECONDS
    sides = [("ours", lambda one: index.search(one, K)), ("bare", lambda one: bare.search(one[np.newaxis], K))]
    while time.perf_counter() < deadline:
        for question in questions[:100]:
            for name, search in sides:
                times[name].append(_microseconds(partial(search, question)))
            times["sum"].append(_microseconds(vectors.sum))
            sides.reverse()  # each follows the other, and the sum, equally often: both leave other caches behind
    ours, other, added = (median(times[name]) for name in ("ours", "bare", "sum"))
    gigabytes = vectors.nbytes / 1000
    return {
        "ours": ours, "bare": other, "ours_rate": gigabytes / ours, "sum_rate": gigabytes / added,
        "rows": len(vectors), "dimensions": vectors.shape[1],
    }  # fmt: skip


def types(job: dict[str, Any]) -> dict[str, Any]:
    """Microseconds a question and recall@10 of each type and storage; indexes are built once and kept."""
    from clockifyrag_index.index_choice import IndexChoice

    vectors, questions = _vectors(job), question_vectors()
    found: dict[str, Any] = {"rows": len(vectors)}
    for kind, storage in CHOICES:
        index = _kept(Path(job["kept"]), vectors, IndexChoice(kind, storage))  # type: ignore[arg-type]
        found[f"time {kind} {storage}"] = asked(index, questions)
        found[f"recall {kind} {storage}"] = recall(index, vectors, questions)
    auto = IndexChoice().resolved(len(vectors))
    found["auto"] = f"{auto.type} {auto.storage}"
    return found


def asked(index: "DenseIndex", questions: "Vectors") -> float:
    """Microseconds a question, the median over as many passes as fit."""
    times: list[float] = []
    deadline = time.perf_counter() + SECONDS
    while not times or time.perf_counter() < deadline:
        times += [_microseconds(partial(index.search, question, K)) for question in questions[:100]]
    return median(times)


def recall(index: "DenseIndex", vectors: "Vectors", questions: "Vectors") -> float:
    """recall@10 over the first 100 questions."""
    from clockifyrag_index.recall import recall_at_10

    found = recall_at_10(index, vectors, questions[:100])
    assert found is not None
    return found.at_10


def _kept(folder: Path, vectors: "Vectors", choice: "IndexChoice") -> "DenseIndex":
    import numpy as np

    from clockifyrag_index.dense import DenseIndex
    from clockifyrag_index.faiss_file import build_index, write_index
    from clockifyrag_index.identity import vectors_digest

    parameters = choice.resolved(len(vectors))
    folder = folder / vectors_digest(vectors)[7:19]
    index, rows = folder / f"{choice.type}-{choice.storage}.bin", folder / "vectors.npy"
    folder.mkdir(parents=True, exist_ok=True)
    if not rows.exists():
        np.save(rows, vectors)
    if not index.exists():
        write_index(build_index(vectors, parameters), folder / "unfinished.bin")
        (folder / "unfinished.bin").rename(index)
    return DenseIndex.open(index, len(vectors), vectors.shape[1], parameters, None if parameters.is_exact else rows)


def _microseconds(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return 1e6 * (time.perf_counter() - begin)


SIDES = {"embed": _embed, "flat": flat, "types": types}
