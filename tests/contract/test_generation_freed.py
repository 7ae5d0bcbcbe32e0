"""A generation that is no longer used is let go at once: its maps keep files that were removed on the volume."""

import gc
import weakref
from collections.abc import Callable
from pathlib import Path

from progress import silent

from clockifyrag_builder.build import build
from clockifyrag_builder.plan import BuildPlan
from clockifyrag_index.generations import current_generation_path, open_generation
from clockifyrag_index.search import SearchEngine, SearchRequest

QUESTIONS = ("how to start a timr", '"time entries" -kiosk', "invoice")


def test_nothing_of_a_generation_waits_for_the_garbage_collector(
    plan_of: Callable[..., BuildPlan], tmp_path: Path
) -> None:
    plan = plan_of("sample", tmp_path)
    build(plan, silent)
    generation = open_generation(current_generation_path(tmp_path))
    engine = SearchEngine(generation, plan.embedder)
    for text in QUESTIONS:
        engine.search(SearchRequest(text))
    parts = {
        name: weakref.ref(part)
        for name, part in {
            "engine": engine, "words": engine.lexical, "articles' words": engine.article_words,
            "speller": engine.speller, "vectors": generation.dense, "articles": generation.articles,
        }.items()
    }  # fmt: skip

    gc.disable()
    try:
        generation.close()
        del engine, generation
        kept = [name for name, part in parts.items() if part() is not None]
    finally:
        gc.enable()

    assert [] == kept
    assert str(tmp_path / "generations") not in Path("/proc/self/maps").read_text()
