"""Comparing two generations: which documents and chunks came, went or changed, and which parameters differ."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from .chunk import Chunk
from .generations import Generation
from .identity import embedder_fingerprint
from .manifest import Manifest

EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class Changes:
    """How many, and the first ten of each in row order."""

    added: int
    removed: int
    changed: int
    added_examples: tuple[str, ...]
    removed_examples: tuple[str, ...]
    changed_examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ParameterChange:
    """A parameter of the build that differs; None where a generation has none of that name."""

    name: str
    before: object
    after: object


@dataclass(frozen=True, slots=True)
class Difference:
    """Documents are named `namespace/document id`, chunks by their id."""

    before: str
    after: str
    documents: Changes
    chunks: Changes
    parameters: tuple[ParameterChange, ...]
    same_vectors: bool


class _Tally:
    def __init__(self) -> None:
        self.counts = {"added": 0, "removed": 0, "changed": 0}
        self.examples: dict[str, list[str]] = {"added": [], "removed": [], "changed": []}

    def add(self, kind: str, name: str) -> None:
        self.counts[kind] += 1
        if len(self.examples[kind]) < EXAMPLES:
            self.examples[kind].append(name)

    def changes(self) -> Changes:
        return Changes(
            added=self.counts["added"],
            removed=self.counts["removed"],
            changed=self.counts["changed"],
            added_examples=tuple(self.examples["added"]),
            removed_examples=tuple(self.examples["removed"]),
            changed_examples=tuple(self.examples["changed"]),
        )


def diff(before: Generation, after: Generation) -> Difference:
    """What lies between the two. Both are walked once, document by document, so memory does not grow with them.

    A chunk is changed when its id stayed and its record (address, neighbours, title) did not; other words are another
    chunk.
    """
    documents, chunks = _Tally(), _Tally()
    for old, new in _paired(_documents(before), _documents(after)):
        name = "/".join(_key(old or new))
        if old == new:
            continue
        documents.add("added" if not old else "removed" if not new else "changed", name)
        _tally_chunks(chunks, {one.chunk_id: one for one in old}, {one.chunk_id: one for one in new})
    return Difference(
        before=before.id,
        after=after.id,
        documents=documents.changes(),
        chunks=chunks.changes(),
        parameters=tuple(_parameter_changes(before.manifest, after.manifest)),
        same_vectors=before.manifest.vectors_digest == after.manifest.vectors_digest,
    )


def _tally_chunks(tally: _Tally, old: dict[str, Chunk], new: dict[str, Chunk]) -> None:
    for chunk_id, chunk in old.items():
        if chunk_id not in new:
            tally.add("removed", chunk_id)
        elif new[chunk_id] != chunk:
            tally.add("changed", chunk_id)
    for chunk_id in new:
        if chunk_id not in old:
            tally.add("added", chunk_id)


def _documents(generation: Generation) -> Iterator[list[Chunk]]:
    return (list(chunks) for _, chunks in groupby(generation.chunks, key=lambda chunk: _key([chunk])))


def _key(document: list[Chunk]) -> tuple[str, str]:
    return document[0].namespace, document[0].document_id


def _paired(before: Iterator[list[Chunk]], after: Iterator[list[Chunk]]) -> Iterator[tuple[list[Chunk], list[Chunk]]]:
    """Documents of both in their common order, side by side; [] where one has none."""
    old, new = next(before, []), next(after, [])
    while old or new:
        if not new or (old and _key(old) < _key(new)):
            yield old, []
            old = next(before, [])
        elif not old or _key(new) < _key(old):
            yield [], new
            new = next(after, [])
        else:
            yield old, new
            old, new = next(before, []), next(after, [])


def _parameter_changes(before: Manifest, after: Manifest) -> Iterator[ParameterChange]:
    old, new = _parameters(before), _parameters(after)
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield ParameterChange(name, old.get(name), new.get(name))


def _parameters(manifest: Manifest) -> dict[str, object]:
    groups = {"chunking": manifest.chunking, "index": manifest.index.record(), "lexical": manifest.lexical}
    return {
        "format": manifest.format,
        "builder": manifest.builder,
        "buildKey": manifest.build_key,
        "embedder": embedder_fingerprint(manifest.embedder),
        "embedder.model": manifest.embedder.model,
        "embedder.digest": manifest.embedder.digest,
        **{f"{group}.{name}": value for group, values in groups.items() for name, value in values.items()},
    }
