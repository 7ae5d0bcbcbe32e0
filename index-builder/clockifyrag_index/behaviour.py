"""Behaviour: what changed for those who ask between two rankings of the same questions.

Documents and chunks are compared in compare.py; here are the answers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from .evaluate import DEPTH, Interval, Judged, Names, bootstrap, measures

Ranking = Callable[[str], Sequence[Names]]  # a question's documents, best first


@dataclass(frozen=True, slots=True)
class QuestionChange:
    """One question's first ten before and after; a document is named by its id."""

    qid: str
    query: str
    overlap: float  # share of documents that both have, of those that either has
    moves: Mapping[str, tuple[int, int]]  # rank before and after of those that both have elsewhere
    lost: tuple[str, ...]  # among the first ten before only, best first
    gained: tuple[str, ...]
    ndcg: tuple[float, float] | None  # None: nothing answers the question


@dataclass(frozen=True, slots=True)
class Behaviour:
    """All questions, and what the change is worth."""

    questions: tuple[QuestionChange, ...]

    @property
    def overlap(self) -> float:
        """Mean overlap of the first ten, 1 where nothing came or went."""
        return fmean(one.overlap for one in self.questions)

    @property
    def changed(self) -> tuple[QuestionChange, ...]:
        """Questions whose first ten are not the same in the same order, those that changed most first."""
        moved = [one for one in self.questions if one.lost or one.gained or one.moves]
        return tuple(sorted(moved, key=lambda one: (one.overlap, one.qid)))

    @property
    def lost(self) -> Mapping[str, int]:
        """How many questions each article was lost for, most first."""
        counts: dict[str, int] = {}
        for one in self.questions:
            for name in one.lost:
                counts[name] = counts.get(name, 0) + 1
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    @property
    def differences(self) -> tuple[float, ...]:
        """nDCG@10 after less that before, of each answerable question."""
        return tuple(one.ndcg[1] - one.ndcg[0] for one in self.questions if one.ndcg)

    @property
    def wins_losses_ties(self) -> tuple[int, int, int]:
        """Answerable questions that are answered better, worse and as well as before."""
        better, worse = sum(d > 0 for d in self.differences), sum(d < 0 for d in self.differences)
        return better, worse, len(self.differences) - better - worse

    @property
    def ndcg_difference(self) -> Interval:
        """Mean difference of nDCG@10 with its paired bootstrap interval: questions are drawn, both sides together."""
        return bootstrap(self.differences)


def behaviour(judged: Sequence[Judged], before: Ranking, after: Ranking) -> Behaviour:
    """Both rankings of every question, those that nothing answers too."""
    return Behaviour(tuple(_change(one, before(one.query)[:DEPTH], after(one.query)[:DEPTH]) for one in judged))


def _change(judged: Judged, before: Sequence[Names], after: Sequence[Names]) -> QuestionChange:
    old = {names[0]: rank for rank, names in enumerate(before, 1)}
    new = {names[0]: rank for rank, names in enumerate(after, 1)}
    either, both = old.keys() | new.keys(), old.keys() & new.keys()
    return QuestionChange(
        qid=judged.qid,
        query=judged.query,
        overlap=len(both) / len(either) if either else 1.0,
        moves={name: (rank, new[name]) for name, rank in old.items() if name in both and rank != new[name]},
        lost=tuple(name for name in old if name not in new),
        gained=tuple(name for name in new if name not in old),
        ndcg=(measures(before, judged.grades).ndcg, measures(after, judged.grades).ndcg)
        if judged.is_answerable
        else None,
    )
