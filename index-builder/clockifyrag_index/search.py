"""Search: question → articles, by both legs of one generation.

    question ─ clean ─ correct ─ expand ─┬─► dense leg   (cosine of vectors)   ─┐
                                         └─► lexical leg (BM25 of words)       ─┴─► fuse ─► group by article ─► hits

The legs propose adaptive_k chunks each, and more as long as an unseen chunk could still belong among the first k
articles (the threshold algorithm of Fagin, Lotem, Naor: "Optimal aggregation algorithms for middleware", PODS 2001):
so the first five of ten are the first ten's first five.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from .candidates import NO_LEG, Candidates, Leg, Rows, lexical_leg, looked_up, ranks
from .chunk import Chunk
from .columns import Columns
from .embedders import Embedder, Vectors
from .errors import DeadlineExceeded, EmbedderError, UnknownNamespace
from .fusion import Fusion, Scores, calibrated_dense, calibrated_lexical, fused
from .generations import Generation
from .glossary import Glossary
from .highlights import highlights
from .lexical import Bm25, LexicalIndex, question_terms
from .question import Question, adaptive_k, question
from .relevance import is_confident, relevance
from .typos import Speller

Source = Literal["semantic", "lexical", "hybrid"]

SECTIONS_MAX = 3  # best sections shown of one article
PROPOSED_MAX = 2000  # chunks a leg proposes at most, whatever the threshold says
EXPANSION_WEIGHT = 0.4  # of a glossary's term beside 1 for a word that was typed


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A question and how it is to be answered; the service has checked the ranges."""

    query: str
    k: int = 5
    expand: bool = True  # correct spelling and add the glossary's other names
    rerank: bool = False
    namespace: str | None = None
    category: str | None = None  # leading segments of the chunks' category
    min_score: float | None = None
    timeout_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class SearchConfig:
    """Settings of the ranking; none of them needs a rebuild."""

    fusion: Fusion = field(default_factory=Fusion)
    bm25: Bm25 = field(default_factory=Bm25)
    embed_timeout_seconds: float = 0.4


