"""Parsed: a text's title and sections, as an earlier build found them where it was given the same text."""

from collections import Counter
from collections.abc import Callable, Sequence

from clockifyrag_builder.documents import Block, Section
from clockifyrag_builder.readers.read_log import ReadLog

Sections = tuple[Section, ...]
Parse = Callable[[Counter[str]], tuple[str, Sections]]


def parsed(log: ReadLog, inputs: Sequence[object], parse: Parse) -> tuple[str, Sections]:
    """(title, sections) as `parse` gives them; what it leaves out by kind is counted in the log.

    inputs: all that decides them, as JSON values. `parse` is handed the counter.
    """
    title, sections, dropped = log.memo.of(inputs, lambda: _record(parse))
    log.dropped.update(dropped)
    return title, tuple(
        Section(tuple(headings), anchor, tuple(Block(kind, text) for kind, text in blocks))
        for headings, anchor, blocks in sections
    )


def _record(parse: Parse) -> tuple[str, list[object], dict[str, int]]:
    """As JSON values."""
    dropped: Counter[str] = Counter()
    title, sections = parse(dropped)
    records: list[object] = [
        (one.headings, one.anchor, [(block.kind, block.text) for block in one.blocks]) for one in sections
    ]
    return title, records, dict(dropped)
