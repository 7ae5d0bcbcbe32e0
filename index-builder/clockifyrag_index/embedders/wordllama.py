"""WordLlama: static embeddings, a table of token vectors averaged per text (dleemiller/WordLlama, 256 dimensions).

40 times faster than all-minilm and less exact: for tests and tiny pods. The files of package `wordllama` are read
directly: its own loader looks for the tokenizer in a folder that the wheel has not, and then asks the network.
"""

from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from clockifyrag_resource.profiles import ModelProfile

from ..errors import EmbedderError, TextRefused
from ..text import words
from . import EmbedderIdentity, Vectors
from .checks import refuse_unreadable, require_dimensions, too_long, unit_length
from .tokens import open_tokenizer
from .weighing import WordWeight
from .weights import mapped_tensors

WEIGHTS, TOKENIZER = "l2_supercat_256.safetensors", "l2_supercat_tokenizer_config.json"
TABLE = "embedding.weight"
TOKENS_AT_ONCE = 16_384  # their vectors take 16 MB


class WordLlamaEmbedder:
    """Keeps the promise of `Embedder`; several threads may use it at once. A question takes about 0.1 ms."""

    def __init__(self, weights: Path, tokenizer: Path, profile: ModelProfile, digest: str) -> None:
        """Maps the table of `weights`; digest: `sha256:…` of that file, for the identity. EmbedderError."""
        table = mapped_tensors(weights).get(TABLE)
        if table is None or table.ndim != 2:
            raise EmbedderError(f"{weights} holds no table {TABLE}; expected the weights of wordllama")
        require_dimensions(weights, table.shape[1], profile)
        self._table = table  # float16 in the file; rows are widened as they are used
        self._tokenizer: Tokenizer = open_tokenizer(tokenizer)
        self._identity = EmbedderIdentity.of(profile, digest, table.shape[1])

    @property
    def identity(self) -> EmbedderIdentity:
        """As `Embedder` promises."""
        return self._identity

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """As `Embedder` promises. The bits of a row depend on its text alone."""
        refuse_unreadable(texts)
        prefix, context = self._identity.document_prefix, self._identity.context_tokens
        ids = [e.ids for e in self._tokenizer.encode_batch_fast([prefix + t for t in texts], add_special_tokens=False)]
        for position, one in enumerate(ids):
            if len(one) > context:
                raise too_long(position, len(one), context, self._identity.model)
        return self._averages(ids)

    def embed_question(self, text: str, timeout_seconds: float | None = None) -> Vectors:
        """As `Embedder` promises; `timeout_seconds` is not looked at, as nothing is waited for.

        TextRefused for a question without a token, as for a document: the caller is left with its words alone.
        """
        refuse_unreadable([text])
        ids = self._tokenizer.encode(self._identity.query_prefix + text, add_special_tokens=False).ids
        vector: Vectors = self._averages([ids[: self._identity.context_tokens]])[0]
        return vector

    def embed_weighed(self, text: str, weight: WordWeight) -> Vectors:
        """(dimensions,) float32 of length 1: a question's tokens counted by the weight of the word they stand in.

        Tokens between words count as those of the word `""`. TextRefused as from `embed_question`.
        """
        refuse_unreadable([text])
        prefix = self._identity.query_prefix
        encoded = self._tokenizer.encode(prefix + text, add_special_tokens=False)
        weights = np.full(len(prefix) + len(text) + 1, weight(""), np.float32)
        for word in words(text):
            weights[len(prefix) + word.start : len(prefix) + word.end] = weight(word.folded)
        ids = encoded.ids[: self._identity.context_tokens]
        if not ids:
            raise TextRefused(0, "it holds no token that the model knows")
        # the last character of a token: its first may be the space before the word
        places = [max(begin, end - 1) for begin, end in encoded.offsets[: len(ids)]]
        rows = self._table[ids].astype(np.float32) * weights[places, np.newaxis]
        vector: Vectors = unit_length(rows.sum(axis=0, keepdims=True))[0]
        return vector

    def count_tokens(self, text: str) -> int:
        """Tokens of `text` with prefix, exactly; this model has no special tokens."""
        return len(self._tokenizer.encode(self._identity.document_prefix + text, add_special_tokens=False).ids)

    def close(self) -> None:
        """Nothing is held but the mapped table, which goes with this object."""

    def _averages(self, ids: Sequence[Sequence[int]]) -> Vectors:
        """(len(ids), dimensions) float32: the direction of the mean of each text's token vectors, in blocks."""
        rows = np.empty((len(ids), self._table.shape[1]), np.float32)
        ends = list(accumulate(map(len, ids)))
        first = 0
        while first < len(ids):
            last, limit = first + 1, ends[first] - len(ids[first]) + TOKENS_AT_ONCE
            while last < len(ids) and ends[last] <= limit:
                last += 1
            rows[first:last] = self._sums(ids[first:last], first)
            first = last
        return unit_length(rows)  # a sum has the direction of the mean

    def _sums(self, ids: Sequence[Sequence[int]], first: int) -> Vectors:
        """(len(ids), dimensions) float32; `first` is the position of the first text, for the error."""
        lengths = [len(one) for one in ids]
        if 0 in lengths:
            raise TextRefused(first + lengths.index(0), "it holds no token that the model knows")
        flat = np.array([token for one in ids for token in one])
        starts = np.cumsum([0, *lengths[:-1]])
        sums: Vectors = np.add.reduceat(self._table[flat].astype(np.float32), starts, axis=0)
        return sums
