"""Word statistics of a generation: what the writer puts into its lexical/ folder."""

from collections.abc import Iterable
from pathlib import Path

from .categories import write_categories
from .chunk import Chunk
from .lexical import FIELDS, write_lexical
from .text import TOKENIZER_ID

# Part of a generation's id: known before anything is written.
LEXICAL_PARAMETERS: dict[str, object] = {"tokenizer": TOKENIZER_ID, "fields": list(FIELDS)}


def write_statistics(directory: Path, chunks: Iterable[Chunk]) -> dict[str, object]:
    """Writes postings and categories of the chunks, in row order; returns LEXICAL_PARAMETERS."""
    rows = list(chunks)
    write_lexical(directory, rows)
    write_categories(directory, rows)
    return LEXICAL_PARAMETERS
