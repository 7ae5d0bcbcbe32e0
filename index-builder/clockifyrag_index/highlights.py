"""Highlights: where the words of a question stand in a passage."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import chain

from .text import WORD, term_as_written

Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class WordPlaces:
    """Where the words of a text stand: [start, end) in code points, by the term they are written for."""

    of_term: Mapping[str, Sequence[tuple[int, int]]]

    def of(self, terms: Set[str]) -> Spans:
        """[start, end) of each word whose term is asked for, ascending, not overlapping."""
        return tuple(sorted(chain.from_iterable(self.of_term[term] for term in terms if term in self.of_term)))


def word_places(text: str) -> WordPlaces:
    """Where each word of `text` stands, stop words aside.

    >>> word_places("Start tracking: the tracker runs.").of({"track"})
    ((6, 14),)
    """
    found: dict[str, list[tuple[int, int]]] = {}
    for match in WORD.finditer(text):
        if term := term_as_written(match.group()):
            found.setdefault(term, []).append(match.span())
    return WordPlaces(found)
