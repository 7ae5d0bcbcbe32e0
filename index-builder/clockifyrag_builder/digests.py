"""Digests of texts, and which of millions stand in many places: eight bytes are held for each, never the text."""

import hashlib
import unicodedata
from array import array

import numpy as np
import numpy.typing as npt


def normalised(text: str) -> str:
    """The text as it is compared: NFKC, case folded, runs of white space as one space.

    >>> normalised("  Submit\\nCANCEL ")
    'submit cancel'
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def digest64(*parts: str) -> int:
    """64 bits of BLAKE2b over the parts in order; ("ab", "c") and ("a", "bc") differ.

    Among 20 million texts two share a digest with a chance of 1 in 90,000; what rests on digests alone is a guess
    about repetition, never an identity.
    """
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "little"))
        digest.update(encoded)
    return int.from_bytes(digest.digest(), "little")


class Occurrences:
    """Where texts were seen: 16 bytes for each sighting, counted once at the end by sorting."""

    def __init__(self) -> None:
        self._texts = array("Q")
        self._places = array("Q")

    def add(self, text: int, place: int) -> None:
        """Notes that the text of this digest stands in this place (a digest or an ordinal)."""
        self._texts.append(text)
        self._places.append(place)

    def distinct(self) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
        """(texts, places), each (n,): every pair once, sorted by text, then place."""
        texts = np.frombuffer(self._texts, dtype=np.uint64)
        places = np.frombuffer(self._places, dtype=np.uint64)
        order = np.lexsort((places, texts))
        texts, places = texts[order], places[order]
        new = np.ones(len(texts), dtype=bool)
        new[1:] = (texts[1:] != texts[:-1]) | (places[1:] != places[:-1])
        return texts[new], places[new]

    def standing_in(self, places_min: int) -> dict[int, int]:
        """The texts that stand in at least so many distinct places, and in how many."""
        texts, _ = self.distinct()
        values, counts = np.unique(texts, return_counts=True)
        many = counts >= places_min
        return dict(zip(values[many].tolist(), counts[many].tolist(), strict=True))
