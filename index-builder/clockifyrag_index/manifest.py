"""Manifest: meta.json of a generation, what a reader may rely on before it opens any other file."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, get_args

import numpy as np

from .embedders import EmbedderIdentity, Vectors
from .errors import UsageError
from .files import FileRecord
from .identity import canonical_json, content_digest, digest_of

IndexType = Literal["Flat", "HNSW"]
VectorStorage = Literal["Float32", "Float16", "SQ8"]
INDEX_TYPES: tuple[IndexType, ...] = get_args(IndexType)
VECTOR_STORAGES: tuple[VectorStorage, ...] = get_args(VectorStorage)


@dataclass(frozen=True, slots=True)
class IndexParameters:
    """How the vectors are indexed; part of a generation's id. The metric is always the inner product."""

    type: IndexType = "Flat"
    storage: VectorStorage = "Float32"
    hnsw_m: int | None = None
    hnsw_ef_construction: int | None = None

    def record(self) -> dict[str, object]:
        """As it stands in meta.json and enters the id; what does not apply to the type is absent."""
        base: dict[str, object] = {"type": self.type, "metric": "InnerProduct", "vectorStorage": self.storage}
        if self.type == "HNSW":
            base["hnsw"] = {"m": self.hnsw_m, "efConstruction": self.hnsw_ef_construction}
        return base

    @property
    def is_exact(self) -> bool:
        """Whether the index holds the rows as they are and compares all of them: no other file holds them then."""
        return (self.type, self.storage) == ("Flat", "Float32")


@dataclass(frozen=True, slots=True)
class Recall:
    """How much of the ten nearest rows an index finds: measured by the builder, no part of the id."""

    at_10: float  # share of the rows that comparing all of them finds, between 0 and 1
    questions: int  # asked

    def record(self) -> dict[str, object]:
        """As it stands in meta.json and in the summary of a build."""
        return {"at10": self.at_10, "questions": self.questions}


@dataclass(frozen=True, slots=True)
class Canary:
    """A text and the vector the builder's embedder gave it: another embedder must give nearly the same."""

    text: str
    vector: tuple[float, ...]  # float32 values, of length 1


@dataclass(frozen=True, slots=True)
class Counts:
    """How many documents and chunks there are, and values in a vector."""

    documents: int
    chunks: int
    dimensions: int


@dataclass(frozen=True, slots=True)
class NamespaceRows:
    """A namespace and its rows, start inclusive, stop exclusive; namespaces follow each other without a gap."""

    name: str
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """All of meta.json. Digests begin with `sha256:`, file digests are bare hex."""

    id: str
    format: int
    created: str  # UTC, ISO 8601: "2026-01-31T12:00:00Z"
    builder: str  # its version
    reason: str  # why it was built
    build_key: str
    source_digest: str
    inputs_digest: str
    vectors_digest: str
    embedder: EmbedderIdentity
    canaries: tuple[Canary, ...]
    lexical: Mapping[str, object]  # parameters of the word statistics, tokenizer id included
    chunking: Mapping[str, object]
    index: IndexParameters
    counts: Counts
    namespaces: tuple[NamespaceRows, ...]
    files: Mapping[str, FileRecord]  # all files but meta.json, by name below the generation's folder
    recall: Recall | None = None  # None where all rows are compared

    @property
    def tokenizer(self) -> str:
        """Id of the tokenizer the word statistics were made with."""
        return str(self.lexical["tokenizer"])

    @property
    def content_digest(self) -> str:
        """Equal for generations whose files hold the same bytes."""
        return content_digest(self.files)

    @property
    def size_bytes(self) -> int:
        """Of all files but meta.json."""
        return sum(file.size_bytes for file in self.files.values())

    @property
    def canary_vectors(self) -> Vectors:
        """(canaries, dimensions) float32."""
        rows = [canary.vector for canary in self.canaries]
        return np.array(rows, dtype=np.float32).reshape(len(rows), self.counts.dimensions)


def canary(text: str, vector: Vectors) -> Canary:
    """The canary of a text and its (dimensions,) float32 vector, digits as few as float32 needs."""
    return Canary(text, tuple(float(str(value)) for value in vector.astype(np.float32)))


def creation_time(environ: Mapping[str, str] = os.environ) -> str:
    """Now in UTC to the second, or SOURCE_DATE_EPOCH where it is set (reproducible-builds.org): "2026-01-31T12:00:00Z".

    UsageError when SOURCE_DATE_EPOCH holds something else than a time.

    >>> creation_time({"SOURCE_DATE_EPOCH": "0"})
    '1970-01-01T00:00:00Z'
    """
    epoch = environ.get("SOURCE_DATE_EPOCH")
    try:
        moment = datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(
            f"SOURCE_DATE_EPOCH is {str(epoch)[:40]!r}; expected seconds since 1970, as of `date +%s`"
        ) from error
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def manifest_bytes(manifest: Manifest) -> bytes:
    """meta.json: canonical JSON and a newline, `metaDigest` over all other fields; equal manifests give equal bytes."""
    record = _record(manifest)
    return canonical_json({**record, "metaDigest": digest_of(record)}) + b"\n"


def _record(manifest: Manifest) -> dict[str, object]:
    return {
        "format": manifest.format,
        "id": manifest.id,
        "created": manifest.created,
        "builder": manifest.builder,
        "reason": manifest.reason,
        "buildKey": manifest.build_key,
        "sourceDigest": manifest.source_digest,
        "inputsDigest": manifest.inputs_digest,
        "vectorsDigest": manifest.vectors_digest,
        "contentDigest": manifest.content_digest,
        "embedder": _embedder_record(manifest.embedder),
        "canaries": [{"text": one.text, "vector": one.vector} for one in manifest.canaries],
        "lexical": dict(manifest.lexical),
        "tokenizer": manifest.tokenizer,
        "chunking": dict(manifest.chunking),
        "index": manifest.index.record(),
        **({"recall": manifest.recall.record()} if manifest.recall else {}),
        "counts": {
            "documents": manifest.counts.documents,
            "chunks": manifest.counts.chunks,
            "dimensions": manifest.counts.dimensions,
        },
        "namespaces": [{"name": one.name, "start": one.start, "stop": one.stop} for one in manifest.namespaces],
        "files": {
            name: {"size": file.size_bytes, "sha256": file.sha256, "blocks": file.blocks}
            for name, file in manifest.files.items()
        },
    }


def _embedder_record(embedder: EmbedderIdentity) -> dict[str, object]:
    return {
        "model": embedder.model,
        "digest": embedder.digest,
        "dimensions": embedder.dimensions,
        "contextTokens": embedder.context_tokens,
        "documentPrefix": embedder.document_prefix,
        "queryPrefix": embedder.query_prefix,
    }
