"""BERT: a batch of token ids → one vector a text, as a plain forward pass in numpy.

Devlin et al. 2018 (arXiv 1810.04805): embeddings, then layers of attention and feed-forward, each followed by an
addition and a layer normalisation; sentence-transformers' mean pooling on top. float32 throughout: one float64 scalar
would halve the speed. The rows of a batch are the tokens of its texts, one text after the other: products go over all
rows at once, attention text by text, so that nothing is masked and hardly anything padded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np

from ..errors import EmbedderError
from . import Vectors
from .gelu import gelu
from .weights import Tensors, tensor

TokenIds = Sequence[int]

# BLAS takes rows together and divides these otherwise than what is left over: where a row stands decides its last bit.
# OpenBLAS takes 12 at most (its kernel for Haswell, 6 and 6), so every text begins at a multiple of that.
ROWS_APART = 12


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer's weights; matrices are (in, out) views, biases and normalisations (out,)."""

    qkv: Vectors
    qkv_bias: Vectors
    attended: Vectors
    attended_bias: Vectors
    attended_norm: tuple[Vectors, Vectors]  # weight, bias
    widen: Vectors
    widen_bias: Vectors
    narrow: Vectors
    narrow_bias: Vectors
    norm: tuple[Vectors, Vectors]


@dataclass(frozen=True, slots=True)
class Bert:
    """A model ready to run; arrays are views of the mapped file, but for the fused (q, k, v) matrices."""

    words: Vectors  # (vocabulary, width)
    positions: Vectors  # (positions, width), the one token type added
    embedding_norm: tuple[Vectors, Vectors]
    layers: tuple[Layer, ...]
    heads: int
    epsilon: float

    @property
    def width(self) -> int:
        """Values of a token's vector, and of a text's."""
        return int(self.words.shape[1])


def bert(tensors: Tensors, config: Mapping[str, Any]) -> Bert:
    """The model of a safetensors file and its config.json. EmbedderError says what is missing or unknown."""
    try:
        width, inner = int(config["hidden_size"]), int(config["intermediate_size"])
        heads, layers = int(config["num_attention_heads"]), int(config["num_hidden_layers"])
        vocabulary, positions = int(config["vocab_size"]), int(config["max_position_embeddings"])
        kinds = (config["model_type"], config["hidden_act"], config.get("position_embedding_type", "absolute"))
    except (KeyError, TypeError, ValueError) as error:
        raise EmbedderError(f"config.json lacks {error}; expected the configuration of a BERT model") from error
    if kinds != ("bert", "gelu", "absolute"):
        raise EmbedderError(f"config.json says {' '.join(map(str, kinds))}; only bert gelu absolute can be run here")
    name = "embeddings."
    types = tensor(tensors, name + "token_type_embeddings.weight", (int(config.get("type_vocab_size", 2)), width))
    return Bert(
        words=tensor(tensors, name + "word_embeddings.weight", (vocabulary, width)),
        positions=tensor(tensors, name + "position_embeddings.weight", (positions, width)) + types[0],
        embedding_norm=_norm(tensors, name + "LayerNorm", width),
        layers=tuple(_layer(tensors, f"encoder.layer.{i}.", width, inner, heads) for i in range(layers)),
        heads=heads,
        epsilon=float(config.get("layer_norm_eps", 1e-12)),
    )


def _norm(tensors: Tensors, name: str, width: int) -> tuple[Vectors, Vectors]:
    return tensor(tensors, name + ".weight", (width,)), tensor(tensors, name + ".bias", (width,))


