"""spec.chunking and spec.glossary: how documents are cut, and which words mean the same."""

from typing import Annotated

from pydantic import Field

from clockifyrag_resource.part import REBUILDS, RESTARTS, Maybe, Part
from clockifyrag_resource.references import ConfigMapKey

CHARS_PER_TOKEN = 4
"""Characters a token stands for at most on average (English prose in WordPiece and BPE vocabularies): a chunk of more
than context tokens × this cannot fit. The builder counts the tokens of each chunk and cuts shorter where it must."""


class Chunking(Part):
    """Lengths of chunks; whether they suit the model is judged where both are known (spec)."""

    max_chars: Maybe[Annotated[int, Field(ge=100, le=400_000)]] = Field(
        default=None,
        description="Longest chunk in characters, prefix and breadcrumb included. "
        "Unset: the model's (800 for all-minilm and wordllama, 1600 for nomic-embed-text).",
        json_schema_extra=REBUILDS,
    )
    min_chars: int = Field(
        default=200,
        ge=0,
        le=100_000,
        description="Chunks shorter than so many characters are joined with a neighbour of the same article.",
        json_schema_extra=REBUILDS,
    )


class Glossary(Part):
    """Terms and their aliases, by which questions are expanded."""

    config_map_ref: ConfigMapKey = Field(
        description="ConfigMap holding a CSV file whose first line is term,aliases,type,notes. Several aliases are "
        "separated by ';' or a vertical bar; the columns term and aliases are required.",
        json_schema_extra=RESTARTS,
    )
