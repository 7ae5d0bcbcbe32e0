"""The two legs of one question: which passages and articles each proposes, and its score for any passage."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .arrays import Numbers, Rows, Scores
from .article_words import ArticleWords
from .embedders import Vectors
from .fusion import Fusion, calibrated_dense, calibrated_lexical
from .generations import Generation
from .lexical import LexicalIndex, top_rows

Allowed = Callable[[Rows], npt.NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a leg puts forward: rows of passages, best first, and numbers of articles.

    floor: the highest score in this leg that a passage can have whose article was not put forward.
    """

    rows: Rows
    articles: Numbers
    floor: float


NOTHING = Proposal(np.zeros(0, np.int64), np.zeros(0, np.int64), 0.0)


class DenseLeg:
    """Passages and articles by the cosine of vectors."""

    def __init__(
        self, generation: Generation, question: Vectors, within: range, allowed: Allowed | None, fusion: Fusion
    ) -> None:
        """within: the rows of the namespace. allowed: which of them may be shown; None for all."""
        self._generation = generation
        self._question = question
        self._within = within
        self._allowed = allowed
        self._fusion = fusion
        numbers = generation.articles.numbers(within)
        self._articles_from = numbers.start
        self._articles = calibrated_dense(generation.articles.vectors[numbers.start : numbers.stop] @ question)

    def propose(self, k: int) -> Proposal:
        """The k best passages and the k best articles."""
        rows, passages = self._nearest(k)
        numbers, articles = top_rows(np.arange(len(self._articles), dtype=np.int64), self._articles, k + 1)
        floor = self._fusion.with_article(_floor(passages, k), _floor(articles, k))
        return Proposal(rows[:k], numbers[:k] + self._articles_from, float(floor[0]))

    def _nearest(self, k: int) -> tuple[Rows, Scores]:
        """k + 1 passages, or all there are: what comes after the k-th says whether there are more."""
        if self._allowed is None:
            rows, cosines = self._generation.dense.search(self._question, k + 1, self._within)
        else:  # a filter is applied to what was found, so everything has to be found
            rows, cosines = self._generation.dense.search(self._question, len(self._within), self._within)
            kept = self._allowed(rows)
            rows, cosines = rows[kept][: k + 1], cosines[kept][: k + 1]
        return rows, calibrated_dense(cosines)

    def scores(self, rows: Rows, articles: Numbers) -> Scores:
        """The leg's score of each passage; articles: the number of the article each stands in."""
        passages = calibrated_dense(self._generation.dense.vectors_of(rows) @ self._question)
        return self._fusion.with_article(passages, self._articles[articles - self._articles_from])


def _floor(scores: Scores, k: int) -> Scores:
    """The k-th of the best scores where there are more than k, else 0: what an unseen one has at most; (1,) float32."""
    return scores[k - 1 : k] if len(scores) > k else np.zeros(1, dtype=np.float32)


class LexicalLeg:
    """Passages by the words of the question; every passage that holds one of them has its score at once."""

    def __init__(
        self,
        generation: Generation,
        lexical: LexicalIndex,
        article_words: ArticleWords,
        weighted_terms: Mapping[str, float],
        own_terms: Mapping[str, float],
        allowed: Allowed,
        fusion: Fusion,
    ) -> None:
        """weighted_terms: own_terms, those the person typed, and the glossary's, which weigh less."""
        rows, passages = lexical.scores(weighted_terms)
        kept = allowed(rows)
        self.rows: Rows = rows[kept]
        whole = calibrated_lexical(article_words.scores(weighted_terms), sum(map(article_words.idf, own_terms)))
        passages = calibrated_lexical(passages[kept], sum(map(lexical.idf, own_terms)))
        self._scores = fusion.with_article(passages, whole[generation.articles.of_rows(self.rows)])
        self._article_part = np.float32(fusion.article_share) * whole

    def propose(self, k: int) -> Proposal:
        """The k best passages."""
        best, scores = top_rows(self.rows, self._scores, k)
        floor = float(scores[-1]) if len(best) < len(self.rows) else 0.0
        return Proposal(best, np.zeros(0, np.int64), floor)

    def scores(self, rows: Rows, articles: Numbers) -> Scores:
        """The leg's score of each passage; a passage without a word of the question has its article's part."""
        if not len(self.rows):
            return self._article_part[articles]
        places = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
        return np.where(self.rows[places] == rows, self._scores[places], self._article_part[articles])
