"""Conversation: a follow-up question made to stand alone, and what to ask next; both without a language model."""

import re
from collections.abc import Iterable, Sequence

from clockifyrag_index.chunk import Chunk
from clockifyrag_index.text import terms

FOLLOWUPS_MAX = 5
FEW_TERMS = 2  # a question with no more words of its own leans on what was asked before
LONG_ENOUGH_WORDS = 3  # of a heading that says by itself what it is about

# Words that stand for something said before.
POINTER = re.compile(r"\b(it|its|that|this|they|them|their|those|these|one|ones|there|same|instead|too|also)\b", re.I)
OPENING = re.compile(r"^(and|but|or|what about|how about|why not|and if|what if)\b", re.I)


def standalone(query: str, context: Sequence[str], longest: int) -> tuple[str, bool]:
    """The question with the last context put before it where it leans on that, and whether it was.

    >>> standalone("how do I delete it?", ["manual time entry"], 500)
    ('manual time entry how do I delete it?', True)
    >>> standalone("How do I export a detailed report as PDF?", ["manual time entry"], 500)[1]
    False
    """
    last = next((turn.strip() for turn in reversed(context) if turn.strip()), "")
    if not last or not leans_on_context(query):
        return query, False
    room = longest - len(query) - 1
    return (f"{last[:room].strip()} {query}", True) if room > 0 else (query, False)


def leans_on_context(query: str) -> bool:
    return bool(OPENING.search(query) or POINTER.search(query)) or len(terms(query)) <= FEW_TERMS


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