def _layer(tensors: Tensors, name: str, width: int, inner: int, heads: int) -> Layer:
    """The weights below `name`. Queries are scaled here, once, by 1/√(width of a head) instead of in each attention."""
    scales = {"query": np.float32((width // heads) ** -0.5), "key": np.float32(1), "value": np.float32(1)}
    this, attended = name + "attention.self.", name + "attention.output."
    return Layer(
        qkv=np.concatenate([tensor(tensors, f"{this}{n}.weight", (width, width)) * s for n, s in scales.items()]).T,
        qkv_bias=np.concatenate([tensor(tensors, f"{this}{n}.bias", (width,)) * s for n, s in scales.items()]),
        attended=tensor(tensors, attended + "dense.weight", (width, width)).T,
        attended_bias=tensor(tensors, attended + "dense.bias", (width,)),
        attended_norm=_norm(tensors, attended + "LayerNorm", width),
        widen=tensor(tensors, name + "intermediate.dense.weight", (inner, width)).T,
        widen_bias=tensor(tensors, name + "intermediate.dense.bias", (inner,)),
        narrow=tensor(tensors, name + "output.dense.weight", (width, inner)).T,
        narrow_bias=tensor(tensors, name + "output.dense.bias", (width,)),
        norm=_norm(tensors, name + "output.LayerNorm", width),
    )


def mean_pooled(model: Bert, texts: Sequence[TokenIds]) -> Vectors:
    """(texts, width) float32: the mean of each text's token vectors, not scaled to length 1.

    texts: the token ids of each, the special tokens included. A text gets the same bits whatever else is in the batch:
    its rows are filled up to a multiple of ROWS_APART with others, which nobody attends to.
    """
    starts = list(accumulate((-(-len(text) // ROWS_APART) * ROWS_APART for text in texts), initial=0))
    bounds = [(start, start + len(text)) for start, text in zip(starts, texts, strict=False)]
    rows = np.zeros((starts[-1], model.width), np.float32)
    for (start, end), text in zip(bounds, texts, strict=True):
        np.add(model.words[list(text)], model.positions[: end - start], out=rows[start:end])
    _normalise(rows, model.embedding_norm, model.epsilon)
    room = _Room.of(model, starts[-1], bounds)
    for layer in model.layers:
        _attend(rows, layer, room)
        _normalise(rows, layer.attended_norm, model.epsilon)
        _feed_forward(rows, layer, room)
        _normalise(rows, layer.norm, model.epsilon)
    return np.stack([np.add.reduce(rows[start:end], axis=0) * (1 / (end - start)) for start, end in bounds])


@dataclass(frozen=True, slots=True)
class _TextRoom:
    """What attention of one text reads and writes: views of the memory of the whole batch."""

    queries: Vectors  # (heads, tokens, width of a head)
    keys: Vectors  # (heads, width of a head, tokens)
    values: Vectors  # (heads, tokens, width of a head)
    scores: Vectors  # (heads, tokens, tokens), shared by all texts
    context: Vectors  # (heads, tokens, width of a head)


@dataclass(frozen=True, slots=True)
class _Room:
    """Arrays that every layer writes over, so that a forward pass asks for memory once."""

    qkv: Vectors  # (rows, 3·width)
    context: Vectors  # (rows, width)
    texts: tuple[_TextRoom, ...]
    wide: Vectors  # (rows, inner width)
    out: Vectors  # (rows, width)

    @classmethod
    def of(cls, model: Bert, rows: int, bounds: Sequence[tuple[int, int]]) -> "_Room":
        width, heads = model.width, model.heads
        qkv, context = np.empty((rows, 3 * width), np.float32), np.zeros((rows, width), np.float32)
        scores = np.empty(heads * max(end - start for start, end in bounds) ** 2, np.float32)
        texts = []
        for start, end in bounds:
            tokens = end - start
            queries, keys, values = qkv[start:end].reshape(tokens, 3, heads, width // heads).transpose(1, 2, 0, 3)
            texts.append(
                _TextRoom(
                    queries=queries,
                    keys=keys.swapaxes(-1, -2),
                    values=values,
                    scores=scores[: heads * tokens**2].reshape(heads, tokens, tokens),
                    context=context[start:end].reshape(tokens, heads, width // heads).swapaxes(0, 1),
                )
            )
        wide = np.empty((rows, model.layers[0].widen.shape[1]), np.float32)
        return cls(qkv, context, tuple(texts), wide, out=np.empty((rows, width), np.float32))


def _project(rows: Vectors, layer: Layer, room: _Room) -> None:
    """Writes the queries, keys and values of each row."""
    np.matmul(rows, layer.qkv, out=room.qkv)
    room.qkv[:] += layer.qkv_bias


def _attend(rows: Vectors, layer: Layer, room: _Room) -> None:
    """Adds to each row what it attends to in its text: softmax(q·kᵀ/√d)·v of all heads, through the output matrix."""
    _project(rows, layer, room)
    for text in room.texts:
        scores = text.scores
        np.matmul(text.queries, text.keys, out=scores)
        scores -= np.maximum.reduce(scores, axis=-1, keepdims=True)  # exp cannot overflow then
        np.exp(scores, out=scores)
        scores *= np.reciprocal(np.add.reduce(scores, axis=-1, keepdims=True))
        np.matmul(scores, text.values, out=text.context)
    np.matmul(room.context, layer.attended, out=room.out)
    room.out[:] += layer.attended_bias
    rows += room.out


def _feed_forward(rows: Vectors, layer: Layer, room: _Room) -> None:
    """Adds gelu(rows·W₁ + b₁)·W₂ + b₂ to the rows."""
    np.matmul(rows, layer.widen, out=room.wide)
    room.wide[:] += layer.widen_bias
    gelu(room.wide)
    np.matmul(room.wide, layer.narrow, out=room.out)
    room.out[:] += layer.narrow_bias
    rows += room.out


def _normalise(rows: Vectors, norm: tuple[Vectors, Vectors], epsilon: float) -> None:
    """Layer normalisation in place (Ba et al. 2016, arXiv 1607.06450)."""
    weight, bias = norm
    share = 1 / rows.shape[1]
    rows -= np.add.reduce(rows, axis=1, keepdims=True) * share
    variance = np.einsum("ij,ij->i", rows, rows)
    variance *= share
    variance += epsilon
    rows *= np.reciprocal(np.sqrt(variance))[:, np.newaxis]
    rows *= weight
    rows += bias
