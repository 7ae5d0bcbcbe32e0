"""The text of one paragraph, heading or cell of Markdown."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from pyromark.event import Event

from clockifyrag_builder.html_blocks import PERMALINK_SIGNS, VOID_ELEMENTS
from clockifyrag_builder.markdown_parser import parted

INLINE_TAGS = frozenset({"Emphasis", "Image", "Link", "Strikethrough", "Strong"})

KEPT_IN_ADDRESS = "%;/?:@&=+$,-_.!~*'()#"  # what JavaScript's encodeURI leaves as it is, and what is encoded already
# What is left of a link whose text spans paragraphs, which CommonMark does not know: `… text](https://…)`.
BROKEN_LINK_START = re.compile(r"^\s*\[\s*$")
BROKEN_LINK_END = re.compile(r"^([^\[\]]*)\]\((?:https?:/)?/[^\s()]*\)\s*$")
# Bold that CommonMark does not see, written by converters: `after being archived**.**`, `**(only me)**This`.
BROKEN_BOLD = re.compile(r"\*\*([.,:;!?]+)\*\*|\*\*(?=\S)([^*\n]*[^\w\s*])\*\*(?=\w)")
# `tap **Allow**in the app`: a converter lost the space. `**project**s` and `**N**ew` are meant.
WORD_ENDING = re.compile(r"(?:\w(?!\.)|es|ed|er|ing|ly)\b")

TAG = re.compile(r"<(/?)([A-Za-z][\w-]*)([^<>]*)>")
LINK_ID = re.compile(r"""\b(?:id|name)\s*=\s*["']?([^"'\s>]+)""", re.IGNORECASE)
HTML_ELEMENTS = VOID_ELEMENTS | frozenset(
    "a abbr address article aside audio b bdi bdo big blockquote body button canvas caption center cite code colgroup "
    "data datalist dd del details dfn dialog div dl dt em fieldset figcaption figure font footer form h1 h2 h3 h4 h5 "
    "h6 head header hgroup html i iframe ins kbd label legend li main map mark menu meter nav noscript object ol "
    "optgroup option output p picture pre progress q rp rt ruby s samp script search section select slot small span "
    "strike strong style sub summary sup svg table tbody td template textarea tfoot th thead time title tr tt u ul "
    "var video".split()
)


@dataclass(frozen=True, slots=True)
class Inline:
    """What one paragraph, heading or cell says."""

    text: str  # hard breaks are newlines
    anchor: str  # of a permalink or an anchor element in it; "" when there is none
    only_page_links: bool  # nothing but links to anchors of the same page


def inline_of(events: Sequence[Event]) -> Inline:
    """The text of inline events: no markup, links as their text, images as nothing."""
    collected = _Collected(events)
    for index, event in enumerate(events):
        collected.take(index, event)
    return Inline(
        "".join(collected.pieces), collected.anchor, collected.has_page_links and not collected.has_other_text
    )


def mended(text: str) -> str:
    """A paragraph without the markup that broken Markdown leaves in it."""
    if BROKEN_LINK_START.match(text):
        return ""
    text = BROKEN_LINK_END.sub(r"\1", text)
    return BROKEN_BOLD.sub(lambda bold: bold[1] or f"{bold[2]} ", text) if "**" in text else text


def unknown_tags_as_text(html: str) -> str:
    """`<workspace id>` as `&lt;workspace id>`: what is no element of HTML is a placeholder and stays readable."""
    return TAG.sub(lambda tag: tag[0] if tag[2].lower() in HTML_ELEMENTS else f"&lt;{tag[0][1:]}", html)


class _Collected:
    def __init__(self, events: Sequence[Event]) -> None:
        self.pieces: list[str] = []
        self.anchor = ""
        self.has_page_links = False
        self.has_other_text = False
        self._href = ""
        self._link_start = 0
        self._images = 0  # it stands in: one may stand in the description of another
        self._hidden = ""  # the script or style element it stands in
        self._after_markup = False
        self._last_closed: dict[str, int] = {}  # element → index of its last closing tag
        for index, event in enumerate(events):
            kind, said = parted(event)
            if kind == "InlineHtml" and (closing := TAG.fullmatch(said)) and closing[1]:
                self._last_closed[closing[2].lower()] = index

    def take(self, index: int, event: Event) -> None:
        kind, said = parted(event)
        name, properties = parted(said) if kind in ("Start", "End") else ("", {})
        if name == "Image":
            self._images += 1 if kind == "Start" else -1
        if self._images:
            return
        match kind, name:
            case "Text" | "Code", _:
                self._append(said)
            case "SoftBreak", _:
                self._append(" ")
            case "HardBreak", _:
                self._append("\n")
            case "InlineHtml", _:
                self._tag(index, said)
            case "Start", "Link":
                self._open_link(properties["dest_url"], is_bare=properties["link_type"] in ("Autolink", "Email"))
            case "End", "Link":
                self._close_link()
            case "End", "Strong":
                self._after_markup = True

    def _append(self, text: str) -> None:
        if self._hidden or not text:
            return
        lost_space = self._after_markup and self._ends_in_word() and len(self.pieces[-1]) > 2
        if lost_space and text[0].isalnum() and not WORD_ENDING.match(text):
            self.pieces.append(" ")
        self._after_markup = False
        self.pieces.append(text)
        if text.strip() and text.strip() not in PERMALINK_SIGNS:
            self.has_page_links |= self._href.startswith("#")
            self.has_other_text |= not self._href.startswith("#")

    def _open_link(self, address: str, *, is_bare: bool) -> None:
        """is_bare: the address is the link's text: <https://example.org>."""
        if is_bare and self._ends_in_word():
            self.pieces.append(" ")
        self._href, self._link_start = address.strip(), len(self.pieces)

    def _close_link(self) -> None:
        label = "".join(self.pieces[self._link_start :]).strip()
        if self._href.startswith("#") and label in PERMALINK_SIGNS:
            del self.pieces[self._link_start :]
            self.anchor = quote(self._href[1:], KEPT_IN_ADDRESS) or self.anchor
        self._href, self._after_markup = "", True

    def _tag(self, index: int, markup: str) -> None:
        """`<br>` breaks the line, formatting vanishes; `<workspace id>` and a `<time>` never closed stay as typed."""
        tag = TAG.fullmatch(markup)
        if tag is None:  # a comment, a declaration
            return
        closing, name, attributes = tag[1], tag[2].lower(), tag[3].strip()
        if self._hidden:
            self._hidden = "" if closing and name == self._hidden else self._hidden
        elif name == "br":
            self._append("\n")
        elif name not in HTML_ELEMENTS:
            self._append(markup)
        elif not (closing or name in VOID_ELEMENTS):
            is_closed = self._last_closed.get(name, -1) > index
            if is_closed and name in {"script", "style"}:
                self._hidden = name
            elif not (is_closed or attributes):
                self._append(markup)
            elif name == "a" and (link_id := LINK_ID.search(attributes)):
                self.anchor = link_id[1]

    def _ends_in_word(self) -> bool:
        return bool(self.pieces) and self.pieces[-1][-1:].isalnum()
