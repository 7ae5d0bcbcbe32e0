"""Highlights: where the words of a question stand in a passage."""

from array import array
from collections.abc import Container
from dataclasses import dataclass
from itertools import compress

from .text import WORD, term_as_written

Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class WordPlaces:
    """The words of a text in order: the term of each, "" for a stop word, and where it stands."""

    terms: tuple[str, ...]
    starts: "array[int]"  # code points
    ends: "array[int]"

    def of(self, terms: Container[str]) -> Spans:
        """[start, end) of each word whose term is asked for, ascending, not overlapping."""
        starts, ends = self.starts, self.ends
        wanted = compress(range(len(self.terms)), map(terms.__contains__, self.terms))
        return tuple((starts[word], ends[word]) for word in wanted)


def word_places(text: str) -> WordPlaces:
    """Where each word of `text` stands.

    >>> word_places("Start tracking: the tracker runs.").of({"track"})
    ((6, 14),)
    """
    found = list(WORD.finditer(text))
    return WordPlaces(
        tuple(term_as_written(match.group()) for match in found),
        array("I", [match.start() for match in found]),
        array("I", [match.end() for match in found]),
    )
