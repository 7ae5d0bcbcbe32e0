"""Article-level words: BM25 of whole articles, over the bodies of their passages; impacts.py has the formula."""

import numpy as np
import numpy.typing as npt

from .arrays import mapped_array
from .articles import Articles
from .impact_index import ImpactIndex, impacts_in_memory, mapped_impacts
from .impacts import BODY, article_impacts
from .lexical import ARTICLE_OF, LexicalIndex


class ArticleWords(ImpactIndex):
    """The word statistics of one generation's articles; several threads may ask at once."""

    def __init__(self, lexical: LexicalIndex, articles: Articles) -> None:
        self.article_of = _article_of(lexical, articles)  # of each passage
        impacts = mapped_impacts(lexical.directory, "articles") or impacts_in_memory(
            article_impacts(lexical.fields[BODY], self.article_of, len(articles))
        )
        super().__init__(lexical.terms, len(articles), impacts)


def _article_of(lexical: LexicalIndex, articles: Articles) -> npt.NDArray[np.uint32]:
    written = lexical.directory / ARTICLE_OF
    if written.exists():
        return mapped_array(written)
    return articles.of_rows(np.arange(lexical.size)).astype(np.uint32)
