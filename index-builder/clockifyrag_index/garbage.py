"""Garbage: how often Python looks for objects that hold each other and that nobody else holds.

By itself it looks once 700 more objects were made than freed, and now and then through all there are
(docs.python.org/3/library/gc.html, set_threshold). Who makes many objects that stay pays for that and finds nothing.
This module imports nothing heavy: a process that starts asks for it first of all.
"""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

USUAL = gc.get_threshold()
SELDOM = 100_000  # objects made and not freed; were all of them garbage, they would be some tens of MB
WHILE_STARTING = 1_000_000  # more than a process makes until it is ready

_lock = threading.Lock()
_blocks = 0  # that are open, in whichever thread
_before = USUAL  # the first of them


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Until the last of the blocks that are open ends, garbage is looked for after SELDOM objects; then as before."""
    global _blocks, _before
    with _lock:
        if not _blocks:
            _before = gc.get_threshold()
            gc.set_threshold(max(_before[0], SELDOM), *_before[1:])
        _blocks += 1
    try:
        yield
    finally:
        with _lock:
            _blocks -= 1
            if not _blocks:
                gc.set_threshold(*_before)


def put_off_collection() -> None:
    """For a process that starts: hardly any look for garbage until `collect_as_usual`."""
    gc.set_threshold(WHILE_STARTING, *USUAL[1:])


def collect_as_usual() -> None:
    """Ends `put_off_collection`: looks as Python does by itself, but never again at what stands by now.

    Most of it is imported modules, and stays; to look through them takes the interpreter from who asks. What goes, as a
    generation that is replaced, must hold itself in no circle: tests/contract/test_generation_freed.py.
    """
    if gc.get_threshold()[0] == WHILE_STARTING:
        gc.freeze()
        gc.set_threshold(*USUAL)
