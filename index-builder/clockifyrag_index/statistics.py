"""Word statistics of a generation: what the writer puts into its lexical/ folder."""

from collections.abc import Iterable
from pathlib import Path

from .categories import category_column
from .chunk import Chunk
from .impacts import ARTICLE_B, ARTICLE_K1, FIELDS, Bm25
from .lexical_writer import write_lexical
from .text import TOKENIZER_ID

# Part of a generation's id: known before anything is written.
LEXICAL_PARAMETERS: dict[str, object] = {
    "tokenizer": TOKENIZER_ID,
    "fields": list(FIELDS),
    "bm25": Bm25().record(),
    "articleBm25": {"k1": ARTICLE_K1, "b": ARTICLE_B},
}


def write_statistics(directory: Path, chunks: Iterable[Chunk]) -> dict[str, object]:
    """Writes postings and categories of the chunks, in row order; returns LEXICAL_PARAMETERS.

    The chunks are iterated once and not kept.
    """
    with category_column(directory) as column:
        write_lexical(directory, column.passing(chunks))
    return LEXICAL_PARAMETERS
