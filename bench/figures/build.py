"""Building: a whole build by embedding alone, and what a rebuild costs when nothing or one article has changed."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from bench.comparison import Bar, Comparison
from bench.corpus import change_one_article
from bench.errors import check
from bench.harness import Bench, Measured, Rounds
from bench.prepared import built_root, plan_of, silent
from bench.processes import side_in_fresh_process

BARS = {  # model: (build by embedding, one article changed, nothing changed)
    "wordllama": (Bar("≤", 1.5, 1.25), Bar("≤", 0.35, 0.2), Bar("≤", 0.02)),
    "all-minilm": (Bar("≤", 1.05, 1.02), Bar("≤", 0.05, 0.03), Bar("≤", 0.02)),
}


def measure(bench: Bench) -> Iterator[Comparison]:
    for model in BARS:
        root = built_root(bench, model)
        with tempfile.TemporaryDirectory(dir=bench.folder) as folder:
            changed = bench.corpus.copied_to(Path(folder))
            change_one_article(changed)
            sides = {
                "build": partial(one, bench, "build", model, bench.corpus.source, None),
                "embed": partial(one, bench, "embed", model, bench.corpus.source, root),
                "unchanged": partial(one, bench, "build", model, bench.corpus.source, root),
                "changed": partial(one, bench, "build", model, changed, root),
            }
            rounds = bench.interleaved(sides)
        yield from comparisons(model, rounds)


def comparisons(model: str, rounds: Rounds) -> Iterator[Comparison]:
    first = {name: measured[0] for name, measured in rounds.measured.items()}
    counts = f"{first['build']['documents']:.0f} articles, {first['build']['chunks']:.0f} passages"
    for again in rounds.measured["unchanged"]:
        check(again["texts"] == 0 and again["generations"] == 1, f"nothing changed, yet {dict(again)}")
    whole, after_change, nothing = BARS[model]
    build = rounds.side("build", "s", "seconds", called="index build, whole")
    alone = rounds.side("embed", "s", "seconds", called="embed_documents of all passages")
    changed = rounds.side("changed", "s", "seconds", called="index build, one article changed")
    unchanged = rounds.side("unchanged", "s", "seconds", called="index build, nothing changed")
    embedded = rounds.side("changed", "texts", "texts", called="texts embedded")
    new = rounds.side("changed", "texts", "new_texts", called="texts that were not there before")
    title = "A rebuild after one article changed"
    yield Comparison(f"build-{model}", f"A build by embedding alone, {model}", build, alone, whole, counts)
    yield Comparison(f"rebuild-changed-{model}", f"{title} by a whole build, {model}", changed, build, after_change)
    yield Comparison(f"rebuild-changed-texts-{model}", f"{title}: texts embedded, {model}", embedded, new, Bar("≤", 1))
    title = f"A rebuild of an unchanged source by a whole build, {model}"
    yield Comparison(f"rebuild-unchanged-{model}", title, unchanged, build, nothing, "no text embedded, no new index")


def one(bench: Bench, side: str, model: str, source: Path, standing: Path | None) -> Measured:
    """One side in a fresh process, over a fresh copy of the index that stands already, if any."""
    with tempfile.TemporaryDirectory(dir=bench.folder) as folder:
        root = Path(folder) / "root"
        if standing:
            shutil.copytree(standing, root)
        job = {"source": str(source), "root": str(root), "model": model}
        return side_in_fresh_process(__name__, side, job, bench.cores.all)


def build(job: dict[str, Any]) -> dict[str, float]:
    """Seconds of a build, modules imported and embedder opened before; texts embedded, and how many were new."""
    from clockifyrag_builder.build import build
    from clockifyrag_index.layout import Layout

    root = Path(job["root"])
    before = embedded_texts(root)
    plan = plan_of(Path(job["source"]), root, job["model"])
    begin = time.perf_counter()
    outcome = build(plan, silent)
    seconds = time.perf_counter() - begin
    check(outcome.published and outcome.chunks > 0, f"not published: {outcome.summary()}")
    return {
        "seconds": seconds,
        "texts": outcome.texts_embedded,
        "new_texts": len(embedded_texts(root) - before),
        "generations": len(Layout(root).generation_ids()),
        "documents": outcome.documents,
        "chunks": outcome.chunks,
    }


def embedded_texts(root: Path) -> set[str]:
    """What the published generation has vectors of; empty before the first."""
    from clockifyrag_index.generations import current_generation_path, current_id, open_generation

    if current_id(root) is None:
        return set()
    chunks = open_generation(current_generation_path(root)).chunks
    return {chunks[row].embedded_text for row in range(len(chunks))}


def embed(job: dict[str, Any]) -> dict[str, float]:
    """Seconds to embed every distinct passage and nothing else."""
    texts = sorted(embedded_texts(Path(job["root"])), key=len)  # as the builder does: batches of like length
    embedder = plan_of(Path(job["source"]), Path(job["root"]), job["model"]).embedder
    begin = time.perf_counter()
    vectors = embedder.embed_documents(texts)
    seconds = time.perf_counter() - begin
    check(len(vectors) == len(texts) > 0, f"{len(vectors)} vectors of {len(texts)} texts")
    return {"seconds": seconds}


SIDES = {"build": build, "embed": embed}
