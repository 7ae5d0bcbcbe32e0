"""Generations: what is published, opened, listed and taken back.

    publish:  CURRENT.new ─ write, fsync ─► rename to CURRENT ─► fsync the root

A reader sees the old id or the new one. The rename needs no lock to be safe; the pointer's lock keeps a generation from
being removed between the look at it and the rename.
"""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from .articles import Articles
from .chunk_store import ChunkStore
from .dense import DenseIndex
from .disk import storage_errors
from .errors import FormatUnsupported, GenerationMissing, StorageError
from .files import sync, write_synced
from .layout import ARTICLES_INDEX, INDEX, LEXICAL, VECTORS, Layout, is_generation_id
from .locks import builder_lock, pointer_lock
from .manifest import Manifest
from .manifest_reader import read_manifest
from .verify import problems, verified_manifest

__all__ = [
    "Generation",
    "GenerationSummary",
    "builder_lock",
    "current_generation_path",
    "current_id",
    "list_generations",
    "open_generation",
    "publish",
    "rollback",
]

State = Literal["current", "kept", "damaged", "newer"]  # newer: of a format this version does not read


@dataclass(frozen=True, slots=True)
class Generation:
    """An opened generation: its files are mapped, or read where they are asked for, and serve several threads."""

    id: str
    path: Path
    manifest: Manifest
    chunks: ChunkStore
    articles: Articles
    dense: DenseIndex
    lexical_dir: Path

    def close(self) -> None:
        """Closes the file of the records; maps and the rows go with the last reference to `dense`."""
        self.chunks.close()


@dataclass(frozen=True, slots=True)
class GenerationSummary:
    """One line of `clockifyrag index ls`. Of a damaged or newer generation only id, state and problem are sure."""

    id: str
    state: State
    created: str = ""
    documents: int = 0
    chunks: int = 0
    dimensions: int = 0
    model: str = ""
    size_bytes: int = 0
    reason: str = ""
    build_key: str = ""
    content_digest: str = ""
    source_digest: str = ""
    model_digest: str = ""
    problem: str = ""  # what is damaged; "" when nothing was found


def open_generation(path: Path, *, verify: bool = True) -> Generation:
    """The generation in that folder, every file checked against the manifest before it is opened.

    verify=False leaves the digests out, for a caller that has just compared them. GenerationMissing, GenerationDamaged
    (names the file), FormatUnsupported.
    """
    manifest = verified_manifest(path) if verify else read_manifest(path)
    counts, index = manifest.counts, manifest.index
    vectors = None if index.is_exact else path / VECTORS
    dense = DenseIndex.open(path / INDEX, counts.chunks, counts.dimensions, index, vectors)
    chunks = ChunkStore(path, manifest.namespaces)
    articles = Articles(path, counts.chunks, counts.dimensions, index if ARTICLES_INDEX in manifest.files else None)
    return Generation(manifest.id, path, manifest, chunks, articles, dense, path / LEXICAL)


def current_id(root: Path) -> str | None:
    """The published id, or None before the first one. StorageError when CURRENT holds something else."""
    path = Layout(root).current
    with storage_errors(root):
        try:
            text = path.read_text(encoding="utf-8", errors="replace").strip()
        except FileNotFoundError:
            return None
    if not is_generation_id(text):
        raise StorageError(
            f"{path}: holds {text[:40]!r}, expected the id of a generation. Name one with "
            "`clockifyrag index rollback --to ID`."
        )
    return text


def current_generation_path(root: Path) -> Path:
    """The folder of the published generation. GenerationMissing before the first one."""
    generation_id = current_id(root)
    if generation_id is None:
        raise GenerationMissing(
            f"{root}: nothing is published yet. Build one: `clockifyrag index build --source … --out {root}`."
        )
    return Layout(root).generation(generation_id)


def publish(root: Path, generation_id: str) -> None:
    """Makes that generation the one servers open: they see the old id or the new, never a mixture.

    All its files are read and compared first: GenerationMissing or GenerationDamaged leave CURRENT as it was.
    """
    layout = Layout(root)
    path = layout.generation(generation_id)
    verified_manifest(path)
    with pointer_lock(root), storage_errors(root):
        if not path.is_dir():  # removed while its files were being read
            raise GenerationMissing(f"{path}: was removed just now; {layout.current} was left as it was.")
        write_synced(layout.current_new, f"{generation_id}\n".encode())
        os.replace(layout.current_new, layout.current)  # noqa: PTH105  the call the tests stop at
        sync(layout.root)


def rollback(root: Path, to: str | None = None) -> str:
    """Publishes `to`, or the newest good generation made before the published one; returns its id.

    GenerationMissing when there is none.
    """
    if to is None:
        to = _before_current(root)
    publish(root, to)
    return to


def list_generations(root: Path, *, verify: bool = False) -> list[GenerationSummary]:
    """All generations, newest first, and behind them what was set aside as damaged.

    A generation counts as damaged when it cannot be read, or its manifest, the names or the sizes of its files are
    wrong; with verify=True also when a digest is.
    """
    layout = Layout(root)
    with storage_errors(root):
        found = [
            (_age(layout, one), one) for one in (_summary(layout, name, verify) for name in layout.generation_ids())
        ]
        aside = [GenerationSummary(name, "damaged", problem="set aside") for name in layout.set_aside_names()]
    newest_first = [one for _, one in sorted(found, key=lambda pair: pair[0], reverse=True)]
    published = current_id(root)
    return [_marked(one, published) for one in newest_first] + aside


def _before_current(root: Path) -> str:
    newest_first = list_generations(root, verify=True)
    published = current_id(root)
    ids = [one.id for one in newest_first]
    older = newest_first[ids.index(published) + 1 :] if published in ids else newest_first
    for one in older:
        if one.state == "kept":
            return one.id
    raise GenerationMissing(
        f"{root}: no good generation older than {published or 'the first'} to go back to. `clockifyrag index ls` shows "
        "those there are; any of them can be named with --to."
    )


def _summary(layout: Layout, generation_id: str, verify: bool) -> GenerationSummary:
    path = layout.generation(generation_id)
    try:
        manifest = read_manifest(path)
        problem = next(problems(path, manifest, digests=verify), "")
    except FormatUnsupported as error:
        return GenerationSummary(generation_id, "newer", problem=str(error))
    except StorageError as error:  # one that cannot be read, too: it hides no other
        return GenerationSummary(generation_id, "damaged", problem=str(error))
    return GenerationSummary(
        id=generation_id,
        state="damaged" if problem else "kept",
        created=manifest.created,
        documents=manifest.counts.documents,
        chunks=manifest.counts.chunks,
        dimensions=manifest.counts.dimensions,
        model=manifest.embedder.model,
        size_bytes=manifest.size_bytes,
        reason=manifest.reason,
        build_key=manifest.build_key,
        content_digest=manifest.content_digest,
        source_digest=manifest.source_digest,
        model_digest=manifest.embedder.digest,
        problem=problem,
    )


def _age(layout: Layout, summary: GenerationSummary) -> tuple[str, int, str]:
    """Sorts by creation; builds of one second, or of one SOURCE_DATE_EPOCH, by when the folder was written."""
    try:
        written = layout.generation(summary.id).stat().st_mtime_ns
    except FileNotFoundError:
        written = 0
    return summary.created, written, summary.id


def _marked(summary: GenerationSummary, published: str | None) -> GenerationSummary:
    return replace(summary, state="current") if summary.id == published and summary.state == "kept" else summary
