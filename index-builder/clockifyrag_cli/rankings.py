"""Rankings: how `clockifyrag eval` gets the answer to a question: from an index, a fresh one or a server."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from clockifyrag_index.errors import EmbedderError, UsageError

if TYPE_CHECKING:
    from clockifyrag_index.embedders import Embedder
    from clockifyrag_index.rerank import Reranker
    from clockifyrag_index.search import SearchEngine

DEPTH = 10
RERANK_SECONDS = 60.0  # nobody waits for it
ASKED_MAX = 3  # times that a server is asked what it answers by words alone: perhaps its model is just being loaded
ASKED_AGAIN_SECONDS = 5.0  # after which a server whose model failed has tried it again (breaker.py)


@dataclass(frozen=True, slots=True)
class Answered:
    """The first ten documents by (id, URL), and whether the answer is doubted."""

    documents: tuple[tuple[str, ...], ...]
    low_confidence: bool
    rerank_milliseconds: float | None = None  # None: they were not reranked


Answering = Callable[[str], Answered]


def server_answers(url: str, key: str | None) -> Answering:
    """The answers of a running server; each question is asked once, and up to twice more where words alone answer.

    EmbedderError where they do so again: that is another ranking than the one to be measured.
    """
    from clockifyrag_cli.server import SEARCH_ANSWER, ask

    @cache
    def answered(query: str) -> Answered:
        for asked in range(ASKED_MAX):
            if asked:
                time.sleep(ASKED_AGAIN_SECONDS)
            answer = ask(url, "/search", {"q": query, "k": DEPTH}, key, shape=SEARCH_ANSWER)
            if "embedder" not in answer["metadata"]["degraded"]:
                break
        else:
            raise EmbedderError(
                f"{url} answered {query!r} by words alone, as its model did not in time; what is wrong says: "
                f"clockifyrag doctor --url {url}"
            )
        documents = tuple((result["id"], result["url"]) for result in answer["results"])
        return Answered(documents, answer["metadata"]["low_confidence"])

    return answered


def engine_answers(engine: "SearchEngine", leg: str = "fused", reranker: "Reranker | None" = None) -> Answering:
    """The answers of an opened index by both legs or one of them, reranked if wanted; each question is asked once.

    EmbedderError where words alone answer though meaning was asked for, or where nothing reranks.
    """
    from clockifyrag_index.fusion import Fusion
    from clockifyrag_index.search import SearchEngine, SearchRequest

    shares = {"fused": engine.fusion, "dense": Fusion(dense_weight=1, lexical_weight=0), "lexical": None}
    if leg not in shares:
        raise UsageError(f"--leg is {leg!r}; expected {', '.join(shares)}")
    fusion = shares[leg]
    config = replace(engine.config, rerank_timeout_seconds=RERANK_SECONDS)
    config = replace(config, fusion=fusion) if fusion else config
    alone = SearchEngine(engine.generation, engine.embedder if fusion else None, engine.glossary, config, reranker)

    @cache
    def answered(query: str) -> Answered:
        result = alone.search(SearchRequest(query, k=DEPTH, rerank=reranker is not None))
        if alone.embedder and "embedder" in result.degraded:
            raise EmbedderError(f"{query!r} was answered by words alone: {_no_vector_because(alone.embedder, query)}")
        took = result.reranking
        if took and took.reason:
            raise EmbedderError(f"{query!r} was not reranked: {took.reason}; is the model there, and LLM_BASE_URL set?")
        chunks = [hit.sections[0].chunk for hit in result.hits]
        documents = tuple((one.document_id, one.document_url) for one in chunks)
        return Answered(documents, result.low_confidence, took.milliseconds if took else None)

    return answered


def _no_vector_because(embedder: "Embedder", query: str) -> str:
    """What the embedder says when it is asked for the question once more."""
    from clockifyrag_cli.opened import EMBED_TIMEOUT_SECONDS

    try:
        embedder.embed_question(query, EMBED_TIMEOUT_SECONDS)
    except EmbedderError as error:
        return str(error)
    return "it was not embedded in time; try again"


def reranker_of(model: str) -> "Reranker":
    """What reranks with a model: in the process where it can run there, else in the Ollama of LLM_BASE_URL."""
    from clockifyrag_cli.opened import local_or_ollama
    from clockifyrag_index.max_p import MaxP
    from clockifyrag_resource.profiles import model_profile

    profile = model_profile(model)
    return MaxP(local_or_ollama(profile), profile)


@contextmanager
def fresh_index(corpus: Path, model: str) -> Iterator[Path]:
    """The root of an index of the corpus, gone afterwards."""
    from clockifyrag_builder.build import build
    from clockifyrag_builder.plan import BuildPlan
    from clockifyrag_builder.sources import source_of
    from clockifyrag_cli.opened import limits_of
    from clockifyrag_cli.progress import progress_display
    from clockifyrag_cli.variables import said
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
            embedder=open_embedder("Local", profile, local_model_dir=said("LOCAL_MODEL_DIR")),
        )
        build(plan, progress)
        yield root
