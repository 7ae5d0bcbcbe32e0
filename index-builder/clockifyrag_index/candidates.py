"""Candidates: the chunks either leg proposes for a question, each with its scores in both legs."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .fusion import Scores
from .lexical import top_rows

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Leg:
    """What one leg found: rows best first with calibrated scores, and whether the leg has no more to give."""

    rows: Rows
    scores: Scores
    exhausted: bool

    @property
    def floor(self) -> float:
        """The highest score a row that is not in `rows` can still have in this leg."""
        return 0.0 if self.exhausted or not len(self.rows) else float(self.scores[-1])


@dataclass(frozen=True, slots=True)
class Candidates:
    """The union of both legs, rows ascending; all arrays have one length."""

    rows: Rows
    dense: Scores  # calibrated
    lexical: Scores  # calibrated
    dense_rank: npt.NDArray[np.int64]  # from 1; 0 where the leg did not propose the row
    lexical_rank: npt.NDArray[np.int64]


NO_LEG = Leg(np.zeros(0, np.int64), np.zeros(0, np.float32), exhausted=True)


def lexical_leg(rows: Rows, scores: Scores, k: int) -> Leg:
    """The k best of all touched rows."""
    best, best_scores = top_rows(rows, scores, k)
    return Leg(best, best_scores, exhausted=len(rows) <= k)


def ranks(rows: Rows, leg: Leg) -> npt.NDArray[np.int64]:
    """The place of each row in the leg, from 1; 0 where it is not among the leg's rows."""
    place = {int(row): rank for rank, row in enumerate(leg.rows, 1)}
    return np.array([place.get(int(row), 0) for row in rows], dtype=np.int64)


def looked_up(rows: Rows, known_rows: Rows, known_scores: Scores) -> Scores:
    """The scores of `rows` among ascending `known_rows`, 0 where a row is not among them; (len(rows),) float32."""
    if not len(known_rows):
        return np.zeros(len(rows), dtype=np.float32)
    places = np.minimum(np.searchsorted(known_rows, rows), len(known_rows) - 1)
    return np.where(known_rows[places] == rows, known_scores[places], 0).astype(np.float32)
