"""The breadcrumb of a passage, shortened where it would leave the passage no room; what is left out is told."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from clockifyrag_builder.splitting import Fits
from clockifyrag_index.chunk import BREADCRUMB_SEPARATOR

ELLIPSIS = "…"
_TITLE_CHARS = (120, 60, 30, 15)  # a title or heading is cut to the first of these that leaves enough room


@dataclass(frozen=True, slots=True)
class Breadcrumb:
    """Title and headings as they are embedded, and those of the full ones that are not shown whole."""

    title: str
    headings: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def line(self) -> str:
        """As it stands above the content: `Title › Heading`."""
        return BREADCRUMB_SEPARATOR.join((self.title, *self.headings))


def breadcrumb_of(title: str, headings: Sequence[str], fits: Fits) -> Breadcrumb:
    """The fullest breadcrumb that `fits`: title and last headings are kept longest.

    Headings are left out from the top, "…" in their place; then the last heading and the title are cut at a word, with
    "…" at the end; at last "…" stands alone. White space within a heading becomes one space.
    """
    title, path = " ".join(title.split()), tuple(" ".join(heading.split()) for heading in headings)
    breadcrumb = Breadcrumb(ELLIPSIS, (), (title, *path))
    for shown_title, shown in _shorter_and_shorter(title, path):
        breadcrumb = Breadcrumb(shown_title, shown, _left_out((title, *path), (shown_title, *shown)))
        if fits(breadcrumb.line):
            break
    return breadcrumb


def _shorter_and_shorter(title: str, path: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield title, path
    for kept in range(len(path) - 1, 0, -1):
        yield title, (ELLIPSIS, *path[-kept:])
    above = (ELLIPSIS,) if len(path) > 1 else ()
    for chars in _TITLE_CHARS:
        yield title, (*above, *(_cut(heading, chars) for heading in path[-1:]))
    for chars in _TITLE_CHARS:
        yield _cut(title, chars), (*above, *(_cut(heading, _TITLE_CHARS[-1]) for heading in path[-1:]))
    yield _cut(title, _TITLE_CHARS[-1]), ((ELLIPSIS,) if path else ())


def _cut(text: str, chars: int) -> str:
    """At most `chars` characters of the text, at a word's end if there is one, and "…" where it was cut."""
    if len(text) <= chars:
        return text
    head = text[: chars - 1]
    return (re.sub(r"\s+\S*$", "", head) or head).rstrip() + ELLIPSIS


def _left_out(full: tuple[str, ...], shown: tuple[str, ...]) -> tuple[str, ...]:
    """The titles and headings that are not shown whole, in order."""
    return tuple(text for text in full if text not in shown)
