"""Rankings of the same questions over the same index: as served, its legs alone, and by rank_bm25."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from clockifyrag_index.search import SearchEngine

K1, B, TOP = 1.5, 0.75, 10

Ranking = Callable[[str], Sequence[tuple[str, ...]]]  # (id, URL) of the first ten articles, best first


def rankings(engine: "SearchEngine") -> dict[str, Ranking]:
    """By name; each is asked for one question at a time."""
    from clockifyrag_index.fusion import Fusion
    from clockifyrag_index.search import SearchEngine

    def variant(fusion: Fusion) -> Ranking:
        config = replace(engine.config, fusion=fusion)
        return served(SearchEngine(engine.generation, engine.embedder, engine.glossary, config))

    return {
        "both": served(engine),
        "dense": variant(Fusion(dense_weight=1, lexical_weight=0)),
        "lexical": served(SearchEngine(engine.generation, None, engine.glossary, engine.config)),
        "rrf": variant(replace(engine.fusion, method="rrf")),
        "bm25": by_rank_bm25(engine, stemmed=False),
        "stemmed": by_rank_bm25(engine, stemmed=True),
    }


def served(engine: "SearchEngine", *, rerank: bool = False) -> Ranking:
    """As the engine answers."""
    from clockifyrag_index.search import SearchRequest

    def ranking(query: str) -> list[tuple[str, ...]]:
        chunks = [hit.sections[0].chunk for hit in engine.search(SearchRequest(query, k=TOP, rerank=rerank)).hits]
        return [(one.document_id, one.document_url) for one in chunks]

    return ranking


def by_rank_bm25(engine: "SearchEngine", *, stemmed: bool) -> Ranking:
    """rank_bm25 over the passages as they are embedded, title and headings included; the best passage of an article."""
    from rank_bm25 import BM25Okapi

    from clockifyrag_index.text import folded_words, terms

    def tokens(text: str) -> list[str]:
        return terms(text) if stemmed else list(folded_words(text))

    chunks = list(engine.generation.chunks)
    peer = BM25Okapi([tokens(chunk.embedded_text) for chunk in chunks], k1=K1, b=B)

    def ranking(query: str) -> list[tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for row in np.argsort(-peer.get_scores(tokens(query)), kind="stable"):
            chunk = chunks[int(row)]
            found.setdefault(chunk.document_id, (chunk.document_id, chunk.document_url))
            if len(found) == TOP:
                break
        return list(found.values())

    return ranking
