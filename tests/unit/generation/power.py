"""A disk whose power may be cut: what it holds then, at every step of a writer that works on a real folder.

A disk is sure of what was synced: of a file its bytes at its last fsync, of a folder the names at its last one. It may
have written more, names before bytes too, so each cut leaves one of two folders:

    nothing more   names and bytes as they were synced last
    names early    all names as they are now; a file that was written since it was synced is empty
"""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

Tree = dict[str, "bytes | Tree"]
STEPS = ("rename", "replace", "unlink", "rmdir", "mkdir")  # of os: they change names


class Disk:
    """Watches a folder; `cuts` holds what the power would have left of it, cut at each step: one of two folders."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.cuts: list[tuple[Tree, Tree]] = []
        self._bytes: dict[int, bytes] = {}  # by inode: a file at its last fsync
        self._names: dict[int, dict[str, int]] = {}  # a folder at its last fsync: name → inode
        self._held: list[int] = []  # so that no inode is given to another file

    def synced(self, descriptor: int) -> None:
        """What an fsync makes sure of."""
        self._held.append(os.dup(descriptor))
        inode, path = os.fstat(descriptor).st_ino, Path(f"/proc/self/fd/{descriptor}")
        if path.is_dir():
            self._names[inode] = {one.name: one.lstat().st_ino for one in path.iterdir()}
        else:
            self._bytes[inode] = path.read_bytes()

    def sync_all(self) -> None:
        """The disk is sure of everything, as it is some time after the last write."""
        for path in (self.root, *self.root.rglob("*")):
            descriptor = os.open(path, os.O_RDONLY)
            self.synced(descriptor)
            os.close(descriptor)

    def cut(self) -> None:
        """Notes both folders that the power could leave at this moment."""
        left = self._sure(self.root.stat().st_ino), self._early(self.root)
        if [left] != self.cuts[-1:]:
            self.cuts.append(left)

    def _sure(self, folder: int) -> Tree:
        names = self._names.get(folder, {})
        return {
            name: self._sure(one) if one in self._names else self._bytes.get(one, b"") for name, one in names.items()
        }

    def _early(self, folder: Path) -> Tree:
        return {one.name: self._early(one) if one.is_dir() else self._sure_bytes(one) for one in folder.iterdir()}

    def _sure_bytes(self, file: Path) -> bytes:
        found = file.read_bytes()
        return found if found == self._bytes.get(file.stat().st_ino) else b""

    def close(self) -> None:
        for descriptor in self._held:
            os.close(descriptor)


@contextmanager
def power_may_be_cut(root: Path) -> Iterator[Disk]:
    """Within it the disk notes what each step leaves; what is in the folder at the begin is sure."""
    disk = Disk(root)
    disk.sync_all()
    with pytest.MonkeyPatch.context() as patched:

        def watched(real: Callable[..., None], then: Callable[..., None]) -> Callable[..., None]:
            def step(*arguments: object, **options: object) -> None:
                disk.cut()
                real(*arguments, **options)
                then(*arguments)
                disk.cut()

            return step

        patched.setattr(os, "fsync", watched(os.fsync, disk.synced))
        for name in STEPS:
            patched.setattr(os, name, watched(getattr(os, name), lambda *_: None))
        yield disk
        disk.cut()
    disk.close()


@contextmanager
def fails_at(step: int) -> Iterator[list[str]]:
    """Within it the call of that number fails with an input/output error; what is given names it once it has."""
    failed, left = list[str](), count(step, -1)
    with pytest.MonkeyPatch.context() as patched:

        def watched(name: str, real: Callable[..., None]) -> Callable[..., None]:
            def call(*arguments: object, **options: object) -> None:
                if next(left) == 1:
                    failed.append(name)
                    raise OSError(errno.EIO, os.strerror(errno.EIO))
                real(*arguments, **options)

            return call

        for name in ("fsync", *STEPS):
            patched.setattr(os, name, watched(name, getattr(os, name)))
        yield failed


def make(tree: Tree, folder: Path) -> Path:
    """The folder as the tree has it."""
    folder.mkdir()
    for name, one in tree.items():
        make(one, folder / name) if isinstance(one, dict) else (folder / name).write_bytes(one)
    return folder
