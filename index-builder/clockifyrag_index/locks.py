"""Locks of an index root: one builder at a time, and one hand at a time on CURRENT.

Both are flock(2) on a file that stays: the kernel gives the lock back when its holder dies, however it dies.

    builder.lock   held for a whole build, import or gc; a second builder is told who holds it
    pointer.lock   held for milliseconds while CURRENT moves or a generation is taken away, so that nothing is
                   published after the decision to remove it; a rollback needs only this one, so it works during a build
"""

import fcntl
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .disk import is_full, storage_errors
from .errors import RootLocked
from .files import remove_tree, sync
from .layout import Layout

POINTER_WAIT_SECONDS = 10.0
POINTER_POLL_SECONDS = 0.01
_HOLDER_BYTES = 128  # always overwritten whole, so that a full disk has room for it from the second build on

_holding_thread: dict[Path, int] = {}  # by lock file: the thread of this process that holds the builder's lock


@contextmanager
def builder_lock(root: Path) -> Iterator[None]:
    """Within it nobody else writes generations below `root`, and what a killed builder left behind is gone.

    The root is made if it is missing. The thread that holds the lock may enter again. RootLocked names the holder.
    """
    layout = Layout(root)
    with storage_errors(root):
        if not layout.generations.is_dir():
            layout.generations.mkdir(parents=True, exist_ok=True)
            sync(root)  # or a power cut takes the folder back with all that was written in it since
        key = layout.builder_lock.resolve()
    if _holding_thread.get(key) == threading.get_ident():
        yield
        return
    with storage_errors(root):
        descriptor = os.open(key, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        if not _try_lock(descriptor):
            raise RootLocked(
                f"{root}: another builder is at work, {_holder(descriptor)}. One builder at a time writes a root: wait "
                "until it has finished, stop it, or choose another --out."
            )
        _holding_thread[key] = threading.get_ident()
        try:
            with storage_errors(root):
                _name_holder(descriptor)
                _remove_leftovers(layout)
            yield
        finally:
            del _holding_thread[key]
    finally:
        os.close(descriptor)


@contextmanager
def pointer_lock(root: Path) -> Iterator[None]:
    """Within it CURRENT moves and generations go by this hand alone. RootLocked after ten seconds of waiting."""
    path = Layout(root).pointer_lock
    with storage_errors(root):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        deadline = time.monotonic() + POINTER_WAIT_SECONDS
        while not _try_lock(descriptor):
            if time.monotonic() > deadline:
                raise RootLocked(
                    f"{path}: held by another process for {POINTER_WAIT_SECONDS:.0f} seconds, expected milliseconds. "
                    "Find the stopped one with `fuser` and end it; nothing was changed."
                )
            time.sleep(POINTER_POLL_SECONDS)  # flock(2) cannot wait with a deadline
        yield
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _name_holder(descriptor: int) -> None:
    try:
        os.pwrite(descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode().ljust(_HOLDER_BYTES), 0)
    except OSError as error:
        if not is_full(error):  # the name is for a message only, and gc must run on a full disk
            raise


def _holder(descriptor: int) -> str:
    return os.pread(descriptor, _HOLDER_BYTES, 0).decode(errors="replace").strip() or "process unknown"


def _remove_leftovers(layout: Layout) -> None:
    # Every writer holds the builder's lock, so whoever holds it knows that the writers of these are gone. The process
    # id in the name would not tell: in the next pod it belongs to somebody else.
    for path in layout.leftovers():
        remove_tree(path)
