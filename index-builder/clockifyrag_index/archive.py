"""Archive: a generation as one tar file, and back.

    meta.json │ chunks.jsonl │ vectors.npy        in this order, nothing else

index.bin and the word statistics are never taken from an archive: import builds them anew from records and vectors, and
the id has to come out the same. So a crafted index file cannot get in, and the file is as small as it can be.
"""

import gzip
import hashlib
import secrets
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from .chunk import Chunk
from .chunk_store import chunks_of_lines
from .disk import require_space, storage_errors
from .embedders import Vectors
from .errors import GenerationDamaged, UsageError
from .files import synced_file
from .generations import Generation, open_generation
from .identity import FORMAT, vectors_digest
from .layout import CHUNKS, META, VECTORS, Layout
from .locks import builder_lock
from .manifest import Manifest
from .manifest_reader import MANIFEST_BYTES_MAX, manifest_from
from .npy_rows import npy_header, row_bytes
from .tar_stream import TarReader, write_end, write_member
from .writer import GenerationPlan, WriteOutcome, temporary_folder, write_generation

LexicalOfChunks = Callable[[Path, Iterable[Chunk]], Mapping[str, object]]

EXPANSION_MAX = 100  # a real archive grows by a factor below 20: vectors hardly compress at all
_NPY_HEADER_MAX = 4096


def export_generation(directory: Path, target: Path) -> None:
    """Writes the generation in `directory` to `target`, .tar, .tar.gz or .tgz; the same generation, the same bytes.

    The generation is verified before and the archive is read back after; `target` is there whole or not at all.
    UsageError for another suffix.
    """
    _is_gzip(target.name)
    generation = open_generation(directory)
    temporary = target.with_name(f".{target.name}.tmp-{secrets.token_hex(4)}")
    with storage_errors(target.parent):
        try:
            with synced_file(temporary) as file, _compressed(file, target) as stream:
                digests = _write(stream, generation)
            _read_back(temporary, target, generation.manifest, digests)
            temporary.replace(target)
        finally:
            generation.close()
            temporary.unlink(missing_ok=True)


def import_generation(root: Path, source: Path, lexical: LexicalOfChunks) -> WriteOutcome:
    """Adds the generation of an archive below `root`; publishes nothing.

    `lexical` writes the word statistics of the chunks into a folder, as it did for the original. GenerationDamaged
    when anything in the archive is not as `export_generation` writes it or the id comes out differently (that of an
    earlier format has to), NoSpace, RootLocked; an import that fails or is interrupted leaves nothing.
    """
    layout = Layout(root)
    with builder_lock(root), storage_errors(root), temporary_folder(layout, "import") as folder:
        manifest = _unpack(source, folder, root)
        plan = GenerationPlan(
            chunks=chunks_of_lines(folder / CHUNKS),
            vectors=_mapped_vectors(folder / VECTORS, source),
            embedder=manifest.embedder,
            canaries=manifest.canaries,
            chunking=manifest.chunking,
            index=manifest.index,
            build_key=manifest.build_key,
            source_digest=manifest.source_digest,
            reason=manifest.reason,
            builder=manifest.builder,
            recall=manifest.recall,
            created=manifest.created,
        )
        _check_rows(plan.vectors, manifest, source)
        return write_generation(
            root,
            plan,
            lambda into: lexical(into, chunks_of_lines(folder / CHUNKS)),
            expected_id=manifest.id if manifest.format == FORMAT else None,  # of an earlier format it gets another one
        )


def _check_rows(vectors: Vectors, manifest: Manifest, source: Path) -> None:
    if (found := vectors_digest(vectors)) != manifest.vectors_digest:
        raise GenerationDamaged(
            f"{source}: {VECTORS} has {found}, its manifest says {manifest.vectors_digest}. Export it again."
        )


def _write(stream: BinaryIO, generation: Generation) -> dict[str, str]:
    """Writes the three members; returns the sha256 of each."""
    meta = (generation.path / META).read_bytes()
    chunks = generation.path / CHUNKS
    vectors = generation.dense.vectors()
    header = npy_header(*vectors.shape)
    digests = {META: write_member(stream, META, len(meta), [meta])}
    with chunks.open("rb") as file:
        pieces = iter(lambda: file.read(1024 * 1024), b"")
        digests[CHUNKS] = write_member(stream, CHUNKS, chunks.stat().st_size, pieces)
    digests[VECTORS] = write_member(stream, VECTORS, len(header) + vectors.nbytes, chain([header], row_bytes(vectors)))
    write_end(stream)
    return digests


