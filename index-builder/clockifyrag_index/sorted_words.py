"""SortedWords: a sorted list of words in two memory-mapped files, found by binary search in the map."""

import mmap
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from operator import lt
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .arrays import mapped_array


def in_byte_order(number_of: Mapping[str, int]) -> tuple[list[str], npt.NDArray[np.uint32]]:
    """(words, places): the words sorted by their UTF-8 bytes, and for each number its word's place among them.

    number_of: 0 to n - 1, each once. places: (n,).

    >>> words, places = in_byte_order({"timer": 0, "project": 1})
    >>> words, places.tolist()
    (['project', 'timer'], [1, 0])
    """
    words = sorted(number_of, key=lambda word: word.encode())
    places = np.zeros(len(number_of), dtype=np.uint32)
    places[[number_of[word] for word in words]] = np.arange(len(number_of), dtype=np.uint32)
    return words, places


def write_sorted_words(directory: Path, name: str, words: Sequence[str]) -> None:
    """Writes `<name>.bin` and `<name>.offsets.npy`; `words` are sorted by their UTF-8 bytes and differ."""
    encoded = [word.encode() for word in words]
    assert all(map(lt, encoded, encoded[1:])), "words are not sorted or not distinct"
    (directory / f"{name}.bin").write_bytes(b"".join(encoded))
    offsets = np.zeros(len(encoded) + 1, dtype=np.uint64)
    offsets[1:] = np.cumsum(np.fromiter(map(len, encoded), dtype=np.uint64, count=len(encoded)))
    np.save(directory / f"{name}.offsets.npy", offsets)


class SortedWords:
    """The words of `<name>.bin`, by number; nothing but the touched pages is in memory."""

    def __init__(self, directory: Path, name: str) -> None:
        offsets = mapped_array(directory / f"{name}.offsets.npy")
        self._offsets = memoryview(offsets.data)  # gives plain integers, several times faster than numpy
        self._bytes = _mapped(directory / f"{name}.bin")

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __iter__(self) -> Iterator[str]:
        return (self[number] for number in range(len(self)))

    def __getitem__(self, number: int) -> str:
        return self._at(number).decode()

    def find(self, word: str) -> int | None:
        """The number of `word`, or None: ⌈log2 n⌉ comparisons."""
        wanted = word.encode()
        number = bisect_left(range(len(self)), wanted, key=self._at)
        return number if number < len(self) and self._at(number) == wanted else None

    def _at(self, number: int) -> bytes:
        return self._bytes[self._offsets[number] : self._offsets[number + 1]]


def _mapped(path: Path) -> mmap.mmap | bytes:
    """The file's bytes; an empty file cannot be mapped."""
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if path.stat().st_size else b""
