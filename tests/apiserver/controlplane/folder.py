"""The folder of one control plane: in memory where the machine allows, and gone also after a run that was killed."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEMORY = Path("/dev/shm")
PREFIX = "clockifyrag-control-plane-"
FREE_BYTES_MIN = 512 * 2**20  # a container often has 64 MiB


@contextmanager
def own_folder() -> Iterator[Path]:
    """An empty folder, removed on leaving. Whoever comes next removes those of runs that were killed."""
    parent = roomy_parent()
    remove_abandoned(parent)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    try:
        with (folder / "owner").open("w") as owner:  # the kernel drops the lock when the process ends, however it ends
            fcntl.flock(owner, fcntl.LOCK_EX)
            yield folder
    finally:
        shutil.rmtree(folder)


def roomy_parent() -> Path:
    """/dev/shm where it can be written and has room, else the folder for temporary files."""
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= FREE_BYTES_MIN:
        return MEMORY
    return Path(tempfile.gettempdir())


def remove_abandoned(parent: Path) -> None:
    """Removes the folders whose owner is gone; a folder without `owner` is just being made."""
    for owner in parent.glob(f"{PREFIX}*/owner"):
        try:
            with owner.open() as held:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(owner.parent)
        except (BlockingIOError, PermissionError, FileNotFoundError):
            continue  # in use, of another user, or removed by another run just now
