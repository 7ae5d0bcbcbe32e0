"""Reading meta.json: bytes that may be damaged, hostile or of a later version → Manifest, or the error that says so."""

from collections.abc import Mapping
from math import ceil
from pathlib import Path
from typing import Any, TypeVar

import orjson

from .disk import is_lost, storage_errors
from .embedders import EmbedderIdentity
from .errors import FormatUnsupported, GenerationDamaged, GenerationMissing
from .files import BLOCK_BYTES, FileRecord
from .graph_limits import EXPECTED, is_graph
from .identity import FORMAT, digest_of, generation_id
from .layout import CHUNKS, INDEX, META, OFFSETS, VECTORS, is_file_name
from .manifest import (
    INDEX_TYPES,
    VECTOR_STORAGES,
    Canary,
    Counts,
    IndexParameters,
    Manifest,
    NamespaceRows,
    Recall,
)

FORMATS = (FORMAT - 1, FORMAT)
MANIFEST_BYTES_MAX = 64 * 1024 * 1024  # 60 bytes a block of 16 MiB: enough for terabytes

T = TypeVar("T")


def read_manifest(directory: Path) -> Manifest:
    """The manifest of the generation in that folder, checked in itself; its files are not looked at.

    GenerationMissing without the folder, GenerationDamaged, or FormatUnsupported.
    """
    path = directory / META
    with storage_errors(directory):
        try:
            size = path.stat().st_size
            data = path.read_bytes() if size <= MANIFEST_BYTES_MAX else b""
        except FileNotFoundError:
            if directory.is_dir():
                raise GenerationDamaged(f"{path}: missing. Rebuild, or `clockifyrag index rollback`.") from None
            raise GenerationMissing(
                f"{directory}: no such generation. `clockifyrag index ls` shows those there are."
            ) from None
        except NotADirectoryError:
            raise GenerationDamaged(f"{directory}: no folder, expected that of a generation. Remove it.") from None
        except OSError as error:
            if not is_lost(error):
                raise
            raise GenerationDamaged(f"{path}: cannot be read ({error.strerror}). Rebuild.") from error
    if size > MANIFEST_BYTES_MAX:
        raise GenerationDamaged(f"{path}: {size:,} bytes, expected at most {MANIFEST_BYTES_MAX:,}. Rebuild.")
    return manifest_from(data, str(path))


def manifest_from(data: bytes, origin: str) -> Manifest:
    """The manifest in those bytes; `origin` names them in errors. Unknown fields are ignored.

    FormatUnsupported for a later format, whatever else it holds; GenerationDamaged when a field is missing or wrong,
    or one of its digests does not fit.
    """
    try:
        record = orjson.loads(data)
        if not isinstance(record, dict):
            raise _Wrong(f"found {type(record).__name__}, expected an object")
        _check_format(_take(record, "format", int), origin)
        stated = _take(record, "metaDigest", str)
        if stated != (found := digest_of({name: value for name, value in record.items() if name != "metaDigest"})):
            raise _Wrong(f"metaDigest is {stated}, its fields give {found}")
        manifest = _manifest(record)
        _check_sense(manifest, record)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError, _Wrong) as error:  # the second: too deep for its digest
        raise GenerationDamaged(f"{origin}: {error}. Its bytes are not what the builder wrote: rebuild.") from error
    return manifest


class _Wrong(Exception):
    """A field that is missing, of another type, or at odds with another."""


def _check_format(found: int, origin: str) -> None:
    if found > FORMAT:
        raise FormatUnsupported(
            f"{origin}: generation format {found}, this version reads {FORMAT - 1} and {FORMAT}. Upgrade the "
            "clockifyrag that reads it (server, store or command line), or rebuild with the version at hand."
        )
    if found not in FORMATS:
        raise GenerationDamaged(
            f"{origin}: generation format {found}, this version reads {FORMAT - 1} and {FORMAT}. Build it anew with "
            "the version at hand."
        )


def _manifest(record: Mapping[str, Any]) -> Manifest:
    return Manifest(
        id=_take(record, "id", str),
        format=_take(record, "format", int),
        created=_take(record, "created", str),
        builder=_take(record, "builder", str),
        reason=_take(record, "reason", str),
        build_key=_take(record, "buildKey", str),
        source_digest=_take(record, "sourceDigest", str),
        inputs_digest=_take(record, "inputsDigest", str),
        vectors_digest=_take(record, "vectorsDigest", str),
        embedder=_embedder(_take(record, "embedder", dict)),
        canaries=tuple(_canary(one) for one in _take(record, "canaries", list)),
        lexical={"tokenizer": _take(record, "tokenizer", str), **_take(record, "lexical", dict)},
        chunking=_take(record, "chunking", dict),
        index=_index_parameters(_take(record, "index", dict)),
        counts=_counts(_take(record, "counts", dict)),
        namespaces=tuple(_namespace(one) for one in _take(record, "namespaces", list)),
        files={name: _file(name, one) for name, one in _take(record, "files", dict).items()},
        recall=_recall(_take(record, "recall", dict)) if "recall" in record else None,
    )


