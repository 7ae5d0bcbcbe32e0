"""Headings, paragraphs, lists, tables and code of an HTML tree, in reading order.

The tree is walked with a loop, not by recursion: a page may nest its elements deeper than Python's stack.
"""

import html
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from selectolax.lexbor import LexborHTMLParser, LexborNode

from clockifyrag_builder.section_builder import SectionBuilder

HEADING_LEVELS = {f"h{level}": level for level in range(1, 7)}
LISTS = frozenset({"ul", "ol", "menu", "dl"})
BLOCKS = (
    frozenset(
        "address article aside blockquote body center dd details dialog div dt fieldset figcaption figure form "
        "frameset hgroup hr html legend li main option p search section summary tbody td tfoot th thead tr caption "
        "header footer nav optgroup".split()
    )
    | LISTS
    | HEADING_LEVELS.keys()
)
CELLS = frozenset({"td", "th"})
GROUPS = frozenset({"div", "hgroup"})  # may stand between a header and its heading
DROPPED = frozenset(
    "script style nav header footer form noscript svg template head iframe select datalist canvas audio video object "
    "embed textarea".split()
)
DROPPED_ROLES = frozenset({"navigation", "banner", "contentinfo", "search"})
# Side columns repeat what is elsewhere; notes set in an <aside> are part of the text.
NOTE_CLASS = re.compile(r"admonition|callout|note|notice|alert|warning|caution|tip|hint|info|important|starlight-aside")
NO_DISPLAY = re.compile(r"display\s*:\s*none", re.IGNORECASE)
PERMALINK_SIGNS = frozenset({"#", "¶", "§", "🔗", ""})
# For each block inside others the parser looks through all that are open, so that 200,000 take it minutes.
NESTED_MAX = 10_000
# Blocks that stay open until they are closed; elements that end without a tag of their own are left out.
NESTING_TAG = re.compile(
    r"<(/?)(address|article|aside|blockquote|center|details|dialog|dir|div|dl|fieldset|figcaption|figure|footer|form|"
    r"header|hgroup|main|menu|nav|ol|pre|search|section|summary|table|ul)(?=[\s/>])",
    re.IGNORECASE,
)
VOID_ELEMENTS = frozenset("area base br col embed hr img input link meta source track wbr".split())
ARRANGED_IN_TABLES = ", ".join((*HEADING_LEVELS, "table", "pre"))


def add_html(builder: SectionBuilder, root: LexborNode) -> None:
    """Hands everything readable below `root` to `builder`; navigation, forms, scripts and hidden parts are left out."""
    walk = _Walk(builder)
    _descend(root, walk.enter, walk.leave)
    walk.end()


def add_html_fragment(builder: SectionBuilder, fragment: str) -> None:
    """The same for a piece of HTML that may open elements it does not close; of one that is too deep, the words."""
    if is_too_deep(fragment):
        builder.text(html.unescape(re.sub(r"<[^<>]*>", " ", fragment)))
        return
    body = LexborHTMLParser(fragment).body
    if body is not None:
        add_html(builder, body)


def is_too_deep(text: str) -> bool:
    """Whether more than NESTED_MAX blocks are open at once, as their tags tell; nothing is parsed for it."""
    if text.count("<") <= NESTED_MAX:
        return False
    open_by_name: Counter[str] = Counter()
    depth = 0
    for tag in NESTING_TAG.finditer(text):
        name = tag[2].lower()
        if not tag[1]:
            open_by_name[name] += 1
            depth += 1
        elif open_by_name[name]:
            open_by_name[name] -= 1
            depth -= 1
        if depth > NESTED_MAX:
            return True
    return False


