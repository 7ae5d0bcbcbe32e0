"""Load: questions asked at a constant rate while something is broken."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.cluster.load.client import Manner
from tests.cluster.load.history import History
from tests.cluster.results import AFTER_SECONDS
from tests.waiting import wait_until
from tools.cluster.inside import in_namespace

ROOT = Path(__file__).resolve().parents[3]
HISTORIES = ROOT / ".run" / "cluster"
RATE = 25.0  # questions a second
STEADY_SECONDS = 5.0  # before the fault
DRAIN_SECONDS = 15.0


class Load:
    """Asks from within the node's network, from entering until leaving; the history is kept in .run/cluster.

        with Load(resource.url, "publish") as load:
            …
        assert [] == load.history.problems(…)

    Leaving waits a while first: what breaks late belongs to the fault, too.
    """

    def __init__(
        self, url: str, name: str, rate: float = RATE, after: float = AFTER_SECONDS, manner: Manner | None = None
    ) -> None:
        HISTORIES.mkdir(parents=True, exist_ok=True)
        self.file = HISTORIES / f"{name}.jsonl"
        asked = json.dumps(asdict(manner or Manner()))
        self._command = in_namespace([sys.executable, "-m", "tests.cluster.load", url, str(rate), self.file, asked])
        self._rate, self._after = rate, after
        self._read, self._lines = 0, 0

    def __enter__(self) -> Self:
        self.file.unlink(missing_ok=True)
        self._process = subprocess.Popen(self._command, cwd=ROOT)
        try:
            self.wait(STEADY_SECONDS)
        except BaseException:
            self._end()  # nobody leaves what was not entered
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        try:
            if kind is None:
                self.wait(self._after)
        finally:
            self._end()

    @property
    def history(self) -> History:
        return History.read(self.file)

    def wait(self, seconds: float) -> None:
        """Returns once questions of so many more seconds are answered or have failed."""
        wanted = self._told() + round(seconds * self._rate)
        wait_until(lambda: self._told() >= wanted, seconds + DRAIN_SECONDS, f"{wanted} questions are through")

    def _end(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(DRAIN_SECONDS)
        finally:
            self._process.kill()  # does nothing to one that has ended

    def _told(self) -> int:
        assert self._process.poll() is None, "the load has ended by itself"
        if self.file.exists():
            with self.file.open("rb") as history:
                history.seek(self._read)
                new = history.read()
            self._read, self._lines = self._read + len(new), self._lines + new.count(b"\n")
        return self._lines

    def since(self, begin: float) -> History:
        """What was asked since a moment."""
        return self.history.between(begin, time.time())
