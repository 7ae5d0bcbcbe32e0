"""Chunkings: indexes of a corpus that differ in one respect from what a build makes of it, and engines over them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.prepared import silent

if TYPE_CHECKING:
    from clockifyrag_builder.plan import BuildPlan
    from clockifyrag_index.chunk import Chunk
    from clockifyrag_index.embedders import Vectors
    from clockifyrag_index.search import SearchEngine

_FIRST_WORD = re.compile(r"^\S*\s*")


@dataclass(frozen=True, slots=True)
class Chunking:
    """How documents become passages; without arguments as a build does it."""

    max_chars: int | None = None  # None: the model's own number
    min_chars: int = 200
    overlap_chars: int = 0  # of the passage before, repeated at the head of the next one; a build repeats nothing
    breadcrumbs: bool = True  # in what is embedded; the lexical leg knows titles and headings all the same
    boilerplate_left_out: bool = True  # but for tables of contents, which are never kept


def engine_of(plan: "BuildPlan", chunks: "Sequence[Chunk]", chunking: Chunking, folder: Path) -> "SearchEngine":
    """An engine over a generation of the chunks below `folder`, made as a build makes it.

    plan: of the build whose root holds the vectors of texts embedded before, and gets the new ones.
    """
    from clockifyrag_index.generations import open_generation
    from clockifyrag_index.search import SearchConfig, SearchEngine
    from clockifyrag_index.statistics import write_statistics
    from clockifyrag_index.writer import GenerationPlan, write_generation

    generation = GenerationPlan(
        chunks=chunks,
        vectors=_vectors(plan, chunks, chunking),
        embedder=plan.embedder.identity,
        canaries=(),
        chunking={},
        index=plan.index.resolved(len(chunks)),
        build_key="",
        source_digest="",
        reason="Bench",
        builder="",
    )
    written = write_generation(folder, generation, lambda target: write_statistics(target, chunks))
    config = SearchConfig(embed_timeout_seconds=30)
    return SearchEngine(open_generation(written.path), plan.embedder, config=config)


def chunks_of(plan: "BuildPlan", model: str, chunking: Chunking) -> "list[Chunk]":
    """The chunks of the plan's source, which is fetched, in the order of a generation's rows."""
    from clockifyrag_builder.boilerplate import BoilerplateRules
    from clockifyrag_builder.chunk_spool import ChunkSpool
    from clockifyrag_builder.corpus import chunked_corpus
    from clockifyrag_cli.opened import limits_of
    from clockifyrag_resource.profiles import model_profile

    limits = limits_of(model_profile(model), chunking.max_chars, chunking.min_chars)
    never = BoilerplateRules(titles_least=1 << 62)  # no text stands on so many
    rules = None if chunking.boilerplate_left_out else never
    corpus = chunked_corpus(plan.source.documents, limits, plan.embedder.count_tokens, rules)
    with ChunkSpool(plan.root) as spool:
        for chunk in corpus.chunks():
            spool.add(chunk)
        return overlapping(spool.in_order(corpus.also_at), chunking.overlap_chars)


def overlapping(chunks: "Sequence[Chunk]", chars: int) -> "list[Chunk]":
    """Each chunk behind the last words of the one before, where both are of one section: at most so many characters."""
    if not chars:
        return list(chunks)
    before = {one.chunk_id: one for one in chunks}
    found = []
    for chunk in chunks:
        previous = before.get(chunk.previous or "")
        tail = last_words(previous.content, chars) if previous and previous.headings == chunk.headings else ""
        found.append(replace(chunk, content=f"{tail}\n{chunk.content}") if tail else chunk)
    return found


def last_words(text: str, chars: int) -> str:
    """The whole words at the end of the text, at most so many characters.

    >>> last_words("press the brass button", 14)
    'brass button'
    """
    return text if len(text) <= chars else _FIRST_WORD.sub("", text[-chars - 1 :])


def _vectors(plan: "BuildPlan", chunks: "Sequence[Chunk]", chunking: Chunking) -> "Vectors":
    """(len(chunks), dimensions) float32."""
    from clockifyrag_builder.embedding import embed_chunks
    from clockifyrag_builder.vector_cache import VectorCache

    texts = [one.embedded_text if chunking.breadcrumbs else one.content or one.breadcrumb for one in chunks]
    with VectorCache(plan.root, plan.embedder.identity) as cache:
        return embed_chunks(texts, plan.embedder, cache, lambda done, total: silent("embed", done, total)).vectors
