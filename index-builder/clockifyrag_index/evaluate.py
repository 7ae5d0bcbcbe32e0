"""Measures of a ranking against judged questions: nDCG@10, MRR@10 and recall@10, at article level.

nDCG with the gain 2^grade − 1 and the discount log2(rank + 1) (Burges et al., "Learning to Rank using Gradient
Descent", ICML 2005); MRR and recall count every grade above 0. Questions that nothing answers take no part in them.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import log2
from pathlib import Path
from typing import Any

import numpy as np

from .errors import UsageError

DEPTH = 10
RESAMPLES = 10_000
PICKS_MAX = 2**20  # held at once, 16 bytes each
GRADE_MAX = 100  # its gain is 2^100: more is a mistake


@dataclass(frozen=True, slots=True)
class Judged:
    """A question and the grades of the documents that answer it, by document id or URL."""

    qid: str
    query: str
    grades: Mapping[str, int]

    @property
    def is_answerable(self) -> bool:
        """Whether a document helps at all."""
        return any(grade > 0 for grade in self.grades.values())


@dataclass(frozen=True, slots=True)
class Measures:
    """What one question's ranking is worth; each between 0 and 1."""

    ndcg: float
    mrr: float
    recall: float


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over questions and the bounds of its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Measures of each answerable question, by qid, and how many questions have no answer."""

    measures: Mapping[str, Measures]
    unanswerable: int

    def interval(self, measure: str) -> Interval:
        """Mean and interval of "ndcg", "mrr" or "recall" over the answerable questions."""
        return bootstrap([getattr(one, measure) for one in self.measures.values()])


Names = tuple[str, ...]  # of one ranked document: its id, its URL


def measures(ranking: Sequence[Names], grades: Mapping[str, int], depth: int = DEPTH) -> Measures:
    """The measures of one ranking of distinct documents, best first.

    Documents may share an address, as those of one page with several parts do: the first of them counts.
    """
    wanted = {_address(name): grade for name, grade in grades.items() if grade > 0}
    left = dict(wanted)
    gains = [max((left.pop(_address(name), 0) for name in names), default=0) for names in ranking[:depth]]
    ideal = _dcg(sorted(wanted.values(), reverse=True)[:depth])
    first = next((rank for rank, grade in enumerate(gains, 1) if grade), None)
    return Measures(
        ndcg=_dcg(gains) / ideal if ideal else 0.0,
        mrr=1 / first if first else 0.0,
        recall=sum(1 for grade in gains if grade) / len(wanted) if wanted else 0.0,
    )


def _dcg(grades: Sequence[int]) -> float:
    return sum((2.0**grade - 1) / log2(rank + 1) for rank, grade in enumerate(grades, 1))


def _address(name: str) -> str:
    """A document's id or URL without what does not tell documents apart."""
    return name.partition("#")[0].rstrip("/")


def missing(judged: Iterable[Judged], documents: Iterable[Names]) -> tuple[str, ...]:
    """The graded documents, sorted, that are none of these: no ranking finds them, and each counts against it."""
    known = {_address(name) for names in documents for name in names}
    graded = {name for one in judged for name, grade in one.grades.items() if grade > 0}
    return tuple(sorted(name for name in graded if _address(name) not in known))


def evaluate(judged: Iterable[Judged], ranking: Callable[[str], Sequence[Names]]) -> Evaluation:
    """The measures of `ranking(query)` for every answerable question."""
    results: dict[str, Measures] = {}
    unanswerable = 0
    for one in judged:
        if one.is_answerable:
            results[one.qid] = measures(ranking(one.query), one.grades)
        else:
            unanswerable += 1
    return Evaluation(results, unanswerable)


