"""A build: source → documents → chunks → vectors → generation → published.

fetch ─ unchanged? ─► read ─► clean, chunk ─ unchanged? ─► embed (cache first) ─► vectors ─► write, verify ─► publish
                               └───────────────────────────► word statistics ─────┘

Where no generation of this embedder stands, nothing can turn out unchanged: chunks are embedded while others are being
made. Word statistics are counted while texts are embedded.
"""

import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt
import orjson

from clockifyrag_builder.chunk_spool import ChunkSpool, OrderedChunks
from clockifyrag_builder.corpus import ChunkedCorpus, chunked_corpus
from clockifyrag_builder.digests import digest64
from clockifyrag_builder.embedding import Embedding, added
from clockifyrag_builder.memo import Memo
from clockifyrag_builder.outcome import BuildOutcome
from clockifyrag_builder.plan import BuildPlan, Progress, Shard, is_shard_name
from clockifyrag_builder.recall_questions import recall_questions
from clockifyrag_builder.report import BuildReport
from clockifyrag_builder.segments import segment_bytes
from clockifyrag_builder.sources import KEPT
from clockifyrag_builder.statistics_beside import Statistics, statistics_beside
from clockifyrag_builder.vector_cache import VectorCache
from clockifyrag_builder.vector_table import bytes_of_copy
from clockifyrag_index.chunk import Chunk
from clockifyrag_index.chunk_store import chunks_digest
from clockifyrag_index.disk import estimated_bytes, require_space, storage_errors
from clockifyrag_index.embedders import Vectors
from clockifyrag_index.embedders.canaries import CANARY_TEXTS
from clockifyrag_index.errors import NoSpace, StorageError
from clockifyrag_index.files import remove_tree, write_synced
from clockifyrag_index.garbage import seldom_collected
from clockifyrag_index.generations import current_id, publish
from clockifyrag_index.identity import inputs_digest
from clockifyrag_index.layout import Layout
from clockifyrag_index.locks import builder_lock
from clockifyrag_index.manifest import canary, creation_time
from clockifyrag_index.manifest_reader import read_manifest
from clockifyrag_index.retention import remove
from clockifyrag_index.retries import tell_retries
from clockifyrag_index.statistics import LEXICAL_PARAMETERS
from clockifyrag_index.verify import verified_manifest
from clockifyrag_index.writer import GenerationPlan, unchanged, write_generation

NEED_VECTORS_FROM = 2000  # missing vectors from which embedding is shared out, when there are shards


def build(plan: BuildPlan, progress: Progress) -> BuildOutcome:
    """Runs the plan to its end; nothing published before is touched unless a new generation stands complete.

    UsageError, SourceError, EmbedderError or StorageError say what stopped it; what was embedded until then is in the
    cache.
    """
    tell_retries()
    creation_time()  # a wrong one is told now, and not when all is embedded
    begin = time.monotonic()
    with seldom_collected():
        if plan.embed_only:
            outcome = _embed_shard(plan, plan.embed_only, progress)  # without the lock: it writes its own file alone
        else:
            with builder_lock(plan.root):
                outcome = _with_room(plan, progress)
                if outcome.result != "NeedVectors":
                    _remove_unused(plan)
    return replace(outcome, seconds=time.monotonic() - begin)


def _with_room(plan: BuildPlan, progress: Progress) -> BuildOutcome:
    """The build; where the volume is too full for it, what may go is removed and it is tried once more.

    Vectors made by then are in the cache. The generation that the build ends with is never among those removed: one
    that stands is found unchanged before room is asked for.
    """
    try:
        return _build(plan, progress)
    except NoSpace:
        removed = remove(plan.root, plan.remove)
        if not _remove_unused(plan) and not removed:
            raise
    return _build(plan, progress)


def _build(plan: BuildPlan, progress: Progress) -> BuildOutcome:
    outcome = _fetched(plan, progress)
    standing = _standing(plan, outcome)
    if standing:
        return _unchanged(plan, outcome, standing)
    with (
        VectorCache(plan.root, plan.embedder.identity) as cache,
        _embedding(plan, cache, progress) as embedding,
        ChunkSpool(plan.root) as spool,
    ):
        if plan.shards == 1 and not _embedder_is_known(plan):
            return _embedded_while_read(plan, outcome, embedding, spool, progress)
        return _embedded_once_read(plan, outcome, cache, embedding, spool, progress)


def _embedded_while_read(
    plan: BuildPlan, outcome: BuildOutcome, embedding: Embedding, spool: ChunkSpool, progress: Progress
) -> BuildOutcome:
    """The build where nothing can turn out unchanged: a chunk is embedded while the next ones are made."""
    numbers = array("Q")

    def embed(chunk: Chunk) -> None:
        numbers.append(embedding.add(chunk.embedded_text, article=chunk.document_id))
        embedding.go_on()

    if plan.call_seconds is None:
        embedding.ask_canaries()
    outcome, chunks = _chunked(plan, outcome, spool, embed)
    _require_room(plan, outcome, spool.content_bytes, lambda: embedding.missing)
    in_order = np.frombuffer(numbers, np.uint64)[chunks.places]
    return _build_anew(plan, outcome, chunks, embedding, in_order, progress)


