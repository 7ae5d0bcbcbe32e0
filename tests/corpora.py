"""The corpus that tests and benchmarks read: the one CLOCKIFYRAG_CORPUS names, or the project's own sample."""

import os
from dataclasses import dataclass
from pathlib import Path

from clockifyrag_builder.sample import sample_articles, sample_questions


@dataclass(frozen=True)
class Corpus:
    """Articles, judged questions on them, and whether they are the real help center."""

    articles: Path
    questions: Path
    real: bool


def corpus() -> Corpus:
    """The real one where CLOCKIFYRAG_CORPUS names a folder with it, else the sample, which is said."""
    folder = os.environ.get("CLOCKIFYRAG_CORPUS")
    if folder:
        return Corpus(Path(folder) / "clockify_help.jsonl", Path(folder) / "clockify_dev.jsonl", real=True)
    print("CLOCKIFYRAG_CORPUS is not set: the project's own sample stands in for the real corpus")
    return Corpus(sample_articles(), sample_questions(), real=False)