def text_of(root: LexborNode) -> str:
    """The words of an element on one line, without permalinks and what is left out everywhere."""
    pieces: list[str] = []

    def enter(node: LexborNode) -> bool:
        if node.is_text_node:
            pieces.append(node.text_content or "")
            return False
        if not node.is_element_node or is_dropped(node) or _is_permalink(node):
            return False
        if node.tag in BLOCKS or node.tag == "br":
            pieces.append(" ")
        return True

    def leave(node: LexborNode) -> None:
        if node.tag in BLOCKS:
            pieces.append(" ")

    _descend(root, enter, leave)
    return " ".join("".join(pieces).split())


def is_dropped(node: LexborNode) -> bool:
    """Whether an element and all below it is no part of the text."""
    attributes = node.attributes
    role = attributes.get("role") or ""
    if role != "tabpanel" and _is_hidden(attributes):  # of tabs all but one are, until they are chosen
        return True
    if node.tag == "aside":
        return role != "note" and not NOTE_CLASS.search((attributes.get("class") or "").lower())
    if node.tag == "form":  # some servers wrap the whole page in one
        return node.css_first("h1, h2, article, main") is None
    if node.tag == "header" and role not in DROPPED_ROLES:
        return not _heads_section(node)
    return node.tag in DROPPED or role in DROPPED_ROLES


