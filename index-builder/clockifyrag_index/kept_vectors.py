"""Kept vectors: those of texts that were embedded before, the least recently used forgotten first."""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from hashlib import blake2b

from .embedders import Vectors


class KeptVectors:
    """The rows of each text, found by its content; several threads may use it at once."""

    def __init__(self, bytes_max: int) -> None:
        """bytes_max: of all rows together; one text alone may have more, and is then not kept."""
        self._bytes_max = bytes_max
        self._rows: OrderedDict[bytes, Vectors] = OrderedDict()
        self._lock = threading.Lock()
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._rows)

    def of(self, texts: Sequence[str]) -> dict[str, Vectors]:
        """The rows of those among the texts that are known."""
        found: dict[str, Vectors] = {}
        with self._lock:
            for text in texts:
                name = _name(text)
                rows = self._rows.get(name)
                if rows is not None:
                    self._rows.move_to_end(name)
                    found[text] = rows
        return found

    def keep(self, rows_of: Mapping[str, Vectors]) -> None:
        """Keeps the rows of each text."""
        with self._lock:
            for text, rows in rows_of.items():
                name = _name(text)
                before = self._rows.pop(name, None)
                self.size_bytes += rows.nbytes - (0 if before is None else before.nbytes)
                self._rows[name] = rows
            while self.size_bytes > self._bytes_max:
                _, forgotten = self._rows.popitem(last=False)
                self.size_bytes -= forgotten.nbytes


def _name(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
