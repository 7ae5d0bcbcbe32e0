"""Highlights: where the words of a question stand in a passage."""

from collections.abc import Container, Iterator

from .text import WORD, term_as_written

APOSTROPHES = "'’"


def highlights(content: str, terms: Container[str]) -> tuple[tuple[int, int], ...]:
    """[start, end) of each word of `content` whose term is asked for, in code points, ascending, not overlapping.

    Each distinct word is looked at once, and only those asked for are looked for: of a passage's hundred words a few.

    >>> highlights("Start tracking: the tracker runs.", {"track"})
    ((6, 14),)
    """
    asked_for = [word for word in set(WORD.findall(content)) if term_as_written(word) in terms]
    return tuple(sorted(span for word in asked_for for span in _spans(content, word)))


def _spans(content: str, word: str) -> Iterator[tuple[int, int]]:
    """Where `word`, which is one of the content's, stands as a whole."""
    start = content.find(word)
    while start >= 0:
        end = start + len(word)
        if _begins_word(content, start) and _ends_word(content, end):
            yield start, end
        start = content.find(word, end)


def _begins_word(content: str, start: int) -> bool:
    """Whether no word reaches over this place: WORD is letters and digits, with single apostrophes between them."""
    if start == 0:
        return True
    before = content[start - 1]
    return not (before.isalnum() or (before in APOSTROPHES and start > 1 and content[start - 2].isalnum()))


def _ends_word(content: str, end: int) -> bool:
    after = content[end : end + 2]
    return not (after[:1].isalnum() or (len(after) > 1 and after[0] in APOSTROPHES and after[1].isalnum()))
