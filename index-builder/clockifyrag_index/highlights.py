"""Highlights: where the words of a question stand in a passage."""

from array import array
from collections.abc import Set
from dataclasses import dataclass
from itertools import compress

from .text import WORD, term_as_written

Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class WordPlaces:
    """The terms of a text in order, and where the word of each stands: starts[i]:ends[i], in code points.

    Kept for thousands of passages: their terms are shared, so that a word takes 16 bytes.
    """

    terms: tuple[str, ...]
    starts: "array[int]"
    ends: "array[int]"

    def of(self, terms: Set[str]) -> Spans:
        """[start, end) of each word whose term is asked for, ascending, not overlapping."""
        held = [*map(terms.__contains__, self.terms)]
        return tuple(zip(compress(self.starts, held), compress(self.ends, held), strict=True))


def word_places(text: str) -> WordPlaces:
    """Where each word of `text` stands, stop words aside.

    >>> word_places("Start tracking: the tracker runs.").of({"track"})
    ((6, 14),)
    """
    found = [*WORD.finditer(text)]
    terms = [term_as_written(match.group()) for match in found]
    spans = [match.span() for match in compress(found, terms)]  # the term of a stop word is empty
    starts, ends = zip(*spans, strict=True) if spans else ((), ())
    return WordPlaces(tuple(compress(terms, terms)), array("I", starts), array("I", ends))
