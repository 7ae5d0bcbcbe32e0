"""Headings, paragraphs, lists, tables and code of Markdown (CommonMark with tables), in reading order."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pyromark.event import Event

from clockifyrag_builder.html_blocks import BLOCKS, add_html_fragment
from clockifyrag_builder.markdown_inline import INLINE_TAGS, Inline, inline_of, mended, unknown_tags_as_text
from clockifyrag_builder.markdown_parser import LINE_BREAKS, line_events, parted
from clockifyrag_builder.section_builder import SectionBuilder

NESTING_TAGS = frozenset({"BlockQuote", "List"})
BLOCK_TAGS = BLOCKS | {"pre", "table"}
BLOCK_TAG = re.compile(r"</?([A-Za-z][A-Za-z0-9]*)[\s/>]")
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
EMPTY_LINES = re.compile(r"\n[ \t]*\n\s*")
# Each part keeps what it has taken ("+"), so that a long heading is looked through once.
HEADING_ATTRIBUTES = re.compile(r" ?\{[^{}#]*+#([^\s{}]++)[^{}]*+\}$")


def first_title(events: Iterable[Event]) -> str:
    """The words of the first heading of level 1, "" when there is none."""
    depth = 0
    heading: list[Event] | None = None
    for event in events:
        kind, tag = parted(event)
        name, properties = parted(tag) if kind in ("Start", "End") else (kind, tag)
        if name in NESTING_TAGS:
            depth += 1 if kind == "Start" else -1
        elif name != "Heading" or depth > 0:
            if heading is not None:
                heading.append(event)
        elif kind == "Start":
            heading = [] if properties["level"] == "H1" else None
        elif heading is not None and not _is_ruled_paragraph(heading):
            return _heading_text(inline_of(heading))[0]
    return ""


def heading_line(text: str) -> tuple[str, str]:
    """(words, anchor) of one line of Markdown used as a heading: `**FAQ** [#](#faq)` → ("FAQ", "faq")."""
    return _heading_text(inline_of(line_events(text)))


def is_html(text: str) -> bool:
    """Whether the text is HTML alone: it begins with the tag of a block, and so does what stands behind each empty
    line; comments are passed over. Other tags may begin a paragraph of Markdown.

    To CommonMark an indented tag behind an empty line is a listing.
    """
    above, mark, below = text.rpartition("-->")  # below it no comment ends, and none is looked for
    parts = EMPTY_LINES.split((COMMENT.sub("", above + mark) + below).strip())
    begins = map(BLOCK_TAG.match, parts)
    return all(tag is not None and tag[1].lower() in BLOCK_TAGS for tag in begins)


def add_markdown(builder: SectionBuilder, events: Iterable[Event]) -> None:
    """Hands everything readable in `events` to `builder`: no markup, links as their text, images as nothing."""
    walk = _Walk(builder)
    for event in events:
        walk.take(event)


@dataclass(slots=True)
class _Walk:
    """Gathers what stands between the edges of blocks: inline events, lines of code, cells."""

    builder: SectionBuilder
    inline: list[Event] = field(default_factory=list)
    verbatim: list[str] | None = None  # of the listing or the HTML being read
    rows: list[list[str]] | None = None
    row: list[str] = field(default_factory=list)
    depth: int = 0  # of lists and quotations

    def take(self, event: Event) -> None:
        kind, said = parted(event)
        if kind in ("Start", "End"):
            name, properties = parted(said)
            if name in INLINE_TAGS:
                self.inline.append(event)
            elif kind == "Start":
                self._end_paragraph()
                self._open(name, properties)
            else:
                self._close(name, properties)
        elif self.verbatim is not None:
            self.verbatim.append(said)
        elif kind == "Rule":
            self._end_paragraph()
        else:
            self.inline.append(event)

    def _open(self, name: str, properties: Any) -> None:
        if name in NESTING_TAGS:
            self.depth += 1
        match name:
            case "List":
                self.builder.open_list(properties)
            case "Item":
                self.builder.open_item()
            case "CodeBlock" | "HtmlBlock":
                self.verbatim = []
            case "Table":
                self.rows = []
            case "TableHead" | "TableRow":
                self.row = []

    def _close(self, name: str, properties: Any) -> None:
        match name:
            case "Heading" if self.depth == 0 and not _is_ruled_paragraph(self.inline):
                self.builder.heading(int(properties[1:]), *_heading_text(self._inline()))
            case "TableCell":
                self.row.append(self._inline().text)
            case "TableHead" | "TableRow" if self.rows is not None:
                self.rows.append(self.row)
            case "Table":
                self.builder.table(self.rows or [])
                self.rows = None
            case "CodeBlock":
                self.builder.code(self._verbatim())
            case "HtmlBlock":
                add_html_fragment(self.builder, unknown_tags_as_text(self._verbatim()))
            case "List":
                self._end_paragraph()
                self.builder.close_list()
            case _:
                self._end_paragraph()
        if name in NESTING_TAGS:
            self.depth -= 1

    def _end_paragraph(self) -> None:
        """Hands over what was read since the last edge of a block: in a tight list no paragraph is told of."""
        if self.inline:
            inline = self._inline()
            if inline.anchor and not inline.text.strip():
                self.builder.anchor(inline.anchor)
            self.builder.text(mended(inline.text), only_page_links=inline.only_page_links)

    def _inline(self) -> Inline:
        taken, self.inline = self.inline, []
        return inline_of(taken)

    def _verbatim(self) -> str:
        taken, self.verbatim = self.verbatim or [], None
        return "".join(taken)


def _heading_text(inline: Inline) -> tuple[str, str]:
    """(words, anchor) of a heading: `{#anchor}` at its end beats a permalink."""
    text = " ".join(inline.text.split())
    attributes = HEADING_ATTRIBUTES.search(text)
    return (text[: attributes.start()], attributes[1]) if attributes else (text, inline.anchor)


def _is_ruled_paragraph(heading: Iterable[Event]) -> bool:
    """Several lines over a `---` are a paragraph and a rule to whoever wrote them, a heading to CommonMark. A line that
    breaks within code or a tag is not seen.
    """
    return any(event in LINE_BREAKS for event in heading)
