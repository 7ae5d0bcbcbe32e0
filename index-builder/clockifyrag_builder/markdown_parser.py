"""The parser of Markdown: CommonMark with tables and struck text, as GitHub reads them (pulldown-cmark, by pyromark).

Its events come in reading order: `{"Start": tag}`, `{"End": tag}`, `{"Text": text}`, `"SoftBreak"` and the like. A tag
with properties is a mapping of its own: `{"Heading": {"level": "H1", …}}`.
"""

from typing import Any

from pyromark import Markdown, Options
from pyromark.event import Event

LINE_BREAKS = ("SoftBreak", "HardBreak")

_PARSER = Markdown(options=Options.ENABLE_TABLES | Options.ENABLE_STRIKETHROUGH)


def markdown_events(text: str) -> list[Event]:
    """The events of a text. Half of a surrogate pair, which no UTF-8 can carry, is read as U+FFFD."""
    try:
        return list(_PARSER.events(text))
    except UnicodeEncodeError:
        return list(_PARSER.events(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")))


def line_events(line: str) -> list[Event]:
    """The events of the inline markup of one line, which begins no block: `1. Start` is no list.

    It is read as the text of a heading, whose own closing mark keeps those of the line.
    """
    return markdown_events(f"# {' '.join(line.splitlines())} #")[1:-1]


def parted(event: Any) -> tuple[str, Any]:
    """(name, what it says) of an event or a tag: `{"Text": "a"}` → ("Text", "a"), "SoftBreak" → ("SoftBreak", None)."""
    if isinstance(event, str):
        return event, None
    [(name, said)] = event.items()
    return name, said
