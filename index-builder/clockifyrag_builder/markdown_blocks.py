"""Headings, paragraphs, lists, tables and code of Markdown (CommonMark with tables), in reading order."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

from clockifyrag_builder.html_blocks import PERMALINK_SIGNS, add_html_fragment
from clockifyrag_builder.section_builder import SectionBuilder

NESTING_MAX = 100  # the parser silently leaves out what is nested deeper: `markdown_tokens` flattens it instead


class _AnyLink(MarkdownIt):
    """Takes `javascript:` addresses for links too: only a link's text is kept, whatever its address."""

    def validateLink(self, url: str) -> bool:  # noqa: N802 (the parser's name)
        return True


PARSER = _AnyLink("commonmark", {"maxNesting": NESTING_MAX}).enable(["table", "strikethrough"])

NESTING_MARKS = re.compile(r"^(?:[ \t]|>|[-*+](?=\s)|\d{1,9}[.)](?=\s))+", re.MULTILINE)
HEADING_ATTRIBUTES = re.compile(r"\s*\{[^{}]*?#([^\s{}]+)[^{}]*\}\s*$")
# What is left of a link whose text spans paragraphs, which CommonMark does not know: `… text](https://…)`.
BROKEN_LINK_START = re.compile(r"^\s*\[\s*$")
BROKEN_LINK_END = re.compile(r"^([^\[\]]*)\]\((?:https?:/)?/[^\s()]*\)\s*$")
# Bold that CommonMark does not see, written by converters: `after being archived**.**`, `**(only me)**This`.
BROKEN_BOLD = re.compile(r"\*\*([.,:;!?]+)\*\*|\*\*(?=\S)([^*\n]*[^\w\s*])\*\*(?=\w)")
TAG = re.compile(r"<(/?)([A-Za-z][\w-]*)([^>]*)>")
LINK_ID = re.compile(r"""\b(?:id|name)\s*=\s*["']?([^"'\s>]+)""", re.IGNORECASE)
VOID_ELEMENTS = frozenset("area base br col embed hr img input link meta source track wbr".split())
HTML_ELEMENTS = VOID_ELEMENTS | frozenset(
    "a abbr address article aside audio b bdi bdo big blockquote body button canvas caption center cite code colgroup "
    "data datalist dd del details dfn dialog div dl dt em fieldset figcaption figure font footer form h1 h2 h3 h4 h5 "
    "h6 head header hgroup html i iframe ins kbd label legend li main map mark menu meter nav noscript object ol "
    "optgroup option output p picture pre progress q rp rt ruby s samp script search section select slot small span "
    "strike strong style sub summary sup svg table tbody td template textarea tfoot th thead time title tr tt u ul "
    "var video".split()
)


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
            return _heading_text(_inline(inline.children or []))[0]
    return ""


def heading_line(text: str) -> tuple[str, str]:
    """(words, anchor) of one line of Markdown used as a heading: `**FAQ** [#](#faq)` → ("FAQ", "faq")."""
    return _heading_text(_inline(PARSER.parseInline(text)[0].children or []))


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
                add_html_fragment(self.builder, TAG.sub(_unknown_tag_as_text, token.content))
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
        inline = _inline(token.children or [])
        if self.rows is not None:
            self.row.append(inline.text)
        elif self.heading is not None and self.heading.level == 0 and not _is_ruled_paragraph(self.heading, token):
            text, anchor = _heading_text(inline)
            self.builder.heading(int(self.heading.tag[1:]), text, anchor)
        else:
            if inline.anchor and not inline.text.strip():
                self.builder.anchor(inline.anchor)
            self.builder.text(_mended(inline.text), only_page_links=inline.only_page_links)


@dataclass(frozen=True, slots=True)
class _Inline:
    text: str  # hard breaks are newlines
    anchor: str  # of a permalink or an anchor element in it
    only_page_links: bool


def _inline(tokens: Sequence[Token]) -> _Inline:
    """The text of inline tokens. `<br>` breaks the line, formatting tags vanish, `<workspace id>` stays as typed."""
    pieces: list[str] = []
    href, link_start, anchor = "", 0, ""
    page_links, others, hidden = False, False, ""
    for token, rest in ((token, tokens[index + 1 :]) for index, token in enumerate(tokens)):
        piece = ""
        match token.type:
            case "text" | "code_inline" | "text_special":
                piece = token.content
            case "softbreak":
                piece = " "
            case "hardbreak":
                piece = "\n"
            case "link_open":
                href, link_start = str(token.attrs.get("href", "")), len(pieces)
            case "link_close":
                if href.startswith("#") and "".join(pieces[link_start:]).strip() in PERMALINK_SIGNS:
                    del pieces[link_start:]
                    anchor = href[1:] or anchor
                href = ""
            case "html_inline":
                piece, found, hidden = _tag(token.content, rest, hidden)
                anchor = found or anchor
        if hidden or not piece:
            continue
        pieces.append(piece)
        if piece.strip() and piece.strip() not in PERMALINK_SIGNS:
            page_links |= href.startswith("#")
            others |= not href.startswith("#")
    return _Inline("".join(pieces), anchor, page_links and not others)


def _tag(markup: str, rest: Sequence[Token], hidden: str) -> tuple[str, str, str]:
    """(text, anchor, name of the script or style element it stands in) for one tag inside a paragraph."""
    tag = TAG.fullmatch(markup)
    if tag is None:  # a comment, a declaration
        return "", "", hidden
    closing, name, attributes = tag[1], tag[2].lower(), tag[3]
    if hidden:
        return "", "", "" if closing and name == hidden else hidden
    if name == "br":
        return "\n", "", ""
    is_closed = any(token.type == "html_inline" and token.content.lower().startswith(f"</{name}") for token in rest)
    if name not in HTML_ELEMENTS or not (closing or attributes.strip() or is_closed or name in VOID_ELEMENTS):
        return markup, "", ""  # a placeholder such as <time>, never closed
    if name in {"script", "style"} and is_closed:
        return "", "", name
    link_id = LINK_ID.search(attributes) if name == "a" else None
    return "", link_id[1] if link_id else "", ""


def _unknown_tag_as_text(tag: re.Match[str]) -> str:
    return tag[0] if tag[2].lower() in HTML_ELEMENTS else f"&lt;{tag[0][1:]}"


def _heading_text(inline: _Inline) -> tuple[str, str]:
    """(words, anchor) of a heading: `{#anchor}` at its end beats a permalink."""
    attributes = HEADING_ATTRIBUTES.search(inline.text)
    text = inline.text[: attributes.start()] if attributes else inline.text
    return " ".join(text.split()), attributes[1] if attributes else inline.anchor


def _is_ruled_paragraph(heading: Token, inline: Token) -> bool:
    """Several lines over a `---` are a paragraph and a rule to whoever wrote them, a heading to CommonMark."""
    return heading.markup in {"-", "="} and "\n" in inline.content


def _mended(text: str) -> str:
    """A paragraph without the markup that broken Markdown leaves in it."""
    if BROKEN_LINK_START.match(text):
        return ""
    text = BROKEN_LINK_END.sub(r"\1", text)
    return BROKEN_BOLD.sub(lambda bold: bold[1] or f"{bold[2]} ", text) if "**" in text else text
