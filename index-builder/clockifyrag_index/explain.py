"""Explain: why an article or a passage stands where it does for a question, or what keeps it away.

The search is run as it was asked, and once more without what narrows it; the numbers are those of the legs themselves,
so what is told adds up to what is ranked:

    fused     = dense.weight · dense.score + lexical.weight · lexical.score          fusion "convex"
    fused     = dense.weight · dense.reciprocal_rank + lexical.weight · lexical.reciprocal_rank          "rrf"
    dense     = (1 − a) · passage_cosine          + a · article_cosine           a: article_share
    lexical   = (1 − a) · Σ terms' passage, ≤ 1   + a · Σ terms' article, ≤ 1    negative cosines count as 0
    relevance = curve(fused), with "rrf" fused itself                 (relevance.py)
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

import numpy as np
from rapidfuzz import fuzz, process

from .arrays import Rows, Scores
from .errors import UnknownItem
from .fusion import FusionMethod, reciprocal_rank
from .impacts import FIELDS, Field
from .ranked import Ranked
from .search import PROPOSED_MAX, SECTIONS_MAX, Run, SearchEngine, SearchRequest

NAMES_MAX = 20_000  # sections looked through for a name like an unknown one

Rule = Literal["namespace", "category", "operators", "no_match", "min_score", "k", "better_sections"]


@dataclass(frozen=True, slots=True)
class TermPart:
    """What one term of the question adds, as a share of the highest that all its words could reach."""

    term: str
    weight: float  # 1 for a word that was typed, less for the glossary's
    idf: float
    frequency: dict[str, int]  # in each field of the passage
    passage: float
    article: float


@dataclass(frozen=True, slots=True)
class LegPart:
    """One leg's word on the passage."""

    rank: int | None  # among the passages of the leg; None: not among those it proposes
    score: float  # between 0 and 1
    weight: float  # of the leg in the mix
    reciprocal_rank: float | None  # what the place among all that came into question counts; None: scores are mixed


@dataclass(frozen=True, slots=True)
class Place:
    """An article in the ranking."""

    id: str
    rank: int
    relevance_score: float
    fused_score: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where a passage stands and why; the best passage speaks for an article."""

    row: int
    query_processed: str
    query_type: str
    corrected_query: str | None
    degraded: tuple[str, ...]
    removed_by: Rule | None  # None: it is among the results
    rank: int | None  # of its article among all; None: not among those that come into question
    relevance_score: float
    fusion: FusionMethod
    fused_score: float
    article_share: float  # a: of the article in both legs
    dense: LegPart | None  # None: there is no vector of the question
    dense_passage: float | None  # cosine with the passage, and with the direction of its article
    dense_article: float | None
    lexical: LegPart
    terms: tuple[TermPart, ...]
    last: Place | None  # the last article that is shown; None where there is none


def explain(engine: SearchEngine, request: SearchRequest, wanted: str) -> Explanation:
    """Where the article or chunk of that id stands for the question.

    UnknownItem for an id the generation does not hold, with the nearest it does; UnknownNamespace and DeadlineExceeded
    as from a search.
    """
    rows, is_chunk = _rows_of(engine, wanted)
    asked = _understood(engine, request)
    ranking = asked.ranked(PROPOSED_MAX)
    allowed = asked.narrowing.allowed(rows)
    rows = rows[allowed] if allowed.any() else rows  # passages that may be shown speak for an article before others
    narrowed = request.namespace is not None or request.category is not None
    anywhere = _understood(engine, replace(request, namespace=None, category=None)) if narrowed else asked
    dense, lexical = _leg_scores(anywhere, ranking, rows)
    fused = anywhere.fused(dense, lexical, (ranking.dense, ranking.lexical))
    best = int(np.lexsort((rows, -fused))[0])
    row, score = int(rows[best]), float(fused[best])
    place = _place(asked, ranking, row)
    shown = asked.relevance(score)
    return Explanation(
        row=row,
        query_processed=asked.question.text,
        query_type=asked.question.query_type,
        corrected_query=asked.understood.corrected,
        degraded=tuple(asked.degraded),
        removed_by=_rule(asked, ranking, row, place, is_chunk),
        rank=place,
        relevance_score=shown,
        fusion=asked.method,
        fused_score=score,
        article_share=engine.fusion.article_share,
        dense=_leg(ranking, row, "dense", float(dense[best])) if asked.meaning else None,
        dense_passage=_cosine(asked, engine.generation.dense.vector(row)),
        dense_article=_cosine(asked, engine.generation.articles.vectors[_number(engine, row)]),
        lexical=_leg(ranking, row, "lexical", float(lexical[best])),
        terms=tuple(_terms(anywhere, row)),
        last=_last(asked, ranking),
    )


def _understood(engine: SearchEngine, request: SearchRequest) -> Run:
    run = Run(engine, request)
    run.open()
    return run


def _leg_scores(run: Run, ranking: Ranked, rows: Rows) -> tuple[Scores, Scores]:
    """Both legs' scores of the passages: those with which they are ranked, to the last bit, where they are."""
    dense, lexical = run.leg_scores(rows, run.engine.generation.articles.of_rows(rows))
    _, here, there = np.intersect1d(rows, ranking.rows, assume_unique=True, return_indices=True)
    dense[here], lexical[here] = ranking.dense[there], ranking.lexical[there]
    return dense, lexical


