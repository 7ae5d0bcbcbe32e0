"""Embedding of a corpus: texts → one row each; every distinct text once, known ones from the cache.

texts ─ keys ─► distinct ─┬─ in the cache ─────────────────────────► rows
                          └─ missing ─ batch ─► embedder ─► cache ─► rows
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from clockifyrag_builder.lanes import Pace, answered
from clockifyrag_builder.vector_cache import VectorCache
from clockifyrag_index.embedders import Embedder, Vectors
from clockifyrag_index.errors import TextRefused

Progress = Callable[[int, int], None]  # texts done, texts in all


@dataclass(frozen=True, slots=True)
class EmbeddingOutcome:
    """The vectors, and what they cost."""

    vectors: Vectors  # (texts, dimensions) float32 rows of length 1, in the texts' order
    distinct: int  # texts that differ
    cache_hits: int  # distinct texts whose vector was known
    texts_embedded: int  # distinct texts that the embedder was given
    calls: int  # of the embedder


def embed_chunks(
    texts: Sequence[str],
    embedder: Embedder,
    cache: VectorCache,
    progress: Progress,
    batch_size: int = 32,
    *,
    in_flight: int = 1,
    call_seconds: float | None = None,
) -> EmbeddingOutcome:
    """The vectors of `texts`; when this process dies, at most the batches being embedded are lost.

    progress: called after each step with a number of texts that never falls and ends at all of them. in_flight: calls
    of the embedder at once, for one that stands for several servers. call_seconds: about how long a call may take,
    with fewer texts than `batch_size` where need be. TextRefused names the position in `texts`; other EmbedderErrors
    and StorageErrors pass through. A text known to the cache is never given to the embedder, so with nothing new no
    model is asked at all.
    """
    first_place, places = _distinct(texts, cache)
    vectors = np.empty((len(texts), embedder.identity.dimensions), np.float32)
    new: list[bytes] = []
    for key, place in first_place.items():
        known = cache.vector(key)
        if known is None:
            new.append(key)
        else:
            vectors[place] = known
    repeated = np.bincount(places, minlength=len(texts))  # how many texts each first one stands for
    done = len(texts) - int(sum(repeated[first_place[key]] for key in new))
    progress(done, len(texts))
    new.sort(key=lambda key: len(texts[first_place[key]]))  # texts of like length: batches take like time
    pace = Pace(batch_size, call_seconds)
    embed = pace.timed(embedder.embed_documents)

    def rows_of(keys: list[bytes]) -> Vectors:
        at = [first_place[key] for key in keys]
        return _embedded([texts[place] for place in at], at, embed)

    calls = 0
    for keys, rows in answered(rows_of, _batches(new, pace), in_flight):
        at = [first_place[key] for key in keys]
        cache.append(keys, rows)
        vectors[at] = rows
        done += int(repeated[at].sum())
        calls += 1
        progress(done, len(texts))
    again = np.flatnonzero(places != np.arange(len(texts)))
    vectors[again] = vectors[places[again]]
    return EmbeddingOutcome(
        vectors=vectors,
        distinct=len(first_place),
        cache_hits=len(first_place) - len(new),
        texts_embedded=len(new),
        calls=calls,
    )


def _distinct(
    texts: Sequence[str], cache: VectorCache
) -> tuple[dict[bytes, int], np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Key → place of the first text with it, in order; and for each text the place of the first one equal to it."""
    first_place: dict[bytes, int] = {}
    places = np.fromiter(
        (first_place.setdefault(cache.key(text), place) for place, text in enumerate(texts)), np.int64, len(texts)
    )
    return first_place, places


def _batches(keys: Sequence[bytes], pace: Pace) -> Iterator[list[bytes]]:
    """The keys in order, each time as many as the pace says when they are asked for."""
    start = 0
    while start < len(keys):
        size = pace.size
        yield list(keys[start : start + size])
        start += size


def _embedded(texts: list[str], at: Sequence[int], embed: Callable[[list[str]], Vectors]) -> Vectors:
    """(len(texts), dimensions) float32. TextRefused with the place in the whole corpus, `at`, of the text refused."""
    try:
        return embed(texts)
    except TextRefused as error:
        raise TextRefused(at[error.position], error.reason) from error
