"""Writing a generation: everything below a temporary name, synced, read back, and then one rename.

    plan ─► .build.tmp-…/{chunks, index, lexical/*} ─► id ─► meta.json ─► verified ─► rename to generations/<id>

Until the rename no reader sees anything; after it the generation is complete. Whatever stops it in between, a kill, a
full disk, an error of the caller's, leaves the published generations as they were and at most a temporary folder, which
the next holder of the builder's lock removes.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .articles import write_articles
from .chunk import Chunk, chunk_line
from .chunk_store import WrittenChunks, write_chunks
from .dense import DenseIndex
from .disk import storage_errors
from .embedders import EmbedderIdentity, Vectors
from .errors import FormatUnsupported, GenerationDamaged, GenerationMissing
from .faiss_file import build_index, check_unit_rows, write_index
from .files import file_record, sync, synced_file, write_synced
from .generations import current_id, list_generations, open_generation
from .identity import FORMAT, generation_id, inputs_digest, vectors_digest
from .layout import INDEX, LEXICAL, META, VECTORS, Layout, is_file_name
from .locks import builder_lock
from .manifest import Canary, Counts, IndexParameters, Manifest, Recall, creation_time, manifest_bytes
from .manifest_reader import read_manifest
from .npy_rows import npy_header, row_bytes
from .recall import recall_at_10
from .same_vectors import copied
from .verify import verified_manifest

# Writes the word statistics into that folder; returns the parameters that enter the id.
Lexical = Callable[[Path], Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class GenerationPlan:
    """All a generation is made of, but the word statistics.

    The chunks are iterated once, ordered by (namespace, document id, position); row i of `vectors`, (n, d) float32 of
    length 1, belongs to the i-th of them.
    """

    chunks: Iterable[Chunk]
    vectors: Vectors
    embedder: EmbedderIdentity
    canaries: tuple[Canary, ...]
    chunking: Mapping[str, object]
    index: IndexParameters
    build_key: str
    source_digest: str
    reason: str
    builder: str  # version
    questions: Vectors | None = None  # (m, d) float32: recall is measured with them where the index is not exact
    recall: Recall | None = None  # as it was measured before, without questions
    created: str = field(default_factory=creation_time)


@dataclass(frozen=True, slots=True)
class WriteOutcome:
    """created=False: the same generation was there already and is as it should be."""

    id: str
    path: Path
    created: bool


def write_generation(
    root: Path, plan: GenerationPlan, lexical: Lexical, *, expected_id: str | None = None
) -> WriteOutcome:
    """Adds the generation of the plan below `root`, complete and verified, and publishes nothing.

    `lexical` writes its files into the folder it is given and returns the parameters that enter the id, `tokenizer`
    among them. Files found damaged under the same id are set aside and replaced. NoSpace, RootLocked, BadVectors, or
    GenerationDamaged for rows out of order, a disk that does not give back what was written, or an id that is not
    `expected_id`; none of them leaves anything behind.
    """
    layout = Layout(root)
    with builder_lock(root), storage_errors(root), temporary_folder(layout, "build") as folder:
        manifest = _write_files(root, folder, plan, lexical)
        if expected_id not in (None, manifest.id):
            raise GenerationDamaged(
                f"the chunks and vectors give {manifest.id}, expected {expected_id}. Build it anew."
            )
        _read_back(folder, plan)
        path = layout.generation(manifest.id)
        if _is_good(path):
            return WriteOutcome(manifest.id, path, created=False)
        if path.exists():
            path.rename(layout.set_aside(manifest.id))
        folder.rename(path)
        sync(layout.generations)
        return WriteOutcome(manifest.id, path, created=True)


def unchanged(root: Path, digest: str) -> str | None:
    """The id of a verified generation made from equal inputs, the published one before others; None to build.

    digest: as `identity.inputs_digest` gives it.
    """
    layout = Layout(root)
    published = current_id(root)
    ids = [one.id for one in list_generations(root) if one.state in ("current", "kept")]
    for one in sorted(ids, key=lambda generation: generation != published):
        path = layout.generation(one)
        try:
            if read_manifest(path).inputs_digest == digest and verified_manifest(path):
                return one
        except (GenerationDamaged, GenerationMissing):
            continue  # it is built again, and what is there is then set aside
    return None


@contextmanager
def temporary_folder(layout: Layout, deed: str) -> Iterator[Path]:
    """A new folder beside the generations, gone at the end unless it was renamed. Needs the builder's lock."""
    folder = layout.temporary(deed)
    folder.mkdir(mode=0o755)
    try:
        yield folder
    finally:
        if folder.exists():
            shutil.rmtree(folder)


