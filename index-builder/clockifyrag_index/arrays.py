"""The arrays a ranking is made of: their kinds, and how one of a generation is read."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]  # rows of passages
Numbers = npt.NDArray[np.int64]  # numbers of articles, in the order of their rows
Scores = npt.NDArray[np.float32]


def ranges(begins: Rows, counts: Rows) -> Rows:
    """begins[0], begins[0] + 1, … counts[0] numbers, then those of the next range; (sum of counts,) int64."""
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    found: Rows = np.repeat(begins, counts) + within
    return found


def mapped_array(path: Path) -> npt.NDArray[Any]:
    """The array of a .npy file, read-only over the mapped file: only the pages that are touched are read.

    A plain view: slicing a numpy.memmap makes a numpy.memmap, which takes several times longer.
    """
    array: npt.NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False).view(np.ndarray)
    return array
