"""The two legs of one question: which passages and articles each proposes, and its score for any passage."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .arrays import Numbers, Rows, Scores
from .article_words import ArticleWords
from .dense import EF_SEARCH
from .embedders import Vectors
from .fusion import Fusion, calibrated_dense, calibrated_lexical
from .generations import Generation
from .lexical import LexicalIndex
from .top import top_of_repeated, top_rows

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
        self,
        generation: Generation,
        question: Vectors,
        within: range,
        shown: Rows | None,
        fusion: Fusion,
        ef_search: int = EF_SEARCH,
    ) -> None:
        """within: the rows of the namespace. shown: those of them that may be shown, ascending; None for all."""
        self._dense = generation.dense
        self._question = question
        self._rows = within if shown is None else shown
        self._fusion = fusion
        self._ef_search = ef_search
        numbers = generation.articles.numbers(within)
        self._articles = generation.articles.beside(question, numbers, ef_search)
        self._rows_count, self._articles_count = len(self._rows), len(numbers)

    def propose(self, k: int) -> Proposal:
        """The k best passages and the k best articles; no more passages than the index reaches with one look."""
        # what comes after the k-th says whether there are more
        asked = min(k + 1, self._dense.reach(self._ef_search))
        rows, cosines = self._dense.search(self._question, asked, self._rows, ef_search=self._ef_search)
        numbers, articles = self._articles.nearest(k + 1)
        floor = self._fusion.with_article(
            _floor(calibrated_dense(cosines), k, self._rows_count),
            _floor(calibrated_dense(articles), k, self._articles_count),
        )
        return Proposal(rows[:k], numbers[:k], float(floor[0]))

    def scores(self, rows: Rows, articles: Numbers) -> Scores:
        """The leg's score of each passage; articles: the number of the article each stands in."""
        passages = calibrated_dense(self._dense.scores(self._question, rows))
        return self._fusion.with_article(passages, calibrated_dense(self._articles.cosines(articles)))


def _floor(scores: Scores, k: int, total: int) -> Scores:
    """What one that is not among the k best has at most, (1,) float32: 0 where there is none.

    scores: the best of `total`, descending, up to k + 1; they end earlier where an index reaches no further.
    """
    last = min(k, len(scores))
    return scores[last - 1 : last] if 0 < last < total else np.zeros(1, dtype=np.float32)


class LexicalLeg:
    """Passages by the words of the question, and by those of their articles."""

    def __init__(
        self,
        lexical: LexicalIndex,
        article_words: ArticleWords,
        weighted_terms: Mapping[str, float],
        own_terms: Mapping[str, float],
        allowed: Allowed | None,
        shown: Rows | None,
        fusion: Fusion,
    ) -> None:
        """weighted_terms: own_terms, as the person typed them, and the glossary's, which weigh less.

        allowed: which of the rows may be shown; None for all. shown: all that may be, where articles may be shown in
        part; None where whole articles are.
        """
        self._fusion = fusion
        self._passages_max = sum(weight * lexical.idf(term) for term, weight in own_terms.items())
        self._articles_max = sum(weight * article_words.idf(term) for term, weight in own_terms.items())
        with lexical.totals(weighted_terms) as passages, article_words.totals(weighted_terms) as articles:
            self._passages, self._articles = passages, articles
            rows = passages.rows  # each of them once for each of its terms
            self._rows = rows if allowed is None else rows[allowed(rows)]
            self._scores = self.scores(self._rows, article_words.article_of[self._rows])
            self._in_part = NOTHING.articles
            if shown is not None:
                self._in_part = _in_both(article_words.article_of, rows, shown)
                scores = calibrated_lexical(articles.of(self._in_part), self._articles_max)
                self._in_part_scores = fusion.with_article(np.zeros_like(scores), scores)

    def propose(self, k: int) -> Proposal:
        """The k best passages, and the k best articles for what may not be shown of them, too."""
        best, scores = top_of_repeated(self._rows, self._scores, k + 1, self._passages.terms)
        floor = float(_floor(scores, k, len(scores))[0])
        if not len(self._in_part):
            return Proposal(best[:k], self._in_part, floor)
        articles, scores = top_rows(self._in_part, self._in_part_scores, k + 1)
        return Proposal(best[:k], articles[:k], max(floor, float(_floor(scores, k, len(scores))[0])))

    def scores(self, rows: Rows, articles: npt.NDArray[np.integer]) -> Scores:
        """The leg's score of each passage; a passage without a word of the question has its article's part."""
        return self._fusion.with_article(
            calibrated_lexical(self._passages.of(rows), self._passages_max),
            calibrated_lexical(self._articles.of(articles), self._articles_max),
        )


def _in_both(article_of: npt.NDArray[np.integer], some: Rows, others: Rows) -> Numbers:
    """The articles that stand in some rows and in the others, ascending; article_of: (rows,), ascending."""
    count = int(article_of[-1]) + 1 if len(article_of) else 0
    first, second = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    first[article_of[some]] = True
    second[article_of[others]] = True
    numbers: Numbers = (first & second).nonzero()[0]
    return numbers
