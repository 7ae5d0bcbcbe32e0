"""Sections from a stream of headings, paragraphs, lists, tables and code, whichever markup they stood in.

heading ──────┐
text ─────────┤
list, item ───┼──► SectionBuilder ──► sections()
table ────────┤
code ─────────┘
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from clockifyrag_builder.documents import Block, Section

READING_TIME = re.compile(r"\d{1,3}\s*[-–]?\s*min(?:ute)?s?\.?\s+read", re.IGNORECASE)
CONTENTS_LEAD = re.compile(
    r"(?:in this (?:article|page|guide|section)|on this page|table of contents|contents)\s*:?", re.IGNORECASE
)
UNSAFE_IN_ANCHOR = re.compile(r"[\s<>\"'`\\]")
INDENT_LEVELS_MAX = 12  # deeper lists keep this indent, so that hostile nesting cannot grow lines without bound


@dataclass(frozen=True, slots=True)
class _Heading:
    level: int
    text: str


@dataclass(slots=True)
class _Draft:
    headings: tuple[str, ...]
    anchor: str
    nearest: str  # the last anchor that stands above it
    blocks: list[Block] = field(default_factory=list)
    only_page_links: bool = True


@dataclass(slots=True)
class _List:
    number: int | None  # of the next item; None in a bulleted list
    line: int = -1  # index of the open item's line while text can still join it


class SectionBuilder:
    """Collects what a walker meets in reading order; `sections()` ends it.

    A heading of level 0 or 1 that repeats the title is the title. "N min read" lines and tables of contents made of
    links into the same page are left out and counted in `dropped`. Items are one line each; code or a table inside an
    item ends the list block, and the next item goes on with its number.
    """

    def __init__(self, title: str, *, slugs: bool, dropped: Counter[str]) -> None:
        """slugs: headings without an anchor get one made of their words, as on GitHub; else the nearest one above."""
        self._title = _comparable(title)
        self._slugs = slugs
        self._dropped = dropped
        self._path: list[_Heading] = []
        self._drafts = [_Draft((), "", "")]
        self._lists: list[_List] = []
        self._lines: list[str] = []
        self._only_page_links = True  # of the list being read
        self._lead = ""  # "In this article", until it is known whether a table of contents follows
        self._next_anchor = ""

    @property
    def in_list(self) -> bool:
        """Whether a list is open: what comes belongs to one of its items."""
        return bool(self._lists)

    def anchor(self, name: str) -> None:
        """An address that stands before a heading, as `<a name="x"></a>` does."""
        self._next_anchor = _safe_anchor(name)

    def heading(self, level: int, text: str, anchor: str = "") -> None:
        """A heading of level 1–6, or 0 for one above all others; inside a list item it is the item's text."""
        if self.in_list:
            self.text(text)
            return
        text = " ".join(text.split())
        anchor, self._next_anchor = _safe_anchor(anchor) or self._next_anchor, ""
        if not any(map(str.isalnum, text)):  # an image, a stray "#": no heading anybody could read
            return
        self._end_lead()
        while self._path and self._path[-1].level >= level:
            self._path.pop()
        if level <= 1 and _comparable(text) == self._title:
            self._path.clear()
            if self._drafts[-1].headings:
                self._drafts.append(_Draft((), "", ""))
            return
        self._path.append(_Heading(level, text))
        last = self._drafts[-1]
        self._drafts.append(_Draft(tuple(heading.text for heading in self._path), anchor, last.anchor or last.nearest))

    def text(self, text: str, *, only_page_links: bool = False) -> None:
        """A paragraph; its line breaks are meant. only_page_links: nothing but links to anchors of this page."""
        lines = _lines(text)
        kept = [line for line in lines if not READING_TIME.fullmatch(line)]
        if len(kept) < len(lines):
            self._dropped["reading time"] += len(lines) - len(kept)
        if not kept:
            return
        if self.in_list:
            self._only_page_links &= only_page_links
            self._item_text(" ".join(kept))
            return
        self._end_lead()
        if len(kept) == 1 and CONTENTS_LEAD.fullmatch(kept[0]):
            self._lead = kept[0]
        else:
            self._emit(Block("text", "\n".join(kept)), only_page_links=only_page_links)

    def code(self, text: str) -> None:
        """A listing, kept letter for letter but for blank lines around it."""
        listing = re.sub(r"\A(?:[ \t]*\n)+", "", text).rstrip()
        if listing:
            self._interrupt()
            self._emit(Block("code", listing))

    def table(self, rows: Iterable[Sequence[str]]) -> None:
        """Rows of cells, the header first if there is one; empty rows and empty cells at a row's end are left out."""
        cells = [[" ".join(cell.split()) for cell in row] for row in rows]
        lines = [_row(row) for row in cells if any(row)]
        if lines:
            self._interrupt()
            self._emit(Block("table", "\n".join(lines)))

    def open_list(self, first: int | None) -> None:
        """first: number of the first item, None in a bulleted list."""
        if not self._lists:
            self._lines, self._only_page_links = [], True
        self._lists.append(_List(first))

    def close_list(self) -> None:
        """Ends the innermost list; the outermost one becomes a block."""
        self._lists.pop()
        if not self._lists:
            self._end_list()

    def open_item(self, number: int | None = None) -> None:
        """number: where the item itself says it."""
        items = self._lists[-1]
        if number is not None and items.number is not None:
            items.number = number
        marker = "-" if items.number is None else f"{items.number}."
        self._lines.append(f"{self._indent()}{marker}")
        items.line = len(self._lines) - 1
        if items.number is not None:
            items.number += 1

    def sections(self) -> tuple[Section, ...]:
        """All sections in reading order; what stood before the first heading is left out when it is empty."""
        self._end_lead()
        kept = [draft for draft in self._drafts if (draft.headings or draft.blocks) and not self._is_contents(draft)]
        anchors = _Anchors(draft.anchor for draft in kept)
        sections = []
        for draft in kept:
            anchor = draft.anchor
            if draft.headings and not anchor:
                anchor = anchors.free(slug(draft.headings[-1])) if self._slugs else draft.nearest
            sections.append(Section(draft.headings, anchor, tuple(draft.blocks)))
        return tuple(sections)

    def _is_contents(self, draft: _Draft) -> bool:
        if not (draft.headings and draft.blocks and draft.only_page_links):
            return False
        if not CONTENTS_LEAD.fullmatch(draft.headings[-1]):
            return False
        self._dropped["table of contents"] += 1
        return True

    def _indent(self) -> str:
        return "  " * min(len(self._lists) - 1, INDENT_LEVELS_MAX)

    def _item_text(self, text: str) -> None:
        items = self._lists[-1]
        if items.line == len(self._lines) - 1 and items.line >= 0:
            self._lines[-1] += f" {text}"
        else:  # a nested list or code stands between: the item goes on below it
            self._lines.append(f"{self._indent()}  {text}")
            items.line = len(self._lines) - 1

    def _interrupt(self) -> None:
        """Ends the list block, not the list: what comes stands between two of its lines."""
        self._end_lead()
        if not self.in_list:
            return
        self._only_page_links = False
        self._emit_lines(keep_last=True)
        for items in self._lists:
            items.line = -1

    def _end_list(self) -> None:
        if self._lead and self._only_page_links and self._lines:
            self._dropped["table of contents"] += 1
            self._lead, self._lines = "", []
            return
        self._end_lead()
        self._emit_lines(keep_last=False)

    def _emit_lines(self, *, keep_last: bool) -> None:
        """The lines read so far as a list block; markers without text are left out, but a step may be code alone."""
        last = len(self._lines) - 1
        lines = [
            line for index, line in enumerate(self._lines) if not _is_marker(line) or (keep_last and index == last)
        ]
        self._lines = []
        if lines:
            self._emit(Block("list", "\n".join(lines)), only_page_links=self._only_page_links)

    def _end_lead(self) -> None:
        if self._lead:
            lead, self._lead = self._lead, ""
            self._emit(Block("text", lead))

    def _emit(self, block: Block, *, only_page_links: bool = False) -> None:
        self._next_anchor = ""
        self._drafts[-1].blocks.append(block)
        self._drafts[-1].only_page_links &= only_page_links


def slug(heading: str) -> str:
    """`Time & date (UTC)` → `time--date-utc`: the anchor GitHub gives a heading; `section` where nothing is left."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") or "section"


class _Anchors:
    """Names that are given once each: `name`, then `name-1`, `name-2` … as GitHub counts."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)
        self._ordinals: Counter[str] = Counter()

    def free(self, name: str) -> str:
        unique = name
        while unique in self._taken:
            self._ordinals[name] += 1
            unique = f"{name}-{self._ordinals[name]}"
        self._taken.add(unique)
        return unique


def _row(cells: Sequence[str]) -> str:
    used = max(index for index, cell in enumerate(cells) if cell) + 1
    return " | ".join(cells[:used])


def _lines(text: str) -> list[str]:
    return [line for line in (" ".join(line.split()) for line in text.split("\n")) if line]


def _comparable(text: str) -> str:
    return " ".join(text.split()).casefold()


def _safe_anchor(anchor: str) -> str:
    anchor = anchor.strip().removeprefix("#")
    return "" if UNSAFE_IN_ANCHOR.search(anchor) else anchor


def _is_marker(line: str) -> bool:
    return re.fullmatch(r"-|\d+\.", line.strip()) is not None
