"""What stands on many articles and says nothing about any of them: learned in one pass, left out in the next.

    pass 1   learn(document)      → digests of sections, blocks, headings and titles, 16 bytes each
    pass 2   cleaned(document)    → the document without what is boilerplate, and what was left out of it

Left out are
- a repeated section: heading and text together stand on many articles ("Was this article helpful? Submit Cancel …");
- a repeated block: a paragraph or list that stands on many ("In this article", "2 min read");
- a table of contents: a list whose every item is a heading of the same article, so nothing is lost with it;
- a link list: a section below a heading that stands on many articles ("Related articles") whose every line is the title
  of another article, so again nothing is lost.

"Many" is a number of distinct titles, not of articles: nine copies of one page, or twenty versions of it, share a title
and count once, so a page that is merely published often is no boilerplate. It is `BoilerplateRules.threshold`: 5 % of a
corpus, because the chrome of a site is on most of its pages and the most repeated honest sentence of 300 help articles
("What to do:") was seen on 3 %; at least 15, because below that coincidence is common; but half of a corpus too small
for 15, and never fewer than 5. A short text must stand on 20 %: "Or" and "Click Save" repeat honestly. A text that ends
with a colon announces something and is never left out, nor is code, a table alone, or more than 1,000 characters.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from clockifyrag_builder.digests import Occurrences, digest64, normalised
from clockifyrag_builder.documents import Block, Document, Section
from clockifyrag_builder.splitting import ends_open

Kind = Literal["repeated section", "repeated block", "table of contents", "link list"]

_READING_TIME = re.compile(r"\d+ ?min(?:ute)?s?\.? read|read(?:ing)? time:? \d+ ?min(?:ute)?s?\.?")
_MARKER = re.compile(r"^\s*(?:[-*+•◦]|\d+[.)])\s+")
_NO_LETTER = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class BoilerplateRules:
    """How often a text must stand in a corpus to be boilerplate; counts are of articles with distinct titles."""

    share: float = 0.05
    titles_min: int = 15
    titles_least: int = 5  # even where the corpus is smaller than 2 × titles_min
    short_chars: int = 40  # a block shorter than this …
    short_share: float = 0.20  # … must stand on this share
    chars_max: int = 1000  # a longer section or block is content, however often it stands somewhere

    def threshold(self, titles: int) -> int:
        """Distinct titles a section or a block must stand on, in a corpus of so many.

        >>> [BoilerplateRules().threshold(titles) for titles in (6, 20, 300, 10_000)]
        [5, 10, 15, 500]
        """
        return max(self.titles_least, min(self.titles_min, -(-titles // 2)), int(self.share * titles))

    def short_threshold(self, titles: int) -> int:
        """The same for a short block."""
        return max(self.threshold(titles), int(self.short_share * titles))


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A text that was left out of one document."""

    kind: Kind
    text: str
    key: int  # the same for all copies; 0 where copies differ


@dataclass(slots=True)
class _Learned:
    """What one namespace was seen to hold; dictionaries only of what stands often enough to matter."""

    sections: Occurrences = field(default_factory=Occurrences)
    blocks: Occurrences = field(default_factory=Occurrences)
    headings: Occurrences = field(default_factory=Occurrences)
    titles: set[int] = field(default_factory=set)
    repeated_sections: dict[int, int] = field(default_factory=dict)
    repeated_blocks: dict[int, int] = field(default_factory=dict)
    repeated_headings: dict[int, int] = field(default_factory=dict)
    short_threshold: int = 0


