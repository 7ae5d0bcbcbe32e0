"""What is asked of every text before it is embedded, and of every vector after."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from clockifyrag_resource.profiles import ModelProfile

from ..errors import BadVectors, EmbedderMismatch, TextRefused
from . import Vectors

_SURROGATE = re.compile("[\ud800-\udfff]")


def refuse_unreadable(texts: Sequence[str]) -> None:
    """TextRefused for a text without a character to read (its vector means nothing, with some models it is NaN), and
    for one that is no Unicode text, which neither a tokenizer nor JSON can carry.
    """
    for position, text in enumerate(texts):
        if not text or text.isspace():
            raise TextRefused(position, "it is blank; leave it out, or index it by its title")
        if _SURROGATE.search(text):
            raise TextRefused(position, "it holds half of a surrogate pair; decode its source as UTF-8")


def too_long(position: int, tokens: int, context_tokens: int, model: str) -> TextRefused:
    """The error for a text above the model's context, which would otherwise be cut off silently."""
    return TextRefused(
        position, f"it has {tokens} tokens and {model} reads {context_tokens}; split it, or lower chunking.maxChars"
    )


def unit_length(rows: Vectors) -> Vectors:
    """The (n, dimensions) float32 rows scaled to length 1 in place, so that an inner product is a cosine.

    TextRefused names the position of a row that holds NaN or infinity, or is all zeros.
    """
    squares = np.einsum("ij,ij->i", rows, rows)
    bad = ~(np.isfinite(squares) & (squares > 0))
    if bad.any():
        position = int(np.argmax(bad))
        what = "is all zeros" if squares[position] == 0 else "holds NaN or infinity"
        raise TextRefused(position, f"its vector {what}")
    rows /= np.sqrt(squares)[:, np.newaxis]
    return rows


def require_dimensions(place: Path, found: int, profile: ModelProfile) -> None:
    """EmbedderMismatch unless the model at `place` makes vectors of the profile's dimensions, where it knows them."""
    if profile.dimensions not in (None, found):
        raise EmbedderMismatch(
            f"the model in {place} has {found} dimensions, {profile.model} has {profile.dimensions}; "
            "point LOCAL_MODEL_DIR at the right folder"
        )


def require_shape(rows: Vectors, count: int, dimensions: int | None, model: str) -> None:
    """BadVectors unless there are `count` rows of `dimensions` values; None: any dimension."""
    if rows.ndim != 2 or len(rows) != count:
        found = len(rows) if rows.ndim else 0
        raise BadVectors(f"{model} answered {found} vectors for {count} texts; check the version of the model server")
    if dimensions is not None and rows.shape[1] != dimensions:
        raise BadVectors(
            f"{model} answered vectors of {rows.shape[1]} dimensions, expected {dimensions}: another model stands "
            "under this name; restore the model, or set embedding.profile.dimensions and rebuild the index"
        )


def same_digest(wanted: str, found: str) -> bool:
    """Whether the digests are one; `sha256:` may be left out, and 12 digits or more may stand for all 64.

    >>> same_digest("53aa51172d14", "sha256:53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db")
    True
    """
    short, whole = (digest.lower().removeprefix("sha256:") for digest in (wanted, found))
    return len(short) >= 12 and whole.startswith(short)
