"""Vocabulary: words of the language, so that they are no typos, whatever an index holds.

Only a vocabulary of words tells that: of bert-base-uncased, which all-minilm has, nearly each entry is one. That of
wordllama holds beginnings of words of many languages ("projet", "archiv") and lacks "lunch"; Ollama does not tell its.
So all-minilm's is asked for other models, too, where its package is installed.
"""

from typing import Protocol

from . import Embedder
from .bert_vocabulary import bert_tokenizer


class WordKnowingEmbedder(Protocol):
    """An embedder that may be able to tell words."""

    def knows_word(self, word: str) -> bool:
        """Whether a folded word (text.py) is a whole word of the model's vocabulary."""


def knows_word(embedder: Embedder | None, word: str) -> bool:
    """Whether the folded word is one of the language: the model's own vocabulary says so, or English."""
    knows = getattr(embedder, WordKnowingEmbedder.knows_word.__name__, None)
    if knows is not None:
        return bool(knows(word))
    english = bert_tokenizer()
    return english is not None and english.token_to_id(word) is not None
