"""Vocabulary: words that a model knows as whole words, so that they are no typos, whatever an index holds.

Only a vocabulary of words tells that: of bert-base-uncased, which all-minilm has, nearly each entry is one. That of
wordllama holds beginnings of words of many languages ("projet", "archiv") and lacks "lunch"; Ollama does not tell its.
"""

from typing import Protocol

from . import Embedder


class WordKnowingEmbedder(Protocol):
    """An embedder that may be able to tell words."""

    def knows_word(self, word: str) -> bool:
        """Whether a folded word (text.py) is a whole word of the model's vocabulary."""


def knows_word(embedder: Embedder | None, word: str) -> bool:
    """Whether the model knows the folded word; False where there is no telling."""
    knows = getattr(embedder, WordKnowingEmbedder.knows_word.__name__, None)
    return bool(knows and knows(word))
