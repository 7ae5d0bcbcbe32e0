"""Chunk: the unit that is embedded, ranked and shown; one line of chunks.jsonl."""

from dataclasses import dataclass, fields
from typing import Any, Final

import orjson

BREADCRUMB_SEPARATOR = " › "


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage of one document, with all a reader needs to show it and a ranker to weigh it."""

    chunk_id: str  # 16 hex of sha256(document id, headings, normalised content, ordinal among equals)
    document_id: str
    namespace: str
    position: int  # among the chunks of its document, from 0
    title: str  # of the document
    headings: tuple[str, ...]  # from the document's title down to the section, the title itself left out
    content: str  # plain text as shown: no markup, lists and tables as lines
    url: str  # of the section: the document's URL and the section's anchor
    category: str  # path of the document's folder or URL: "help/track-time"; "" when there is none
    parent: str | None  # chunk id of the first chunk of the enclosing section
    previous: str | None  # neighbours in the same document
    next: str | None
    also_at: tuple[str, ...]  # URLs of other documents with the same content

    @property
    def breadcrumb(self) -> str:
        """`Title › Heading › Subheading`, what stands above the content when it is embedded."""
        return BREADCRUMB_SEPARATOR.join((self.title, *self.headings))

    @property
    def embedded_text(self) -> str:
        """What is turned into a vector, before the model's own task prefix."""
        return f"{self.breadcrumb}\n{self.content}" if self.content else self.breadcrumb

    @property
    def document_url(self) -> str:
        """The URL of the whole document, without the section's anchor."""
        return self.url.partition("#")[0]


FIELDS: Final = tuple(field.name for field in fields(Chunk))


def chunk_line(chunk: Chunk) -> bytes:
    """The chunk as canonical JSON without a newline: sorted keys, UTF-8, no spaces; equal chunks give equal bytes."""
    return orjson.dumps({name: getattr(chunk, name) for name in FIELDS}, option=orjson.OPT_SORT_KEYS)


def chunk_from_line(line: bytes | memoryview) -> Chunk:
    """The chunk of one line of chunks.jsonl; fields of later formats are ignored."""
    record: dict[str, Any] = orjson.loads(line)
    record["headings"], record["also_at"] = tuple(record["headings"]), tuple(record["also_at"])
    return Chunk(*[record[name] for name in FIELDS])
