"""Operators: the signs in a question that say which passages count: "exact phrase" and -word.

A hyphen inside a word, a lone minus, a second minus and one inside a phrase ("add-on", "a - b", "--watch", "code -5" in
quotes) are no operators, nor is a quote that is never closed.
"""

import re
from dataclasses import dataclass

from .text import STOP_WORDS, folded_words

# A minus at the beginning of a word, then a quoted phrase or everything up to the next space.
EXCLUDED = re.compile(r'(?<!\S)-(?:"([^"]*)"|(?=\w)([^\s"]+))')
SIGN = re.compile(rf'{EXCLUDED.pattern}|"([^"]*)"')  # from left to right: a minus inside a phrase is none

Phrase = tuple[str, ...]  # folded words, in order


@dataclass(frozen=True, slots=True)
class Operators:
    """A question without its signs, and what they say of a passage."""

    text: str  # what is asked: the words of phrases, without those to exclude
    phrases: tuple[Phrase, ...] = ()  # the passage holds all of them
    excluded: tuple[Phrase, ...] = ()  # and none of these; a word is a phrase of one


def operators(question: str) -> Operators:
    """The operators of a cleaned question. What says nothing of a subject, such as "how to", is no operator.

    >>> operators('"time off" policy -holiday')
    Operators(text='time off policy', phrases=(('time', 'off'),), excluded=(('holiday',),))
    >>> operators("add-on - calendar").text
    'add-on - calendar'
    """
    phrases: list[Phrase] = []
    excluded: list[Phrase] = []

    def asked(sign: re.Match[str]) -> str:
        excluded_phrase, excluded_word, phrase = sign.groups()
        if phrase is None:
            excluded.append(folded_words(excluded_phrase or excluded_word or ""))
            return " "
        phrases.append(folded_words(phrase))
        return f" {phrase} "

    text = " ".join(SIGN.sub(asked, question).split())
    if not phrases and not excluded:
        return Operators(question)
    return Operators(text, _telling(phrases), _telling(excluded))


def _telling(phrases: list[Phrase]) -> tuple[Phrase, ...]:
    """Those that say something of a subject, each once."""
    return tuple(dict.fromkeys(one for one in phrases if any(word not in STOP_WORDS for word in one)))
