"""FileAt: a file read at the places asked for, instead of mapped: its pages stay the kernel's."""

import mmap
import os
import weakref
from pathlib import Path

from .disk import storage_error
from .errors import GenerationDamaged


class FileAt:
    """A file open for reading; several threads may read.

    Of a map the kernel counts the pages around each byte that was read, 64 KiB, as the process's own memory, at last
    all of the file; and a disk that fails would kill the process instead of raising an error.
    """

    def __init__(self, path: Path) -> None:
        """OSError when it cannot be opened."""
        self.path = path
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._closed = weakref.finalize(self, os.close, self._descriptor)
        self.size = os.fstat(self._descriptor).st_size

    def read(self, place: int, count: int) -> bytes:
        """The `count` bytes at `place`. GenerationDamaged when the file ends before, StorageError as the disk says."""
        self._check_open()
        try:
            found = os.pread(self._descriptor, count, place)
        except OSError as error:
            raise storage_error(error, self.path) from error
        if len(found) != count:
            raise self._ends(place + len(found), place + count)
        return found

    def read_into(self, buffer: memoryview, place: int) -> None:
        """Fills the writable buffer, an array's `data` say, from `place`; errors as those of `read`."""
        self._check_open()
        try:
            count = os.preadv(self._descriptor, [buffer], place)
        except OSError as error:
            raise storage_error(error, self.path) from error
        if count != buffer.nbytes:
            raise self._ends(place + count, place + buffer.nbytes)

    def mapped(self) -> mmap.mmap:
        """All of the file as a map, for who walks through it and closes the map; a file of no bytes has none."""
        self._check_open()
        return mmap.mmap(self._descriptor, 0, access=mmap.ACCESS_READ)

    def close(self) -> None:
        """Closes the file, as the last reference to it would; a later read raises ValueError."""
        self._closed()

    def _check_open(self) -> None:
        if not self._closed.alive:
            raise ValueError(f"{self.path}: read after close")

    def _ends(self, end: int, wanted: int) -> GenerationDamaged:
        return GenerationDamaged(f"{self.path}: ends at byte {end:,}, expected bytes up to {wanted:,}. Rebuild.")
