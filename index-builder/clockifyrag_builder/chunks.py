"""One document → chunks: its passages with ids, addresses and neighbours."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from urllib.parse import quote

from clockifyrag_builder.digests import normalised
from clockifyrag_builder.documents import Document
from clockifyrag_builder.duplicates import distinct_passages
from clockifyrag_builder.passages import ChunkLimits, CountTokens, Passage
from clockifyrag_builder.section_groups import HeadingPath
from clockifyrag_index.chunk import Chunk


def chunk_document(document: Document, limits: ChunkLimits, count_tokens: CountTokens) -> tuple[Chunk, ...]:
    """The document's chunks in reading order; at least one.

    For each: prefix + embedded_text has at most `limits.max_chars` characters, and `count_tokens(embedded_text)` is at
    most `limits.context_tokens`. Every word of every block stands in them, in order; of passages that are equal below
    equal headings only the first is kept. A document without text becomes one chunk whose content is "".
    """
    return linked(document, distinct_passages(document, limits, count_tokens).passages)


def linked(document: Document, passages: Sequence[Passage]) -> tuple[Chunk, ...]:
    """The passages as chunks that know their parent and neighbours; `also_at` is empty still."""
    ids = chunk_ids(document.document_id, passages)
    parents = _parents(ids, passages)
    return tuple(
        Chunk(
            chunk_id=ids[position],
            document_id=document.document_id,
            namespace=document.namespace,
            position=position,
            title=passage.breadcrumb.title,
            headings=passage.breadcrumb.headings,
            content=passage.content,
            url=section_url(document, passage.anchor),
            category=document.category,
            parent=parents[position],
            previous=ids[position - 1] if position else None,
            next=ids[position + 1] if position + 1 < len(ids) else None,
            also_at=(),
        )
        for position, passage in enumerate(passages)
    )


def chunk_ids(document_id: str, passages: Sequence[Passage]) -> list[str]:
    """16 hex of SHA-256 over document id, headings, normalised content and the number among equals.

    A passage keeps its id while other sections change, because no position goes into it.
    """
    seen: Counter[tuple[HeadingPath, str]] = Counter()
    ids: list[str] = []
    for passage in passages:
        key = (passage.headings, normalised(passage.content))
        record = json.dumps([document_id, *key, seen[key]])
        seen[key] += 1
        ids.append(hashlib.sha256(record.encode("ascii")).hexdigest()[:16])
    return ids


def document_url(document: Document) -> str:
    """The document's own URL, or the path under which the service shows it when it has none."""
    return document.url or "/articles/" + quote(document.document_id, safe="/")


def section_url(document: Document, anchor: str) -> str:
    """The address of one section: the document's URL without its own fragment, and the anchor if there is one."""
    url = document_url(document)
    return f"{url.partition('#')[0]}#{anchor}" if anchor else url


def _parents(ids: Sequence[str], passages: Sequence[Passage]) -> list[str | None]:
    """For each passage the first chunk of the nearest section around it that has one; None at the top."""
    first_of: dict[HeadingPath, str] = {}
    parents: list[str | None] = []
    for chunk_id, passage in zip(ids, passages, strict=True):
        above = (passage.headings[:depth] for depth in range(len(passage.headings) - 1, -1, -1))
        parents.append(next((first_of[path] for path in above if path in first_of), None))
        first_of.update(dict.fromkeys(passage.begins, chunk_id))
    return parents
