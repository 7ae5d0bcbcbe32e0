"""Sections → groups: small sections join a neighbour below the same heading, so that no passage is a crumb."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from clockifyrag_builder.documents import Block, Document, Section

HeadingPath = tuple[str, ...]  # from the first heading below the title down to one section

# Joined sections lose their own headings in the breadcrumb, and with them what the embedder is told of their subject:
# on 81 judged questions MRR was .89, but .87 where crumbs joined sections of any size, and .88 where none joined.
MERGED_MAX = 2  # × min_chars


@dataclass(frozen=True, slots=True)
class Group:
    """Sections that share passages. One section stands below its own headings, several below those they share."""

    headings: HeadingPath
    sections: tuple[Section, ...]

    @property
    def anchor(self) -> str:
        """The anchor of the first section that has one."""
        return next((section.anchor for section in self.sections if section.anchor), "")

    @property
    def blocks(self) -> tuple[Block, ...]:
        """All blocks in order; a section's heading stands above them where it is not in `headings`."""
        return tuple(
            block
            for section in self.sections
            for block in (*_heading_below(self.headings, section.headings), *section.blocks)
        )

    @property
    def text_chars(self) -> int:
        """Characters of all blocks, headings not counted."""
        return sum(len(block.text) for section in self.sections for block in section.blocks)


def groups_of(document: Document, min_chars: int, fit_together: Callable[[Group], bool]) -> list[Group]:
    """The document's sections in order, each in exactly one group; a document without text is one group.

    A section of fewer than `min_chars` characters takes in the sections after it until there are enough, then joins the
    group before it if it still is too small. Only neighbours below one heading join (that heading's own text counts as
    the first of them), only up to MERGED_MAX × min_chars, and only where all of them `fit_together` in one passage: a
    section with enough to say keeps its own breadcrumb rather than take in a crumb.
    """
    if not any(block.text.strip() for section in document.sections for block in section.blocks):
        return [_headings_only(document)]
    groups: list[Group] = []
    for section in _worth_a_place(document.sections):
        alone = Group(section.headings, (section,))
        small = bool(groups) and groups[-1].text_chars < min_chars
        _append(groups, alone, small, min_chars, fit_together)
    result: list[Group] = []
    for group in groups:
        _append(result, group, group.text_chars < min_chars, min_chars, fit_together)
    return result


def _append(
    groups: list[Group], group: Group, join: bool, min_chars: int, fit_together: Callable[[Group], bool]
) -> None:
    """Adds the group to the last one if it is to join and may, else after it."""
    merged = _merged(groups[-1], group) if groups and join else None
    if merged and merged.text_chars <= MERGED_MAX * min_chars and fit_together(merged):
        groups[-1] = merged
    else:
        groups.append(group)


def _worth_a_place(sections: Sequence[Section]) -> list[Section]:
    """The sections that have text, or a heading that no subsection carries in its breadcrumb."""
    following: Sequence[Section | None] = [*sections[1:], None]
    return [
        section
        for section, after in zip(sections, following, strict=True)
        if any(block.text.strip() for block in section.blocks)
        or (section.headings and not (after and _is_below(after.headings, section.headings)))
    ]


def _merged(first: Group, second: Group) -> Group | None:
    """Both as one group below the heading they share; None when they are not neighbours below one heading."""
    for parent in _parents(first):
        if parent in _parents(second):
            return Group(parent, (*first.sections, *second.sections))
    return None


def _parents(group: Group) -> tuple[HeadingPath, ...]:
    """The headings a group may be merged under: its own (for its subsections), and, while single, the one above."""
    if len(group.sections) > 1 or not group.headings:
        return (group.headings,)
    return (group.headings, group.headings[:-1])


def _headings_only(document: Document) -> Group:
    """All headings of a document without text as one path, each once."""
    headings = dict.fromkeys(heading for section in document.sections for heading in section.headings)
    return Group(tuple(headings), tuple(section for section in document.sections if section.headings)[:1])


def _heading_below(shared: HeadingPath, headings: HeadingPath) -> tuple[Block, ...]:
    return tuple(Block("text", heading) for heading in headings[len(shared) :] if heading.strip())


def _is_below(headings: HeadingPath, above: HeadingPath) -> bool:
    return len(headings) > len(above) and headings[: len(above)] == above
