"""MaxP: passages ranked by the vectors of a second, stronger embedding model.

    question ─► vector ──────────────────┐
    passage ─ windows ─► vectors, kept ──┴─► cosines ─► the highest, at least 0

A window is as much as the model reads at once, a whole passage mostly; of a longer one the best window counts, as in
MaxP (Dai, Callan: "Deeper Text Understanding for IR with Contextual Neural Language Modeling", SIGIR 2019). Vectors of
passages do not depend on the question, so each is made once. Single sentences as windows rank less well:
docs/quality.md.
"""

from collections.abc import Sequence

import numpy as np

from clockifyrag_resource.profiles import ModelProfile

from .arrays import Scores
from .embedders import Embedder, Vectors
from .errors import TextRefused
from .kept_vectors import KeptVectors
from .relevance import Curve
from .windows import windows

KEPT_BYTES = 32 * 2**20  # 20,000 windows of 384 dimensions; a help center of 300 articles has a tenth of that
CURVES = {"all-minilm": Curve(even_at=0.5)}  # set as those of relevance.py, in the mix with wordllama on the sample


class MaxP:
    """Keeps the promise of `Reranker`, except that the time is only minded for the question."""

    def __init__(self, embedder: Embedder, profile: ModelProfile, kept_bytes: int = KEPT_BYTES) -> None:
        """profile: of the embedder's model."""
        self._embedder = embedder
        self._context_tokens = profile.context_tokens
        self._kept = KeptVectors(kept_bytes)
        self.curve = CURVES.get(profile.model, Curve())

    def scores(self, question: str, passages: Sequence[str], timeout_seconds: float) -> Scores:
        """As `Reranker` promises; EmbedderError when the model fails. 0 for a passage that holds nothing to read."""
        vector = self._embedder.embed_question(question, timeout_seconds)
        rows_of = self._rows_of(passages)
        best = [float((rows @ vector).max()) if len(rows) else 0.0 for rows in map(rows_of.__getitem__, passages)]
        return np.clip(np.array(best, dtype=np.float32), 0, 1)

    def close(self) -> None:
        self._embedder.close()

    def _rows_of(self, passages: Sequence[str]) -> dict[str, Vectors]:
        """(windows, dimensions) float32 for each passage; what was not known is embedded at once, and kept."""
        found = self._kept.of(passages)
        parts = {passage: windows(passage, self._fits) for passage in passages if passage not in found}
        fresh = self._embedded([window for pieces in parts.values() for window in pieces])
        new = {
            passage: np.array([fresh[window] for window in pieces if window in fresh], dtype=np.float32)
            for passage, pieces in parts.items()
        }
        self._kept.keep(new)
        return found | new

    def _fits(self, text: str) -> bool:
        return self._embedder.count_tokens(text) <= self._context_tokens

    def _embedded(self, texts: Sequence[str]) -> dict[str, Vectors]:
        """The vector of each text; those that the model cannot read are left out."""
        wanted = list(dict.fromkeys(texts))
        while wanted:
            try:
                rows = self._embedder.embed_documents(wanted)
            except TextRefused as refused:
                del wanted[refused.position]
                continue
            return dict(zip(wanted, rows, strict=True))
        return {}