def bootstrap(values: Sequence[float], resamples: int = RESAMPLES, seed: int = 0) -> Interval:
    """The mean of `values` and its 95 % percentile bootstrap interval (Efron 1979), the same for the same values."""
    sample = np.asarray(values, dtype=np.float64)
    if not len(sample):
        return Interval(0.0, 0.0, 0.0)
    means, random = np.empty(resamples), np.random.default_rng(seed)
    block = max(1, PICKS_MAX // len(sample))
    for start in range(0, resamples, block):
        part = means[start : start + block]
        part[:] = sample[random.integers(len(sample), size=(len(part), len(sample)))].mean(axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    return Interval(float(sample.mean()), float(low), float(high))


def load_judged(queries: Path, qrels: Path | None = None) -> tuple[Judged, ...]:
    """The judged questions of a JSONL file: qid or _id, query or text, relevant_urls {url or id: grade}.

    With `qrels` the grades stand in a second file: query_id, doc_id, relevance. UsageError names a line that is
    something else, or a question that stands there twice, or the second file where it judges other questions alone.
    """
    grades: dict[str, dict[str, int]] = {}
    for line, record in _records(qrels) if qrels else ():
        query_id, doc_id = _id(record, qrels, line, "query_id"), _id(record, qrels, line, "doc_id")
        grades.setdefault(query_id, {})[doc_id] = _grade(record.get("relevance", 1), qrels, line)
    judged: dict[str, Judged] = {}
    for line, record in _records(queries):
        qid = _id(record, queries, line, "qid", "_id")
        if qid in judged:
            raise UsageError(f"{queries}:{line} has the qid {qid} of a line before; expected one line a question")
        query, own = _text(record, queries, line, "query", "text"), _own_grades(record, queries, line)
        judged[qid] = Judged(qid, query, {**own, **grades.get(qid, {})})
    if not judged:
        raise UsageError(f"{queries} holds no question; expected a JSON object a line with qid and query")
    if qrels and not grades.keys() & judged.keys():
        raise UsageError(f"{qrels} judges none of the questions of {queries}; expected their qid as query_id")
    return tuple(judged.values())


def _own_grades(record: Mapping[str, Any], path: Path, line: int) -> dict[str, int]:
    """The grades that stand beside a question; none where it has no such field."""
    found = record.get("relevant_urls") or {}
    if not isinstance(found, dict):
        raise UsageError(f"{path}:{line} has relevant_urls {found!r}; expected an object of grades, {{url: grade}}")
    return {url: _grade(grade, path, line) for url, grade in found.items()}


def _grade(value: object, path: Path | None, line: int) -> int:
    """A grade as a whole number; those below 0, as TREC gives to spam, count as 0."""
    if isinstance(value, int | float | str):
        with suppress(ValueError, OverflowError):  # no number, or one without an end
            if (grade := float(value)).is_integer() and grade <= GRADE_MAX:
                return max(int(grade), 0)
    raise UsageError(f"{path}:{line} has the grade {value!r}; expected a whole number up to {GRADE_MAX}")


def _records(path: Path) -> Iterable[tuple[int, dict[str, Any]]]:
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")  # splitlines would split at U+2028 in a text, too
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"judged questions cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                record = json.loads(line)
            except (ValueError, RecursionError) as error:  # numbers of too many digits and lists in lists among them
                why = error.msg if isinstance(error, json.JSONDecodeError) else error
                raise UsageError(f"{path}:{number} is not JSON ({why}); expected one object a line") from error
            if not isinstance(record, dict):
                raise UsageError(f"{path}:{number} holds a {type(record).__name__}; expected an object")
            yield number, record


def _text(record: Mapping[str, Any], path: Path, line: int, *names: str) -> str:
    name, value = _field(record, path, line, *names)
    if not isinstance(value, str):
        raise UsageError(f"{path}:{line} has the {name} {value!r:.100}; expected text")
    return value


def _id(record: Mapping[str, Any], path: Path | None, line: int, *names: str) -> str:
    name, value = _field(record, path, line, *names)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise UsageError(f"{path}:{line} has the {name} {value!r:.100}; expected text or a whole number")
    return str(value)


def _field(record: Mapping[str, Any], path: Path | None, line: int, *names: str) -> tuple[str, object]:
    """The first of the names that the record has, and what stands there."""
    for name in names:
        if name in record:
            return name, record[name]
    raise UsageError(f"{path}:{line} has {', '.join(record) or 'no fields'}; expected {' or '.join(names)}")