class Boilerplate:
    """What is boilerplate in each namespace: `learn` every document, `close`, then ask for `cleaned` documents."""

    def __init__(self, rules: BoilerplateRules | None = None) -> None:
        self._rules = rules or BoilerplateRules()
        self._namespaces: dict[str, _Learned] = {}

    def learn(self, document: Document) -> None:
        """Takes one document into account."""
        learned = self._namespaces.setdefault(document.namespace, _Learned())
        title = digest64(_name(document.title))
        learned.titles.add(title)
        for section in document.sections:
            if section.headings:
                learned.headings.add(_heading_key(section), title)
            if self._may_repeat(sum(len(block.text) for block in section.blocks)):
                learned.sections.add(_section_key(section), title)
            for block in section.blocks:
                if self._block_may_repeat(block):
                    learned.blocks.add(_block_key(block), title)

    def close(self) -> None:
        """Counts; from here on `cleaned` answers and nothing more is learned."""
        for learned in self._namespaces.values():
            threshold = self._rules.threshold(len(learned.titles))
            learned.repeated_sections = learned.sections.standing_in(threshold)
            learned.repeated_blocks = learned.blocks.standing_in(threshold)
            learned.repeated_headings = learned.headings.standing_in(threshold)
            learned.short_threshold = self._rules.short_threshold(len(learned.titles))
            learned.sections, learned.blocks, learned.headings = Occurrences(), Occurrences(), Occurrences()

    def cleaned(self, document: Document) -> tuple[Document, tuple[LeftOut, ...]]:
        """The document without boilerplate, and what was left out, in order.

        A section goes with its heading; one that only lost blocks keeps its heading. A document may be left without
        text: it is then indexed by its title and headings.
        """
        learned = self._namespaces.get(document.namespace) or _Learned()
        left_out: list[LeftOut] = []
        sections: list[Section] = []
        own_headings = {_name(heading) for section in document.sections for heading in section.headings}
        for section in document.sections:
            kind = self._section_kind(section, document, learned)
            if kind:
                key = _section_key(section) if kind == "repeated section" else 0
                left_out.append(LeftOut(kind, _section_text(section), key))
            else:
                sections.append(self._without_blocks(section, own_headings, learned, left_out))
        if not left_out:
            return document, ()
        return replace(document, sections=tuple(sections)), tuple(left_out)

    def _without_blocks(
        self, section: Section, own_headings: set[str], learned: _Learned, left_out: list[LeftOut]
    ) -> Section:
        """The section without boilerplate blocks, which are added to `left_out`; "Choose one of:" keeps its list."""
        kept: list[Block] = []
        for block in section.blocks:
            kind = None if kept and ends_open(kept[-1].text) else self._block_kind(block, own_headings, learned)
            if kind:
                left_out.append(LeftOut(kind, block.text, _block_key(block) if kind == "repeated block" else 0))
            else:
                kept.append(block)
        return replace(section, blocks=tuple(kept))

    def _section_kind(self, section: Section, document: Document, learned: _Learned) -> Kind | None:
        chars = sum(len(block.text) for block in section.blocks)
        if self._may_repeat(chars) and _section_key(section) in learned.repeated_sections:
            return "repeated section"
        if section.headings and _heading_key(section) in learned.repeated_headings:
            own = digest64(_name(document.title))
            lines = [digest64(line) for block in section.blocks for line in _lines(block)]
            if lines and all(line != own and line in learned.titles for line in lines):
                return "link list"
        return None

    def _block_kind(self, block: Block, own_headings: set[str], learned: _Learned) -> Kind | None:
        lines = list(_lines(block)) if block.kind == "list" else []
        if len(lines) > 1 and all(line in own_headings for line in lines):
            return "table of contents"
        if self._block_may_repeat(block):
            titles = learned.repeated_blocks.get(_block_key(block), 0)
            if titles and (titles >= learned.short_threshold or len(block.text) >= self._rules.short_chars):
                return "repeated block"
        return None

    def _may_repeat(self, chars: int) -> bool:
        return 0 < chars <= self._rules.chars_max

    def _block_may_repeat(self, block: Block) -> bool:
        return block.kind in ("text", "list") and self._may_repeat(len(block.text)) and not ends_open(block.text)


def _block_key(block: Block) -> int:
    """Digest of the block's text; reading times of any length are one text."""
    text = normalised(block.text)
    return digest64("reading time" if _READING_TIME.fullmatch(text) else text)


def _section_key(section: Section) -> int:
    return digest64(_own_heading(section), *(normalised(block.text) for block in section.blocks))


def _heading_key(section: Section) -> int:
    return digest64(_own_heading(section))


def _own_heading(section: Section) -> str:
    return _name(section.headings[-1]) if section.headings else ""


def _section_text(section: Section) -> str:
    return "\n".join((*section.headings[-1:], *(block.text for block in section.blocks)))


def _lines(block: Block) -> Iterator[str]:
    """The names on the block's lines, list markers taken off."""
    return (name for line in block.text.splitlines() if (name := _name(_MARKER.sub("", line))))


def _name(text: str) -> str:
    """A title or heading as it is compared: without case, punctuation and white space.

    >>> _name("Invite & manage users ")
    'invite manage users'
    """
    return _NO_LETTER.sub(" ", normalised(text)).strip()
