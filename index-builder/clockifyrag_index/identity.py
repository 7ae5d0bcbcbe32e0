"""Identity: the digests that name a generation, over canonical JSON, the same on any machine."""

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import orjson

from .embedders import EmbedderIdentity, Vectors
from .files import FileRecord

if TYPE_CHECKING:
    from .manifest import IndexParameters

FORMAT = 3
_ROWS_AT_ONCE = 8192


def canonical_json(record: object) -> bytes:
    """The record as JSON with sorted keys and no spaces: equal records give equal bytes."""
    return orjson.dumps(record, option=orjson.OPT_SORT_KEYS)


def digest_of(record: object) -> str:
    """`sha256:` and hex over the canonical JSON of the record."""
    return "sha256:" + hashlib.sha256(canonical_json(record)).hexdigest()


def vectors_digest(vectors: Vectors) -> str:
    """`sha256:` and hex over (n, d) rows as little-endian float32, row after row; maps are read in blocks."""
    digest = hashlib.sha256()
    for start in range(0, len(vectors), _ROWS_AT_ONCE):
        digest.update(np.ascontiguousarray(vectors[start : start + _ROWS_AT_ONCE], dtype="<f4").data)
    return "sha256:" + digest.hexdigest()


def embedder_fingerprint(embedder: EmbedderIdentity) -> str:
    """Digest over what decides the vectors; the context length is left out, as no text is ever cut to it."""
    return digest_of(
        {
            "model": embedder.model,
            "digest": embedder.digest,
            "dimensions": embedder.dimensions,
            "documentPrefix": embedder.document_prefix,
            "queryPrefix": embedder.query_prefix,
        }
    )


def inputs_digest(
    chunks_digest: str, lexical: Mapping[str, object], index: "IndexParameters", embedder: EmbedderIdentity
) -> str:
    """Digest over all that makes a generation but the vectors, so it is known before anything is embedded.

    chunks_digest: as `chunk_store.chunks_digest` gives it. lexical: what the lexical writer returns.
    """
    return digest_of(_inputs(chunks_digest, lexical, index, embedder, FORMAT))


def generation_id(
    chunks_digest: str,
    rows_digest: str,
    lexical: Mapping[str, object],
    index: "IndexParameters",
    embedder: EmbedderIdentity,
    format_number: int = FORMAT,
) -> str:
    """`gen-` and 12 hex: the same chunks and the same vectors have the same id anywhere."""
    record = {**_inputs(chunks_digest, lexical, index, embedder, format_number), "vectors": rows_digest}
    return f"gen-{hashlib.sha256(canonical_json(record)).hexdigest()[:12]}"


def content_digest(files: Mapping[str, FileRecord]) -> str:
    """Digest over names, sizes and sha256 of all files: what caches and readers take for "the same bytes"."""
    return digest_of({name: [file.size_bytes, file.sha256] for name, file in files.items()})


def _inputs(
    chunks_digest: str,
    lexical: Mapping[str, object],
    index: "IndexParameters",
    embedder: EmbedderIdentity,
    format_number: int,
) -> dict[str, object]:
    return {
        "format": format_number,
        "chunks": chunks_digest,
        "lexical": dict(lexical),
        "index": index.record(),
        "embedder": embedder_fingerprint(embedder),
    }
