"""Building with a model in the process: a whole build by embedding alone, and rebuilds after one change and after none.

all-minilm is measured on part of the corpus: what is compared grows with the articles on both sides.
"""

import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from bench.comparison import Bar, Comparison
from bench.corpus import Corpus, change_one_article
from bench.errors import check
from bench.harness import Bench, Measured, Rounds
from bench.part import part_of
from bench.prepared import built_root, plan_of, silent
from bench.processes import side_in_fresh_process

ARTICLES = {"wordllama": None, "all-minilm": 45}  # None: all of them
WHOLE = {"wordllama": Bar("≤", 1.5, 1.25), "all-minilm": Bar("≤", 1.05, 1.02)}
CHANGED = {"wordllama": Bar("≤", 0.35, 0.2), "all-minilm": Bar("≤", 0.05, 0.03), "Ollama": Bar("≤", 0.05, 0.03)}
UNCHANGED = Bar("≤", 0.02)


def measure(bench: Bench) -> Iterator[Comparison]:
    for model, articles in ARTICLES.items():
        with tempfile.TemporaryDirectory(dir=bench.folder) as folder:
            corpus = part_of(bench.corpus, articles, Path(folder)) if articles else bench.corpus
            # built anew: what an earlier version kept of articles is not taken up, and a rebuild would be a whole one
            root = built_root(replace(bench, corpus=corpus, kept=Path(folder) / "kept"), model)
            rounds = bench.interleaved(sides_of(bench, corpus, root, {"model": model}))
        yield whole(model, rounds, rounds.side("embed", "s", "seconds", called="embed_documents of all passages"))
        yield from rebuilds(model, rounds)


def sides_of(bench: Bench, corpus: Corpus, root: Path, embedder: Mapping[str, Any]) -> dict[str, Any]:
    """The four sides, by name: a whole build, embedding alone, a rebuild after no change and after one."""
    changed = corpus.copied_to(Path(tempfile.mkdtemp(dir=bench.folder)))
    change_one_article(changed)
    run = partial(one, bench, embedder)
    return {
        "build": partial(run, "build", corpus.source, None),
        "embed": partial(run, "embed", corpus.source, root),
        "unchanged": partial(run, "build", corpus.source, root),
        "changed": partial(run, "build", changed, root),
    }


def one(bench: Bench, embedder: Mapping[str, Any], side: str, source: Path, standing: Path | None) -> Measured:
    """One side in a fresh process, over a fresh copy of the index that stands already, if any."""
    with tempfile.TemporaryDirectory(dir=bench.folder) as folder:
        root = Path(folder) / "root"
        if standing:
            shutil.copytree(standing, root)
        job = {"source": str(source), "root": str(root), **embedder}
        return side_in_fresh_process(__name__, side, job, bench.cores.all)


def whole(model: str, rounds: Rounds, alone: Any, bar: Bar | None = None) -> Comparison:
    """A whole build by the side that embeds and does nothing else."""
    first = rounds.measured["build"][0]
    counts = f"{first['documents']:.0f} articles, {first['chunks']:.0f} passages, {first['texts']:.0f} texts embedded"
    build = rounds.side("build", "s", "seconds", called="index build, whole")
    return Comparison(
        f"build-{model.lower()}",
        f"A build by embedding alone, {model}",
        build,
        alone,
        bar or WHOLE[model],
        counts,
        "G12",
    )


def rebuilds(model: str, rounds: Rounds) -> Iterator[Comparison]:
    for again in rounds.measured["unchanged"]:
        check(again["texts"] == 0 and again["generations"] == 1, f"nothing changed, yet {dict(again)}")
    for again in rounds.measured["changed"]:
        check(again["texts"] == again["new_texts"] > 0, f"one article changed: {dict(again)}")
    build = rounds.side("build", "s", "seconds", called="index build, whole")
    changed = rounds.side("changed", "s", "seconds", called="index build, one article changed")
    unchanged = rounds.side("unchanged", "s", "seconds", called="index build, nothing changed")
    key, texts = model.lower(), rounds.measured["changed"][0]["texts"]
    yield Comparison(
        f"rebuild-changed-{key}", f"A rebuild after one article changed by a whole build, {model}",
        changed, build, CHANGED[model], f"{texts:.0f} texts embedded, as many as are new", "G14",
    )  # fmt: skip
    yield Comparison(
        f"rebuild-unchanged-{key}", f"A rebuild of an unchanged source by a whole build, {model}",
        unchanged, build, UNCHANGED, "no text embedded, no new index", "G14",
    )  # fmt: skip


def build(job: dict[str, Any]) -> dict[str, float]:
    """Seconds of a build, modules imported and embedder opened before; texts embedded, and how many were new."""
    from clockifyrag_builder.build import build
    from clockifyrag_index.embedders.opening import open_embedder
    from clockifyrag_index.layout import Layout
    from clockifyrag_resource.profiles import model_profile

    root = Path(job["root"])
    before = embedded_texts(root)
    plan = plan_of(Path(job["source"]), root, job["model"])
    if "url" in job:
        plan = replace(plan, embedder=open_embedder("Ollama", model_profile(job["model"]), url=job["url"]))
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
    texts = sorted(embedded_texts(Path(job["root"])), key=len)
    embedder = plan_of(Path(job["source"]), Path(job["root"]), job["model"]).embedder
    begin = time.perf_counter()
    vectors = embedder.embed_documents(texts)
    seconds = time.perf_counter() - begin
    check(len(vectors) == len(texts) > 0, f"{len(vectors)} vectors of {len(texts)} texts")
    return {"seconds": seconds}


SIDES = {"build": build, "embed": embed}
