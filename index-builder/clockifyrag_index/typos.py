"""Typo correction: words the index has never seen → the nearest word it has.

Distance is optimal string alignment (insert, delete, replace, swap of neighbours); one for words of four to seven
letters, two from eight on. Numbers, words with digits, quoted words, addresses, short words and words in capitals are
left alone, and so are words of the language, their plurals, and two of them together, but for another spelling of them
("colour"): "lunch" is no "launch", "tiers" no "timers", "timezone" no "timeline". Nor is "cant" a "want": many people
type no apostrophe. A word is never taken for its opposite, or for what a prefix makes of it ("undelete" for "delete",
"reactivate" for "deactivate"), nor one of four letters for one of three, but for a letter typed twice: "redo" is no
"red", "imap" no "map", but "tagg" a "tag".
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
from rapidfuzz.distance import OSA
from rapidfuzz.process import extract

from .lexical import LexicalIndex
from .operators import EXCLUDED
from .text import WORD, folded, term_of

# Of a page, a mailbox or a file, or a name in code. Looked for where a word begins alone, else the cost is quadratic.
ADDRESS = r"(?<!\S)(?:/\S+|\S*(?:://|@|_|\w\.\w)\S*)"
# What is taken as one: a word to exclude, an address, or a word.
OPEN = re.compile(f"{EXCLUDED.pattern}|{ADDRESS}|{WORD.pattern}")
PREFIXES = {"un": "not", "in": "not", "im": "not", "non": "not", "dis": "not", "re": "again", "bi": "twice",
            "de": "undone"}  # fmt: skip
# British and American; what they have in common stands for both.
SPELLINGS = (("our", "or"), ("is", "iz"), ("ys", "yz"), ("ll", "l"), ("nce", "nse"), ("tre", "ter"))
WITHOUT_APOSTROPHE = frozenset(
    """
    aint arent cant couldnt didnt doesnt dont hadnt hasnt havent heres hows isnt itll lets mustnt neednt shouldnt
    thats theres theyll theyre theyve wasnt werent weve whats whens wheres whos wont wouldnt youd youll youre youve
    """.split()
)
SHORTEST = 4  # letters of a word that is corrected
PART_MIN = 4  # letters of a word in a plural or a compound; of shorter ones much can be made
WORDS_COMPARED_MAX = 50_000  # the most frequent ones: rarer words of a larger vocabulary are often typos themselves


@dataclass(frozen=True, slots=True)
class Correction:
    """A question as it was understood; `text` is the raw text when nothing was changed."""

    text: str
    changed: bool


class Speller:
    """Corrects questions against the words of one generation."""

    def __init__(
        self,
        lexical: LexicalIndex,
        known: Callable[[str], bool] = lambda word: False,
        is_word: Callable[[str], bool] = lambda word: False,
    ) -> None:
        """`known` accepts words that stand outside the index, such as names of a glossary; `is_word` those of the
        language, which another spelling may replace.
        """
        self._lexical = lexical
        self._known = known
        self._is_word = is_word
        counts = np.asarray(lexical.word_counts)
        common = np.argsort(-counts.astype(np.int64), kind="stable")[:WORDS_COMPARED_MAX]
        words = [word for number in common if (word := lexical.words[int(number)]).isalpha() and len(word) > 2]
        self._of_length = lru_cache(maxsize=64)(partial(_words_of_length, words))

    def correct(self, text: str) -> Correction:
        """The question with unknown words replaced by the nearest known ones.

        Quoted parts and words to exclude (operators.py) stay as they are.
        """
        parts = text.split('"')
        # parts 0, 2, 4 … stand outside quotes; a last quote that is not closed opens nothing
        corrected = [
            part
            if number % 2 and number < len(parts) - 1
            else OPEN.sub(lambda match: self._spelled(match.group()), part)
            for number, part in enumerate(parts)
        ]
        joined = '"'.join(corrected)
        return Correction(joined, joined != text)

    def _spelled(self, written: str) -> str:
        if not WORD.fullmatch(written):
            return written
        word = folded(written)
        if len(word) < SHORTEST or not word.isalpha() or (written.isupper() and len(written) < 6):
            return written
        if self._is_known(word):
            return written
        nearest = self._nearest(word)
        if nearest is None or _spelling(nearest) == _spelling(word):
            return nearest or written
        if self._is_of_language(word) or (self._is_compound(word) and OSA.distance(word, nearest) > 1):
            return written
        return nearest

    def _is_of_language(self, word: str) -> bool:
        """A word of the language, or the plural of one; "acess" is none of "aces"."""
        stems = (word.removesuffix(ending) for ending in ("s", "es") if word.endswith(ending) and word[-2:] != "ss")
        return self._is_word(word) or any(len(stem) >= PART_MIN and self._is_word(stem) for stem in stems)

    def _is_compound(self, word: str) -> bool:
        """Two words of the language, which a letter less or more may make of one: "workpace"."""
        ends = range(PART_MIN, len(word) - PART_MIN + 1)
        return any(self._is_word(word[:end]) and self._is_word(word[end:]) for end in ends)

    def _is_known(self, word: str) -> bool:
        term = term_of(word)
        return not term or word in WITHOUT_APOSTROPHE or self._lexical.terms.find(term) is not None or self._known(word)

    def _nearest(self, word: str) -> str | None:
        distance_max = 1 if len(word) < 8 else 2
        # extract keeps the order of the words, most frequent first, among equal distances
        found = extract(
            word, self._of_length(len(word), distance_max), scorer=OSA.distance, score_cutoff=distance_max, limit=5
        )
        near = [candidate for candidate, _, _ in found if not _is_other_word(candidate, word)]
        same_start = [candidate for candidate in near if candidate[0] == word[0]]
        return next(iter(same_start or near), None)


def _words_of_length(words: Sequence[str], length: int, distance_max: int) -> list[str]:
    """The words that are not too long or too short to be that near, in their order."""
    return [word for word in words if abs(len(word) - length) <= distance_max]


def _is_other_word(near: str, word: str) -> bool:
    """Whether a word as near as a typing error is another one all the same: by a prefix, or as it is so short.

    >>> _is_other_word("map", "imap"), _is_other_word("tag", "tagg")
    (True, False)
    """
    if len(near) < SHORTEST:
        typed_twice = (place for place in range(1, len(word)) if word[place] == word[place - 1])
        return near not in (word[:place] + word[place + 1 :] for place in typed_twice)
    return _differ_by_prefix(near, word)


def _differ_by_prefix(one: str, other: str) -> bool:
    """Whether a prefix makes them words of two meanings.

    >>> _differ_by_prefix("undelete", "delete"), _differ_by_prefix("unassign", "reassign")
    (True, True)
    >>> _differ_by_prefix("imput", "input")
    False
    """
    first, second = _without_prefix(one), _without_prefix(other)
    return any(first[rest] != second[rest] for rest in first.keys() & second.keys())


def _without_prefix(word: str) -> dict[str, str]:
    """The word and what follows a prefix of it, each with what the prefix says of it."""
    return {word: ""} | {word.removeprefix(one): said for one, said in PREFIXES.items() if word.startswith(one)}


def _spelling(word: str) -> str:
    """The word as British and American spelling have it in common; for comparing only.

    >>> _spelling("colour") == _spelling("color"), _spelling("organisation") == _spelling("organization")
    (True, True)
    """
    for british, american in SPELLINGS:
        word = word.replace(british, american)
    return word
