"""A tar stream of plain files, written and read strictly.

Python's tarfile follows whatever a header asks for: links, devices, sparse maps, extended headers of any size that are
read into memory, names that leave the folder (CVE-2025-4517 and its kin). Here a member is a regular file with a short
name, or the archive is refused; nothing is written by this module, and nothing is read that was not announced.

    header, 512 bytes │ data │ zeros up to a multiple of 512 │ … │ two blocks of zeros │ zeros up to a record of 10,240
"""

import hashlib
import tarfile
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from .errors import GenerationDamaged

BLOCK = tarfile.BLOCKSIZE
_PIECE = 1024 * 1024


def write_member(stream: BinaryIO, name: str, size_bytes: int, pieces: Iterable[bytes | memoryview]) -> str:
    """Adds a file of exactly that size and returns the sha256 of its data, hex. Dates and owners are 0."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = size_bytes, 0o644
    stream.write(info.tobuf(tarfile.GNU_FORMAT))  # GNU: sizes above 8 GiB fit into the header itself
    digest, written = hashlib.sha256(), 0
    for piece in pieces:
        stream.write(piece)
        digest.update(piece)
        written += len(memoryview(piece).cast("B"))
    assert written == size_bytes, f"{name}: {written} bytes, {size_bytes} announced"
    stream.write(bytes(-written % BLOCK))
    return digest.hexdigest()


def write_end(stream: BinaryIO) -> None:
    """Ends the archive."""
    stream.write(bytes(2 * BLOCK))


class TarReader:
    """The members of a stream one after the other; each must be read to its end before the next."""

    def __init__(self, stream: BinaryIO, origin: str) -> None:
        self._stream = stream
        self._origin = origin

    def expect(self, name: str) -> int:
        """Size of the next member, which has to be a regular file of that name. GenerationDamaged if it is not."""
        header = self._exactly(BLOCK)
        try:
            info = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            raise self.refused(f"no file {name} where it was expected ({error})") from error
        if info.name != name or info.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or info.size < 0:
            kind = "file" if info.isreg() else f"entry of type {info.type!r}"
            raise self.refused(f"{kind} {info.name[:100]!r} of {info.size} bytes, expected the file {name}")
        return info.size

    def data(self, size_bytes: int) -> Iterator[bytes]:
        """The data of the member in pieces, its padding read too."""
        left = size_bytes
        while left:
            piece = self._exactly(min(left, _PIECE))
            left -= len(piece)
            yield piece
        self._exactly(-size_bytes % BLOCK)

    def expect_end(self) -> None:
        """Returns when nothing but zeros follows, and not many of them. GenerationDamaged otherwise."""
        rest = self._read(tarfile.RECORDSIZE + 2 * BLOCK + 1)
        if len(rest) < 2 * BLOCK or len(rest) > tarfile.RECORDSIZE + 2 * BLOCK or any(rest):
            raise self.refused("something else than the end follows the last file, or the end is missing")

    def refused(self, why: str) -> GenerationDamaged:
        """The error for this archive."""
        return GenerationDamaged(
            f"{self._origin}: {why}. Not imported: export it again with `clockifyrag index export`."
        )

    def _exactly(self, size_bytes: int) -> bytes:
        data = self._read(size_bytes)
        if len(data) < size_bytes:
            raise self.refused("ends in the middle")
        return data

    def _read(self, size_bytes: int) -> bytes:
        pieces, left = [], size_bytes
        while left and (piece := self._stream.read(left)):
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)