def _embedded_once_read(
    plan: BuildPlan,
    outcome: BuildOutcome,
    cache: VectorCache,
    embedding: Embedding,
    spool: ChunkSpool,
    progress: Progress,
) -> BuildOutcome:
    """The build whose chunks may be those of a generation that stands, or too many to embed here alone."""
    outcome, chunks = _chunked(plan, outcome, spool, lambda chunk: None)
    same = unchanged(plan.root, _inputs_digest(plan, chunks))
    if same:
        return _unchanged(plan, outcome, same)

    def missing() -> int:
        return cache.missing(chunk.embedded_text for chunk in chunks)

    if plan.shards > 1 and missing() > NEED_VECTORS_FROM:
        return replace(outcome, result="NeedVectors")
    _require_room(plan, outcome, spool.content_bytes, missing)
    texts = ((chunk.embedded_text, chunk.document_id) for chunk in chunks)
    in_order = np.frombuffer(added(embedding, texts), np.uint64)
    return _build_anew(plan, outcome, chunks, embedding, in_order, progress)


def _chunked(
    plan: BuildPlan, outcome: BuildOutcome, spool: ChunkSpool, met: Callable[[Chunk], None]
) -> tuple[BuildOutcome, OrderedChunks]:
    """All chunks of the source, in the order of rows, and the outcome with their counts.

    met: called with each as soon as it is made, in the order of reading.
    """
    corpus = _corpus(plan)
    for chunk in corpus.chunks():
        spool.add(chunk)
        met(chunk)
    plan.source.require_unchanged()
    chunks = spool.in_order(corpus.also_at)
    report = BuildReport(plan.source.reading(), corpus.report)
    return replace(outcome, documents=corpus.report.documents, chunks=len(chunks), report=report), chunks


def _fetched(plan: BuildPlan, progress: Progress) -> BuildOutcome:
    progress("read", 0, 0)
    source_digest = plan.source.fetch()
    return BuildOutcome(plan.build_key(source_digest), source_digest)


def _corpus(plan: BuildPlan) -> ChunkedCorpus:
    memo = Memo(Layout(plan.root).passages, plan.divides_by)
    return chunked_corpus(plan.source.documents, plan.limits, plan.embedder.count_tokens, memo=memo)


def _embedding(plan: BuildPlan, cache: VectorCache, progress: Progress) -> Embedding:
    return Embedding(
        plan.embedder,
        cache,
        partial(progress, "embed"),
        plan.batch_size,
        in_flight=plan.in_flight,
        call_seconds=plan.call_seconds,
        root=plan.root,
        keeps_rows=plan.embed_only is None,
    )


def _embedder_is_known(plan: BuildPlan) -> bool:
    """Whether a generation of this embedder is there, which the build may turn out to be."""
    layout, identity = Layout(plan.root), plan.embedder.identity
    for name in layout.generation_ids():
        try:
            if read_manifest(layout.generation(name)).embedder == identity:
                return True
        except StorageError:
            continue
    return False


def _standing(plan: BuildPlan, outcome: BuildOutcome) -> str | None:
    """The published generation when it has this build key and source, and its files are as they should be.

    A build key that was given need not tell of the source, so its digest is compared as well.
    """
    published = current_id(plan.root)
    if published is None:
        return None
    path = Layout(plan.root).generation(published)
    try:
        found, wanted = read_manifest(path), (outcome.build_key, outcome.source_digest)
        return published if (found.build_key, found.source_digest) == wanted and verified_manifest(path) else None
    except StorageError:
        return None  # it is built again, and what is there is then set aside


def _unchanged(plan: BuildPlan, outcome: BuildOutcome, generation: str) -> BuildOutcome:
    """Nothing to build: the generation that stands is published, in case another one was; those to go still go."""
    if plan.publish and current_id(plan.root) != generation:
        publish(plan.root, generation)
    manifest = read_manifest(Layout(plan.root).generation(generation))
    return replace(
        outcome,
        result="Unchanged",
        generation=generation,
        documents=manifest.counts.documents,
        chunks=manifest.counts.chunks,
        published=plan.publish,
        removed=_removed(plan, generation),
        manifest=manifest,
    )


