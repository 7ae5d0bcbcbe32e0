"""Suggestions while typing: titles, headings and questions that found something, matched at the start of any word.

Phrases stand in one sorted list, once for each of their first words, so that a prefix is one range found by bisection:

    "force timer" → "force timer", "timer";  prefix "tim" → the range of all keys that begin with "tim"

A key is the end of a phrase, kept as the phrase's number and where it begins: 6 bytes instead of some 200, of which
there are 250,000.
"""

import heapq
import re
import unicodedata
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

Category = Literal["title", "heading", "query"]
Entry = tuple[str, int, bool]  # key, number of its phrase, whether the key is the whole phrase

PHRASES_MAX = 50_000
WORD_STARTS_MAX = 6  # of a phrase that a prefix is matched with
SCANNED_MAX = 4_000  # keys of a short prefix's range that are weighed
LONGEST_PHRASE = 120
SORTED_AT_ONCE = 2_000
WORD_START = re.compile(r"\w+")
# What writers and phones put for what a keyboard has; quotes are not typed while looking for what stands in them.
PLAIN = str.maketrans(dict.fromkeys("’‘ʼ′´", "'") | dict.fromkeys("‐‑‒–—―", "-") | dict.fromkeys('"“”„«»', " "))
WEIGHT: dict[Category, int] = {"query": 3, "title": 2, "heading": 1}


@dataclass(frozen=True, slots=True)
class Suggestion:
    text: str
    frequency: int  # sections under this title or heading, or how often the question was asked
    category: Category


def folded(text: str) -> str:
    """The text as it is compared: compatibility forms, no case, no accents, no quotes, plain apostrophes and dashes,
    single spaces.

    >>> folded("  Café  TIME"), folded("I can’t use “Start” – why")
    ('cafe time', "i can't use start - why")
    """
    if text.isascii():  # which has neither accents nor other forms: a start folds thousands of headings
        return " ".join(text.lower().replace('"', " ").split())
    decomposed = unicodedata.normalize("NFKD", text.translate(PLAIN).casefold())
    return " ".join("".join(char for char in decomposed if not unicodedata.combining(char)).split())


def rank(suggestion: Suggestion, at_start: bool) -> tuple[int, int, int, int, str]:
    """Smaller is better: at the phrase's own start, then questions before titles before headings, often, short."""
    return (
        not at_start,
        -WEIGHT[suggestion.category],
        -suggestion.frequency,
        len(suggestion.text),
        suggestion.text,
    )


class PhraseIndex:
    """The phrases of one generation; immutable."""

    def __init__(self, phrases: Iterable[Suggestion]) -> None:
        self._phrases = heapq.nlargest(PHRASES_MAX, distinct_phrases(phrases), key=lambda item: item.frequency)
        entries = (
            (key, number, at_start)
            for number, phrase in enumerate(self._phrases)
            for key, at_start in word_starts(folded(phrase.text))
        )
        self._texts = [folded(phrase.text) for phrase in self._phrases]
        self._numbers, self._begins, self._at_start = array("I"), array("B"), bytearray()
        for key, number, at_start in sorted_in_slices(entries):
            self._numbers.append(number)
            self._begins.append(len(self._texts[number]) - len(key))
            self._at_start.append(at_start)

    def __len__(self) -> int:
        return len(self._phrases)

    def matching(self, prefix: str) -> list[tuple[Suggestion, bool]]:
        """Phrases with a word start that continues with the folded prefix, and whether that is the phrase's own."""
        keys = range(len(self._numbers))
        first = bisect_left(keys, prefix, key=self._key)
        after = bisect_left(keys, prefix + "\U0010ffff", first, min(len(keys), first + SCANNED_MAX), key=self._key)
        return [(self._phrases[self._numbers[at]], bool(self._at_start[at])) for at in range(first, after)]

    def _key(self, at: int) -> str:
        return self._texts[self._numbers[at]][self._begins[at] :]


def sorted_in_slices(entries: Iterable[Entry]) -> Iterator[Entry]:
    """The entries in order. One sort of all would keep every other thread waiting for a third of a second.

    A sort never gives the interpreter away: 250,000 entries took 300 ms of it, and so did each /ready meanwhile.
    """
    remaining = iter(entries)
    slices = iter(lambda: sorted(islice(remaining, SORTED_AT_ONCE)), [])
    return heapq.merge(*slices)


def distinct_phrases(phrases: Iterable[Suggestion]) -> list[Suggestion]:
    """Phrases that read the same are one: the weightier category, the frequencies added up."""
    by_key: dict[str, Suggestion] = {}
    for phrase in phrases:
        key = folded(phrase.text)
        if not key or len(key) > LONGEST_PHRASE:
            continue
        known = by_key.get(key)
        if known is None:
            by_key[key] = phrase
        else:
            better = max(known, phrase, key=lambda item: WEIGHT[item.category])
            by_key[key] = Suggestion(better.text, known.frequency + phrase.frequency, better.category)
    return list(by_key.values())


def word_starts(phrase: str) -> list[tuple[str, bool]]:
    """The rest of the phrase from each of its first words on.

    >>> word_starts("force timer")
    [('force timer', True), ('timer', False)]
    """
    starts = [match.start() for match in WORD_START.finditer(phrase)][:WORD_STARTS_MAX]
    return [(phrase[start:], number == 0) for number, start in enumerate(starts)]


def suggestions(prefix: str, limit: int, index: PhraseIndex, queries: Sequence[Suggestion]) -> list[Suggestion]:
    """The best `limit` phrases that go on from what was typed so far, or are it; none twice."""
    typed = folded(prefix)
    if not typed:
        return []
    found = index.matching(typed) + [
        (query, at_start)
        for query in queries
        for key, at_start in word_starts(folded(query.text))
        if key.startswith(typed)
    ]
    best: dict[str, Suggestion] = {}
    for suggestion, _ in sorted(found, key=lambda item: rank(*item)):
        best.setdefault(folded(suggestion.text), suggestion)
        if len(best) >= limit:
            break
    return list(best.values())
