"""GrowingArray: a .npy file of one dimension, written piece by piece without knowing its length beforehand."""

from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt


class GrowingArray:
    """Appends pieces to `path`; the file is complete at the end of the `with` block.

    numpy leaves room in the header for a longer first axis (numpy.lib.format, GROWTH_AXIS_MAX_DIGITS), so that it can
    be written again in its place once the length is known.
    """

    def __init__(self, path: Path, dtype: npt.DTypeLike) -> None:
        self._dtype = np.dtype(dtype).newbyteorder("<")
        self._length = 0
        self._file = path.open("wb")
        self._header_bytes = self._write_header()

    def append(self, piece: npt.NDArray[Any]) -> None:
        """Writes the piece, (n,) of a type that fits into the file's."""
        self._file.write(np.ascontiguousarray(piece, dtype=self._dtype).data)
        self._length += len(piece)

    def __enter__(self) -> "GrowingArray":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file:
            if kind is None:
                assert self._write_header() == self._header_bytes, "the header has outgrown its room"

    def _write_header(self) -> int:
        self._file.seek(0)
        descr = np.lib.format.dtype_to_descr(self._dtype)
        np.lib.format.write_array_header_1_0(
            self._file, {"descr": descr, "fortran_order": False, "shape": (self._length,)}
        )
        return self._file.tell()
