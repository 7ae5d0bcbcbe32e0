"""Harness: sides measured in interleaved rounds.

round 1   A B C        Every measurement is a fresh process. The order turns round each time, so that what drifts
round 2   C B A        with time (clock speed, heat, a neighbour) falls on all sides alike.
round 3   A B C
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.comparison import Side
from bench.corpus import Corpus
from bench.machine import Cores

ROUNDS_MIN = 5  # fewer are for trying things out: they are never written

Measured = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Bench:
    """How a run measures."""

    rounds: int
    seconds: float  # of load on a server in each round
    corpus: Corpus
    kept: Path  # for indexes, which the next run finds again
    folder: Path  # for copies, logs and what else ends with the run
    cores: Cores

    def interleaved(self, sides: Mapping[str, Callable[[], Measured]]) -> "Rounds":
        """What every side measured in every round."""
        measured: dict[str, list[Measured]] = {name: [] for name in sides}
        for number in range(self.rounds):
            for name in order(tuple(sides), number):
                self.say(f"round {number + 1} of {self.rounds}: {name}")
                measured[name].append(sides[name]())
        return Rounds(measured)

    def say(self, text: str) -> None:
        print(f"  {text}", file=sys.stderr, flush=True)


def order(names: Sequence[str], number: int) -> Sequence[str]:
    """The order of a round, numbered from 0."""
    return names if number % 2 == 0 else tuple(reversed(names))


@dataclass(frozen=True, slots=True)
class Rounds:
    """What was measured, by side and round."""

    measured: Mapping[str, Sequence[Measured]]

    def side(self, name: str, unit: str, key: str, *, called: str | None = None, times: float = 1.0) -> Side:
        """One value of a side in every round; `times` turns seconds into milliseconds."""
        return Side(called or name, unit, tuple(one[key] * times for one in self.measured[name]))
