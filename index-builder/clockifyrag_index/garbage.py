"""Garbage: how often Python looks for objects that hold each other and that nobody else holds.

By itself it looks once 700 more objects were made than freed, and now and then through all there are
(docs.python.org/3/library/gc.html, set_threshold). Who makes many objects that stay pays for that and finds nothing.
This module imports nothing heavy: a process that starts asks for it first of all.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

USUAL = gc.get_threshold()
SELDOM = 100_000  # objects made and not freed; were all of them garbage, they would be some tens of MB
WHILE_STARTING = 1_000_000  # more than a process makes until it is ready


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Until the block ends, garbage is looked for after SELDOM objects; then as before."""
    before = gc.get_threshold()
    gc.set_threshold(max(before[0], SELDOM), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def put_off_collection() -> None:
    """For a process that starts: hardly any look for garbage until `collect_as_usual`."""
    gc.set_threshold(WHILE_STARTING, *USUAL[1:])


def collect_as_usual() -> None:
    """Ends `put_off_collection`: looks as Python does by itself, but never again at what stands by now.

    What was imported and opened stays, so that looking through it would only take the interpreter from who asks.
    """
    if gc.get_threshold()[0] == WHILE_STARTING:
        gc.freeze()
        gc.set_threshold(*USUAL)
