"""What the disk says, in words a person can act on: no space, no rights, and how much room a build needs."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from pathlib import Path

from .errors import NoSpace, StorageError
from .manifest import IndexParameters, VectorStorage

SPACE_MARGIN = 1.2

_CODE_BYTES: dict[VectorStorage, int] = {"Float32": 4, "Float16": 2, "SQ8": 1}  # of one value
_FLAT = IndexParameters()

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # EFBIG: `ulimit -f`, and files above what a file system can hold
_LOST = {errno.EIO, errno.EBADMSG, errno.EUCLEAN}  # EBADMSG, EUCLEAN: a checksum of the file system's own is wrong
_NO_RIGHTS = {errno.EACCES, errno.EPERM, errno.EROFS}


def is_full(error: OSError) -> bool:
    """Whether the volume, a quota or a file size limit stopped the write.

    numpy's `tofile` reports a short write without errno, as "1024 requested and 512 written".
    """
    return error.errno in _FULL or (error.errno is None and "requested and" in str(error))


def is_lost(error: OSError) -> bool:
    """Whether the disk cannot give back what was written there; the file made anew may be well."""
    return error.errno in _LOST


def storage_error(error: OSError, root: Path) -> StorageError:
    """The error as one of ours: NoSpace, or a StorageError that says what was refused and what to do."""
    where = error.filename or root
    if is_full(error):
        found = f"{_free_bytes(root):,} bytes are free there" if error.errno in {errno.ENOSPC, None} else str(error)
        return NoSpace(f"{where}: no space to write ({found}). Free some, raise the quota, or choose another --out.")
    if error.errno in _NO_RIGHTS:
        return StorageError(
            f"{where}: {error.strerror} for user id {os.geteuid()}. The index root must be readable, and writable for "
            f"a build: `chown -R {os.geteuid()} {root}`, or choose another --out."
        )
    return StorageError(f"{where}: {error.strerror or error}. Expected an index root that can be read and written.")


@contextmanager
def storage_errors(root: Path) -> Iterator[None]:
    """Within it, an OSError leaves as NoSpace or StorageError; other errors pass."""
    try:
        yield
    except OSError as error:
        raise storage_error(error, root) from error


def estimated_bytes(
    chunks: int, dimensions: int, text_bytes: int, index: IndexParameters = _FLAT, *, documents: int
) -> int:
    """Room a generation takes: float32 rows, the index where it is another file, the same of articles, records, word
    statistics; rather too much than too little.

    text_bytes: UTF-8 length of all contents. On 2,245 passages of a real help center a record was its text and 405
    bytes around it, the word statistics 0.75 × the text: 700 bytes and 1.5 × leave room for other languages.
    """
    codes = 0 if index.is_exact else dimensions * _CODE_BYTES[index.storage]
    graph = 8 * index.hnsw_m + 32 if index.hnsw_m else 0  # 2 m neighbours of 4 bytes below, few above
    row = dimensions * 4 + codes + graph
    return (chunks + documents) * row + chunks * 700 + ceil(2.5 * text_bytes)


def require_space(root: Path, bytes_estimate: int) -> None:
    """Returns when the volume of `root` has `bytes_estimate` × 1.2 bytes free; NoSpace tells found and needed if not.

    The root need not exist yet: its nearest existing parent is asked.
    """
    needed = ceil(bytes_estimate * SPACE_MARGIN)
    with storage_errors(root):
        free = _free_bytes(root)
    if free < needed:
        raise NoSpace(
            f"{root}: not enough space: {free:,} bytes are free, {needed:,} are needed "
            f"(estimate {bytes_estimate:,} × {SPACE_MARGIN}). "
            "Free some, remove old generations with `clockifyrag index gc`, or choose another --out."
        )


def _free_bytes(root: Path) -> int:
    existing = root.absolute()
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    return shutil.disk_usage(existing).free
