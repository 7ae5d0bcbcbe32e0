"""Rankings: how `clockifyrag eval` gets the answer to a question: from an index, a fresh one or a server."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from clockifyrag_index.errors import UsageError

if TYPE_CHECKING:
    from clockifyrag_index.search import SearchEngine

DEPTH = 10


@dataclass(frozen=True, slots=True)
class Answered:
    """The first ten documents by (id, URL), and whether the answer is doubted."""

    documents: tuple[tuple[str, ...], ...]
    low_confidence: bool


Answering = Callable[[str], Answered]


def server_answers(url: str, key: str | None) -> Answering:
    """The answers of a running server; each question is asked once."""
    from clockifyrag_cli.server import ask

    @cache
    def answered(query: str) -> Answered:
        answer = ask(url, "/search", {"q": query, "k": DEPTH}, key)
        documents = tuple((result["id"], result["url"]) for result in answer["results"])
        return Answered(documents, answer["metadata"]["low_confidence"])

    return answered


def engine_answers(engine: "SearchEngine", leg: str = "fused") -> Answering:
    """The answers of an opened index by both legs or one of them; each question is asked once."""
    from clockifyrag_index.fusion import Fusion
    from clockifyrag_index.search import SearchEngine, SearchRequest

    shares = {"fused": engine.fusion, "dense": Fusion(dense_weight=1, lexical_weight=0), "lexical": None}
    if leg not in shares:
        raise UsageError(f"--leg is {leg!r}; expected {', '.join(shares)}")
    fusion = shares[leg]
    config = replace(engine.config, fusion=fusion) if fusion else engine.config
    alone = SearchEngine(engine.generation, engine.embedder if fusion else None, engine.glossary, config)

    @cache
    def answered(query: str) -> Answered:
        result = alone.search(SearchRequest(query, k=DEPTH))
        chunks = [hit.sections[0].chunk for hit in result.hits]
        return Answered(tuple((one.document_id, one.document_url) for one in chunks), result.low_confidence)

    return answered


@contextmanager
def fresh_index(corpus: Path, model: str) -> Iterator[Path]:
    """The root of an index of the corpus, gone afterwards."""
    from clockifyrag_builder.build import build
    from clockifyrag_builder.plan import BuildPlan
    from clockifyrag_builder.sources import source_of
    from clockifyrag_cli.opened import limits_of
    from clockifyrag_cli.progress import progress_display
    from clockifyrag_index.embedders.opening import open_embedder
    from clockifyrag_index.layout import Layout
    from clockifyrag_resource.profiles import model_profile

    profile = model_profile(model)
    with tempfile.TemporaryDirectory() as scratch, progress_display("auto") as progress:
        root = Path(scratch)
        plan = BuildPlan(
            root=root,
            source=source_of(str(corpus), work=Layout(root).work),
            limits=limits_of(profile, None, 200),
            embedder=open_embedder("Local", profile),
        )
        build(plan, progress)
        yield root