def _write_files(root: Path, folder: Path, plan: GenerationPlan, lexical: Lexical) -> Manifest:
    """Writes and syncs every file, meta.json last; returns what that says."""
    written = write_chunks(folder, plan.chunks)
    if plan.vectors.shape != (written.chunks, plan.embedder.dimensions) or not written.chunks:
        raise GenerationDamaged(
            f"{written.chunks} chunks and vectors {plan.vectors.shape}, expected one row of {plan.embedder.dimensions} "
            "dimensions for each chunk, and at least one chunk."
        )
    check_unit_rows(plan.vectors)
    rows = vectors_digest(plan.vectors)
    recall = _write_index(root, folder, plan, rows)
    write_articles(folder, plan.vectors, written.document_starts, plan.index)
    parameters = _write_lexical(folder / LEXICAL, lexical)
    manifest = _manifest(folder, plan, written, parameters, rows, recall)
    write_synced(folder / META, manifest_bytes(manifest))
    sync(folder)
    return manifest


def _write_index(root: Path, folder: Path, plan: GenerationPlan, rows: str) -> Recall | None:
    """Writes index.bin, and the rows where it does not hold them; rows: their digest."""

    def is_same(other: Manifest) -> bool:
        return (other.vectors_digest, other.index) == (rows, plan.index)

    if plan.index.is_exact:
        write_index(build_index(plan.vectors, plan.index), folder / INDEX)
        return None
    _write_rows(folder / VECTORS, plan.vectors)
    if not copied(root, folder, INDEX, is_same):
        write_index(build_index(plan.vectors, plan.index), folder / INDEX)
    if plan.questions is None:
        return plan.recall
    index = DenseIndex.open(folder / INDEX, len(plan.vectors), plan.vectors.shape[1], plan.index, folder / VECTORS)
    return recall_at_10(index, plan.vectors, plan.questions)


def _write_rows(path: Path, vectors: Vectors) -> None:
    """vectors.npy, a block of rows at a time."""
    with synced_file(path) as file:
        file.write(npy_header(*vectors.shape))
        file.writelines(row_bytes(vectors))


def _write_lexical(folder: Path, lexical: Lexical) -> Mapping[str, object]:
    folder.mkdir()
    parameters = lexical(folder)
    assert isinstance(parameters.get("tokenizer"), str), "the lexical writer names its tokenizer"
    for path in folder.iterdir():
        assert path.is_file() and is_file_name(f"{LEXICAL}/{path.name}"), f"unexpected {path} from the lexical writer"
        sync(path)
    sync(folder)
    return parameters


def _manifest(
    folder: Path,
    plan: GenerationPlan,
    written: WrittenChunks,
    lexical: Mapping[str, object],
    rows: str,
    recall: Recall | None,
) -> Manifest:
    """rows: the digest of the vectors."""
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    return Manifest(
        id=generation_id(written.digest, rows, lexical, plan.index, plan.embedder),
        format=FORMAT,
        created=plan.created,
        builder=plan.builder,
        reason=plan.reason,
        build_key=plan.build_key,
        source_digest=plan.source_digest,
        inputs_digest=inputs_digest(written.digest, lexical, plan.index, plan.embedder),
        vectors_digest=rows,
        embedder=plan.embedder,
        canaries=plan.canaries,
        lexical=lexical,
        chunking=plan.chunking,
        index=plan.index,
        counts=Counts(written.documents, written.chunks, plan.embedder.dimensions),
        namespaces=written.namespaces,
        files={name: file_record(folder / name) for name in names},
        recall=recall,
    )


def _read_back(folder: Path, plan: GenerationPlan) -> None:
    """Opens what was written as a server would. GenerationDamaged when a row or a search gives something else.

    The digests of records and rows were taken in memory, those of the files from the disk: opening compares them. Only
    where all rows are compared does a search find each: no way of a graph need lead to a row among many equal ones.
    """
    generation = open_generation(folder)
    try:
        for row in sorted({0, len(generation.chunks) // 2, len(generation.chunks) - 1}):
            vector, dense = plan.vectors[row], generation.dense
            found, scores = dense.search(vector, 1)
            itself = float(np.dot(vector, vector))
            score = float(dense.scores(vector, np.array([row], dtype=np.int64))[0])
            is_found = len(found) == 1 and np.isfinite(scores[0]) and (not dense.is_exact or scores[0] >= itself - 1e-5)
            if not np.array_equal(dense.vector(row), vector) or not abs(score - itself) <= 1e-5 or not is_found:
                raise GenerationDamaged(
                    f"{folder}: row {row} has the score {score:.6f} with its own vector, expected {itself:.6f}, and a "
                    f"search finds {list(zip(found.tolist(), scores.tolist(), strict=True))}. The disk or FAISS gives "
                    "back something else than was written."
                )
            assert generation.chunks.line(row) == chunk_line(generation.chunks[row]), "a record is not canonical"
    finally:
        generation.close()


def _is_good(path: Path) -> bool:
    try:
        verified_manifest(path)
    except (GenerationMissing, GenerationDamaged, FormatUnsupported):
        return False
    return True
