"""Prepared: what is built once before anything is measured: an index of the corpus for each model."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import check
from bench.harness import Bench
from bench.processes import side_in_fresh_process

if TYPE_CHECKING:
    from clockifyrag_builder.plan import BuildPlan
    from clockifyrag_index.search import SearchEngine


def built_root(bench: Bench, model: str) -> Path:
    """The root of an index of the corpus, built unless it stands already."""
    root = bench.kept / bench.corpus.name.replace(" ", "-") / model
    bench.say(f"preparing an index with {model}")
    side_in_fresh_process(__name__, "build", {"source": str(bench.corpus.source), "root": str(root), "model": model},
                          bench.cores.all)  # fmt: skip
    return root


def known_answer(bench: Bench, root: Path) -> dict[str, Any]:
    """{query, top}: a judged question, and the id of the article that answers it and is found first."""
    questions = [{"query": one.query, "relevant": list(one.grades)} for one in bench.corpus.answerable]
    return side_in_fresh_process(__name__, "known", {"root": str(root), "questions": questions}, bench.cores.all)


def plan_of(source: Path, root: Path, model: str) -> "BuildPlan":
    """The build that `clockifyrag index build --model` makes, its embedder opened."""
    from clockifyrag_builder.plan import BuildPlan
    from clockifyrag_builder.sources import source_of
    from clockifyrag_cli.opened import limits_of
    from clockifyrag_index.embedders.opening import open_embedder
    from clockifyrag_resource.profiles import model_profile

    profile = model_profile(model)
    return BuildPlan(
        root=root,
        source=source_of(str(source), work=root / "work"),
        limits=limits_of(profile, None, 200),
        embedder=open_embedder("Local", profile),
    )


def silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


def opened(root: Path) -> "SearchEngine":
    """The published generation of the root, ready for questions, for the rest of this process."""
    from clockifyrag_cli.opened import embedder_of
    from clockifyrag_index.generations import current_generation_path, open_generation
    from clockifyrag_index.search import SearchConfig, SearchEngine

    generation = open_generation(current_generation_path(root))
    config = SearchConfig(embed_timeout_seconds=30)
    return SearchEngine(generation, embedder_of(generation.manifest.embedder), config=config)


def _build(job: dict[str, Any]) -> dict[str, Any]:
    from clockifyrag_builder.build import build
    from clockifyrag_index.retention import gc

    root = Path(job["root"])
    outcome = build(plan_of(Path(job["source"]), root, job["model"]), silent)
    gc(root, retain=1)  # of earlier runs
    return {"chunks": outcome.chunks, "documents": outcome.documents}


def _known(job: dict[str, Any]) -> dict[str, Any]:
    from clockifyrag_index.search import SearchRequest

    engine = opened(Path(job["root"]))
    for question in job["questions"]:
        hits = engine.search(SearchRequest(question["query"])).hits
        chunk = hits[0].sections[0].chunk if hits else None
        if chunk and {chunk.document_id, chunk.document_url} & set(question["relevant"]):
            return {"query": question["query"], "top": chunk.document_id}
    check(False, "no judged question of the corpus is answered by the article found first")
    raise AssertionError


SIDES = {"build": _build, "known": _known}
