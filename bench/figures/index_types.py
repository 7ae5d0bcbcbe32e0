"""Index types: how far the kind of index and the storage of its vectors move what a ranking is worth.

No clock is read. Vectors are those of the index that stands already; only what holds them is made anew.
"""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.comparison import Bar, Comparison, Side
from bench.corpus import Corpus, corpora
from bench.harness import Bench
from bench.prepared import built_root, plan_of, silent
from bench.processes import side_in_fresh_process

EXACT = "Flat Float32"
MOVED_MAX = 0.005  # of nDCG@10


def measure(bench: Bench) -> Iterator[Comparison]:
    """wordllama on every corpus there is, all-minilm on the first."""
    for corpus in corpora(bench.corpus):
        yield _moved(bench, corpus, "wordllama")
    yield _moved(bench, bench.corpus, "all-minilm")


def _moved(bench: Bench, corpus: Corpus, model: str) -> Comparison:
    root = built_root(replace(bench, corpus=corpus), model)
    with TemporaryDirectory(dir=bench.folder) as folder:
        copy = Path(folder) / "root"
        shutil.copytree(root, copy)
        job = {
            "source": str(corpus.source), "root": str(copy), "model": model,
            "questions": [(one.qid, one.query, dict(one.grades)) for one in corpus.questions],
        }  # fmt: skip
        found: dict[str, float] = side_in_fresh_process(__name__, "rank", job, bench.cores.all)
    farthest = max(found, key=lambda one: abs(found[one] - found[EXACT]))
    moved = abs(found[farthest] - found[EXACT])
    return Comparison(
        f"quality-{corpus.name.replace(' ', '-').lower()}-{model}-index-types",
        f"How far the type of the index moves nDCG@10: {corpus.name}, {model}",
        Side(farthest, "nDCG@10", (moved,) * bench.rounds),  # every round would give the same
        Side("allowed", "nDCG@10", (MOVED_MAX,) * bench.rounds),
        Bar("≤", 1),
        ", ".join(f"{name} {ndcg:.4f}" for name, ndcg in found.items()),
        "G24",
    )


def rank(job: dict[str, Any]) -> dict[str, float]:
    """nDCG@10 by kind and storage of the index."""
    from bench.prepared import opened
    from bench.rankings import served
    from clockifyrag_builder.build import build
    from clockifyrag_index.evaluate import Judged, evaluate
    from clockifyrag_index.index_choice import IndexChoice, StorageChoice, TypeChoice

    kinds: tuple[TypeChoice, ...] = ("Flat", "HNSW")
    storages: tuple[StorageChoice, ...] = ("Float32", "Float16", "SQ8")
    root, judged = Path(job["root"]), [Judged(*one) for one in job["questions"]]
    plan, found = plan_of(Path(job["source"]), root, job["model"]), {}
    for kind, storage in product(kinds, storages):
        build(replace(plan, index=IndexChoice(kind, storage)), silent)
        found[f"{kind} {storage}"] = evaluate(judged, served(opened(root))).interval("ndcg").mean
    return found


SIDES = {"rank": rank}
