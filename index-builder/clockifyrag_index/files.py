"""Files of a generation: their size and digests, and writing that a power cut cannot take back."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

BLOCK_BYTES = 16 * 1024 * 1024  # a reader that fetches in parts checks, and repeats, one block at a time
_READ_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class FileRecord:
    """What the manifest says of a file."""

    size_bytes: int
    sha256: str
    blocks: tuple[str, ...]  # sha256 of each 16 MiB, the last one shorter; () for an empty file


def file_record(path: Path) -> FileRecord:
    """Size and digests of the file as it can be read now. OSError when it cannot."""
    whole, blocks, size = hashlib.sha256(), [], 0
    with path.open("rb") as file:
        while block := _digest_of_block(file, whole):
            size += block[0]
            blocks.append(block[1])
    return FileRecord(size, whole.hexdigest(), tuple(blocks))


def file_sha256(path: Path) -> str:
    """Hex sha256 of the file, read in pieces. OSError when it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def synced_file(path: Path) -> Iterator[BinaryIO]:
    """A new file to write; when the block ends without an error its bytes have reached the disk."""
    with path.open("xb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def write_synced(path: Path, data: bytes) -> None:
    """Writes the file whole, replacing what was there, and waits until the disk has it."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def remove_tree(path: Path) -> None:
    """Removes a folder with all that is in it; a file or a link by its name alone. OSError when it cannot be."""
    if path.is_symlink() or not path.is_dir():
        path.unlink()
    else:
        shutil.rmtree(path)


def sync(path: Path) -> None:
    """Waits until the disk has the file; of a directory, the names in it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _digest_of_block(file: BinaryIO, whole: "hashlib._Hash") -> tuple[int, str] | None:
    """Length and sha256 of the next block, which is added to `whole`; None at the end of the file."""
    digest, left = hashlib.sha256(), BLOCK_BYTES
    while left and (piece := file.read(min(left, _READ_BYTES))):
        digest.update(piece)
        whole.update(piece)
        left -= len(piece)
    return (BLOCK_BYTES - left, digest.hexdigest()) if left < BLOCK_BYTES else None
