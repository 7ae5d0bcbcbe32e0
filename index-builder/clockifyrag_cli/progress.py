"""Progress: what a build is doing, as a bar on a terminal, plain lines in a log, or JSON lines for a program."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from clockifyrag_index.errors import UsageError

Progress = Callable[[str, int, int], None]  # stage, done, total

STAGES = {"read": "Reading the documents", "embed": "Embedding", "write": "Writing the index"}
PLAIN_EVERY_SECONDS = 10.0
JSON_EVERY_SECONDS = 1.0


@contextmanager
def progress_display(kind: str) -> Iterator[Progress]:
    """A function (stage, done, total) that shows how far a build is; `auto` is a bar where a person looks."""
    if kind not in ("auto", "plain", "json"):
        raise UsageError(f"--progress is {kind!r}; expected auto, plain or json")
    if kind == "auto" and sys.stderr.isatty():
        with _bar() as shown:
            yield shown
    elif kind == "json":
        yield _Lines(
            JSON_EVERY_SECONDS, lambda stage, done, total: json.dumps({"stage": stage, "done": done, "total": total})
        )
    else:
        yield _Lines(PLAIN_EVERY_SECONDS, _plain)


class _Lines:
    """One line when a stage begins and ends, and one now and then in between; on standard error."""

    def __init__(self, every_seconds: float, line: Callable[[str, int, int], str]) -> None:
        self._every_seconds = every_seconds
        self._line = line
        self._stage = ""
        self._last = 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if stage != self._stage or (total and done == total) or now - self._last >= self._every_seconds:
            self._stage, self._last = stage, now
            print(self._line(stage, done, total), file=sys.stderr, flush=True)


def _plain(stage: str, done: int, total: int) -> str:
    return STAGES.get(stage, stage) + (f": {done} of {total}" if total else "")


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(STAGES["read"], total=None)

        def shown(stage: str, done: int, total: int) -> None:
            bars.update(task, description=STAGES.get(stage, stage), completed=done, total=total or None)

        yield shown