def _number(engine: SearchEngine, row: int) -> int:
    return int(engine.generation.articles.of_rows(np.array([row]))[0])


def _cosine(run: Run, vector: np.ndarray) -> float | None:
    return None if run.vector is None else float(np.dot(vector, run.vector))


def _rows_of(engine: SearchEngine, wanted: str) -> tuple[Rows, bool]:
    """The rows of the article, or the row of the chunk, of that id; whether it is a chunk's."""
    chunks, articles = engine.generation.chunks, engine.generation.articles
    row = chunks.row_of(wanted)
    if row is not None:
        return np.array([row], dtype=np.int64), True
    first = chunks.first_row(wanted)
    if first is None:
        raise UnknownItem(wanted, _nearest(engine, wanted))
    return articles.rows_of(articles.of_rows(np.array([first]))), False


def _nearest(engine: SearchEngine, wanted: str) -> str | None:
    names = {outline.document_id for outline in islice(engine.generation.chunks.outlines(), NAMES_MAX)}
    found = process.extractOne(wanted[:200], sorted(names), scorer=fuzz.ratio)
    return found[0] if found else None


def _place(run: Run, ranking: Ranked, row: int) -> int | None:
    """The rank of the row's article in the ranking, from 1."""
    wanted = _number(run.engine, row)
    numbers = run.engine.generation.articles.of_rows(ranking.rows)
    ranks = (rank for rank, places in enumerate(ranking.articles, 1) if numbers[places[0]] == wanted)
    return next(ranks, None)


def _leg(ranking: Ranked, row: int, leg: Literal["dense", "lexical"], score: float) -> LegPart:
    """What a leg says of the passage, beside the passages of the ranking."""
    dense = leg == "dense"
    at = np.flatnonzero(ranking.rows == row)
    ranks, among = (ranking.dense_rank, ranking.dense) if dense else (ranking.lexical_rank, ranking.lexical)
    return LegPart(
        rank=(int(ranks[at[0]]) or None) if len(at) else None,
        score=score,
        weight=ranking.dense_share if dense else 1 - ranking.dense_share,
        reciprocal_rank=reciprocal_rank(score, among) if ranking.fusion == "rrf" else None,
    )


def _rule(run: Run, ranking: Ranked, row: int, place: int | None, is_chunk: bool) -> Rule | None:
    """The first rule that keeps the passage from the results, in the order in which they act."""
    request, at = run.request, np.array([row], dtype=np.int64)
    if not run.narrowing.within.start <= row < run.narrowing.within.stop:
        return "namespace"
    if request.category is not None and not run.engine.categories.holds(request.category, at)[0]:
        return "category"
    if not run.narrowing.allowed(at)[0]:
        return "operators"
    sections = ranking.articles[place - 1] if place else []
    best = float(ranking.scores[sections[0]]) if sections else 0.0
    if place is None or best <= 0:
        return "no_match"
    if request.min_score is not None and run.relevance(best) < request.min_score:
        return "min_score"
    if place > request.k:
        return "k"
    if is_chunk and row not in ranking.rows[sections[:SECTIONS_MAX]]:
        return "better_sections"
    return None


def _last(run: Run, ranking: Ranked) -> Place | None:
    """The last article that the request shows."""
    hits = run.hits(ranking)
    if not hits:
        return None
    last, fused = hits[-1], ranking.scores[ranking.articles[len(hits) - 1][0]]
    return Place(last.sections[0].chunk.document_id, last.rank, last.relevance_score, float(fused))


def _terms(run: Run, row: int) -> Iterator[TermPart]:
    """Each term that was asked for, in alphabetical order."""
    lexical = run.engine.lexical
    at = np.array([row], dtype=np.int64)
    number = run.engine.generation.articles.of_rows(at)
    for term, weight in sorted(run.understood.weighted_terms.items()):
        yield TermPart(
            term=term,
            weight=weight,
            idf=lexical.idf(term),
            frequency={
                name: _count(field, lexical.number_of(term), row)
                for name, field in zip(FIELDS, lexical.fields, strict=True)
            },
            passage=float(run.leg_of({term: weight}, article_share=0.0).scores(at, number)[0]),
            article=float(run.leg_of({term: weight}, article_share=1.0).scores(at, number)[0]),
        )


def _count(field: Field, term: int | None, row: int) -> int:
    """How often the term of that number stands in the field of the passage."""
    if term is None:
        return 0
    begin, end = int(field.indptr[term]), int(field.indptr[term + 1])
    at = begin + int(np.searchsorted(field.rows[begin:end], row))
    return int(field.tf[at]) if at < end and field.rows[at] == row else 0
