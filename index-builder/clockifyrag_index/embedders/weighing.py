"""Weighing: a question's vector in which rare words count more, from embedders that add words up.

A model that reads a whole text knows what matters in it. A static one takes the mean of its words, so that "how do I"
pulls as hard as "kiosk"; weights that fall with a word's frequency mend that (Arora, Liang, Ma: "A Simple but
Tough-to-Beat Baseline for Sentence Embeddings", ICLR 2017). Documents keep their plain means: weighing the question
alone measured better, and no vector of an index depends on its other articles.
"""

from collections.abc import Callable
from typing import Protocol

from . import Embedder, Vectors

WordWeight = Callable[[str], float]  # of a folded word (text.py), above 0


class WeighingEmbedder(Protocol):
    """An embedder that may be able to weigh words."""

    def embed_weighed(self, text: str, weight: WordWeight) -> Vectors | None:
        """(dimensions,) float32 of length 1, each word counted by its weight; None from a model that cannot."""


def embedded_question(embedder: Embedder, text: str, weight: WordWeight, timeout_seconds: float) -> Vectors:
    """The vector of a question, its words weighed where the embedder can do that. Errors of `embed_question`."""
    weigh = getattr(embedder, WeighingEmbedder.embed_weighed.__name__, None)
    weighed: Vectors | None = weigh(text, weight) if weigh else None
    return embedder.embed_question(text, timeout_seconds=timeout_seconds) if weighed is None else weighed
