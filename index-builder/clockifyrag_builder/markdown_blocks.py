"""Headings, paragraphs, lists, tables and code of Markdown (CommonMark with tables), in reading order."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from markdown_it.token import Token

from clockifyrag_builder.html_blocks import add_html_fragment
from clockifyrag_builder.markdown_inline import Inline, inline_of, mended, unknown_tags_as_text
from clockifyrag_builder.markdown_parser import NESTING_MAX, PARSER
from clockifyrag_builder.section_builder import SectionBuilder

NESTING_MARKS = re.compile(r"^(?:[ \t]|>|[-*+](?=\s)|\d{1,9}[.)](?=\s))+", re.MULTILINE)
HEADING_ATTRIBUTES = re.compile(r" ?\{[^{}#]*#([^\s{}]+)[^{}]*\}$")


def markdown_tokens(text: str) -> list[Token]:
    """The block tokens of a text; one nested deeper than the parser goes is read without its nesting."""
    tokens = PARSER.parse(text)
    if any(token.level >= NESTING_MAX - 2 for token in tokens):
        tokens = PARSER.parse(NESTING_MARKS.sub("", text))
    return tokens


def first_title(tokens: Sequence[Token]) -> str:
    """The words of the first heading of level 1, "" when there is none."""
    for token, inline in pairwise(tokens):
        if (
            token.type == "heading_open"
            and token.tag == "h1"
            and token.level == 0
            and not _is_ruled_paragraph(token, inline)
        ):
            return _heading_text(inline_of(inline.children))[0]
    return ""


def heading_line(text: str) -> tuple[str, str]:
    """(words, anchor) of one line of Markdown used as a heading: `**FAQ** [#](#faq)` → ("FAQ", "faq")."""
    return _heading_text(inline_of(PARSER.parseInline(text)[0].children))


def add_markdown(builder: SectionBuilder, tokens: Sequence[Token]) -> None:
    """Hands everything readable in `tokens` to `builder`: no markup, links as their text, images as nothing."""
    walk = _Walk(builder)
    for token in tokens:
        walk.take(token)


@dataclass(slots=True)
class _Walk:
    builder: SectionBuilder
    heading: Token | None = None
    rows: list[list[str]] | None = None
    row: list[str] = field(default_factory=list)

    def take(self, token: Token) -> None:
        match token.type:
            case "inline":
                self._inline(token)
            case "heading_open":
                self.heading = token
            case "heading_close":
                self.heading = None
            case "bullet_list_open":
                self.builder.open_list(None)
            case "ordered_list_open":
                self.builder.open_list(int(token.attrs.get("start", 1)))
            case "bullet_list_close" | "ordered_list_close":
                self.builder.close_list()
            case "list_item_open":
                self.builder.open_item()
            case "fence" | "code_block":
                self.builder.code(token.content)
            case "html_block":
                add_html_fragment(self.builder, unknown_tags_as_text(token.content))
            case "table_open":
                self.rows = []
            case "tr_open":
                self.row = []
            case "tr_close" if self.rows is not None:
                self.rows.append(self.row)
            case "table_close":
                self.builder.table(self.rows or [])
                self.rows = None

    def _inline(self, token: Token) -> None:
        inline = inline_of(token.children)
        if self.rows is not None:
            self.row.append(inline.text)
        elif self.heading is not None and self.heading.level == 0 and not _is_ruled_paragraph(self.heading, token):
            text, anchor = _heading_text(inline)
            self.builder.heading(int(self.heading.tag[1:]), text, anchor)
        else:
            if inline.anchor and not inline.text.strip():
                self.builder.anchor(inline.anchor)
            self.builder.text(mended(inline.text), only_page_links=inline.only_page_links)


def _heading_text(inline: Inline) -> tuple[str, str]:
    """(words, anchor) of a heading: `{#anchor}` at its end beats a permalink."""
    text = " ".join(inline.text.split())
    attributes = HEADING_ATTRIBUTES.search(text)
    return (text[: attributes.start()], attributes[1]) if attributes else (text, inline.anchor)


def _is_ruled_paragraph(heading: Token, inline: Token) -> bool:
    """Several lines over a `---` are a paragraph and a rule to whoever wrote them, a heading to CommonMark."""
    return heading.markup in {"-", "="} and "\n" in inline.content
