"""Lexical leg: question → passages and articles that hold its words, by BM25 over memory-mapped impacts.

impacts.py has the formula, totals.py how a question is answered. Files of the directory, little-endian; indptr is
uint64 (terms + 1,), the postings of term t are indptr[t]:indptr[t + 1]:

    terms.bin, terms.offsets.npy         sorted UTF-8 terms one after the other; uint64 (terms + 1,)
    <field>.indptr.npy                   what was counted, of each of FIELDS: kept to explain a score and to make
    <field>.rows.npy, .tf.npy            impacts anew; uint32 rows ascending within a term, uint16 term frequencies
    <field>.lengths.npy                  uint32 (rows,): terms in the field
    passages.indptr.npy, articles.…      what a question reads, at both levels
    passages.rows.npy, articles.…        uint16 rows (numbers of articles) in their block, ascending within a term
    passages.blocks.npy, articles.…      of more than 65,536 rows: uint16, the block of each part of a term's rows, and
    passages.block_ends.npy, articles.…  uint64, where in rows.npy it ends; row_list.py says what a block is
    passages.impacts.npy, articles.…     float32, what the term adds to the score there
    passages.highest.npy, articles.…     float32 (terms,): the highest impact of each term
    articles.of.npy                      uint32 (rows,): the number of the article of each passage, from 0
    words.bin, words.offsets.npy, words.counts.npy    folded words as written, sorted, for spelling; uint32 counts

Format 2 had uint32 rows, whole, and no blocks.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .arrays import mapped_array
from .impact_index import ImpactArrays, ImpactIndex, impacts_in_memory, mapped_impacts
from .impacts import BODY, Bm25, Field, mapped_fields, passage_impacts
from .sorted_words import SortedWords
from .text import SIGNS, TOKENIZER_ID, terms

ARTICLE_OF = "articles.of.npy"


class LexicalIndex:
    """The lexical statistics of one generation, memory-mapped; questions may come from several threads."""

    def __init__(self, directory: Path, bm25: Bm25 | None = None, tokenizer: str = TOKENIZER_ID) -> None:
        """bm25: None, as the generation was written; others are worked out now, which takes time and memory.
        tokenizer: the one it was written with.
        """
        self.directory = directory
        self.terms = SortedWords(directory, "terms")
        self.number_of: Callable[[str], int | None] = partial(_number_of, self.terms, tokenizer == TOKENIZER_ID)
        self.words = SortedWords(directory, "words")
        self.word_counts: npt.NDArray[np.uint32] = mapped_array(directory / "words.counts.npy")
        self.fields: tuple[Field, ...] = mapped_fields(directory)
        self.size = len(self.fields[BODY].lengths)
        self.passages = ImpactIndex(self.number_of, self.size, self._impacts(bm25))
        self.idf = self.passages.idf
        self.totals = self.passages.totals
        self.top = self.passages.top

    def _impacts(self, bm25: Bm25 | None) -> ImpactArrays:
        if bm25 is None:
            return mapped_impacts(self.directory, "passages")
        return impacts_in_memory(passage_impacts(self.fields, bm25))


def _number_of(terms: SortedWords, knows_signs: bool, term: str) -> int | None:
    """The number of a term, None of one that stands nowhere. In an index of the tokenizer before, which knew no signs,
    C# is the letter c.
    """
    return terms.find(term if knows_signs else term.rstrip(SIGNS))


def question_terms(texts: Sequence[str]) -> dict[str, float]:
    """Terms of a question, each with weight 1."""
    return {term: 1.0 for text in texts for term in terms(text)}
