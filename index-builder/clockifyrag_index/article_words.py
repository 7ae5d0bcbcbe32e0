"""Article-level words: BM25 of whole articles, over the bodies of their passages; impacts.py has the formula."""

import numpy as np
import numpy.typing as npt

from .arrays import mapped_array
from .impact_index import ImpactIndex, mapped_impacts
from .lexical import ARTICLE_OF, LexicalIndex


class ArticleWords(ImpactIndex):
    """The word statistics of one generation's articles; several threads may ask at once."""

    def __init__(self, lexical: LexicalIndex, articles: int) -> None:
        """articles: how many there are."""
        self.article_of: npt.NDArray[np.uint32] = mapped_array(lexical.directory / ARTICLE_OF)  # of each passage
        super().__init__(lexical.number_of, articles, mapped_impacts(lexical.directory, "articles"))