@dataclass(frozen=True, slots=True)
class SectionHit:
    """A passage of an article, its score, and where the question's words stand in it (code points)."""

    chunk: Chunk
    score: float
    highlights: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class ArticleHit:
    """One article with its best passages, best first."""

    rank: int
    relevance_score: float  # between 0 and 1
    source: Source
    sections: tuple[SectionHit, ...]
    explanation: Mapping[str, float | int | None]


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What was found, and how the question was understood."""

    hits: tuple[ArticleHit, ...]
    query_processed: str
    query_type: str
    adaptive_k: int
    expansion_applied: bool
    corrected_query: str | None
    low_confidence: bool
    degraded: tuple[str, ...]
    timings_ms: Mapping[str, float]


class SearchEngine:
    """Answers questions from one opened generation; several threads may ask at once."""

    def __init__(
        self,
        generation: Generation,
        embedder: Embedder | None,
        glossary: Glossary | None = None,
        config: SearchConfig | None = None,
    ) -> None:
        """`embedder` None: the lexical leg alone, said as degraded."""
        self.generation = generation
        self.embedder = embedder
        self.glossary = glossary or Glossary()
        self.config = config or SearchConfig()
        self.lexical = LexicalIndex(generation.lexical_dir, self.config.bm25)
        self.columns = Columns(generation.lexical_dir)
        self.speller = Speller(self.lexical, known=lambda word: bool(self.glossary.expansions(word)))

    def search(self, request: SearchRequest) -> SearchResult:
        """The best articles for a question.

        UnknownNamespace where the generation does not hold the namespace, DeadlineExceeded where not even the lexical
        leg fits into the request's time. A dense leg that fails or does not fit is left out and named in `degraded`.
        """
        run = _Run(self, request)
        run.understand()
        run.embed()
        run.match_words()
        return run.result()


class _Run:
    """One question on its way through the stages."""

    def __init__(self, engine: SearchEngine, request: SearchRequest) -> None:
        self.engine = engine
        self.request = request
        self.degraded: list[str] = []
        self.timings: dict[str, float] = {}
        self.started = time.monotonic()
        self.vector: Vectors | None = None
        self.within = self._namespace_rows()

    def _namespace_rows(self) -> range:
        """The rows of the namespace asked for, all of them when none is."""
        chunks, wanted = self.engine.generation.chunks, self.request.namespace
        if wanted is None:
            return range(len(chunks))
        if wanted not in chunks.namespaces:
            raise UnknownNamespace(wanted, tuple(chunks.namespaces))
        return chunks.namespace_rows(wanted)

    def understand(self) -> None:
        """Cleans, corrects and expands the question."""
        started = time.monotonic()
        self.question: Question = question(self.request.query)
        self.corrected: str | None = None
        self.expansions: tuple[str, ...] = ()
        if self.request.expand:
            correction = self.engine.speller.correct(self.question.text)
            if correction.changed:
                self.corrected = correction.text
                self.question = Question(correction.text, self.question.query_type)
            self.expansions = self.engine.glossary.expansions(self.question.text)
        self.own_terms = question_terms([self.question.text])
        self.weighted_terms = {**dict.fromkeys(self.expansions, EXPANSION_WEIGHT), **self.own_terms}
        self._took("understand", started)

    def embed(self) -> None:
        """The question's vector; without one the dense leg is left out."""
        if self.engine.embedder is None:
            self.degraded.append("embedder")
            return
        started = time.monotonic()
        seconds = min(self.engine.config.embed_timeout_seconds, self._seconds_left())
        if seconds <= 0:
            self.degraded.append("embedder")
            return
        try:
            self.vector = self.engine.embedder.embed_question(self.question.text, timeout_seconds=seconds)
        except EmbedderError:
            self.degraded.append("embedder")
        self._took("embed", started)

    def match_words(self) -> None:
        """Scores of all chunks that hold a word of the question, rows ascending, within namespace and category."""
        if self._seconds_left() <= 0:
            raise DeadlineExceeded(f"the question took longer than its {self.request.timeout_seconds} seconds")
        started = time.monotonic()
        lexical = self.engine.lexical
        rows, scores = lexical.scores(self.weighted_terms)
        bound = sum(lexical.idf(term) for term in self.own_terms)
        kept = self._allowed(rows)
        self.word_rows: Rows = rows[kept]
        self.word_scores: Scores = calibrated_lexical(scores[kept], bound)
        self._took("lexical", started)

    def _allowed(self, rows: Rows) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        allowed = (rows >= self.within.start) & (rows < self.within.stop)
        if self.request.category is not None:
            allowed &= self.engine.columns.in_category(rows, self.request.category)
        return allowed

    def result(self) -> SearchResult:
        """Fetches candidates until the first k articles are certain, and describes them."""
        started = time.monotonic()
        fetched = asked = adaptive_k(self.request.k, self.question.query_type)
        while True:
            dense, words = self._dense_leg(fetched), lexical_leg(self.word_rows, self.word_scores, fetched)
            candidates = self._candidates(dense, words)
            scores = self._fused(candidates)
            articles = self._articles(candidates.rows, scores)
            if self._is_certain(dense, words, scores, articles) or fetched >= PROPOSED_MAX:
                break
            fetched = min(4 * fetched, PROPOSED_MAX)
        self._took("rank", started)
        started = time.monotonic()
        hits = self._hits(candidates, scores, articles)
        self._took("describe", started)
        self.timings["total"] = (time.monotonic() - self.started) * 1000
        return SearchResult(
            hits=hits,
            query_processed=self.question.text,
            query_type=self.question.query_type,
            adaptive_k=asked,
            expansion_applied=bool(self.expansions),
            corrected_query=self.corrected,
            low_confidence=not is_confident(hits[0].relevance_score if hits else 0.0),
            degraded=tuple(self.degraded),
            timings_ms=self.timings,
        )

    def _dense_leg(self, k: int) -> Leg:
        """The k nearest chunks within namespace and category, by calibrated cosine."""
        if self.vector is None:
            return NO_LEG
        available = len(self.within)
        wanted = k if self.request.category is None else available  # a category is sifted out of everything
        rows, cosines = self.engine.generation.dense.search(self.vector, min(wanted, available), self.within)
        if self.request.category is not None:
            kept = self._allowed(rows)
            rows, cosines = rows[kept], cosines[kept]
        return Leg(rows[:k], calibrated_dense(cosines[:k]), exhausted=len(rows) <= k and wanted >= available)

    def _candidates(self, dense: Leg, words: Leg) -> Candidates:
        """The union of the legs' proposals, each row with its score in both."""
        rows = np.union1d(dense.rows, words.rows)
        dense_scores = np.zeros(len(rows), dtype=np.float32)
        if self.vector is not None and len(rows):
            vectors = np.stack([self.engine.generation.dense.vector(int(row)) for row in rows])
            dense_scores = calibrated_dense(vectors @ self.vector)
        word_scores = looked_up(rows, self.word_rows, self.word_scores)
        return Candidates(rows, dense_scores, word_scores, ranks(rows, dense), ranks(rows, words))

    def _fused(self, candidates: Candidates) -> Scores:
        if self.vector is None:
            return candidates.lexical
        return fused(candidates.dense, candidates.lexical, self.engine.config.fusion)

    def _articles(self, rows: Rows, scores: Scores) -> list[list[int]]:
        """The candidates' places, grouped by article, best article and best passage first; equal scores by row."""
        groups: dict[int, list[int]] = {}
        for place in np.lexsort((rows, -scores)):
            groups.setdefault(int(self.engine.columns.document_of[rows[place]]), []).append(int(place))
        return list(groups.values())

    def _is_certain(self, dense: Leg, words: Leg, scores: Scores, articles: list[list[int]]) -> bool:
        """Whether no chunk outside the legs' proposals could change the first k articles."""
        if dense.exhausted and words.exhausted:
            return True
        if len(articles) < self.request.k:
            return False
        share = self.engine.config.fusion.dense_share if self.vector is not None else 0.0
        unseen_best = share * dense.floor + (1 - share) * words.floor
        return float(scores[articles[self.request.k - 1][0]]) >= unseen_best

    def _hits(self, candidates: Candidates, scores: Scores, articles: list[list[int]]) -> tuple[ArticleHit, ...]:
        hits: list[ArticleHit] = []
        lit = self.weighted_terms.keys()
        for places in articles[: self.request.k]:
            best = places[0]
            score = relevance(float(scores[best]), dense=self.vector is not None)
            if self.request.min_score is not None and score < self.request.min_score:
                break
            sections = tuple(
                SectionHit(
                    chunk,
                    relevance(float(scores[place]), dense=self.vector is not None),
                    highlights(chunk.content, lit),
                )
                for place in places[:SECTIONS_MAX]
                if (chunk := self.engine.generation.chunks[int(candidates.rows[place])])
            )
            hits.append(
                ArticleHit(
                    len(hits) + 1, score, _source(candidates, best), sections, _explanation(candidates, scores, best)
                )
            )
        return tuple(hits)

    def _seconds_left(self) -> float:
        """Seconds until the request's deadline; infinite without one."""
        if self.request.timeout_seconds is None:
            return float("inf")
        return self.request.timeout_seconds - (time.monotonic() - self.started)

    def _took(self, stage: str, started: float) -> None:
        self.timings[stage] = (time.monotonic() - started) * 1000


def _source(candidates: Candidates, place: int) -> Source:
    """Which leg proposed the passage; both: hybrid."""
    if candidates.dense_rank[place] and candidates.lexical_rank[place]:
        return "hybrid"
    return "semantic" if candidates.dense_rank[place] else "lexical"


def _explanation(candidates: Candidates, scores: Scores, place: int) -> dict[str, float | int | None]:
    """The numbers behind a hit: rank and calibrated score in each leg, and the fused score."""
    return {
        "dense_rank": int(candidates.dense_rank[place]) or None,
        "dense_score": round(float(candidates.dense[place]), 6),
        "lexical_rank": int(candidates.lexical_rank[place]) or None,
        "lexical_score": round(float(candidates.lexical[place]), 6),
        "fused_score": round(float(scores[place]), 6),
    }
