"""Doubts: how often low_confidence is told of questions that nothing answers, and how often of the others."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import sqrt

from .evaluate import Interval, Judged

Z_95 = 1.96


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    count: int
    of: int

    @property
    def interval(self) -> Interval:
        """The share and its 95 % interval (Wilson: "Probable Inference", JASA 1927), which holds for few and for 0."""
        if not self.of:
            return Interval(0.0, 0.0, 1.0)
        share, z2 = self.count / self.of, Z_95**2
        middle = (share + z2 / (2 * self.of)) / (1 + z2 / self.of)
        half = Z_95 / (1 + z2 / self.of) * sqrt(share * (1 - share) / self.of + z2 / (4 * self.of**2))
        return Interval(share, max(0.0, middle - half), min(1.0, middle + half))


@dataclass(frozen=True, slots=True)
class Doubts:
    """Which questions were doubted: the more of the unanswerable and the fewer of the answerable, the better."""

    unanswerable: Share
    answerable: Share


def doubts(judged: Iterable[Judged], doubted: Callable[[str], bool]) -> Doubts:
    """Counts the questions whose answer carries low_confidence; doubted(query): whether it does."""
    counts = {True: [0, 0], False: [0, 0]}
    for one in judged:
        count = counts[one.is_answerable]
        count[0] += doubted(one.query)
        count[1] += 1
    return Doubts(unanswerable=Share(*counts[False]), answerable=Share(*counts[True]))
