"""Reranking a search: the order is what the scores say, and whatever fails leaves the first order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest

from clockifyrag_builder.sample import sample_articles, sample_questions
from clockifyrag_index.arrays import Scores
from clockifyrag_index.embedders import Embedder
from clockifyrag_index.errors import EmbedderUnavailable, RerankSkipped, SkipReason
from clockifyrag_index.evaluate import load_judged
from clockifyrag_index.fusion import Fusion
from clockifyrag_index.max_p import MaxP
from clockifyrag_index.relevance import Curve
from clockifyrag_index.rerank import RERANK_SHARE, Reranker
from clockifyrag_index.search import PROPOSED_MAX, Run, SearchConfig, SearchEngine, SearchRequest, SearchResult
from clockifyrag_resource.profiles import model_profile

QUESTIONS = [one.query for one in load_judged(sample_questions())]
QUESTION = "approve timesheets"
CANDIDATES = 8


class Told:
    """A reranker whose scores a test sets, by what stands in a passage; it notes what it was asked."""

    def __init__(self, score: Callable[[str], float], even_at: float = 0.5, error: Exception | None = None) -> None:
        self.score = score
        self.curve = Curve(even_at)
        self.error = error
        self.asked: list[tuple[str, tuple[str, ...], float]] = []

    def scores(self, question: str, passages: Sequence[str], timeout_seconds: float) -> Scores:
        self.asked.append((question, tuple(passages), timeout_seconds))
        if self.error:
            raise self.error
        return np.array([self.score(passage) for passage in passages], np.float32)

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def sample(engine_over: Callable[..., SearchEngine]) -> SearchEngine:
    return engine_over(sample_articles())


def with_reranker(engine: SearchEngine, reranker: Reranker | None, **config: object) -> SearchEngine:
    settings = replace(engine.config, **{"rerank_candidates": CANDIDATES, **config})  # type: ignore[arg-type]
    return SearchEngine(engine.generation, engine.embedder, engine.glossary, settings, reranker)


def reranked(engine: SearchEngine, k: int = 10, question: str = QUESTION, **request: object) -> SearchResult:
    return engine.search(SearchRequest(question, k=k, rerank=True, **request))  # type: ignore[arg-type]


def ids(result: SearchResult) -> list[str]:
    return [hit.sections[0].chunk.document_id for hit in result.hits]


def chunk_ids(result: SearchResult) -> list[str]:
    return [section.chunk.chunk_id for hit in result.hits for section in hit.sections]


def passages_of(result: SearchResult) -> list[str]:
    return [hit.sections[0].chunk.embedded_text for hit in result.hits]


def by_hash(passage: str) -> float:
    """A score that has nothing to do with the question."""
    return sum(map(ord, passage)) % 97 / 96


@dataclass(frozen=True)
class Passage:
    """A passage as the first stage scores it, before any grouping."""

    row: int
    article: str
    text: str
    score: float


def every_passage(engine: SearchEngine, question: str) -> list[Passage]:
    """All that come into question, best first, equal ones by row."""
    run = Run(engine, SearchRequest(question))
    run.open()
    ranked = run.ranked(PROPOSED_MAX)
    found = []
    for row, score in zip(ranked.rows.tolist(), ranked.scores.tolist(), strict=True):
        chunk = engine.generation.chunks[row]
        found.append(Passage(row, chunk.document_id, chunk.embedded_text, score))
    return sorted((one for one in found if one.score > 0), key=lambda one: (-one.score, one.row))


@pytest.mark.parametrize("question", QUESTIONS[::9])
def test_the_order_is_that_of_both_scores_together(sample: SearchEngine, question: str) -> None:
    passages = every_passage(sample, question)
    compared = {one.row for one in passages[:CANDIDATES]}
    best: dict[str, float] = {}
    for one in passages:
        mixed = (1 - RERANK_SHARE) * one.score + (RERANK_SHARE * by_hash(one.text) if one.row in compared else 0.0)
        best[one.article] = max(best.get(one.article, 0.0), mixed)

    result = reranked(with_reranker(sample, Told(by_hash)), k=20, question=question)

    assert sorted(best, key=best.__getitem__, reverse=True)[:20] == ids(result)
    known = {one.text for one in passages[:CANDIDATES]}
    for article, hit, text in zip(ids(result), result.hits, passages_of(result), strict=True):
        told = hit.explanation
        assert pytest.approx(best[article], abs=1e-5) == told["mixed_score"]
        assert (by_hash(text) if text in known else None) == pytest.approx(told["rerank_score"], abs=1e-5)


@pytest.mark.parametrize("score", [0.0, 0.4, 1.0])
def test_equal_scores_leave_every_place_as_it_was(sample: SearchEngine, score: float) -> None:
    engine = with_reranker(sample, Told(lambda passage: score))

    for question in QUESTIONS[::11]:
        plain = sample.search(SearchRequest(question, k=10))
        assert chunk_ids(plain) == chunk_ids(reranked(engine, question=question))


@pytest.mark.parametrize("question", QUESTIONS[::7])
@pytest.mark.parametrize("method", ["convex", "rrf"])
def test_fewer_results_are_the_first_of_more(sample: SearchEngine, question: str, method: str) -> None:
    told = Told(by_hash)
    wide = {"rerank_candidates": 30}  # many more than a leg proposes for three results at first
    engine = with_reranker(sample, told, fusion=Fusion(method=method), **wide)  # type: ignore[arg-type]

    few, some, many = (reranked(engine, k, question) for k in (3, 10, 50))

    assert ids(many)[:3] == ids(some)[:3] == ids(few)
    assert ids(many)[:10] == ids(some)
    assert [hit.relevance_score for hit in many.hits][:3] == [hit.relevance_score for hit in few.hits]
    assert 1 == len({passages for _, passages, _ in told.asked})


@pytest.mark.parametrize("question", QUESTIONS[::7])
def test_scores_fall_with_the_rank_and_stay_between_zero_and_one(sample: SearchEngine, question: str) -> None:
    result = reranked(with_reranker(sample, Told(by_hash)), 50, question)

    scores = [hit.relevance_score for hit in result.hits]

    assert sorted(scores, reverse=True) == scores
    assert all(0 < score <= 1 for score in scores)
    for hit in result.hits:
        assert sorted((section.score for section in hit.sections), reverse=True) == [s.score for s in hit.sections]


def test_the_best_passages_are_compared_whatever_article_they_stand_in(sample: SearchEngine) -> None:
    told = Told(by_hash)
    first = every_passage(sample, QUESTION)[:CANDIDATES]

    reranked(with_reranker(sample, told, rerank_timeout_seconds=0.3), k=1)

    ((question, passages, seconds),) = told.asked
    assert (QUESTION, tuple(one.text for one in first), 0.3) == (question, passages, seconds)
    assert len({one.article for one in first}) < CANDIDATES


def test_a_question_is_compared_as_it_was_understood(sample: SearchEngine) -> None:
    told = Told(by_hash)

    reranked(with_reranker(sample, told), question="aprove timeshets -kiosk")

    assert ["approve timesheets"] == [question for question, _, _ in told.asked]


def test_the_search_has_the_last_word_on_time(sample: SearchEngine) -> None:
    told = Told(by_hash)

    reranked(with_reranker(sample, told, rerank_timeout_seconds=30.0), timeout_seconds=5.0)

    ((_, _, seconds),) = told.asked
    assert 0 < seconds < 5.0


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        pytest.param(RerankSkipped("timeout", "too slow"), "timeout", id="too-slow"),
        pytest.param(RerankSkipped("busy", "all places are taken"), "busy", id="busy"),
        pytest.param(EmbedderUnavailable("connection refused"), "unavailable", id="down"),
    ],
)
def test_what_fails_leaves_the_first_order_and_says_so(
    sample: SearchEngine, error: Exception, reason: SkipReason
) -> None:
    plain = sample.search(SearchRequest(QUESTION, k=10))

    result = reranked(with_reranker(sample, Told(by_hash, error=error)))

    assert result.reranking is not None
    assert (False, reason, ("rerank",)) == (result.reranking.used, result.reranking.reason, result.degraded)
    assert plain.hits == result.hits


def test_without_a_model_the_first_order_stands_and_it_is_said(sample: SearchEngine) -> None:
    result = reranked(with_reranker(sample, None))

    assert result.reranking is not None
    assert (False, "no_model", ("rerank",)) == (result.reranking.used, result.reranking.reason, result.degraded)
    assert sample.search(SearchRequest(QUESTION, k=10)).hits == result.hits


def test_what_is_not_asked_for_is_not_done(sample: SearchEngine) -> None:
    told = Told(by_hash)

    result = with_reranker(sample, told).search(SearchRequest(QUESTION))

    assert (None, (), []) == (result.reranking, result.degraded, told.asked)


def test_where_nothing_is_found_there_is_nothing_to_compare_and_nothing_missing(sample: SearchEngine) -> None:
    told = Told(by_hash)

    result = reranked(with_reranker(sample, told), question="\u200b\u200b")

    assert result.reranking is not None
    assert (False, None, (), []) == (result.reranking.used, result.reranking.reason, result.degraded, told.asked)


def test_words_alone_are_reranked_as_well(sample: SearchEngine) -> None:
    alone = SearchEngine(sample.generation, None, None, SearchConfig(rerank_candidates=CANDIDATES), Told(by_hash))

    result = reranked(alone)

    scores = [hit.explanation["mixed_score"] for hit in result.hits]
    assert ("embedder",) == result.degraded
    assert pytest.approx(scores, abs=1e-6) == [hit.relevance_score for hit in result.hits]


def test_relevance_is_even_where_both_scores_are(sample: SearchEngine) -> None:
    first = sample.search(SearchRequest(QUESTION, k=1)).hits[0]
    fused = first.explanation["fused_score"]
    assert fused is not None
    even_of_first, even_of_second = 0.25, 0.7  # of wordllama, and of the reranker below
    score = even_of_second + (even_of_first - fused) * (1 - RERANK_SHARE) / RERANK_SHARE

    result = reranked(with_reranker(sample, Told(lambda passage: score, even_at=even_of_second)), k=1)

    assert pytest.approx(0.5, abs=1e-4) == result.hits[0].relevance_score


def test_a_least_score_cuts_by_what_is_shown(sample: SearchEngine) -> None:
    engine = with_reranker(sample, Told(by_hash))
    every = reranked(engine, 20)
    least = every.hits[2].relevance_score

    cut = reranked(engine, 20, min_score=least)

    assert [one for one in every.hits if one.relevance_score >= least] == list(cut.hits)


def test_with_a_model_of_the_process_the_score_is_its_cosine(sample: SearchEngine, wordllama: Embedder) -> None:
    engine = with_reranker(sample, MaxP(wordllama, model_profile("wordllama")))
    changed = 0

    for question in QUESTIONS[::20]:
        result = reranked(engine, question=question)
        changed += ids(result) != ids(sample.search(SearchRequest(question, k=10)))
        vector = wordllama.embed_question(result.query_processed)
        for hit, passage in zip(result.hits, passages_of(result), strict=True):
            cosine = float(wordllama.embed_documents([passage])[0] @ vector)
            told = hit.explanation["rerank_score"]
            assert told is None or pytest.approx(max(0.0, cosine), abs=1e-5) == told

    assert changed
