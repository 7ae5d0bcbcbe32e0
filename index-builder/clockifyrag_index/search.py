"""Search: question → articles, by both legs of one generation.

    question ─ clean ─ correct ─ expand ─┬─► dense leg   (cosine of vectors)   ─┐
                                         └─► lexical leg (BM25 of words)       ─┴─► fuse ─► group by article ─► hits
                                                                             (on request reranked, rerank.py) ┘

The legs propose adaptive_k chunks each, and more as long as an unseen chunk could still belong among the first k
articles (the threshold algorithm of Fagin, Lotem, Naor: "Optimal aggregation algorithms for middleware", PODS 2001):
so the first five of ten are the first ten's first five.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import sqrt

import numpy as np

from .arrays import Numbers, Rows, Scores
from .article_words import ArticleWords
from .categories import Categories
from .chunk import Chunk
from .dense import EF_SEARCH
from .embedders import Embedder, Vectors
from .embedders.vocabulary import knows_word
from .embedders.weighing import embedded_question
from .errors import EmbedderError, RerankSkipped
from .fusion import Fusion, FusionMethod, fused
from .generations import Generation
from .glossary import Glossary
from .impacts import Bm25
from .legs import NOTHING, DenseLeg, LexicalLeg
from .lexical import LexicalIndex
from .narrowing import Narrowing
from .question import Question, adaptive_k
from .ranked import ByArticle, Ranked, Source, Told, ranks
from .read_passages import ReadPassages
from .relevance import curve_of, is_confident, relevance
from .rerank import CANDIDATES, Reranker, Reranking, compared, mixed_curve
from .row_filter import RowFilter
from .stages import Stages
from .text import term_of, terms
from .top import distinct
from .typos import Speller
from .understanding import understood

SECTIONS_MAX = 3  # best sections shown of one article
PROPOSED_MAX = 2000  # chunks a leg proposes at most, whatever the threshold says
SCORE_DIGITS = 6  # behind the point of a relevance
WEIGHT_MIN = 0.1  # squared: of stop words and punctuation in a question's vector


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

    fusion: Fusion | None = None  # None: what the measurements favour for the generation's model
    bm25: Bm25 | None = None  # None: as the generation was written; others are worked out when it is opened
    embed_timeout_seconds: float = 0.4
    ef_search: int = EF_SEARCH  # rows that an index which does not compare all of them proposes
    rerank_candidates: int = CANDIDATES
    rerank_timeout_seconds: float = 0.5


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
    explanation: Mapping[str, Told]


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
    reranking: Reranking | None = None  # None: it was not asked for


class SearchEngine:
    """Answers questions from one opened generation; several threads may ask at once."""

    def __init__(
        self,
        generation: Generation,
        embedder: Embedder | None,
        glossary: Glossary | None = None,
        config: SearchConfig | None = None,
        reranker: Reranker | None = None,
    ) -> None:
        """`embedder` None: the lexical leg alone, said as degraded; so is a request to rerank without `reranker`."""
        self.generation = generation
        self.embedder = embedder
        self.glossary = glossary or Glossary()
        self.config = config or SearchConfig()
        self.reranker = reranker
        model = generation.manifest.embedder.model
        self.fusion, self.curve = self.config.fusion or Fusion.of_model(model), curve_of(model)
        self.lexical = LexicalIndex(generation.lexical_dir, self.config.bm25, generation.manifest.tokenizer)
        self.article_words = ArticleWords(self.lexical, len(generation.articles))
        self.categories = Categories(generation.lexical_dir)
        self.passages = ReadPassages(generation.chunks)
        self.speller = Speller(self.lexical, self.glossary.holds_word, partial(knows_word, embedder))

    def search(self, request: SearchRequest) -> SearchResult:
        """The best articles for a question.

        UnknownNamespace where the generation does not hold the namespace, DeadlineExceeded where not even the lexical
        leg fits into the request's time. A dense leg that fails or does not fit is left out and named in `degraded`,
        and so is a reranker.
        """
        run = Run(self, request)
        run.open()
        return run.result()

    def word_weight(self, word: str) -> float:
        """What a folded word counts in a question's vector, above 0 and at most 1: it grows with the word's idf."""
        term = term_of(word) if word else ""
        share = self.lexical.idf(term) / self.lexical.idf("") if term else 0.0  # of a word that stands nowhere
        return sqrt(max(share, WEIGHT_MIN))


class Run:
    """One question on its way through the stages."""

    def __init__(self, engine: SearchEngine, request: SearchRequest) -> None:
        self.engine = engine
        self.request = request
        self.stages = Stages(request.timeout_seconds)
        self.degraded: list[str] = []
        self.fusion, self.curve = engine.fusion, engine.curve
        chunks = engine.generation.chunks
        self.narrowing = Narrowing(chunks, engine.categories, request.namespace, request.category)
        self.vector: Vectors | None = None
        self.meaning: DenseLeg | None = None

    def open(self) -> None:
        """All stages before the ranking. DeadlineExceeded as from a search."""
        self.understand()
        self.match_words()  # before the vector: a model server may use up all the time there is
        self.embed()
        self.match_meaning()

    def understand(self) -> None:
        """Cleans, corrects and expands the question; its operators narrow what may be shown."""
        engine, narrowing = self.engine, self.narrowing
        with self.stages.timed("understand"):
            self.understood = understood(
                self.request.query, engine.speller, engine.glossary, expand=self.request.expand
            )
            found = self.understood.operators
            if found.phrases or found.excluded:
                chunk = engine.generation.chunks.__getitem__
                narrowing.row_filter = RowFilter(
                    found, engine.lexical, chunk, narrowing.in_place, self.stages.require_time
                )

    @property
    def question(self) -> Question:
        """As it was understood."""
        return self.understood.question

    def embed(self) -> None:
        """The question's vector; without one the dense leg is left out."""
        if not self.question.text:
            return  # all of it was invisible: that is no fault of the embedder
        seconds = min(self.engine.config.embed_timeout_seconds, self.stages.seconds_left())
        if self.engine.embedder is None or seconds <= 0:
            self.degraded.append("embedder")
            return
        with self.stages.timed("embed"):
            try:
                self.vector = embedded_question(
                    self.engine.embedder, self.question.text, self.engine.word_weight, timeout_seconds=seconds
                )
            except EmbedderError:
                self.degraded.append("embedder")

    def match_words(self) -> None:
        """Opens the lexical leg, which scores every passage that holds a word of the question."""
        self.stages.require_time()
        with self.stages.timed("lexical"):
            self.words = self.leg_of(self.understood.weighted_terms)

    def leg_of(self, weighted_terms: Mapping[str, float], article_share: float | None = None) -> LexicalLeg:
        """The lexical leg for these terms, calibrated for the words that were typed; where all of them are stop words,
        for those that the glossary adds.
        """
        engine, narrowing = self.engine, self.narrowing
        fusion = self.fusion if article_share is None else replace(self.fusion, article_share=article_share)
        return LexicalLeg(
            engine.lexical, engine.article_words, weighted_terms,
            self.understood.own_terms or self.understood.weighted_terms,
            narrowing.allowed if narrowing.is_partial else None,
            narrowing.shown if narrowing.row_filter is not None else None, fusion,  # a category holds whole articles
        )  # fmt: skip

    def match_meaning(self) -> None:
        """Opens the dense leg, where there is a vector."""
        if self.vector is not None:
            self.meaning = DenseLeg(
                self.engine.generation, self.vector, self.narrowing.within, self.narrowing.shown, self.fusion,
                self.engine.config.ef_search,
            )  # fmt: skip

    def result(self) -> SearchResult:
        """Fetches candidates until the first k articles are certain, and describes them."""
        with self.stages.timed("rank"):
            ranked = self._ranked_for_certain()
        reranking = None
        if self.request.rerank:
            ranked, reranking = self.reranked(ranked)
        with self.stages.timed("describe"):
            hits = self.hits(ranked)
        self.stages.end()
        return SearchResult(
            hits=hits,
            query_processed=self.question.text,
            query_type=self.question.query_type,
            adaptive_k=self._adaptive_k,
            expansion_applied=bool(self.understood.expansions),
            corrected_query=self.understood.corrected,
            low_confidence=not self.is_confident(ranked, hits),
            degraded=tuple(self.degraded),
            timings_ms=self.stages.timings_ms,
            reranking=reranking,
        )

    @property
    def _adaptive_k(self) -> int:
        return adaptive_k(self.request.k, self.question.query_type)

    def _ranked_for_certain(self) -> Ranked:
        """The ranking of so many candidates that the first k articles, or all that are reranked, are certain."""
        # ranks depend on everything proposed, so reciprocal rank fusion takes it all at once
        fetched = self._adaptive_k if self.method == "convex" else PROPOSED_MAX
        reranks = self.request.rerank and self.engine.reranker is not None
        certain = max(self.request.k, self.engine.config.rerank_candidates) if reranks else self.request.k
        while True:
            ranked = self.ranked(fetched)
            if ranked.certain(certain) or fetched >= PROPOSED_MAX:
                return ranked
            fetched = min(4 * fetched, PROPOSED_MAX)

    def reranked(self, ranked: Ranked) -> tuple[Ranked, Reranking]:
        """The ranking with what the reranker says of its best passages; as it is where that says nothing in time."""
        used, reason = False, None
        with self.stages.timed("rerank"):
            places = ranked.best(self.engine.config.rerank_candidates)
            try:
                if places:
                    ranked, used = self._compared(ranked, places), True
            except RerankSkipped as skipped:
                reason = skipped.reason
            except EmbedderError:
                reason = "unavailable"
        if reason is not None:
            self.degraded.append("rerank")
        return ranked, Reranking(used, reason, self.stages.timings_ms["rerank"])

    def _compared(self, ranked: Ranked, places: Sequence[int]) -> Ranked:
        engine = self.engine
        if engine.reranker is None:
            raise RerankSkipped("no_model", "no model to rerank with is set")
        seconds = min(engine.config.rerank_timeout_seconds, self.stages.seconds_left())
        passages = [engine.generation.chunks[int(ranked.rows[place])].embedded_text for place in places]
        scores = engine.reranker.scores(self.question.text, passages, seconds)
        self.curve = mixed_curve(engine.curve, engine.reranker.curve)
        return compared(ranked, engine.generation.articles.of_rows(ranked.rows), places, scores)

    def ranked(self, k: int) -> Ranked:
        """The passages of all articles that a leg proposes for k, scored and grouped."""
        articles = self.engine.generation.articles
        words = self.words.propose(k)
        meaning = self.meaning.propose(k) if self.meaning else NOTHING
        numbers = distinct(  # np.unique would import numpy.ma with the first question: 20 ms of every start
            np.concatenate(
                [articles.of_rows(words.rows), words.articles, articles.of_rows(meaning.rows), meaning.articles]
            )
        )
        rows = articles.rows_of(numbers)
        rows = rows[self.narrowing.allowed(rows)]
        numbers = articles.of_rows(rows)
        dense, lexical = self.leg_scores(rows, numbers)
        scores = self.fused(dense, lexical)
        share = self.dense_share
        return Ranked(
            rows=rows,
            dense=dense,
            lexical=lexical,
            scores=scores,
            articles=ByArticle(numbers, scores),
            dense_rank=ranks(rows, meaning.rows),
            lexical_rank=ranks(rows, words.rows),
            unseen_best=share * meaning.floor + (1 - share) * words.floor,
            dense_share=share,
            fusion=self.method,
        )

    @property
    def method(self) -> FusionMethod:
        """How the legs are fused; where words answer alone, their score is the sum with no weight on meaning."""
        return self.fusion.method if self.meaning else "convex"

    @property
    def dense_share(self) -> float:
        """The dense leg's part of the mix: none without a vector."""
        return self.fusion.dense_share if self.meaning else 0.0

    def leg_scores(self, rows: Rows, articles: Numbers) -> tuple[Scores, Scores]:
        """The dense and the lexical score of each passage; articles: the number of the article each stands in."""
        lexical = self.words.scores(rows, articles)
        return self.meaning.scores(rows, articles) if self.meaning else np.zeros_like(lexical), lexical

    def fused(self, dense: Scores, lexical: Scores, among: tuple[Scores, Scores] | None = None) -> Scores:
        """One score of both legs, as `fused`; that of words where they answer alone."""
        return fused(dense, lexical, self.fusion, among) if self.meaning else lexical

    def hits(self, ranked: Ranked) -> tuple[ArticleHit, ...]:
        hits: list[ArticleHit] = []
        for places in ranked.articles[: self.request.k]:
            sections = tuple(self._section(ranked, place) for place in places[:SECTIONS_MAX])
            score = sections[0].score
            if ranked.scores[places[0]] <= 0 or (self.request.min_score is not None and score < self.request.min_score):
                break
            hits.append(
                ArticleHit(len(hits) + 1, score, ranked.source(places[0]), sections, ranked.explained(places[0]))
            )
        return tuple(hits)

    def _section(self, ranked: Ranked, place: int) -> SectionHit:
        read = self.engine.passages[int(ranked.rows[place])]
        score = self.relevance(float(ranked.scores[place]))
        return SectionHit(read.chunk, score, read.words.of(self.understood.weighted_terms.keys()))

    def relevance(self, score: float) -> float:
        """Of a mixed score; the score itself where words answer alone, or where it comes from ranks.

        As it is shown: who takes a result's relevance for min_score gets that result again.
        """
        return round(relevance(score, self.curve if self.meaning and self.method == "convex" else None), SCORE_DIGITS)

    def is_confident(self, ranked: Ranked, hits: Sequence[ArticleHit]) -> bool:
        """Whether the best match among these articles says that they answer the question.

        Ranks alone do not tell it: something comes first for a question that nothing answers, too.
        """
        if not hits:
            return False
        shown = [places[0] for places in ranked.articles[: len(hits)]]
        scores = ranked.scores[shown] if self.method == "convex" else ranked.calibrated(shown)
        best = int(scores.argmax())
        row = int(ranked.rows[shown[best]])
        return is_confident(float(scores[best]), self.curve if self.meaning else None, partial(self._coverage, row))

    def _coverage(self, row: int) -> float:
        """The share of the question's words, by idf, that a passage, its title or headings hold, be it by another name
        that the glossary has for them; 0 where the question has none but stop words.
        """
        read = self.engine.passages[row]
        held = {*read.words.terms, *terms(read.chunk.breadcrumb)}
        if self.understood.expansions:
            for one in self.engine.glossary.named(self.question.text):
                if any(held.issuperset(terms(name)) for name in one.names):
                    held.update(map(term_of, one.words))
        idf = {term: self.engine.lexical.idf(term) for term in self.understood.own_terms}
        return sum(idf[term] for term in idf.keys() & held) / sum(idf.values()) if idf else 0.0