def _embedder(record: Mapping[str, Any]) -> EmbedderIdentity:
    return EmbedderIdentity(
        model=_take(record, "model", str),
        digest=_take(record, "digest", str),
        dimensions=_take(record, "dimensions", int),
        context_tokens=_take(record, "contextTokens", int),
        document_prefix=_take(record, "documentPrefix", str),
        query_prefix=_take(record, "queryPrefix", str),
    )


def _canary(record: object) -> Canary:
    vector = _take(record, "vector", list)
    if not all(isinstance(value, int | float) for value in vector):
        raise _Wrong("a canary vector holds something else than numbers")
    return Canary(_take(record, "text", str), tuple(float(value) for value in vector))


def _index_parameters(record: Mapping[str, Any]) -> IndexParameters:
    kind, storage = _take(record, "type", str), _take(record, "vectorStorage", str)
    if kind not in INDEX_TYPES or storage not in VECTOR_STORAGES:
        raise _Wrong(f"index {kind} {storage}, expected one of {INDEX_TYPES} and one of {VECTOR_STORAGES}")
    if kind == "Flat":
        return IndexParameters(kind, storage)
    hnsw = _take(record, "hnsw", dict)
    m, ef_construction = _take(hnsw, "m", int), _take(hnsw, "efConstruction", int)
    if not is_graph(m, ef_construction):
        raise _Wrong(f"hnsw: m {m} and efConstruction {ef_construction}, expected {EXPECTED}")
    return IndexParameters(kind, storage, m, ef_construction)


def _recall(record: Mapping[str, Any]) -> Recall:
    return Recall(_take(record, "at10", float), _take(record, "questions", int))


def _counts(record: Mapping[str, Any]) -> Counts:
    return Counts(_take(record, "documents", int), _take(record, "chunks", int), _take(record, "dimensions", int))


def _namespace(record: object) -> NamespaceRows:
    return NamespaceRows(_take(record, "name", str), _take(record, "start", int), _take(record, "stop", int))


def _file(name: str, record: object) -> FileRecord:
    if not is_file_name(name) or name == META:
        raise _Wrong(f"files: {name!r} is no name of a file of a generation")
    size, blocks = _take(record, "size", int), _take(record, "blocks", list)
    if size < 0 or len(blocks) != ceil(size / BLOCK_BYTES) or not all(isinstance(block, str) for block in blocks):
        raise _Wrong(f"files: {name} has {size} bytes and {len(blocks)} block digests")
    return FileRecord(size, _take(record, "sha256", str), tuple(blocks))


def _check_sense(manifest: Manifest, record: Mapping[str, Any]) -> None:
    """_Wrong when two fields contradict each other: the digests, the counts, the rows of the namespaces, the files."""
    rows = set() if manifest.index.is_exact else {VECTORS}
    absent = ({INDEX, CHUNKS, OFFSETS} | rows) - manifest.files.keys()
    if absent:
        raise _Wrong(f"files: {', '.join(sorted(absent))} not listed")
    chunks = f"sha256:{manifest.files[CHUNKS].sha256}"
    expected = generation_id(
        chunks, manifest.vectors_digest, manifest.lexical, manifest.index, manifest.embedder, manifest.format
    )
    if manifest.id != expected:
        raise _Wrong(f"id is {manifest.id}, its digests and parameters give {expected}")
    if (stated := _take(record, "contentDigest", str)) != manifest.content_digest:
        raise _Wrong(f"contentDigest is {stated}, the file table gives {manifest.content_digest}")
    if manifest.embedder.dimensions != manifest.counts.dimensions or manifest.counts.dimensions < 1:
        raise _Wrong(f"{manifest.counts.dimensions} dimensions, the embedder has {manifest.embedder.dimensions}")
    if any(len(one.vector) != manifest.counts.dimensions for one in manifest.canaries):
        raise _Wrong(f"a canary vector has not {manifest.counts.dimensions} values")
    row = 0
    for namespace in manifest.namespaces:
        if namespace.start != row or namespace.stop <= row:
            raise _Wrong(f"namespace {namespace.name!r} has rows {namespace.start}:{namespace.stop} after row {row}")
        row = namespace.stop
    if row != manifest.counts.chunks or row == 0:
        raise _Wrong(f"the namespaces have {row} rows, counts.chunks is {manifest.counts.chunks}")


def _take(record: object, name: str, kind: type[T]) -> T:
    """The field, of exactly that type (a bool is no int)."""
    value = record.get(name) if isinstance(record, dict) else None
    if type(value) is not kind:
        found = "nothing" if value is None else f"{type(value).__name__} {str(value)[:40]!r}"
        raise _Wrong(f"{name}: found {found}, expected {kind.__name__}")
    return value
