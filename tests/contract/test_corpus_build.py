"""A whole help center through the builder: counts of everything that happened, and nothing embedded twice.

With CLOCKIFYRAG_CORPUS the real one, 300 articles; without it the sample.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from corpora import Corpus, corpus
from progress import silent

from clockifyrag_builder.build import build
from clockifyrag_builder.outcome import BuildOutcome
from clockifyrag_builder.plan import BuildPlan
from clockifyrag_index.layout import Layout

pytestmark = pytest.mark.corpus


@pytest.fixture(scope="module")
def source() -> Corpus:
    return corpus()


@pytest.fixture(scope="module")
def copy(source: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The articles, where a test may change them."""
    target = tmp_path_factory.mktemp("corpus") / source.articles.name
    if source.articles.is_dir():
        shutil.copytree(source.articles, target)
    else:
        shutil.copy(source.articles, target)
    return target


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("root")


@pytest.fixture(scope="module")
def first(plan_of: Callable[..., BuildPlan], copy: Path, root: Path) -> BuildOutcome:
    return build(plan_of(copy, root), silent)


def reported(root: Path, outcome: BuildOutcome) -> dict[str, Any]:
    assert outcome.generation
    record: dict[str, Any] = json.loads((Layout(root).report(outcome.generation) / "report.json").read_text())
    return record


def test_every_article_is_published_and_accounted_for(source: Corpus, first: BuildOutcome, root: Path) -> None:
    report = reported(root, first)

    assert ("Built", True) == (first.result, first.published)
    assert sum(report["languages"].values()) == first.documents == (300 if source.real else 109)
    assert first.texts_embedded <= first.chunks


def test_duplicates_boilerplate_and_empties_are_reported_by_count_and_id(
    source: Corpus, first: BuildOutcome, root: Path
) -> None:
    report = reported(root, first)
    reading = report["reading"]
    clashes = sum(listed["count"] for name, listed in reading.items() if name.startswith("ids used twice"))
    forms = [one["copies"] for one in report["left_out"] if "drop us a note" in one["text"]]

    expected = (2245, 81, 45, 12, [240]) if source.real else (0, 0, 0, 0, [])

    assert expected == (
        reading["records"]["count"], reading["empty records"]["count"], reading["articles without text"]["count"],
        clashes, forms,
    )  # fmt: skip
    assert len(reading["empty records"]["ids"]) == reading["empty records"]["count"]


def test_the_same_corpus_again_embeds_nothing(
    plan_of: Callable[..., BuildPlan], copy: Path, root: Path, first: BuildOutcome
) -> None:
    again = build(plan_of(copy, root), silent)

    assert ("Unchanged", first.generation, 0) == (again.result, again.generation, again.texts_embedded)


def test_one_changed_article_embeds_its_changed_chunks_only(
    plan_of: Callable[..., BuildPlan], copy: Path, root: Path, first: BuildOutcome
) -> None:
    files = [copy] if copy.is_file() else sorted(copy.rglob("*.md"))
    changed = next(file for file in files if "time entries" in file.read_text())
    text = changed.read_text()
    changed.write_text(text.replace("time entries", "entries of hours", 1))

    outcome = build(plan_of(copy, root), silent)
    back = changed.write_text(text) and build(plan_of(copy, root), silent)

    assert "Built" == outcome.result
    assert 1 <= outcome.texts_embedded <= 2  # the passage, and its neighbour where the cut moved
    assert ("Unchanged", first.generation, 0) == (back.result, back.generation, back.texts_embedded)
