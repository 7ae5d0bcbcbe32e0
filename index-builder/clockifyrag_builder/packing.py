"""Pieces → passages: which pieces stand together, chosen so that passages are full and end where a reader would pause.

The choice is the line breaking of Knuth and Plass ("Breaking Paragraphs into Lines", 1981) with passages for lines:
the sum of what each passage wastes and of what each break costs is made as small as possible. Filling greedily instead
would leave a last passage of one sentence, and cut "To do this:" off from its steps.
"""

from collections.abc import Iterator, Sequence

from clockifyrag_builder.splitting import COST_AFTER_LEAD_IN, Fits, Piece, halved
from clockifyrag_index.errors import SourceError

PASSAGE_COST = 10.0  # one passage more, at equal fullness
_NARROWER = 0.75  # of the room, when characters fit and tokens do not


def packed(pieces: Sequence[Piece], room: int, fits: Fits) -> list[str]:
    """The texts of the passages, in order: each fits, and every piece stands in exactly one of them.

    room: characters a passage may have. `fits` knows the tokens as well and is asked once a passage; where it says no,
    the passage is divided as if there were less room, and a single piece is halved. SourceError when it refuses a
    single character.
    """
    texts: list[str] = []
    for start, stop in _breaks(pieces, room):
        run = pieces[start:stop]
        text = joined(run)
        if fits(text):
            texts.append(text.rstrip())
        elif len(run) > 1:
            texts.extend(packed(run, int(min(room, len(text)) * _NARROWER), fits))
        else:
            texts.extend(packed(_finer(run[0], fits), room, fits))
    return texts


def _finer(piece: Piece, fits: Fits) -> list[Piece]:
    halves = list(halved(piece, fits))
    if halves == [piece]:
        raise SourceError(
            f"found no room for {piece.alone[:80]!r}: the model's context cannot hold it below its breadcrumb; "
            "expected a context of at least 32 tokens; use another model or correct its profile's contextTokens"
        )
    return halves


def joined(run: Sequence[Piece]) -> str:
    """One passage's text: its pieces with the white space that stood between them."""
    return run[0].alone + "".join(piece.glue + piece.text for piece in run[1:])


def _breaks(pieces: Sequence[Piece], room: int) -> Iterator[tuple[int, int]]:
    """(start, stop) of each run in the cheapest division; a run longer than `room` is a single piece."""
    best = [0.0] + [float("inf")] * len(pieces)  # best[i]: the cheapest division of the first i pieces
    came_from = [0] * (len(pieces) + 1)
    for start in range(len(pieces)):
        before = best[start] + PASSAGE_COST + (_break_cost(pieces, start) if start else 0.0)
        length = len(pieces[start].alone)
        for stop in range(start + 1, len(pieces) + 1):
            if stop > start + 1:
                length += len(pieces[stop - 1].glue) + len(pieces[stop - 1].text)
                if length > room:
                    break
            cost = before + emptiness(length, room)
            if cost < best[stop]:
                best[stop], came_from[stop] = cost, start
    stops = [len(pieces)] if pieces else []
    while stops and came_from[stops[-1]] > 0:
        stops.append(came_from[stops[-1]])
    stops.reverse()
    return zip([0, *stops], stops, strict=False)


def emptiness(length: int, room: int) -> float:
    """What a passage of this length wastes: 0 when it is full, 100 when it is empty, growing with the square."""
    return 100.0 * max(0.0, 1.0 - length / room) ** 2


def _break_cost(pieces: Sequence[Piece], start: int) -> float:
    """What it costs to end a passage before the piece at `start`."""
    return pieces[start].cost + (COST_AFTER_LEAD_IN if pieces[start - 1].leads_in else 0)
