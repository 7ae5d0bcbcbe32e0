"""Highlights: where the words of a question stand in a passage."""

from collections.abc import Container

from .text import WORD, term_as_written


def highlights(content: str, terms: Container[str]) -> tuple[tuple[int, int], ...]:
    """[start, end) of each word of `content` whose term is asked for, in code points, ascending, not overlapping.

    >>> highlights("Start tracking: the tracker runs.", {"track"})
    ((6, 14),)
    """
    return tuple(match.span() for match in WORD.finditer(content) if term_as_written(match.group()) in terms)
