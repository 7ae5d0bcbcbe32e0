"""`[ARTICLE]` bundles: many articles in one Markdown file.

# [ARTICLE] Start a timer
url: https://example.com/help/start-a-timer

Markdown until the next such heading
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from clockifyrag_builder.readers.identity import name_without_suffix
from clockifyrag_builder.readers.source import Source
from clockifyrag_builder.section_builder import slug

MARKER = re.compile(r"^#[ \t]+\[ARTICLE\](.*)$", re.MULTILINE)
# `url: https://…`, `**URL:** <https://…>`, `- Source: [text](https://…)` or the bare address, alone on its line.
URL_LINE = re.compile(
    r"\A\s*(?:[-*+>][ \t]+)?[*_]*(?:(?:url|source|link)\b[*_]*[ \t]*:)?[*_ \t]*"
    r"(?:\[[^\]\n]*\]\((\S+?)\)|<(https?://[^>\s]+)>|(https?://[^\s*<>]+)|(?<=:)[ \t]*(\S+))[*_ \t]*(?:\n|\Z)",
    re.IGNORECASE,
)
CLOSING_RULE = re.compile(r"\n[ \t]*(?:-{3,}|\*{3,}|={3,})[ \t]*\Z")


@dataclass(frozen=True, slots=True)
class Article:
    """One article of a bundle, and where it begins."""

    title: str
    url: str  # canonical; "" when the line is missing
    path: str  # names the article where no URL does
    text: str  # Markdown
    line: int


def is_bundle(text: str) -> bool:
    """Whether the text has an `[ARTICLE]` heading."""
    return MARKER.search(text) is not None


def articles(source: Source, text: str) -> Iterator[Article]:
    """The articles in order; text above the first one is left out and noted, an article without its URL line kept."""
    markers = list(MARKER.finditer(text))
    if text[: markers[0].start()].strip():
        source.log.skip(source.name, f"{text[: markers[0].start()].count(chr(10))} lines above the first [ARTICLE]")
    line, counted = 1, 0
    for marker, following in zip(markers, [*markers[1:], None], strict=True):
        line, counted = line + text.count("\n", counted, marker.start()), marker.start()
        body = text[marker.end() : following.start() if following else len(text)]
        body = CLOSING_RULE.sub("\n", body.rstrip())
        address = URL_LINE.match(body)
        url = source.url_or_problem(next(filter(None, address.groups())), line) if address else ""
        title = marker[1].strip(" \t#") or f"Article at line {line}"
        yield Article(
            title=title,
            url=url,
            path=f"{name_without_suffix(source.name)}/{slug(title)}",
            text=body[address.end() :] if address else body,
            line=line,
        )
