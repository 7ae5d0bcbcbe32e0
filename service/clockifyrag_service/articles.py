"""Articles: one document of the index as a page, for documents that have no address of their own."""

from bisect import bisect_left
from html import escape
from urllib.parse import unquote

from clockifyrag_index.chunk import BREADCRUMB_SEPARATOR, Chunk
from clockifyrag_index.chunk_store import ChunkStore

from .answers import is_web_address
from .blocks import blocks
from .plain_page import page


def document_chunks(chunks: ChunkStore, document_id: str) -> list[Chunk]:
    """The document's chunks in reading order, [] when there is no such document.

    Rows are ordered by namespace and document id, so a document is found by bisection; the first namespace that holds
    it wins.
    """
    for name in chunks.namespaces:
        rows = chunks.namespace_rows(name)
        first = bisect_left(rows, document_id, key=lambda row: chunks[row].document_id)
        found: list[Chunk] = []
        for row in rows[first:]:
            chunk = chunks[row]
            if chunk.document_id != document_id:
                break
            found.append(chunk)
        if found:
            return found
    return []


def article_page(chunks: list[Chunk]) -> bytes:
    """The document as HTML: each section under its anchor, its text in blocks; a link to the original if it has one."""
    first = chunks[0]
    parts = [f"<h1>{escape(first.title)}</h1>"]
    if is_web_address(first.document_url):
        address = escape(first.document_url, quote=True)
        parts.append(f'<p><a href="{address}" rel="noopener noreferrer">{address}</a></p>')
    headings: tuple[str, ...] | None = None
    anchors: set[str] = set()
    for chunk in chunks:
        anchor = unquote(chunk.url.partition("#")[2])
        identity = f' id="{escape(anchor, quote=True)}"' if anchor and anchor not in anchors else ""
        anchors.add(anchor)
        if chunk.headings and chunk.headings != headings:
            parts.append(f"<h2{identity}>{escape(BREADCRUMB_SEPARATOR.join(chunk.headings))}</h2>")
            identity = ""
        headings = chunk.headings
        if chunk.content:
            parts.append(f'<div class="text passage"{identity}>{blocks(chunk.content)}</div>')
    return page(first.title, "\n".join(parts))
