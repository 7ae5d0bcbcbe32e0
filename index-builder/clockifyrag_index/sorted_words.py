"""SortedWords: a sorted list of words in two memory-mapped files, found by binary search in the map."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np


def write_sorted_words(directory: Path, name: str, words: Sequence[str]) -> None:
    """Writes `<name>.bin` and `<name>.offsets.npy`; `words` are sorted by their UTF-8 bytes and differ."""
    encoded = [word.encode() for word in words]
    assert all(a < b for a, b in pairwise(encoded)), "words are not sorted or not distinct"
    (directory / f"{name}.bin").write_bytes(b"".join(encoded))
    offsets = np.zeros(len(encoded) + 1, dtype=np.uint64)
    offsets[1:] = np.cumsum([len(word) for word in encoded], dtype=np.uint64)
    np.save(directory / f"{name}.offsets.npy", offsets)


class SortedWords:
    """The words of `<name>.bin`, by number; nothing but the touched pages is in memory."""

    def __init__(self, directory: Path, name: str) -> None:
        self._offsets = np.load(directory / f"{name}.offsets.npy", mmap_mode="r", allow_pickle=False)
        path = directory / f"{name}.bin"
        # an empty file cannot be mapped
        self._bytes = np.memmap(path, dtype=np.uint8, mode="r") if path.stat().st_size else np.zeros(0, np.uint8)

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __iter__(self) -> Iterator[str]:
        return (self[number] for number in range(len(self)))

    def __getitem__(self, number: int) -> str:
        return self._at(number).decode()

    def find(self, word: str) -> int | None:
        """The number of `word`, or None: ⌈log2 n⌉ comparisons."""
        wanted = word.encode()
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if self._at(middle) < wanted:
                low = middle + 1
            else:
                high = middle
        return low if low < len(self) and self._at(low) == wanted else None

    def _at(self, number: int) -> bytes:
        return self._bytes[int(self._offsets[number]) : int(self._offsets[number + 1])].tobytes()