def _build_anew(
    plan: BuildPlan,
    outcome: BuildOutcome,
    chunks: Sequence[Chunk],
    embedding: Embedding,
    numbers: npt.NDArray[np.integer],
    progress: Progress,
) -> BuildOutcome:
    """The new generation, written and, if wanted, published.

    numbers: (n,) uint64, for each row the number that the embedding gave to its text.
    """
    with statistics_beside(plan.root, chunks) as statistics:
        embedded = embedding.finish(numbers)
        progress("write", 0, 0)
        generation = _written(plan, outcome, chunks, embedded.vectors, embedding.canaries(), statistics)
    manifest = read_manifest(Layout(plan.root).generation(generation))
    report = replace(outcome.report, recall=manifest.recall)
    _write_report(plan.root, generation, report)
    if plan.publish:
        publish(plan.root, generation)
    return replace(
        outcome,
        result="Built",
        generation=generation,
        published=plan.publish,
        removed=_removed(plan, generation),
        manifest=manifest,
        report=report,
        texts_embedded=embedded.texts_embedded,
        cache_hits=embedded.cache_hits,
    )


def _require_room(plan: BuildPlan, outcome: BuildOutcome, text_bytes: int, missing: Callable[[], int]) -> None:
    """NoSpace unless there is room for the new generation, for its vectors once more while it is made, and for those
    that the cache will get.

    text_bytes: of all contents. missing: counts the texts that are still to be embedded; called only where room is
    short.
    """
    chunks, dimensions = outcome.chunks, plan.embedder.identity.dimensions
    index = plan.index.resolved(chunks)
    generation = estimated_bytes(chunks, dimensions, text_bytes, index, documents=outcome.documents)
    size = generation + bytes_of_copy(chunks, dimensions)
    try:
        require_space(plan.root, size + segment_bytes(chunks, dimensions))
    except NoSpace:
        require_space(plan.root, size + segment_bytes(missing(), dimensions))


def _removed(plan: BuildPlan, generation: str) -> tuple[str, ...]:
    """The generations that were told to go and are gone, by now or before; never the one this build ends with."""
    going = [name for name in plan.remove if name != generation]
    remove(plan.root, going)
    layout = Layout(plan.root)
    return tuple(name for name in going if not layout.generation(name).exists())


def _remove_unused(plan: BuildPlan) -> bool:
    """Removes what shards fetched, whose vectors are in the cache by now, and what sources of another kind kept.

    Returns whether anything was removed. What may not be removed stays: it does no harm beside the room it takes.
    """
    removed = False
    others = set(KEPT.values()) - {KEPT.get(str(plan.source.description["kind"]))}
    with suppress(OSError):
        for path in Layout(plan.root).work.iterdir():
            if path.name in others or is_shard_name(path.name):
                with suppress(OSError):
                    remove_tree(path)
                    removed = True
    return removed


def _embed_shard(plan: BuildPlan, shard: Shard, progress: Progress) -> BuildOutcome:
    """Fills the cache with the vectors of one shard's texts, for a build that finds them there."""
    outcome, corpus, chunks = _fetched(plan, progress), _corpus(plan), 0

    def texts() -> Iterator[tuple[str, str]]:
        nonlocal chunks
        for chunk in corpus.chunks():
            chunks += 1
            if shard.holds(digest64(text := chunk.embedded_text)):
                yield text, chunk.document_id

    with VectorCache(plan.root, plan.embedder.identity) as cache, _embedding(plan, cache, progress) as embedding:
        added(embedding, texts())
        embedded = embedding.finish(())
    return replace(
        outcome,
        result="Embedded",
        documents=corpus.report.documents,
        chunks=chunks,
        report=BuildReport(plan.source.reading(), corpus.report),
        texts_embedded=embedded.texts_embedded,
        cache_hits=embedded.cache_hits,
    )


def _inputs_digest(plan: BuildPlan, chunks: Sequence[Chunk]) -> str:
    index = plan.index.resolved(len(chunks))
    return inputs_digest(chunks_digest(chunks), LEXICAL_PARAMETERS, index, plan.embedder.identity)


def _written(
    plan: BuildPlan,
    outcome: BuildOutcome,
    chunks: Sequence[Chunk],
    vectors: Vectors,
    canaries: Vectors,
    statistics: Statistics,
) -> str:
    """The id of the generation, complete and verified below the root."""
    index = plan.index.resolved(len(chunks))
    generation = GenerationPlan(
        chunks=chunks,
        vectors=vectors,
        embedder=plan.embedder.identity,
        canaries=tuple(canary(text, vector) for text, vector in zip(CANARY_TEXTS, canaries, strict=True)),
        chunking=plan.chunking,
        index=index,
        build_key=outcome.build_key,
        source_digest=outcome.source_digest,
        reason=plan.reason,
        builder=version("clockifyrag"),
        questions=None if index.is_exact else recall_questions(chunks, plan.embedder),
    )
    return write_generation(plan.root, generation, statistics).id


def _write_report(root: Path, generation: str, report: BuildReport) -> None:
    """ROOT/reports/<id>/report.json: what became of each document, in full. NoSpace or StorageError."""
    path = Layout(root).report(generation) / "report.json"
    with storage_errors(root):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_synced(path, orjson.dumps(report.to_json(), option=orjson.OPT_INDENT_2))
