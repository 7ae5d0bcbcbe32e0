"""What was tried of all-minilm's forward pass and left out, or came before: each takes the place of parts of it.

`with ATTEMPTS[name]:` an embedder opened and used inside computes that way; its vectors stay those of the same model,
which `bench.figures.embedding_attempts` checks.
"""

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from unittest.mock import patch

import numpy as np

from clockifyrag_index.embedders import Vectors, bert, minilm
from clockifyrag_index.embedders.bert import Layer
from clockifyrag_index.embedders.gelu import gelu

TEXTS_AT_ONCE = 32
GELU_OF_TANH = np.float32(math.sqrt(2 / math.pi))


def project_in_three(rows: Vectors, layer: Layer, room: bert._Room) -> None:
    """Queries, keys and values by a product each."""
    for weights, out in zip(np.split(layer.qkv, 3, axis=1), np.split(room.qkv, 3, axis=1), strict=True):
        np.matmul(rows, weights, out=out)
    room.qkv[:] += layer.qkv_bias


def project_anew(rows: Vectors, layer: Layer, room: bert._Room) -> None:
    room.qkv[:] = rows @ layer.qkv + layer.qkv_bias


def attend_anew(rows: Vectors, layer: Layer, room: bert._Room) -> None:
    """Each result in memory asked for anew, as numpy's operators give it."""
    project_anew(rows, layer, room)
    for text in room.texts:
        scores = text.queries @ text.keys
        powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
        text.context[:] = (powers / powers.sum(axis=-1, keepdims=True)) @ text.values
    rows += room.context @ layer.attended + layer.attended_bias


def feed_forward_anew(rows: Vectors, layer: Layer, room: bert._Room) -> None:
    wide = rows @ layer.widen + layer.widen_bias
    gelu(wide)
    rows += wide @ layer.narrow + layer.narrow_bias


def gelu_by_tanh(rows: Vectors) -> None:
    """The approximation of Hendrycks and Gimpel (arXiv 1606.08415), over all rows at once; not exact."""
    rows *= np.float32(0.5) * (1 + np.tanh(GELU_OF_TANH * (rows + np.float32(0.044715) * rows**3)))


def texts_in_turn(lengths: Sequence[int], threads: int) -> list[list[int]]:
    """Batches of 32 texts in the order they come, however long."""
    places = list(range(len(lengths)))
    return [places[start : start + TEXTS_AT_ONCE] for start in range(0, len(places), TEXTS_AT_ONCE)]


def one_text_each(lengths: Sequence[int], threads: int) -> list[list[int]]:
    return [[place] for place in range(len(lengths))]


ATTEMPTS: dict[str, AbstractContextManager[Any]] = {
    "as it is": nullcontext(),
    "a product each for queries, keys and values": patch.multiple(bert, _project=project_in_three),
    "new arrays for every result": patch.multiple(bert, _attend=attend_anew, _feed_forward=feed_forward_anew),
    "GELU by tanh": patch.multiple(bert, gelu=gelu_by_tanh),
    "32 texts a batch as they come": patch.multiple(minilm, even_batches=texts_in_turn),
    "one text a batch": patch.multiple(minilm, even_batches=one_text_each),
    "products on all cores, one batch at a time": patch.multiple(
        minilm, keep_products_in_their_thread=lambda: False, cpu_quota=lambda: 1
    ),
}
