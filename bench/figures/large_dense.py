"""A million vectors: the index Auto chooses by Flat over the same rows, with real questions; and by the other types.

The other storages are measured over the graph that stands: they differ in the codes a node is compared by.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from bench.comparison import Bar, Comparison, Side
from bench.errors import check
from bench.figures.dense import auto_by_best
from bench.harness import Bench
from bench.large import large_root, over_graph, question_vectors, remark
from bench.processes import side_in_fresh_process

if TYPE_CHECKING:
    from clockifyrag_index.dense import DenseIndex
    from clockifyrag_index.embedders import Vectors

K = 10
FLAT_QUESTIONS = 40  # sixty milliseconds each


def measure(bench: Bench) -> Iterator[Comparison]:
    root = large_root(bench)
    told = remark(root)
    asking = partial(side_in_fresh_process, __name__, "ask", {"root": str(root)}, (bench.cores.server,))
    rounds = bench.interleaved({"ask": asking})
    yield Comparison(
        "large-dense-time", "A question to a million vectors by comparing all of them",
        rounds.side("ask", "ms", "ours", called="the index Auto chose, EF_SEARCH as it is"),
        rounds.side("ask", "ms", "flat", called="IndexFlatIP.search, one thread"),
        Bar("≤", 0.03, 0.015), told, "G10",
    )  # fmt: skip
    recall = rounds.side("ask", "share", "recall", called="of the ten nearest found")
    yield Comparison(
        "large-dense-recall", "recall@10 over a million vectors", recall,
        Side("comparing all", "share", (1.0,) * len(recall.values)), Bar("≥", 0.97, 0.99),
        f"{told}; {int(rounds.measured['ask'][0]['questions'])} real questions", "G10",
    )  # fmt: skip
    types = bench.interleaved(
        {"types": partial(side_in_fresh_process, __name__, "types", {"root": str(root)}, (bench.cores.server,))}
    )
    yield auto_by_best(types, "dense-auto-1m", int(types.measured["types"][0]["rows"]))


def ask(job: dict[str, Any]) -> dict[str, Any]:
    """Milliseconds a question of both, and the recall."""
    import faiss
    import numpy as np

    index, vectors, questions = _opened(job)
    bare = faiss.IndexFlatIP(vectors.shape[1])
    bare.add(vectors)
    for question in questions[:20]:
        index.search(question, K)  # touches what there is to touch
    ours = [_milliseconds(partial(index.search, question, K)) for question in questions]
    flat, found, wanted = [], 0, 0
    faiss.omp_set_num_threads(1)
    for question in questions[:FLAT_QUESTIONS]:
        flat.append(_milliseconds(partial(bare.search, question[np.newaxis], K)))
    nearest, _ = bare.search(questions, K)
    for question, scores in zip(questions, nearest, strict=True):
        mine = index.search(question, K)[1]
        wanted += len(scores)
        found += int((mine >= scores[-1] - 1e-6).sum())  # a batch goes through BLAS, whose last bits differ
    check(found > wanted / 2, f"{found} of {wanted} nearest rows are found")
    return {"ours": median(ours), "flat": median(flat), "recall": found / wanted, "questions": len(questions)}


def types(job: dict[str, Any]) -> dict[str, Any]:
    """Microseconds a question and recall@10 of each type and storage."""
    from bench.figures.dense import asked, recall
    from clockifyrag_index.generations import current_generation_path
    from clockifyrag_index.index_choice import IndexChoice

    index, vectors, questions = _opened(job)
    rows = current_generation_path(Path(job["root"])) / "vectors.npy"
    found: dict[str, Any] = {"rows": len(vectors)}
    choice = IndexChoice().resolved(len(vectors))
    found["auto"] = f"{choice.type} {choice.storage}"
    made: Callable[[], DenseIndex]
    for name, made in (
        (found["auto"], lambda: index),
        ("Flat Float32", partial(_flat, vectors, rows, "Float32")),
        ("Flat SQ8", partial(_flat, vectors, rows, "SQ8")),
        ("HNSW Float32", partial(_over_graph, index, vectors, rows, "Float32")),
        ("HNSW Float16", partial(_over_graph, index, vectors, rows, "Float16")),
    ):
        one = made()
        found[f"time {name}"] = asked(one, questions[:FLAT_QUESTIONS])
        found[f"recall {name}"] = recall(one, vectors, questions)
    return found


def _opened(job: dict[str, Any]) -> "tuple[DenseIndex, Vectors, Vectors]":
    """The index, its rows in memory, and the questions."""
    import numpy as np

    from clockifyrag_index.generations import current_generation_path, open_generation

    generation = open_generation(current_generation_path(Path(job["root"])), verify=False)
    return generation.dense, np.array(generation.dense.vectors()), question_vectors()


def _flat(vectors: "Vectors", rows: Path, storage: str) -> "DenseIndex":
    from clockifyrag_index.dense import DenseIndex
    from clockifyrag_index.faiss_file import build_index
    from clockifyrag_index.manifest import IndexParameters
    from clockifyrag_index.vector_rows import VectorRows

    parameters = IndexParameters("Flat", storage)  # type: ignore[arg-type]
    stored = None if parameters.is_exact else VectorRows(rows, *vectors.shape)
    return DenseIndex(build_index(vectors, parameters), stored)


def _over_graph(index: "DenseIndex", vectors: "Vectors", rows: Path, storage: str) -> "DenseIndex":
    """The graph of the index over codes of another storage."""
    from clockifyrag_index.dense import DenseIndex
    from clockifyrag_index.vector_rows import VectorRows

    return DenseIndex(over_graph(index._index, vectors, storage), VectorRows(rows, *vectors.shape))


def _milliseconds(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - begin)


SIDES = {"ask": ask, "types": types}