class _Walk:
    """Inline text is collected until a block begins or ends; then it is a paragraph."""

    def __init__(self, builder: SectionBuilder) -> None:
        self._builder = builder
        self._inline: list[str] = []
        self._page_link_depth = 0
        self._seen_page_link = False
        self._seen_other_text = False

    def enter(self, node: LexborNode) -> bool:
        """Whether what is inside `node` is to be walked too."""
        if node.is_text_node:
            self._append(re.sub(r"\s+", " ", node.text_content or ""))
            return False
        if not node.is_element_node or is_dropped(node):
            return False
        tag = node.tag or ""
        if tag in BLOCKS or tag in {"pre", "table"}:
            self._paragraph()
        if tag in HEADING_LEVELS:
            self._builder.heading(HEADING_LEVELS[tag], text_of(node), _heading_anchor(node))
            return False
        if tag == "pre":
            self._builder.code(_code_of(node))
            return False
        if tag == "table" and not _is_layout(node):
            self._table(node)
            return False
        if tag == "br":
            self._inline.append("\n")
        elif tag == "a":
            return self._link(node)
        else:
            self._open(node, tag)
        return True

    def leave(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if tag == "a" and _is_page_link(node):
            self._page_link_depth -= 1
        elif tag == "dt":
            term = "".join(self._inline).rstrip()
            self._inline = [term if not term or term.endswith((":", "?", "!", ".")) else f"{term}:"]
        if tag in BLOCKS:
            self._paragraph()
        if tag in LISTS:
            self._builder.close_list()

    def end(self) -> None:
        self._paragraph()

    def _append(self, text: str) -> None:
        self._inline.append(text)
        if text.strip():
            self._seen_page_link |= self._page_link_depth > 0
            self._seen_other_text |= self._page_link_depth == 0

    def _open(self, node: LexborNode, tag: str) -> None:
        if tag in LISTS:
            self._builder.open_list(_number(node, "start", 1) if tag == "ol" else None)
        elif tag in {"li", "dt"} and self._builder.in_list:
            self._builder.open_item(_number(node, "value", None))

    def _link(self, node: LexborNode) -> bool:
        if _is_permalink(node):
            if node.attributes.get("id") or node.attributes.get("name"):
                self._builder.anchor(node.attributes.get("id") or node.attributes.get("name") or "")
            return False
        self._page_link_depth += _is_page_link(node)
        return True

    def _paragraph(self) -> None:
        text, self._inline = "".join(self._inline), []
        only_page_links = self._seen_page_link and not self._seen_other_text
        self._seen_page_link = self._seen_other_text = False
        if text.strip():
            self._builder.text(text, only_page_links=only_page_links)

    def _table(self, table: LexborNode) -> None:
        caption = table.css_first("caption")
        if caption is not None:
            self._builder.text(text_of(caption))
        rows = [[text_of(cell) for cell in _elements(row) if cell.tag in CELLS] for row in table.css("tr")]
        if len(rows) == 1 and len(rows[0]) == 1:
            self._builder.text(rows[0][0])
        else:
            self._builder.table(rows)


def _descend(root: LexborNode, enter: Callable[[LexborNode], bool], leave: Callable[[LexborNode], None]) -> None:
    """Calls `enter` and `leave` around every node below `root` in document order; False from `enter` skips its inside.

    `leave` is called only for nodes that were entered with True.
    """
    entered: list[LexborNode] = []
    node = root.first_child
    while node is not None:
        if enter(node):
            entered.append(node)
            inside = node.first_child
            if inside is not None:
                node = inside
                continue
            leave(entered.pop())
        while node is not None and node.next is None:
            node = entered.pop() if entered else None
            if node is not None:
                leave(node)
        node = node.next if node is not None else None


def _elements(parent: LexborNode) -> Iterator[LexborNode]:
    """The elements directly below `parent`."""
    node = parent.first_child
    while node is not None:
        if node.is_element_node:
            yield node
        node = node.next


def _is_hidden(attributes: Mapping[str, str | None]) -> bool:
    """Whether a reader never sees it; what a search in the page brings up is seen (hidden=until-found)."""
    if "hidden" in attributes and (attributes["hidden"] or "").lower() != "until-found":
        return True
    return attributes.get("aria-hidden") == "true" or NO_DISPLAY.search(attributes.get("style") or "") is not None


def _heads_section(header: LexborNode) -> bool:
    """Whether it holds the heading of a section, which that of a page or an article does not: those name the site, or
    who wrote it (HTML standard, "the header element"). Only what stands right around and in it is looked at, so that
    a page of many headers is not searched for each of them.
    """
    if header.parent is None or header.parent.tag != "section":
        return False
    inside = [part for child in _elements(header) for part in (_elements(child) if child.tag in GROUPS else (child,))]
    levels = {HEADING_LEVELS.get(part.tag or "", 0) for part in inside}
    return 1 not in levels and max(levels, default=0) > 0


def _is_layout(table: LexborNode) -> bool:
    """A table that holds headings, listings or other tables arranges a page; its cells are no cells of data."""
    return any(part.css_first(ARRANGED_IN_TABLES) is not None for part in _elements(table))


def _code_of(pre: LexborNode) -> str:
    pieces: list[str] = []

    def enter(node: LexborNode) -> bool:
        if node.is_text_node:
            pieces.append(node.text_content or "")
        elif node.tag == "br":
            pieces.append("\n")
        return node.is_element_node and not is_dropped(node)

    _descend(pre, enter, lambda _: None)
    return "".join(pieces)


def _heading_anchor(heading: LexborNode) -> str:
    """Its own id, else that of a link inside it, else of the section it opens; "" when there is none."""
    attributes = heading.attributes
    if attributes.get("id"):
        return attributes["id"] or ""
    for link in heading.css("a"):
        inner = link.attributes
        if inner.get("id") or inner.get("name"):
            return inner.get("id") or inner.get("name") or ""
        if _is_permalink(link):
            return (inner.get("href") or "").partition("#")[2]
    parent = heading.parent
    if (
        parent is not None
        and parent.tag in {"section", "div", "article"}
        and next(_elements(parent)).mem_id == heading.mem_id
    ):
        return parent.attributes.get("id") or ""
    return ""


def _is_page_link(link: LexborNode) -> bool:
    return (link.attributes.get("href") or "").startswith("#")


def _is_permalink(node: LexborNode) -> bool:
    """`<a href="#x">#</a>`, or an anchor without words: it addresses a place and says nothing."""
    if node.tag != "a":
        return False
    label = node.text().strip()
    return label in PERMALINK_SIGNS and (_is_page_link(node) or not label)


def _number(node: LexborNode, attribute: str, default: int | None) -> int | None:
    value = (node.attributes.get(attribute) or "").strip()
    return int(value) if re.fullmatch(r"\d{1,9}", value) else default
