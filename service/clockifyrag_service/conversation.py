"""Conversation: a follow-up question made to stand alone, and what to ask next; both without a language model."""

import re
from collections.abc import Iterable, Sequence

from clockifyrag_index.chunk import Chunk
from clockifyrag_index.question import query_type
from clockifyrag_index.text import terms

FOLLOWUPS_MAX = 5
FEW_TERMS = 2  # words of its own with no more of which a text leans on what was asked before, unless it is a sentence
LONG_ENOUGH_WORDS = 3  # of a heading that says by itself what it is about

# Words that stand for something said before; "one" does so where nothing is counted: "the second one", "one for
# Android", not "one user".
POINTER = re.compile(
    r"""\b(it|its|that|this|they|them|their|those|these|ones|there|same|instead|too|also
    |(another|first|last|new|next|old|other|right|second|third|which|wrong)\ one
    |one(?!-)(?!\s+(?!(as|before|for|from|has|if|in|is|later|on|per|was|when|which|while|with|without)\b)\w)
    )\b""",
    re.I | re.X,
)
# What stands for nothing: "Is there a dark mode?"
EXPLETIVE = re.compile(
    r"\b((is|are|was|were) there|there (is|are|was|were)|there['’]s|is it possible|it is possible)\b", re.I
)
NAMED_TERMS = 4  # words of its own before a pointer, with which a question has named what that stands for
OPENING = re.compile(r"^(and|but|or|what about|how about|why not)\b", re.I)
# In few words, what was asked before seen from another side: "on mobile", "for a client".
SIDE = re.compile(r"^(what if|on|in|at|for|with|without|from|to|by|as|per|only)\b", re.I)
DEFINITE = re.compile(r"\bthe\b", re.I)


def standalone(query: str, context: Sequence[str], longest: int) -> tuple[str, bool]:
    """The question with what it leans on put before it, and whether it leans on anything: on the last question, and
    where that continues the one before, on both.

    >>> standalone("how do I delete it?", ["manual time entry"], 500)
    ('manual time entry how do I delete it?', True)
    >>> standalone("and on mobile?", ["edit a time entry", "what about locked ones"], 500)[0]
    'edit a time entry what about locked ones and on mobile?'
    >>> standalone("What is SSO?", ["manual time entry"], 500)
    ('What is SSO?', False)
    """
    before = subject(context)
    if not before or not leans_on_context(query):
        return query, False
    room = longest - len(query) - 1
    return (f"{before[:room].strip()} {query}", True) if room > 0 else (query, False)


def subject(context: Sequence[str]) -> str:
    """What was asked last, from the question that began with it to its last continuation; empty without any."""
    turns: list[str] = []
    for turn in filter(None, map(str.strip, reversed(context))):
        turns.append(turn)
        if not continues_another(turn):
            break
    return " ".join(reversed(turns))


def leans_on_context(query: str) -> bool:
    return continues_another(query) or (len(terms(query)) <= FEW_TERMS and not is_sentence(query))


def continues_another(text: str) -> bool:
    """Whether the text says itself that it goes on from something."""
    if OPENING.search(text) or points_back(text):
        return True
    return bool(SIDE.search(text)) and len(terms(text)) <= FEW_TERMS


def points_back(text: str) -> bool:
    """Whether a word stands for something that the text itself has not named.

    >>> points_back("how do I delete it?"), points_back("Can I edit a time entry after it has been approved?")
    (True, False)
    """
    plain = EXPLETIVE.sub(" ", text)
    pointer = POINTER.search(plain)
    return pointer is not None and len(terms(plain[: pointer.start()])) < NAMED_TERMS


def is_sentence(query: str) -> bool:
    """Whether a question of few words names its subject: "How do I invite a user?", but not "How many?".

    One word is enough after "what is", unless it is one that is known already: "What is the limit?".
    """
    count, kind = len(terms(query)), query_type(query)
    if kind == "definition" and count == 1:
        return not DEFINITE.search(query)
    return count > 1 and (kind != "general" or query[:4].lower() == "how ")


def followups(articles: Iterable[Sequence[Chunk]], shown: frozenset[str]) -> list[str]:
    """Sections near those that were shown, as questions: headings of the same articles, in reading order.

    `articles` are the chunks of each article found; `shown` the ids of chunks the reader has seen.
    """
    found: dict[str, None] = {}
    for chunks in articles:
        seen = {chunk.headings for chunk in chunks if chunk.chunk_id in shown}
        for chunk in chunks:
            if chunk.headings and chunk.headings not in seen:
                found.setdefault(suggestion(chunk), None)
    return list(found)[:FOLLOWUPS_MAX]


def suggestion(chunk: Chunk) -> str:
    """The section's heading, after the article's title where it says too little alone."""
    heading = chunk.headings[-1]
    return heading if len(heading.split()) >= LONG_ENOUGH_WORDS else f"{chunk.title}: {heading}"
