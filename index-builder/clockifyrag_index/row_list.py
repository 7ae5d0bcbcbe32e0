"""RowList: the rows of one term in two bytes each, as most of an index's memory is such lists.

    row = block · 65,536 + low      low: uint16, one a row; block: once for all rows of a term in it

The upper half stands once for many rows, as in Chambi et al., "Better bitmap performance with Roaring bitmaps" (2016,
arXiv 1402.6407), whose sparse containers these are. An index of up to 65,536 rows has one block, which is not told.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .arrays import Rows

BLOCK_ROWS = 1 << 16

Places = npt.NDArray[np.int64]


def has_blocks(size: int) -> bool:
    """Whether the lists of an index of so many rows name blocks."""
    return size > BLOCK_ROWS


def halves(rows: npt.NDArray[np.uint32]) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint16]]:
    """The block of each row and its place in there, (n,) both."""
    blocks, low = np.divmod(rows, np.uint32(BLOCK_ROWS))
    return blocks.astype(np.uint16), low.astype(np.uint16)


@dataclass(frozen=True, slots=True, eq=False)
class RowList:
    """Ascending rows. `low` are the rows themselves where there are no blocks."""

    low: npt.NDArray[np.uint16] | npt.NDArray[np.uint32]
    blocks: npt.NDArray[np.uint16] | None = None  # (parts,), ascending
    ends: Places | None = None  # (parts,): where in `low` the rows of each block end

    def __len__(self) -> int:
        return len(self.low)

    def whole(self) -> npt.NDArray[np.integer]:
        """All of them, (n,); a view where there are no blocks."""
        if self.blocks is None:
            return self.low
        rows = np.empty(len(self), dtype=np.int64)
        self.write(rows)
        return rows

    def write(self, into: Rows) -> None:
        """Writes all of them into an array of that length."""
        if self.blocks is None:
            into[:] = self.low
            return
        for block, begin, end in self._parts():
            np.add(self.low[begin:end], block * BLOCK_ROWS, out=into[begin:end], dtype=np.int64)

    def places(self, rows: npt.NDArray[np.integer]) -> tuple[Places, npt.NDArray[np.bool_]]:
        """Where each of the rows stands in the list, 0 where it does not, and whether it does; both (n,).

        Only as much of the list is read as finding them takes.
        """
        if self.blocks is None:
            return _places(self.low, rows)
        places, held = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.bool_)
        order = np.argsort(rows, kind="stable")
        ascending = rows[order]
        edges = ascending.searchsorted(self.blocks.astype(np.int64) * BLOCK_ROWS)
        past = ascending.searchsorted((self.blocks.astype(np.int64) + 1) * BLOCK_ROWS)
        for (block, begin, end), first, last in zip(self._parts(), edges.tolist(), past.tolist(), strict=True):
            if first < last:
                wanted = order[first:last]
                place, held[wanted] = _places(self.low[begin:end], ascending[first:last] - block * BLOCK_ROWS)
                places[wanted] = np.where(held[wanted], place + begin, 0)
        return places, held

    def _parts(self) -> list[tuple[int, int, int]]:
        """Block, begin and end of each part."""
        assert self.blocks is not None and self.ends is not None
        ends = self.ends.tolist()
        return list(zip(self.blocks.tolist(), [0, *ends[:-1]], ends, strict=True))


def _places(
    low: npt.NDArray[np.uint16] | npt.NDArray[np.uint32], rows: npt.NDArray[np.integer]
) -> tuple[Places, npt.NDArray[np.bool_]]:
    """The same for rows of one block, counted from its first. low: not empty."""
    wanted = rows.astype(low.dtype)
    places = low.searchsorted(wanted)
    np.minimum(places, len(low) - 1, out=places)
    held = low[places] == wanted
    return np.where(held, places, 0), held
