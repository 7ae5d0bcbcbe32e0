"""Watching a local source: when its files change, a child process builds again and the server takes the result over.

A build that fails is tried again by itself: what it lacked may be a model server that starts more slowly than we do.
"""

import math
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clockifyrag_builder.readers.local_files import file_names, is_folder
from clockifyrag_builder.readers.read_log import ReadLog
from clockifyrag_cli.failures import EXIT_USAGE
from clockifyrag_index.errors import SourceError

LOOK_EVERY_SECONDS = 2.0
AGAIN_AFTER_SECONDS = 60.0  # a build failed; twice as long after each further one
AGAIN_AFTER_SECONDS_MAX = 3600.0
STOP_WITHIN_SECONDS = 0.1  # that a build notices that it is no longer wanted
STILL_SERVED = "The build failed; the index before it is still served."

Stamps = frozenset[tuple[str, int, int]]  # name, size and time of change


@contextmanager
def watching(watched: Path, arguments: list[str], seen: Stamps, has_failed: bool = False) -> Iterator[None]:
    """Within it `clockifyrag up --once …arguments` runs whenever a file at or below `watched` changes.

    seen: their stamps before the first build, so that what was changed meanwhile is built, too. has_failed: that
    build did, and is tried again. A build that runs at the end of it is ended.
    """
    stop = threading.Event()
    again_at = time.monotonic() + AGAIN_AFTER_SECONDS if has_failed else math.inf
    thread = threading.Thread(target=_watch, args=(watched, arguments, seen, again_at, stop), name="watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _watch(watched: Path, arguments: list[str], seen: Stamps, again_at: float, stop: threading.Event) -> None:
    # a process of its own: embedding would hold up the answers of this one
    command = [sys.executable, "-m", "clockifyrag_cli", "up", "--once", *arguments]
    pause = AGAIN_AFTER_SECONDS if math.isinf(again_at) else 2 * AGAIN_AFTER_SECONDS
    while not stop.wait(LOOK_EVERY_SECONDS):
        now = stamps(watched)
        if now != seen:
            pause = AGAIN_AFTER_SECONDS
            print(f"{watched} changed: building again", flush=True)
        elif time.monotonic() >= again_at:
            print("Building once more, as the build before failed", flush=True)
        else:
            continue
        seen, again_at = now, math.inf
        code = _exit_code(command, stop)
        if code:
            print(STILL_SERVED, flush=True)
        # Of what is wrong in the resource only an edit changes anything, which is seen where the resource is watched.
        if code and (code != EXIT_USAGE or "--source" in arguments):
            again_at = time.monotonic() + pause
            pause = min(2 * pause, AGAIN_AFTER_SECONDS_MAX)


def _exit_code(command: list[str], stop: threading.Event) -> int:
    """How the build ended; 0 where it was ended because `stop` is set.

    Who ends this process may tell it alone, as systemd does: without a word from here its build would hold up the end.
    """
    with subprocess.Popen(command) as build:  # noqa: S603  our own program
        while build.poll() is None:
            if stop.wait(STOP_WITHIN_SECONDS):
                build.terminate()
                break
    return 0 if stop.is_set() else build.returncode


def stamps(path: Path) -> Stamps:
    """The stamp of the file, or of every file of the folder that a reader would read.

    Hidden files have none: in our own `.run` every build writes, and the server's log grows with each request. A file
    that vanishes meanwhile, or may not be looked at, is left out; a folder that cannot be read has no stamps.
    """
    found: set[tuple[str, int, int]] = set()
    for file in _files(path):
        try:
            status = file.stat()
        except OSError:
            continue
        found.add((str(file), status.st_size, status.st_mtime_ns))
    return frozenset(found)


def _files(path: Path) -> list[Path]:
    try:
        return [path / name for name in file_names(path, ReadLog())] if is_folder(path) else [path]
    except SourceError:  # the build that follows tells of it
        return []
