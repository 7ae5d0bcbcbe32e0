"""MiniLM: all-MiniLM-L6-v2 in this process, without a model server.

texts ─ tokens ─► batches of about 512 tokens ─ one thread a core ─► vectors, in the texts' order
"""

import heapq
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from clockifyrag_resource.profiles import ModelProfile

from ..errors import EmbedderError, TextRefused
from ..quota import cpu_quota
from . import EmbedderIdentity, Vectors
from .bert import Bert, bert, mean_pooled
from .checks import refuse_unreadable, require_dimensions, too_long, unit_length
from .cores import keep_products_in_their_thread
from .tokens import open_tokenizer
from .weights import mapped_tensors

WEIGHTS, TOKENIZER, CONFIG = "model.safetensors", "tokenizer.json", "config.json"
ROWS_AT_ONCE = 512  # tokens of one batch: products run at full speed, and what is between them stays in the caches
ROWS_WORTH_A_THREAD = 96  # with fewer, a product spends more time on fetching the weights than on multiplying
SPECIAL_TOKENS = 2  # [CLS] and [SEP] stand around every text


class MiniLMEmbedder:
    """Keeps the promise of `Embedder`; several threads may use it at once. A question takes about 10 ms."""

    def __init__(self, folder: Path, profile: ModelProfile, digest: str, threads: int | None = None) -> None:
        """Maps the model of `folder` (config.json, model.safetensors, tokenizer.json).

        digest: `sha256:…` of the weights, for the identity. threads: of embed_documents; None: one for each core this
        process may use. EmbedderError says which file is missing or damaged.
        """
        keep_products_in_their_thread()
        self._model = open_model(folder)
        self._tokenizer: Tokenizer = open_tokenizer(folder / TOKENIZER)
        self._threads = threads or cpu_quota()
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="embed")  # no thread runs before it is needed
        require_dimensions(folder, self._model.width, profile)
        context_tokens = min(profile.context_tokens, len(self._model.positions))
        self._identity = EmbedderIdentity.of(profile, digest, self._model.width, context_tokens)

    @property
    def identity(self) -> EmbedderIdentity:
        """As `Embedder` promises."""
        return self._identity

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """As `Embedder` promises. The bits of a row depend on its text alone, not on the batch or its order."""
        refuse_unreadable(texts)
        prefix = self._identity.document_prefix
        encodings = self._tokenizer.encode_batch_fast([prefix + text for text in texts])
        ids = [encoding.ids for encoding in encodings]
        context = self._identity.context_tokens
        for position, one in enumerate(ids):
            if len(one) > context:
                raise too_long(position, len(one), context, self._identity.model)
            if len(one) <= SPECIAL_TOKENS:
                raise TextRefused(position, "it holds nothing but control characters")
        rows = np.empty((len(texts), self._model.width), np.float32)
        shares = even_batches([len(one) for one in ids], self._threads)
        jobs = [_Job(positions, ids, rows, self._model) for positions in shares]
        if self._threads == 1 or len(jobs) < 2:
            for job in jobs:
                job()
        else:
            list(self._pool.map(_Job.__call__, jobs))
        return unit_length(rows)

    def embed_question(self, text: str, timeout_seconds: float | None = None) -> Vectors:
        """As `Embedder` promises, in one go: `timeout_seconds` is not looked at, as nothing is waited for.

        A question above the context is cut there, a document never: the beginning of a question still asks something.
        """
        refuse_unreadable([text])
        ids = self._tokenizer.encode(self._identity.query_prefix + text).ids
        if len(ids) <= SPECIAL_TOKENS:
            raise TextRefused(0, "it holds nothing but control characters")
        context = self._identity.context_tokens
        if len(ids) > context:
            ids = [*ids[: context - 1], ids[-1]]
        vector: Vectors = unit_length(mean_pooled(self._model, [ids]))[0]
        return vector

    def count_tokens(self, text: str) -> int:
        """Tokens of `text` with prefix and special tokens, exactly."""
        return len(self._tokenizer.encode(self._identity.document_prefix + text).ids)

    def knows_word(self, word: str) -> bool:
        """Whether the folded word is one token."""
        return self._tokenizer.token_to_id(word) is not None

    def close(self) -> None:
        """Ends the threads."""
        self._pool.shutdown()


@dataclass(frozen=True, slots=True)
class _Job:
    """One batch: reads the ids of its positions, writes their rows."""

    positions: list[int]
    ids: Sequence[Sequence[int]]
    rows: Vectors
    model: Bert

    def __call__(self) -> None:
        self.rows[self.positions] = mean_pooled(self.model, [self.ids[at] for at in self.positions])


def even_batches(lengths: Sequence[int], threads: int) -> list[list[int]]:
    """Positions in batches of nearly the same number of tokens, about ROWS_AT_ONCE or less; a multiple of `threads`.

    Longest first into the batch that is the shortest so far (Graham 1969): threads side by side end at the same time.

    >>> even_batches([100, 300, 200, 250], threads=2)
    [[1, 0], [3, 2]]
    """
    tokens = sum(lengths)
    count = -(-tokens // ROWS_AT_ONCE)
    if tokens >= ROWS_WORTH_A_THREAD * threads:
        count = -(-count // threads) * threads
    shares: list[tuple[int, int, list[int]]] = [(0, number, []) for number in range(min(count, len(lengths)))]
    for position in sorted(range(len(lengths)), key=lambda at: (-lengths[at], at)):
        size, number, share = heapq.heappop(shares)
        share.append(position)
        heapq.heappush(shares, (size + lengths[position], number, share))
    return [share for _, _, share in sorted(shares, key=lambda one: one[1])]


def open_model(folder: Path) -> Bert:
    """The model of the folder, mapped. EmbedderError says which file is missing or not as it should be."""
    try:
        config: Any = json.loads((folder / CONFIG).read_bytes())
    except (OSError, ValueError) as error:
        raise EmbedderError(f"{folder / CONFIG} cannot be read ({error}); expected a model's configuration") from error
    if not isinstance(config, dict):
        raise EmbedderError(f"{folder / CONFIG} holds no JSON object; expected a model's configuration")
    return bert(mapped_tensors(folder / WEIGHTS), config)