def _read_back(path: Path, target: Path, manifest: Manifest, digests: Mapping[str, str]) -> None:
    """GenerationDamaged when the archive on disk does not hold what was written to it."""
    with _opened(path, target.name) as tar:
        for name in (META, CHUNKS, VECTORS):
            digest = hashlib.sha256()
            for piece in tar.data(tar.expect(name)):
                digest.update(piece)
            if digest.hexdigest() != digests[name]:
                raise GenerationDamaged(f"{path}: {name} of {manifest.id} reads back differently: check the disk.")
        tar.expect_end()


def _unpack(source: Path, folder: Path, root: Path) -> Manifest:
    """Writes the archive's records and vectors into the folder, sizes and names checked before a byte is written."""
    with _opened(source, source.name) as tar:
        size = tar.expect(META)
        if size > MANIFEST_BYTES_MAX:
            raise tar.refused(f"{META} has {size:,} bytes, expected at most {MANIFEST_BYTES_MAX:,}")
        manifest = manifest_from(b"".join(tar.data(size)), f"{source}: {META}")
        rows_bytes = manifest.counts.chunks * manifest.counts.dimensions * 4
        _check_expansion(tar, source, root, manifest.files[CHUNKS].size_bytes + rows_bytes)
        size = tar.expect(CHUNKS)
        if size != manifest.files[CHUNKS].size_bytes:
            raise tar.refused(f"{CHUNKS} has {size:,} bytes, its manifest says {manifest.files[CHUNKS].size_bytes:,}")
        if (found := _copy(tar, size, folder / CHUNKS)) != manifest.files[CHUNKS].sha256:
            raise tar.refused(f"{CHUNKS} has sha256 {found}, its manifest says {manifest.files[CHUNKS].sha256}")
        size = tar.expect(VECTORS)
        if not rows_bytes < size <= rows_bytes + _NPY_HEADER_MAX:
            raise tar.refused(f"{VECTORS} has {size:,} bytes, its manifest says {rows_bytes:,} and a header")
        _copy(tar, size, folder / VECTORS)
        tar.expect_end()
    return manifest


def _check_expansion(tar: TarReader, source: Path, root: Path, expected_bytes: int) -> None:
    """Refuses what claims to unpack to far more than a real archive of this size does, or than the disk holds."""
    packed = source.stat().st_size
    if expected_bytes > EXPANSION_MAX * packed:
        raise tar.refused(f"{packed:,} bytes claim to unpack to {expected_bytes:,}, more than {EXPANSION_MAX} times")
    require_space(root, 4 * expected_bytes)  # unpacked, rows and records once more, index.bin, word statistics


def _copy(tar: TarReader, size: int, path: Path) -> str:
    """Writes the member's data; returns its sha256. Not synced: the file is gone when the import is done."""
    digest = hashlib.sha256()
    with path.open("xb") as file:
        for piece in tar.data(size):
            file.write(piece)
            digest.update(piece)
    return digest.hexdigest()


def _mapped_vectors(path: Path, source: Path) -> Vectors:
    try:
        vectors = np.lib.format.open_memmap(path, mode="r")  # `np.load` takes more, a zip file by its first bytes
    except OSError:
        raise
    except Exception as error:  # the header is read by Python's own parser, which fails of what is crafted in many ways
        raise GenerationDamaged(f"{source}: {VECTORS} cannot be read ({error}). Export it again.") from error
    if vectors.dtype != np.dtype("<f4") or vectors.ndim != 2 or not vectors.flags.c_contiguous:
        raise GenerationDamaged(f"{source}: {VECTORS} holds {vectors.dtype} {vectors.shape}, expected float32 rows.")
    return cast("Vectors", vectors)


@contextmanager
def _compressed(file: BinaryIO, target: Path) -> Iterator[BinaryIO]:
    """The file itself for .tar, a gzip stream into it for .tar.gz and .tgz."""
    if _is_gzip(target.name):
        with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0) as stream:
            yield cast("BinaryIO", stream)
    else:
        yield file


@contextmanager
def _opened(path: Path, name: str) -> Iterator[TarReader]:
    """A reader of the archive's members; `name` decides about gzip. UsageError when there is no such file."""
    compressed = _is_gzip(name)
    if not path.is_file():
        raise UsageError(f"{path}: no such file, expected an archive written by `clockifyrag index export`.")
    with path.open("rb") as file:
        stream = cast("BinaryIO", gzip.GzipFile(fileobj=file, mode="rb")) if compressed else file
        tar = TarReader(stream, str(path))
        try:
            yield tar
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise tar.refused(f"is no whole gzip file ({error})") from error


def _is_gzip(name: str) -> bool:
    """Whether the archive is compressed, by its name. UsageError for a name that is none of an archive."""
    if name.endswith((".tar.gz", ".tgz")):
        return True
    if name.endswith(".tar"):
        return False
    raise UsageError(f"{name or '.'}: the name of an archive ends in .tar, .tar.gz or .tgz.")
