"""The parser of Markdown: CommonMark with tables and struck text (pulldown-cmark, by pyromark).

Its events come in reading order: `{"Start": tag}`, `{"End": tag}`, `{"Text": text}`, `"SoftBreak"` and the like. A tag
with properties is a mapping of its own: `{"Heading": {"level": "H1", …}}`.
"""

import re
from typing import Any

from pyromark import Markdown, Options
from pyromark.event import Event

LINE_BREAKS = ("SoftBreak", "HardBreak")

_PARSER = Markdown(options=Options.ENABLE_TABLES | Options.ENABLE_STRIKETHROUGH)
_FENCE = re.compile(r"[ \t>]*(?:[-*+][ \t]+|\d{1,9}[.)][ \t]+)*(`{3,}|~{3,})")
# A header row and its delimiters, neither of which begins with a pipe, below a line of text that is no row itself.
# What is looked ahead for is not looked for again, so that no line takes more than a pass.
_TABLE_BELOW_TEXT = re.compile(
    r"^(?=[^|\n]*[^|\s])[^|\n]+\n"
    r"(?P<before>[ \t>]*)(?P<header>[^\s>|](?=[^\n]*\|)[^\n]*)\n"
    r"(?P<delimiters>[ \t>]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)+\|?[ \t]*)$",
    re.MULTILINE,
)


def markdown_events(text: str) -> list[Event]:
    """The events of a text without halves of surrogate pairs, which have no UTF-8."""
    return list(_PARSER.events(_with_tables_apart(text)))


def line_events(line: str) -> list[Event]:
    """The events of the inline markup of one line, which begins no block: `1. Start` is no list.

    It is read as the text of a heading, whose own closing mark keeps those of the line.
    """
    return list(_PARSER.events(f"# {' '.join(line.splitlines())} #"))[1:-1]


def parted(event: Any) -> tuple[str, Any]:
    """(name, what it says) of an event or a tag: `{"Text": "a"}` → ("Text", "a"), "SoftBreak" → ("SoftBreak", None)."""
    if isinstance(event, str):
        return event, None
    [(name, said)] = event.items()
    return name, said


def _with_tables_apart(text: str) -> str:
    """The text with an empty line above each table that stands right below a line of text: GitHub ends the paragraph
    there, the parser does so only where the header row begins with a pipe.
    """
    if not _TABLE_BELOW_TEXT.search(text):
        return text
    lines = text.split("\n")
    apart: list[str] = []
    fence = ""
    for number, line in enumerate(lines):
        opening = _FENCE.match(line)
        if opening and (not fence or opening[1].startswith(fence)):
            fence = "" if fence else opening[1]
        above = lines[number - 1] if number else ""
        found = not fence and _TABLE_BELOW_TEXT.match("\n".join([above, *lines[number : number + 2]]))
        if found and _cells(found["header"]) == _cells(found["delimiters"]):
            apart.append(found["before"].rstrip())
        apart.append(line)
    return "\n".join(apart)


def _cells(row: str) -> int:
    return len(re.split(r"(?<!\\)\|", row.strip().strip("|")))
