"""The sample corpus: help articles about time tracking, a glossary and judged questions, shipped as package data.

articles/<category>/<slug>.md
    Markdown with front matter (title, tags, updated). A document's id is its path without suffix,
    "track-time/start-the-timer"; links are relative, "../reports/rounding.md#directions".
glossary.csv
    term,aliases,type,notes; aliases are separated by "|", and no name stands in two lines.
questions.jsonl
    {qid, query, relevant_urls, section, style} a line. relevant_urls maps document ids to grades: 2 answers, 1 helps,
    an empty map means that nothing answers. section is the best answer's place: document id, "#", GitHub's slug of
    the heading; without "#" the whole article is meant.
"""

from pathlib import Path

_HERE = Path(__file__).resolve().parent


def sample_articles() -> Path:
    """The folder of Markdown articles, one subfolder a category."""
    return _HERE / "articles"


def sample_glossary() -> Path:
    """The CSV of terms and their other names."""
    return _HERE / "glossary.csv"


def sample_questions() -> Path:
    """The judged questions, one JSON object a line."""
    return _HERE / "questions.jsonl"
