"""Text → terms: the one tokenizer of builder and server; its id stands in the manifest.

A term is a word as it is compared: compatibility forms and case folded (Unicode NFKC, casefold), stemmed by Snowball's
English stemmer (Porter2, https://snowballstem.org/algorithms/english/stemmer.html). Words with a digit (2FA, v1, 403)
are kept as written, so that codes and versions match exactly, and so are letters that a sign makes a name (C#, C++).
"""

import re
import threading
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import Stemmer

TOKENIZER_ID = "words-nfkc-fold-porter2-2"

# A run of letters, marks and digits; an apostrophe inside belongs to the word ("don't", "team’s"), and so does the sign
# behind a letter that stands alone ("C#", "C++"), but not that of "invoice#", nor an anchor's ("/a#b").
WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*(?:(?=[#+])(?<=[^\W\d_])(?<![^\W_].)(?:#|\+\+)(?![\w#+]))?")
SIGNS = "#+"  # that a term may end in

# Words that say nothing about the subject of a help article. "not", "no", "off", "on", "out" and "in" are kept: they
# tell "time off" from "time" and "clock in" from "clock out".
STOP_WORDS = frozenset(
    """
    a about am an and any are as at be been being but by can could did do does doing for from had has have
    having he her here him his how i if into is it its itself just let me might my of or our ours ourselves
    please shall she should so some such than that the their theirs them then there these they this those to too
    until us very was we were what when where which while who whom why will with would you your yours yourself
    yourselves
    """.split()
)

_local = threading.local()  # a Stemmer is not made for several threads


class Word(NamedTuple):
    """A word of a text and where it stands: text[start:end], in code points."""

    start: int
    end: int
    folded: str


@lru_cache(maxsize=65536)
def folded(word: str) -> str:
    """The word without case, compatibility forms and possessive.

    >>> folded("Team’s")
    'team'
    """
    plain = unicodedata.normalize("NFKC", word).casefold().replace("’", "'")
    return plain.removesuffix("'s")


def words(text: str) -> Iterator[Word]:
    """The words of `text` in order, stop words included."""
    for match in WORD.finditer(text):
        yield Word(match.start(), match.end(), folded(match.group()))


def folded_words(text: str) -> tuple[str, ...]:
    """The words of `text` in order, folded but not stemmed, stop words included.

    >>> folded_words("The team’s Time-Off")
    ('the', 'team', 'time', 'off')
    """
    return tuple(map(folded, WORD.findall(text)))


@lru_cache(maxsize=65536)
def term_of(word: str) -> str:
    """The term of a folded word; "" for a stop word.

    >>> term_of("timesheets"), term_of("the"), term_of("2fa")
    ('timesheet', '', '2fa')
    """
    if word in STOP_WORDS:
        return ""
    if any(character.isdigit() for character in word):
        return word
    stemmer = getattr(_local, "stemmer", None)
    if stemmer is None:
        stemmer = _local.stemmer = Stemmer.Stemmer("english", 0)
    return str(stemmer.stemWord(word))


@lru_cache(maxsize=131072)
def term_as_written(written: str) -> str:
    """The term of a word as it stands in a text; "" for a stop word.

    >>> term_as_written("Team’s"), term_as_written("The")
    ('team', '')
    """
    return term_of(folded(written))


def terms(text: str) -> list[str]:
    """The terms of `text` in order, without stop words.

    >>> terms("How do I track the team’s time off?")
    ['track', 'team', 'time', 'off']
    """
    return [term for word in WORD.findall(text) if (term := term_as_written(word))]
