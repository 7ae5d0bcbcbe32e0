"""Windows: a passage as far as a model reads it at once; a longer one in parts, each under its title."""

import re
from collections.abc import Callable, Iterator

TITLE_MAX = 200  # characters; a longer first line is not repeated

_ENDS = re.compile(r"(?<=[.!?])\s+|\n+")


def windows(passage: str, fits: Callable[[str], bool]) -> list[str]:
    """The passage itself where it fits; else parts that fit, between sentences if there is a way, and in their order.

    The first line, which is title and headings, stands above each part where it leaves room. An empty list where
    there is nothing to read.

    >>> windows("Timer\\nStart it. Stop it. Forget it.", lambda text: len(text) <= 26)
    ['Timer\\nStart it. Stop it.', 'Timer\\nForget it.']
    """
    if not passage.strip():
        return []
    if fits(passage):
        return [passage]
    title, _, body = passage.partition("\n")
    head = f"{title}\n"
    if not title.strip() or not body.strip() or len(title) > TITLE_MAX or not fits(head + title):  # it leaves no room
        head, body = "", passage
    found: list[str] = []
    together = ""
    for sentence in _ENDS.split(body):
        for piece in _cut(sentence.strip(), lambda text: fits(head + text)):
            longer = f"{together} {piece}" if together else piece
            if together and not fits(head + longer):
                found.append(head + together)
                longer = piece
            together = longer
    return [*found, head + together] if together else found


def _cut(text: str, fits: Callable[[str], bool]) -> Iterator[str]:
    """The text, in halves between words as often as it takes; nothing where not even a character fits."""
    if not text:
        return
    if fits(text):
        yield text
        return
    if len(text) == 1:
        return
    space = text.rfind(" ", 1, len(text) // 2 + 1)
    middle = space if space > 0 else len(text) // 2
    for half in (text[:middle], text[middle:]):
        yield from _cut(half.strip(), fits)
