"""Document: what every reader yields, whatever it read: a title, an address and sections of plain-text blocks."""

from dataclasses import dataclass
from typing import Literal

BlockKind = Literal["text", "list", "table", "code"]


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, list, table or code listing as it will be shown: plain text, one line per item or row.

    Links are reduced to their text, images to nothing; ordered items keep their numbers, nested items two spaces of
    indent per level, table cells are joined by " | ", code keeps its line breaks and indentation.
    """

    kind: BlockKind
    text: str


@dataclass(frozen=True, slots=True)
class Section:
    """The blocks under one heading, without those of its subsections; blocks may be empty."""

    headings: tuple[str, ...]  # path below the document's title; () for what stands before the first heading
    anchor: str  # fragment of the section's address, without "#"; "" when it has none
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """One article, in reading order."""

    document_id: str  # front matter or record id; else URL without scheme, query and last "/"; else relative path
    namespace: str
    url: str  # canonical; "" when it has none
    title: str
    category: str  # "help/track-time": path of the URL, or of the file, without the document's own name
    language: str  # "en"; "" when unknown
    sections: tuple[Section, ...]
    origin: str  # where it was read: "articles.jsonl:17", "https://…", for messages
