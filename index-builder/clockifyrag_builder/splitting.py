"""A block → pieces that may be kept together or parted: where a passage may end, and what ending it there costs.

    block     "text"              "list"       "table"     "code"
    pieces    sentences           items        rows        lines          always
              words               nested lines cells       words          only of a piece that is too long alone
              characters          …            …           characters     only of a word that is too long alone

A piece is the text between two places where the block may be parted; its glue is exactly the white space found there,
so that the pieces of a block, joined again, are the block. Only white space at the end of a passage is ever dropped.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from clockifyrag_builder.documents import Block, BlockKind

Fits = Callable[[str], bool]

BETWEEN_BLOCKS = "\n\n"

# What it costs to end a passage before a piece, in the unit of packing.emptiness (100 = a passage with nothing in it).
COST_BLOCK = 0
COST_LINE = 10
COST_SENTENCE = 20
COST_WORD = 40
COST_CHARACTER = 80
COST_AFTER_LEAD_IN = 60  # "To do this:" belongs to the steps below it, a line that is a label to what it labels

# White space up to its last line break, looked at from its beginning alone: a long one is passed over once.
_LINE = re.compile(r"(?<!\s)\s*\n")
_ITEM = re.compile(r"(?<!\s)\s*\n(?=\S)")  # an indented line belongs to the item above it
_CELL = re.compile(r"(?<=\|)[^\S\n]+")
_SENTENCE = re.compile(  # not before a lower-case letter or a digit: "e.g. this", "approx. 5"
    r"""(?:(?<=[.!?…])|(?<=[.!?…]["'”’)\]]))\s+(?=[^\s\da-z,;.])|(?<=[。！？])(?=\S)"""
)
_SPACE = re.compile(r"\s+")

_LABEL_MAX = 60  # characters; a longer line without a full stop is a sentence whose full stop was forgotten


@dataclass(frozen=True, slots=True)
class Piece:
    """Text that is kept whole, with what stood between it and the piece before it."""

    text: str
    glue: str
    cost: int  # of ending a passage before this piece
    repeat: str = ""  # the header row of the table it comes from, put above it where it begins a passage
    leads_in: bool = False  # the text announces what follows it

    @property
    def alone(self) -> str:
        """The piece as it stands at the beginning of a passage."""
        return f"{self.repeat}\n{self.text}" if self.repeat else self.text


@dataclass(frozen=True, slots=True)
class _Level:
    boundary: re.Pattern[str]
    cost: int


_ALWAYS: dict[BlockKind, tuple[_Level, ...]] = {
    "text": (_Level(_LINE, COST_LINE), _Level(_SENTENCE, COST_SENTENCE)),
    "list": (_Level(_ITEM, COST_LINE),),
    "table": (_Level(_LINE, COST_LINE),),
    "code": (_Level(_LINE, COST_LINE),),
}
_TOO_LONG: dict[BlockKind, tuple[_Level, ...]] = {
    "text": (),
    "list": (_Level(_LINE, COST_SENTENCE), _Level(_SENTENCE, COST_SENTENCE)),
    "table": (_Level(_CELL, COST_SENTENCE), _Level(_SENTENCE, COST_SENTENCE)),
    "code": (),
}


def pieces_of(block: Block, fits: Fits) -> list[Piece]:
    """The block's pieces in order, each of which fits alone; [] for a block of white space.

    `fits(text)` tells whether a passage may consist of this text. The first piece's glue parts it from another block.
    """
    text = block.text.strip("\n") if block.kind == "code" else block.text.strip()
    pieces = [Piece(text, BETWEEN_BLOCKS, COST_BLOCK)]
    for level in _ALWAYS[block.kind]:
        pieces = [part for piece in pieces for part in _parted(piece, level)]
    if block.kind == "table":
        pieces = _with_header(pieces, fits)
    for level in _TOO_LONG[block.kind]:
        pieces = [part for piece in pieces for part in ([piece] if fits(piece.alone) else _parted(piece, level))]
    pieces = [half for piece in pieces for half in halved(piece, fits)]
    pieces = [piece for piece in pieces if piece.text.strip()]
    if pieces:
        pieces[0] = replace(pieces[0], glue=BETWEEN_BLOCKS, cost=COST_BLOCK)
        pieces[-1] = replace(pieces[-1], leads_in=ends_open(text) or (block.kind == "text" and _is_label(text)))
    return pieces


def ends_open(text: str) -> bool:
    """Whether the text announces what follows it.

    >>> ends_open("To do this:")
    True
    """
    return text.rstrip().endswith((":", "："))


def _is_label(text: str) -> bool:
    """Whether the text is one short line that is no sentence: a heading that was only set in bold.

    >>> _is_label("How to whitelist"), _is_label("Click Save.")
    (True, False)
    """
    return len(text) <= _LABEL_MAX and "\n" not in text and text[-1:].isalnum()


def _parted(piece: Piece, level: _Level) -> Iterator[Piece]:
    """The piece cut at every boundary of the level; what the boundary matched becomes the glue."""
    start, glue, cost = 0, piece.glue, piece.cost
    for match in level.boundary.finditer(piece.text):
        yield Piece(piece.text[start : match.start()], glue, cost, piece.repeat, piece.leads_in)
        start, glue, cost = match.end(), match.group(), level.cost
    yield Piece(piece.text[start:], glue, cost, piece.repeat, piece.leads_in) if start else piece


def _with_header(rows: list[Piece], fits: Fits) -> list[Piece]:
    """The rows of a table, each told to bring the header row along; not where the header alone is half a passage."""
    header = rows[0].text
    if not header.strip() or not fits(f"{header}\n{header}"):
        return rows
    return [rows[0], *(replace(row, repeat=header) for row in rows[1:])]


def halved(piece: Piece, fits: Fits) -> Iterator[Piece]:
    """The piece, parted at the white space nearest to its middle, else between characters, until each half fits.

    A header row that leaves less than half of the room is not repeated above it.
    """
    if piece.repeat and not fits(piece.alone) and not fits(f"{piece.repeat}\n{piece.repeat}"):
        piece = replace(piece, repeat="")
    if fits(piece.alone) or len(piece.text) < 2:
        yield piece
        return
    left, glue, right, cost = _middle(piece.text)
    yield from halved(replace(piece, text=left), fits)
    yield from halved(replace(piece, text=right, glue=glue, cost=cost), fits)


def _middle(text: str) -> tuple[str, str, str, int]:
    """The text before, at and after the place nearest to its middle where it may be parted, and the cost."""
    middle = len(text) // 2
    spaces = [match for match in _SPACE.finditer(text) if match.start() > 0 and match.end() < len(text)]
    if spaces:
        space = min(spaces, key=lambda match: abs((match.start() + match.end()) // 2 - middle))
        return text[: space.start()], space.group(), text[space.end() :], COST_WORD
    cut = middle
    while cut > max(1, middle - 32) and _clings(text[cut]):
        cut -= 1
    return text[:cut], "", text[cut:], COST_CHARACTER


def _clings(character: str) -> bool:
    """Whether the character is drawn onto the one before it: an accent, a joiner, a variation selector."""
    return unicodedata.combining(character) > 0 or unicodedata.category(character) in ("Mn", "Me", "Cf")
