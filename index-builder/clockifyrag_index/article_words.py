"""Article-level words: BM25 of whole articles, from the postings of their passages.

    score(a) = Σ over t of  weight(t) · idf(t) · tf / (tf + k1 · (1 − b + b · |a| / average |a|))

tf counts t in the bodies of all the article's passages; df, which idf (see lexical.py) is made of, counts articles.
"""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from .arrays import Numbers, Scores
from .articles import Articles
from .lexical import LexicalIndex, idf

K1, B = 1.2, 0.75


class ArticleWords:
    """The word statistics of one generation's articles; several threads may ask at once."""

    def __init__(self, lexical: LexicalIndex, articles: Articles) -> None:
        self._lexical = lexical
        self._articles = articles
        lengths = articles.sums(lexical.body_lengths)
        average = float(lengths.mean()) if len(lengths) and lengths.any() else 1.0
        self._norms: Scores = (K1 * (1 - B + B * lengths / average)).astype(np.float32)
        self.idf = lru_cache(maxsize=4096)(self._idf)

    def _idf(self, term: str) -> float:
        numbers, _ = self._frequencies(term)
        return idf(len(self._articles), len(numbers))

    def scores(self, weighted_terms: Mapping[str, float]) -> Scores:
        """The score of every article, (documents,) float32, 0 where no word of the question stands in its bodies."""
        total = np.zeros(len(self._articles), dtype=np.float32)
        for term in sorted(weighted_terms):  # one order of additions: the same bits every time
            numbers, tf = self._frequencies(term)
            weight = np.float32(weighted_terms[term] * idf(len(self._articles), len(numbers)))
            total[numbers] += weight * (tf / (tf + self._norms[numbers]))
        return total

    def _frequencies(self, term: str) -> tuple[Numbers, Scores]:
        """The articles that hold the term, ascending, and how often."""
        rows, tf = self._lexical.body_postings(term)
        if not len(rows):
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
        numbers = self._articles.of_rows(rows)
        begins = np.flatnonzero(np.r_[True, numbers[1:] != numbers[:-1]])
        return numbers[begins], np.add.reduceat(tf.astype(np.float32), begins)
