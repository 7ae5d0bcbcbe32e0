"""RandomAccessFile: a file read at the offsets asked for, instead of mapped: its pages stay the kernel's."""

import mmap
import os
import weakref
from pathlib import Path

from .disk import storage_error
from .errors import GenerationDamaged


class RandomAccessFile:
    """A file open for reading; several threads may read.

    Of a map the kernel counts the pages around each byte that was read, 64 KiB (fault_around_bytes of Linux), as the
    process's own memory, at last all of the file; and a disk that fails would kill the process instead of raising an
    error.
    """

    def __init__(self, path: Path) -> None:
        """OSError when it cannot be opened."""
        self.path = path
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._finalizer = weakref.finalize(self, os.close, self._descriptor)
        self.size = os.fstat(self._descriptor).st_size

    def read(self, offset: int, size: int) -> bytes:
        """`size` bytes from `offset` on. GenerationDamaged when the file ends before, StorageError as the disk says."""
        self._check_open()
        try:
            found = os.pread(self._descriptor, size, offset)
        except OSError as error:
            raise storage_error(error, self.path) from error
        if len(found) == size:
            return found
        whole = bytearray(size)  # a read cut short does not say why; the next one does
        self.read_into(memoryview(whole), offset)
        return bytes(whole)

    def read_into(self, buffer: memoryview, offset: int) -> None:
        """Fills the writable buffer, an array's `data` say, from `offset` on; errors as those of `read`."""
        self._check_open()
        left = buffer.cast("B")
        while left:
            try:
                count = os.preadv(self._descriptor, [left], offset)
            except OSError as error:
                raise storage_error(error, self.path) from error
            if count == 0:
                raise GenerationDamaged(
                    f"{self.path}: ends at byte {offset:,}, expected bytes up to {offset + len(left):,}. Rebuild."
                )
            left, offset = left[count:], offset + count

    def mapped(self) -> mmap.mmap:
        """All of the file as a map, for who walks through it and closes the map; a file of no bytes has none."""
        self._check_open()
        return mmap.mmap(self._descriptor, 0, access=mmap.ACCESS_READ)

    def close(self) -> None:
        """Closes the file, as the last reference to it would; a later read raises ValueError."""
        self._finalizer()

    def _check_open(self) -> None:
        if not self._finalizer.alive:
            raise ValueError(f"{self.path}: read after close")
