"""Questions: as many distinct ones as a figure needs, each of the words and length of a judged one."""

from collections.abc import Iterator
from itertools import islice
from urllib.parse import urlencode

from bench.corpus import Corpus
from bench.errors import check


def distinct_questions(corpus: Corpus, count: int) -> list[str]:
    """`count` questions in a fixed order: the judged ones, then the beginning of each with the end of each other.

    WrongResult when the corpus has not that many.
    """
    judged = [one.query for one in corpus.answerable]
    found = list(islice(dict.fromkeys(combined(judged)), count))
    check(len(found) == count, f"{len(judged)} judged questions make {len(found)} distinct ones, {count} are wanted")
    return found


def combined(judged: list[str]) -> Iterator[str]:
    """The questions, then halves of two, then of three.

    >>> list(combined(["how to export", "track my time"]))[:3]
    ['how to export', 'track my time', 'how my time']
    """
    yield from judged
    words = [question.split() for question in judged]
    for distance in range(1, len(words)):
        for place, begin in enumerate(words):
            end = words[(place + distance) % len(words)]
            yield " ".join((*begin[: len(begin) // 2], *end[len(end) // 2 :]))
    for distance in range(1, len(words)):
        for place, begin in enumerate(words):
            middle, end = words[(place + distance) % len(words)], words[(place + 2 * distance) % len(words)]
            yield " ".join((*begin[:2], *middle[2:4], *end[4:]))


def search_paths(questions: list[str]) -> list[str]:
    """What is asked of a server for them."""
    return ["/search?" + urlencode({"q": question}) for question in questions]
